"""The band of pairs for a person: where it lies, what it promises, and that its figures did not choose themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_catalogues import catalogues, some

from dovetail.measure.calibrate import best_f1_threshold
from dovetail.tasks.card import with_intervals
from dovetail.tasks.match_evaluate import coverage
from dovetail.tasks.match_review import MATCH, NOT, REVIEW, Rates, Review, band, cross_fitted, review_of, trusted
from dovetail.tasks.match_tables import Matcher


def _scored(n: int = 4000, seed: int = 0, sharpness: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    odds = rng.normal(-1.5, sharpness, n)
    score = 1 / (1 + np.exp(-odds))
    return score, (rng.random(n) < score).astype(np.int8)


def _best(score: np.ndarray, label: np.ndarray) -> float:
    return best_f1_threshold(score, label)[0]


def test_outside_of_the_band_decisions_are_as_right_as_was_asked() -> None:
    score, label = _scored()
    line = _best(score, label)
    low, high = band(score, label, line, Rates(0.95, 0.97))
    assert 0 < low < line < high < 1
    above, below = score >= high, score < low
    assert label[above].mean() >= 0.95
    assert label[below].sum() <= 0.03 * label.sum()
    wider = band(score, label, line, Rates(0.99, 0.99))
    assert wider[0] < low
    assert wider[1] > high


def test_easy_pairs_need_no_person_and_hopeless_ones_all_do() -> None:
    label = np.r_[np.zeros(50), np.ones(50)].astype(np.int8)
    score = np.where(label == 1, 0.9, 0.1)
    assert band(score, label, 0.5, Rates()) == (0.5, 0.5)
    noise = np.random.default_rng(0).random(100)
    found = review_of(noise, label, 0.5, Rates(0.99, 0.99))
    assert (found.verdicts(noise) == REVIEW).mean() > 0.8


def test_costs_make_the_dear_error_rare() -> None:
    dear = Rates.of(0.95, None, {"false_match": 9, "missed_match": 1})
    assert (dear.right, dear.kept) == (pytest.approx(0.99), pytest.approx(0.91))
    assert Rates.of(0.9, 0.99, None) == Rates(0.99, 0.9)


def test_verdicts_at_the_ends() -> None:
    found = Review(0.2, 0.8, "").verdicts(np.array([0.1, 0.2, 0.79, 0.8]))
    assert found.tolist() == [NOT, REVIEW, REVIEW, MATCH]


def test_cross_fitted_figures_hold_on_new_pairs_where_chosen_ones_flatter() -> None:
    new_score, new_label = _scored(20_000, seed=99, sharpness=1.5)
    fair, flattering, true = [], [], []
    for seed in range(20):
        score, label = _scored(80, seed, sharpness=1.5)
        line = _best(score, label)
        flattering.append(_f1(score >= line, label))
        fair.append(_f1(cross_fitted(score, label, _best, Rates(), seed).found, label))
        true.append(_f1(new_score >= line, new_label))
    assert np.mean(flattering) > np.mean(true) + 0.02
    assert abs(np.mean(fair) - np.mean(true)) < 0.03


def test_trusted_counts() -> None:
    verdict = np.array([MATCH, MATCH, NOT, NOT, REVIEW])
    found = trusted(verdict, np.array([1, 0, 0, 1, 1]))
    assert found.review.value == pytest.approx(0.2)
    assert found.right.value == pytest.approx(0.5)
    assert found.precision.value == pytest.approx(0.5)
    assert found.lost.value == pytest.approx(1 / 3)
    assert "20.0 %" in found.said


def test_the_surest_pairs_are_decided_best() -> None:
    score, label = _scored()
    found = coverage(score, label, 0.5)
    assert [a.decided for a in found] == sorted(a.decided for a in found)
    assert found[0].right.value > 0.97 > found[-1].right.value
    assert found[0].lost.value < found[-1].lost.value


def test_intervals_stand_in_one_text() -> None:
    found = with_intervals({"f1": 0.9, "f1_low": 0.8, "f1_high": 0.95, "pairs": 3, "ratio_low": 1.0})
    assert found == {"f1": "0.9 (0.8 to 0.95)", "pairs": 3, "ratio_low": 1.0}


def test_a_matcher_marks_pairs_and_says_how_many_a_person_sees(tmp_path: Path) -> None:
    north, south, pairs = catalogues()
    taught = np.arange(len(pairs)) % 4 != 3
    matcher = Matcher().fit(north, south, some(pairs, taught), effort="quick")
    assert matcher.review is not None
    assert matcher.threshold is not None
    assert matcher.review.low <= matcher.threshold <= matcher.review.high
    figures = matcher.card.figures
    assert figures["review_share_low"] <= figures["review_share"] <= figures["review_share_high"]
    assert "cross-fitted" in figures["how"]
    scored = matcher.predict(north, south, some(pairs, ~taught))
    assert scored.verdict is not None
    assert scored.score is not None
    expected = matcher.review.verdicts(scored.score)
    assert scored.verdict.to_pylist() == expected.tolist()
    again = Matcher.load(matcher.save(tmp_path / "m"))
    assert again.review == matcher.review
    found = again.evaluate(north, south, some(pairs, ~taught))
    assert found.review is not None
    assert found.review.review.value == pytest.approx((expected == REVIEW).mean())
    assert any(line.startswith("review from") for line in found.to_lines())


def test_the_matcher_in_the_box_marks_pairs_too() -> None:
    north, south, pairs = catalogues(20)
    matcher = Matcher()
    scored = matcher.predict(north, south, pairs)
    assert matcher.review is not None
    assert set(scored.verdict.to_pylist()) <= {MATCH, REVIEW, NOT}  # type: ignore[union-attr]


def _f1(found: np.ndarray, label: np.ndarray) -> float:
    return float(2 * (found & (label == 1)).sum() / max(found.sum() + (label == 1).sum(), 1))


def test_where_nothing_is_called_a_match_no_precision_is_claimed() -> None:
    said = trusted(np.array([NOT, REVIEW, NOT, NOT]), np.array([0, 1, 0, 1]))
    assert said.precision.unknown
    assert "none is called a match" in said.said
    assert not said.lost.unknown


def test_a_line_at_either_end_still_ranks_how_sure_decisions_are() -> None:
    score, label = _scored(200)
    for line in (0.0, 1.0):
        assert all(np.isfinite(at.right.value) for at in coverage(score, label, line))
