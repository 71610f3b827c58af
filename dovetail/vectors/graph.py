"""Nearest neighbours through a navigable graph (usearch): approximate, for many rows.

How many nodes a search looks at is measured, not assumed: whenever the graph has doubled, some vectors that are about
to join it ask for their neighbours first, and the width grows until the graph answers as a plain comparison does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_WIDTH = 96  # nodes that a search looks at, at least
_WIDEST = 1_536
_RECALL = 0.98  # of the ten nearest
_NEAREST = 10
_ASKED = 64  # vectors that measure it
_FEWEST = 16  # a batch with fewer waits for a larger one
_SLACK = 1e-5  # cosines closer than half precision tells apart
_FEW = 5_000  # rows up to which the least width finds all


class UsearchStore:
    """An HNSW graph of half-precision vectors."""

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self.recall: float | None = None  # of the ten nearest, when it was last measured
        self._index: Any = None
        self._measured = _FEW  # rows at the last measuring

    def _open(self) -> Any:
        if self._index is None:
            from usearch.index import Index

            self._index = Index(
                ndim=self.dimensions,
                metric="cos",
                dtype="f16",
                connectivity=16,
                expansion_add=64,
                expansion_search=_WIDTH,
            )
        return self._index

    def add(self, keys: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]) -> None:
        """Keep vectors (n, d) under keys (n,)."""
        index = self._open()
        held = self._held_back(keys, vectors)
        others = np.setdiff1d(np.arange(len(keys)), held)
        # With one thread the graph is the same from run to run; several insert in the order of chance.
        index.add(keys[others], vectors[others], threads=1)
        if len(held):
            self._measure(vectors[held])
            index.add(keys[held], vectors[held], threads=1)

    def _held_back(self, keys: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        """Rows of a batch (m,) that ask before they join: none where it is too soon, or where there are too few."""
        if len(self._open()) + len(keys) < 2 * self._measured:
            return np.zeros(0, np.int64)
        usable = np.flatnonzero(vectors.any(axis=1))
        return np.sort(np.random.default_rng(0).permutation(usable)[:_ASKED]) if len(usable) >= _FEWEST else usable[:0]

    def _measure(self, asked: npt.NDArray[np.float32]) -> None:
        """Widen the search until it finds for vectors outside the graph (m, d) what a plain comparison finds.

        What lies as near as the tenth of a plain comparison counts as found: equal vectors stand for each other.
        """
        index = self._open()
        if len(index) < _NEAREST:
            return
        limit = index.search(asked, _NEAREST, exact=True, threads=1).distances[:, -1:] + _SLACK
        index.expansion_search = _WIDTH
        while True:
            found = index.search(asked, _NEAREST, threads=1).distances
            self.recall = float((found <= limit).mean())
            if self.recall >= _RECALL or index.expansion_search >= _WIDEST:
                break
            index.expansion_search = min(_WIDEST, 2 * index.expansion_search)
        self._measured = len(index) + len(asked)

    @property
    def size(self) -> int:
        """Bytes that the graph holds in memory."""
        return int(self._open().memory_usage)

    def remove(self, keys: npt.NDArray[np.int64]) -> None:
        """Forget keys (n,); their places in the graph are used again."""
        index = self._open()
        known = keys[index.contains(keys)] if len(keys) and len(index) else keys[:0]
        if len(known):
            index.remove(known, threads=1)

    def __len__(self) -> int:
        return len(self._open())

    def search(self, queries: npt.NDArray[np.float32], k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Keys and cosines (q, k), best first."""
        index = self._open()
        keys = np.full((len(queries), k), -1, np.int64)
        cosines = np.full((len(queries), k), -np.inf, np.float32)
        kept = min(k, len(index))
        if not kept or not len(queries):
            return keys, cosines
        found = index.search(np.atleast_2d(queries), kept)
        near, far = np.atleast_2d(found.keys), np.atleast_2d(found.distances)
        keys[:, : near.shape[1]] = near.astype(np.int64)
        cosines[:, : near.shape[1]] = 1 - far.astype(np.float32)
        return keys, cosines
