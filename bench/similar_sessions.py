"""A simulated person who groups many rows at a glance, against one who labels rows drawn at random, one by one.

An action is one thing that a person does: accept what is shown, turn one card, clear all cards, name what a group is
where another name or none is offered, or name the class of one row. After the same number of actions the same
classifier learns from what each person said.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bench.texts import part

_ACTIONS = 120
_EVERY = 3  # sessions between two trainings of the space
_GRID = (10, 15, 20, 30, 40, 60, 80, 120, 160, 240, 320, 480)  # random labels, for the curve
_DRAWS = 3


def compare(name: str, judge: str, seed: int, place: Path, rows: int) -> dict[str, Any]:
    """Accuracy on the part `judge` by actions of both, and how many random labels the same accuracy takes."""
    train, unseen = part(name, "train"), part(name, judge)
    chosen = np.random.default_rng(seed).permutation(len(train.texts))[:rows]
    texts = [train.texts[i] for i in chosen.tolist()]
    gold = [str(train.labels[i]) for i in chosen.tolist()]
    known, purity = _by_groups(texts, gold, place, seed)
    steps = np.unique(np.searchsorted([a for a, _ in known], (30, 60, 90, _ACTIONS)).clip(max=len(known) - 1)).tolist()
    actions = [known[n][0] for n in steps]
    reached = [_accuracy(texts, known[n][1], unseen) for n in steps]
    grid = [a for a in _GRID if a <= len(texts)]
    curve = _random(texts, gold, unseen, grid, seed)
    needed = [_needed(grid, curve, right) for right in reached]
    shares = [None if more is None else round(a / more, 2) for a, more in zip(actions, needed, strict=True)]
    return {
        "judge": judge,
        "rows": len(texts),
        "actions": actions,
        "labels": [len(known[n][1]) for n in steps],
        "similar": reached,
        "random_actions": grid,
        "random": curve,
        "random_needed": needed,
        "share_of_actions": shares,
        "purity": purity,
    }


def _random(texts: list[str], gold: list[str], unseen: Any, grid: list[int], seed: int) -> list[float]:
    """Mean accuracy of several draws of so many labels each."""
    found = np.zeros((_DRAWS, len(grid)))
    for draw in range(_DRAWS):
        order = np.random.default_rng([seed, draw]).permutation(len(texts)).tolist()
        found[draw] = [_accuracy(texts, {n: gold[n] for n in order[:a]}, unseen) for a in grid]
    return [round(float(x), 4) for x in found.mean(axis=0)]


def _needed(grid: list[int], curve: list[float], right: float) -> float | None:
    """Random labels that reach an accuracy, by a line between points of the rising curve; None: more than all."""
    rising = np.maximum.accumulate(curve)
    if right > rising[-1]:
        return None
    return round(float(np.interp(right, *_strict(rising, np.array(grid, float)))), 1)


def _strict(rising: Any, grid: Any) -> tuple[Any, Any]:
    """The points at which the curve rises, each at its first place."""
    keep = np.concatenate([[True], np.diff(rising) > 0])
    return rising[keep], grid[keep]


def _by_groups(
    texts: list[str], gold: list[str], place: Path, seed: int
) -> tuple[list[tuple[int, dict[int, str]]], list[float]]:
    """Actions so far with the rows and classes that are known by then, a pair each session; and each one's purity."""
    from dovetail.serve import worker
    from dovetail.serve.wire_label import AnswerGiven, NewSession, NextAsked
    from dovetail.serve.workbench import Workbench
    from dovetail.types import Table
    from dovetail.workspace import open_workspace

    open_workspace(place / "ws")
    bench = Workbench(place / "ws", work=False)
    ids = np.random.default_rng(seed).permutation(len(texts))
    bench.tables.add(Table("texts", pa.table({"text": texts}), pa.array([f"r{n}" for n in ids.tolist()])))
    session = bench.sessions.make(NewSession(kind="group", table="texts"), "person").session
    known: dict[int, str] = {}
    actions, purity = 0, []
    found: list[tuple[int, dict[int, str]]] = []
    while actions < _ACTIONS:
        item = bench.sessions.following(session, "person", NextAsked()).items[0]
        shown = {n.record.row: n.same is not False for n in item.neighbours}
        same = [n for n in shown if gold[n] == gold[item.focus.row]]
        other = [n for n in shown if gold[n] != gold[item.focus.row]]
        given = AnswerGiven(key=f"k{len(found)}", item=item.item, value=_said(gold, item.focus.row, same, other))
        bench.sessions.answer(session, "person", given)
        known |= {n: gold[n] for n in [item.focus.row, *same]}
        actions += (item.name != gold[item.focus.row]) + _presses(shown, same, other)
        found.append((actions, dict(known)))
        purity.append(round(len(same) / len(shown), 2))
        if len(found) % _EVERY == 0:
            job = bench.jobs.add("space", {"table": "texts", "run": len(found)}, "person").job
            bench.state.write("UPDATE jobs SET state = 'running', started = ? WHERE job = ?", (time.time(), job))
            worker.main(str(bench.folder), job)
    bench.close()
    return found, purity


def _presses(shown: dict[int, bool], same: list[int], other: list[int]) -> int:
    """The fewest presses from the cards as shown to the answer: all at once, card by card, or after clearing."""
    turned = sum(shown[n] for n in other) + sum(not shown[n] for n in same)
    return 1 if not other else 1 + min(turned, 1 + len(same), 2 + len(other))


def _said(gold: list[str], focus: int, same: list[int], other: list[int]) -> Any:
    """A group by the name of its class."""
    from dovetail.serve.wire_label import GroupValue

    return GroupValue(same=same, other=other, name=gold[focus])


def _accuracy(texts: list[str], said: dict[int, str], unseen: Any) -> float:
    """Of the classifier that learned from these labels; of one class alone, the share that has it."""
    from dovetail.tasks.classify import Classifier

    right = np.array([str(label) for label in unseen.labels])
    if len(set(said.values())) < 2:
        return round(float((right == next(iter(said.values()))).mean()), 4)
    model = Classifier("static").fit([texts[n] for n in said], list(said.values()), effort="quick")
    return round(float(np.mean(np.array([str(g) for g in model.predict(unseen.texts)]) == right)), 4)
