"""Vectors in LanceDB: files on disk or in object storage, exact up to a size and then with an index."""

from __future__ import annotations

import tempfile
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dovetail.errors import MissingExtra
from dovetail.vectors.answers import empty_answers

_TABLE = "vectors"


class LanceStore:
    """A table of keys and vectors in a folder or at a URL that LanceDB understands."""

    def __init__(self, dimensions: int, place: str = "") -> None:
        self.dimensions, self.place = dimensions, place

    @cached_property
    def _schema(self) -> pa.Schema:
        return pa.schema([("key", pa.int64()), ("vector", pa.list_(pa.float32(), self.dimensions))])

    @cached_property
    def _table(self) -> Any:
        try:
            import lancedb
        except ImportError:
            raise MissingExtra("a vector store in LanceDB", "lance") from None
        if not self.place:
            self._temporary = tempfile.mkdtemp(prefix="dovetail-lance-")
        return lancedb.connect(self.place or self._temporary).create_table(_TABLE, schema=self._schema, exist_ok=True)

    def add(self, keys: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]) -> None:
        """Keep vectors (n, d) under keys (n,)."""
        if len(keys):
            flat = pa.array(np.ascontiguousarray(vectors, np.float32).ravel())
            columns = [pa.array(keys), pa.FixedSizeListArray.from_arrays(flat, self.dimensions)]
            self._table.add(pa.table(columns, schema=self._schema))

    def remove(self, keys: npt.NDArray[np.int64]) -> None:
        """Forget keys (n,)."""
        if len(keys):
            self._table.delete(f"key IN ({', '.join(map(str, keys.tolist()))})")

    def __len__(self) -> int:
        return int(self._table.count_rows())

    def search(self, queries: npt.NDArray[np.float32], k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Keys and cosines (q, k), best first."""
        keys, cosines = empty_answers(len(queries), k)
        for row, query in enumerate(queries if len(self) else ()):
            wanted = self._table.search(query).distance_type("cosine").select(["key", "_distance"]).limit(k)
            found = wanted.to_arrow()
            keys[row, : len(found)] = found["key"].to_numpy()
            cosines[row, : len(found)] = 1 - found["_distance"].to_numpy()
        return keys, cosines
