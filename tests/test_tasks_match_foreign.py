"""Tables unlike those of training: how far apart, and when that is worth a warning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_catalogues import catalogues

from dovetail.tasks.match import Matcher as RecordMatcher
from dovetail.tasks.match_foreign import AGREED, FOREIGN, Foreign, Usual, dice, said_of
from dovetail.tasks.match_tables import Matcher
from dovetail.tasks.trees import TreeSettings, grow


def _made(seed: int, moved: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    values = rng.normal(moved, 1.0, (3000, 4)).astype(np.float32)
    values[rng.random(3000) < 0.2, 1] = np.nan
    return values, (values[:, 0] > moved + 0.5).astype(np.int8)


def _usual() -> Usual:
    values, label = _made(0)
    return Usual.of(grow(values, label, list("abcd"), TreeSettings(rounds=20)), values)


def test_distance_is_near_nought_for_more_of_the_same_and_grows_with_the_shift() -> None:
    usual = _usual()
    found = [usual.distance(_made(1, moved)[0]) for moved in (0.0, 0.5, 1.0, 3.0)]
    assert found[0] < 0.05
    assert found == sorted(found)
    assert found[2] > 0.3
    assert found[3] > 0.8
    assert usual.weight.sum() == pytest.approx(1.0)


def test_a_comparison_that_trees_do_not_use_does_not_count() -> None:
    usual, values = _usual(), _made(1)[0]
    values[:, 3] += 10
    assert usual.distance(values) < 0.06


def test_what_is_missing_here_and_was_not_there_is_a_shift() -> None:
    usual, values = _usual(), _made(1)[0]
    values[:, 0] = np.nan
    assert usual.distance(values) > 0.8


def test_it_survives_being_written_down() -> None:
    usual, values = _usual(), _made(2, 0.7)[0]
    again = Usual.from_note(usual.to_note())
    assert again.distance(values) == pytest.approx(usual.distance(values), abs=1e-3)


def test_agreement_of_two_choices() -> None:
    a, b = np.array([True, True, False, False]), np.array([True, False, True, False])
    assert dice(a, b) == 0.5
    assert dice(a, a) == 1.0
    assert dice(~a & a, ~b & b) == 1.0
    assert dice(a, ~a) == 0.0


def test_a_warning_needs_both_other_tables_and_other_decisions() -> None:
    assert said_of(None) == ()
    assert said_of(Foreign(FOREIGN - 0.01, 0.0)) == ()
    assert said_of(Foreign(0.9, AGREED)) == ()
    assert "unlike those" in said_of(Foreign(0.5, 0.1))[0]


def test_a_matcher_knows_its_own_tables_again_also_after_loading(tmp_path: Path) -> None:
    left, right, pairs = catalogues()
    assert RecordMatcher.shipped().usual_ is None
    fitted = Matcher().fit(left, right, pairs, effort="quick")
    fitted.predict(left, right)
    assert fitted.learned_ is not None
    assert fitted.learned_.decider.usual_ is not None
    assert fitted.warnings == ()
    again = Matcher.load(fitted.save(tmp_path / "m"))
    again.predict(left, right)
    assert again.warnings == ()


def test_prediction_and_evaluation_say_it(monkeypatch: pytest.MonkeyPatch) -> None:
    left, right, pairs = catalogues()
    fitted = Matcher().fit(left, right, pairs, effort="quick")
    monkeypatch.setattr(RecordMatcher, "foreign", lambda *_: Foreign(0.6, 0.1))
    fitted.predict(left, right)
    assert "distance 0.60" in fitted.warnings[0]
    assert fitted.evaluate(left, right, pairs).warnings[0] == fitted.warnings[0]
