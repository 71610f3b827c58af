"""Intervals against tables and against how often they hold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from dovetail.errors import InputError
from dovetail.measure.intervals import bootstrap, exact, f1_interval, paired_bootstrap, wilson


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (1, 7), (8, 10), (10, 10), (450, 500)])
def test_wilson_and_exact_agree_with_scipy(hits, n):
    for ours, method in ((wilson, "wilson"), (exact, "exact")):
        theirs = binomtest(hits, n).proportion_ci(method=method)
        found = ours(hits, n)
        assert (found.value, found.low, found.high) == pytest.approx((hits / n, theirs.low, theirs.high), abs=1e-9)


def test_no_trial_says_nothing():
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)
    assert (exact(0, 0).low, exact(0, 0).high) == (0.0, 1.0)


def test_impossible_counts_are_refused():
    with pytest.raises(InputError, match="5 hits of 3 trials cannot be"):
        wilson(5, 3)


def test_f1_interval_holds():
    random = np.random.default_rng(0)
    true = [0.6, 0.1, 0.3]  # shares of hits, wrong and missed: F1 is 0.75
    held = 0
    for _ in range(400):
        interval = f1_interval(*random.multinomial(150, true))
        held += interval.low <= 0.75 <= interval.high
    assert 0.92 <= held / 400 <= 0.985


def test_bootstrap_is_seeded_and_close_to_theory():
    values = np.random.default_rng(1).normal(5, 2, 400)
    found = bootstrap(lambda at: float(values[at].mean()), 400, seed=3)
    assert found == bootstrap(lambda at: float(values[at].mean()), 400, seed=3)
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)


def test_paired_bootstrap_tells_two_apart():
    first = np.random.default_rng(2).normal(0, 5, 300)
    gap = paired_bootstrap(first + 0.5, first)
    assert (gap.value, gap.low, gap.high) == pytest.approx((0.5, 0.5, 0.5))
    noise = np.random.default_rng(3).normal(0, 1, 300)
    nothing = paired_bootstrap(first + noise - noise.mean(), first)
    assert nothing.low < 0 < nothing.high
    with pytest.raises(InputError, match="differ in number: 3 and 2"):
        paired_bootstrap(np.zeros(3), np.zeros(2))
    with pytest.raises(InputError, match="at least one sample"):
        bootstrap(lambda at: 0.0, 0)
