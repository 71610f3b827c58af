"""Sessions that ask whether two records are the same."""

from __future__ import annotations

import re
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from dovetail.errors import InputError, UnknownName
from dovetail.explain.pairs import differences
from dovetail.labels.choose import choose
from dovetail.labels.pool import Pool as Choices
from dovetail.labels.said import Label, Row, Suggestion, pair
from dovetail.serve.desk import Found, GoldQuestions, Session
from dovetail.serve.pool import ABOUT, LARGE, SEEN, Pool, pool_of, run_key, version_of
from dovetail.serve.room import Room
from dovetail.serve.tables import RECORDS, View
from dovetail.serve.trained import in_use, runs
from dovetail.serve.why import why_of_pair
from dovetail.serve.wire import Job, Why
from dovetail.serve.wire_label import Field2, NextAsked, PairItem, Part, Thought

EVERY = 25  # answers between two trainings
_BATCH = 25
_ITEM = re.compile(r"p-(\d{1,10})-(\d{1,10})")
_SECOND = 0.1  # share of questions that somebody else answered already, where several people label


class PairDesk:
    """Chooses pairs, shows them, and keeps the matcher up to date in the background."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self._gold = GoldQuestions(room.ledger)
        self._pool: tuple[str, Pool] | None = None
        self._queues: dict[str, list[int]] = {}
        self._why: dict[tuple[str, int], str] = {}
        self._filling: dict[str, Future[None]] = {}
        self._lock = threading.RLock()
        self._behind = ThreadPoolExecutor(1, "choose")

    @property
    def pool(self) -> Pool:
        """The candidates with the latest scores."""
        version = version_of(self.room.folder, self.room.state)
        with self._lock:
            if self._pool is None or self._pool[0] != version:
                self._pool = version, pool_of(self.room.folder, self.room.state)
                self._queues.clear()
            return self._pool[1]

    def check(self, session: Session) -> None:
        """There must be an integration."""
        del session
        _ = self.pool

    def following(self, session: Session, person: str, asked: NextAsked) -> Found:
        """Pairs that teach most, some of others for a second opinion."""
        pool = self.pool
        if pool.features is None and len(pool.records) >= LARGE and person:
            self._prepare()
        picked = self._seconds(session, person, asked.count)
        with self._lock:
            if len(self._queues.get(session.session, ())) < asked.count:
                self._fill(session)
            for place in list(self._queues.get(session.session, ())):
                if len(picked) >= asked.count:
                    break
                name = _named(pool, place)
                if self._said(name):
                    self._queues[session.session].remove(place)
                elif name not in picked and self.room.leases.take(session.session, name, person):
                    picked.append(name)
        self._fill_behind(session)
        left = max(0, len(pool.pairs) - self.room.ledger.counts["pair", ""])
        return Found(picked, left, None if picked else "every pair that is worth a question was judged")

    def item(self, session: Session, item: str, person: str) -> PairItem:
        """Two records side by side."""
        del person
        left, right = self._ends(item)
        view, pool = self._view(), self.pool
        place = pool.place.get((left, right))
        a, b = view.rec(left), view.rec(right)
        records = pool.records
        fields = []
        for attribute in records.attributes:
            values = [_value(view, attribute.name, row) for row in (left, right)]
            if any(value is not None for value in values):
                fields.append(_side_by_side(attribute.name, attribute.kind.value, *values))
        thought = self._thought(place)
        blind = bool(session["blind"]) or thought is None
        why = self._why.get((session.session, place), "") if place is not None else ""
        shown = None if blind or thought is None else Thought(value=str(thought.value), score=thought.score)
        return PairItem(item=item, left=a, right=b, fields=fields, suggestion=shown, why=why)

    def labels(self, session: Session, item: str, value: Any) -> list[tuple[Label, Suggestion | None]]:
        """match, not or unsure."""
        del session
        left, right = self._ends(item)
        if not isinstance(value, str):
            raise InputError("a pair is answered by match, not or unsure")
        view = self._view()
        rows = [Row(str(view.ids[n].as_py()), view.source(n)) for n in (left, right)]
        return [(pair(rows[0], rows[1], value), self._thought(self.pool.place.get((left, right))))]

    def item_of(self, session: Session, label: Label) -> str | None:
        """The pair of a label."""
        del session
        view = self._view()
        rows = [view.place(row.id, row.source) for row in label.rows]
        low, high = sorted(n for n in rows if n is not None) if None not in rows else (0, 0)
        return f"p-{low}-{high}" if low < high else None

    def why(self, session: Session, item: str) -> Why:
        """What each attribute says."""
        del session
        return why_of_pair(self.pool, *self._ends(item))

    def facts(self, session: Session) -> dict[str, Any]:
        """How good the matcher is, by how much better it became, and what comes next."""
        del session
        known, used = runs(self.room.state, ABOUT), in_use(self.room.state, ABOUT)
        labels = self.room.ledger.counts["pair", ""]
        left = EVERY - (labels - int(self.room.state.noted(SEEN) or 0))
        found: dict[str, Any] = {"until_retrain": max(0, left), "version": used[0] if used else 0}
        found["gain"] = known[0][2].get("gain") if known else None
        found["curve"] = [_point(facts) for *_, facts in reversed(known) if facts.get("after")]
        if used:
            found["effect"] = _effect(*used, next((facts for n, _, facts in known if n < used[0]), None))
        return found

    def answered(self, session: Session, person: str) -> None:
        """Train again after so many answers."""
        if self.facts(session)["until_retrain"] <= 0 and self.room.jobs.active("train") is None:
            self.retrain(session, person)

    def retrain(self, session: Session, person: str) -> Job:
        """Train now."""
        del session
        return self.room.jobs.add("train", {"about": ABOUT}, person, same="waiting")

    def _prepare(self) -> None:
        """Compare the pairs in the background; where that failed for this integration, it would fail again."""
        spec = {"about": ABOUT, "run": run_key(self.room.folder)}
        if not self.room.jobs.failed("prepare", spec):
            self.room.jobs.add("prepare", spec, "(server)", same="active")

    def _view(self) -> View:
        return self.room.tables.get(RECORDS)

    def _ends(self, item: str) -> tuple[int, int]:
        found = _ITEM.fullmatch(item)
        size = len(self._view())
        if found is None or not int(found[1]) < int(found[2]) < size:
            raise UnknownName("pair", item, ())
        return int(found[1]), int(found[2])

    def _thought(self, place: int | None) -> Suggestion | None:
        if place is None:
            return None
        pool = self.pool
        score = float(pool.score[place])
        return Suggestion("match" if score >= pool.threshold else "not", round(score, 4), f"{ABOUT} {pool.version}")

    def _said(self, name: str) -> bool:
        view, (left, right) = self._view(), self._ends(name)
        rows = [Row(str(view.ids[n].as_py()), view.source(n)) for n in (left, right)]
        return bool(self.room.ledger.about(pair(rows[0], rows[1], "unsure").subject_key()))

    def _seconds(self, session: Session, person: str, count: int) -> list[str]:
        """Now and then a gold question, or a pair that only somebody else has judged, so that agreement is measured."""
        gold = self._gold.due(session, person, lambda label: self.item_of(session, label))
        if gold is not None:
            return [gold]
        mine = self.room.ledger.number(session.session)
        if self.room.ledger.people() < 2 or (mine + 1) % round(1 / _SECOND) or count < 1:
            return []
        for event in reversed(self.room.ledger.of_session(session.session)[-200:]):
            about = self.room.ledger.about(event.label.subject_key())
            if person not in about and len(about) == 1 and event.label.value != "unsure":
                name = self.item_of(session, event.label)
                if name is not None and self.room.leases.take(session.session, name, person):
                    return [name]
        return []

    def _fill_behind(self, session: Session) -> None:
        """Choose the next batch before it is needed."""
        with self._lock:
            running = self._filling.get(session.session)
            if len(self._queues.get(session.session, ())) > 2 * _BATCH or (running and not running.done()):
                return
            self._filling[session.session] = self._behind.submit(self._fill, session)

    def _fill(self, session: Session) -> None:
        pool = self.pool
        asked, said = self._asked(pool)
        with self._lock:
            waiting = self._queues.get(session.session, [])
        taken = np.union1d(asked, np.array(waiting, np.int64)).astype(np.int64)
        known = dict(zip(asked.tolist(), said, strict=True))
        choices = Choices(
            np.asarray(pool.score),
            pool.features,
            asked=taken,
            said=np.array([known.get(t, -1) for t in taken.tolist()], np.int64),
            threshold=pool.threshold,
            records=np.stack([pool.pairs.left, pool.pairs.right], axis=1),
            around=self._around(session, pool),
        )
        strategy = str(session["strategy"] or "both")
        if strategy == "around":
            strategy = "around" if choices.around is not None else "both"
        chosen = choose(choices, 2 * _BATCH, strategy=strategy, seed=len(taken))
        with self._lock:
            if self._pool is None or self._pool[1] is not pool:
                return
            queue = self._queues.setdefault(session.session, [])
            queue += [place for place in chosen.position.tolist() if place not in queue]
            self._why |= {
                (session.session, place): why for place, why in zip(chosen.position.tolist(), chosen.why, strict=True)
            }

    def _around(self, session: Session, pool: Pool) -> int | None:
        """The record that a session is about; None where there is none, or no pair speaks of it."""
        rows = session["rows"] or ()
        known = [row for row in rows[:1] if ((pool.pairs.left == row) | (pool.pairs.right == row)).any()]
        return known[0] if known else None

    def _asked(self, pool: Pool) -> tuple[np.ndarray[Any, np.dtype[np.int64]], list[int]]:
        view, number = self._view(), {"match": 1, "not": 0, "unsure": -1}
        found: dict[int, int] = {}
        for event in self.room.ledger.current("pair", ""):
            rows = sorted(n for row in event.label.rows if (n := view.place(row.id, row.source)) is not None)
            place = pool.place.get((rows[0], rows[1])) if len(rows) == 2 else None
            if place is not None:
                found[place] = number[str(event.label.value)]
        return np.array(list(found), np.int64), list(found.values())


def _named(pool: Pool, place: int) -> str:
    return f"p-{pool.pairs.left[place]}-{pool.pairs.right[place]}"


def _value(view: View, name: str, row: int) -> str | None:
    value = view.data[name][row].as_py()
    return None if value is None else str(value)[:20_000]


def _side_by_side(name: str, kind: str, left: str | None, right: str | None) -> Field2:
    parts: tuple[list[Part], list[Part]] = ([], [])
    if left is not None and right is not None:
        for side, segments in zip(parts, differences(left, right), strict=True):
            side.extend(Part(text=s.text, same=s.shared) for s in segments)
    else:
        for side, value in zip(parts, (left, right), strict=True):
            side.extend([] if value is None else [Part(text=value, same=False)])
    return Field2(name=name, kind=kind, left=left, right=right, left_parts=parts[0], right_parts=parts[1])


def _point(facts: dict[str, Any]) -> dict[str, Any]:
    return {"labels": facts["labels"], **facts["after"]}


def _effect(version: int, at: str, facts: dict[str, Any], before: dict[str, Any] | None) -> dict[str, Any]:
    """By how much better, measured on answers that were held out; against the version before, else the first."""
    start, end = facts.get("before"), facts.get("after")
    found = {"version": version, "at": at, "figure": "f1", "labels": facts["labels"]}
    found |= {"before": start and start["value"], "after": end and end["value"]}
    if not start or not end:
        return {**found, "sentence": f"learned from {facts['labels']:,} answers; too few to measure by how much better"}
    points = 100 * (end["value"] - start["value"])
    sentence = (
        f"F1 on answers that it had not seen: {end['value']:.2f}, without any answer {start['value']:.2f} "
        f"({points:+.1f} points)"
    )
    if before and before.get("after"):
        sentence += f"; the version before had {before['after']['value']:.2f}"
    return {**found, "sentence": sentence}
