"""Texts that belong to none of the classes: how near the nearest example is, and how sure the classes are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.measure.calibrate import platt
from dovetail.tasks.classify_mix import probabilities
from dovetail.tasks.classify_model import Model, Scope

Matrix = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
_DEFAULT = np.array([-1.0, -1.0, -0.5])  # weights before anything outside was seen: all three fall outside
_NEIGHBOURS = 3
_ROWS = 1_024
_USUAL = 0.02  # share of texts that is taken to lie outside where no example of them was given


def fit_scope(held_out: Matrix, near: Floats, outside: list[str], model: Model, name: str | None) -> Scope | None:
    """A line between held-out texts of the classes and texts outside of them; without any of those the usual one.

    `held_out` (m, c) are scores of texts and `near` (m,) how near their nearest examples are, both by heads and
    encoders that had not learnt from these texts.
    """
    if model.sigmoid or not len(held_out):
        return None
    assert model.precedents is not None
    inside = _signs(held_out, near)
    middle, spread = np.median(inside, axis=0), inside.std(axis=0) + 1e-6
    scope = Scope(_DEFAULT, 0.0, middle, spread, name)
    standing = outside_odds(scope, inside)
    if not outside:
        return Scope(_DEFAULT, -float(np.quantile(standing, 1 - _USUAL)), middle, spread, name)
    read = model.read(outside)
    seen = _signs(model.scores(outside, read), nearest(_vectors(model, outside, read), model.precedents))
    odds = np.concatenate([standing, outside_odds(scope, seen)])
    label = np.concatenate([np.zeros(len(inside)), np.ones(len(seen))])
    slope, offset = platt(odds, label)
    return Scope(_DEFAULT * slope, offset, middle, spread, name)


def outside_odds(scope: Scope, signs: Floats) -> Floats:
    """Log-odds of lying outside, (n,)."""
    found: Floats = ((signs - scope.middle) / scope.spread) @ scope.weight + scope.bias
    return found


def scope_odds(model: Model, texts: list[str], read: dict[str, Any] | None = None) -> Floats:
    """Log-odds that each text belongs to none of the classes, (n,)."""
    assert model.scope is not None
    assert model.precedents is not None
    found = model.read(texts) if read is None else read
    near = nearest(_vectors(model, texts, found), model.precedents.astype(np.float32))
    return outside_odds(model.scope, _signs(model.scores(texts, found), near))


def _vectors(model: Model, texts: list[str], read: dict[str, Any]) -> Matrix:
    if "vectors" in read:
        return np.asarray(read["vectors"], np.float32)
    assert model.reader is not None
    return model.reader.encode(texts)


def _signs(scores: Matrix, near: Floats) -> Floats:
    """Energy (Liu et al. 2020), cosine of the nearest examples, and log of the largest probability: (n, 3)."""
    wide = scores.astype(np.float64)
    centred = wide - wide.mean(axis=1, keepdims=True)
    top = centred.max(axis=1)
    energy = top + np.log(np.exp(centred - top[:, None]).sum(axis=1))
    sure = np.log(np.maximum(probabilities(scores, sigmoid=False).max(axis=1), 1e-9))
    return np.stack([energy, near, sure], axis=1)


def nearest(
    vectors: Matrix,
    examples: Matrix,
    fold: npt.NDArray[np.int64] | None = None,
    folds: npt.NDArray[np.int64] | None = None,
) -> Floats:
    """Mean cosine of the nearest examples of each row (n,), those of its own fold left out."""
    found = np.zeros(len(vectors))
    k = min(_NEIGHBOURS, len(examples))
    for start in range(0, len(vectors), _ROWS):
        part = slice(start, start + _ROWS)
        cosine = vectors[part] @ examples.T
        if fold is not None and folds is not None:
            cosine[fold[part][:, None] == folds[None, :]] = -1
        found[part] = np.partition(cosine, -k, axis=1)[:, -k:].mean(axis=1) if k else 0.0
    return found
