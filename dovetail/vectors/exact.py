"""Nearest neighbours by comparing with every vector: exact, and quick up to tens of thousands of rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_BLOCK = 1_024
_GROUP = 32


class ExactStore:
    """Vectors in memory, compared in blocks of queries."""

    def __init__(self, dimensions: int) -> None:
        self._keys = np.zeros(0, np.int64)
        self._vectors = np.zeros((0, dimensions), np.float32)

    def add(self, keys: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]) -> None:
        """Keep vectors (n, d) under keys (n,)."""
        self._keys = np.concatenate([self._keys, keys])
        self._vectors = np.concatenate([self._vectors, vectors.astype(np.float32)])

    def remove(self, keys: npt.NDArray[np.int64]) -> None:
        """Forget keys (n,)."""
        kept = ~np.isin(self._keys, keys)
        self._keys, self._vectors = self._keys[kept], self._vectors[kept]

    def __len__(self) -> int:
        return len(self._keys)

    def search(self, queries: npt.NDArray[np.float32], k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Keys and cosines (q, k), best first; ties go to the vector that was added first."""
        kept = min(k, len(self._keys))
        keys = np.full((len(queries), k), -1, np.int64)
        cosines = np.full((len(queries), k), -np.inf, np.float32)
        for start in range(0, len(queries), _BLOCK):
            near = queries[start : start + _BLOCK] @ self._vectors.T
            best = top_columns(near, kept)
            keys[start : start + _BLOCK, :kept] = self._keys[best]
            cosines[start : start + _BLOCK, :kept] = np.take_along_axis(near, best, axis=1)
        return keys, cosines


def top_columns(values: npt.NDArray[np.float32], k: int) -> npt.NDArray[np.int64]:
    """Columns (q, k) of the k greatest values of each row, greatest first, ties to the lower column.

    Every one of them lies in one of the k groups of columns with the greatest maxima, so only those are sorted.
    """
    width = values.shape[1]
    if width <= max(2 * k, 4) * _GROUP:
        return np.argsort(-values, axis=1, kind="stable")[:, :k]
    padding = -width % _GROUP
    padded = np.pad(values, ((0, 0), (0, padding)), constant_values=-np.inf) if padding else values
    maxima = padded.reshape(len(values), -1, _GROUP).max(axis=2)
    groups = np.sort(top_columns(maxima, k), axis=1)
    columns = (groups[:, :, None] * _GROUP + np.arange(_GROUP)).reshape(len(values), -1)
    order = np.argsort(-np.take_along_axis(padded, columns, axis=1), axis=1, kind="stable")[:, :k]
    return np.take_along_axis(columns, order, axis=1)
