"""Fitting climbs only where held-out labels say that it pays."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from dovetail.tables.read import read
from dovetail.tasks import match, match_experts, match_learn, match_trees
from dovetail.tasks.match import READ, Matcher
from dovetail.tasks.match_experts import Taught
from dovetail.tasks.match_learn import FitPlan
from dovetail.tasks.records import records_of
from dovetail.types import Candidates, Job, Progress, Records, finish

ROWS = 400


class Knowing:
    """An expert for tests: says the truth of each pair with some noise, or noise alone."""

    truth: ClassVar[dict[tuple[int, int], int]] = {}
    noise: ClassVar[float] = 0.5

    def __init__(self, start: Path | None = None, *, seed: int = 0) -> None:
        self.start, self.seed, self.asked = start, seed, 0

    def tune(self, taught: Taught, settings: Any, *, checkpoint: Any = None) -> Job[Any]:
        del settings, checkpoint
        yield Progress("tune", 1, 1)
        return {"steps": 1, "seconds": 0.0, "seen": len(taught.pairs)}

    def log_odds(self, records: Records, pairs: Candidates) -> Job[Any]:
        yield Progress("match", 1, 1)
        self.asked += len(pairs)
        keys = zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)
        known = np.array([2.0 if self.truth.get(k) else -2.0 for k in keys])
        rng = np.random.default_rng(len(pairs))
        return known * (self.noise < 5) + rng.normal(0, self.noise, len(pairs))

    def save(self, folder: Any) -> None:
        Path(folder).mkdir(parents=True)
        (Path(folder) / "noise.txt").write_text(str(self.noise))

    @classmethod
    def load(cls, folder: Any) -> Knowing:
        assert (Path(folder) / "noise.txt").is_file()
        return cls()


@pytest.fixture
def taught(monkeypatch: pytest.MonkeyPatch) -> tuple[Records, Candidates, np.ndarray]:
    """Names whose spelling alone does not settle which are the same, labelled pairs, and an expert that knows."""
    rng = np.random.default_rng(0)
    first, last = ["anna", "bert", "carla", "dora", "emil"], ["smith", "smyth", "jones", "johns", "brown"]
    rows = [{"name": f"{first[a]} {last[b]}", "year": str(1950 + c)} for a, b, c in rng.integers(0, 5, (ROWS, 3))]
    records = records_of([read(rows[: ROWS // 2], name="a"), read(rows[ROWS // 2 :], name="b")])
    left = rng.integers(0, ROWS // 2, 900)
    right = rng.integers(ROWS // 2, ROWS, 900)
    keys = np.unique(left.astype(np.int64) << 32 | right)
    pairs = Candidates((keys >> 32).astype(np.int32), (keys & 0xFFFFFFFF).astype(np.int32))
    text = [r["name"] for r in rows]
    alike = np.array([text[a][0] == text[b][0] for a, b in zip(pairs.left, pairs.right, strict=True)])
    label = (alike & (rng.random(len(pairs)) < 0.7)).astype(np.int8)
    Knowing.truth = dict(zip(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True), label.tolist(), strict=True))
    monkeypatch.setitem(match_experts.EXPERTS, "knowing", f"{__name__}:Knowing")
    monkeypatch.setattr(match_learn, "can_read", lambda: True)
    monkeypatch.setattr(match, "can_read", lambda: True)
    return records, pairs, label


def _fitted(taught: tuple[Records, Candidates, np.ndarray], **options: Any) -> Matcher:
    records, pairs, label = taught
    plan = FitPlan(experts=("knowing",), **options)
    return finish(Matcher.shipped().fit(records, pairs, label, context=pairs, plan=plan))


def test_an_expert_that_knows_is_kept_and_one_that_guesses_is_not(
    taught: tuple[Records, Candidates, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = _fitted(taught)
    assert kept.join_ is not None
    told = kept.facts_["experts"]["knowing"]
    assert told["kept"]
    assert told["log_loss"] < 0.7 * told["log_loss_before"]
    assert "joined with the knowing" in kept.describe()
    monkeypatch.setattr(Knowing, "noise", 9.0)
    dropped = _fitted(taught)
    assert dropped.join_ is None
    assert "did not pay" in dropped.describe()


def test_quick_asks_no_expert_and_held_labels_are_never_shown_to_one(
    taught: tuple[Records, Candidates, np.ndarray],
) -> None:
    assert "experts" not in _fitted(taught, effort="quick").facts_
    held = np.arange(len(taught[2])) % 3 == 0
    told = _fitted(taught, held=held).facts_["experts"]["knowing"]
    assert told["seen"] == (~held).sum()


def test_explanations_of_a_join_add_up_and_name_what_reading_added(
    taught: tuple[Records, Candidates, np.ndarray],
) -> None:
    records, pairs, _ = taught
    matcher = _fitted(taught)
    some = Candidates(pairs.left[:50], pairs.right[:50])
    score = finish(matcher.score(records, some, context=pairs))
    for one, expected in zip(matcher.contributions(records, some, context=pairs), score, strict=True):
        total = one.base + sum(e.importance for e in one.evidence)
        assert 1 / (1 + np.exp(-total)) == pytest.approx(one.score, abs=1e-6)
        assert one.score == pytest.approx(expected, abs=0.2)  # the fake expert's noise depends on how many it is asked
        assert READ in {e.name for e in one.evidence}


def test_a_matcher_with_experts_comes_back_from_its_folder(
    taught: tuple[Records, Candidates, np.ndarray], tmp_path: Path
) -> None:
    records, pairs, _ = taught
    matcher = _fitted(taught)
    again = Matcher.load(matcher.save(tmp_path / "m"))
    before, after = (finish(m.score(records, pairs)) for m in (matcher, again))
    assert np.allclose(before, after)
    assert again.join_ == matcher.join_


def test_without_the_packages_of_its_network_a_matcher_still_decides_and_says_so(
    taught: tuple[Records, Candidates, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    records, pairs, _ = taught
    matcher = _fitted(taught)
    monkeypatch.setattr(match, "can_read", lambda: False)
    with pytest.warns(UserWarning, match=r"trees decide alone.*\[train\]"):
        decided = finish(matcher.decide(records, pairs))
    assert decided.threshold == pytest.approx(matcher.facts_["threshold_alone"])
    assert np.isfinite(decided.score).all()


def test_labels_of_one_left_record_stand_in_one_fold() -> None:
    left = np.repeat(np.arange(50, dtype=np.int32), 4)
    folds = match_trees.folds_of(Candidates(left, left + 100), np.zeros(len(left), np.int8), 0)
    assert all(len(set(folds[left == i].tolist())) == 1 for i in range(50))
    assert len(set(folds.tolist())) == 5


def test_only_a_reader_starts_where_a_reader_ended(tmp_path: Path) -> None:
    plan = FitPlan(start=tmp_path)
    assert match_learn._start("reader", plan) == tmp_path
    assert match_learn._start("cosine", plan) is None
