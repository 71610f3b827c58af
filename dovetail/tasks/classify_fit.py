"""How a classifier is trained: texts read once, the ladder climbed, the simplest of the best kept and calibrated."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.encoders.base import Encoder
from dovetail.errors import InputError, UnknownName
from dovetail.measure.sure import confidence_error
from dovetail.tasks.classify_beside import Plot, beside
from dovetail.tasks.classify_folds import contradictions, folds_of, how_many, loosened, near_groups
from dovetail.tasks.classify_forecast import Forecast
from dovetail.tasks.classify_head import Head, leading_directions
from dovetail.tasks.classify_labels import Targets, check_enough
from dovetail.tasks.classify_ladder import Rung, climb, learn, rightness, simplest_of_the_best
from dovetail.tasks.classify_ladder import Task as Ladder
from dovetail.tasks.classify_mix import probabilities
from dovetail.tasks.classify_model import TUNED, Examples, Model
from dovetail.tasks.classify_names import gently, name_head, telling, upper_layers
from dovetail.tasks.classify_options import ClassifyOptions
from dovetail.tasks.classify_resume import begun
from dovetail.tasks.classify_rewrite import Rewrite
from dovetail.tasks.classify_scope import fit_scope, nearest
from dovetail.tasks.classify_seen import marks_of
from dovetail.tasks.classify_spare import LEAST, MOST
from dovetail.tasks.classify_texts import encoded
from dovetail.tasks.classify_tune import HeldOut, Named, Plan, on_rows, plan_of, tuned_reader, tuned_rung, unheard
from dovetail.tasks.classify_words import Words
from dovetail.types import Job, Progress

Matrix = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
_OTHER_FOLDS = 3
_ENOUGH = 200  # labels of all classes together from which words, and a pull to the names, help where each has few
_LONG = 50_000  # characters from which a text is called long in a note


@dataclass(frozen=True)
class Lesson:
    """What is learnt from: labelled texts, texts outside of all classes, texts without a label, and what rewrites."""

    texts: list[str]
    targets: Targets
    outside: list[str]
    unlabelled: list[str]
    notes: tuple[str, ...]
    rewrite: Rewrite | None = None


def lesson_of(texts: list[str], targets: Targets, options: ClassifyOptions, unlabelled: Sequence[str] = ()) -> Lesson:
    """Labelled texts apart from empty ones, from those without a label, and from those outside."""
    if len(texts) != len(targets.matrix):
        raise InputError(f"{len(texts):,} texts and {len(targets.matrix):,} labels; expected one label a text")
    filled, notes = np.array([bool(t) for t in texts], bool), list(targets.notes)
    out = np.zeros(len(texts), bool)
    if options.outside is not None:
        targets, out, said = _without(targets, options.outside)
        notes += said
    known = targets.known & filled & ~out
    if not filled.all():
        notes.append(_some(int((~filled).sum()), "is empty and was left out", "are empty and were left out"))
    bare = filled & ~known & ~out
    if bare.any():
        lost = "and no class was learnt from"
        notes.append(_some(int(bare.sum()), f"has no label, {lost} it", f"have no label, {lost} them"))
    long = sum(len(t) > _LONG for t in texts)
    if long:
        limit = f"longer than {_LONG:,} characters; only the beginning is read"
        notes.append(_some(long, f"is {limit}", f"are {limit}"))
    kept = targets.rows(np.flatnonzero(known))
    notes += check_enough(kept)
    notes += [f"names speak of {n!r}, which is no class" for n in options.names if n not in kept.classes]
    found = [texts[i] for i in np.flatnonzero(known).tolist()]
    clashes = [] if targets.kind == "many" else contradictions(found, [kept.classes[c] for c in kept.codes.tolist()])
    if clashes:
        notes.append(f"texts that stand there more than once with different labels: {len(clashes):,}")
    spare = [texts[i] for i in np.flatnonzero(bare).tolist()] + [t for t in unlabelled if t]
    return Lesson(found, kept, [texts[i] for i in np.flatnonzero(out & filled).tolist()], spare, tuple(notes))


def _some(count: int, one: str, several: str) -> str:
    return f"1 text {one}" if count == 1 else f"{count:,} texts {several}"


def _without(targets: Targets, outside: str) -> tuple[Targets, npt.NDArray[np.bool_], list[str]]:
    """Targets without the class that means none, and which rows had it."""
    if outside not in targets.classes:
        return targets, np.zeros(len(targets.matrix), bool), [f"no row has the label {outside!r}, which means none"]
    at = targets.classes.index(outside)
    classes = tuple(c for c in targets.classes if c != outside)
    out = targets.matrix[:, at] > 0
    return Targets(targets.kind, classes, np.delete(targets.matrix, at, axis=1), targets.notes), out, []


@dataclass(frozen=True)
class _Ground:
    """What the rungs stand on: the ladder, what was read, and the directions that heads are learnt among."""

    ladder: Ladder
    words: Words | None
    vectors: Matrix  # (n, d)
    basis: Matrix  # (d, k)
    fixed: dict[str, Head]  # heads that were not learnt, over the vectors themselves
    other: Ints  # (n,) folds that are not those of the ladder, for choosing settings
    spare: Matrix | None = None  # (m, k) texts without a label, among the directions


def train(
    lesson: Lesson, reader: Encoder, options: ClassifyOptions, expected: Forecast | None = None
) -> Job[tuple[Model, tuple[Rung, ...]]]:
    """A trained model and what each rung of the ladder brought."""
    start = time.perf_counter()
    if options.checkpoint is not None:
        options = options.model_copy(update={"checkpoint": begun(options.checkpoint)})
    ground = yield from _ground(lesson, reader, options)
    ladder = ground.ladder
    rungs: tuple[Rung, ...] = yield from climb(ladder)
    plot = Plot(ladder, lesson.texts, reader, ground.basis, ground.other, ground.spare, lesson.rewrite)
    more = yield from beside(plot, rungs, options)
    rungs = (*rungs, *more.rungs)
    chosen, why = simplest_of_the_best(rungs, ladder.few)
    plan = plan_of(ladder, options, reader, expected, time.perf_counter() - start)
    lesson = replace(lesson, notes=(*lesson.notes, *unheard(plan, options, len(lesson.texts))))
    if plan is not None:
        tuned, judged_on = yield from tuned_rung(
            ladder, lesson.texts, reader, plan, options, _named(lesson, ladder, options)
        )
        held = judged_on.rows
        best, why = simplest_of_the_best([*(on_rows(r, held) for r in rungs), tuned], ladder.few)
        rungs, lower = (*rungs, tuned), chosen
        chosen = next(r for r in rungs if r.name == best.name)
    if chosen.name == "tuned" and plan is not None:
        model = yield from _tuned_model(lesson, ground, reader, (tuned, judged_on, plan, options))
        judged = replace(tuned, scores=_with_held_out(lower.scores, tuned, held))
        apart = (tuned.scores, judged_on.near)
    else:
        yield Progress("fit", 1, 2, f"learning {chosen.name} from all labels")
        heads = learn(ladder, chosen, more.heads.get(chosen.name, {}))
        model = _model(lesson, chosen, _turned_back(heads, ground.basis, ground.fixed), ground)
        model, judged = replace(model, reader=reader, precedents=ground.vectors), chosen
        apart = (chosen.scores, nearest(ground.vectors, ground.vectors, ladder.fold, ladder.fold))
    done = _finished(lesson, model, judged, ladder)
    done = replace(done, scope=fit_scope(*apart, lesson.outside, done, options.outside))
    card = _card(lesson, rungs, (chosen, why), done, round(time.perf_counter() - start, 2))
    if more.found is not None:
        card["search"] = more.found
    yield Progress("fit", 2, 2, why)
    return replace(done, card=card), rungs


def _model(lesson: Lesson, rung: Rung, heads: dict[str, Head], ground: _Ground) -> Model:
    targets = lesson.targets
    each = tuple(heads[p] for p in rung.parts)
    return Model(targets.kind, targets.classes, rung.parts, each, rung.weights, words=ground.words)


def _finished(lesson: Lesson, model: Model, rung: Rung, ladder: Ladder) -> Model:
    """The model with its threshold and its examples, and without the parts that weigh nothing."""
    line = threshold_of(rung, ladder.targets) if model.sigmoid else 0.5
    examples = Examples(tuple(lesson.texts), lesson.targets.matrix, rung.scores, ladder.fold)
    seen = np.unique(marks_of([*lesson.texts, *lesson.outside]))
    return replace(model.trimmed(), line=line, examples=examples, seen=seen)


def _tuned_model(
    lesson: Lesson, ground: _Ground, reader: Encoder, asked: tuple[Rung, HeldOut, Plan, ClassifyOptions]
) -> Job[Model]:
    """The encoder tuned on all labels, and heads over it."""
    rung, judged_on, plan, options = asked
    targets = ground.ladder.targets
    yield Progress("tune", len(plan.folds), len(plan.folds) + 1, "the encoder on all labels")
    made = yield from tuned_reader(lesson.texts, ground.ladder, np.arange(len(targets)), reader, (plan, options))
    tuned = made.reader
    vectors = yield from encoded(tuned, lesson.texts, "read again")
    basis = leading_directions(vectors)
    named = _named(lesson, ground.ladder, options)
    fixed = {} if named is None else {"names": named(tuned)}
    ladder = _turned(replace(ground.ladder, fixed=fixed, toward=None), vectors, basis)
    own = {} if made.head is None else {"vectors": judged_on.as_wide(made.head, vectors)}
    heads = {p: h for p, h in learn(ladder, rung, own).items() if p not in own}
    back = {**_turned_back(heads, basis, fixed), **own}
    return replace(_model(lesson, rung, back, ground), reader=tuned, encoder=TUNED, precedents=vectors)


def _turned_back(heads: dict[str, Head], basis: Matrix, fixed: dict[str, Head]) -> dict[str, Head]:
    """Learnt heads over the vectors themselves; those that were not learnt as they were."""
    found = {p: h if p == "words" else Head(basis @ h.weight, h.bias) for p, h in heads.items()}
    return {p: fixed.get(p, h) for p, h in found.items()}


def _named(lesson: Lesson, ladder: Ladder, options: ClassifyOptions) -> Named | None:
    """What makes a head of the names over any encoder, where names are evidence."""
    if "names" not in ladder.fixed:
        return None
    return lambda reader: name_head(reader, lesson.targets.classes, options.names)


def _with_held_out(scores: Matrix, tuned: Rung, held: npt.NDArray[np.int64]) -> Matrix:
    """Held-out scores of the tuned encoder where it has some, those of the best lower rung elsewhere."""
    found = scores.copy()
    found[held] = tuned.scores
    return found


def _ground(lesson: Lesson, reader: Encoder, options: ClassifyOptions) -> Job[_Ground]:
    targets = lesson.targets
    groups = loosened(near_groups(lesson.texts), lesson.texts, targets.codes)
    if groups.min() == groups.max():  # nothing could be held out
        groups = np.arange(len(groups))
    count = options.folds or how_many(targets.codes)
    fold = folds_of(groups, targets.codes, count, options.seed)
    vectors = yield from encoded(reader, lesson.texts, folder=options.checkpoint)
    features: dict[str, Any] = {"vectors": vectors}
    asked = options.rungs or ("names", "words", "vectors")
    made = Ladder(features, targets.matrix, fold, targets.kind == "many", row_weights(targets, options.class_weights))
    fixed: dict[str, Head] = {}
    if made.few and "names" in asked and telling(targets.classes, options.names):
        fixed["names"] = name_head(reader, targets.classes, options.names)
    words = None
    if "words" in asked and (not made.few or options.rungs or len(lesson.texts) >= _ENOUGH):
        yield Progress("read", len(lesson.texts), len(lesson.texts), "counting words")
        words = Words.learnt(lesson.texts)
        features["words"] = words.rows(lesson.texts)
    learnt = tuple(n for n in ("words", "vectors") if n in asked and n in features)
    spare = np.zeros((0, vectors.shape[1]), np.float32)
    if made.few and len(lesson.unlabelled) >= LEAST and "vectors" in learnt:
        spare = yield from encoded(reader, lesson.unlabelled[:MOST], "read spare texts", options.checkpoint)
    known = np.concatenate([vectors, spare]) if len(spare) else vectors
    basis = leading_directions(upper_layers(known, reader) if made.few else known)
    ladder = _turned(replace(made, fixed=fixed, learnt=learnt), vectors, basis)
    if "names" in ladder.fixed and len(lesson.texts) >= _ENOUGH:
        ladder = replace(ladder, toward=gently(ladder.fixed["names"]))
    other = folds_of(groups, targets.codes, _OTHER_FOLDS, options.seed + 1)
    return _Ground(ladder, words, vectors, basis, fixed, other, spare @ basis if len(spare) else None)


def _turned(ladder: Ladder, vectors: Matrix, basis: Matrix) -> Ladder:
    """The ladder with vectors and fixed heads among the leading directions only."""
    fixed = {name: Head(basis.T @ head.weight, head.bias) for name, head in ladder.fixed.items()}
    return replace(ladder, features={**ladder.features, "vectors": vectors @ basis}, fixed=fixed)


def row_weights(targets: Targets, asked: str | dict[str, float]) -> Matrix | None:
    """How much each row counts (n,), 1 on average; None where all count alike."""
    if asked == "none":
        return None
    sizes = np.maximum(targets.matrix.sum(axis=0), 1)
    if isinstance(asked, dict):
        for name in asked:
            if name not in targets.classes:
                raise UnknownName("class", name, targets.classes)
        each = np.array([asked.get(c, 1.0) for c in targets.classes], np.float32)
    else:
        each = (len(targets.matrix) / (len(targets.classes) * sizes)).astype(np.float32)
    share = targets.matrix / np.maximum(targets.matrix.sum(axis=1, keepdims=True), 1)
    found = np.where(targets.matrix.any(axis=1), share @ each, 1.0)
    return np.asarray(found / found.mean(), np.float32)


def threshold_of(rung: Rung, targets: Matrix) -> float:
    """The probability from which a label is given that makes the rows' mean F1 best on held-out labels."""
    lines = np.arange(0.1, 0.91, 0.05)
    return float(max(lines, key=lambda at: rightness(rung.scores, targets, sigmoid=True, line=at).mean()))


def _card(
    lesson: Lesson, rungs: Sequence[Rung], picked: tuple[Rung, str], model: Model, seconds: float
) -> dict[str, Any]:
    chosen, why = picked
    p = probabilities(chosen.scores, sigmoid=model.sigmoid)
    return {
        "labels": len(lesson.texts),
        "classes": len(model.classes),
        "chosen": chosen.name,
        "why": why,
        "rungs": [
            {"name": r.name, "score": round(r.score, 4), "loss": round(r.loss, 4), "seconds": round(r.seconds, 2)}
            for r in rungs
        ],
        "held_out": round(chosen.score, 4),
        "ece": None if model.sigmoid else round(confidence_error(p.max(axis=1), chosen.right), 4),
        "notes": list(lesson.notes),
        "seconds": seconds,
    }
