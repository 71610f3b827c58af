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
    """Keeps unit vectors under whole-number keys."""

    def add(self, keys: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]) -> None:
        """Keep vectors (n, d) under keys (n,)."""

    def search(self, queries: npt.NDArray[np.float32], k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Keys and cosines (q, k) of the nearest, best first; -1 and -inf where fewer than k are kept."""


STORES = {
    "exact": "dovetail.vectors.exact:ExactStore",
    "usearch": "dovetail.vectors.graph:UsearchStore",
}


def make_store(name: str, dimensions: int) -> VectorStore:
    """An empty store of the family by name."""
    if name not in STORES:
        raise UnknownName("vector store", name, STORES)
    module, attribute = STORES[name].split(":")
    store: VectorStore = getattr(import_module(module), attribute)(dimensions)
    return store
