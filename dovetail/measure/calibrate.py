"""Probabilities that mean what they say: fitting the line, measuring the error, choosing the threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

_FLATTEST = 0.05  # slope of a calibrating line
_PULL = 1e-3  # draws the slope towards 1


def platt(log_odds: Vector, label: npt.NDArray[Any], weight: Vector | None = None) -> tuple[float, float]:
    """Slope and offset of the line from raw to calibrated log-odds (Platt 1999), by Newton's method.

    Labels are drawn a little towards one half, as Platt proposes, so that clean separation stays finite.
    """
    w = np.ones(len(label)) if weight is None else weight
    up, down = float((w * label).sum()), float((w * (1 - label)).sum())
    target = np.where(label == 1, (up + 1) / (up + 2), 1 / (down + 2))
    slope, offset = _line(log_odds, target, w)
    # A falling line would turn the trees upside down: then only the level is fitted.
    return (slope, offset) if slope > _FLATTEST else (_FLATTEST, _line(_FLATTEST * log_odds, target, w, slope=1.0)[1])


def _line(z: Vector, target: Vector, w: Vector, slope: float | None = None) -> tuple[float, float]:
    """Slope (unless it is given) and offset of the likeliest line, by Newton steps that are halved while they harm."""
    at = np.array([1.0, 0.0])
    free = np.array([slope is None, True])

    def loss(at: Vector) -> float:
        line = at[0] * z + at[1]
        return float((w * (np.logaddexp(0, line) - target * line)).sum() + 0.5 * _PULL * (at[0] - 1) ** 2)

    now = loss(at)
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(at[0] * z + at[1], -30, 30)))
        error, bend = w * (p - target), w * np.maximum(p * (1 - p), 1e-9)
        gradient = np.array([(error * z).sum() + _PULL * (at[0] - 1), error.sum()]) * free
        cross = (bend * z).sum() * free[0]
        hessian = np.array([[(bend * z**2).sum() + _PULL, cross], [cross, bend.sum() + 1e-9]])
        step = np.linalg.solve(hessian, gradient)
        while (then := loss(at - step)) > now + 1e-12 and np.abs(step).max() > 1e-7:
            step /= 2
        at, now = at - step, min(now, then)
        if np.abs(step).max() < 1e-7:
            break
    return float(at[0]), float(at[1])


def calibration_error(score: Vector, label: npt.NDArray[Any], bins: int = 15) -> float:
    """Expected calibration error over equally filled bins: mean distance of score and share of matches, in [0, 1]."""
    if not len(score):
        return 0.0
    order = np.argsort(score, kind="stable")
    parts = np.array_split(order, min(bins, len(score)))
    return float(sum(abs(score[p].mean() - label[p].mean()) * len(p) for p in parts) / len(score))


def threshold_for_f1(score: Vector, lost: float = 0.0) -> float:
    """The threshold that maximises expected F1 under calibrated scores; `lost` matches are out of reach.

    Taking the K best pairs finds the sum of their scores; F1 is twice that over K plus all matches (Lipton,
    Elkan and Naryanaswamy 2014: the best line lies at half of the best F1).
    """
    if not len(score):
        return 0.5
    ordered = np.sort(score)[::-1]
    found = np.cumsum(ordered)
    f1 = 2 * found / (np.arange(1, len(ordered) + 1) + found[-1] + lost)
    best = int(np.argmax(f1))
    after = ordered[best + 1] if best + 1 < len(ordered) else 0.0
    return float(np.clip((ordered[best] + after) / 2, 0.02, 0.98))


def threshold_for_precision(score: Vector, precision: float) -> float | None:
    """The lowest threshold whose accepted pairs are expected to be right with this share; None if none is."""
    ordered = np.sort(score)[::-1]
    expected = np.cumsum(ordered) / np.arange(1, len(ordered) + 1)
    enough = np.flatnonzero(expected >= precision)
    return float(ordered[enough[-1]]) if len(enough) else None


def best_f1_threshold(score: Vector, label: npt.NDArray[Any]) -> tuple[float, float]:
    """Threshold of the best F1 on labelled pairs, between two scores, and that F1."""
    if not len(score) or not (label == 1).any():
        return 0.5, 0.0
    order = np.argsort(-score, kind="stable")
    ordered, hits = score[order], np.cumsum(label[order] == 1)
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + hits[-1])
    last = np.r_[ordered[:-1] != ordered[1:], True]  # a threshold cannot part equal scores
    best = int(np.argmax(np.where(last, f1, -1)))
    after = ordered[best + 1] if best + 1 < len(ordered) else 0.0
    return float((ordered[best] + after) / 2), float(f1[best])


SHIFT_BOUNDS = (-2.0, 3.5)  # log-odds: how far scores are moved at most, so that one odd table cannot turn them over


def adaptive_shift(log_odds: Vector) -> float:
    """What to add to the log-odds of a matcher trained elsewhere, so that 0 parts the two groups of these tables.

    The log-odds of the candidates are read as a mixture of two normal groups, matches and others, fitted by expectation
    maximisation from the matcher's own scores. The line between them is where both are equally likely. 0 where the
    groups cannot be told apart.
    """
    if len(log_odds) < 20:
        return 0.0
    p = 1 / (1 + np.exp(-np.clip(log_odds, -30, 30)))
    r = np.stack([1 - p, p], axis=1)
    for _ in range(100):
        mass = r.sum(axis=0)
        if mass.min() < 1e-6 * len(log_odds):
            return 0.0
        share, mean = mass / mass.sum(), (r * log_odds[:, None]).sum(axis=0) / mass
        spread = np.sqrt((r * (log_odds[:, None] - mean) ** 2).sum(axis=0) / mass + 0.25)
        density = share * np.exp(-0.5 * ((log_odds[:, None] - mean) / spread) ** 2) / spread + 1e-300
        r = density / density.sum(axis=1, keepdims=True)
    grid = np.linspace(mean[0], max(mean[1], mean[0] + 0.1), 400)
    density = share * np.exp(-0.5 * ((grid[:, None] - mean) / spread) ** 2) / spread + 1e-300
    above = np.flatnonzero(density[:, 1] >= density[:, 0])
    if not len(above):
        return 0.0
    return float(np.clip(-grid[above[0]], *SHIFT_BOUNDS))
