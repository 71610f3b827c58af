"""Logistic regression in numpy and scipy: classes from vectors, with labels that may be soft."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_ROUNDS = 200

Vectors = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


def one_hot(labels: npt.NDArray[np.int64]) -> Floats:
    """Class labels 0 … c-1 (n,) as sure targets (n, c)."""
    return np.eye(int(labels.max()) + 1)[labels]


def balanced(targets: Floats) -> Floats:
    """Weights (n,) under which every class of the targets (n, c) counts the same."""
    share = targets.sum(axis=0) / max(1e-9, float(targets.sum()))
    return np.asarray((targets / np.maximum(share, 1e-9)).sum(axis=1) / max(1, (share > 0).sum()), np.float64)


def logistic(
    vectors: Vectors,
    targets: Floats,
    strength: float,
    *,
    weights: Floats | None = None,
    towards: Vectors | None = None,
) -> tuple[Vectors, Vectors]:
    """A linear map (d, c) and bias (c,) to the log-odds of classes, for targets (n, c) that sum to 1 a row.

    `strength` is the inverse of the regularisation; `weights` (n,) say how much each row counts. The map is pulled to
    zero, or to that of `towards` (d, c).
    """
    d, c = vectors.shape[1], targets.shape[1]
    start = np.zeros((d + 1, c))
    if towards is not None:
        start[:-1] = towards
    weight = np.ones(len(vectors)) if weights is None else weights

    def loss(flat: Floats) -> tuple[float, Floats]:
        linear = flat.reshape(d + 1, c)
        logits = (vectors @ linear[:-1].astype(np.float32)).astype(np.float64) + linear[-1]
        top = logits.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits - top).sum(axis=1, keepdims=True)) + top
        gap = (np.exp(logits - total) - targets) * weight[:, None]
        misfit = float(weight @ (total[:, 0] - (logits * targets).sum(axis=1)))
        pull = (vectors.T @ gap.astype(np.float32)).astype(np.float64)
        away = linear[:-1] - start[:-1]
        slope = np.vstack([strength * pull + away, strength * gap.sum(axis=0, keepdims=True)])
        return strength * misfit + 0.5 * float((away**2).sum()), slope.ravel()

    from scipy.optimize import minimize

    found: Any = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": _ROUNDS})
    linear = found.x.reshape(d + 1, c).astype(np.float32)
    return linear[:-1], linear[-1]
