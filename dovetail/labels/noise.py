"""Labels that are probably mistakes: confident learning over out-of-fold probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.types import Floats


@dataclass(frozen=True)
class Suspects:
    """Labels to look at again, the most suspicious first, and how many to expect."""

    position: npt.NDArray[np.int64]  # (s,) into the labels
    said: npt.NDArray[np.int64]  # (s,) the class that was given
    likely: npt.NDArray[np.int64]  # (s,) the class that the model holds for right
    doubt: Floats  # (s,) probability of `likely` minus that of `said`, in (0, 1]
    joint: Floats  # (c, c) estimated share of all labels: row the class given, column the true one

    def __len__(self) -> int:
        return len(self.position)

    @property
    def share(self) -> float:
        """Estimated share of wrong labels, in [0, 1]."""
        return float(1 - np.trace(self.joint))


def likely_mistakes(probability: Floats, label: npt.NDArray[Any]) -> Suspects:
    """The labels (n,) that a model which has not seen them contradicts with confidence (Northcutt, Jiang, Chuang 2021).

    `probability` is (n, c), or (n,) of class 1 where there are two, and must come from models that were not trained on
    the label in question (out of fold). A row counts as class j where its probability of j is at least the mean
    over the rows that are labelled j; that lets a timid model accuse, too. Labels below 0 (unsure) are passed over.
    """
    given = np.asarray(label, np.int64)
    p = np.asarray(probability, np.float64)
    p = np.stack([1 - p, p], axis=1) if p.ndim == 1 else p
    if len(p) != len(given):
        raise InputError(f"{len(p)} probabilities for {len(given)} labels; give one row for each label")
    if len(given) and given.max() >= p.shape[1]:
        raise InputError(f"label {int(given.max())} has no column among {p.shape[1]} classes of probabilities")
    rows = np.flatnonzero(given >= 0)
    given, p = given[rows], p[rows]
    sure = _confident(p, given)
    joint = _joint(sure, given, p.shape[1])
    gap = np.where(sure >= 0, p[np.arange(len(p)), sure] - p[np.arange(len(p)), given], 0.0)
    found = np.flatnonzero((sure >= 0) & (sure != given) & (gap > 0))
    found = found[np.argsort(-gap[found], kind="stable")]
    return Suspects(rows[found], given[found], sure[found], gap[found], joint)


def _confident(p: Floats, given: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """(n,) the class that each row counts as, the most probable of those over their own line; -1 for none."""
    if not len(p):
        return np.zeros(0, np.int64)
    line = np.array([p[given == j, j].mean() if (given == j).any() else np.inf for j in range(p.shape[1])])
    over = np.where(p >= line - 1e-12, p, -1.0)
    return np.where(over.max(axis=1) >= 0, over.argmax(axis=1), -1)


def _joint(sure: npt.NDArray[np.int64], given: npt.NDArray[np.int64], c: int) -> Floats:
    """The confident counts, scaled so that each row sums to how often its class was given, and all to 1."""
    counts = np.zeros((c, c))
    np.add.at(counts, (given[sure >= 0], sure[sure >= 0]), 1)
    often = np.bincount(given, minlength=c).astype(np.float64)
    counts[np.arange(c), np.arange(c)] += (counts.sum(axis=1) == 0) * often
    scaled = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-12) * often[:, None]
    return np.asarray(scaled / max(scaled.sum(), 1e-12))
