"""How good the result is: estimated from calibrated scores, or measured against pairs that a person judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError
from dovetail.measure.pairs import pair_scores
from dovetail.tasks.judged import positions
from dovetail.types import BlockPlan, Clusters, Decisions, Interval, Pairs

if TYPE_CHECKING:
    from dovetail.types import Records


Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Quality:
    """Precision, recall and F1 of the pairs that stand within one entity. `basis` says what they rest on."""

    precision: Interval
    recall: Interval
    f1: Interval
    basis: str  # "estimated" from calibrated scores, or "measured" against a truth
    pairs: int  # how many true pairs (measured) or accepted pairs (estimated) it rests on


# How far the scores of the shipped matcher may be off as a whole on tables that it has not seen, in log-odds:
# downwards, and upwards, where assignment and adapted scores leave accepted pairs surer than their scores say. Set
# after seeing the families left out of training (bench/LOG.md): a belief about new tables, not a guarantee.
CALIBRATION_SHIFT = 1.5
_UPWARD = 3.0


def estimate(decisions: Decisions, clusters: Clusters, plan: BlockPlan) -> Quality:
    """Precision and recall that the calibrated scores promise; what blocking is thought to miss counts as lost.

    The interval holds the chance of the single pairs, an error of the calibration as a whole, and the interval of
    the blocking recall.
    """
    pairs = decisions.candidates
    together = clusters.cluster[pairs.left] == clusters.cluster[pairs.right]
    if not together.any():
        unknown = Interval(0.0, 0.0, 1.0)
        return Quality(unknown, unknown, unknown, "estimated", 0)
    open_pairs = _still_open(decisions, clusters, together)
    as_is = _shares(decisions, together, open_pairs, 0.0, 0.0)
    worst = _shares(decisions, together, open_pairs, -CALIBRATION_SHIFT, CALIBRATION_SHIFT)
    best = _shares(decisions, together, open_pairs, _UPWARD, -_UPWARD)
    noise = _noise(decisions.score[together])
    precision = _interval([as_is[0], worst[0], best[0]], noise)
    reach = plan.recall
    recall = _interval([as_is[1] * reach.value, worst[1] * reach.low, best[1] * reach.high], noise)
    f1 = Interval(*(_f1(getattr(precision, e), getattr(recall, e)) for e in ("value", "low", "high")))
    return Quality(precision, recall, f1, "estimated", int(together.sum()))


def measure(records: Records, clusters: Clusters, truth: Pairs) -> Quality:
    """Precision and recall against the complete list of true matches, closed to entities (if A=B and B=C then A=C)."""
    left, right = positions(records, truth)
    if truth.label is not None:
        left, right = left[truth.label == 1], right[truth.label == 1]
    if not len(left):
        raise InputError("the truth holds no match; expected one row for each true match")
    gold = _closed(len(records), left, right)
    found = pair_scores(clusters.cluster, gold)
    return Quality(found.precision, found.recall, found.f1, "measured", found.true_pairs)


def _closed(n: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(n, n))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int32)


def _still_open(decisions: Decisions, clusters: Clusters, together: Mask) -> Mask:
    """The refused pairs that may be matches all the same: where an entity holds one record of each source, a pair is
    settled once one of its records has found another partner."""
    if clusters.method != "one-to-one":
        return ~together
    pairs = decisions.candidates
    taken = np.zeros(len(clusters.cluster), bool)
    taken[pairs.left[together]] = taken[pairs.right[together]] = True
    return ~together & ~taken[pairs.left] & ~taken[pairs.right]


def _shares(
    decisions: Decisions, together: Mask, open_pairs: Mask, inside_shift: float, outside_shift: float
) -> tuple[float, float]:
    """Expected precision, and expected recall among the candidates, with the scores of accepted and of open pairs moved
    by so many log-odds.

    A record's open pairs exclude each other, so together they count for one lost match at most.
    """
    p = np.clip(decisions.score, 1e-6, 1 - 1e-6)
    odds = np.log(p / (1 - p)) + np.where(together, inside_shift, outside_shift)
    moved = 1 / (1 + np.exp(-odds))
    left, right = decisions.candidates.left[open_pairs], decisions.candidates.right[open_pairs]
    lost, size = moved[open_pairs], 1 + int(max(decisions.candidates.right.max(), decisions.candidates.left.max()))
    crowd = np.maximum(*(np.bincount(end, weights=lost, minlength=size)[end] for end in (left, right)))
    inside = float(moved[together].sum())
    return inside / int(together.sum()), inside / max(inside + float((lost / np.maximum(crowd, 1)).sum()), 1e-9)


def _noise(score: np.ndarray) -> float:
    return 1.96 * float(np.sqrt((score * (1 - score)).sum())) / len(score)


def _interval(values: list[float], noise: float) -> Interval:
    return Interval(values[0], max(0.0, min(values) - noise), min(1.0, max(values) + noise))


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
