"""Nearest neighbours through a navigable graph (usearch): approximate, for many rows.

How many nodes a search looks at is measured, not assumed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.vectors.widening import Widening

_WIDTH = 96  # nodes that a search looks at, at least
_WIDEST = 1_536
_RECALL = 0.98  # of the ten nearest


class UsearchStore:
    """An HNSW graph of half-precision vectors."""

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self._index: Any = None
        self._width = Widening(least=_WIDTH, wanted=_RECALL)

    @property
    def recall(self) -> float | None:
        """Of the ten nearest, when it was last measured."""
        return self._width.recall

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
        held = self._width.held_back(len(index), vectors)
        others = np.setdiff1d(np.arange(len(keys)), held)
        # With one thread the graph is the same from run to run; several insert in the order of chance.
        index.add(keys[others], vectors[others], threads=1)
        if len(held):
            self._width.measure(len(index), vectors[held], self._cosines, _WIDEST)
            index.expansion_search = self._width.width
            index.add(keys[held], vectors[held], threads=1)

    def _cosines(self, vectors: npt.NDArray[np.float32], k: int, width: int | None) -> npt.NDArray[np.float32]:
        index = self._open()
        index.expansion_search = width or _WIDTH
        return 1 - np.atleast_2d(index.search(vectors, k, exact=width is None, threads=1).distances)

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
