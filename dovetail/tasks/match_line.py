"""A straight line over log-odds that few labels hardly move."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dovetail.tasks.trees import probabilities

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.types import Floats

    Labels = npt.NDArray[np.int8]

SLOPE, OFFSET = 0.25, 0.5  # standard deviations of the prior: how far the line may well lie from the identity
_BOUNDS = ((0.3, -3.0), (3.0, 3.0))  # of slope and offset: the lowest, the highest
_STEPS = 50


def fit_line(odds: Floats, label: Labels) -> tuple[float, float]:
    """Slope and offset of the likeliest line under the prior; log-odds (m,), labels (m,) of 0 and 1."""
    found = lines(odds, label, np.ones((1, len(label))))[0]
    return float(found[0]), float(found[1])


def lines(odds: Floats, label: Labels, weight: Floats) -> Floats:
    """The line (k, 2) of each weighting (k, m) of the labels, by Newton steps of at most 1 in log-odds."""
    ends = np.stack([odds, np.ones(len(odds))])
    pull, start = np.array([SLOPE, OFFSET]) ** -2.0, np.array([1.0, 0.0])
    at = np.tile(start, (len(weight), 1))
    for _ in range(_STEPS):
        p = probabilities(at @ ends)
        gradient = (weight * (p - label)) @ ends.T + pull * (at - start)
        bend = np.einsum("km,im,jm->kij", weight * p * (1 - p), ends, ends) + np.diag(pull)
        step = np.linalg.solve(bend, gradient[..., None])[..., 0]
        stuck = at[:, 0] - step[:, 0] <= _BOUNDS[0][0]  # a slope at its bound: then only the offset goes on
        step = np.where(
            stuck[:, None], np.stack([at[:, 0] - _BOUNDS[0][0], gradient[:, 1] / bend[:, 1, 1]], axis=1), step
        )
        step = np.clip(step, -1.0, 1.0)
        at = np.clip(at - step, *_BOUNDS)
        if np.abs(step).max() < 1e-8:
            break
    return np.asarray(at)


def f1_at_even_odds(odds: Floats, label: Labels) -> float:
    """F1 where a pair is a match from even odds on: log-odds (m,), labels (m,)."""
    found, true = odds >= 0, label == 1
    return float(2 * (found & true).sum() / max(found.sum() + true.sum(), 1))
