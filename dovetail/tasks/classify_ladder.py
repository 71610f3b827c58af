"""The ladder: simple scorers first, and how much each step brought on labels that it had not seen."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError
from dovetail.tasks.classify_folds import judgeable
from dovetail.tasks.classify_head import Head, HeadSettings, fit_head
from dovetail.tasks.classify_mix import fit_weights, log_loss, mixed, probabilities
from dovetail.types import Job, Progress

Matrix = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STRENGTHS = {"words": (3.0, 10.0, 30.0, 100.0), "vectors": (1.0, 3.0, 10.0, 30.0, 100.0)}
FEW = 16  # labels a class, the middle one of all classes, up to which names are evidence and words alone are not
_CHEAP = 1e8  # numbers touched in one round of the solver, up to which every strength is tried on every fold


@dataclass(frozen=True)
class Task:
    """What a ladder is climbed on: features of all labelled rows by the name of what reads them, and folds."""

    features: Mapping[str, Any]  # name: (n, d)
    targets: Matrix  # (n, c)
    fold: Ints  # (n,)
    sigmoid: bool
    weight: Matrix | None = None  # (n,)
    fixed: Mapping[str, Head] = field(default_factory=dict)  # heads that were not learnt: class names
    learnt: tuple[str, ...] = ("words", "vectors")  # which features get a head, the simplest first
    toward: Head | None = None  # what the head of the vectors is pulled to instead of nothing: the names

    @property
    def few(self) -> bool:
        """Whether labels are few."""
        sizes = self.targets.sum(axis=0)
        return float(np.median(sizes[sizes > 0])) <= FEW


@dataclass(frozen=True)
class Rung:
    """One step of the ladder: held-out scores, how good they are, and what they took."""

    name: str
    parts: tuple[str, ...]
    strengths: tuple[float, ...]
    scores: Matrix  # (n, c) held-out, calibrated
    right: Floats  # (n,) in [0, 1]: how right each held-out row was
    losses: Floats  # (n,) held-out log loss
    seconds: float
    weights: Floats = field(default_factory=lambda: np.ones(1))  # (parts,)

    @property
    def score(self) -> float:
        """Mean of `right`: accuracy, or F1 a row where a text has several labels."""
        return float(self.right.mean())

    @property
    def loss(self) -> float:
        """Mean of `losses`."""
        return float(self.losses.mean())


def rightness(scores: Matrix, targets: Matrix, *, sigmoid: bool, line: float = 0.5) -> Floats:
    """How right each row is: 1 or 0, or F1 of its labels where it has several."""
    if not sigmoid:
        return np.asarray(np.take_along_axis(targets, scores.argmax(axis=1)[:, None], 1)[:, 0], np.float64)
    said = probabilities(scores, sigmoid=True) >= line
    hit = (said & (targets > 0.5)).sum(axis=1)
    total = said.sum(axis=1) + (targets > 0.5).sum(axis=1)
    return np.where(total == 0, 1.0, 2 * hit / np.maximum(total, 1))


def climb(task: Task) -> Job[tuple[Rung, ...]]:
    """Every cheap rung with its held-out scores, the simplest first, and all of them joined."""
    rungs: list[Rung] = []
    names = [*task.fixed, *(n for n in task.learnt if n in task.features)]
    for at, name in enumerate(names):
        yield Progress("fit", at, len(names) + 1, f"checking {name} on held-out labels")
        rungs.append(_single(task, name))
    yield Progress("fit", len(names), len(names) + 1, "joining them")
    if not rungs:
        raise InputError("none of the rungs asked for can be tried on these labels; names must say what classes mean")
    if len(rungs) > 1:
        rungs.append(joined(task, rungs))
    return tuple(rungs)


def _single(task: Task, name: str) -> Rung:
    start = time.perf_counter()
    if name in task.fixed:
        scores = task.fixed[name].scores(task.features["vectors"])
        return calibrated_rung(task, name, (name,), (0.0,), [scores], start)
    features = task.features[name]
    strengths = STRENGTHS[name]
    nonzero = features.nnz if hasattr(features, "nnz") else features.size
    folds = np.unique(task.fold)
    judged = folds if nonzero * task.targets.shape[1] * len(folds) <= _CHEAP else folds[:1]
    best = np.inf
    found: tuple[float, dict[int, Head]] = (strengths[0], {})
    heads: dict[int, Head] = {}
    for strength in strengths:
        for fold in judged.tolist():
            heads[fold] = _fold_head(task, name, strength, fold, heads.get(fold))
        loss = _held_out_loss(task, features, heads, judged)
        if loss < best:
            best, found = loss, (strength, dict(heads))
        else:
            break
    strength, heads = found
    for fold in folds.tolist():
        if fold not in heads:
            heads[fold] = _fold_head(task, name, strength, fold, None)
    return calibrated_rung(task, name, (name,), (strength,), [_held_out(task, features, heads)], start)


def _fold_head(task: Task, name: str, strength: float, fold: int, start: Head | None) -> Head:
    inside = np.flatnonzero(task.fold != fold)
    settings, toward = HeadSettings(strength, task.sigmoid), task.toward if name == "vectors" else None
    weight = None if task.weight is None else task.weight[inside]
    features, targets = task.features[name][inside], task.targets[inside]
    return fit_head(features, targets, settings, weight=weight, start=start, toward=toward)


def _held_out(task: Task, features: Any, heads: Mapping[int, Head]) -> Matrix:
    scores = np.zeros(task.targets.shape, np.float32)
    for fold, head in heads.items():
        outside = np.flatnonzero(task.fold == fold)
        scores[outside] = head.scores(features[outside])
    return scores


def _held_out_loss(task: Task, features: Any, heads: Mapping[int, Head], folds: Ints) -> float:
    """Log loss at the best temperature, so that a strength is not chosen for its scale."""
    chosen = np.isin(task.fold, folds)
    chosen = chosen & _judged(task) if (chosen & _judged(task)).any() else chosen
    scores = _held_out(task, features, heads)[chosen]
    targets = task.targets[chosen]
    weights = fit_weights([scores], targets, sigmoid=task.sigmoid)
    return float(log_loss(mixed([scores], weights), targets, sigmoid=task.sigmoid).mean())


def joined(task: Task, rungs: Sequence[Rung], name: str = "joined") -> Rung:
    """All rungs in one, each with a weight; their held-out rows were judged by weights from the other folds."""
    start = time.perf_counter()
    parts = tuple(p for r in rungs for p in r.parts)
    strengths = tuple(s for r in rungs for s in r.strengths)
    made = calibrated_rung(task, name, parts, strengths, [r.scores for r in rungs], start)
    inner = np.concatenate([w * r.weights for w, r in zip(made.weights.tolist(), rungs, strict=True)])
    return replace(made, weights=inner, seconds=made.seconds + sum(r.seconds for r in rungs))


def calibrated_rung(
    task: Task, name: str, parts: tuple[str, ...], strengths: tuple[float, ...], raw: list[Matrix], start: float
) -> Rung:
    """Calibrate held-out scores: every fold by weights that were fitted on the others."""
    scores, known = np.zeros_like(raw[0]), _judged(task)
    for fold in np.unique(task.fold).tolist():
        inside, outside = (task.fold != fold) & known, task.fold == fold
        weights = fit_weights([r[inside] for r in raw], task.targets[inside], sigmoid=task.sigmoid)
        scores[outside] = mixed([r[outside] for r in raw], weights)
    weights = fit_weights([r[known] for r in raw], task.targets[known], sigmoid=task.sigmoid)
    right = rightness(scores, task.targets, sigmoid=task.sigmoid)
    losses = log_loss(scores, task.targets, sigmoid=task.sigmoid)
    return Rung(name, parts, strengths, scores, right, losses, time.perf_counter() - start, weights)


def _judged(task: Task) -> npt.NDArray[np.bool_]:
    """Rows (n,) that weights are fitted on. A text of a class that the other folds do not know is wrong by the sure
    score of a head that could not know better, and would make all others look overconfident. Names know every class."""
    found = judgeable(task.targets, task.fold)
    return np.ones_like(found) if task.sigmoid or task.fixed or not found.any() else found


def simplest_of_the_best(rungs: Sequence[Rung], few: bool = False) -> tuple[Rung, str]:
    """The first rung that is within one standard error of the best, in being right and in log loss, and why.

    The error is that of the difference on the same held-out rows, which is much smaller than that of either figure. The
    loss tells near misses from blunders, so it sees a better rung where few rows change sides. Where labels are few,
    being right or wrong on thirty rows says next to nothing: then the loss decides alone, and all scorers together are
    what another rung has to beat.
    """
    if few:
        return _first_near(sorted(rungs, key=lambda r: r.name != "joined"), min(rungs, key=lambda r: r.loss), few=True)
    return _first_near(rungs, min(rungs, key=lambda r: (-r.score, r.loss)), few=False)


def _first_near(rungs: Sequence[Rung], best: Rung, *, few: bool) -> tuple[Rung, str]:
    for rung in rungs:
        if rung is best:
            break
        if _near(rung.losses - best.losses) and (few or _near(best.right - rung.right)):
            how = "the loss of" if few else ""
            said = f"{rung.name} ({rung.score:.3f} right) is within one standard error of {how} {best.name}"
            return rung, f"{' '.join(said.split())} ({best.score:.3f} right)" + ("" if few else ", and simpler")
    return best, f"{best.name} is best on held-out labels ({best.score:.3f} right)"


def _near(gap: Floats) -> bool:
    """Whether what is lost on the same rows (n,) is within one standard error of nothing."""
    error = float(gap.std(ddof=1) / np.sqrt(len(gap))) if len(gap) > 1 else 0.0
    return float(gap.mean()) <= error


def learn(task: Task, rung: Rung, ready: Mapping[str, Head] | None = None) -> dict[str, Head]:
    """The heads of a rung's parts, fitted on all labels; those that are `ready` as they are."""
    heads = dict(ready or {})
    for part, strength in zip(rung.parts, rung.strengths, strict=True):
        if part in task.fixed:
            heads[part] = task.fixed[part]
        elif part not in heads:
            settings = HeadSettings(strength, task.sigmoid)
            toward = task.toward if part == "vectors" else None
            heads[part] = fit_head(task.features[part], task.targets, settings, weight=task.weight, toward=toward)
    return heads
