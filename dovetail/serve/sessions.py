"""Labelling sessions: made, asked, answered, taken back. What is asked and how is the desk's matter."""

from __future__ import annotations

import json
import math
import secrets
import threading
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dovetail.errors import InputError, UnknownName
from dovetail.labels.agree import agreement
from dovetail.labels.said import Answer
from dovetail.serve.desk import DESKS, Desk, Session
from dovetail.serve.ledger import counts_by_value
from dovetail.serve.room import Room
from dovetail.serve.state import now
from dovetail.serve.tables import RECORDS
from dovetail.serve.wire_label import (
    AgreementNow,
    AnswerGiven,
    CurvePoint,
    Effect,
    Gain,
    NewSession,
    NextAsked,
    NextItems,
    SessionChange,
    SessionInfo,
    SessionProgress,
    Taken,
    Training,
    Undone,
)

if TYPE_CHECKING:
    import sqlite3

    from dovetail.labels.said import Event
    from dovetail.serve.ledger import Ledger
    from dovetail.serve.pool import Pool
    from dovetail.serve.state import State
    from dovetail.serve.wire import Job

_AGREEMENT_EVERY = 10.0  # seconds between two measurements of agreement
_KEPT = ("name", "strategy", "blind", "classes", "several", "rows", "query", "text")


class Sessions:
    """All sessions of a workspace."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self._desks: dict[str, Desk] = {}
        self._lock = threading.RLock()
        self._kept: dict[str, Session] = {}
        self._agreed: dict[tuple[str, str], tuple[int, float, AgreementNow | None]] = {}

    @property
    def state(self) -> State:
        """Where sessions are kept."""
        return self.room.state

    @property
    def ledger(self) -> Ledger:
        """The labels."""
        return self.room.ledger

    def desk(self, kind: str) -> Desk:
        """What asks about one kind of thing."""
        with self._lock:
            if kind not in self._desks:
                if kind not in DESKS:
                    raise UnknownName("kind of session", kind, DESKS)
                module, name = DESKS[kind].split(":")
                self._desks[kind] = getattr(import_module(module), name)(self.room)
            return self._desks[kind]

    def pool(self) -> Pool:
        """The candidate pairs as they stand."""
        desk = self.desk("pair")
        found: Pool = desk.pool  # type: ignore[attr-defined]
        return found

    def make(self, asked: NewSession, person: str) -> SessionInfo:
        """Begin a session."""
        table = RECORDS if asked.kind == "pair" else self._table(asked)
        settings = {name: getattr(asked, name) for name in _KEPT}
        settings["name"] = asked.name or _called(asked.kind, table)
        made = Session(f"s_{secrets.token_hex(6)}", asked.kind, table, person, now(), True, settings)
        self.desk(asked.kind).check(made)
        values = (made.session, made.kind, made.table, json.dumps(settings), person, made.made_at)
        self.state.write(
            'INSERT INTO sessions (session, kind, "table", settings, made_by, made_at) VALUES (?, ?, ?, ?, ?, ?)',
            values,
        )
        return self.info(made)

    def get(self, session: str) -> Session:
        """A session by its name."""
        found = self._kept.get(session)
        if found is None:
            row = self.state.row("SELECT * FROM sessions WHERE session = ?", (session,))
            if row is None:
                raise UnknownName("session", session, ())
            found = self._kept[session] = _session(row)
        return found

    def change(self, session: str, asked: SessionChange) -> SessionInfo:
        """Another name, blind or not, open or closed."""
        one = self.get(session)
        settings = dict(one.settings)
        settings |= {n: getattr(asked, n) for n in ("name", "blind") if getattr(asked, n) is not None}
        open_ = one.open if asked.open is None else asked.open
        change = "UPDATE sessions SET settings = ?, open = ? WHERE session = ?"
        self.state.write(change, (json.dumps(settings), open_, session))
        self._kept.pop(session, None)
        return self.info(self.get(session))

    def listed(self, limit: int = 200) -> list[SessionInfo]:
        """Sessions, the latest first."""
        rows = self.state.rows("SELECT * FROM sessions ORDER BY made_at DESC, session LIMIT ?", (limit,))
        return [self.info(_session(row)) for row in rows]

    def info(self, one: Session) -> SessionInfo:
        """A session as it is sent."""
        return SessionInfo(
            session=one.session,
            kind=one.kind,  # type: ignore[arg-type]
            table=one.table,
            name=str(one["name"]),
            strategy=str(one["strategy"]),
            blind=bool(one["blind"]),
            classes=list(one["classes"] or ()),
            several=bool(one["several"]),
            made_by=one.made_by,
            made_at=one.made_at,
            answers=len(self._answers(one)),
            open=one.open,
        )

    def following(self, session: str, person: str, asked: NextAsked) -> NextItems:
        """What to show a person next."""
        one = self.get(session)
        self.ledger.refresh()
        if not one.open:
            return NextItems(items=[], left=0, progress=self.progress(one), notice="this session is closed")
        desk = self.desk(one.kind)
        found = desk.following(one, person, asked)
        items = [desk.item(one, name, person) for name in found.items]
        return NextItems(items=items, left=found.left, progress=self.progress(one, found.left), notice=found.notice)

    def answer(self, session: str, person: str, given: AnswerGiven) -> Taken:
        """Keep an answer; once this returns, it is on disk. The same key is kept once."""
        one = self.get(session)
        if not one.open:
            raise InputError("this session is closed; open it again to go on")
        desk = self.desk(one.kind)
        said = desk.labels(one, given.item, given.value)
        answers = [
            Answer(label, thought, given.key if n == 0 else f"{given.key}~{n}")
            for n, (label, thought) in enumerate(said)
        ]
        self.ledger.refresh()
        before = self.ledger.last
        events = self.ledger.store.say(answers, person=person, session=session)
        self.ledger.refresh()
        again = events[-1].id <= before
        if not again:
            desk.answered(one, person)
        counted = any(e.id == events[-1].id for e in self.ledger.about(events[-1].label.subject_key()).values())
        return Taken(
            event=events[-1].id,
            key=given.key,
            item=given.item,
            counted=counted,
            again=again,
            progress=self.progress(one),
        )

    def undo(self, session: str, person: str, key: str) -> Undone:
        """Take back one's last answer in this session."""
        one = self.get(session)
        self.ledger.refresh()
        known = self._undone(session, person, key)
        events = known or self._take_back(session, person, key)
        self.ledger.refresh()
        item = None
        if events:
            desk = self.desk(one.kind)
            name = desk.item_of(one, events[0].label)
            item = None if name is None else desk.item(one, name, person)
        return Undone(event=events[-1].id if events else None, item=item, progress=self.progress(one))

    def retrain(self, session: str, person: str) -> Job:
        """Train now."""
        return self.desk(self.get(session).kind).retrain(self.get(session), person)

    def progress(self, one: Session, left: int | None = None, *, fresh: bool = False) -> SessionProgress:
        """How a session stands; agreement may be some seconds old, unless it is asked for `fresh`."""
        desk = self.desk(one.kind)
        events = self._answers(one)
        people: dict[str, int] = {}
        for event in events:
            people[event.person] = people.get(event.person, 0) + 1
        facts = desk.facts(one)
        return SessionProgress(
            session=one.session,
            answers=len(events),
            by_value=counts_by_value(events),
            by_person=people,
            left=facts.get("left", left),
            until_retrain=int(facts.get("until_retrain", 0)),
            version=int(facts.get("version", 0)),
            agreement=self._agreement(one, fresh=fresh),
            gain=_gain(facts.get("gain")),
            training=self._training(str(facts.get("work", "train"))),
            effect=None if facts.get("effect") is None else Effect(**facts["effect"]),
            curve=[CurvePoint(**point) for point in facts.get("curve", ())],
            purity=facts.get("purity"),
        )

    def _answers(self, one: Session) -> list[Event]:
        """What counts of its answers; a group's name, said of each of its rows, is no answer by itself."""
        return [e for e in self.ledger.of_session(one.session) if e.label.shape == one.kind]

    def _table(self, asked: NewSession) -> str:
        known = self.room.tables.all()
        if asked.table is not None:
            return self.room.tables.get(asked.table).name
        if not known:
            raise InputError("this workspace has no table yet; add one: dovetail label WORKSPACE --add FILE")
        return next(iter(known))

    def _undone(self, session: str, person: str, key: str) -> list[Event]:
        """What this very undo took back before, where it is sent again."""
        place = self.state.row("SELECT value FROM noted WHERE name = ?", (f"undo {session} {person} {key}",))
        if place is None:
            return []
        after = int(place["value"])
        found = [e for e in self.ledger.store.history(after=after - 1) if e.key.partition("~")[0] == f"undo-{key}"]
        return [e for e in found if e.person == person and e.undoes is not None]

    def _take_back(self, session: str, person: str, key: str) -> list[Event]:
        found: list[Event] = []
        for n, target in enumerate(self.ledger.last_of(person, session)):
            name = f"undo-{key}" if n == 0 else f"undo-{key}~{n}"
            event = self.ledger.store.undo(person=person, event=target.id, key=name, session=session)
            if event is not None:
                found.append(event)
        if found:
            self.state.note(f"undo {session} {person} {key}", str(found[0].id))
        return found

    def _training(self, work: str) -> Training | None:
        job = self.room.jobs.active(work)
        if job is None:
            return None
        return Training(job=job.job, state=job.state, share=job.share, step=job.step, seconds_left=job.seconds_left)

    def _agreement(self, one: Session, *, fresh: bool) -> AgreementNow | None:
        """Agreement about what this session asks, measured now and then; None with one person."""
        shape, task = one.kind, one.task
        version, at, found = self._agreed.get((shape, task), (-1, 0.0, None))
        early = time.monotonic() - at < _AGREEMENT_EVERY and not fresh
        if self.ledger.people() < 2 or version == self.ledger.last or early:
            return found
        measured = agreement(self.ledger.current(shape, task))
        found = None
        if measured and measured[0].subjects:
            alpha = measured[0].alpha
            value = _finite(alpha.value)
            said = "too few to say" if value is None else f"alpha {value:.2f}"
            sentence = f"{said} over {measured[0].subjects:,} that two or more answered"
            found = AgreementNow(
                alpha=value,
                low=_finite(alpha.low),
                high=_finite(alpha.high),
                subjects=measured[0].subjects,
                sentence=sentence,
            )
        self._agreed[shape, task] = (self.ledger.last, time.monotonic(), found)
        return found


def _called(kind: str, table: str) -> str:
    what = {"pair": "pairs", "group": "alike in", "class": "classes of", "judgement": "answers from"}[kind]
    day = now()[:10]
    return f"{what} {day}" if kind == "pair" else f"{what} {table}, {day}"


def _session(row: sqlite3.Row) -> Session:
    settings = json.loads(row["settings"])
    return Session(
        row["session"], row["kind"], row["table"], row["made_by"], row["made_at"], bool(row["open"]), settings
    )


def _gain(found: dict[str, Any] | None) -> Gain | None:
    if not found:
        return None
    gain = found["gain"]
    return Gain(
        value=_finite(gain["value"]),
        low=_finite(gain["low"]),
        high=_finite(gain["high"]),
        ahead=found["ahead"],
        for_a_point=found["for_a_point"],
        stop=found["stop"],
        advice=found["advice"],
    )


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
