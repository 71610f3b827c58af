"""What fitting a matcher does: trees over comparisons, then experts that read, each kept only if it pays."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dovetail.measure.calibrate import best_f1_threshold, calibration_error, platt
from dovetail.tables.fingerprint import record_hashes
from dovetail.tasks.match_experts import Expert, Taught, can_read, new_expert
from dovetail.tasks.match_join import Join, held_out_join, join, log_loss, steady_threshold
from dovetail.tasks.match_line import f1_at_even_odds, fit_line
from dovetail.tasks.match_new import Judges, judges, known_share
from dovetail.tasks.match_search import MINUTES, Budget, TreeLesson, in_words, search_trees, tree_minutes
from dovetail.tasks.match_search_experts import SEARCHED, ExpertChosen, ExpertLesson, search_expert
from dovetail.tasks.match_trees import (
    FOLDS,
    GROWN,
    PRIOR,
    TreesTask,
    drawn_to_even_odds,
    folds_of,
    out_of_fold,
    tree_settings,
    with_column,
)
from dovetail.tasks.trees import Trees, TreeSettings, grow, probabilities
from dovetail.types import Candidates, Job, Progress, Records

if TYPE_CHECKING:
    from dovetail.tasks.compare import Comparer, Comparisons
    from dovetail.training.settings import TuneSettings
    from dovetail.types import Floats, Ints

    Matrix = npt.NDArray[np.float32]
    Labels = npt.NDArray[np.int8]

FEW = 40  # below, labels are kept as judged and teach nothing
FEW_TO_READ = 400  # labels from which a network has something to learn, and a held-out part something to say
_PAYS = 0.99  # the log loss that an expert must come under, as a share of that without it
_MINUTES = 10.0  # the usual budget
_SHARE = 0.85  # of the budget goes to tuning; the rest to comparing and checking
_READS = 12_000  # pairs that a network reads in all, in at least two epochs and at most six
_LEAST = 0.2  # minutes, below which a network is not begun
_SETTLED = 0.985  # F1 on held-out labels, above which reading closely has hardly anything left to mend
_NOISE = 0.002  # F1 that a better log loss may cost on held-out labels


@dataclass(frozen=True)
class FitPlan:
    """How a matcher is fitted.

    `held` (m,) marks labels that stand for the future: threshold, calibration and gates rest on them, and networks
    never see them; without, each rests on folds of all labels. `effort`: `quick` (trees only), `normal`, `best`
    (settings are searched, within the minutes).
    `checkpoint`: a folder from which a killed run goes on.
    """

    held: npt.NDArray[np.bool_] | None = None
    minutes: float | None = None
    effort: str = "normal"
    seed: int = 0
    checkpoint: Path | None = None
    start: Path | None = None  # the folder that the reader starts from; without, what ships
    experts: tuple[str, ...] = ("reader",)  # of `EXPERTS`, in the order in which they are tried


@dataclass
class Learned:
    """What was learned; `own` is None where the shipped matcher decides as well by itself."""

    portable: Trees
    own: Trees | None = None
    experts: dict[str, Expert] = field(default_factory=dict)
    join: Join | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    held_out: tuple[Floats, Labels] | None = None


@dataclass
class _Standing:
    """Where the judging labels stand while experts are tried one after the other."""

    judges: Judges
    columns: Floats  # (h, k): what each kept expert says
    joined: Floats  # (h,): log-odds of those so far, out of fold
    line: tuple[float, float]  # calibrates the trees on the judging labels


@dataclass(frozen=True)
class Lesson:
    """Labelled pairs of records with their comparisons (m, f)."""

    records: Records
    pairs: Candidates
    label: Labels
    values: Matrix
    names: tuple[str, ...]
    start: Floats  # log-odds of the shipped matcher and `shift`, (m,)
    comparer: Comparer | None = None  # of the tables that the pairs are of
    shift: float = 0.0  # what `start` holds more than the shipped matcher says: what the tables add without labels


def lesson(comparer: Comparer, pairs: Candidates, label: Labels, portable: Trees, shift: float = 0.0) -> Lesson:
    """The comparisons of labelled pairs, the tables' own ones included."""
    parts = [compared for _, compared in comparer.chunks(pairs, own=True)]
    values = np.concatenate([p.values for p in parts])
    start = portable.log_odds(values[:, : len(portable.names)]) + shift
    return Lesson(comparer.records, pairs, label, values, parts[0].names, start, comparer, shift)


def learn(given: Lesson, portable: Trees, plan: FitPlan) -> Job[Learned]:
    """Trees first; then networks, where their packages are there and labels are enough."""
    said = f"{len(given.label):,} labelled pairs"
    learned = Learned(portable)
    learned.facts = {"chosen": f"the matcher that ships; {said} are kept as judged, too few to learn from"}
    if len(given.label) < FEW or min((given.label == 1).sum(), (given.label == 0).sum()) < FOLDS:
        return learned
    began = time.monotonic()
    if plan.effort == "best" and plan.minutes is None:
        plan = replace(plan, minutes=MINUTES)
    folds = folds_of(given.pairs, given.label, plan.seed)
    held = _held(plan, given.label)
    yield Progress("fit", 1, 3, "growing trees, checked on held-out labels")
    trees = yield from _grow_trees(given, folds, held, learned, plan)
    if learned.own is None or plan.effort == "quick" or len(given.label) < FEW_TO_READ:
        return learned
    if not can_read():
        learned.facts["chosen"] += "; no network was tried, which needs the extra [train]"
        return learned
    if plan.effort != "best" and learned.facts["f1_fitted"] >= _SETTLED:
        learned.facts["chosen"] = f"{learned.facts['chosen']}; so good that no network was tried"
        return learned
    judging = Judges(folds == 0, folds != 0, False) if held.all() else _judges(given, held, learned, plan)
    if not (_both_answers(given.label[judging.judging]) and _both_answers(given.label[judging.teaching])):
        return learned
    raw, label = trees[judging.judging], given.label[judging.judging]
    line = platt(raw, label) if judging.new else (learned.own.slope, learned.own.offset)
    stand = _Standing(judging, raw[:, None], line[0] * raw + line[1], line)
    if judging.new:
        learned.facts["judged_by_new"] = len(label)
        learned.facts["chosen"] += f"; what the held-out labels show is known from the others, so {len(label):,} labels"
        learned.facts["chosen"] += " of other things judge the networks, which never see them"
    for name in plan.experts:
        yield from _ask(name, given, stand, learned, plan, began)
    return learned


def _judges(given: Lesson, held: npt.NDArray[np.bool_], learned: Learned, plan: FitPlan) -> Judges:
    """Who judges the networks: the held-out labels, if things that are new are among them."""
    own, portable = learned.own, learned.portable
    if given.comparer is None or own is None:
        return Judges(held, ~held, False)

    def log_odds(made: Comparisons) -> Floats:
        values = made.under(own.names[:-1]).values
        return own.log_odds(with_column(values, portable.log_odds(values[:, : len(portable.names)])))

    known = known_share(given.comparer, given.pairs, given.label, held, log_odds)
    return judges(given.pairs, given.label, held, known, plan.seed)


def _held(plan: FitPlan, label: Labels) -> npt.NDArray[np.bool_]:
    everything = np.ones(len(label), bool)
    return plan.held if plan.held is not None and _both_answers(label[plan.held]) else everything


def _both_answers(label: Labels) -> bool:
    """Whether there are enough of both to say something."""
    return bool(min((label == 1).sum(), (label == 0).sum()) >= FOLDS)


def _grow_trees(
    given: Lesson, folds: Ints, held: npt.NDArray[np.bool_], learned: Learned, plan: FitPlan
) -> Job[Floats]:
    """Fill in the trees if they pay; their raw log-odds on labels that they have not seen, (m,)."""
    label, said, mend = given.label, f"{len(given.label):,} labelled pairs", len(given.label) < GROWN
    calibrate = fit_line if mend else platt  # a line that few labels hardly move
    slope, offset = calibrate(given.start[held], label[held])
    shifted = slope * given.start + offset
    # The column holds the shipped score as it will be computed later, adjusted to the labels.
    values, names = with_column(given.values, shifted), (*given.names, PRIOR)
    unseen, settings, searched = yield from _unseen(replace(given, values=values, names=names), folds, held, plan)
    line = calibrate(unseen[held], label[held])
    odds = line[0] * unseen[held] + line[1]
    pays, f1, fitted_f1 = (_mended if mend else _better)(given.start[held], shifted[held], odds, label[held])
    if not pays:
        why = f"F1 {fitted_f1:.3f} on held-out labels against {f1:.3f}"
        chosen = f"the matcher that ships; trees trained on {said} were no better ({why})"
        learned.facts = {"chosen": chosen + in_words(searched), "trees_tried": True} | searched
        return unseen
    ships, score = learned.portable, probabilities(odds)
    learned.portable = ships.calibrated(ships.slope * slope, (ships.offset + given.shift) * slope + offset)
    learned.own = grow(values, label, names, settings, monotone=_directions(given, mend)).calibrated(*line)
    learned.held_out = score, label[held]
    threshold = steady_threshold(score, label[held], plan.seed)
    learned.facts = {
        "labels": len(label),
        "f1_start": f1,
        "f1_fitted": fitted_f1,
        "threshold": drawn_to_even_odds(threshold, label[held]) if mend else threshold,
        "calibration_error": calibration_error(score, label[held]),
        "chosen": f"trees trained on {said} (F1 {fitted_f1:.3f} on held-out labels, {f1:.3f} before)",
    } | searched
    learned.facts["chosen"] = str(learned.facts["chosen"]) + in_words(searched)
    return unseen


def _better(start: Floats, shifted: Floats, odds: Floats, label: Labels) -> tuple[bool, float, float]:
    """Whether trees on many labels pay: by the best F1 of either; and both figures."""
    del start
    before, after = (best_f1_threshold(z, label)[1] for z in (shifted, odds))
    return after >= before, before, after


def _mended(start: Floats, shifted: Floats, odds: Floats, label: Labels) -> tuple[bool, float, float]:
    """Whether trees on few labels pay: at even odds, since few labels flatter whichever line suits them; both F1."""
    del shifted
    before, after = (f1_at_even_odds(z, label) for z in (start, odds))
    return log_loss(odds, label) < log_loss(start, label) and after >= before, before, after


def _directions(given: Lesson, mend: bool) -> list[int] | None:
    """Which comparisons may only raise the score or only lower it: told to trees on few labels."""
    if not mend or given.comparer is None:
        return None
    portable = given.comparer.monotone()
    return [*portable, *[0] * (given.values.shape[1] - len(portable)), 1]


def _unseen(
    given: Lesson, folds: Ints, held: npt.NDArray[np.bool_], plan: FitPlan
) -> Job[tuple[Floats, TreeSettings, dict[str, Any]]]:
    """Log-odds of trees on labels that they have not seen (m,), how they are grown, and what was searched for that."""
    label, mend = given.label, len(given.label) < GROWN
    settings = tree_settings(len(label), plan.seed, mend=mend)
    directions = _directions(replace(given, values=given.values[:, :-1]), mend)
    if plan.effort != "best":
        return out_of_fold(TreesTask(given.values, label, given.names, directions), folds, settings), settings, {}
    minutes = tree_minutes(plan.minutes, bool(plan.experts) and can_read() and len(label) >= FEW_TO_READ)
    budget = Budget(minutes, plan.seed, plan.checkpoint / "search-trees" if plan.checkpoint else None)
    found = yield from search_trees(
        TreeLesson(given.values, label, given.names, folds, held, settings, directions), budget
    )
    return found.log_odds, found.settings, {"search": {"trees": found.facts}}


def _ask(name: str, given: Lesson, stand: _Standing, learned: Learned, plan: FitPlan, began: float) -> Job[None]:
    """Tune an expert on the labels that are not held, and keep it if the held ones are decided better."""
    from dovetail.training.settings import TuneSettings

    left = _SHARE * (plan.minutes or _MINUTES) - (time.monotonic() - began) / 60
    if left < _LEAST:
        learned.facts["chosen"] += f"; no time was left for the {name}"
        return
    settings = TuneSettings(epochs=_epochs(int(stand.judges.teaching.sum())), minutes=left, seed=plan.seed)
    search = plan.effort == "best" and name in SEARCHED
    try:
        found = yield from (_searched if search else _tuned)(name, given, stand, settings, plan)
    except (FloatingPointError, MemoryError) as error:  # the trees stand all the same
        learned.facts["chosen"] += f"; the {name} could not be tuned ({error})"
        return
    if search:
        learned.facts.setdefault("search", {})[name] = found.facts
        learned.facts["chosen"] += in_words({"search": {name: found.facts}})
    label, joined, told = given.label[stand.judges.judging], found.joined, found.told
    columns = np.concatenate([stand.columns, found.said[:, None]], axis=1)
    before, after = log_loss(stand.joined, label), log_loss(joined, label)
    f1_before, f1 = (best_f1_threshold(z, label)[1] for z in (stand.joined, joined))
    told |= {"log_loss_before": round(before, 5), "log_loss": round(after, 5), "f1_before": f1_before, "f1": f1}
    told["kept"] = bool(after <= _PAYS * before and f1 >= f1_before - _NOISE)
    learned.facts.setdefault("experts", {})[name] = told
    if not told["kept"]:
        learned.facts["chosen"] += f"; the {name} did not pay"
        return
    stand.columns, stand.joined = columns, joined
    learned.experts[name] = found.expert
    _keep(learned, stand, label, plan.seed)


def _start(name: str, plan: FitPlan) -> Path | None:
    """Where an expert starts: what a reader has learned means nothing to another network."""
    return plan.start if name == "reader" else None


def _epochs(labels: int) -> float:
    return float(np.clip(_READS / max(labels, 1), 2.0, 6.0))


def _tuned(name: str, given: Lesson, stand: _Standing, settings: TuneSettings, plan: FitPlan) -> Job[ExpertChosen]:
    """The expert under the usual settings."""
    from dovetail.training.checkpoint import Checkpoint, recipe_of

    expert = new_expert(name, start=_start(name, plan), seed=plan.seed)
    seen, asked = np.flatnonzero(stand.judges.teaching), np.flatnonzero(stand.judges.judging)
    taught = Taught(given.records, _some(given.pairs, seen), given.label[seen])
    what = [str(plan.start), record_hashes(given.records), taught.pairs.left, taught.pairs.right, taught.label]
    recipe = recipe_of(settings, *what)
    checkpoint = Checkpoint(plan.checkpoint / name, recipe) if plan.checkpoint else None
    told = yield from expert.tune(taught, settings, checkpoint=checkpoint)
    said = yield from expert.log_odds(given.records, _some(given.pairs, asked))
    columns = np.concatenate([stand.columns, said[:, None]], axis=1)
    joined = held_out_join(
        columns, given.label[asked], folds_of(_some(given.pairs, asked), given.label[asked], plan.seed)
    )
    return ExpertChosen(expert, said, joined, told, {})


def _searched(name: str, given: Lesson, stand: _Standing, settings: TuneSettings, plan: FitPlan) -> Job[ExpertChosen]:
    """The expert under the best settings that were found in its share of the minutes."""
    assert settings.minutes is not None
    seen, asked = np.flatnonzero(stand.judges.teaching), np.flatnonzero(stand.judges.judging)
    task = ExpertLesson(
        name,
        taught=Taught(given.records, _some(given.pairs, seen), given.label[seen]),
        asked=_some(given.pairs, asked),
        truth=given.label[asked],
        columns=stand.columns,
        folds=folds_of(_some(given.pairs, asked), given.label[asked], plan.seed),
        start=_start(name, plan),
    )
    share = settings.minutes / (len(plan.experts) - plan.experts.index(name))
    folder = plan.checkpoint / f"search-{name}" if plan.checkpoint else None
    return (yield from search_expert(task, settings, Budget(share, plan.seed, folder)))


def _keep(learned: Learned, stand: _Standing, label: Labels, seed: int) -> None:
    assert learned.own is not None
    names = ("trees", *learned.experts)
    learned.own = learned.own.calibrated(*stand.line)
    learned.join = join(names, stand.columns, label, stand.line)
    score = probabilities(stand.joined)
    learned.held_out = score, label
    f1 = best_f1_threshold(score, label)[1]
    learned.facts.setdefault("threshold_alone", learned.facts["threshold"])
    learned.facts |= {
        "f1_fitted": f1,
        "threshold": steady_threshold(score, label, seed),
        "calibration_error": calibration_error(score, label),
        "chosen": f"{learned.facts['chosen']}, joined with the {names[-1]} (F1 {f1:.3f})",
    }


def _some(pairs: Candidates, rows: npt.NDArray[np.intp]) -> Candidates:
    return Candidates(pairs.left[rows], pairs.right[rows])
