"""How good predicted classes are: one a text, several, or by the levels of a hierarchy."""

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


@dataclass(frozen=True)
class LabelScores:
    """Figures where a text may have several labels. `classes` are in the order of the matrices' columns."""

    exact: Interval  # share of texts whose labels are all right and complete
    micro_f1: float  # over all labels of all texts
    macro_f1: float  # mean over classes
    sample_f1: float  # mean over texts
    precision: npt.NDArray[np.float64]  # (c,)
    recall: npt.NDArray[np.float64]  # (c,)
    f1: npt.NDArray[np.float64]  # (c,)


def label_scores(predicted: npt.NDArray[Any], true: npt.NDArray[Any]) -> LabelScores:
    """Figures of predicted labels (n, c) of 0 and 1 against the true ones (n, c)."""
    said, truth = np.asarray(predicted) > 0.5, np.asarray(true) > 0.5
    if said.shape != truth.shape:
        raise InputError(f"predictions of shape {said.shape} for true labels of shape {truth.shape}")
    hit, found, wanted = (said & truth).sum(axis=0), said.sum(axis=0), truth.sum(axis=0)
    f1 = 2 * hit / np.maximum(found + wanted, 1)
    total = said.sum(axis=1) + truth.sum(axis=1)
    each = np.where(total == 0, 1.0, 2 * (said & truth).sum(axis=1) / np.maximum(total, 1))
    return LabelScores(
        wilson(int((said == truth).all(axis=1).sum()), len(said)),
        float(2 * hit.sum() / max(int(found.sum() + wanted.sum()), 1)),
        float(f1[wanted > 0].mean()) if (wanted > 0).any() else 0.0,
        float(each.mean()) if len(each) else 0.0,
        hit / np.maximum(found, 1),
        hit / np.maximum(wanted, 1),
        f1,
    )
