"""How well a space keeps classes together: neighbours of the same class, a linear probe, separation on a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError
from dovetail.measure.intervals import bootstrap
from dovetail.tasks.embed_linear import balanced, logistic, one_hot
from dovetail.tasks.embed_project import map_of
from dovetail.types import Interval

NEAR, FAR = 25, 1_000
_PROBE_FOLDS = 5
_MOST_QUERIES = 1_000
_MAP_ROWS = 2_000  # rows on which the separation on a map is measured

Vectors = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SpaceScores:
    """Measures of one space over labelled texts.

    `top_25` and `top_1k` are the mean shares of the same class among the nearest, `r_precision` that among as many as
    the class has, `probe` the accuracy of a linear probe across folds, `separation` the silhouette of the classes on a
    map of two dimensions, in [-1, 1].
    """

    queries: int
    top_25: Interval
    top_1k: Interval
    r_precision: Interval
    probe: float
    separation: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        found: dict[str, Any] = {"queries": self.queries, "probe": self.probe, "separation": self.separation}
        for name in ("top_25", "top_1k", "r_precision"):
            value: Interval = getattr(self, name)
            found |= {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}
        return found


def same_class(vectors: Vectors, labels: Ints, queries: Ints, k: int | None) -> npt.NDArray[np.float64]:
    """Share of the query's class among its k nearest others (q,); with None among as many as its class has.

    Unit vectors (n, d), labels (n,), positions of the queries (q,).
    """
    sizes = np.bincount(labels)[labels[queries]] - 1
    most = min(int(sizes.max()) if k is None else k, len(vectors) - 1)
    found = np.zeros(len(queries))
    for start in range(0, len(queries), 256):
        rows = queries[start : start + 256]
        near = vectors[rows] @ vectors.T
        near[np.arange(len(rows)), rows] = -np.inf
        order = np.argsort(-near, axis=1, kind="stable")[:, :most]
        same = np.cumsum(labels[order] == labels[rows][:, None], axis=1)
        depth = np.minimum(sizes[start : start + 256] if k is None else np.full(len(rows), most), most)
        found[start : start + 256] = same[np.arange(len(rows)), np.maximum(depth, 1) - 1] / np.maximum(depth, 1)
    return found


def space_scores(vectors: Vectors, labels: Sequence[Any], *, queries: int = 250, seed: int = 0) -> SpaceScores:
    """The scores of unit vectors (n, d) with class labels (n,), with `queries` of them drawn as queries."""
    number = numbered(labels)
    if len(vectors) != len(number) or len(number) < 2 or number.max() < 1:
        raise InputError(
            f"{len(vectors):,} vectors with {len(number):,} labels; expected one each, of two classes or more"
        )
    rng = np.random.default_rng(seed)
    asked = rng.permutation(len(number))[: min(queries, _MOST_QUERIES)]
    near, far, all_of = (_interval(same_class(vectors, number, asked, k), seed) for k in (NEAR, FAR, None))
    some = rng.permutation(len(number))[:_MAP_ROWS]
    probe = probe_accuracy(vectors, number, seed=seed)
    return SpaceScores(len(asked), near, far, all_of, probe, _separation(vectors[some], number[some]))


def probe_accuracy(vectors: Vectors, labels: Ints, *, seed: int = 0) -> float:
    """Share of the labels (n,) that a linear probe gets right, each by one that has not seen it."""
    fold = np.random.default_rng(seed).permutation(len(labels)) % _PROBE_FOLDS
    right = np.zeros(len(labels), bool)
    for one in range(_PROBE_FOLDS):
        taught = fold != one
        targets = one_hot(labels)[taught]
        weights, bias = logistic(vectors[taught], targets, 3.0, weights=balanced(targets))
        guess = (vectors[~taught] @ weights + bias).argmax(axis=1)
        right[~taught] = guess == labels[~taught]
    return float(right.mean())


def numbered(labels: Sequence[Any]) -> Ints:
    """Class labels as 0 … c-1 in the order of their names."""
    _, number = np.unique([str(label) for label in labels], return_inverse=True)
    return np.asarray(number, np.int64)


def _separation(vectors: Vectors, labels: Ints) -> float:
    """The silhouette of the classes on a map by principal components (Rousseeuw 1987)."""
    points = map_of(vectors)(vectors)
    far = np.sqrt(np.maximum(((points[:, None] - points[None]) ** 2).sum(axis=2), 0))
    to_class = np.stack([far[:, labels == c].sum(axis=1) for c in range(labels.max() + 1)], axis=1)
    counts = np.bincount(labels, minlength=labels.max() + 1)
    own = to_class[np.arange(len(labels)), labels] / np.maximum(counts[labels] - 1, 1)
    to_class = to_class / np.maximum(counts, 1)
    to_class[:, counts == 0] = np.inf
    to_class[np.arange(len(labels)), labels] = np.inf
    other = to_class.min(axis=1)
    return float(np.mean((other - own) / np.maximum(np.maximum(other, own), 1e-9)))


def _interval(values: npt.NDArray[np.float64], seed: int) -> Interval:
    return bootstrap(lambda at: float(values[at].mean()), len(values), seed=seed)
