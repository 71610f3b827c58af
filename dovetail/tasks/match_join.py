"""Joining what several experts say of a pair, and whether the later ones pay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.measure.calibrate import best_f1_threshold

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]

_PENALTY = 1.0  # pulls the weights towards "the first expert alone, as it is"
_BANDS = (0.02, 0.01, 0.005, 0.002, 0.001)
_DEAR = 1.01  # a band may cost so much of the log loss of asking about every pair
_DRAWS = 40
_ANY = 1e6  # log-odds beyond any


@dataclass(frozen=True)
class Join:
    """Log-odds of a match = offset + Σ weight × log-odds of an expert; the first expert is the trees.

    The others are asked only where the trees' own log-odds lie within `band`; elsewhere `alone` (slope, offset)
    calibrates the trees.
    """

    names: tuple[str, ...]
    weights: tuple[float, ...]
    offset: float
    alone: tuple[float, float]
    band: tuple[float, float]

    @classmethod
    def from_note(cls, note: dict[str, Any]) -> Join:
        """A join from its saved form."""
        return cls(
            tuple(note["names"]), tuple(note["weights"]), note["offset"], tuple(note["alone"]), tuple(note["band"])
        )

    def asked(self, trees: Vector) -> npt.NDArray[np.bool_]:
        """Which pairs the later experts are asked about, (m,)."""
        return (trees >= self.band[0]) & (trees <= self.band[1])

    def log_odds(self, experts: Matrix) -> Vector:
        """Joined log-odds (m,) of expert log-odds (m, k); a row whose later experts were not asked holds NaN there."""
        alone = self.alone[0] * experts[:, 0] + self.alone[1]
        joined = experts @ np.asarray(self.weights) + self.offset
        return np.where(np.isnan(joined), alone, joined)


def fit_join(experts: Matrix, label: npt.NDArray[Any]) -> tuple[Vector, float]:
    """Weights (k,) ≥ 0 and offset of a logistic regression on held-out expert log-odds (m, k)."""
    from scipy.optimize import minimize

    start = np.r_[1.0, np.zeros(experts.shape[1])]  # weights, then the offset
    up, down = float((label == 1).sum()), float((label == 0).sum())
    target = np.where(label == 1, (up + 1) / (up + 2), 1 / (down + 2))

    def loss(at: Vector) -> tuple[float, Vector]:
        z = experts @ at[:-1] + at[-1]
        p = 1 / (1 + np.exp(-np.clip(z, -30, 30)))
        error = p - target
        slope = np.r_[experts.T @ error + _PENALTY * (at[:-1] - start[:-1]), error.sum()]
        value = np.logaddexp(0, z).sum() - (target * z).sum() + 0.5 * _PENALTY * ((at[:-1] - start[:-1]) ** 2).sum()
        return float(value), slope

    bounds = [(0.0, None)] * experts.shape[1] + [(None, None)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return found.x[:-1], float(found.x[-1])


def held_out_join(experts: Matrix, label: npt.NDArray[Any], folds: npt.NDArray[Any]) -> Vector:
    """Joined log-odds (m,) of each fold under the weights of the others."""
    found = np.zeros(len(label))
    for fold in np.unique(folds):
        inside, outside = folds != fold, folds == fold
        weights, offset = fit_join(experts[inside], label[inside])
        found[outside] = experts[outside] @ weights + offset
    return found


def log_loss(log_odds: Vector, label: npt.NDArray[Any]) -> float:
    """Mean of −log of the probability given to what was true."""
    return float((np.logaddexp(0, log_odds) - label * log_odds).mean())


def join(names: Sequence[str], experts: Matrix, label: npt.NDArray[Any], alone: tuple[float, float]) -> Join:
    """The join fitted on held-out labels, with the narrowest band that costs hardly anything."""
    weights, offset = fit_join(experts, label)
    everywhere = Join(tuple(names), tuple(weights.tolist()), offset, alone, (-_ANY, _ANY))
    full = log_loss(everywhere.log_odds(experts), label)
    calm = alone[0] * experts[:, 0] + alone[1]
    for share in _BANDS:
        edge = float(np.log((1 - share) / share))
        low, high = ((line - alone[1]) / alone[0] for line in (-edge, edge))
        inside = (experts[:, 0] >= low) & (experts[:, 0] <= high)
        mixed = np.where(inside, everywhere.log_odds(experts), calm)
        if log_loss(mixed, label) <= _DEAR * full:
            return Join(everywhere.names, everywhere.weights, offset, alone, (float(low), float(high)))
    return everywhere


def steady_threshold(score: Vector, label: npt.NDArray[Any], seed: int = 0) -> float:
    """The threshold of the best F1, as the median over samples with replacement: one pair does not move it far."""
    rng = np.random.default_rng(seed)
    found = [best_f1_threshold(score, label)[0]]
    for _ in range(_DRAWS):
        drawn = rng.integers(0, len(score), len(score))
        if (label[drawn] == 1).any():
            found.append(best_f1_threshold(score[drawn], label[drawn])[0])
    return float(np.median(found))
