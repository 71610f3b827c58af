"""`fit(effort="best")`: the settings of a matcher's trees, searched inside a share of the minutes.

Labels that choose among many trials flatter the one that is chosen. So every trial is scored out of fold, and the
figures that are stated, and the gate that lets searched settings in, rest on `cross_chosen`: each fold is decided by
the trial that the other folds chose.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dovetail.measure.calibrate import best_f1_threshold, platt
from dovetail.tables.atomic import replace_file
from dovetail.tasks.match_join import log_loss
from dovetail.tasks.trees import TreeSettings, grow
from dovetail.types import Job, Progress

if TYPE_CHECKING:
    from dovetail.training.search import Attempt, Found
    from dovetail.training.space import Space
    from dovetail.types import Floats, Ints

    Matrix = npt.NDArray[np.float32]
    Labels = npt.NDArray[np.int8]
    Mask = npt.NDArray[np.bool_]

MINUTES = 30.0  # the budget of `effort="best"` where none was given
TRIALS = 80  # of trees; more choose by chance
_NOISE = 0.002  # F1 that a better log loss may cost
_PAYS = 0.995  # the log loss that searched settings must come under, as a share of the defaults'
_OF_ALL, _BESIDE = 1 / 3, 1 / 6  # share of the minutes for trees: alone, and where networks follow


@dataclass(frozen=True)
class Budget:
    """How long to search, and where trials are kept (None: in memory)."""

    minutes: float
    seed: int = 0
    folder: Path | None = None
    trials: int | None = None

    def part(self, name: str, minutes: float) -> Budget:
        """So many minutes of it, in a folder of its own."""
        return replace(self, minutes=minutes, folder=self.folder / name if self.folder else None)


def tree_minutes(minutes: float | None, networks: bool) -> float:
    """Minutes of a fit that go into searching trees: a third at most, less where networks are tuned after them."""
    return (minutes or MINUTES) * (_BESIDE if networks else _OF_ALL)


@dataclass(frozen=True)
class TreeLesson:
    """Comparisons (m, f), labels and folds (m,) of labelled pairs; `held` (m,) marks those that the gate rests on."""

    values: Matrix
    label: Labels
    names: tuple[str, ...]
    folds: Ints
    held: Mask
    start: TreeSettings  # the defaults
    directions: Sequence[int] | None = None  # which way each comparison may move the score


@dataclass(frozen=True)
class TreesChosen:
    """The settings to use, their trees' out-of-fold log-odds (m,) without the flattery of the choice, and the facts."""

    settings: TreeSettings
    log_odds: Floats
    facts: dict[str, Any]


def search_trees(given: TreeLesson, budget: Budget) -> Job[TreesChosen]:
    """Tree settings by log loss on entity-disjoint folds of all labels; the defaults where nothing beats them."""
    from dovetail.training.search import search

    space = _tree_space(given)
    kept = Kept(budget, space)

    def objective(attempt: Attempt) -> Job[float]:
        raw = yield from _out_of_fold(given, replace(given.start, **attempt.chosen), attempt.report)
        kept.keep(attempt.number, raw)
        return log_loss(_calibrated(raw, given.label, given.folds), given.label)

    found = yield from search(
        space, objective, minutes=budget.minutes, folder=budget.folder, seed=budget.seed, trials=budget.trials or TRIALS
    )
    tried = [t for t in in_order(found) if t.number in kept.said]
    if not tried or tried[0].chosen != found.defaults:
        raw = yield from _out_of_fold(given, given.start)
        return TreesChosen(given.start, raw, search_facts(found, len(given.label)) | {"adopted": False})
    return _trees_chosen(given, found, {t.number: kept.said[t.number] for t in tried})


def _trees_chosen(given: TreeLesson, found: Found, raw: dict[int, Floats]) -> TreesChosen:
    """`raw` holds the log-odds (m,) of each trial by its number, the defaults first."""
    line = np.stack([_calibrated(one, given.label, given.folds) for one in raw.values()])
    honest = cross_chosen(line, given.label, given.folds)
    facts = search_facts(found, len(given.label)) | gate(line[0], honest, given.label, given.held)
    if not facts["adopted"] or found.number not in raw or found.best == found.defaults:
        return TreesChosen(given.start, next(iter(raw.values())), facts | {"adopted": False})
    slope, offset = platt(raw[found.number], given.label)
    settings = replace(given.start, **found.best)
    return TreesChosen(settings, (honest - offset) / slope, facts)  # in the units of the best trial's trees


def _tree_space(given: TreeLesson) -> Space:
    from dovetail.training.space import OneOf, Real, Space, Whole

    start = given.start
    ranges: dict[str, Real | Whole | OneOf] = {
        "leaves": Whole(max(3, start.leaves // 4), 3 * start.leaves, start.leaves, log=True),
        "learning_rate": Real(start.learning_rate / 4, 4 * start.learning_rate, start.learning_rate, log=True),
        "rounds": Whole(max(1, start.rounds // 4), 2 * start.rounds, start.rounds, log=True),
        "least_rows": Whole(max(1, start.least_rows // 5), 3 * start.least_rows, start.least_rows, log=True),
        "column_share": Real(min(0.15, start.column_share), 1.0, start.column_share),
        "l2": Real(start.l2 / 20, 10 * start.l2, start.l2, log=True),
    }
    return Space(ranges, digest(given.values, given.label, given.folds, given.names, start, given.directions))


def _out_of_fold(
    given: TreeLesson, settings: TreeSettings, report: Callable[[int, float], None] | None = None
) -> Job[Floats]:
    found, folds = np.zeros(len(given.label)), np.unique(given.folds)
    for step, fold in enumerate(folds, 1):
        inside, outside = given.folds != fold, given.folds == fold
        trees = grow(given.values[inside], given.label[inside], given.names, settings, monotone=given.directions)
        found[outside] = trees.log_odds(given.values[outside])
        if report is not None and step < len(folds):
            seen = given.folds <= fold
            slope, offset = platt(found[seen], given.label[seen])
            report(step, log_loss(slope * found[seen] + offset, given.label[seen]))
        yield Progress("search", step, len(folds), f"trees of {settings.leaves} leaves")
    return found


def cross_chosen(log_odds: Floats, label: npt.NDArray[Any], folds: Ints) -> Floats:
    """Log-odds (m,) where each fold is decided by the trial that decides the other folds best.

    `log_odds` (t, m) are those of each trial, out of fold and calibrated; the first trial wins ties. The same thought
    as the bootstrap bias correction of Tsamardinos et al. 2018, with folds for resamples.
    """
    losses = np.logaddexp(0, log_odds) - label * log_odds
    found = np.zeros(log_odds.shape[1])
    for fold in np.unique(folds):
        best = int(np.argmin(losses[:, folds != fold].sum(axis=1)))
        found[folds == fold] = log_odds[best, folds == fold]
    return found


def gate(default: Floats, honest: Floats, label: npt.NDArray[Any], held: Mask) -> dict[str, Any]:
    """Whether what was searched decides held labels better than the defaults, and the figures that say so.

    Better means noticeably, and by more than one standard error of the gain: among many trials one is always luckier.
    """
    loss, loss_searched = (log_loss(z[held], label[held]) for z in (default, honest))
    gain = [np.logaddexp(0, z[held]) - label[held] * z[held] for z in (default, honest)]
    surely = float(np.std(gain[0] - gain[1]) / max(1, held.sum()) ** 0.5)
    f1, f1_searched = (best_f1_threshold(z[held], label[held])[1] for z in (default, honest))
    return {
        "adopted": bool(loss - loss_searched > max(surely, (1 - _PAYS) * loss) and f1_searched >= f1 - _NOISE),
        "log_loss_defaults": round(loss, 5),
        "log_loss_searched": round(loss_searched, 5),
        "f1_defaults": f1,
        "f1_searched": f1_searched,
    }


def search_facts(found: Found, labels: int) -> dict[str, Any]:
    """What was tried, by how many labels it was chosen, and what mattered."""
    finished = found.counts().get("finished", 0)
    said = (
        f"{finished} finished trials chose on {labels:,} labels; the searched figures are of folds that did not choose"
    )
    return {"chose_on": labels, "said": said, "mattered": found.table(), **found.to_dict()}


def in_words(facts: dict[str, Any]) -> str:
    """What the searches in a matcher's facts came to, one clause for each; nothing where none was made."""
    said = ""
    for name, found in facts.get("search", {}).items():
        came = "used" if found["adopted"] else "not used, since held-out labels are decided no better by them"
        said += f"; settings of the {name} searched in {len(found['trials'])} trials and {came}"
    return said


def in_order(found: Found) -> list[Any]:
    """Finished trials, the defaults first."""
    finished = [t for t in found.tried if t.state == "finished"]
    return sorted(finished, key=lambda t: (t.chosen != found.defaults, t.number))


def _calibrated(raw: Floats, label: npt.NDArray[Any], folds: Ints) -> Floats:
    """Log-odds of each fold under the line of the others."""
    found = np.zeros(len(raw))
    for fold in np.unique(folds):
        slope, offset = platt(raw[folds != fold], label[folds != fold])
        found[folds == fold] = slope * raw[folds == fold] + offset
    return found


class Kept:
    """What each trial said, and notes on it, by its number; in a folder of the recipe where there is one."""

    def __init__(self, budget: Budget, space: Space) -> None:
        from dovetail.training.search import recipe_hash

        self.home = budget.folder / recipe_hash(space, budget.seed) if budget.folder else None
        self.said: dict[int, Floats] = {}
        self.notes: dict[int, dict[str, Any]] = {}
        if self.home is not None and self.home.is_dir():
            self._read(self.home)

    def keep(self, number: int, said: Floats, note: dict[str, Any] | None = None) -> None:
        """Remember a trial; its note is written last, and without one a trial does not count."""
        self.said[number], self.notes[number] = said, note or {}
        if self.home is not None:
            with replace_file(self.home / f"{number}.npy") as beside, beside.open("wb") as file:
                np.save(file, said, allow_pickle=False)
            write_note(self.home / f"{number}.json", note or {})

    def _read(self, home: Path) -> None:
        for path in home.glob("*.npy"):
            note = path.with_suffix(".json")
            if path.stem.isdigit() and note.is_file():
                self.said[int(path.stem)] = np.load(path, allow_pickle=False)
                self.notes[int(path.stem)] = json.loads(note.read_text(encoding="utf-8"))


def write_note(path: Path, note: dict[str, Any]) -> None:
    """Write JSON, whole or not at all."""
    with replace_file(path) as beside:
        beside.write_text(json.dumps(note) + "\n", encoding="utf-8")


def digest(*parts: Any) -> str:
    """A hash of arrays and of whatever else has a stable `repr`."""
    found = hashlib.sha256()
    for part in parts:
        found.update(np.ascontiguousarray(part).tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
    return found.hexdigest()
