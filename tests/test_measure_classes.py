"""Figures of classes: several labels, calibration, coverage, outsiders, wrong labels, groups."""

from __future__ import annotations

import numpy as np
import pytest

from dovetail.errors import InputError
from dovetail.measure.classes import label_scores
from dovetail.measure.groups import equal_opportunity, group_rates, rate_gap
from dovetail.measure.sure import auroc, confidence_error, coverage_curve, reliability, threshold_for_accuracy
from dovetail.measure.wrong import class_confidence, wrong_odds


def test_several_labels_by_hand() -> None:
    said = np.array([[1, 0], [1, 1], [0, 0], [0, 1]])
    true = np.array([[1, 0], [1, 0], [0, 0], [1, 1]])
    found = label_scores(said, true)
    assert found.exact.value == 0.5
    assert found.micro_f1 == pytest.approx(2 * 3 / (4 + 4))
    np.testing.assert_allclose(found.f1, [2 * 2 / (2 + 3), 2 * 1 / (2 + 1)])
    assert found.sample_f1 == pytest.approx((1 + 2 / 3 + 1 + 2 / 3) / 4)
    with pytest.raises(InputError, match="shape"):
        label_scores(said, true[:2])


def test_coverage_answers_the_surest_first() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.6])
    found = coverage_curve(confidence, np.array([1, 1, 0, 1]), points=4)
    np.testing.assert_allclose(found.coverage, [0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(found.accuracy, [1, 1, 2 / 3, 3 / 4])
    np.testing.assert_allclose(found.threshold, confidence)


def test_a_promise_of_accuracy_is_kept_on_new_texts() -> None:
    random = np.random.default_rng(0)
    p = random.uniform(0.5, 1, 4_000)
    right = random.random(4_000) < p
    line = threshold_for_accuracy(p, right, 0.9)
    assert line is not None
    new = random.uniform(0.5, 1, 40_000)
    assert new[new >= line[0]].mean() > 0.895
    assert line[1] == pytest.approx((p >= line[0]).mean())
    assert threshold_for_accuracy(np.full(9, 0.5), np.zeros(9), 0.5) is None


def test_calibration_error_of_a_boaster() -> None:
    right = np.array([1, 0] * 50)
    assert confidence_error(np.full(100, 0.9), right) == pytest.approx(0.4, abs=0.08)
    assert confidence_error(np.full(100, 0.5), right, bins=1) == 0
    assert confidence_error(np.zeros(0), np.zeros(0)) == 0
    bins = reliability(np.linspace(0, 1, 100), np.ones(100), bins=10)
    assert [n for _, _, n in bins] == [10] * 10


def test_auroc_counts_pairs() -> None:
    score, label = np.array([0.1, 0.4, 0.4, 0.8]), np.array([0, 0, 1, 1])
    assert auroc(score, label) == pytest.approx((1 + 0.5 + 1 + 1) / 4)
    with pytest.raises(InputError, match="one kind"):
        auroc(score, np.ones(4))


def test_wrong_labels_stand_first_even_in_a_timid_class() -> None:
    p = np.array([[0.9, 0.1], [0.95, 0.05], [0.45, 0.55], [0.42, 0.58], [0.97, 0.03]])
    given = np.array([0, 0, 1, 1, 1])
    odds = wrong_odds(p, given)
    assert odds.argmax() == 4
    assert (odds[:4] < 0).all()
    np.testing.assert_allclose(class_confidence(p, given), [0.925, (0.55 + 0.58 + 0.03) / 3])


def test_rates_by_group_and_the_price_of_equal_ones() -> None:
    groups = ["a"] * 4 + ["b"] * 4
    true = np.array([1, 1, 0, 0, 1, 1, 0, 0], bool)
    score = np.array([0.9, 0.8, 0.2, 0.1, 0.45, 0.4, 0.2, 0.6])
    given = score >= 0.5
    rates = {r.group: r for r in group_rates(given, true, given == true, groups)}
    assert rates["a"].found.value == 1
    assert rates["b"].found.value == 0
    assert rates["b"].wrong.value == 0.5
    assert rate_gap(given, true, np.array(groups)) == 1
    mended = equal_opportunity(score, true, groups)
    assert mended.gap_after == 0
    assert mended.accuracy_before == 5 / 8
    assert mended.price == pytest.approx(mended.accuracy_before - mended.accuracy_after)
    with pytest.raises(InputError, match="one group a row"):
        group_rates(given, true, given, groups[:-1])
