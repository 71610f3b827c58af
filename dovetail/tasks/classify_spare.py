"""Texts without a label, where labels are few: the classes are drawn where texts really lie.

The labelled texts and the names say what each spare text likely is; a head then learns from both, the spare texts
weighing together as much as the labelled ones at most (self-training with soft labels, Scudder 1965, as in noisy
student).
"""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

from dovetail.tasks.classify_head import Head, HeadSettings, fit_head
from dovetail.tasks.classify_ladder import Rung, Task, calibrated_rung
from dovetail.tasks.classify_mix import mixed, probabilities

Matrix = npt.NDArray[np.float32]
MOST = 4_000  # spare texts that are read
LEAST = 10  # spare texts from which they are learnt from
_SHARPER = 2.0


def spare_rung(task: Task, base: Rung, spare: Matrix) -> tuple[Rung, Head]:
    """The rung whose vectors also learnt from spare texts (m, d), judged on held-out labels; and its head for good."""
    start = time.perf_counter()
    held = np.zeros(task.targets.shape, np.float32)
    for fold in np.unique(task.fold).tolist():
        inside, outside = np.flatnonzero(task.fold != fold), np.flatnonzero(task.fold == fold)
        held[outside] = _head(task, base, spare, inside).scores(task.features["vectors"][outside])
    fixed = [name for name in task.fixed if name in base.parts]
    raw = [task.fixed[name].scores(task.features["vectors"]) for name in fixed]
    strengths = (*(0.0 for _ in fixed), _strength(base))
    rung = calibrated_rung(task, "unlabelled", (*fixed, "vectors"), strengths, [*raw, held], start)
    return rung, _head(task, base, spare, np.arange(len(task.targets)))


def _head(task: Task, base: Rung, spare: Matrix, rows: npt.NDArray[np.int64]) -> Head:
    vectors, targets = task.features["vectors"][rows], task.targets[rows]
    settings = HeadSettings(_strength(base), task.sigmoid)
    first = fit_head(vectors, targets, settings, toward=task.toward)
    known = {**task.fixed, "vectors": first}
    parts = [(known[p], w) for p, w in zip(base.parts, base.weights.tolist(), strict=True) if p in known]
    scores = mixed([head.scores(spare) for head, _ in parts], np.array([w for _, w in parts]))
    guessed = probabilities(_SHARPER * scores, sigmoid=task.sigmoid)
    if not task.sigmoid:
        # No class may swallow the spare texts because its examples happened to lie in the middle.
        guessed = guessed / np.sqrt(np.maximum(guessed.mean(axis=0), 1e-6))
        guessed = guessed / guessed.sum(axis=1, keepdims=True)
    together = np.concatenate([targets, guessed.astype(np.float32)])
    weight = np.r_[np.ones(len(rows)), np.full(len(spare), min(len(rows) / len(spare), 1))].astype(np.float32)
    return fit_head(np.concatenate([vectors, spare]), together, settings, weight=weight / weight.mean(), start=first)


def _strength(base: Rung) -> float:
    return base.strengths[base.parts.index("vectors")] if "vectors" in base.parts else 10.0
