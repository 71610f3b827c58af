"""Measures of rankings, classes and column mappings."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score, ndcg_score

from dovetail.errors import InputError
from dovetail.measure.classes import class_scores
from dovetail.measure.columns import mapping_scores, recall_at_truth
from dovetail.measure.ranking import (
    mean_average_precision,
    measures_each,
    mrr,
    ndcg,
    ndcg_each,
    precision_at,
    recall_at,
)

GRADES = np.array([[0, 2, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]])


def test_ndcg_by_hand():
    per_query, known = ndcg_each(GRADES, 3)
    best = 3 + 1 / np.log2(3)
    assert per_query.tolist() == pytest.approx([(3 / np.log2(3) + 0.5) / best, 1.0, 0.0])
    assert known.tolist() == [True, True, False]
    assert ndcg(GRADES, 3) == pytest.approx((per_query[0] + 1) / 2)


def test_ndcg_agrees_with_scikit_learn():
    random = np.random.default_rng(0)
    grades = random.integers(0, 2, (20, 12))
    grades[:, 0] = 1
    rank = np.tile(-np.arange(12), (20, 1))
    for k in (1, 5, 10, 30):
        assert ndcg(grades, k) == pytest.approx(ndcg_score(grades, rank, k=k))


def test_ndcg_with_relevant_answers_that_were_never_ranked():
    missed = [np.array([2, 1, 2]), np.array([1, 1]), np.zeros(0)]
    full = [3 + 3 / np.log2(3) + 0.5, 1 + 1 / np.log2(3)]
    expected = ((3 / np.log2(3) + 0.5) / full[0] + 1 / full[1]) / 2
    assert ndcg(GRADES, 3, ideal=missed) == pytest.approx(expected)
    with pytest.raises(InputError, match="3 ranked queries but ideal grades for 1"):
        ndcg(GRADES, 3, ideal=missed[:1])


def test_reciprocal_rank_average_precision_recall():
    assert mrr(GRADES) == pytest.approx((0.5 + 1 + 0) / 3)
    assert mrr(GRADES, 1) == pytest.approx(1 / 3)
    assert mean_average_precision(GRADES) == pytest.approx(((1 / 2 + 2 / 3) / 2 + 1) / 2)
    assert mean_average_precision(GRADES, relevant=np.array([4, 1, 0])) == pytest.approx(((1 / 2 + 2 / 3) / 4 + 1) / 2)
    assert recall_at(GRADES, 2) == pytest.approx((0.5 + 1) / 2)
    assert recall_at(GRADES, 2, relevant=np.array([4, 1, 5])) == pytest.approx((0.25 + 1 + 0) / 3)
    assert precision_at(GRADES, 2) == pytest.approx((0.5 + 0.5 + 0) / 3)
    assert precision_at(GRADES, 8) == pytest.approx((2 / 8 + 1 / 8) / 3)


def test_wrong_shapes_are_refused():
    with pytest.raises(InputError, match="they have 1"):
        mrr(np.zeros(3))
    with pytest.raises(InputError, match="k is 0"):
        precision_at(GRADES, 0)


def test_classes_agree_with_scikit_learn():
    random = np.random.default_rng(4)
    true, predicted = random.choice(list("abcd"), 200), random.choice(list("abce"), 200)
    scores = class_scores(predicted, true)
    assert scores.classes.tolist() == list("abcde")
    assert scores.accuracy.value == pytest.approx((true == predicted).mean())
    for average, found in (("macro", scores.macro_f1), ("weighted", scores.weighted_f1)):
        assert found == pytest.approx(f1_score(true, predicted, average=average, zero_division=0))
    assert scores.confusion.tolist() == confusion_matrix(true, predicted).tolist()
    with pytest.raises(InputError, match="3 predictions for 2"):
        class_scores(np.zeros(3), np.zeros(2))


def test_column_mapping():
    true = [("name", "title"), ("price", "cost"), ("maker", "brand")]
    scores = mapping_scores([("name", "title"), ("price", "brand")], true)
    assert (scores.precision.value, scores.recall.value) == (0.5, pytest.approx(1 / 3))
    assert scores.f1.value == pytest.approx(0.4)
    ranked = [("name", "title"), ("x", "y"), ("price", "cost"), ("maker", "brand")]
    assert recall_at_truth(ranked, true) == pytest.approx(2 / 3)
    assert recall_at_truth(ranked, []) == 0.0


def test_every_measure_of_each_query_agrees_with_the_means():
    random = np.random.default_rng(1)
    grades = random.integers(0, 3, (30, 20))
    grades[:, 5] = 1
    ideal = [np.append(row, 2) for row in grades]
    relevant = np.array([np.count_nonzero(row) for row in ideal])
    each = measures_each(grades, 10, ideal=ideal)
    assert each["precision_10"].mean() == pytest.approx(precision_at(grades, 10))
    assert each["recall_10"].mean() == pytest.approx(recall_at(grades, 10, relevant=relevant))
    assert each["mrr"].mean() == pytest.approx(mrr(grades))
    assert each["map"].mean() == pytest.approx(mean_average_precision(grades, relevant=relevant))
    assert each["ndcg_10"].mean() == pytest.approx(ndcg(grades, 10, ideal=ideal))
    p, r = each["precision_10"], each["recall_10"]
    assert each["f1_10"] == pytest.approx(2 * p * r / np.maximum(p + r, 1e-9))
