"""Judgements: which document is how good an answer to which query."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError


@dataclass(frozen=True)
class Judgements:
    """m judgements of the answers to q queries. A grade of 0 says that the document is no answer."""

    queries: tuple[str, ...]  # (q,) each once
    query: npt.NDArray[np.int64]  # (m,) into `queries`
    documents: tuple[str, ...]  # (m,) ids
    grades: npt.NDArray[np.float64]  # (m,) from 0 upwards

    def __len__(self) -> int:
        return len(self.documents)

    def of(self, query: int) -> dict[str, float]:
        """The graded documents of one query."""
        rows = np.flatnonzero(self.query == query)
        return {self.documents[r]: float(self.grades[r]) for r in rows}

    def among(self, documents: Container[str]) -> Judgements | None:
        """The judgements of documents that are there; None where none is."""
        rows = [r for r, d in enumerate(self.documents) if d in documents]
        asked = np.unique(self.query[rows])
        if not rows:
            return None
        return Judgements(
            tuple(self.queries[q] for q in asked.tolist()),
            np.searchsorted(asked, self.query[rows]),
            tuple(self.documents[r] for r in rows),
            self.grades[rows],
        )

    def only(self, queries: Sequence[int] | npt.NDArray[np.int64]) -> Judgements:
        """The judgements of some queries."""
        place = {int(q): i for i, q in enumerate(queries)}
        rows = [r for r, q in enumerate(self.query) if int(q) in place]
        return Judgements(
            tuple(self.queries[int(q)] for q in queries),
            np.array([place[int(self.query[r])] for r in rows], np.int64),
            tuple(self.documents[r] for r in rows),
            self.grades[rows],
        )


def judgements_of(rows: Iterable[tuple[str, str, float]]) -> Judgements:
    """Judgements from rows (query, document id, grade); a pair that is judged twice keeps the mean."""
    sums: dict[tuple[str, str], list[float]] = {}
    for query, document, grade in rows:
        if not np.isfinite(grade) or grade < 0:
            raise InputError(f"the grade {grade} of {document!r} for {query!r} cannot be; expected 0 or more")
        sums.setdefault((str(query), str(document)), []).append(float(grade))
    if not sums:
        raise InputError("there are no judgements; expected rows with a query, the id of a document and a grade")
    queries = {query: None for query, _ in sums}
    place = {query: i for i, query in enumerate(queries)}
    return Judgements(
        tuple(queries),
        np.array([place[q] for q, _ in sums], np.int64),
        tuple(d for _, d in sums),
        np.array([np.mean(g) for g in sums.values()]),
    )
