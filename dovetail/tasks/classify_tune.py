"""The upper rungs of the ladder: an encoder tuned on the labels, judged on the same held-out rows as the lower ones."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.encoders.base import Encoder
from dovetail.errors import InputError, MissingExtra
from dovetail.tasks.classify_forecast import TUNED, Forecast
from dovetail.tasks.classify_head import Head, HeadSettings, fit_head, leading_directions
from dovetail.tasks.classify_ladder import Rung, Task, rightness
from dovetail.tasks.classify_mix import fit_weights, log_loss, mixed
from dovetail.tasks.classify_options import ClassifyOptions
from dovetail.tasks.classify_resume import Unfinished
from dovetail.tasks.classify_scope import nearest
from dovetail.types import Job, Progress

Matrix = npt.NDArray[np.float32]
Named = Callable[[Encoder], Head]
_SECONDS_A_TEXT = 0.02  # a guess of what one text costs an epoch on two cores, until a step was timed
_SPLITS_FEW = 3  # held-out parts for which an encoder is tuned anew, where labels are few
_STRENGTH = 10.0
_HELD, _HELD_LEAST = 0.1, 10  # share of the labels that say when to stop, and the fewest that can say it
_OF_TUNING = (
    "loss", "smoothing", "layers", "learning_rate", "epochs", "batch", "dropout", "weight_decay", "optimizer",
    "patience",
)  # fmt: skip
_SHARE = 0.8  # of the minutes left that tuning may plan with; reading the texts again takes the rest


@dataclass(frozen=True)
class Plan:
    """Which tuning is tried: how many times the labels are passed over, in which way, and why not more."""

    way: str
    layers: str
    epochs: float
    rate: float
    keep: float
    folds: tuple[int, ...]  # which folds are held out, each time another
    merge: int  # folds are taken modulo this number
    several: bool = False  # whether a text may have several labels
    minutes: float | None = None  # of each tuning


def plan_of(
    task: Task, options: ClassifyOptions, reader: Encoder, expected: Forecast | None = None, spent: float = 0.0
) -> Plan | None:
    """What to try under the options, or None where tuning is not asked for, not possible, or too much for the time.

    Asked for by `layers`, `minutes` or effort `best`: it takes a hundred times as long as the rungs below. `spent` are
    the seconds that those took. Where the minutes do not suffice for all epochs fewer are planned, at least half.
    """
    n = len(task.targets)
    timed = options.minutes is not None and options.effort != "quick"
    wanted = options.layers is not None or options.effort == "best" or timed
    if not wanted or options.rungs:
        return None
    if _folder_of(reader) is None or importlib.util.find_spec("torch") is None:
        if options.layers is None:
            return None
        if importlib.util.find_spec("torch") is None:
            raise MissingExtra("tuning an encoder", "train")
        raise InputError(
            "layers are those of a transformer, and this encoder is none; choose layered, or a folder of one"
        )
    merge = min(_SPLITS_FEW, len(np.unique(task.fold))) if task.few else len(np.unique(task.fold))
    folds = tuple(range(merge)) if task.few else (0,)
    apart = task.few or options.loss == "contrastive"
    way = "contrast" if apart and not task.sigmoid else "head"
    epochs = options.epochs or (16.0 if task.few else 6.0 if n < 2_000 else 4.0)
    rate = options.learning_rate or (5e-5 if task.few else 1e-4)
    times = len(folds) + 1
    pace = expected or Forecast(0.0, 0.0, _SECONDS_A_TEXT / TUNED)
    left = None if options.minutes is None else options.minutes * 60 - spent
    if left is not None and pace.tuned(n, epochs / 2, times) > left:
        return None
    minutes = None if left is None else _SHARE * left / 60 / times
    kept = 0.3 if task.few else 0.1
    return Plan(way, options.layers or "all", epochs, rate, kept, folds, merge, task.sigmoid, minutes)


def unheard(plan: Plan | None, options: ClassifyOptions, labels: int) -> tuple[str, ...]:
    """Which options of tuning changed nothing, and why: what a person asked for is done, or said to be not done."""
    asked = options.model_dump(exclude_defaults=True)
    if plan is None:
        idle = [name for name in _OF_TUNING if name in asked]
        return (f"no encoder was tuned, so these options changed nothing: {', '.join(idle)}",) if idle else ()
    contrast, found = plan.way == "contrast", []
    if contrast and options.patience:
        found.append("patience: tuning by contrast always learns to the end")
    elif options.patience and not _held(labels, options):
        found.append(f"patience: {labels:,} labels are too few to hold some out; tuning learnt to the end")
    if contrast and options.loss == "focal":
        found.append("loss: where labels are few tuning goes by contrast, so focal changed nothing")
    if plan.several and options.loss == "contrastive":
        found.append("loss: contrast needs one label a text; binary cross-entropy took its place")
    if options.smoothing and (contrast or plan.several or options.loss == "focal"):
        found.append("smoothing: only cross-entropy with one label a text is smoothed; it changed nothing")
    return tuple(found)


def _folder_of(reader: Any) -> Path | None:
    """The folder of a transformer, under whatever reads it."""
    for _ in range(4):
        if hasattr(reader, "folder") and hasattr(reader, "max_tokens"):
            return Path(reader.folder)
        reader = getattr(reader, "base", None) or getattr(reader, "reader", None) or getattr(reader, "encoder", None)
        if reader is None:
            return None
    return None


@dataclass(frozen=True)
class HeldOut:
    """Rows (m,) that an encoder was not tuned on, how near (m,) the nearest of the others are by it, and how far apart
    its head puts the classes of those."""

    rows: npt.NDArray[np.int64]
    near: npt.NDArray[np.float64]
    spread: float

    def as_wide(self, head: Head, vectors: Matrix) -> Head:
        """A head learnt in another tuning, its scores as far apart as those that were calibrated: one more epoch makes
        all scores larger, and would make all probabilities too sure."""
        share = np.float32(self.spread / max(spread(head.scores(vectors)), 1e-9))
        return Head(head.weight * share, head.bias * share)


def spread(scores: Matrix) -> float:
    """How far apart scores (n, c) put the classes: the mean over rows of their standard deviation."""
    return float(scores.std(axis=1).mean())


def tuned_rung(
    task: Task, texts: Sequence[str], reader: Encoder, plan: Plan, options: ClassifyOptions, named: Named | None
) -> Job[tuple[Rung, HeldOut]]:
    """The rung of a tuned encoder on held-out rows, and what is known of those. Words join in where they are counted,
    and names where `named` makes a head of them.
    """
    start = time.perf_counter()
    part = task.fold % plan.merge
    held = np.flatnonzero(np.isin(part, plan.folds))
    raw: dict[str, Matrix] = {"vectors": np.zeros(task.targets.shape, np.float32)}
    near, wide = np.zeros(len(texts)), []
    for fold in plan.folds:
        inside, outside = np.flatnonzero(part != fold), np.flatnonzero(part == fold)
        yield Progress("tune", fold, len(plan.folds) + 1, "an encoder on a part of the labels")
        tuned = yield from tuned_reader(texts, task, inside, reader, (plan, options))
        known, vectors = (tuned.reader.encode([texts[i] for i in rows.tolist()]) for rows in (inside, outside))
        head = _own_head(tuned, known, task, inside)
        raw["vectors"][outside] = head.scores(vectors)
        wide.append(spread(head.scores(known)))
        near[outside] = nearest(vectors, known)
        if named is not None:
            raw.setdefault("names", np.zeros(task.targets.shape, np.float32))[outside] = named(tuned.reader).scores(
                vectors
            )
        if "words" in task.features and "words" in task.learnt:
            words = _head(task.features["words"], inside, task)
            raw.setdefault("words", np.zeros(task.targets.shape, np.float32))[outside] = words.scores(
                task.features["words"][outside]
            )
    names = tuple(sorted(raw))
    return _judged(task, names, [raw[n] for n in names], held, time.perf_counter() - start), HeldOut(
        held, near[held], float(np.mean(wide))
    )


def _judged(task: Task, names: tuple[str, ...], raw: list[Matrix], held: npt.NDArray[np.int64], seconds: float) -> Rung:
    """Calibrated by halves: each half of the held-out rows by weights from the other."""
    targets, each = task.targets[held], [r[held] for r in raw]
    half = np.arange(len(held)) % 2
    scores = np.zeros_like(each[0])
    for side in (0, 1):
        weights = fit_weights([r[half != side] for r in each], targets[half != side], sigmoid=task.sigmoid)
        scores[half == side] = mixed([r[half == side] for r in each], weights)
    weights = fit_weights(each, targets, sigmoid=task.sigmoid)
    right = rightness(scores, targets, sigmoid=task.sigmoid)
    losses = log_loss(scores, targets, sigmoid=task.sigmoid)
    return Rung("tuned", names, (_STRENGTH,) * len(names), scores, right, losses, seconds, weights)


def _head(features: Any, rows: npt.NDArray[np.int64], task: Task) -> Head:
    weight = None if task.weight is None else task.weight[rows]
    return fit_head(features[rows], task.targets[rows], HeadSettings(_STRENGTH, task.sigmoid), weight=weight)


def _own_head(tuned: TunedReader, vectors: Matrix, task: Task, rows: npt.NDArray[np.int64]) -> Head:
    """The head that was learnt with the encoder, or one that is learnt over it now."""
    if tuned.head is not None:
        return tuned.head
    basis = leading_directions(vectors)
    weight = None if task.weight is None else task.weight[rows]
    found = fit_head(vectors @ basis, task.targets[rows], HeadSettings(_STRENGTH, task.sigmoid), weight=weight)
    return Head(basis @ found.weight, found.bias)


def on_rows(rung: Rung, rows: npt.NDArray[np.int64]) -> Rung:
    """A rung judged on some of the rows only."""
    return replace(rung, scores=rung.scores[rows], right=rung.right[rows], losses=rung.losses[rows])


@dataclass(frozen=True)
class TunedReader:
    """A tuned encoder, and the head over its vectors where one was learnt together with it."""

    reader: Any
    head: Head | None


def tuned_reader(
    texts: Sequence[str],
    task: Task,
    rows: npt.NDArray[np.int64],
    reader: Encoder,
    asked: tuple[Plan, ClassifyOptions],
) -> Job[TunedReader]:
    """An encoder tuned on some of the rows; its folder goes when nobody holds it any more."""
    from dovetail.encoders.layered import LayeredEncoder
    from dovetail.training.augment import TEXT_AUGMENTERS, load_augmenter
    from dovetail.training.checkpoint import recipe_of
    from dovetail.training.classes import ClassTuning, tune_classes
    from dovetail.training.settings import TuneSettings

    plan, options = asked
    folder = _folder_of(reader)
    assert folder is not None
    settings = TuneSettings(
        layers=plan.layers, learning_rate=plan.rate, epochs=plan.epochs, batch=options.batch, dropout=options.dropout,
        weight_decay=options.weight_decay, average=0.9 if len(rows) > 1_000 else 0.0, minutes=plan.minutes,
        seed=options.seed, optimizer=options.optimizer, patience=options.patience,
    )  # fmt: skip
    vary = [load_augmenter(name, TEXT_AUGMENTERS) for name in options.augment if name in TEXT_AUGMENTERS]
    tuning = ClassTuning(
        plan.way, options.loss, options.smoothing, plan.several, plan.keep, min(options.max_tokens, 128),
        (lambda text, random: vary[random.integers(len(vary))](text, random)) if vary else None,
        _held(len(rows), options) if plan.way == "head" else (), None if task.weight is None else task.weight[rows],
    )  # fmt: skip
    some, targets = [texts[i] for i in rows.tolist()], task.targets[rows]
    facts = [reader.fingerprint, options.augment, repr(replace(tuning, augment=None, weight=None))]
    weights = () if tuning.weight is None else (tuning.weight,)
    recipe = recipe_of(settings, facts, some, targets, *weights)
    left = Unfinished(options.checkpoint, recipe, options.minutes)
    home = Path(tempfile.mkdtemp(prefix="dovetail-tuned-")) / "encoder"
    known, head = left.load(home)
    if not known:
        start = None if plan.way != "head" else _first_head(some, targets, reader, folder, task)
        tuning = replace(tuning, checkpoint=left.checkpoint)
        made = yield from tune_classes(folder, some, targets, tuning, settings, head=start)
        made.encoder.save(home)
        head = None if made.head is None else Head(*made.head)
        left.save(home, head)
    found = LayeredEncoder(home, max_tokens=options.max_tokens)
    weakref.finalize(found, shutil.rmtree, home.parent, ignore_errors=True)
    return TunedReader(found, head)


def _first_head(
    texts: Sequence[str], targets: Matrix, reader: Encoder, folder: Path, task: Task
) -> tuple[Matrix, Matrix]:
    """A head over the layers of the encoder as it is: tuning starts from what the rungs below know."""
    from dovetail.encoders.layered import LayeredEncoder

    layered = LayeredEncoder(folder)
    vectors = reader.encode(texts)
    if vectors.shape[1] != layered.dimensions:
        vectors = layered.encode(texts)
    basis = leading_directions(vectors)
    first = fit_head(vectors @ basis, targets, HeadSettings(_STRENGTH, task.sigmoid))
    return basis @ first.weight, first.bias


def _held(n: int, options: ClassifyOptions) -> tuple[int, ...]:
    """Which of n rows are looked at after every epoch instead of being learnt from; none without `patience`."""
    count = round(_HELD * n)
    if not options.patience or count < _HELD_LEAST:
        return ()
    return tuple(np.random.default_rng(options.seed).permutation(n)[:count].tolist())
