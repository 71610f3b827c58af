"""Vectors in Qdrant, a server for them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError, MissingExtra
from dovetail.vectors.answers import empty_answers

_COLLECTION = "dovetail"
_AT_ONCE = 1_000


class QdrantStore:
    """A collection of a server: `http://host:6333/COLLECTION`; without a place in the memory of this process."""

    def __init__(self, dimensions: int, place: str = "") -> None:
        self.dimensions, self.place = dimensions, place

    @cached_property
    def _name(self) -> str:
        return self.place.split("://", 1)[-1].partition("/")[2].strip("/") or _COLLECTION

    @cached_property
    def _client(self) -> Any:
        try:
            from qdrant_client import QdrantClient, models
        except ImportError:
            raise MissingExtra("a vector store in Qdrant", "qdrant") from None
        client = QdrantClient(url=self._server()) if self.place else QdrantClient(":memory:")
        try:
            if not client.collection_exists(self._name):
                shape = models.VectorParams(size=self.dimensions, distance=models.Distance.COSINE)
                client.create_collection(self._name, vectors_config=shape)
        except _refusals() as error:
            raise InputError(f"Qdrant at {self.place} does not answer: {str(error)[:200]}") from None
        return client

    def _server(self) -> str:
        scheme, slashes, rest = self.place.partition("://")
        if not slashes:
            raise InputError(f"{self.place!r} is no place of a Qdrant server; write qdrant:http://HOST:6333/COLLECTION")
        return f"{scheme}://{rest.partition('/')[0]}"

    def add(self, keys: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]) -> None:
        """Keep vectors (n, d) under keys (n,)."""
        from qdrant_client import models

        client = self._client
        for start in range(0, len(keys), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            points = models.Batch(ids=keys[part].tolist(), vectors=vectors[part].tolist())
            client.upsert(self._name, points=points, wait=True)

    def remove(self, keys: npt.NDArray[np.int64]) -> None:
        """Forget keys (n,)."""
        from qdrant_client import models

        if len(keys):
            self._client.delete(self._name, points_selector=models.PointIdsList(points=keys.tolist()), wait=True)

    def __len__(self) -> int:
        return int(self._client.count(self._name, exact=True).count)

    def search(self, queries: npt.NDArray[np.float32], k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Keys and cosines (q, k), best first."""
        keys, cosines = empty_answers(len(queries), k)
        for row, query in enumerate(queries):
            found = self._client.query_points(self._name, query=query.tolist(), limit=k).points
            keys[row, : len(found)] = [p.id for p in found]
            cosines[row, : len(found)] = [p.score for p in found]
        return keys, cosines


def _refusals() -> tuple[type[Exception], ...]:
    """What the client raises where the server cannot be reached or refuses."""
    from qdrant_client.http.exceptions import ApiException

    return (ApiException, OSError, RuntimeError, ValueError)
