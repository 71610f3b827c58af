"""`LabelStore`: everything that people said, as lines that are only ever added, in one SQLite file or in PostgreSQL.

SQLite runs with a write-ahead log that is flushed before a label is acknowledged, so a killed process loses nothing
that was acknowledged. Writers of several threads and processes wait for one another.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from dovetail.errors import InputError
from dovetail.labels.connect import Place, reading, writing
from dovetail.labels.migrations import EVENTS
from dovetail.labels.said import Answer, Event, Label, Said, Suggestion

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_AT_ONCE = 500  # keys in one query
_LONGEST = 200  # characters of a name or key
_PAGE = 5_000


@dataclass(frozen=True)
class Wanted:
    """Which lines: those of one shape, task, person or session, up to one version; None: all."""

    shape: str | None = None
    task: str | None = None
    person: str | None = None
    session: str | None = None
    upto: int | None = None  # version: the number of the last event that counts

    def clauses(self, *, session: bool = True) -> list[sa.ColumnElement[bool]]:
        """The conditions of the query."""
        names = ("shape", "task", "person", *(("session",) if session else ()))
        asked = [EVENTS.c[name] == getattr(self, name) for name in names if getattr(self, name) is not None]
        return asked if self.upto is None else [*asked, EVENTS.c.id <= self.upto]


ALL = Wanted()


class LabelStore:
    """What people said, who and when. Made on first use; a file of a newer version or of another program is refused.

    `place` is a path (SQLite) or a database URL (`sqlite:///…`, `postgresql://…`).
    """

    def __init__(self, place: str | Path) -> None:
        self.place = Place(place)

    def __enter__(self) -> LabelStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file or the server."""
        self.place.close()

    @property
    def version(self) -> int:
        """The number of the last event, 0 where nothing was said: hand it to `Wanted` to see the labels as of now."""
        with reading(self.place) as connection:
            return int(connection.execute(sa.select(sa.func.coalesce(sa.func.max(EVENTS.c.id), 0))).scalar_one())

    def say(self, answers: Iterable[Answer | Label], *, person: str, session: str = "") -> list[Event]:
        """Keep the answers of one person, all or none, and give their events; once it returns, they are on disk.

        An answer whose key is known already is not kept again: its first event is given. A known key with other
        content is an `InputError`.
        """
        given = (a if isinstance(a, Answer) else Answer(a) for a in answers)
        return self.take(Said(answer, person, session) for answer in given)

    def take(self, said: Iterable[Said]) -> list[Event]:
        """The same for answers of several people at once."""
        lines = [_line(one) for one in said]
        if not lines:
            return []
        with writing(self.place) as connection:
            _add(connection, lines)
            kept = _by_key(connection, [line["key"] for line in lines])
            for line in lines:
                _check_same(line, kept[line["key"]])
        return [_event(kept[line["key"]]) for line in lines]

    def take_new(self, said: Iterable[Said]) -> list[Event]:
        """The same, without those that say what the person's label of that subject says already, so that a file can be
        handed over twice. Of several labels of one person about one subject the last is kept."""
        counting = {(e.person, e.label.subject_key(), e.gold): e.label.value for e in self.current()}
        last = {(one.person, one.answer.label.subject_key(), one.answer.gold): one for one in said}
        return self.take(one for place, one in last.items() if counting.get(place) != one.answer.label.value)

    def undo(
        self, *, person: str, session: str | None = None, event: int | None = None, key: str | None = None
    ) -> Event | None:
        """Take back a label of this person: the one named, else the last (of the session). None where none is left.

        What is taken back stays in the history; the label before it, if any, counts again. To take back an undo,
        say the label again.
        """
        _check_names(person=person, session=session or "", key=key or "")
        with writing(self.place) as connection:
            if key is not None and (known := _by_key(connection, [key])):
                return _event(known[key])
            target = _undoable(connection, person, session, event)
            if target is None:
                return None
            again = connection.execute(sa.select(EVENTS).where(EVENTS.c.undoes == target.id)).one_or_none()
            if again is not None:
                return _event(again)
            line = _undo_line(_event(target), person, target.session if session is None else session)
            line |= {"key": key} if key else {}
            _add(connection, [line])
            return _event(_by_key(connection, [line["key"]])[line["key"]])

    def undo_all(self, events: Iterable[Event]) -> int:
        """Take back these labels, whoever gave them, all or none; gives how many were not taken back before."""
        with writing(self.place) as connection:
            some = {e.id: e for e in events}
            for at in range(0, len(ids := list(some)), _AT_ONCE):
                asked = sa.select(EVENTS.c.undoes).where(EVENTS.c.undoes.in_(ids[at : at + _AT_ONCE]))
                for gone in connection.execute(asked).scalars().all():
                    some.pop(gone, None)
            lines = [_undo_line(e, e.person, e.session) for e in some.values()]
            for at in range(0, len(lines), _PAGE):
                _add(connection, lines[at : at + _PAGE])
        return len(lines)

    def replace(self, answers: Iterable[Answer], wanted: Wanted, *, session: str) -> tuple[int, int]:
        """Make these the labels of one person in one shape and task, all or none: what is said no more is taken back.

        Gives how many were kept and how many events were taken back. To undo it, hand over what `current` gave before.
        """
        assert wanted.person
        assert wanted.shape
        given = {a.label.subject_key(): a for a in answers}
        with writing(self.place) as connection:
            live = [_event(row) for row in connection.execute(_live(wanted))]
            last = {e.label.subject_key(): e for e in live}
            gone = [e for e in live if e.label.subject_key() not in given]
            new = [a for key, a in given.items() if key not in last or not _says(last[key], a)]
            lines = [_line(Said(a, wanted.person, session)) for a in new]
            lines += [_undo_line(e, wanted.person, session) for e in gone]
            for at in range(0, len(lines), _PAGE):
                _add(connection, lines[at : at + _PAGE])
        return len(new), len(gone)

    def history(self, wanted: Wanted = ALL, *, after: int = 0) -> Iterator[Event]:
        """Every event in order, corrected and undone ones too; those later than the event `after`."""
        last = after
        while True:
            page = sa.select(EVENTS).where(EVENTS.c.id > last, *wanted.clauses()).order_by(EVENTS.c.id).limit(_PAGE)
            with reading(self.place) as connection:
                found = connection.execute(page).all()
            yield from map(_event, found)
            if len(found) < _PAGE:
                return
            last = found[-1].id

    def latest(self, wanted: Wanted = ALL, offset: int = 0, limit: int = 100) -> tuple[list[Event], int]:
        """A page of the history, the latest event first, and how many there are in all."""
        page = sa.select(EVENTS).where(*wanted.clauses()).order_by(EVENTS.c.id.desc()).limit(limit).offset(offset)
        number = sa.select(sa.func.count()).select_from(EVENTS).where(*wanted.clauses())
        with reading(self.place) as connection:
            found = [_event(row) for row in connection.execute(page)]
            return found, int(connection.execute(number).scalar_one())

    def current(self, wanted: Wanted = ALL) -> list[Event]:
        """What counts now: the last label of each person about each subject that was not taken back, in order."""
        with reading(self.place) as connection:
            return [_event(row) for row in connection.execute(_current(wanted))]

    def count(self, wanted: Wanted = ALL) -> dict[str, int]:
        """How many labels count now, by shape."""
        chosen = _current(wanted).subquery()
        query = sa.select(chosen.c.shape, sa.func.count()).group_by(chosen.c.shape)
        with reading(self.place) as connection:
            return {shape: int(number) for shape, number in connection.execute(query)}


def _current(wanted: Wanted) -> sa.Select[Any]:
    undo = EVENTS.alias("undo")
    undone = sa.select(undo.c.id).where(undo.c.undoes == EVENTS.c.id)
    if wanted.upto is not None:
        undone = undone.where(undo.c.id <= wanted.upto)
    same = (EVENTS.c.person, EVENTS.c.subject, EVENTS.c.gold)
    rank = sa.func.row_number().over(partition_by=same, order_by=EVENTS.c.id.desc()).label("rank")
    live = (
        sa.select(EVENTS, rank)
        .where(EVENTS.c.undoes.is_(None), ~undone.exists(), *wanted.clauses(session=False))
        .subquery()
    )
    chosen = sa.select(live).where(live.c.rank == 1).order_by(live.c.id)
    return chosen if wanted.session is None else chosen.where(live.c.session == wanted.session)


def _live(wanted: Wanted) -> sa.Select[Any]:
    """Every event that was not taken back, those that a later one corrects too, in order."""
    undo = EVENTS.alias("undo")
    undone = sa.select(undo.c.id).where(undo.c.undoes == EVENTS.c.id)
    return sa.select(EVENTS).where(EVENTS.c.undoes.is_(None), ~undone.exists(), *wanted.clauses()).order_by(EVENTS.c.id)


def _undo_line(event: Event, person: str, session: str) -> dict[str, Any]:
    return {
        "key": uuid.uuid4().hex,
        "at": _now(),
        "person": person,
        "session": session,
        "task": event.label.task,
        "shape": event.label.shape,
        "subject": event.label.subject_key(),
        "label": event.label.text(),
        "suggestion": None,
        "gold": event.gold,
        "undoes": event.id,
    }


def _says(event: Event, answer: Answer) -> bool:
    return (event.label.value, event.suggestion) == (answer.label.value, answer.suggestion)


def _undoable(connection: sa.Connection, person: str, session: str | None, event: int | None) -> sa.Row[Any] | None:
    if event is not None:
        target = connection.execute(sa.select(EVENTS).where(EVENTS.c.id == event)).one_or_none()
        if target is None or target.undoes is not None:
            raise InputError(f"event {event} is no label that could be taken back; see the history for those that are")
        if target.person != person:
            raise InputError(f"label {event} is of {target.person}; {person} can contradict it, not take it back")
        return target
    undo = EVENTS.alias("undo")
    open_ = ~sa.select(undo.c.id).where(undo.c.undoes == EVENTS.c.id).exists()
    last = sa.select(EVENTS).where(EVENTS.c.person == person, EVENTS.c.undoes.is_(None), open_)
    if session is not None:
        last = last.where(EVENTS.c.session == session)
    return connection.execute(last.order_by(EVENTS.c.id.desc()).limit(1)).one_or_none()


def _add(connection: sa.Connection, lines: Sequence[dict[str, Any]]) -> None:
    """Add lines; one whose key is there already is passed over."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(make(EVENTS).on_conflict_do_nothing(index_elements=["key"]), list(lines))


def _by_key(connection: sa.Connection, keys: Sequence[str]) -> dict[str, sa.Row[Any]]:
    found: dict[str, sa.Row[Any]] = {}
    for start in range(0, len(keys), _AT_ONCE):
        asked = sa.select(EVENTS).where(EVENTS.c.key.in_(keys[start : start + _AT_ONCE]))
        found |= {row.key: row for row in connection.execute(asked)}
    return found


def _line(said: Said) -> dict[str, Any]:
    answer = said.answer
    _check_names(person=said.person, session=said.session, key=answer.key or "", task=answer.label.task)
    thought = None if answer.suggestion is None else json.dumps(asdict(answer.suggestion))
    return {
        "key": answer.key or uuid.uuid4().hex,
        "at": _now() if answer.at is None else _moment(answer.at),
        "person": said.person,
        "session": said.session,
        "task": answer.label.task,
        "shape": answer.label.shape,
        "subject": answer.label.subject_key(),
        "label": answer.label.text(),
        "suggestion": thought,
        "gold": answer.gold,
        "undoes": None,
    }


def _event(row: sa.Row[Any]) -> Event:
    thought = None
    if row.suggestion is not None:
        found = json.loads(row.suggestion)
        value = tuple(found["value"]) if isinstance(found["value"], list) else found["value"]
        thought = Suggestion(value, found["score"], found["model"])
    label = Label.from_text(row.shape, row.label)
    return Event(row.id, row.at, row.person, row.session, label, thought, row.key, bool(row.gold), row.undoes)


def _check_same(line: dict[str, Any], kept: sa.Row[Any]) -> None:
    if any(getattr(kept, name) != line[name] for name in ("label", "shape", "person", "gold")):
        raise InputError(
            f"the key {line['key']!r} was used for another label (event {kept.id}); every answer needs a key of its own"
        )


def _check_names(**names: str) -> None:
    for what, name in names.items():
        if what == "person" and not name.strip():
            raise InputError("a label needs the name of the person who gave it")
        if len(name) > _LONGEST or "\0" in name or not _encodable(name):
            raise InputError(f"the {what} {name[:40]!r} cannot be kept; give at most {_LONGEST} ordinary characters")


def _encodable(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")


def _moment(at: str) -> str:
    try:
        found = dt.datetime.fromisoformat(at)
    except ValueError:
        raise InputError(f"the time {at!r} is not understood; write it like 2026-11-21T09:30:00+00:00") from None
    found = found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)
    return found.astimezone(dt.UTC).isoformat(timespec="microseconds")
