"""Held-out labels of things that the other labels show are noticed, and others judge in their place."""

from __future__ import annotations

import numpy as np

from dovetail.encoders.base import load_encoder
from dovetail.tables.read import read
from dovetail.tasks.compare import Comparer, Comparisons
from dovetail.tasks.match_new import judges, known_share
from dovetail.tasks.records import records_of
from dovetail.types import Candidates

THINGS, EACH = 60, 6  # every thing has records 0…5; the last two are only in held-out pairs


def labelled(held_known: bool = True) -> tuple[Candidates, np.ndarray, np.ndarray]:
    """Pairs of records numbered thing × EACH + record, labels, and which are held out."""
    rng = np.random.default_rng(0)
    pairs, label, held = [], [], []
    for thing in range(THINGS):
        taught = held_known or thing < THINGS // 2
        for a, b in ((0, 1), (0, 2), (1, 2), (2, 3)) if taught else ():
            pairs.append((thing * EACH + a, thing * EACH + b))
            label.append(1), held.append(False)
        pairs.append((thing * EACH + 4, thing * EACH + 5))
        label.append(1), held.append(True)
        for record, part in ((0, False), (1, False), (2, False), (4, True), (4, True), (5, True), (5, True)):
            other = int((thing + rng.integers(1, THINGS)) % THINGS)
            pairs.append((thing * EACH + record, other * EACH + (int(rng.integers(0, 4)) if not part else 4)))
            label.append(0), held.append(part)
    left, right = np.array(pairs, np.int32).T
    return Candidates(left, right), np.array(label, np.int8), np.array(held)


def test_where_held_out_things_are_new_they_judge() -> None:
    pairs, label, held = labelled()
    found = judges(pairs, label, held, known=0.3, seed=0)
    assert not found.new
    assert (found.judging == held).all()
    assert (found.teaching == ~held).all()


def test_where_they_are_known_others_judge_and_no_network_sees_those() -> None:
    pairs, label, held = labelled()
    copies = np.repeat(np.arange(14), len(label)) * THINGS * EACH
    many = Candidates(*(np.tile(side, 14) + copies for side in (pairs.left, pairs.right)))
    label, held = np.tile(label, 14), np.tile(held, 14)
    found = judges(many, label, held, known=1.0, seed=0)
    assert found.new
    assert not (found.judging & found.teaching).any()
    assert not (found.judging & held).any()
    thing = np.arange(14 * THINGS * EACH) // EACH
    shown = set(thing[many.left[found.teaching]]) | set(thing[many.right[found.teaching]])
    judged = found.judging & (label == 1)
    assert judged.sum() >= 100
    assert not shown & set(thing[many.left[judged]])
    assert abs(label[found.judging].mean() - label[held].mean()) < 0.02


def test_too_few_matches_to_keep_back_leave_things_as_they_are() -> None:
    pairs, label, held = labelled()
    assert not judges(pairs, label, held, known=1.0, seed=0).new


def test_known_things_are_found_although_no_record_is_shared() -> None:
    for held_known, low, high in ((True, 0.95, 1.0), (False, 0.4, 0.6)):
        pairs, label, held = labelled(held_known)
        rows = [{"name": f"thing {i // EACH} kind {i // EACH * 7919 % 997}"} for i in range(THINGS * EACH)]
        records = records_of([read(rows, name="all")])
        every = np.arange(THINGS * EACH, dtype=np.int32)
        near = [every[:-k].astype(np.int64) << 32 | every[k:] for k in range(1, EACH)]
        low_end, high_end = np.minimum(pairs.left, pairs.right), np.maximum(pairs.left, pairs.right)
        keys = np.unique(np.concatenate([*near, low_end.astype(np.int64) << 32 | high_end]))
        context = Candidates((keys >> 32).astype(np.int32), (keys & 0xFFFFFFFF).astype(np.int32))
        comparer = Comparer(records, context, load_encoder())

        def says(made: Comparisons) -> np.ndarray:
            return np.where(made.similarity[:, 0] > 0.999, 3.0, -3.0)

        assert low <= known_share(comparer, pairs, label, held, says) <= high
