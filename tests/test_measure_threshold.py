"""Where the line is drawn: by F1, by a promised precision, by costs."""

from __future__ import annotations

import numpy as np
import pytest

from dovetail.errors import InputError, UnknownName
from dovetail.measure.threshold import Wish, choose_threshold, cost_threshold

SCORE = np.array([0.95, 0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.1])
LABEL = np.array([1, 1, 0, 1, 1, 0, 0, 0])


def test_best_f1() -> None:
    chosen = choose_threshold(SCORE, LABEL, Wish())
    assert chosen.threshold == pytest.approx(0.5)
    assert "best F1 (0.889) on 8" in chosen.why


@pytest.mark.parametrize(("precision", "line"), [(0.75, 0.5), (0.8, 0.5), (0.9, 0.85), (0.99, 0.85)])
def test_a_promised_precision(precision: float, line: float) -> None:
    chosen = choose_threshold(SCORE, LABEL, Wish(precision))
    assert chosen.threshold == pytest.approx(line)
    assert chosen.met


def test_an_unreachable_precision_is_said() -> None:
    chosen = choose_threshold(SCORE, 1 - LABEL, Wish(0.95))
    assert not chosen.met
    assert "precision 0.95 is not reached" in chosen.why
    found = chosen.threshold <= SCORE
    assert (1 - LABEL)[found].mean() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("costs", "found"),
    [({"false_match": 5, "missed_match": 1}, 2), ({"false_match": 1, "missed_match": 5}, 5), ({"false_match": 1}, 5)],
)
def test_costs(costs: dict[str, float], found: int) -> None:
    chosen = choose_threshold(SCORE, LABEL, Wish(costs=costs))
    assert int((chosen.threshold <= SCORE).sum()) == found


def test_the_line_of_costs_is_the_cheapest_of_all() -> None:
    random = np.random.default_rng(0)
    score = random.random(300)
    label = (random.random(300) < score).astype(int)
    costs = {"false_match": 3.0, "missed_match": 1.0}

    def price(line: float) -> float:
        found = score >= line
        return float(3 * (found & (label == 0)).sum() + (~found & (label == 1)).sum())

    chosen = choose_threshold(score, label, Wish(costs=costs))
    assert price(chosen.threshold) <= min(price(line) for line in np.linspace(0, 1.001, 2000))
    assert abs(chosen.threshold - cost_threshold(costs)) < 0.15


def test_calibrated_scores_need_no_labels_for_costs() -> None:
    assert cost_threshold({"false_match": 5, "missed_match": 1}) == pytest.approx(5 / 6)
    assert cost_threshold({"missed_match": 4}) == pytest.approx(0.2)


def test_wishes_that_cannot_be() -> None:
    with pytest.raises(InputError, match="either a precision or costs"):
        Wish(0.9, {"false_match": 1})
    with pytest.raises(InputError, match="above 0"):
        Wish(costs={"false_match": 0})
    with pytest.raises(InputError, match="between 0 and 1"):
        Wish(1.0)
    with pytest.raises(UnknownName, match="false_match"):
        Wish(costs={"false_mach": 2})
