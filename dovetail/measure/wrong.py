"""Which labels are likely wrong, judged by held-out probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


def wrong_odds(probability: Floats, given: npt.NDArray[np.int64]) -> Floats:
    """How much likelier another class is than the given one, (n,); larger is more likely wrong, above 0 suspicious.

    `probability` (n, c) must come from models that have not seen the row's label. Each class is measured against the
    mean probability that its own rows get (confident learning, Northcutt et al. 2021), so that a class which is hard
    for the model is not all called wrong.
    """
    if not len(given):
        return np.zeros(0)
    rows = np.arange(len(given))
    p = np.clip(probability, 1e-6, 1.0)
    own = np.log(p[rows, given])
    usual = np.log(class_confidence(p, given))
    gap = np.log(p) - usual
    rival = gap.copy()
    rival[rows, given] = -np.inf
    found: Floats = rival.max(axis=1) - (own - usual[given])
    return found


def class_confidence(probability: Floats, given: npt.NDArray[np.int64]) -> Floats:
    """Mean probability of each class among its own rows, (c,); the mean of all classes where it has none."""
    rows = np.arange(len(given))
    sizes = np.bincount(given, minlength=probability.shape[1])
    total = np.bincount(given, weights=probability[rows, given], minlength=probability.shape[1])
    overall = float(total.sum() / max(int(sizes.sum()), 1))
    found: Floats = np.where(sizes > 0, total / np.maximum(sizes, 1), overall)
    return np.clip(found, 1e-6, 1.0)
