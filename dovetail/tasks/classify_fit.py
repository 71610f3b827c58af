"""How a classifier is trained: texts read once, the ladder climbed, the simplest of the best kept and calibrated."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.encoders.base import Encoder
from dovetail.errors import InputError
from dovetail.measure.sure import confidence_error
from dovetail.tasks.classify_folds import contradictions, folds_of, how_many, near_groups
from dovetail.tasks.classify_head import Head
from dovetail.tasks.classify_labels import Targets, check_enough
from dovetail.tasks.classify_ladder import Rung, climb, learn, rightness, simplest_of_the_best
from dovetail.tasks.classify_ladder import Task as Ladder
from dovetail.tasks.classify_mix import probabilities
from dovetail.tasks.classify_model import Examples, Model
from dovetail.tasks.classify_names import name_head, telling
from dovetail.tasks.classify_options import ClassifyOptions
from dovetail.tasks.classify_scope import fit_scope
from dovetail.tasks.classify_words import Words
from dovetail.types import Job, Progress

Matrix = npt.NDArray[np.float32]
_CHUNK = 2_000
_LONG = 50_000  # characters from which a text is called long in a note


@dataclass(frozen=True)
class Lesson:
    """What is learnt from: labelled texts, texts that lie outside of all classes, texts without a label, and notes."""

    texts: list[str]
    targets: Targets
    outside: list[str]
    unlabelled: list[str]
    notes: tuple[str, ...]


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
        notes.append(f"{int((~filled).sum()):,} texts are empty and were left out")
    bare = filled & ~known & ~out
    if bare.any():
        notes.append(f"{int(bare.sum()):,} texts have no label and were not learnt from")
    long = sum(len(t) > _LONG for t in texts)
    if long:
        notes.append(f"{long:,} texts are longer than {_LONG:,} characters; only their beginnings are read")
    kept = targets.rows(np.flatnonzero(known))
    notes += check_enough(kept)
    found = [texts[i] for i in np.flatnonzero(known).tolist()]
    clashes = [] if targets.kind == "many" else contradictions(found, [kept.classes[c] for c in kept.codes.tolist()])
    if clashes:
        notes.append(f"{len(clashes):,} texts stand there more than once with different labels")
    spare = [texts[i] for i in np.flatnonzero(bare).tolist()] + [t for t in unlabelled if t]
    return Lesson(found, kept, [texts[i] for i in np.flatnonzero(out & filled).tolist()], spare, tuple(notes))


def _without(targets: Targets, outside: str) -> tuple[Targets, npt.NDArray[np.bool_], list[str]]:
    """Targets without the class that means none, and which rows had it."""
    if outside not in targets.classes:
        return targets, np.zeros(len(targets.matrix), bool), [f"no row has the label {outside!r}, which means none"]
    at = targets.classes.index(outside)
    classes = tuple(c for c in targets.classes if c != outside)
    out = targets.matrix[:, at] > 0
    return Targets(targets.kind, classes, np.delete(targets.matrix, at, axis=1), targets.notes), out, []


def encoded(reader: Encoder, texts: Sequence[str], step: str = "read") -> Job[Matrix]:
    """Vectors of texts (n, d), with progress."""
    found = np.zeros((len(texts), reader.dimensions), np.float32)
    for start in range(0, len(texts), _CHUNK):
        found[start : start + _CHUNK] = reader.encode(texts[start : start + _CHUNK])
        yield Progress(step, min(start + _CHUNK, len(texts)), len(texts), f"{len(texts):,} texts")
    return found


def train(lesson: Lesson, reader: Encoder, options: ClassifyOptions) -> Job[tuple[Model, tuple[Rung, ...]]]:
    """A trained model and what each rung of the ladder brought."""
    start = time.perf_counter()
    targets = lesson.targets
    ladder, words = yield from _ladder(lesson, reader, options)
    rungs = yield from climb(ladder)
    chosen, why = simplest_of_the_best(rungs)
    yield Progress("fit", 1, 2, f"learning {chosen.name} from all labels")
    heads = learn(ladder, chosen)
    found = Model(targets.kind, targets.classes, chosen.parts, tuple(heads[p] for p in chosen.parts), chosen.weights)
    model = replace(found, words=words, reader=reader).trimmed()
    line = _line(chosen, ladder.targets) if model.sigmoid else 0.5
    examples = Examples(tuple(lesson.texts), targets.matrix, chosen.scores, ladder.fold)
    precedents = ladder.features["vectors"].astype(np.float16)
    scope = fit_scope(chosen.scores, precedents, ladder.fold, lesson.outside, model, options.outside)
    model = replace(model, line=line, examples=examples, precedents=precedents, scope=scope)
    card = _card(lesson, rungs, (chosen, why), model, round(time.perf_counter() - start, 2))
    yield Progress("fit", 2, 2, why)
    return replace(model, card=card), rungs


def _ladder(lesson: Lesson, reader: Encoder, options: ClassifyOptions) -> Job[tuple[Ladder, Words | None]]:
    targets = lesson.targets
    groups = near_groups(lesson.texts)
    count = options.folds or how_many(targets.codes)
    fold = folds_of(groups, targets.codes, count, options.seed)
    features: dict[str, Any] = {"vectors": (yield from encoded(reader, lesson.texts))}
    made = Ladder(features, targets.matrix, fold, targets.kind == "many", row_weights(targets, options.class_weights))
    fixed: dict[str, Head] = {}
    if made.few and telling(targets.classes, options.names):
        fixed["names"] = name_head(reader, targets.classes, options.names)
    words = None
    if not made.few:
        yield Progress("read", len(lesson.texts), len(lesson.texts), "counting words")
        words = Words.learnt(lesson.texts)
        features["words"] = words.rows(lesson.texts)
    return replace(made, fixed=fixed), words


def row_weights(targets: Targets, asked: str | dict[str, float]) -> Matrix | None:
    """How much each row counts (n,), 1 on average; None where all count alike."""
    if asked == "none":
        return None
    sizes = np.maximum(targets.matrix.sum(axis=0), 1)
    if isinstance(asked, dict):
        each = np.array([asked.get(c, 1.0) for c in targets.classes], np.float32)
    else:
        each = (len(targets.matrix) / (len(targets.classes) * sizes)).astype(np.float32)
    share = targets.matrix / np.maximum(targets.matrix.sum(axis=1, keepdims=True), 1)
    found = np.where(targets.matrix.any(axis=1), share @ each, 1.0)
    return np.asarray(found / found.mean(), np.float32)


def _line(rung: Rung, targets: Matrix) -> float:
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
