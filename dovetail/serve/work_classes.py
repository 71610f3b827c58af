"""Background work: a classifier from the class labels of a table, and what it says of the other rows."""

from __future__ import annotations

import secrets
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.labels.agree import settled
from dovetail.labels.store import Wanted
from dovetail.labels.strays import left_out
from dovetail.measure.intervals import wilson
from dovetail.serve.desk_class import LARGEST
from dovetail.serve.nearest import ENCODER
from dovetail.serve.trained import folder_of, keep, keep_none, let_go
from dovetail.tasks.classify import Classifier
from dovetail.tasks.classify_ladder import rightness
from dovetail.tasks.classify_texts import texts_of
from dovetail.types import Progress

if TYPE_CHECKING:
    from dovetail.labels.said import Event
    from dovetail.serve.tables import View
    from dovetail.serve.worker import Work, Working

_AT_ONCE = 2_000
_MOST_RULED = 5_000  # labels of heuristics that are learned from: more would make people wait
RULED = "; some labels are of heuristics: they are learned from, and the accuracy is over those of people alone"


def train(work: Work) -> Working:
    """Train on what people settled on, and read all rows that are still to be asked about."""
    work.weights = {"read": 0.1, "fit": 0.5, "predict": 0.4}
    view = work.tables.get(str(work.spec["table"]))
    about = f"class {view.name}"
    events = work.labels.current(Wanted(shape="class", task=view.name))
    people = [e for e in events if e.by_person]
    rows, labels, mine = learned_from(view, events)
    several = any(len(value) > 1 for value in labels)
    facts: dict[str, Any] = {"labels": len(people)}
    counts = Counter(name for value in labels for name in value)
    missing = left_out((e.label for e in events), view.named)
    if len(counts) < 2:
        why = "a second class is needed before anything can be learned" + missing
        return {"version": keep_none(work.state, about, {**facts, "why": why}), **facts, "why": why}
    yield Progress("fit", 0, 1, f"{len(labels):,} rows of {len(counts):,} classes")
    given: list[Any] = [list(v) for v in labels] if several else [v[0] for v in labels]
    model, texts = Classifier(ENCODER), view.texts(np.array(rows))
    yield from model.fit_job(texts, given, effort="quick")
    home = folder_of(work.home, about, secrets.token_hex(6))
    model.save(home / "classifier")
    yield from _read(model, view, home)
    facts |= {
        "table": view.version,
        "folder": home.name,
        "classes": list(model.classes),
        "right": right_of_people(model, texts, mine),
        "guess": max(counts.values()) / len(labels),
        "why": str(model.card.get("why", "")) + ("" if all(mine) else RULED) + missing,
    }
    version = keep(work.state, about, facts)
    let_go(work.state, work.home, about)
    return {"version": version, **facts}


def learned_from(view: View, events: list[Event]) -> tuple[list[int], list[tuple[str, ...]], list[bool]]:
    """Rows, the classes of each, and whether a person said so: what people settled on, and some of heuristics."""
    people = [e for e in events if e.by_person]
    spoken = {e.label.subject() for e in people}
    rows, labels, mine = [], [], []
    for label in settled([*people, *some_ruled(events)]):
        row = view.place(label.rows[0].id, label.rows[0].source)
        if row is not None and isinstance(label.value, tuple) and label.value:
            rows.append(row)
            labels.append(label.value)
            mine.append(label.subject() in spoken)
    return rows, labels, mine


def right_of_people(model: Classifier, texts: list[str], mine: list[bool]) -> dict[str, float] | None:
    """How often the model is right on held-out labels of people (`mine`), with its interval; None without such labels.

    Repeating what heuristics said proves nothing, so that their labels are learned from, but not judged on.
    """
    kept = model.model.examples
    given = list(zip(texts_of(texts), mine, strict=True))
    hand = [said for text, said in given if text]
    if len(hand) != len(kept.texts):  # a large set keeps only some of its texts
        known = {text for text, said in given if said}
        hand = [text in known for text in kept.texts]
    if not any(hand):
        return None
    each = rightness(kept.held_out, kept.matrix, sigmoid=model.model.sigmoid, line=model.model.line)[np.array(hand)]
    right = wilson(round(float(each.sum())), len(each))
    return {"value": float(each.mean()), "low": right.low, "high": right.high}


def some_ruled(events: list[Event]) -> list[Event]:
    """What heuristics said, or as much of it as can be learned from in a moment."""
    ruled = [e for e in events if not e.by_person]
    step = -(-len(ruled) // _MOST_RULED) or 1
    return ruled[::step]


def _read(model: Classifier, view: Any, home: Any) -> Working:
    rows = np.arange(0, len(view), max(1, len(view) // LARGEST))
    parts = []
    for at in range(0, len(rows), _AT_ONCE):
        yield Progress("predict", at, len(rows), f"{at:,} of {len(rows):,} rows")
        parts.append(model.predict_proba(view.texts(rows[at : at + _AT_ONCE])).astype(np.float32))
    np.save(home / "probability.npy", np.concatenate(parts), allow_pickle=False)
    np.save(home / "rows.npy", rows, allow_pickle=False)
    return {}
