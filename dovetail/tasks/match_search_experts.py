"""`fit(effort="best")`: the settings of a matcher's networks; each trial is a whole tuning."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dovetail.tables.fingerprint import record_hashes
from dovetail.tasks.match_experts import Expert, Taught, load_expert, new_expert
from dovetail.tasks.match_join import held_out_join, log_loss
from dovetail.tasks.match_search import Budget, Kept, cross_chosen, digest, gate, in_order, search_facts, write_note
from dovetail.types import Candidates, Job

if TYPE_CHECKING:
    from dovetail.training.checkpoint import Checkpoint
    from dovetail.training.search import Attempt, Found
    from dovetail.training.settings import TuneSettings
    from dovetail.training.space import OneOf, Real, Space, Whole
    from dovetail.types import Floats, Ints

    Labels = npt.NDArray[np.int8]

SEARCHED = ("reader", "cosine")  # experts with settings worth searching


@dataclass(frozen=True)
class ExpertLesson:
    """What a network is tuned on (`taught`) and judged by (`asked`, h held-out pairs).

    `columns` (h, k) are the log-odds of the experts before it, `folds` (h,) parts without shared entities.
    """

    name: str
    taught: Taught
    asked: Candidates
    truth: Labels
    columns: Floats
    folds: Ints
    start: Path | None = None


@dataclass(frozen=True)
class ExpertChosen:
    """The tuned expert, what it says (h,), the join (h,) without the flattery of the choice, how it was tuned, and all
    that was tried."""

    expert: Expert
    said: Floats
    joined: Floats
    told: dict[str, Any]
    facts: dict[str, Any]


def search_expert(given: ExpertLesson, settings: TuneSettings, budget: Budget) -> Job[ExpertChosen]:
    """A network's settings by log loss of the join on held-out labels; each trial is a whole tuning.

    The defaults are tuned first, with all the minutes if they need them; another trial is begun only where the time
    that tuning took so far says that it will fit.
    """
    from dovetail.training.search import search

    trials = _ExpertTrials(given, settings, budget)
    found = yield from search(
        trials.space,
        trials.objective,
        minutes=budget.minutes,
        folder=budget.folder,
        seed=budget.seed,
        trials=budget.trials,
    )
    return (yield from trials.chosen(found))


class _ExpertTrials:
    """The trials of one network: what each said of the held pairs, the default expert and the best one."""

    def __init__(self, given: ExpertLesson, settings: TuneSettings, budget: Budget) -> None:
        self.given, self.settings, self.seed = given, settings, budget.seed
        self.space = _expert_space(given, settings)
        self.kept = Kept(budget, self.space)
        self.experts: dict[str, tuple[int, Expert]] = {}  # "default" and "best"

    def objective(self, attempt: Attempt) -> Job[float]:
        takes = self._forecast(attempt.chosen)
        if takes > attempt.seconds_left:
            attempt.give_up(f"it would take about {takes / 60:.1f} min, {attempt.seconds_left / 60:.1f} are left")
        began = time.monotonic()
        expert, told = yield from self._tuned(attempt.chosen, attempt.seconds_left / 60)
        said = yield from expert.log_odds(self.given.taught.records, self.given.asked)
        loss = log_loss(self._joined(said), self.given.truth)
        work = _work(attempt.chosen)
        note = {"told": told, "loss": loss, "pace": (time.monotonic() - began) / work, "number": attempt.number}
        if attempt.chosen == self.space.defaults:
            self._keep("default", attempt.number, expert)
        if loss <= min((n["loss"] for n in self.kept.notes.values()), default=np.inf):
            self._keep("best", attempt.number, expert)
        self.kept.keep(attempt.number, said, note)
        return loss

    def chosen(self, found: Found) -> Job[ExpertChosen]:
        """The best trial's expert if the gate lets it in, otherwise the default one."""
        given, tried = self.given, [t for t in in_order(found) if t.number in self.kept.said]
        facts = search_facts(found, len(given.truth)) | {"adopted": False}
        number, honest, better = None, np.zeros(0), False
        if tried and tried[0].chosen == found.defaults:
            number = tried[0].number
            joined = np.stack([self._joined(self.kept.said[t.number]) for t in tried])
            honest = cross_chosen(joined, given.truth, given.folds)
            facts |= gate(joined[0], honest, given.truth, np.ones(len(given.truth), bool))
            better = facts["adopted"] and found.number in self.kept.said and found.best != found.defaults
        if better:
            number = found.number
        expert, said, told = yield from self._again(number, found.best if better else found.defaults)
        return ExpertChosen(expert, said, honest if better else self._joined(said), told, facts | {"adopted": better})

    def _again(self, number: int | None, choice: dict[str, Any]) -> Job[tuple[Expert, Floats, dict[str, Any]]]:
        """The expert of a trial: as it stands, from its folder, or tuned once more where it is lost."""
        for role in ("default", "best"):
            expert = self._expert(role, number)
            if number is not None and expert is not None:
                return expert, self.kept.said[number], self.kept.notes[number]["told"]
        expert, told = yield from self._tuned(choice, self.settings.minutes)
        said = yield from expert.log_odds(self.given.taught.records, self.given.asked)
        return expert, said, told

    def _tuned(self, chosen: dict[str, Any], minutes: float | None) -> Job[tuple[Expert, dict[str, Any]]]:
        given = self.given
        expert: Any = new_expert(given.name, start=given.start, seed=self.seed)
        own = {name: value for name, value in chosen.items() if name not in ("budget", "encoder")}
        if given.name == "reader":
            expert.budget = chosen["budget"]
            if chosen["encoder"] == _PLAIN:
                expert.start = None
            own["vary"] = tuple(chosen["vary"].split(", "))
        settings = replace(self.settings, **own, minutes=minutes)
        checkpoint = self._checkpoint(chosen)
        told = yield from expert.tune(given.taught, settings, checkpoint=checkpoint)
        return expert, told

    def _checkpoint(self, chosen: dict[str, Any]) -> Checkpoint | None:
        from dovetail.training.checkpoint import Checkpoint

        home = self.kept.home
        return Checkpoint(home / "tuning", f"{sorted(chosen.items())} {self.space.recipe}") if home else None

    def _forecast(self, chosen: dict[str, Any]) -> float:
        """Seconds of a trial, from the trials before: in proportion to epochs and tokens. 0: nothing is known."""
        paces = [note["pace"] for note in self.kept.notes.values()]
        return float(np.median(paces)) * _work(chosen) if paces else 0.0

    def _joined(self, said: Floats) -> Floats:
        columns = np.concatenate([self.given.columns, said[:, None]], axis=1)
        return held_out_join(columns, self.given.truth, self.given.folds)

    def _keep(self, role: str, number: int, expert: Expert) -> None:
        self.experts[role] = number, expert
        if self.kept.home is not None:
            (self.kept.home / f"{role}.json").unlink(missing_ok=True)  # never an old number beside new weights
            expert.save(self.kept.home / role)
            write_note(self.kept.home / f"{role}.json", {"number": number})

    def _expert(self, role: str, number: int | None) -> Expert | None:
        if role in self.experts and self.experts[role][0] == number:
            return self.experts[role][1]
        home = self.kept.home
        if home is None or role in self.experts or not (home / f"{role}.json").is_file():
            return None
        stands_for = json.loads((home / f"{role}.json").read_text(encoding="utf-8"))["number"]
        return load_expert(self.given.name, home / role) if stands_for == number else None


_SPANS, _EVERY_WAY = "span", "span, value, order"
_READ_BEFORE, _PLAIN = "has read public pairs", "all-MiniLM-L6-v2"


def _expert_space(given: ExpertLesson, settings: TuneSettings) -> Space:
    from dovetail.tasks.match_reader import BUDGET
    from dovetail.training.space import OneOf, Real, Space, Whole

    ranges: dict[str, Real | Whole | OneOf] = {
        "learning_rate": Real(settings.learning_rate / 5, 5 * settings.learning_rate, settings.learning_rate, log=True),
        "epochs": Real(settings.epochs / 3, 3 * settings.epochs, settings.epochs, log=True),
        "batch": OneOf((max(1, settings.batch // 2), settings.batch, 2 * settings.batch), settings.batch),
    }
    if given.name == "reader":
        ranges["budget"] = Whole(BUDGET // 2, 2 * BUDGET, BUDGET, log=True)
        ranges["dropout"] = Real(0.0, max(0.3, settings.dropout), settings.dropout)
        ranges["cut"] = Real(0.0, max(0.4, settings.cut), settings.cut)
        ranges["vary"] = OneOf((_SPANS, _EVERY_WAY), _SPANS)
        ranges["loss"] = OneOf(("binary", "focal"), settings.loss)
        ranges["encoder"] = OneOf((_READ_BEFORE, _PLAIN), _READ_BEFORE)
        ranges["layers"] = OneOf(("all", "top-4", "top-2"), settings.layers)
    taught, asked = given.taught, given.asked
    arrays = (taught.pairs.left, taught.pairs.right, taught.label, asked.left, asked.right, given.truth, given.columns)
    told = (given.name, given.start, replace(settings, minutes=None))
    return Space(ranges, digest(*arrays, record_hashes(taught.records), told))


def _work(chosen: dict[str, Any]) -> float:
    return float(chosen["epochs"] * chosen.get("budget", 1))
