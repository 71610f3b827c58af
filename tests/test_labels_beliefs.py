"""Votes joined quickly give what the plain turns of Dawid and Skene give, line by line and class by class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dovetail.labels.beliefs import STRENGTH, TRUST, net_of, rounds
from dovetail.labels.heuristics import join, proof


def plainly(votes: Any, hand: Any, weight: Any, frequency: Any, turns: int = 3_000) -> tuple[Any, Any]:
    """The same over all lines and all classes, without any leap."""
    h, c = votes.shape[1], len(frequency)
    counts = weight * (((votes >= 0).sum(axis=1) > 1) | (hand >= 0))
    trust = np.full(h, TRUST)
    cast = (votes[:, :, None] == np.arange(c)).astype(float)  # (m, h, c)
    for _ in range(turns):
        odds = np.log(trust / (1 - trust))[:, None] + np.log((1 - frequency) / frequency)
        score = np.log(frequency) + np.einsum("mhc,hc->mc", cast, odds)
        belief = np.exp(score - score.max(axis=1, keepdims=True))
        belief /= belief.sum(axis=1, keepdims=True)
        belief[hand >= 0] = np.eye(c)[hand[hand >= 0]]
        agreed = np.einsum("mhc,mc,m->h", cast, belief, counts)
        asked = np.einsum("mhc,m->h", cast, counts)
        trust = (agreed + TRUST * STRENGTH) / (asked + STRENGTH)
    return belief, trust


def drawn(seed: int, m: int = 60, h: int = 6, c: int = 5) -> tuple[Any, Any, Any, Any]:
    """Votes of rules of different worth on lines, some with a hand label."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, c, m)
    right = random.random((m, h)) < np.linspace(0.3, 0.95, h)
    votes = np.where(right, truth[:, None], random.integers(0, c, (m, h)))
    votes[random.random((m, h)) < 0.5] = -1
    hand = np.where(random.random(m) < 0.15, truth, -1)
    share = random.dirichlet(np.full(c, 5.0))
    return votes, hand, random.integers(1, 9, m), share


@pytest.mark.parametrize("seed", range(8))
def test_quick_turns_end_where_plain_ones_do(seed: int) -> None:
    votes, hand, weight, share = drawn(seed)
    beliefs, trust = rounds(net_of(votes, hand, len(share)), weight, share)
    belief, plain = plainly(votes, hand, weight, share)
    assert trust == pytest.approx(plain, abs=1e-4)
    assert beliefs.whole() == pytest.approx(belief, abs=1e-4)
    best, surest = beliefs.best()
    assert surest == pytest.approx(belief.max(axis=1), abs=1e-4)
    sure = np.sort(belief, axis=1)[:, -1] - np.sort(belief, axis=1)[:, -2] > 1e-3
    assert (best == belief.argmax(axis=1))[sure].all()
    some = np.array([0, 7, 31, 59])
    assert [x.tolist() for x in beliefs.best(some)] == [best[some].tolist(), surest[some].tolist()]


def test_hundreds_of_rules_that_agree_leave_no_number_behind() -> None:
    votes = np.zeros((40, 400), np.int64)
    votes[20:] = 1
    joined = join(votes, ["a", "b", "c"])
    assert joined.best.tolist() == [0] * 20 + [1] * 20
    assert joined.surest.min() > 0.999
    assert np.isfinite(joined.probability).all()


def test_without_votes_or_lines_only_frequency_speaks() -> None:
    nobody = join(np.full((3, 2), -1), ["a", "b"], label=np.array([1, 1, -1]))
    assert nobody.probability.tolist() == [[0, 1], [0, 1], [0.25, 0.75]]
    assert join(np.zeros((0, 2), np.int64), ["a", "b"]).probability.shape == (0, 2)
    assert proof(np.zeros((4, 0), np.int64), ["a", "b"], np.array([0, 1, 0, 1])) == (0, 0)
