"""How good a set of pairs is, and where to draw the line through scored pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.errors import InputError
from dovetail.measure.intervals import f1_interval, wilson
from dovetail.types import Candidates, Interval

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.types import Floats


@dataclass(frozen=True)
class PairScores:
    """Precision, recall and F1 of found pairs. The intervals take pairs as independent."""

    precision: Interval
    recall: Interval
    f1: Interval
    true_pairs: int  # pairs that the truth holds
    found_pairs: int
    shared_pairs: int  # found and true


@dataclass(frozen=True)
class Curve:
    """Precision, recall and F1 of the pairs that score `threshold` or more; thresholds ascend, each score once."""

    threshold: Floats  # (t,)
    precision: Floats  # (t,)
    recall: Floats  # (t,)

    @property
    def f1(self) -> Floats:
        """(t,) harmonic mean of the two, 0 where both are 0."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / np.where(total > 0, total, 1.0)


def from_counts(shared: int, found: int, true: int) -> PairScores:
    """The scores from how many pairs were found, are true, and both."""
    return PairScores(
        wilson(shared, found),
        wilson(shared, true),
        f1_interval(shared, found - shared, true - shared),
        true,
        found,
        shared,
    )


def pair_scores(found: Candidates | npt.NDArray[Any], true: Candidates | npt.NDArray[Any]) -> PairScores:
    """Precision, recall and F1 of found pairs against the true ones.

    Either both are pairs of positions, or both are entity numbers of the same n records, which stand for all pairs
    within one entity; those are counted, never listed.
    """
    if isinstance(found, Candidates) and isinstance(true, Candidates):
        ours, theirs = pair_keys(found), pair_keys(true)
        return from_counts(len(np.intersect1d(ours, theirs, assume_unique=True)), len(ours), len(theirs))
    if isinstance(found, Candidates) or isinstance(true, Candidates):
        raise InputError(
            "pairs can be compared with pairs, and entity numbers with entity numbers; not one with the other"
        )
    return from_counts(*pairs_together(found, true))


def pair_keys(pairs: Candidates) -> npt.NDArray[np.int64]:
    """One number a pair (m,), whichever way round it stands; ascending, each once."""
    low, high = np.minimum(pairs.left, pairs.right), np.maximum(pairs.left, pairs.right)
    return np.unique(low.astype(np.int64) << 32 | high.astype(np.int64))


def pairs_together(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> tuple[int, int, int]:
    """How many pairs of records stand together in both groupings, in the first, and in the second."""
    a, b, cells = contingency(first, second)
    return _choose_two(cells), _choose_two(a), _choose_two(b)


def contingency(
    first: npt.NDArray[Any], second: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Sizes of the groups of two groupings of the same records, and of every non-empty cross of two groups."""
    if len(first) != len(second):
        raise InputError(f"two groupings of the same records differ in length: {len(first)} and {len(second)}")
    a, b, cell = crossed(first, second)
    return tuple(np.bincount(x).astype(np.int64) for x in (a, b, cell))  # type: ignore[return-value]


def crossed(
    first: npt.NDArray[Any], second: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Each record's group in both groupings and in their cross, (n,) each, numbered without gaps."""
    a = np.unique(first, return_inverse=True)[1].reshape(-1).astype(np.int64)
    b = np.unique(second, return_inverse=True)[1].reshape(-1).astype(np.int64)
    width = int(b.max()) + 1 if len(b) else 1
    return a, b, np.unique(a * width + b, return_inverse=True)[1].reshape(-1)


def curve(score: npt.NDArray[Any], label: npt.NDArray[Any], *, true_pairs: int | None = None) -> Curve:
    """Precision and recall at every distinct score.

    `label` (m,) is 1 for a match. `true_pairs` counts all true pairs where some are not among the scored ones.
    """
    order = np.argsort(-np.asarray(score, np.float64), kind="stable")
    ranked, hit = np.asarray(score, np.float64)[order], np.asarray(label)[order] == 1
    last = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], np.ones(min(1, len(ranked)), bool)])
    shared = np.cumsum(hit)[last] if len(hit) else np.zeros(0)
    total = int(hit.sum()) if true_pairs is None else true_pairs
    recall = shared / total if total else np.zeros(len(last))
    return Curve(ranked[last][::-1], (shared / (last + 1.0))[::-1], recall[::-1])


def best_f1_threshold(found: Curve) -> float:
    """The threshold with the highest F1; among equals the highest one. 1 where nothing was scored."""
    if not len(found.threshold):
        return 1.0
    f1 = found.f1
    return float(found.threshold[np.flatnonzero(f1 == f1.max())[-1]])


def precision_threshold(found: Curve, precision: float) -> float | None:
    """The lowest threshold from which on precision is at least the one wished for; None where none reaches it."""
    enough = np.flatnonzero(found.precision >= precision)
    return float(found.threshold[enough[0]]) if len(enough) else None


def average_precision(found: Curve) -> float:
    """Area under precision over recall, summed in steps."""
    recall, precision = found.recall[::-1], found.precision[::-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def _choose_two(sizes: npt.NDArray[np.int64]) -> int:
    return int((sizes * (sizes - 1) // 2).sum())
