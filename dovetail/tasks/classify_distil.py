"""A small fast student of a classifier: words and static vectors that learn what the large one says.

The student reads no transformer, so it classifies thousands of texts a second. It learns from the labels, from what the
teacher says about the same texts without having seen their labels, and from what it says about any other texts (Hinton
et al. 2015; Ba and Caruana 2014).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, vstack

from dovetail.encoders.base import Encoder, load_encoder
from dovetail.errors import InputError
from dovetail.measure.percent import percent
from dovetail.tasks.classify_fit import threshold_of
from dovetail.tasks.classify_head import Head, HeadSettings, fit_head
from dovetail.tasks.classify_ladder import Rung, Task, calibrated_rung, rightness
from dovetail.tasks.classify_mix import probabilities
from dovetail.tasks.classify_model import Examples, Model
from dovetail.tasks.classify_scope import fit_scope, nearest
from dovetail.tasks.classify_texts import encoded
from dovetail.tasks.classify_words import Words
from dovetail.types import Job, Progress

Matrix = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
_MOST = 50_000  # texts without a label that the student learns from
_STRENGTHS = {"words": 30.0, "vectors": 30.0}
_TIMED = 2_000


@dataclass(frozen=True)
class Distilled:
    """The student, and what its speed costs: how right both are on the same held-out labels."""

    model: Model
    right: float  # of the student, in [0, 1]
    teacher: float
    agree: float  # share of held-out texts that both call the same
    per_second: float  # texts that the student classifies a second

    def to_lines(self) -> list[str]:
        """The answer in a few lines for a console."""
        lost = self.teacher - self.right
        price = f"{percent(lost)} is the price" if lost > 0 else "nothing is lost"
        return [
            f"the student is right on {percent(self.right)} of the held-out labels, "
            f"the teacher on {percent(self.teacher)} ({price})",
            f"they agree on {percent(self.agree)}; the student classifies about {self.per_second:,.0f} texts a second",
        ]


@dataclass(frozen=True)
class _Desk:
    """All texts that the student learns from, the labelled ones first, as features and soft targets."""

    features: dict[str, Any]  # name: (n + m, d)
    targets: Matrix  # (n + m, c)
    task: Task  # of the n labelled rows


def distilled(model: Model, texts: Sequence[str]) -> Job[Distilled]:
    """A student of the model, taught on its own labelled texts and on `texts`, which need no labels."""
    kept = model.examples
    if not kept.texts or not len(kept.held_out):
        raise InputError("this model keeps no labelled texts to teach with; train it with keep_texts=True")
    reader = load_encoder("static")
    words, desk = yield from _desk(model, reader, list(dict.fromkeys(t for t in texts if t))[:_MOST])
    yield Progress("distil", 0, 2, f"checking on {len(kept.texts):,} held-out labels")
    rung = _rung(desk)
    yield Progress("distil", 1, 2, f"learning from {len(desk.targets):,} texts")
    student = _student(model, reader, words, desk, rung)
    right = rightness(rung.scores, kept.matrix, sigmoid=model.sigmoid, line=student.line)
    taught = rightness(kept.held_out, kept.matrix, sigmoid=model.sigmoid, line=model.line)
    agree = (rung.scores.argmax(axis=1) == kept.held_out.argmax(axis=1)).mean()
    speed = _speed(student, [*kept.texts, *texts])
    done = Distilled(student, float(right.mean()), float(taught.mean()), float(agree), speed)
    card = {**model.card, "chosen": "student", "why": done.to_lines()[0], "held_out": round(done.right, 4)}
    yield Progress("distil", 2, 2, card["why"])
    return replace(done, model=replace(student, card=card))


def _desk(model: Model, reader: Encoder, more: list[str]) -> Job[tuple[Words, _Desk]]:
    kept, known = model.examples, set(model.examples.texts)
    more = [t for t in more if t not in known]
    said = np.zeros((len(more), len(model.classes)), np.float32)
    for start in range(0, len(more), 2_000):
        said[start : start + 2_000] = model.probabilities(more[start : start + 2_000])
        yield Progress("teach", start, len(more), "asking the teacher about other texts")
    every = [*kept.texts, *more]
    vectors = yield from encoded(reader, every)
    words = Words.learnt(every)
    features: dict[str, Any] = {"words": words.rows(every), "vectors": vectors}
    unseen = probabilities(kept.held_out, sigmoid=model.sigmoid)
    soft = ((kept.matrix + unseen) / 2).astype(np.float32)
    first = {name: values[: len(kept.texts)] for name, values in features.items()}
    task = Task(first, kept.matrix, kept.fold, model.sigmoid)
    return words, _Desk(features, np.concatenate([soft, said]), task)


def _rung(desk: _Desk) -> Rung:
    """The student on rows whose labels it has not seen."""
    start, task = time.perf_counter(), desk.task
    raw = {name: np.zeros(task.targets.shape, np.float32) for name in _STRENGTHS}
    for fold in np.unique(task.fold).tolist():
        inside, outside = np.flatnonzero(task.fold != fold), np.flatnonzero(task.fold == fold)
        for name in raw:
            raw[name][outside] = _head(desk, name, inside).scores(task.features[name][outside])
    return calibrated_rung(task, "student", tuple(raw), tuple(_STRENGTHS.values()), list(raw.values()), start)


def _head(desk: _Desk, name: str, rows: Ints) -> Head:
    """A head on some of the labelled rows and on all texts that only the teacher knows."""
    own, features = len(desk.task.targets), desk.features[name]
    stacked = (
        csr_array(vstack([features[rows], features[own:]]))
        if hasattr(features, "tocsr")
        else np.concatenate([features[rows], features[own:]])
    )
    targets = np.concatenate([desk.targets[rows], desk.targets[own:]])
    return fit_head(stacked, targets, HeadSettings(_STRENGTHS[name], desk.task.sigmoid))


def _student(model: Model, reader: Encoder, words: Words, desk: _Desk, rung: Rung) -> Model:
    kept = model.examples
    rows = np.arange(len(kept.texts))
    heads = tuple(_head(desk, name, rows) for name in rung.parts)
    precedents = desk.features["vectors"][: len(rows)]
    examples = Examples(kept.texts, kept.matrix, rung.scores, kept.fold)
    bare = Model(model.kind, model.classes, rung.parts, heads, rung.weights, words=words, reader=reader)
    made = replace(bare, encoder="static", examples=examples, precedents=precedents, seen=model.seen).trimmed()
    line = threshold_of(rung, kept.matrix) if model.sigmoid else 0.5
    name = model.scope.name if model.scope is not None else None
    near = nearest(precedents, precedents, kept.fold, kept.fold)
    return replace(made, line=line, scope=fit_scope(rung.scores, near, [], made, name))


def _speed(student: Model, texts: Sequence[str]) -> float:
    """Texts a second from text to probabilities."""
    some = (list(texts) * (_TIMED // len(texts) + 1))[:_TIMED]
    student.probabilities(some[:10])
    start = time.perf_counter()
    student.probabilities(some)
    return len(some) / (time.perf_counter() - start)
