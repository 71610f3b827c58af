"""Few labels move the shipped matcher's scores only where labels left out say that it pays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_catalogues import catalogues, some

from dovetail.tasks import match_few
from dovetail.tasks.match_few import line_of_few
from dovetail.tasks.match_line import fit_line
from dovetail.tasks.match_tables import Matcher
from dovetail.types import Pairs


def _labels(n: int, slope: float, offset: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 3, n)
    return odds, (rng.random(n) < 1 / (1 + np.exp(-(slope * odds + offset)))).astype(np.int8)


def test_four_labels_hardly_move_the_line() -> None:
    slope, offset = fit_line(np.array([-2.0, -1.0, 0.5, 1.0]), np.array([1, 1, 1, 1], np.int8))
    assert 0.7 < slope < 1.3
    assert 0 < offset < 0.7


def test_scores_that_are_right_stay() -> None:
    adopted = [line_of_few(*_labels(24, 1.0, 0.0, seed)).adopted for seed in range(20)]
    assert sum(adopted) <= 2


@pytest.mark.parametrize("off", [-3.0, 3.0])
def test_scores_that_lie_too_low_or_too_high_are_moved(off: float) -> None:
    odds, label = _labels(36, 1.0, off)
    line = line_of_few(odds, label)
    assert line.adopted
    assert line.offset * off > 0.5 * abs(off)
    assert line.log_loss[1] < line.log_loss[0] - 0.05
    assert line.f1[1] >= line.f1[0]


def test_a_list_with_too_many_easy_matches_moves_nothing() -> None:
    odds = np.r_[np.full(25, 4.0), np.full(5, -5.0)] + np.random.default_rng(0).normal(0, 0.5, 30)
    line = line_of_few(odds, np.r_[np.ones(25), np.zeros(5)].astype(np.int8))
    assert not line.adopted
    assert abs(line.offset) < 0.3


def test_the_same_labels_give_the_same_line() -> None:
    odds, label = _labels(80, 1.0, 2.0)
    assert line_of_few(odds, label, seed=3) == line_of_few(odds, label, seed=3)


def test_a_matcher_says_what_few_labels_did_and_keeps_it() -> None:
    north, south, pairs = catalogues()
    few = some(pairs, np.r_[0:8, 70:78])
    plain = Matcher().fit(north, south, few, effort="quick")
    told = plain.card.figures["few_labels"]
    assert told["labels"] == 16
    assert "16 labelled pairs" in plain.card.summary
    assert "on labels left out" in plain.card.summary
    wrong = Matcher().fit(north, south, _turned(few), effort="quick")
    assert wrong.evaluate(north, south, pairs).f1.value > 0.5


def _turned(pairs: Pairs) -> Pairs:
    """The same pairs with every third label the wrong way round."""
    assert pairs.label is not None
    label = pairs.label.copy()
    label[::3] = 1 - label[::3]
    return replace(pairs, label=label)


def test_a_line_that_was_adopted_scores_as_explained_and_survives_saving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(match_few, "LEAST", -9.0)
    monkeypatch.setattr(match_few, "LEAST_SUM", -99.0)
    north, south, pairs = catalogues(30)
    few = some(pairs, np.r_[0:8, 30:38])
    matcher = Matcher().fit(north, south, few, effort="quick")
    assert matcher.card.figures["few_labels"]["adopted"]
    assert "moved by 16 labelled pairs" in matcher.card.summary
    scored = matcher.predict(north, south, few)
    again = Matcher.load(matcher.save(tmp_path / "m")).predict(north, south, few)
    assert scored.score == pytest.approx(again.score)
    for one, score in zip(matcher.explain(north, south, few), scored.score, strict=True):  # type: ignore[arg-type]
        odds = one.explanation.base + sum(e.importance for e in one.explanation.evidence)
        assert 1 / (1 + np.exp(-odds)) == pytest.approx(score, abs=1e-6)
