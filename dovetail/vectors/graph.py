"""Nearest neighbours through a navigable graph (usearch): approximate, for many rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


class UsearchStore:
    """An HNSW graph of half-precision vectors."""

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self._index: Any = None

    def _open(self) -> Any:
        if self._index is None:
            from usearch.index import Index

            self._index = Index(
                ndim=self.dimensions, metric="cos", dtype="f16", connectivity=16, expansion_add=64, expansion_search=96
            )
        return self._index

    def add(self, keys: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]) -> None:
        """Keep vectors (n, d) under keys (n,)."""
        # With one thread the graph is the same from run to run; several insert in the order of chance.
        self._open().add(keys, vectors, threads=1)

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
