"""The search finds, repeats with its seed, goes on after a kill, prunes, keeps to its minutes, says what mattered."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_clock import Clock

pytest.importorskip("optuna")

from dovetail.errors import InputError, MissingExtra, WorkspaceError
from dovetail.training import search as searching
from dovetail.training.search import Attempt, Found, search
from dovetail.training.space import OneOf, Real, Space, Whole
from dovetail.types import Job, Progress, finish

SPACE = Space({"rate": Real(1e-4, 1.0, 0.5, log=True), "size": Whole(1, 9, 2), "kind": OneOf(("a", "b"), "b")})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(searching, "time", made)
    return made


def bowl(attempt: Attempt) -> Job[float]:
    """Lowest, 0, at a rate of 0.01; the size hardly matters."""
    yield Progress("tune", 0, 1)
    return math.log10(attempt.chosen["rate"] / 0.01) ** 2 + 0.001 * attempt.chosen["size"]


def lasting(clock: Clock, seconds: float, inner: Callable[[Attempt], Job[float]] = bowl) -> Any:
    def objective(attempt: Attempt) -> Job[float]:
        clock.now += seconds
        return (yield from inner(attempt))

    return objective


def settings_of(found: Found) -> list[dict[str, Any]]:
    return [t.chosen for t in found.tried]


def test_defaults_first_and_better_afterwards() -> None:
    found = finish(search(SPACE, bowl, minutes=60, seed=3, trials=30))
    assert found.tried[0].chosen == {"rate": 0.5, "size": 2, "kind": "b"} == found.defaults
    assert found.default == pytest.approx(math.log10(50) ** 2 + 0.002)
    assert found.value is not None
    assert found.value < 0.1
    assert found.best["rate"] == pytest.approx(0.01, rel=1.0)
    assert found.number == min(found.tried, key=lambda t: t.value or 9.0).number
    assert found.counts() == {"finished": 30}
    assert found.ended == "all 30 trials were made"


def test_what_mattered() -> None:
    found = finish(search(SPACE, bowl, minutes=60, seed=1, trials=30))
    assert sum(found.importance.values()) == pytest.approx(1.0)
    assert max(found.importance, key=lambda name: found.importance[name]) == "rate"
    lines = found.table().splitlines()
    assert lines[0].split() == ["what", "mattered", "share", "default", "best"]
    assert lines[1].startswith("rate ")
    assert lines[-1].startswith("30 trials (30 finished)")
    assert json.loads(json.dumps(found.to_dict()))["trials"][0]["chosen"] == found.defaults


def test_few_trials_say_nothing_of_importance() -> None:
    found = finish(search(SPACE, bowl, minutes=60, seed=1, trials=3))
    assert found.importance == {}
    assert "Too few finished" in found.table()


def test_one_seed_repeats_and_another_does_not() -> None:
    first, again, other = (finish(search(SPACE, bowl, minutes=60, seed=s, trials=12)) for s in (7, 7, 8))
    assert settings_of(first) == settings_of(again)
    assert settings_of(first)[1:] != settings_of(other)[1:]


def test_minutes_bound_the_search(clock: Clock) -> None:
    found = finish(search(SPACE, lasting(clock, 20.0), minutes=2, seed=0))
    assert len(found.tried) == 6
    assert found.seconds == pytest.approx(120.0)
    assert found.ended == "the 2.0 min are spent"
    long = finish(search(SPACE, lasting(clock, 100.0), minutes=2, seed=0))
    assert len(long.tried) == 1
    assert long.ended == "the 20 s left are too short for another trial"


def test_defaults_are_tried_whatever_they_take(clock: Clock) -> None:
    found = finish(search(SPACE, lasting(clock, 500.0), minutes=0.1, seed=0))
    assert [t.state for t in found.tried] == ["finished"]


def killed_after(trials: int, folder: Path) -> None:
    """A search that ends without a word in the middle of a trial."""
    made = 0

    def objective(attempt: Attempt) -> Job[float]:
        nonlocal made
        made += 1
        yield Progress("tune", made, trials)
        return (yield from bowl(attempt))

    job = search(SPACE, objective, minutes=60, folder=folder, seed=7, trials=12)
    for _ in job:
        if made > trials:
            break
    job.close()


def test_a_killed_search_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = finish(search(SPACE, bowl, minutes=60, seed=7, trials=12))
    killed_after(8, tmp_path)
    found = finish(search(SPACE, bowl, minutes=60, folder=tmp_path, seed=7, trials=12))
    assert found.counts() == {"finished": 12, "cut off": 1}
    done = [t for t in found.tried if t.state == "finished"]
    assert [t.chosen for t in done] == settings_of(whole)
    assert found.tried[8].state == "cut off"
    assert found.tried[9].chosen == found.tried[8].chosen
    assert found.value == whole.value


def test_defaults_that_were_cut_off_are_tried_again(tmp_path: Path) -> None:
    killed_after(0, tmp_path)
    found = finish(search(SPACE, bowl, minutes=60, folder=tmp_path, seed=7, trials=2))
    assert [t.state for t in found.tried] == ["cut off", "finished", "finished"]
    assert found.tried[1].chosen == SPACE.defaults
    assert found.default is not None


def test_minutes_count_over_runs(tmp_path: Path, clock: Clock) -> None:
    finish(search(SPACE, lasting(clock, 20.0), minutes=1, folder=tmp_path, seed=0))
    found = finish(search(SPACE, lasting(clock, 20.0), minutes=2, folder=tmp_path, seed=0))
    assert len(found.tried) == 6
    again = finish(search(SPACE, lasting(clock, 20.0), minutes=2, folder=tmp_path, seed=0))
    assert settings_of(again) == settings_of(found)


def test_another_recipe_starts_anew(tmp_path: Path) -> None:
    finish(search(SPACE, bowl, minutes=60, folder=tmp_path, seed=7, trials=3))
    other = Space(SPACE.ranges, "other labels")
    assert len(finish(search(other, bowl, minutes=60, folder=tmp_path, seed=7, trials=2)).tried) == 2
    assert len(finish(search(SPACE, bowl, minutes=60, folder=tmp_path, seed=9, trials=1)).tried) == 1
    assert len(finish(search(SPACE, bowl, minutes=60, folder=tmp_path, seed=7, trials=2)).tried) == 3


def test_bad_trials_are_stopped_early() -> None:
    steps: dict[int, int] = {}

    def objective(attempt: Attempt) -> Job[float]:
        value = yield from bowl(attempt)
        for step in range(1, 6):
            steps[attempt.number] = step
            attempt.report(step, value)
        return value

    found = finish(search(SPACE, objective, minutes=60, seed=3, trials=20))
    pruned = [t for t in found.tried if t.state == "pruned"]
    assert len(pruned) >= 3
    assert all(steps[t.number] < 5 for t in pruned)
    assert pruned[0].note == f"worse than the median after step {steps[pruned[0].number]}"
    assert found.tried[0].state == "finished"


def test_faults_of_a_trial_do_not_end_the_search() -> None:
    def objective(attempt: Attempt) -> Job[float]:
        value = yield from bowl(attempt)
        if attempt.number == 1:
            raise FloatingPointError("the loss is not a number at step 3")
        return math.nan if attempt.number == 2 else value

    found = finish(search(SPACE, objective, minutes=60, seed=3, trials=6))
    assert found.counts() == {"finished": 4, "failed": 2}
    assert found.tried[1].note == "the loss is not a number at step 3"
    assert found.tried[2].note == "the loss is nan"


def test_trials_that_all_give_up_come_to_an_end() -> None:
    def objective(attempt: Attempt) -> Job[float]:
        value = yield from bowl(attempt)
        if attempt.number:
            attempt.give_up("no time for it")
        return value

    found = finish(search(SPACE, objective, minutes=60, seed=3))
    assert found.best == found.defaults
    assert found.ended == "15 trials in a row gave nothing: no time for it"


def test_no_trial_finished() -> None:
    def objective(attempt: Attempt) -> Job[float]:
        yield from bowl(attempt)
        return math.inf

    found = finish(search(SPACE, objective, minutes=60, seed=3, trials=2))
    assert (found.best, found.value, found.number) == (SPACE.defaults, None, None)


def test_other_errors_come_through(tmp_path: Path) -> None:
    def objective(attempt: Attempt) -> Job[float]:
        yield Progress("tune", 0, 1)
        raise InputError("the labels are gone")

    with pytest.raises(InputError, match="the labels are gone"):
        finish(search(SPACE, objective, minutes=60, folder=tmp_path, seed=3))


def test_bad_arguments_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="minutes is 0"):
        finish(search(SPACE, bowl, minutes=0, seed=0))
    with pytest.raises(InputError, match="default of rate is 3"):
        Space({"rate": Real(0.0, 1.0, 3.0)})
    with pytest.raises(InputError, match="no range"):
        Space({})
    (tmp_path / "search.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(WorkspaceError, match="delete it to start anew"):
        finish(search(SPACE, bowl, minutes=1, folder=tmp_path, seed=0))
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(MissingExtra, match=r"dovetail\[train\]"):
        finish(search(SPACE, bowl, minutes=1, seed=0))
