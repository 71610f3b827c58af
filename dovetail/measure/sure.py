"""How far a classifier's probabilities can be trusted: calibration, coverage against accuracy, telling outsiders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.errors import InputError
from dovetail.measure.intervals import wilson
from dovetail.types import Interval

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Coverage:
    """What answering only the surest texts gives: each line one share of the texts, the surest first."""

    coverage: Floats  # (k,) share of the texts that are answered
    accuracy: Floats  # (k,) share of the answers that are right
    low: Floats  # (k,) ends of its 95 % interval
    high: Floats  # (k,)
    threshold: Floats  # (k,) the probability from which that many are answered


def coverage_curve(confidence: Floats, right: npt.NDArray[Any], points: int = 20) -> Coverage:
    """Accuracy when only the surest share is answered. `confidence` (n,) in [0, 1], `right` (n,) of 0 and 1."""
    order = np.argsort(-confidence, kind="stable")
    hits = np.cumsum(np.asarray(right, np.float64)[order])
    n = len(order)
    at = np.unique(np.ceil(np.arange(1, points + 1) / points * n).astype(np.int64))
    at = at[at > 0]
    intervals = [wilson(float(hits[k - 1]), int(k)) for k in at.tolist()]
    columns = np.array([[i.value, i.low, i.high] for i in intervals], np.float64).reshape(-1, 3)
    return Coverage(at / max(n, 1), columns[:, 0], columns[:, 1], columns[:, 2], confidence[order][at - 1])


def threshold_for_accuracy(confidence: Floats, right: npt.NDArray[Any], accuracy: float) -> tuple[float, float] | None:
    """The lowest probability from which answers are right with this share, and the share of texts then answered.

    The lower end of the one-sided 84 % interval must hold the promise, so that a lucky run of a few does not count.
    None where no threshold keeps it.
    """
    order = np.argsort(-confidence, kind="stable")
    hits = np.cumsum(np.asarray(right, np.float64)[order])
    count = np.arange(1, len(order) + 1)
    share = hits / count
    error = np.sqrt(np.maximum(share * (1 - share), 1 / (count + 2)) / count)
    good = np.flatnonzero((share - error >= accuracy) | (hits == count) & (1 - 1.0 / (count + 1) >= accuracy))
    if not len(good):
        return None
    return float(confidence[order][good[-1]]), float((good[-1] + 1) / len(order))


def confidence_error(confidence: Floats, right: npt.NDArray[Any], bins: int = 15) -> float:
    """Expected calibration error of the predicted classes, in [0, 1]: mean distance of probability and accuracy over
    equally filled bins."""
    if not len(confidence):
        return 0.0
    parts = np.array_split(np.argsort(confidence, kind="stable"), min(bins, len(confidence)))
    right = np.asarray(right, np.float64)
    return float(sum(abs(confidence[p].mean() - right[p].mean()) * len(p) for p in parts) / len(confidence))


def reliability(confidence: Floats, right: npt.NDArray[Any], bins: int = 10) -> list[tuple[float, Interval, int]]:
    """Mean probability, accuracy with its interval, and number of texts of each equally filled bin."""
    parts = np.array_split(np.argsort(confidence, kind="stable"), min(bins, max(len(confidence), 1)))
    right = np.asarray(right, np.float64)
    return [(float(confidence[p].mean()), wilson(float(right[p].sum()), len(p)), len(p)) for p in parts if len(p)]


def auroc(score: Floats, positive: npt.NDArray[Any]) -> float:
    """Share of pairs of a positive and a negative in which the positive scores higher; ties count half."""
    from scipy.stats import rankdata

    yes = np.asarray(positive, bool)
    up, down = int(yes.sum()), int((~yes).sum())
    if not up or not down:
        raise InputError("an AUROC needs positives and negatives; all are of one kind")
    return float((rankdata(score)[yes].sum() - up * (up + 1) / 2) / (up * down))
