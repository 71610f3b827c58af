"""Searching settings inside a budget of minutes: seeded, resumable, and honest about what was tried."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dovetail.errors import InputError, MissingExtra, WorkspaceError
from dovetail.measure.percent import percent
from dovetail.training.space import Space, listed
from dovetail.types import Job, Progress

FORMAT = 1
_FILE = "search.sqlite"
_RANDOM = 6  # trials, the defaults among them, before the model of good settings is asked
_PRUNE_FROM = 4  # finished trials before one may be stopped early
_TELLING = 10  # finished trials from which importances mean something
_IN_A_ROW = 15  # trials without a loss one after the other, after which nothing more is tried
_FAULTS = (FloatingPointError, MemoryError)  # of one trial; any other error ends the search
_MARGIN = 1e-9


class GivenUp(Exception):
    """A trial that is not worth finishing; says why."""


@dataclass(frozen=True)
class Tried:
    """One trial. `state` is `finished`, `pruned` (stopped early), `failed`, or `cut off` (the run was killed)."""

    number: int
    chosen: dict[str, Any]
    value: float | None  # the loss; for a pruned trial the last that it reported
    seconds: float
    state: str
    note: str = ""


@dataclass(frozen=True)
class Found:
    """What a search found; losses are lower for better."""

    best: dict[str, Any]
    value: float | None  # the loss of the best; None where no trial finished
    default: float | None  # the loss of the defaults
    tried: tuple[Tried, ...]
    importance: dict[str, float] = field(default_factory=dict)  # shares of 1; empty where trials are too few to say
    number: int | None = None  # the trial that is the best
    ended: str = ""
    defaults: dict[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Seconds of all trials."""
        return sum(t.seconds for t in self.tried)

    def counts(self) -> dict[str, int]:
        """Trials by state."""
        states = [t.state for t in self.tried]
        return {state: states.count(state) for state in dict.fromkeys(states)}

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        return {
            "best": self.best,
            "value": self.value,
            "defaults": self.defaults,
            "default_value": self.default,
            "number": self.number,
            "importance": {name: round(share, 4) for name, share in self.importance.items()},
            "seconds": round(self.seconds, 1),
            "ended": self.ended,
            "trials": [vars(t) | {"seconds": round(t.seconds, 2)} for t in self.tried],
        }

    def table(self) -> str:
        """What mattered, as lines of text."""
        rows = [("what mattered", "share", "default", "best")]
        for name in self.importance or self.defaults:
            share = percent(self.importance[name], 0) if self.importance else "?"
            rows.append((name, share, _short(self.defaults.get(name)), _short(self.best.get(name))))
        return f"{listed(rows)}\n{self.summary()}"

    def summary(self) -> str:
        """How many trials, and what they gained."""
        states = ", ".join(f"{n} {state}" for state, n in self.counts().items())
        lines = f"{len(self.tried)} trials ({states}) in {self.seconds:.0f} s; ended: {self.ended}."
        if self.value is not None and self.default is not None:
            lines += f" Loss {self.default:.4f} with the defaults, {self.value:.4f} at best."
        return lines if self.importance else f"{lines} Too few finished to say what mattered."


@dataclass(frozen=True)
class Attempt:
    """What an objective is given: the settings of this trial, and ways to say how it stands."""

    number: int
    chosen: dict[str, Any]
    seconds_left: float  # of the whole search
    _report: Callable[[int, float], bool]

    def report(self, step: int, value: float) -> None:
        """A loss on the way; raises `GivenUp` where it is above the median of earlier trials at this step."""
        if self._report(step, value):
            raise GivenUp(f"worse than the median after step {step}")

    def give_up(self, why: str) -> None:
        """End the trial without a loss."""
        raise GivenUp(why)


Objective = Callable[[Attempt], Job[float]]


def search(
    space: Space,
    objective: Objective,
    *,
    minutes: float,
    folder: str | Path | None = None,
    seed: int,
    trials: int | None = None,
) -> Job[Found]:
    """The settings of the lowest loss that were found in so many minutes, or in so many trials.

    The first trial is the defaults; the later ones come from a tree-structured Parzen estimator (Bergstra et al. 2011)
    that depends on the seed and the trials before only, so a search of a given number of trials repeats. With a
    `folder` every trial is kept: a killed search goes on, its minutes counted together, and the trial that was cut off
    is tried once more. Another recipe (ranges, seed, `space.recipe`) starts anew. Raises `MissingExtra` without Optuna.
    """
    if minutes <= 0:
        raise InputError(f"minutes is {minutes}; expected a number above 0")
    with _study(space, folder, seed) as study:
        run = _Run(study, space, seed, 60 * minutes)
        while not (ended := run.ended(trials)):
            yield run.progress()
            yield from run.attempt(objective)
        found = run.found(ended)
    yield Progress("search", round(60 * minutes), round(60 * minutes), found.summary())
    return found


class _Run:
    """One search over a study."""

    def __init__(self, study: Any, space: Space, seed: int, seconds: float) -> None:
        self.study, self.space, self.seed, self.budget = study, space, seed, seconds
        self.tried = _tried(study, space)
        self.spent = sum(t.seconds for t in self.tried)

    def ended(self, trials: int | None) -> str:
        """Why nothing more is tried; empty where something is."""
        done = [t for t in self.tried if t.state != "cut off"]
        if trials is not None and len(done) >= trials:
            return f"all {trials} trials were made"
        if not done:
            return ""  # the defaults are tried whatever they take
        if self.spent >= self.budget - _MARGIN:
            return f"the {self.budget / 60:.1f} min are spent"
        usual = sorted(t.seconds for t in done if t.state == "finished")
        if usual and usual[len(usual) // 2] / 2 > self.budget - self.spent:
            return f"the {self.budget - self.spent:.0f} s left are too short for another trial"
        last = done[-_IN_A_ROW:]
        if len(last) == _IN_A_ROW and all(t.value is None for t in last):
            return f"{_IN_A_ROW} trials in a row gave nothing: {last[-1].note}"
        return ""

    def progress(self) -> Progress:
        best = min((t.value for t in self.tried if t.state == "finished" and t.value is not None), default=None)
        said = "the defaults first" if best is None else f"trial {len(self.tried) + 1}, best loss so far {best:.4f}"
        return Progress("search", min(round(self.spent), round(self.budget)), round(self.budget), said)

    def attempt(self, objective: Objective) -> Job[None]:
        """One trial from asking to telling."""
        from optuna.trial import TrialState

        started = time.monotonic()  # what choosing takes counts, too: of small trials it is the larger part
        self.study.sampler = _sampler(self.seed, sum(t.state != "cut off" for t in self.tried))
        trial = self.study.ask(self.space.distributions())

        def report(step: int, value: float) -> bool:
            trial.report(value, step)
            return bool(trial.should_prune())

        note, value, state = "", None, TrialState.COMPLETE
        try:
            value = yield from objective(Attempt(trial.number, dict(trial.params), self.budget - self.spent, report))
        except GivenUp as why:
            note, state = str(why), TrialState.PRUNED
        except _FAULTS as fault:
            note, state = str(fault) or type(fault).__name__, TrialState.FAIL
        if value is not None and not math.isfinite(value):
            note, value, state = f"the loss is {value}", None, TrialState.FAIL
        took = time.monotonic() - started
        trial.set_user_attr("seconds", took)
        trial.set_user_attr("note", note)
        self.study.tell(trial, value, state)
        self.spent += time.monotonic() - started
        self.tried = _tried(self.study, self.space)

    def found(self, ended: str) -> Found:
        finished = [t for t in self.tried if t.state == "finished" and t.value is not None]
        best = min(finished, key=lambda t: (t.value, t.number), default=None)
        defaults = self.space.defaults
        return Found(
            dict(best.chosen) if best else defaults,
            best.value if best else None,
            next((t.value for t in finished if t.chosen == defaults), None),
            tuple(self.tried),
            _importance(self.study, len(finished)),
            best.number if best else None,
            ended,
            defaults,
        )


@contextmanager
def _study(space: Space, folder: str | Path | None, seed: int) -> Iterator[Any]:
    """A study, in a file of the folder or in memory, with the defaults as its first trial and what was cut off next."""
    try:
        import optuna
    except ImportError:
        raise MissingExtra("searching settings (effort='best')", "train") from None
    loud = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = _storage(folder)
    try:
        study = optuna.create_study(
            storage=storage,
            study_name=recipe_hash(space, seed),
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(n_startup_trials=_PRUNE_FROM, n_warmup_steps=1),
        )
        _begin(study, space)
        yield study
    finally:
        if storage is not None:
            storage.remove_session()
            storage.engine.dispose()
        optuna.logging.set_verbosity(loud)


def _storage(folder: str | Path | None) -> Any:
    if folder is None:
        return None
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import DatabaseError

    path = Path(folder) / _FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return RDBStorage(f"sqlite:///{path}")
    except DatabaseError as fault:
        raise WorkspaceError(f"{path} cannot be read as a search ({fault.orig}); delete it to start anew") from None


def _begin(study: Any, space: Space) -> None:
    from optuna.trial import TrialState

    if not study.get_trials(deepcopy=False):
        study.enqueue_trial(space.defaults)
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
        if not trial.user_attrs.get("again"):  # a trial that cuts the run off twice would do so for ever
            study.enqueue_trial(trial.params or space.defaults, user_attrs={"again": True})


def recipe_hash(space: Space, seed: int) -> str:
    """A name for what settles the trials: format, ranges, seed and the caller's recipe."""
    told = f"{FORMAT}\n{sorted(space.ranges.items())}\n{seed}\n{space.recipe}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _sampler(seed: int, number: int) -> Any:
    """A sampler of its own for each trial, so that a search that was killed goes on as if it had not been."""
    from optuna.samplers import TPESampler

    own = hashlib.sha256(f"{seed} {number}".encode()).digest()[:4]
    return TPESampler(seed=int.from_bytes(own, "little"), n_startup_trials=_RANDOM, multivariate=True)


def _tried(study: Any, space: Space) -> list[Tried]:
    states = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}
    found = []
    for trial in study.get_trials(deepcopy=False):
        told = trial.user_attrs
        if trial.state.name not in states:
            continue
        state = states[trial.state.name] if "seconds" in told else "cut off"
        chosen = {name: trial.params[name] for name in space.ranges if name in trial.params}
        value = trial.value if state == "finished" else trial.intermediate_values.get(trial.last_step)
        found.append(Tried(trial.number, chosen, value, told.get("seconds", 0.0), state, told.get("note", "")))
    return found


def _importance(study: Any, finished: int) -> dict[str, float]:
    """How much each setting had to do with being among the better trials (PED-ANOVA, Watanabe et al. 2023)."""
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    if finished < _TELLING:
        return {}
    better = min(0.5, max(0.1, 5 / finished))  # the estimate needs about five trials among the better ones
    found: Mapping[str, float] = get_param_importances(
        study, evaluator=PedAnovaImportanceEvaluator(target_quantile=better)
    )
    return {name: float(share) for name, share in found.items()}


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
