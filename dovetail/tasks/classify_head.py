"""Linear heads: logistic regression over features, dense or sparse, with soft targets and weights.

Written out here, and not taken from a library, because words and embeddings, softmax and sigmoid, soft targets and
class weights all need the same thirty lines, in single precision, with little memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
_MEMORY = 6  # steps that the solver remembers
_ROUNDS = 60


@dataclass(frozen=True)
class Head:
    """Scores of each class: features (n, d) times `weight` (d, c) plus `bias` (c,)."""

    weight: Matrix
    bias: Matrix

    def scores(self, features: Any) -> Matrix:
        """Raw scores (n, c), log-odds up to what calibration adds."""
        return np.asarray(features @ self.weight + self.bias, dtype=np.float32)


@dataclass(frozen=True)
class HeadSettings:
    """`strength` is the weight of the data against the pull to zero (larger: follows the labels more closely);
    `sigmoid` lets classes stand beside one another instead of excluding one another; `rounds` bounds the solver."""

    strength: float = 10.0
    sigmoid: bool = False
    rounds: int = _ROUNDS


def fit_head(
    features: Any,
    targets: Matrix,
    settings: HeadSettings,
    *,
    weight: Matrix | None = None,
    toward: Head | None = None,
    start: Head | None = None,
) -> Head:
    """Logistic regression by L-BFGS (Liu and Nocedal 1989).

    `features` (n, d) dense or sparse float32, `targets` (n, c) shares in [0, 1], `weight` (n,) of each row. Weights are
    pulled to those of `toward`, to zero without it; `start` only shortens the way.
    """
    n, c = targets.shape
    rows = np.ones(n, np.float32) if weight is None else weight.astype(np.float32)
    rows = rows[:, None] / np.float32(n)
    pull = np.float32(1 / (settings.strength * n))
    home = toward.weight if toward is not None else np.zeros((features.shape[1], c), np.float32)
    transposed = features.T.tocsr() if hasattr(features, "tocsr") else features.T
    link = _sigmoid if settings.sigmoid else _softmax

    def objective(point: Matrix) -> tuple[float, Matrix]:
        loss, error = link(np.asarray(features @ point[:-1] + point[-1]), targets, rows)
        away = point[:-1] - home
        slope = np.empty_like(point)
        slope[:-1] = transposed @ error + pull * away
        slope[-1] = error.sum(axis=0)
        return loss + 0.5 * float(pull) * float(np.vdot(away, away)), slope

    first = start or toward
    begin = np.zeros((features.shape[1] + 1, c), np.float32)
    if first is not None:
        begin[:-1], begin[-1] = first.weight, first.bias
    found = minimise(objective, begin, settings.rounds)
    return Head(np.ascontiguousarray(found[:-1]), found[-1].copy())


def _softmax(scores: Matrix, targets: Matrix, rows: Matrix) -> tuple[float, Matrix]:
    """Loss and its slope (n, c) at the scores, classes excluding one another."""
    scores = scores - scores.max(axis=1, keepdims=True)
    share = np.exp(scores)
    total = share.sum(axis=1, keepdims=True)
    mass = targets.sum(axis=1, keepdims=True)
    loss = float((rows * (mass * np.log(total) - (targets * scores).sum(axis=1, keepdims=True))).sum(dtype=np.float64))
    return loss, np.asarray(rows * (share / total * mass - targets), dtype=np.float32)


def _sigmoid(scores: Matrix, targets: Matrix, rows: Matrix) -> tuple[float, Matrix]:
    """Loss and its slope (n, c) at the scores, each class a question of its own."""
    loss = float((rows * (np.logaddexp(0, scores) - targets * scores)).sum(dtype=np.float64))
    return loss, np.asarray(rows * (1 / (1 + np.exp(-np.clip(scores, -60, 60))) - targets), dtype=np.float32)


def leading_directions(vectors: Matrix, share: float = 0.99) -> Matrix:
    """The directions (d, k) that hold this share of the squared length of vectors (n, d).

    A head that is pulled to zero hardly uses the others, and learning among k numbers is faster than among d. No more
    than n of them are needed to hold all of it.
    """
    n, d = vectors.shape
    if n < d:
        values, rows = np.linalg.eigh((vectors @ vectors.T).astype(np.float64))
        kept = values > 1e-7 * max(float(values.max(initial=0.0)), 1e-30)
        return np.asarray(vectors.T @ (rows[:, kept] / np.sqrt(values[kept])), np.float32)
    values, found = np.linalg.eigh((vectors.T @ vectors).astype(np.float64))
    values, found = values[::-1], found[:, ::-1]
    count = int(np.searchsorted(np.cumsum(values) / max(float(values.sum()), 1e-30), share)) + 1
    return np.ascontiguousarray(found[:, :count].astype(np.float32))


def minimise(objective: Callable[[Matrix], tuple[float, Matrix]], point: Matrix, rounds: int) -> Matrix:
    """The lowest point that L-BFGS finds within `rounds` steps from `point`."""
    value, slope = objective(point)
    steps: list[tuple[Matrix, Matrix, float]] = []
    for turn in range(rounds):
        way = -_curved(slope, steps)
        fall = float(np.vdot(way, slope))
        length = 1.0 if steps else min(1.0, 1.0 / max(float(np.abs(slope).sum()), 1e-12)) * 4
        for _ in range(20):
            there = point + np.float32(length) * way
            new, new_slope = objective(there)
            if new <= value + 1e-4 * length * fall:
                break
            length *= 0.5
        else:
            return point
        moved, bent = there - point, new_slope - slope
        bend = float(np.vdot(moved, bent))
        if bend > 1e-12:
            steps = [*steps[-_MEMORY + 1 :], (moved, bent, 1 / bend)]
        gained = value - new
        point, value, slope = there, new, new_slope
        if (turn > 4 and gained < 1e-6 * max(1.0, abs(value))) or float(np.abs(slope).max()) < 1e-7:
            break
    return point


def _curved(slope: Matrix, steps: list[tuple[Matrix, Matrix, float]]) -> Matrix:
    """The slope times the inverse bend that the last steps showed (two-loop recursion)."""
    way, shares = slope.copy(), []
    for moved, bent, inverse in reversed(steps):
        share = np.float32(inverse * float(np.vdot(moved, way)))
        way -= share * bent
        shares.append(share)
    if steps:
        moved, bent, inverse = steps[-1]
        way *= np.float32(1 / (inverse * max(float(np.vdot(bent, bent)), 1e-30)))
    for (moved, bent, inverse), share in zip(steps, reversed(shares), strict=True):
        way += (share - np.float32(inverse * float(np.vdot(bent, way)))) * moved
    return way
