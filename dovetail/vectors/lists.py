"""Nearest neighbours through lists of k-means: approximate, for tens of thousands of rows and more.

Each vector lies in the list of its nearest centre, and a search looks through the lists whose centres are nearest to
the query: first by bytes, then the best of them exactly. Beside a graph this takes less memory and a fraction of
the time to make, forgets for good, and groups of vectors that lie far apart do not defeat it. How many lists are looked
through is measured, not assumed.
Source: Jégou et al., Product Quantization for Nearest Neighbor Search, 2011 (inverted file and a second look).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dovetail.vectors.answers import empty_answers
from dovetail.vectors.exact import top_columns
from dovetail.vectors.widening import Widening

_LEAST = 16  # lists that a search looks through
_RECALL = 0.97  # of the ten nearest of strangers; of documents, which are easier, about 0.99
_STRANGERS = 4  # a query is no document: of so many vectors the one farthest from its neighbours stands for queries
_GROWTH = 4  # times as many vectors as when the centres were made, before they are made anew
_A_CENTRE = 48  # vectors of which a centre is made
_ROUNDS = 8
_BLOCK = 65_536  # vectors that join their lists at once
_AT_ONCE = 4_096  # vectors that are compared with all centres at once
_SECOND, _SPARE = 4, 32  # of k wanted ones so many times as many are looked at exactly, and some more

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.int8]
Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Codes:
    """Vectors (n, d) in two bytes a value, scale · (high + low / 254), under their keys (n,)."""

    keys: Ints
    scale: Vectors  # (n,)
    high: Bytes
    low: Bytes

    @classmethod
    def of(cls, keys: Ints, vectors: Vectors) -> _Codes:
        scale = np.abs(vectors).max(axis=1, initial=0) / np.float32(127)
        scale[scale == 0] = 1
        values = vectors / scale[:, None]
        high = np.rint(values)
        low = np.rint((values - high) * 254)
        return cls(np.asarray(keys, np.int64), scale.astype(np.float32), high.astype(np.int8), low.astype(np.int8))

    @classmethod
    def joined(cls, parts: Iterable[_Codes]) -> _Codes:
        return cls(
            *(np.concatenate(some) for some in zip(*((p.keys, p.scale, p.high, p.low) for p in parts), strict=True))
        )

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, rows: npt.NDArray[np.integer | np.bool_]) -> _Codes:
        return _Codes(self.keys[rows], self.scale[rows], self.high[rows], self.low[rows])

    @property
    def vectors(self) -> Vectors:
        return np.asarray(self.scale[:, None] * (self.high + self.low / np.float32(254)), np.float32)

    @property
    def size(self) -> int:
        return self.keys.nbytes + self.scale.nbytes + self.high.nbytes + self.low.nbytes


class ListStore:
    """Lists of vectors around centres."""

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self._centres: Vectors = np.zeros((0, dimensions), np.float32)
        self._lists: list[_Codes] = []
        self._made_of = 0  # vectors when the centres were made
        self._width = Widening(least=_LEAST, wanted=_RECALL, strangers=_STRANGERS)

    @property
    def recall(self) -> float | None:
        """Of the ten nearest, when last measured, for the quarter of the vectors that lies farthest from others."""
        return self._width.recall

    @property
    def size(self) -> int:
        """Bytes that the lists and their centres hold in memory."""
        return self._centres.nbytes + sum(part.size for part in self._lists)

    def add(self, keys: Ints, vectors: Vectors) -> None:
        """Keep vectors (n, d) under keys (n,)."""
        if not len(keys):
            return
        if len(self) + len(keys) > _GROWTH * self._made_of:
            self._centre(vectors)
        held = self._width.held_back(len(self), vectors)
        others = np.setdiff1d(np.arange(len(keys)), held)
        for start in range(0, len(others), _BLOCK):
            some = others[start : start + _BLOCK]
            self._take_in(_Codes.of(keys[some], vectors[some]), vectors[some])
        if len(held):
            self._width.measure(len(self), vectors[held], self._cosines, len(self._lists))
            self._take_in(_Codes.of(keys[held], vectors[held]), vectors[held])

    def remove(self, keys: Ints) -> None:
        """Forget keys (n,)."""
        for number, kept in enumerate(self._lists if len(keys) else ()):
            gone = np.isin(kept.keys, keys)
            if gone.any():
                self._lists[number] = kept[~gone]

    def __len__(self) -> int:
        return sum(map(len, self._lists))

    def search(self, queries: Vectors, k: int) -> tuple[Ints, Vectors]:
        """Keys and cosines (q, k), best first; more lists are read where those that usually suffice hold too few."""
        return self._found(queries, k, self._width.width)

    def _cosines(self, queries: Vectors, k: int, width: int | None) -> Vectors:
        return self._found(queries, k, len(self._lists) if width is None else width)[1]

    def _found(self, queries: Vectors, k: int, width: int) -> tuple[Ints, Vectors]:
        keys, cosines = empty_answers(len(queries), k)
        sizes = np.array([len(part) for part in self._lists], np.int64)
        kept = min(k, int(sizes.sum()))
        if not kept or not len(queries):
            return keys, cosines
        for row, query in enumerate(np.asarray(queries, np.float32)):
            order = np.argsort(-(self._centres @ query), kind="stable")
            enough = int(np.searchsorted(np.cumsum(sizes[order]), kept)) + 1
            read = [self._lists[n] for n in order[: max(width, enough)].tolist() if sizes[n]]
            found = _Codes.joined(_promising(query, read, _SECOND * kept + _SPARE))
            near = found.vectors @ query
            best = top_columns(near[None], kept)[0]
            keys[row, :kept], cosines[row, :kept] = found.keys[best], near[best]
        return keys, cosines

    def _take_in(self, codes: _Codes, vectors: Vectors) -> None:
        """Put vectors (n, d) at the end of the lists of their nearest centres."""
        for number, rows in _grouped(_nearest(vectors, self._centres)):
            self._lists[number] = _Codes.joined([self._lists[number], codes[rows]])

    def _centre(self, vectors: Vectors) -> None:
        """Make centres for what is kept and for the vectors to come (n, d), and move what is kept into their lists."""
        rows = len(self) + len(vectors)
        self._centres, self._made_of = _centres(self._sample(vectors, rows), _lists_for(rows)), rows
        old, none = self._lists, _Codes.of(np.zeros(0, np.int64), np.zeros((0, self.dimensions), np.float32))
        self._lists = [none] * len(self._centres)
        while old:  # each old list is given back to the memory as it goes
            codes = old.pop()
            self._take_in(codes, codes.vectors)

    def _sample(self, vectors: Vectors, rows: int) -> Vectors:
        """Of all rows, kept and to come (n, d), as many as the centres are made of, in proportion."""
        random, share = np.random.default_rng(0), min(1.0, _A_CENTRE * _lists_for(rows) / rows)
        parts = [codes[random.random(len(codes)) < share].vectors for codes in self._lists]
        return np.concatenate([*parts, vectors[random.random(len(vectors)) < share]])


def _promising(query: Vectors, lists: list[_Codes], most: int) -> list[_Codes]:
    """Of some lists at most so many vectors with the greatest cosines to a query (d,), judged by their high bytes."""
    from numkong import cdist

    if sum(map(len, lists)) <= most:
        return lists
    coarse = _Codes.of(np.zeros(1, np.int64), query[None]).high
    near = np.concatenate([np.asarray(cdist(coarse, part.high, "dot"))[0] for part in lists])
    cosines = near * np.concatenate([part.scale for part in lists])
    best = np.sort(np.argpartition(cosines, len(cosines) - most)[-most:])
    starts = np.cumsum([0, *map(len, lists)])
    which = np.searchsorted(starts, best, side="right") - 1
    return [lists[number][best[rows] - starts[number]] for number, rows in _grouped(which)]


def _lists_for(rows: int) -> int:
    """About the square root of the rows, so that finding lists and reading them take alike; a power of 2."""
    return int(2 ** np.ceil(np.log2(max(1, rows)) / 2))


def _centres(vectors: Vectors, lists: int) -> Vectors:
    """At most so many unit vectors (c, d) that the vectors (n, d) lie around, the same from run to run.

    Source: Dhillon and Modha, Concept Decompositions for Large Sparse Text Data, 2001 (spherical k-means).
    """
    usable = vectors[vectors.any(axis=1)]
    if len(usable) <= lists:
        return usable if len(usable) else np.eye(1, vectors.shape[1], dtype=np.float32)
    random = np.random.default_rng(0)
    found = usable[random.permutation(len(usable))[:lists]]
    for _ in range(_ROUNDS):
        groups = list(_grouped(_nearest(usable, found)))
        found = usable[random.permutation(len(usable))[:lists]]  # a centre that lost all its vectors starts anew
        for number, rows in groups:
            total = usable[rows].sum(axis=0)
            found[number] = total / max(float(np.linalg.norm(total)), 1e-9)
    return found


def _nearest(vectors: Vectors, centres: Vectors) -> Ints:
    """The number of the centre (c, d) nearest to each vector (n, d)."""
    found = np.zeros(len(vectors), np.int64)
    for start in range(0, len(vectors), _AT_ONCE):
        found[start : start + _AT_ONCE] = (vectors[start : start + _AT_ONCE] @ centres.T).argmax(axis=1)
    return found


def _grouped(numbers: Ints) -> Iterable[tuple[int, Ints]]:
    """Each number that occurs in (n,), and its rows, rising."""
    order = np.argsort(numbers, kind="stable")
    which, starts = np.unique(numbers[order], return_index=True)
    return zip(which.tolist(), np.split(order, starts[1:]), strict=True)
