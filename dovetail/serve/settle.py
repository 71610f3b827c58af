"""What people label differently, and settling it: a right answer that counts whatever else was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dovetail.errors import UnknownName
from dovetail.labels.agree import Conflict, conflicts
from dovetail.labels.said import Answer, Event, Row, make
from dovetail.serve.tables import RECORDS

if TYPE_CHECKING:
    from dovetail.serve.ledger import Ledger
    from dovetail.serve.room import Room
    from dovetail.serve.wire_data import Rec
    from dovetail.serve.wire_said import LabelGiven

SESSION = "settled"
_RECORDS = 6  # that are shown of one conflict


def open_conflicts(ledger: Ledger) -> list[Conflict]:
    """What nobody settled yet, the most evenly split first."""
    return [c for c in conflicts([*ledger.current(), *ledger.golden()]) if c.gold is None]


def choices(conflict: Conflict) -> list[Any]:
    """The answers among which to settle, each once."""
    said = list(dict.fromkeys(conflict.said.values()))
    return ["match", "not"] if conflict.label.shape == "pair" else [_plain(v) for v in said]


def records(room: Room, conflict: Conflict) -> list[Rec]:
    """The rows that a conflict is about; of a group the first, and those on which people differ."""
    label, views = conflict.label, room.tables.all()
    view = views.get(RECORDS if label.shape == "pair" else label.task)
    if view is None:
        return []
    rows = label.rows
    if label.shape == "group":
        sides = [v for v in conflict.said.values() if isinstance(v, tuple)]
        rows = tuple(r for n, r in enumerate(rows) if n == 0 or len({v[n] for v in sides}) > 1)
    places = [view.place(row.id, row.source) for row in rows[:_RECORDS]]
    return [view.rec(n) for n in places if n is not None]


def settle(room: Room, given: LabelGiven, person: str) -> Event:
    """Keep the right answer; it decides for training, and people are measured against it."""
    label = make(
        given.shape, [Row(r.id, r.source) for r in given.rows], given.value, query=given.query, task=given.task
    )
    event = room.ledger.store.say([Answer(label, key=given.key, gold=True)], person=person, session=SESSION)[0]
    room.ledger.refresh()
    return event


def unsettle(room: Room, event: int, person: str, key: str) -> Event:
    """Take back what one settled."""
    if event not in {e.id for e in room.ledger.golden()}:
        raise UnknownName("settled label", str(event), (), "this workspace")
    taken = room.ledger.store.undo(person=person, event=event, key=key, session=SESSION)
    assert taken is not None
    room.ledger.refresh()
    return taken


def _plain(value: object) -> Any:
    return list(value) if isinstance(value, tuple) else value
