"""A classifier in use: whether new texts drifted away from it, and learning from new labels without becoming worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.encoders.base import Encoder
from dovetail.errors import InputError
from dovetail.measure.percent import percent
from dovetail.measure.sure import auroc
from dovetail.tasks.classify_fit import lesson_of, train
from dovetail.tasks.classify_head import HeadSettings, fit_head
from dovetail.tasks.classify_labels import targets_of, whole_numbers
from dovetail.tasks.classify_ladder import rightness
from dovetail.tasks.classify_mix import probabilities
from dovetail.tasks.classify_model import TUNED, Model
from dovetail.tasks.classify_options import ClassifyOptions
from dovetail.tasks.classify_words import tokens_of
from dovetail.types import Job

Floats = npt.NDArray[np.float64]
_COMPARED = 2_000  # texts of each side that are told apart
_LEAST = 10  # new texts of a class from which its confidence is compared


@dataclass(frozen=True)
class ClassDrift:
    """How the texts called one class changed: their share, and how sure the model is of them."""

    name: str
    share_before: float
    share_after: float
    sure_before: float  # mean probability on held-out labels
    sure_after: float


@dataclass(frozen=True)
class Drift:
    """New texts against those learnt from."""

    n: int
    told_apart: float  # AUROC of telling new texts from old ones: 0.5 alike, 1 nothing in common
    limit: float  # what chance alone hardly exceeds
    sure_before: float  # mean probability of the likeliest class: what accuracy can be expected
    sure_after: float
    unknown_words: float  # share of the new words that training never saw
    empty: int
    classes: tuple[ClassDrift, ...]  # those that lost most confidence first
    to_label: tuple[int, ...]  # rows worth a label, the most useful first

    @property
    def drifted(self) -> bool:
        """Whether the new texts differ from those learnt from."""
        return self.told_apart > self.limit

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return {"drifted": self.drifted, **asdict(self)}

    def to_lines(self) -> list[str]:
        """The answer in a few lines for a console."""
        verdict = "differ from" if self.drifted else "look like"
        lines = [
            f"{self.n:,} new texts {verdict} those learnt from (told apart with "
            f"AUROC {self.told_apart:.2f}; {self.limit:.2f} would be chance)",
            f"expected accuracy {percent(self.sure_after)}, on held-out labels {percent(self.sure_before)}",
            f"{percent(self.unknown_words)} of their words are new",
        ]
        lines += [
            f"class {c.name!r} suffers: as sure as {percent(c.sure_after, 0)}, was {percent(c.sure_before, 0)}"
            for c in self.classes[:5]
            if c.sure_after < c.sure_before - 0.05
        ]
        if self.to_label:
            lines.append("worth a label: rows " + ", ".join(str(i + 1) for i in self.to_label))
        return lines


def drift(model: Model, texts: Sequence[str], count: int) -> Drift:
    """Compare new texts with the held-out texts of training."""
    kept = model.examples
    filled = [i for i, t in enumerate(texts) if t]
    if not len(kept.held_out):
        raise InputError("this model keeps no held-out labels to compare with; train it with keep_texts=True")
    if not filled:
        raise InputError("all of the new texts are empty; name the column that holds them")
    new = [texts[i] for i in filled]
    read = model.read(new)
    before, after = probabilities(kept.held_out, sigmoid=model.sigmoid), model.probabilities(new, read)
    rows = _worth(after, read.get("vectors"), count)
    return Drift(
        len(after),
        *_told_apart(model, read.get("vectors")),
        float(before.max(axis=1).mean()),
        float(after.max(axis=1).mean()),
        _unknown(kept.texts, new),
        len(texts) - len(filled),
        _by_class(model, before, after),
        tuple(filled[i] for i in rows),
    )


def _by_class(model: Model, before: Floats, after: Floats) -> tuple[ClassDrift, ...]:
    old, new = before.argmax(axis=1), after.argmax(axis=1)
    found = []
    for at, name in enumerate(model.classes):
        was, now = before[old == at].max(axis=1, initial=0.0), after[new == at].max(axis=1, initial=0.0)
        if len(was) and len(now) >= _LEAST:
            share = len(was) / len(before), len(now) / len(after)
            found.append(ClassDrift(name, *share, float(was.mean()), float(now.mean())))
    return tuple(sorted(found, key=lambda c: c.sure_after - c.sure_before))


def _told_apart(model: Model, vectors: Any) -> tuple[float, float]:
    """How well a linear head tells new texts from old ones that it has not seen, and what chance hardly exceeds.

    A classifier as a test of two samples (Lopez-Paz and Oquab 2017).
    """
    if vectors is None or model.precedents is None:
        return 0.5, 1.0
    random = np.random.default_rng(0)
    old = model.precedents.astype(np.float32)
    old, new = (x[random.permutation(len(x))[:_COMPARED]] for x in (old, vectors))
    rows, label = np.concatenate([old, new]), np.r_[np.zeros(len(old)), np.ones(len(new))]
    share = np.stack([1 - label, label], axis=1).astype(np.float32)
    weight = np.where(label == 1, len(rows) / (2 * len(new)), len(rows) / (2 * len(old))).astype(np.float32)
    fold = np.r_[np.arange(len(old)) % 2, np.arange(len(new)) % 2]
    odds = np.zeros(len(rows))
    for part in (0, 1):
        inside, outside = fold != part, fold == part
        head = fit_head(rows[inside], share[inside], HeadSettings(3.0), weight=weight[inside])
        scores = head.scores(rows[outside])
        odds[outside] = scores[:, 1] - scores[:, 0]
    n, m = len(old), len(new)
    error = float(np.sqrt((n + m + 1) / (12 * n * m)))
    found = auroc(odds, label) if n and m else 0.5
    return found, max(0.6, 0.5 + 3 * error)


def _unknown(known: Sequence[str], new: Sequence[str]) -> float:
    vocabulary = {word for text in known for word in tokens_of(text)}
    words = [word for text in new for word in tokens_of(text)]
    return sum(word not in vocabulary for word in words) / max(len(words), 1)


def _worth(p: Floats, vectors: Any, count: int) -> list[int]:
    """Rows to label: unsure ones, each far from those already chosen, so that ten alike are not asked ten times."""
    ordered = np.sort(p, axis=1)
    margin = ordered[:, -1] - ordered[:, -2] if p.shape[1] > 1 else np.abs(p[:, 0] - 0.5)
    pool = np.argsort(margin, kind="stable")[: max(count * 10, 50)]
    if vectors is None:
        return [int(i) for i in pool[:count]]
    chosen, near = [int(pool[0])], vectors[pool] @ vectors[pool[0]]
    while len(chosen) < min(count, len(pool)):
        gain = (1 - margin[pool]) * (1 - near)
        gain[np.isin(pool, chosen)] = -1
        at = int(gain.argmax())
        chosen.append(int(pool[at]))
        near = np.maximum(near, vectors[pool] @ vectors[pool[at]])
    return chosen


@dataclass(frozen=True)
class Updated:
    """What learning from new labels did: the model as it was, as it is, and how right each is on the same labels."""

    before: Model
    after: Model
    kept: bool
    right_before: float
    right_after: float
    why: str


class _Remembering:
    """An encoder that need not read again what it has read."""

    def __init__(self, reader: Encoder, texts: Sequence[str], vectors: Any) -> None:
        self.reader, self.seen = reader, dict(zip(texts, vectors, strict=True))
        self.dimensions, self.fingerprint = reader.dimensions, reader.fingerprint

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors of texts, read where they are new."""
        new = [t for t in dict.fromkeys(texts) if t not in self.seen]
        self.seen |= dict(zip(new, self.reader.encode(new), strict=True))
        found = [self.seen[t] for t in texts]
        return np.asarray(found, np.float32).reshape(len(texts), self.dimensions)


def updated(model: Model, texts: list[str], labels: Sequence[Any], options: ClassifyOptions) -> Job[Updated]:
    """Learn from the kept labelled texts and the new ones together; the old model stays where it is better.

    Both are judged on the same rows, neither having seen the row: the new one by its held-out parts, the old one by
    its own held-out parts for the rows that it learnt from, and as it is for the new ones.
    """
    kept = model.examples
    if not kept.texts or model.reader is None:
        raise InputError("this model keeps no labelled texts to learn on with; train it with keep_texts=True")
    if not any(texts):
        raise InputError("there is no new text to learn from; expected texts and a label each")
    old = [[model.classes[i] for i in np.flatnonzero(row).tolist()] for row in kept.matrix]
    given = targets_of(labels, model.kind if model.kind != "tree" else "auto")
    whole = whole_numbers([*model.classes, options.outside or ""])
    called = [whole.get(name, name) for name in given.classes]
    told = [[called[i] for i in np.flatnonzero(row).tolist()] for row in given.matrix]
    listed = [*old, *told] if model.sigmoid else [one[0] if one else None for one in [*old, *told]]
    lesson = lesson_of([*kept.texts, *texts], targets_of(listed, model.kind), options)
    reader: Any = _Remembering(model.reader, kept.texts, model.precedents)
    fresh, _ = yield from train(lesson, reader, options)
    card = {**fresh.card, "options": options.model_dump(exclude_defaults=True)}
    if fresh.encoder != TUNED:
        fresh = replace(fresh, reader=model.reader, encoder=model.encoder)
    fresh = replace(fresh, card=card)
    was, now = _both_right(model, fresh, len(kept.texts))
    gap = was - now
    better = _no_worse(gap) and _no_worse(gap[: len(kept.texts)])
    figures = f"{now.mean():.3f} right on held-out labels, {was.mean():.3f} before"
    why = f"learnt from {len(lesson.texts) - len(kept.texts):,} more labels: {figures}"
    if not better:
        first = f"{now[: len(kept.texts)].mean():.3f}, {was[: len(kept.texts)].mean():.3f} before"
        why = f"kept as it was: of the labels that it had been given before only {first}, of all {figures}"
    return Updated(model, fresh if better else model, better, float(was.mean()), float(now.mean()), why)


def _no_worse(gap: Floats) -> bool:
    """Whether the loss on the same rows is within one standard error of nothing."""
    error = float(gap.std(ddof=1) / np.sqrt(len(gap))) if len(gap) > 1 else 0.0
    return not len(gap) or float(gap.mean()) <= error


def _both_right(old: Model, fresh: Model, first: int) -> tuple[Floats, Floats]:
    """How right the old model and the fresh one are on every labelled row of the fresh one, (n,) each."""
    kept = fresh.examples
    now = rightness(kept.held_out, kept.matrix, sigmoid=fresh.sigmoid, line=fresh.line)
    place = [fresh.classes.index(c) if c in fresh.classes else -1 for c in old.classes]
    scores = np.concatenate([old.examples.held_out, old.scores(list(kept.texts[first:]))])
    spread = np.full(kept.matrix.shape, -50.0, np.float32)
    for at, to in enumerate(place):
        if to >= 0:
            spread[:, to] = scores[:, at]
    return rightness(spread, kept.matrix, sigmoid=fresh.sigmoid, line=old.line), now
