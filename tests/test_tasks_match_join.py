"""Joining experts: weights, bands, and thresholds that one pair does not move."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dovetail.measure.calibrate import calibration_error
from dovetail.tasks.match_join import Join, fit_join, held_out_join, join, log_loss, steady_threshold
from dovetail.tasks.trees import probabilities


def _told(m: int = 4_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two experts that each see half of what decides, and labels."""
    rng = np.random.default_rng(seed)
    seen = rng.normal(0, 2, (m, 2))
    label = (rng.random(m) < probabilities(seen.sum(axis=1) - 2)).astype(np.int8)
    return seen, label


def test_two_experts_say_more_than_one_and_the_sum_is_calibrated() -> None:
    experts, label = _told()
    folds = np.arange(len(label)) % 5
    alone, both = held_out_join(experts[:, :1], label, folds), held_out_join(experts, label, folds)
    assert log_loss(both, label) < 0.8 * log_loss(alone, label)
    assert calibration_error(probabilities(both), label) < 0.02
    weights, offset = fit_join(experts, label)
    assert weights == pytest.approx([1, 1], abs=0.12)
    assert offset == pytest.approx(-2, abs=0.2)


def test_an_expert_that_guesses_gets_hardly_any_weight_and_never_a_negative_one() -> None:
    experts, label = _told()
    experts[:, 1] = -experts[:, 0] + np.random.default_rng(1).normal(0, 3, len(label))
    weights, _ = fit_join(experts, label)
    assert weights[1] >= 0
    assert weights[1] < 0.05


def test_outside_the_band_the_trees_decide_alone_and_it_costs_hardly_anything() -> None:
    rng = np.random.default_rng(2)
    label = (rng.random(4_000) < 0.3).astype(np.int8)
    sure = rng.random(4_000) < 0.8  # the trees know four pairs of five
    trees = np.where(sure, np.where(label == 1, 9.0, -9.0), rng.normal(0, 1, 4_000))
    reader = np.where(label == 1, 2.0, -2.0) + rng.normal(0, 1, 4_000)
    experts = np.stack([trees, reader], axis=1)
    found = join(("trees", "reader"), experts, label, (1.0, 0.0))
    asked = found.asked(trees)
    assert 0.15 < asked.mean() < 0.25
    silent = np.where(asked, reader, np.nan)
    mixed = found.log_odds(np.stack([trees, silent], axis=1))
    assert np.array_equal(mixed[~asked], trees[~asked])
    assert np.isfinite(mixed).all()


def test_a_join_survives_being_written() -> None:
    experts, label = _told(500)
    made = join(("trees", "reader"), experts, label, (1.0, 0.0))
    again = Join.from_note(json.loads(json.dumps(vars(made))))
    assert again == made


def test_a_threshold_rests_on_many_samples() -> None:
    experts, label = _told(800)
    score = probabilities(experts.sum(axis=1) - 2)
    found = [steady_threshold(np.delete(score, i), np.delete(label, i)) for i in range(0, 800, 200)]
    assert np.ptp(found) < 0.1
