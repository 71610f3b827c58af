"""The vectors of all passages in memory or in a store, kept in step with the index: which documents mean the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dovetail.tasks.search_fusion import Near
from dovetail.tasks.search_index import Index
from dovetail.vectors.base import EXACT_ROWS, VectorStore, make_store

_MANY = 0.1  # share of the passages from which a filter is applied to what the store finds, and not before
_ALIKE = 5  # neighbours of a candidate
_ROWS = 512  # candidates that are compared with all others at once
_SPARE = 1.3  # how many more passages are asked for than wanted documents have in the mean

Bools = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.int64]
Cosines = npt.NDArray[np.float32]


class Passages:
    """The passages of an index in a vector store. Derived: `refresh` makes it follow the index."""

    def __init__(self, dimensions: int, store: str = "auto") -> None:
        self.dimensions, self.wish = dimensions, store
        self.empty()

    def empty(self) -> None:
        """Forget everything, so that the next `refresh` reads the index anew."""
        self.change = -1
        self.alive: Bools = np.zeros(0, bool)  # by document number
        self.numbers: Ids = np.zeros(0, np.int64)  # of the passages, rising
        self.documents: Ids = np.zeros(0, np.int64)  # of each passage
        self._store: VectorStore | None = None
        self._kind = ""

    def refresh(self, index: Index) -> None:
        """Take in what was added, drop what was removed; nothing is read where nothing changed."""
        change = index.fact("changes")
        if change == self.change:
            return
        last = int(self.numbers[-1]) if len(self.numbers) else 0
        numbers, documents, vectors = index.passages_after(last)
        size = index.last_document() + 1
        alive = np.zeros(size, bool)
        alive[: len(self.alive)] = self.alive
        alive[documents] = True
        gone = index.removed_after(self.change)
        alive[gone[gone < size]] = False
        self._forget(gone)
        self._take_in(index, numbers, documents, vectors)
        self.alive, self.change = alive, change

    def _take_in(self, index: Index, numbers: Ids, documents: Ids, vectors: Cosines) -> None:
        if not len(numbers):
            return
        kind = self._kind_for(len(self.numbers) + len(numbers))
        if self._store is not None and kind != self._kind:  # grown out of the exact store
            self.numbers, self.documents, self._store = self.numbers[:0], self.documents[:0], None
            numbers, documents, vectors = index.passages_after(0)
        if self._store is None:
            self._store = make_store(kind, self.dimensions)
            if len(self._store) == len(numbers):  # one with a place of its own, as an earlier process left it
                vectors = vectors[:0]
            elif len(self._store):
                self._store.remove(numbers)
        if len(vectors):
            self._store.add(numbers, vectors)
        self._kind = kind
        self.numbers = np.concatenate([self.numbers, numbers])
        self.documents = np.concatenate([self.documents, documents])

    def _forget(self, documents: Ids) -> None:
        """Take the passages of documents that have gone out of the store; they are passed over anyway."""
        keys = self.numbers[np.isin(self.documents, documents)] if len(documents) else self.numbers[:0]
        if self._store is not None and len(keys):
            self._store.remove(keys)

    def _kind_for(self, passages: int) -> str:
        if self.wish != "auto":
            return self.wish
        return "exact" if passages <= EXACT_ROWS else "lists"

    def allowed(self, wanted: Ids | None) -> Bools:
        """Which documents may be found, by their number: those that are there, and match the filter."""
        if wanted is None:
            return self.alive
        mask = np.zeros(len(self.alive), bool)
        mask[wanted[wanted < len(mask)]] = True
        return mask & self.alive

    def nearest(self, index: Index, query: Cosines, k: int, allowed: Bools) -> tuple[Ids, Cosines]:
        """The k documents with the passages nearest to a query (d,), and their cosines, best first."""
        if self._store is None or not query.any():
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        share = float(allowed[self.documents].mean())
        if share < _MANY:
            return best_of(*cosines_of(index, query, np.flatnonzero(allowed)), k)
        return self._found(query, k, allowed, share)

    def _found(self, query: Cosines, k: int, allowed: Bools, share: float) -> tuple[Ids, Cosines]:
        assert self._store is not None
        wide = int(_SPARE * k * len(self.numbers) / max(1, int(self.alive.sum())) / share) + 16
        while True:
            keys, cosines = self._store.search(query[None], min(wide, len(self.numbers)))
            place = np.minimum(np.searchsorted(self.numbers, keys[0]), len(self.numbers) - 1)
            there = self.numbers[place] == keys[0]
            documents = self.documents[place[there]]
            fit = allowed[documents]
            best, cosine = best_of(documents[fit], cosines[0][there][fit], k)
            if len(best) >= k or wide >= len(self.numbers):
                return best, cosine
            wide *= 4


def cosines_of(index: Index, query: Cosines, documents: Sequence[int] | Ids) -> tuple[Ids, Cosines]:
    """The document and the cosine of every passage of some documents."""
    rows = index.passages_of([int(d) for d in documents])
    if not rows:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    return np.array([r[0] for r in rows], np.int64), np.stack([r[3] for r in rows]) @ query


def near_of(index: Index, documents: Ids) -> Near:
    """Which of some documents (n,), rising, mean about the same: by the cosines of the means of their passages."""
    rows = index.passages_of([int(d) for d in documents])
    n, k = len(documents), min(_ALIKE, max(0, len(documents) - 1))
    if not rows:
        return Near(np.zeros((n, 0), np.int64), np.zeros((n, 0)))
    means = np.zeros((n, len(rows[0][3])), np.float32)
    np.add.at(means, np.searchsorted(documents, [row[0] for row in rows]), np.stack([row[3] for row in rows]))
    norms = np.linalg.norm(means, axis=1, keepdims=True)
    means /= np.where(norms > 0, norms, 1)
    places, best = np.zeros((n, k), np.int64), np.zeros((n, k))
    for start in range(0, n, _ROWS):
        rows_of = slice(start, min(start + _ROWS, n))
        cosines = np.maximum(means[rows_of] @ means.T, 0)
        cosines[np.arange(len(cosines)), np.arange(rows_of.start, rows_of.stop)] = -1
        places[rows_of] = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
        best[rows_of] = np.maximum(np.take_along_axis(cosines, places[rows_of], axis=1), 0)
    return Near(places, best)


def best_of(documents: Ids, cosines: Cosines, k: int) -> tuple[Ids, Cosines]:
    """Each document once, with its best passage, best first."""
    order = np.lexsort((documents, -cosines))
    _, first = np.unique(documents[order], return_index=True)
    kept = order[np.sort(first)][:k]
    return documents[kept], cosines[kept]
