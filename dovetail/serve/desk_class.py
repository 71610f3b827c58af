"""Sessions that ask for the class of a row."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.errors import InputError, UnknownName
from dovetail.labels.choose import choose
from dovetail.labels.pool import Pool as Choices
from dovetail.labels.said import Label, Row, Suggestion, classes
from dovetail.labels.stop import forecast
from dovetail.measure.percent import percent
from dovetail.serve.desk import Found, GoldQuestions, Session
from dovetail.serve.room import Room
from dovetail.serve.trained import Classes, classes_of, in_use, runs
from dovetail.serve.wire import Job, Why, WordWeight
from dovetail.serve.wire_label import ClassItem, NextAsked, Thought
from dovetail.tasks.explained import as_percent
from dovetail.types import Interval

if TYPE_CHECKING:
    from dovetail.serve.tables import View

EVERY = 25
_BATCH = 25
_ITEM = re.compile(r"c-(\d{1,10})")
LARGEST = 30_000  # rows to choose among


class ClassDesk:
    """Chooses rows, suggests classes, and keeps the classifier up to date in the background."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self._gold = GoldQuestions(room.ledger)
        self._queues: dict[str, list[int]] = {}
        self._why: dict[tuple[str, int], str] = {}
        self._seen: dict[str, tuple[tuple[Any, ...], Classes | None]] = {}
        self._lock = threading.RLock()

    def check(self, session: Session) -> None:
        """There must be a table with rows."""
        view = self._view(session)
        rows = session["rows"]
        if not len(view) or (rows and max(rows) >= len(view)):
            raise InputError(f"{view.name} has {len(view):,} rows, so there is none of that number")

    def following(self, session: Session, person: str, asked: NextAsked) -> Found:
        """Rows that teach most."""
        view = self._view(session)
        if asked.row is not None:
            return Found([f"c-{view.check(asked.row)}"], None)
        done = self._done(session, view)
        gold = self._gold.due(session, person, lambda label: self._inside(session, label))
        picked = [] if gold is None else [gold]
        with self._lock:
            queue = self._queues.get(session.session, [])
            queue = [row for row in queue if row not in done]
            if len(queue) < asked.count:
                queue += [row for row in self._chosen(session, view, done, queue) if row not in queue]
            self._queues[session.session] = queue
            for row in queue:
                if (
                    len(picked) < asked.count
                    and f"c-{row}" != gold
                    and self.room.leases.take(session.session, f"c-{row}", person)
                ):
                    picked.append(f"c-{row}")
        left = len(self._rows(session, view)) - len(done)
        return Found(picked, max(0, left), None if picked else "every row has a class")

    def item(self, session: Session, item: str, person: str) -> ClassItem:
        """A row with the likeliest classes first."""
        del person
        view, row = self._view(session), self._row(session, item)
        names = self._names(session)
        thoughts = self._thoughts(view, row)
        if session["blind"]:
            thoughts = []
        order = [t.value for t in thoughts if t.value in names]
        return ClassItem(
            item=item,
            record=view.rec(row),
            suggestions=thoughts[:5],
            classes=[*order[:3], *(n for n in names if n not in order[:3])] if thoughts else names,
            several=bool(session["several"]),
            why=self._why.get((session.session, row), ""),
        )

    def labels(self, session: Session, item: str, value: Any) -> list[tuple[Label, Suggestion | None]]:
        """Its class, several, or none of them."""
        view, row = self._view(session), self._row(session, item)
        if not isinstance(value, list):
            raise InputError("a class is answered by a list of names; an empty one means none of them")
        if len(value) > 1 and not session["several"]:
            raise InputError("this session asks for one class a row")
        thoughts = self._thoughts(view, row)
        best = thoughts[0] if thoughts else None
        version = (in_use(self.room.state, f"class {view.name}") or (0,))[0]
        thought = None if best is None else Suggestion((best.value,), best.score, f"classes {version}")
        return [(classes(Row(str(view.ids[row].as_py()), view.source(row)), value, task=session.task), thought)]

    def item_of(self, session: Session, label: Label) -> str | None:
        """The row of a label."""
        row = self._view(session).place(label.rows[0].id, label.rows[0].source)
        return None if row is None else f"c-{row}"

    def _inside(self, session: Session, label: Label) -> str | None:
        """The row of a label, where the session asks about it."""
        row, rows = self._view(session).place(label.rows[0].id, label.rows[0].source), session["rows"]
        return None if row is None or (rows and row not in rows) else f"c-{row}"

    def why(self, session: Session, item: str) -> Why:
        """The words that speak for the likeliest class."""
        from dovetail.tasks.classify import Classifier

        view, row = self._view(session), self._row(session, item)
        found = self._classes(view)
        if found is None:
            raise InputError("no classifier was trained yet; give 25 answers of two classes or more")
        text = view.texts(np.array([row]))[0]
        said = Classifier.load(found.folder / "classifier").explain(text)
        words = [WordWeight(word=w.word, weight=float(w.importance)) for w in said.top(10)]
        sentence = f"{said.label} with {as_percent(said.probability)}, then {said.rival}"
        return Why(score=float(said.probability), sentence=sentence, words=words)

    def facts(self, session: Session) -> dict[str, Any]:
        """How often the classifier is right, by how much more often than before, and what comes next."""
        found = runs(self.room.state, f"class {session.table}")
        labels = self.room.ledger.counts["class", session.task]
        seen = int(found[0][2].get("labels", 0)) if found else 0
        facts: dict[str, Any] = {"work": "classes", "until_retrain": max(0, EVERY - (labels - seen))}
        used = in_use(self.room.state, f"class {session.table}")
        facts["version"] = used[0] if used else 0
        measured = [(f["labels"], f["right"]) for _, _, f in reversed(found) if f.get("right")]
        facts["curve"] = [{"labels": n, **right} for n, right in measured]
        if measured:
            ahead = forecast([n for n, _ in measured], [Interval(**right) for _, right in measured])
            facts["gain"] = {
                "gain": vars(ahead.gain),
                "ahead": ahead.ahead,
                "for_a_point": ahead.for_a_point,
                "stop": ahead.stop,
                "advice": ahead.advice.replace("of F1", "of accuracy"),
            }
            if used:
                earlier = [f["right"]["value"] for n, _, f in found if n < used[0] and f.get("right")]
                facts["effect"] = _effect(used, earlier[0] if earlier else used[2].get("guess"))
        return facts

    def answered(self, session: Session, person: str) -> None:
        """Train again after so many answers."""
        if self.facts(session)["until_retrain"] <= 0:
            self.retrain(session, person)

    def retrain(self, session: Session, person: str) -> Job:
        """Train now."""
        return self.room.jobs.add("classes", {"table": session.table}, person, same="waiting")

    def _view(self, session: Session) -> View:
        return self.room.tables.get(session.table)

    def _row(self, session: Session, item: str) -> int:
        found = _ITEM.fullmatch(item)
        if found is None:
            raise UnknownName("row to classify", item, ())
        return self._view(session).check(int(found[1]))

    def _rows(self, session: Session, view: View) -> Any:
        rows = session["rows"]
        if rows:
            return np.unique(np.array(rows, np.int64))
        step = max(1, len(view) // LARGEST)
        return np.arange(0, len(view), step)

    def _done(self, session: Session, view: View) -> set[int]:
        places = (
            view.place(e.label.rows[0].id, e.label.rows[0].source)
            for e in self.room.ledger.current("class", session.task)
        )
        return {row for row in places if row is not None}

    def _names(self, session: Session) -> list[str]:
        """The classes of the session, and those that people made since."""
        used = [
            name
            for e in self.room.ledger.current("class", session.task)
            if isinstance(e.label.value, tuple)
            for name in e.label.value
        ]
        return list(dict.fromkeys([*(session["classes"] or ()), *used]))[:500]

    def _classes(self, view: View) -> Classes | None:
        found = in_use(self.room.state, f"class {view.name}")
        key = (view.version, found[0] if found else 0)
        if self._seen.get(view.name, ((), None))[0] != key:
            self._seen[view.name] = key, classes_of(self.room.state, self.room.home, view)
            self._queues.clear()
        return self._seen[view.name][1]

    def _thoughts(self, view: View, row: int) -> list[Thought]:
        found = self._classes(view)
        if found is None:
            return []
        at = int(np.searchsorted(found.rows, row))
        if at >= len(found.rows) or found.rows[at] != row:
            return []
        p = found.probability[at]
        return [Thought(value=found.classes[n], score=round(float(p[n]), 4)) for n in np.argsort(-p)[:9].tolist()]

    def _chosen(self, session: Session, view: View, done: set[int], queue: list[int]) -> list[int]:
        rows = self._rows(session, view)
        asked = np.flatnonzero(np.isin(rows, np.array(sorted(done | set(queue)), np.int64)))
        found, near = self._classes(view), self.room.nearest.of(view)
        p = None
        if found is not None:
            at = np.minimum(np.searchsorted(found.rows, rows), len(found.rows) - 1)
            p = np.asarray(found.probability[at], np.float64)
        features = np.asarray(near.short[rows][:, :32]) if near.ready else None
        pool = Choices(np.full(len(rows), 0.5), features, asked=asked, classes=p)
        strategy = str(session["strategy"] or "both")
        if p is None:
            strategy = "diverse" if features is not None and strategy != "random" else "random"
        elif strategy in ("around", "likely", "spread"):
            strategy = "both"
        chosen = choose(pool, _BATCH, strategy=strategy, seed=len(done))
        self._why |= {
            (session.session, int(rows[n])): why for n, why in zip(chosen.position.tolist(), chosen.why, strict=True)
        }
        return [int(rows[n]) for n in chosen.position.tolist()]


def _effect(run: tuple[int, str, dict[str, Any]], before: float | None) -> dict[str, Any]:
    version, at, facts = run
    after = facts["right"]["value"] if facts.get("right") else None
    found = {"version": version, "at": at, "figure": "accuracy", "labels": facts.get("labels", 0)}
    found |= {"before": before, "after": after}
    if before is None or after is None:
        return {**found, "sentence": f"learned from {facts.get('labels', 0):,} answers"}
    said = f"right on {percent(after, 0)} of answers that it had not seen, before this training {percent(before, 0)}"
    return {**found, "sentence": f"{said} ({100 * (after - before):+.1f} points)"}
