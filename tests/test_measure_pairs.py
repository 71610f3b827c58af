"""Measures of pairs and groupings against counts by hand and slow exact twins."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, average_precision_score, mutual_info_score

from dovetail.errors import InputError
from dovetail.measure.clusters import (
    adjusted_rand,
    b_cubed,
    pairwise,
    size_histogram,
    variation_of_information,
)
from dovetail.measure.pairs import (
    average_precision,
    best_f1_threshold,
    curve,
    pair_scores,
    precision_threshold,
)
from dovetail.types import Candidates

groupings = st.integers(1, 14).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 4), min_size=n, max_size=n).map(np.array) for _ in range(2)])
)


def candidates(*pairs: tuple[int, int]) -> Candidates:
    return Candidates(*(np.array(side, np.int32).reshape(-1) for side in np.array(pairs).reshape(-1, 2).T))


def listed(labels: np.ndarray) -> set[tuple[int, int]]:
    return {(i, j) for i, j in combinations(range(len(labels)), 2) if labels[i] == labels[j]}


def test_pairs_of_positions():
    found = candidates((0, 1), (2, 3), (4, 5), (7, 6))
    true = candidates((0, 1), (3, 2), (6, 7), (8, 9), (1, 9))
    scores = pair_scores(found, true)
    assert (scores.precision.value, scores.recall.value) == (0.75, 0.6)
    assert scores.f1.value == pytest.approx(2 / 3)
    assert scores.f1.low < 2 / 3 < scores.f1.high
    assert (scores.true_pairs, scores.found_pairs, scores.shared_pairs) == (5, 4, 3)


def test_nothing_found_and_nothing_true():
    scores = pair_scores(candidates(), candidates())
    assert (scores.precision.value, scores.precision.low, scores.precision.high) == (0.0, 0.0, 1.0)
    assert scores.f1.value == 0.0


def test_pairs_and_groups_do_not_mix():
    with pytest.raises(InputError, match="not one with the other"):
        pair_scores(candidates((0, 1)), np.array([0, 0]))
    with pytest.raises(InputError, match="differ in length: 2 and 3"):
        pairwise(np.zeros(2), np.zeros(3))


@given(groupings)
@settings(max_examples=60, deadline=None)
def test_pairwise_counts_what_listing_counts(both):
    found, true = both
    ours, theirs = listed(found), listed(true)
    scores = pairwise(found, true)
    assert (scores.shared_pairs, scores.found_pairs, scores.true_pairs) == (len(ours & theirs), len(ours), len(theirs))


@given(groupings)
@settings(max_examples=60, deadline=None)
def test_b_cubed_is_the_mean_over_records(both):
    found, true = both
    precision, recall = [], []
    for i in range(len(found)):
        ours, theirs = set(np.flatnonzero(found == found[i])), set(np.flatnonzero(true == true[i]))
        precision.append(len(ours & theirs) / len(ours))
        recall.append(len(ours & theirs) / len(theirs))
    p, r = np.mean(precision), np.mean(recall)
    scores = b_cubed(found, true)
    assert scores.precision.value == pytest.approx(p)
    assert scores.recall.value == pytest.approx(r)
    assert scores.f1.value == pytest.approx(2 * p * r / (p + r))
    for interval in (scores.precision, scores.recall, scores.f1):
        assert interval.low <= interval.value + 1e-12
        assert interval.value <= interval.high + 1e-12


@given(groupings)
@settings(max_examples=60, deadline=None)
def test_rand_and_information_agree_with_scikit_learn(both):
    found, true = both
    assert adjusted_rand(found, true) == pytest.approx(adjusted_rand_score(true, found))
    entropy = [mutual_info_score(x, x) / np.log(2) for x in (found, true)]
    expected = sum(entropy) - 2 * mutual_info_score(found, true) / np.log(2)
    assert variation_of_information(found, true) == pytest.approx(expected, abs=1e-9)


def test_b_cubed_by_hand():
    scores = b_cubed(np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1]))
    assert scores.precision.value == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)
    assert scores.recall.value == pytest.approx((1 + 1 + 1 / 3 + 2 / 3 + 2 / 3) / 5)


def test_a_million_records_are_counted_without_their_pairs():
    true = np.arange(1_000_000) // 1_000  # half a billion true pairs
    found = np.where(true % 2 == 0, true, -1 - np.arange(1_000_000))
    scores = pairwise(found, true)
    assert scores.true_pairs == 1_000 * 499_500
    assert (scores.precision.value, scores.recall.value) == (1.0, 0.5)
    assert b_cubed(found, true).recall.value == pytest.approx((1 + 0.001) / 2)


def test_size_histogram():
    assert size_histogram(np.array([3, 3, 1, 2, 2, 9])) == {1: 2, 2: 2}


def test_curve_by_hand():
    found = curve(np.array([0.9, 0.8, 0.8, 0.3]), np.array([1, 1, 0, 1]), true_pairs=4)
    assert found.threshold.tolist() == [0.3, 0.8, 0.9]
    assert found.precision.tolist() == pytest.approx([0.75, 2 / 3, 1.0])
    assert found.recall.tolist() == pytest.approx([0.75, 0.5, 0.25])
    assert best_f1_threshold(found) == 0.3
    assert precision_threshold(found, 0.7) == 0.3
    assert precision_threshold(found, 0.9) == 0.9
    assert precision_threshold(curve(np.array([0.5]), np.array([0])), 0.5) is None


def test_curve_of_nothing():
    found = curve(np.zeros(0), np.zeros(0))
    assert len(found.threshold) == 0
    assert best_f1_threshold(found) == 1.0
    assert average_precision(found) == 0.0


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=25))
@settings(max_examples=60, deadline=None)
def test_curve_agrees_with_counting(scored):
    score, label = np.array([s / 6 for s, _ in scored]), np.array([int(y) for _, y in scored])
    found = curve(score, label)
    for threshold, precision, recall in zip(found.threshold, found.precision, found.recall, strict=True):
        kept = score >= threshold
        assert precision == pytest.approx(label[kept].mean())
        assert recall == pytest.approx(label[kept].sum() / max(1, label.sum()))
    if label.any():
        assert average_precision(found) == pytest.approx(average_precision_score(label, score))
