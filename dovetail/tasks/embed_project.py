"""Maps of a space in two dimensions. A map is made once and then places any number of points, so that old ones stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError, MissingExtra, UnknownName

Vectors = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]

MAPS = {
    "pca": "dovetail.tasks.embed_project:principal",
    "classes": "dovetail.tasks.embed_project:discriminant",
    "umap": "dovetail.tasks.embed_project:manifold",
}


@dataclass(frozen=True)
class LinearMap:
    """(vectors − centre) · axes."""

    centre: Points  # (d,)
    axes: Points  # (d, 2)

    def __call__(self, vectors: Vectors) -> Points:
        """Points (n, 2) of vectors (n, d)."""
        return np.asarray((vectors - self.centre) @ self.axes, np.float64)


def map_of(
    vectors: Vectors, labels: npt.NDArray[np.int64] | None = None, *, method: str = "pca", seed: int = 0
) -> Callable[[Vectors], Points]:
    """A map made of vectors (n, d): `pca`, `classes` (which parts the labelled classes; -1: no label) or `umap`."""
    if method not in MAPS:
        raise UnknownName("map", method, MAPS)
    if len(vectors) < 3:
        raise InputError(f"a map needs three texts or more; there are {len(vectors)}")
    module, attribute = MAPS[method].split(":")
    made: Callable[[Vectors], Points] = getattr(import_module(module), attribute)(vectors, labels, seed)
    return made


def principal(vectors: Vectors, labels: npt.NDArray[np.int64] | None = None, seed: int = 0) -> LinearMap:
    """The two directions in which the vectors differ most."""
    del labels, seed
    centre = vectors.mean(axis=0, dtype=np.float64)
    axes = np.linalg.svd(_some(vectors) - centre, full_matrices=False)[2]
    return LinearMap(centre, _signed(axes[:2].T))


def discriminant(vectors: Vectors, labels: npt.NDArray[np.int64] | None = None, seed: int = 0) -> LinearMap:
    """The two directions in which the classes differ most for the spread inside them (Fisher 1936, regularised)."""
    del seed
    if labels is None or len(np.unique(labels[labels >= 0])) < 2:
        raise InputError("a map of classes needs labels of two classes or more")
    known = labels >= 0
    inside = vectors[known].astype(np.float64)
    centre = inside.mean(axis=0)
    means = np.stack([inside[labels[known] == c].mean(axis=0) for c in np.unique(labels[known])])
    rest = inside - means[np.searchsorted(np.unique(labels[known]), labels[known])]
    spread = rest.T @ rest / len(rest)
    spread += np.eye(len(spread)) * (np.trace(spread) / len(spread))
    whiten = np.linalg.inv(np.linalg.cholesky(spread))
    _, _, axes = np.linalg.svd((means - means.mean(axis=0)) @ whiten.T, full_matrices=False)
    found = whiten.T @ axes[:2].T
    if found.shape[1] < 2:  # two classes differ in one direction; the other is where most is left
        found = np.hstack([found, principal(vectors).axes[:, :1]])
    return LinearMap(centre, _signed(found))


def manifold(
    vectors: Vectors, labels: npt.NDArray[np.int64] | None = None, seed: int = 0
) -> Callable[[Vectors], Points]:
    """Neighbourhoods kept as far as two dimensions allow (McInnes et al., UMAP, 2018); with labels, classes apart."""
    try:
        from umap import UMAP
    except ImportError:
        raise MissingExtra("a map by UMAP", "maps") from None
    made = UMAP(n_neighbors=min(15, len(vectors) - 1), metric="cosine", random_state=seed, n_jobs=1)
    made.fit(vectors, labels if labels is None or (labels >= 0).any() else None)
    return lambda more: np.asarray(made.transform(more), np.float64)


def _some(vectors: Vectors, most: int = 20_000) -> Vectors:
    return vectors[:: max(1, len(vectors) // most)]


def _signed(axes: npt.NDArray[np.floating]) -> Points:
    """Directions whose greatest part is positive, so that a map does not flip from run to run."""
    top = np.abs(axes).argmax(axis=0)
    return np.asarray(axes * np.sign(axes[top, np.arange(axes.shape[1])]), np.float64)
