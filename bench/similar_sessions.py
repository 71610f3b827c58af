"""A simulated person who groups many rows at a glance, against one who labels rows drawn at random, one by one.

An action is one thing that a person does: accept what is shown, take one card out, name a row's class. After the
same number of actions the same classifier learns from what each person said, and is measured on the test part.
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


def compare(name: str, seed: int, place: Path, rows: int) -> dict[str, Any]:
    """Accuracy by actions of both, and how many actions random labelling needs for the same accuracy."""
    train, test = part(name, "train"), part(name, "test")
    chosen = np.random.default_rng(seed).permutation(len(train.texts))[:rows]
    texts = [train.texts[i] for i in chosen.tolist()]
    gold = [str(train.labels[i]) for i in chosen.tolist()]
    grouped = _by_groups(texts, gold, place, seed)
    order = np.random.default_rng(seed + 1).permutation(len(texts)).tolist()
    found: dict[str, Any] = {"rows": len(texts), "actions": [a for a, _ in grouped]}
    found["similar"] = [_accuracy(texts, said, test) for _, said in grouped]
    found["labels"] = [len(said) for _, said in grouped]
    spans = [a for a, _ in grouped] + [2 * grouped[-1][0], 3 * grouped[-1][0]]
    drawn = [_accuracy(texts, {n: gold[n] for n in order[:a]}, test) for a in spans]
    found |= {"random_actions": spans, "random": drawn}
    reached = next((a for a, right in zip(spans, drawn, strict=True) if right >= found["similar"][-1]), None)
    return {**found, "share_of_actions": None if reached is None else round(grouped[-1][0] / reached, 3)}


def _by_groups(texts: list[str], gold: list[str], place: Path, seed: int) -> list[tuple[int, dict[int, str]]]:
    """What is known after some actions: rows and their class."""
    from dovetail.serve import worker
    from dovetail.serve.wire_label import AnswerGiven, GroupValue, NewSession, NextAsked
    from dovetail.serve.workbench import Workbench
    from dovetail.types import Table
    from dovetail.workspace import open_workspace

    open_workspace(place / "ws")
    bench = Workbench(place / "ws", work=False)
    bench.tables.add(Table("texts", pa.table({"text": texts}), pa.array([f"r{n}" for n in range(len(texts))])))
    session = bench.sessions.make(NewSession(kind="group", table="texts"), "person").session
    known: dict[int, str] = {}
    actions, sessions, found = 0, 0, []
    while actions < _ACTIONS:
        item = bench.sessions.following(session, "person", NextAsked()).items[0]
        shown = [n.record.row for n in item.neighbours]
        same = [n for n in shown if gold[n] == gold[item.focus.row]]
        other = [n for n in shown if gold[n] != gold[item.focus.row]]
        given = AnswerGiven(key=f"k{sessions}", item=item.item, value=GroupValue(same=same, other=other))
        bench.sessions.answer(session, "person", given)
        known |= {n: gold[n] for n in [item.focus.row, *same]}
        actions, sessions = actions + 2 + len(other), sessions + 1
        found.append((actions, dict(known)))
        if sessions % _EVERY == 0:
            job = bench.jobs.add("space", {"table": "texts", "run": sessions}, "person").job
            bench.state.write("UPDATE jobs SET state = 'running', started = ? WHERE job = ?", (time.time(), job))
            worker.main(str(bench.folder), job)
    bench.close()
    del seed
    steps = np.unique(np.linspace(0, len(found) - 1, 4).round().astype(int))
    return [found[n] for n in steps.tolist()]


def _accuracy(texts: list[str], said: dict[int, str], test: Any) -> float | None:
    """Of the classifier that learned from these labels, on the test part."""
    from dovetail.tasks.classify import Classifier

    if len(set(said.values())) < 2:
        return None
    model = Classifier("static").fit([texts[n] for n in said], list(said.values()), effort="quick")
    guess = model.predict(test.texts)
    return round(float(np.mean([str(g) == str(t) for g, t in zip(guess, test.labels, strict=True)])), 4)
