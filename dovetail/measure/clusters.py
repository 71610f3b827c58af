"""How well two groupings of the same records agree: counted from group sizes, pairs are never listed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.measure.pairs import PairScores, contingency, crossed, from_counts, pairs_together
from dovetail.types import Interval

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True)
class ClusterScores:
    """Precision, recall and F1 averaged over records."""

    precision: Interval
    recall: Interval
    f1: Interval


def pairwise(found: npt.NDArray[Any], true: npt.NDArray[Any]) -> PairScores:
    """Precision, recall and F1 of the pairs within found groups against those within true ones; labels (n,) each."""
    return from_counts(*pairs_together(found, true))


def b_cubed(found: npt.NDArray[Any], true: npt.NDArray[Any]) -> ClusterScores:
    """B-cubed (Bagga and Baldwin 1998): for each record, the share of its group that belongs with it.

    The intervals are ±1.96 standard errors of the mean over true entities, as records of one entity err together;
    that of F1 follows by the delta method.
    """
    a, b, cell = crossed(found, true)
    if not len(a):
        nothing = Interval(0.0, 0.0, 1.0)
        return ClusterScores(nothing, nothing, nothing)
    shared = np.bincount(cell)[cell].astype(np.float64)
    precision, recall = shared / np.bincount(a)[a], shared / np.bincount(b)[b]
    p, r = float(precision.mean()), float(recall.mean())
    f1 = 2 * p * r / (p + r)
    slope = 2 * r * r * (precision - p) + 2 * p * p * (recall - r)
    return ClusterScores(_around(p, precision - p, b), _around(r, recall - r, b), _around(f1, slope / (p + r) ** 2, b))


def _around(value: float, influence: npt.NDArray[np.float64], group: npt.NDArray[np.int64]) -> Interval:
    """Interval of a mean from what each record adds to it; records of one group are one sample."""
    sums = np.bincount(group, weights=influence)
    half = 1.959964 * float(np.sqrt((sums * sums).sum())) / len(influence)
    return Interval(value, max(0.0, value - half), min(1.0, value + half))


def adjusted_rand(found: npt.NDArray[Any], true: npt.NDArray[Any]) -> float:
    """Rand index adjusted for chance (Hubert and Arabie 1985): 1 the same, 0 no better than chance."""
    shared, ours, theirs = pairs_together(found, true)
    n = len(found)
    pairs = n * (n - 1) // 2
    if not pairs:
        return 1.0
    chance = ours * theirs / pairs
    most = (ours + theirs) / 2
    return 1.0 if most == chance else (shared - chance) / (most - chance)


def variation_of_information(found: npt.NDArray[Any], true: npt.NDArray[Any]) -> float:
    """Meilă's distance of two groupings in bits: 0 the same, log2(n) at most."""
    ours, theirs, cells = contingency(found, true)
    return max(0.0, 2 * _entropy(cells) - _entropy(ours) - _entropy(theirs))


def size_histogram(cluster: npt.NDArray[Any]) -> dict[int, int]:
    """How many groups there are of each size that occurs, smallest first."""
    sizes, counts = np.unique(np.unique(cluster, return_counts=True)[1], return_counts=True)
    return {int(size): int(count) for size, count in zip(sizes, counts, strict=True)}


def _entropy(sizes: npt.NDArray[np.int64]) -> float:
    share = sizes / max(1, sizes.sum())
    return float(-(share * np.log2(share)).sum())
