"""The seam of all vector stores: keep unit vectors, find the nearest."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from dovetail.errors import UnknownName

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

EXACT_ROWS = 20_000  # up to here comparing with every vector is quicker than building a graph


class VectorStore(Protocol):
    """Keeps unit vectors under whole-number keys. A key is added only once."""

    def add(self, keys: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]) -> None:
        """Keep vectors (n, d) under keys (n,)."""

    def remove(self, keys: npt.NDArray[np.int64]) -> None:
        """Forget keys (n,); one that is not kept is passed over."""

    def search(self, queries: npt.NDArray[np.float32], k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Keys and cosines (q, k) of the nearest, best first; -1 and -inf where fewer than k are kept."""

    def __len__(self) -> int:
        """How many vectors are kept."""


STORES = {
    "exact": "dovetail.vectors.exact:ExactStore",
    "usearch": "dovetail.vectors.graph:UsearchStore",
    "lists": "dovetail.vectors.lists:ListStore",
    "lance": "dovetail.vectors.lance:LanceStore",
    "postgresql": "dovetail.vectors.postgres:PostgresStore",
    "qdrant": "dovetail.vectors.qdrant:QdrantStore",
}
PLACED = ("lance", "postgresql", "qdrant")  # these keep their vectors at a place of their own


def make_store(name: str, dimensions: int) -> VectorStore:
    """A store of the family by name, or by name and place: `lance:FOLDER`, `postgresql://…?table=T`, `qdrant:http://…`.

    One without a place is empty, in memory. One with a place keeps what was there.
    """
    kind, colon, rest = name.partition(":")
    if kind not in STORES:
        raise UnknownName("vector store", kind, STORES)
    module, attribute = STORES[kind].split(":")
    made = getattr(import_module(module), attribute)
    place = name if kind == "postgresql" else rest
    store: VectorStore = made(dimensions, place) if colon else made(dimensions)
    return store
