"""What was judged stays known: a query that is like an older one is given the answers that were good for that one.

The vectors of judged queries are kept with their answers; the likeness of a new query to them adds to the relevance of
those answers, by a weight that the gate fits on held-out queries. Likeness counts from where judged queries without a
common answer usually get to each other: a question of a new topic, which is no nearer, is told nothing.

Source: the query text as a field of the documents it led to (Xue et al., Optimizing Web Search Using Web Click-through
Data, 2004), with cosines in place of shared words.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from dovetail.errors import InputError
from dovetail.tables.atomic import replace_file
from dovetail.tasks.search_judgements import Judgements

_NEAREST = 5  # judged queries that are listened to
_STRANGERS = 0.75  # share of the judged queries whose nearest one without a common answer lies below the floor
_LOOKED_AT = 2_000  # judged queries that tell the floor
_FLOOR = 0.5  # where they cannot

Vectors = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Precedent:
    """A judged query that is like the one asked now, and what was said there of a document."""

    query: str
    cosine: float
    worth: float  # in [-1, 1]: 1 the best answer, below 0 no answer
    document: str
    likeness: float = 0.0  # in [0, 1]: how far the cosine lies above what strangers usually have


@dataclass(frozen=True)
class Memory:
    """q judged queries with their vectors, and m judgements of documents, those of one query in a row."""

    queries: tuple[str, ...]
    vectors: Vectors  # (q, d), as the searcher makes those of queries
    query: Ints  # (m,) into `queries`, rising
    documents: tuple[str, ...]  # (m,) ids
    worth: Floats  # (m,) in [-1, 1]
    floor: float = 0.0  # the cosine from which likeness counts
    without: int = -1  # a query that is not listened to: the one that is asked, where this is put to the test

    def recalled(self, vector: Vectors) -> list[Precedent]:
        """What was said of documents in the judged queries nearest to a vector (d,), nearest first."""
        cosines = self.vectors @ vector
        if self.without >= 0:
            cosines[self.without] = 0
        near = np.argsort(-cosines, kind="stable")[:_NEAREST]
        alike = np.clip((cosines - self.floor) / max(1 - self.floor, 1e-6), 0, 1)
        return [
            Precedent(self.queries[q], float(cosines[q]), float(self.worth[row]), self.documents[row], float(alike[q]))
            for q in near.tolist()
            if alike[q] > 0
            for row in range(self._starts[q], self._starts[q + 1])
        ]

    @cached_property
    def _starts(self) -> list[int]:
        return [int(n) for n in np.searchsorted(self.query, np.arange(len(self.queries) + 1))]

    def anew(self, vectors: Vectors) -> Memory:
        """The same with other vectors (q, d) of the judged queries."""
        judged = Judgements(self.queries, self.query, self.documents, np.maximum(self.worth, 0))
        kept = np.asarray(vectors, np.float32)
        return replace(self, vectors=kept, floor=floor_of(judged, kept))

    def save(self, path: Path) -> None:
        """Write everything into one file."""
        from safetensors.numpy import save

        note = {"queries": self.queries, "documents": self.documents, "floor": self.floor}
        said = json.dumps(note, ensure_ascii=False)
        arrays = {"vectors": self.vectors, "query": self.query, "worth": self.worth}
        with replace_file(path) as beside:
            beside.write_bytes(save({k: np.ascontiguousarray(v) for k, v in arrays.items()}, {"said": said}))

    @classmethod
    def load(cls, path: Path) -> Memory:
        """Read what `save` wrote."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "numpy") as file:
                arrays = {name: file.get_tensor(name) for name in ("vectors", "query", "worth")}
                said = json.loads(file.metadata()["said"])
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise InputError(f"{path} holds no judged queries ({error}); let the searcher learn again") from None
        return cls(
            tuple(said["queries"]),
            arrays["vectors"],
            arrays["query"],
            tuple(said["documents"]),
            arrays["worth"],
            float(said.get("floor", _FLOOR)),
        )


def memory_of(judged: Judgements, vectors: Vectors, rows: Sequence[int] | Ints | None = None) -> Memory:
    """What to remember of judgements whose queries have vectors (q, d): of all, or of the queries `rows` alone."""
    some = judged if rows is None else judged.only(rows)
    order = np.argsort(some.query, kind="stable")
    best = float(judged.grades.max()) or 1.0
    worth = np.where(some.grades > 0, np.sqrt(some.grades / best), -1.0)[order]
    kept = np.asarray(vectors if rows is None else vectors[np.asarray(rows, np.int64)], np.float32)
    documents = tuple(some.documents[i] for i in order.tolist())
    return Memory(some.queries, kept, some.query[order], documents, worth, floor_of(some, kept))


def floor_of(judged: Judgements, vectors: Vectors) -> float:
    """How near a judged query usually is to the nearest one that shares no right document with it, as a cosine."""
    size = len(judged.queries)
    right = judged.grades > 0
    _, number = np.unique(np.asarray(judged.documents, dtype=np.str_), return_inverse=True)
    shape = (size, int(number.max(initial=0)) + 1)
    answers = csr_array((np.ones(int(right.sum())), (judged.query[right], number[right])), shape=shape)
    nearest = []
    for row in np.linspace(0, size - 1, min(size, _LOOKED_AT)).astype(np.int64).tolist():
        cosines = vectors @ vectors[row]
        cosines[(answers @ answers[[row]].T).nonzero()[0]] = -1
        cosines[row] = -1
        nearest.append(float(cosines.max()))
    known = [cosine for cosine in nearest if cosine > -1]
    return float(np.clip(np.quantile(known, _STRANGERS), 0.0, 0.99)) if known else _FLOOR


def strength(one: Precedent) -> float:
    """How much a precedent says of its document, in [-1, 1]."""
    return one.worth * one.likeness


def by_document(precedents: Sequence[Precedent], numbers: Mapping[str, int]) -> dict[int, float]:
    """What precedents say of each document by its number: the strongest good word, or the strongest bad one."""
    found: dict[int, float] = {}
    for one in precedents:
        number, said = numbers.get(one.document), strength(one)
        if number is None:
            continue
        known = found.get(number, 0.0)
        found[number] = max(known, said) if max(known, said) > 0 else min(known, said)
    return found
