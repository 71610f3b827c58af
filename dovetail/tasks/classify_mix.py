"""Several scorers joined into calibrated probabilities: one weight each, fitted on labels that they have not seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
_PULL = 2.0  # how many rows the belief is worth that all scorers are right about their scale


def mixed(scores: Sequence[Matrix], weights: Floats) -> Matrix:
    """The weighted sum of scores, each (n, c)."""
    found = np.zeros_like(scores[0])
    for one, weight in zip(scores, weights.tolist(), strict=True):
        if weight:
            found += np.float32(weight) * one
    return found


def probabilities(scores: Matrix, *, sigmoid: bool) -> Floats:
    """Scores (n, c) as probabilities: of each class by itself, or of all of them adding up to 1."""
    wide = scores.astype(np.float64)
    if sigmoid:
        found: Floats = 1 / (1 + np.exp(-np.clip(wide, -60, 60)))
        return found
    share = np.exp(wide - wide.max(axis=1, keepdims=True))
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def log_loss(scores: Matrix, targets: Matrix, *, sigmoid: bool) -> Floats:
    """The loss of each row, (n,): minus the log of the probability given to the truth."""
    p = np.clip(probabilities(scores, sigmoid=sigmoid), 1e-9, 1 - 1e-9)
    if sigmoid:
        return np.asarray(-(targets * np.log(p) + (1 - targets) * np.log(1 - p)).sum(axis=1))
    return np.asarray(-(targets * np.log(p)).sum(axis=1))


def fit_weights(scores: Sequence[Matrix], targets: Matrix, *, sigmoid: bool, weight: Floats | None = None) -> Floats:
    """Weights (k,) of at least 0 that make the joined scores the most likely ones; with k = 1 the inverse temperature.

    Temperature scaling (Guo et al. 2017) when alone, a product of experts when several. Held by a little pull to equal
    shares, so that thirty labels cannot turn them over.
    """
    from scipy.optimize import minimize

    rows = np.ones(len(targets)) if weight is None else weight
    count = len(scores)
    home = np.full(count, 1 / count)

    def objective(w: Floats) -> tuple[float, Floats]:
        joined = mixed(scores, w)
        loss = float((rows * log_loss(joined, targets, sigmoid=sigmoid)).sum())
        error = (probabilities(joined, sigmoid=sigmoid) - targets) * rows[:, None]
        slope = np.array([float((error * one).sum()) for one in scores])
        return loss + _PULL * float(((w - home) ** 2).sum()), slope + 2 * _PULL * (w - home)

    found: Any = minimize(objective, home, jac=True, method="L-BFGS-B", bounds=[(0, 50)] * count)
    if not found.x.any():
        return home
    return np.asarray(found.x, np.float64)
