"""The labels in memory, kept up to date from the store: what counts now, by subject, by session and by person."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

from dovetail.labels.said import Event
from dovetail.labels.store import LabelStore

if TYPE_CHECKING:
    from collections.abc import Iterable

Place = tuple[str, str]  # person, subject


class Ledger:
    """What people said. Other processes may add labels to the same store; `refresh` reads those, too."""

    def __init__(self, store: LabelStore) -> None:
        self.store = store
        self.last = 0
        self._lock = threading.RLock()
        self._stacks: dict[Place, list[Event]] = {}
        self._by_id: dict[int, Place] = {}
        self._of_row: dict[str, dict[Place, None]] = {}
        self.subjects: dict[str, dict[str, Event]] = {}
        self.by_session: dict[str, dict[Place, Event]] = {}
        self.counts: Counter[tuple[str, str]] = Counter()  # shape, task
        self.given: Counter[str] = Counter()  # labels by person
        self._golden: dict[int, Event] = {}  # right answers by event
        self._ruled: dict[str, dict[int, Event]] = {}  # what heuristics say, by subject
        self._ruled_at: dict[int, str] = {}

    def refresh(self) -> None:
        """Read what is new."""
        with self._lock:
            for event in self.store.history(after=self.last):
                self._take(event)
                self.last = event.id

    def current(self, shape: str | None = None, task: str | None = None) -> list[Event]:
        """What counts now, in the order in which it was said."""
        with self._lock:
            found = [e for by in self.subjects.values() for e in by.values()]
        some = (e for e in found if shape in (None, e.label.shape) and task in (None, e.label.task))
        return sorted(some, key=lambda e: e.id)

    def of_session(self, session: str) -> list[Event]:
        """What counts now and was said in a session."""
        with self._lock:
            return sorted(self.by_session.get(session, {}).values(), key=lambda e: e.id)

    def of_row(self, row_id: str, source: str | None) -> list[Event]:
        """What counts of what was said of a row, whatever its shape."""
        with self._lock:
            places = list(self._of_row.get(row_id, ()))
            found = [self.subjects.get(subject, {}).get(person) for person, subject in places]
        some = [e for e in found if e is not None]
        return sorted((e for e in some if _names(e, row_id, source)), key=lambda e: e.id)

    def number(self, session: str) -> int:
        """How many labels of a session count."""
        return len(self.by_session.get(session, ()))

    def about(self, subject: str) -> dict[str, Event]:
        """What each person says of a subject."""
        with self._lock:
            return dict(self.subjects.get(subject, {}))

    def last_of(self, person: str, session: str) -> list[Event]:
        """The events of the last answer of a person in a session; an answer may have said several things at once."""
        mine = [e for e in self.of_session(session) if e.person == person]
        if not mine:
            return []
        answer = mine[-1].key.partition("~")[0]
        return [e for e in mine if e.key.partition("~")[0] == answer]

    def people(self) -> int:
        """How many people gave labels that count."""
        return sum(n > 0 for n in self.given.values())

    def golden(self) -> list[Event]:
        """The right answers: gold questions, and conflicts that somebody settled."""
        with self._lock:
            return list(self._golden.values())

    def ruled(self, subject: str) -> Event | None:
        """What heuristics say of a subject; nobody here counts it as an answer of a person."""
        with self._lock:
            return next(reversed(self._ruled.get(subject, {}).values()), None)

    def all_ruled(self, shape: str, task: str) -> list[Event]:
        """The same of every subject of one shape and task."""
        with self._lock:
            found = [next(reversed(by.values())) for by in self._ruled.values() if by]
        return [e for e in found if (e.label.shape, e.label.task) == (shape, task)]

    def _take(self, event: Event) -> None:
        if not event.by_person:
            self._take_ruled(event)
            return
        if event.undoes is not None:
            self._golden.pop(event.undoes, None)
            place = self._by_id.get(event.undoes)
            if place is not None:
                before = self._top(place)
                self._stacks[place] = [e for e in self._stacks[place] if e.id != event.undoes]
                self._settle(place, before)
            return
        if event.gold:
            self._golden[event.id] = event
            return
        place = (event.person, event.label.subject_key())
        before = self._top(place)
        self._stacks.setdefault(place, []).append(event)
        self._by_id[event.id] = place
        for row in event.label.rows:
            self._of_row.setdefault(row.id, {})[place] = None
        self._settle(place, before)

    def _take_ruled(self, event: Event) -> None:
        if event.undoes is not None:
            self._ruled.get(self._ruled_at.pop(event.undoes, ""), {}).pop(event.undoes, None)
            return
        subject = event.label.subject_key()
        self._ruled.setdefault(subject, {})[event.id] = event
        self._ruled_at[event.id] = subject

    def _top(self, place: Place) -> Event | None:
        stack = self._stacks.get(place)
        return stack[-1] if stack else None

    def _settle(self, place: Place, before: Event | None) -> None:
        person, subject = place
        after = self._top(place)
        if before is not None:
            self.by_session.get(before.session, {}).pop(place, None)
            self._count(before, -1)
        if after is None:
            self.subjects.get(subject, {}).pop(person, None)
            return
        self.subjects.setdefault(subject, {})[person] = after
        self.by_session.setdefault(after.session, {})[place] = after
        self._count(after, 1)

    def _count(self, event: Event, number: int) -> None:
        self.counts[event.label.shape, event.label.task] += number
        self.given[event.person] += number


def _names(event: Event, row_id: str, source: str | None) -> bool:
    return any(row.id == row_id and (source is None or row.source in (None, source)) for row in event.label.rows)


def counts_by_value(events: Iterable[Event]) -> dict[str, int]:
    """How often each value was said; several classes count each, groups by how many belong together."""
    found: Counter[str] = Counter()
    for event in events:
        value = event.label.value
        if event.label.shape == "group":
            found["together" if isinstance(value, tuple) and any(value) else "none"] += 1
        elif isinstance(value, tuple):
            found.update(value or ("(none)",))
        else:
            found[f"{value:g}" if isinstance(value, float) else str(value)] += 1
    return dict(found.most_common())
