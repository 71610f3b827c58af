"""The settings of a classifier's heads, searched inside a budget on folds of their own, and judged like any rung.

Searched are how closely each head follows the labels, how much of each label is spread over the other classes, how much
rarer classes count for more, and how much blended rows weigh. The folds that judge the result are others than those
that chose it.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.tasks.classify_augment import blended
from dovetail.tasks.classify_head import Head, HeadSettings, fit_head
from dovetail.tasks.classify_ladder import Rung, Task, calibrated_rung
from dovetail.training.search import Attempt, Found, search
from dovetail.training.space import Real, Space
from dovetail.types import Job, Progress

Matrix = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Chosen = Mapping[str, Any]
_MOST = 4_000  # rows that a trial learns from
_STRENGTHS = {"words": Real(1.0, 300.0, 30.0, log=True), "vectors": Real(0.3, 300.0, 10.0, log=True)}


@dataclass(frozen=True)
class Searched:
    """The best settings as a rung, its heads learnt from all labels, and what was tried."""

    rung: Rung
    heads: dict[str, Head]
    found: Found


def searched(
    task: Task, fold: Ints, *, minutes: float, folder: str | Path | None = None, seed: int = 0, data: str = ""
) -> Job[Searched]:
    """Search on `fold` (n,), judge on the task's own folds.

    With a `folder` a search that was killed goes on, where labels, folds and `data`, a name for what the features were
    made from, are the same.
    """
    start = time.perf_counter()
    rows = np.sort(np.random.default_rng(seed).permutation(len(fold))[:_MOST])
    small = _on(replace(task, fold=fold), rows)
    space = space_of(task, fold, data)

    def objective(attempt: Attempt) -> Job[float]:
        yield Progress("search", 0, 1, f"trial {attempt.number + 1}")
        return _judged(small, attempt.chosen, time.perf_counter()).loss

    found = yield from search(space, objective, minutes=minutes, folder=folder, seed=seed)
    rung = _judged(task, found.best, start)
    heads = {name: _head(task, found.best, name, np.arange(len(task.targets))) for name in _learnt(task)}
    return Searched(rung, heads, found)


def name_of(texts: Sequence[str], *facts: Any) -> str:
    """A name for texts and facts about them that JSON can say: the same ones have the same name."""
    told = json.dumps([list(texts), *facts], sort_keys=True)
    return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()


def space_of(task: Task, fold: Ints, data: str = "") -> Space:
    """What a search may choose for this task, and what its trials rest on."""
    ranges = {f"{name} strength": _STRENGTHS[name] for name in _learnt(task)}
    ranges["balance"] = Real(0.0, 1.0, 0.0)
    if not task.sigmoid:
        ranges["smoothing"] = Real(0.0, 0.3, 0.0)
    if "vectors" in _learnt(task):
        ranges["mix"] = Real(0.0, 1.0, 0.0)
    told = hashlib.blake2b(data.encode(), digest_size=16)
    for one in (task.targets, fold, *(() if task.weight is None else (task.weight,))):
        told.update(f"{one.shape} {one.dtype}".encode() + np.ascontiguousarray(one).tobytes())
    return Space(dict(ranges), f"classify {','.join(task.fixed)} {told.hexdigest()}")


def _learnt(task: Task) -> list[str]:
    return [name for name in task.learnt if name in task.features]


def _on(task: Task, rows: Ints) -> Task:
    """The task on some of its rows."""
    features = {name: values[rows] for name, values in task.features.items()}
    weight = None if task.weight is None else task.weight[rows]
    return replace(task, features=features, targets=task.targets[rows], fold=task.fold[rows], weight=weight)


def _judged(task: Task, chosen: Chosen, start: float) -> Rung:
    """All scorers under these settings, joined, on held-out rows."""
    raw = [task.fixed[name].scores(task.features["vectors"]) for name in task.fixed]
    names = _learnt(task)
    for name in names:
        held = np.zeros(task.targets.shape, np.float32)
        for fold in np.unique(task.fold).tolist():
            inside, outside = np.flatnonzero(task.fold != fold), np.flatnonzero(task.fold == fold)
            held[outside] = _head(task, chosen, name, inside).scores(task.features[name][outside])
        raw.append(held)
    strengths = (*(0.0 for _ in task.fixed), *(float(chosen[f"{name} strength"]) for name in names))
    return calibrated_rung(task, "searched", (*task.fixed, *names), strengths, raw, start)


def _head(task: Task, chosen: Chosen, name: str, rows: Ints) -> Head:
    features, targets = task.features[name][rows], _smoothed(task.targets[rows], chosen)
    weight = _balanced(task, rows, float(chosen["balance"]))
    if name == "vectors" and chosen["mix"] > 0.01:
        more, wanted = blended(features, targets, 0)
        features, targets = np.concatenate([features, more]), np.concatenate([targets, wanted])
        weight = np.concatenate([weight, weight * np.float32(chosen["mix"])])
    settings = HeadSettings(float(chosen[f"{name} strength"]), task.sigmoid)
    return fit_head(features, targets, settings, weight=weight / weight.mean())


def _smoothed(targets: Matrix, chosen: Chosen) -> Matrix:
    share = float(chosen.get("smoothing", 0.0))
    return np.asarray((1 - share) * targets + share / targets.shape[1] * (share > 0), np.float32)


def _balanced(task: Task, rows: Ints, power: float) -> Matrix:
    """How much each row counts: the rarer its class the more, as `power` says."""
    own = np.ones(len(rows), np.float32) if task.weight is None else task.weight[rows]
    sizes = np.maximum(task.targets[rows].sum(axis=0), 1)
    rare = (sizes.mean() / sizes) ** power
    each = (task.targets[rows] @ rare) / np.maximum(task.targets[rows].sum(axis=1), 1)
    return np.asarray(own * np.where(each > 0, each, 1.0), np.float32)
