"""Judgements: which document is how good an answer to which query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError
from dovetail.tables.read import read
from dovetail.types import Table

_NAMES = {
    "query": ("query", "query_text", "q", "question", "search", "query-id", "query_id", "qid"),
    "document": ("document", "document_id", "doc", "doc_id", "corpus-id", "corpus_id", "id", "docid"),
    "grade": ("grade", "relevance", "score", "rating", "gain", "label", "judgement", "judgment"),
}
_WORDS = {"good": 1.0, "bad": 0.0, "yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0, "relevant": 1.0, "not": 0.0}


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


def read_judgements(source: Any, *, queries: Any = None) -> Judgements:
    """Judgements from a file or table with the columns query, document and grade, from rows, or from a mapping.

    Without a column of grades every row is a good answer. `queries` (a file or table, or a mapping from id to text)
    gives the words where the column of queries holds ids.
    """
    if isinstance(source, Judgements):
        return source
    if isinstance(source, Mapping):
        return judgements_of(row for q, found in source.items() for row in _answers(q, found))
    if isinstance(source, list | tuple):
        return judgements_of(_triple(row) for row in source)
    table = read(source)
    columns = {key: _column(table, names) for key, names in _NAMES.items()}
    for key in ("query", "document"):
        if columns[key] is None:
            raise InputError(
                f"{table.name} has no column {key}; expected query, document and grade, "
                f"found {', '.join(table.columns)}"
            )
    words = _query_texts(queries)
    return judgements_of(_rows(table, columns, words))


def _answers(query: Any, found: Any) -> Iterable[tuple[str, str, float]]:
    """The rows of one query of a mapping: documents with their grades, or a list of good ones."""
    pairs = found.items() if isinstance(found, Mapping) else [(document, 1.0) for document in found]
    return [_triple((query, document, grade)) for document, grade in pairs]


def _triple(row: Any) -> tuple[str, str, float]:
    if not isinstance(row, list | tuple) or len(row) not in (2, 3):
        raise InputError(f"the judgement {row!r} is not understood; expected (query, id of a document, grade)")
    query, document, grade = (*row, 1.0)[:3]
    return str(query), str(document), _grade(grade, "the judgements")


def query_column(table: Table) -> list[str]:
    """The queries of a table: its column of queries, or the text of each row."""
    column = _column(table, ("query", "query_text", "question", "text", "search"))
    if column is None:
        raise InputError(f"{table.name} has no column query; found {', '.join(table.columns)}")
    return [str(value) for value in table.data[column].to_pylist() if value not in (None, "")]


def _column(table: Table, names: Sequence[str]) -> str | None:
    known = {c.casefold(): c for c in table.columns}
    return next((known[n] for n in names if n in known), None)


def _rows(
    table: Table, columns: Mapping[str, str | None], words: Mapping[str, str]
) -> Iterable[tuple[str, str, float]]:
    asked = table.data[columns["query"]].to_pylist()
    found = table.data[columns["document"]].to_pylist()
    grades = table.data[columns["grade"]].to_pylist() if columns["grade"] else [1.0] * len(table)
    for query, document, grade in zip(asked, found, grades, strict=True):
        if query is None or document is None or grade in (None, ""):
            continue
        if words and str(query) not in words:
            raise InputError(f"{table.name} judges the query {query!r}, which the list of queries does not have")
        yield words.get(str(query), str(query)), str(document), _grade(grade, table.name)


def _grade(value: Any, name: str) -> float:
    word = str(value).strip().casefold()
    if word in _WORDS:
        return _WORDS[word]
    try:
        return float(word)
    except ValueError:
        raise InputError(f"the grade {value!r} in {name} is not understood; write a number, or good and bad") from None


def _query_texts(queries: Any) -> dict[str, str]:
    if queries is None:
        return {}
    if isinstance(queries, Mapping):
        return {str(k): str(v) for k, v in queries.items()}
    table = read(queries)
    known = {c.casefold(): c for c in table.columns}
    key = next((known[n] for n in ("_id", "id", "query_id", "query-id", "qid") if n in known), None)
    text = next((known[n] for n in ("text", "query", "question", "title") if n in known), None)
    if key is None or text is None:
        raise InputError(
            f"{Path(table.name).name} needs the columns id and text of each query; found {', '.join(table.columns)}"
        )
    pairs = zip(table.data[key].to_pylist(), table.data[text].to_pylist(), strict=True)
    return {str(k): str(v) for k, v in pairs if k is not None and v is not None}
