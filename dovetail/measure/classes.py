"""How good predicted classes are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.errors import InputError
from dovetail.measure.intervals import wilson
from dovetail.types import Interval

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True)
class ClassScores:
    """Figures over all classes and for each. `classes` lists what occurs in the truth or the prediction, sorted."""

    accuracy: Interval
    macro_f1: float  # mean over classes
    weighted_f1: float  # mean over classes, weighted by how often each is true
    classes: npt.NDArray[Any]  # (c,)
    precision: npt.NDArray[np.float64]  # (c,)
    recall: npt.NDArray[np.float64]  # (c,)
    f1: npt.NDArray[np.float64]  # (c,)
    confusion: npt.NDArray[np.int64]  # (c, c): row the true class, column the predicted one


def class_scores(predicted: npt.NDArray[Any], true: npt.NDArray[Any]) -> ClassScores:
    """Accuracy, F1 and confusion of predicted classes (n,) against the true ones (n,)."""
    if len(predicted) != len(true):
        raise InputError(f"{len(predicted)} predictions for {len(true)} true classes")
    classes, codes = np.unique(np.concatenate([np.asarray(true), np.asarray(predicted)]), return_inverse=True)
    n, c = len(true), len(classes)
    confusion = np.bincount(codes[:n] * c + codes[n:], minlength=c * c).reshape(c, c).astype(np.int64)
    hit, support, said = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    f1 = 2 * hit / np.maximum(support + said, 1)
    return ClassScores(
        wilson(int(hit.sum()), n),
        float(f1.mean()) if c else 0.0,
        float(f1 @ support / n) if n else 0.0,
        classes,
        hit / np.maximum(said, 1),
        hit / np.maximum(support, 1),
        f1,
        confusion,
    )
