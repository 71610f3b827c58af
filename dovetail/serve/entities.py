"""The entities of the last integration with what people changed since: splits, merges and their undoing, as events.

Nothing is overwritten: what counts is the entities of the run with every change played over them that was not undone.
A change is said as pair labels, too, so that the next training and the next run learn from it.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.errors import InputError, UnknownName, WorkspaceError
from dovetail.labels.said import Answer, Row, pair
from dovetail.serve.state import now
from dovetail.serve.tables import RECORDS
from dovetail.serve.wire_data import Change, ClusterEvent
from dovetail.types import Clusters

if TYPE_CHECKING:
    import sqlite3

    from dovetail.serve.room import Room

_PAIRS = 50  # pair labels that one change says at most


@dataclass
class Entities:
    """Which records are one, after all changes."""

    members: dict[str, list[int]]  # name: record numbers, ascending
    of: list[str]  # (n,) the entity of each record
    base: dict[str, int]  # name: number in the run, for those of the run
    changed: set[str] = field(default_factory=set)

    @classmethod
    def of_run(cls, clusters: Clusters) -> Entities:
        """As the run found them."""
        names = [str(name) for name in clusters.names.to_pylist()]
        members: dict[str, list[int]] = {name: [] for name in names}
        of = [names[c] for c in clusters.cluster.tolist()]
        for row, name in enumerate(of):
            members[name].append(row)
        return cls(members, of, {name: n for n, name in enumerate(names)})

    def move(self, rows: Iterable[int], name: str) -> None:
        """Put some records into one entity; entities that are left empty go."""
        for row in rows:
            old = self.of[row]
            if old == name:
                continue
            self.members[old].remove(row)
            self.changed.add(old)
            if not self.members[old]:
                del self.members[old]
            self.members.setdefault(name, []).append(row)
            self.of[row] = name
        self.members[name].sort()
        self.changed.add(name)


class Editor:
    """Changes entities, and plays the changes over those of the run."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self._lock = threading.RLock()
        self._kept: tuple[tuple[str, int], Entities] | None = None

    @property
    def entities(self) -> Entities:
        """As they are now."""
        clusters, _ = self.room.decided()
        if clusters is None:
            raise WorkspaceError(
                f"{self.room.name} holds no entities yet; type: dovetail integrate … --out {self.room.name}"
            )
        with self._lock:
            key = (self.room.tables.version, self._last())
            if self._kept is None or self._kept[0] != key:
                made = Entities.of_run(clusters)
                for event in self._counting():
                    _play(made, event["kind"], json.loads(event["detail"]))
                self._kept = key, made
            return self._kept[1]

    def split(self, key: str, cluster: str, rows: Sequence[int], person: str) -> Change:
        """Some records leave an entity, into one new entity."""
        with self._lock:
            known = self._known(key, "split")
            if known is not None:
                return known
            now_ = self.entities
            members = now_.members.get(cluster)
            if members is None:
                raise UnknownName("entity", cluster, ())
            leaving = sorted(set(rows))
            if not set(leaving) <= set(members):
                raise InputError(f"some of these records are not in {cluster}; load it again")
            if len(leaving) == len(members):
                raise InputError(f"all records of {cluster} would leave; choose some of them")
            name = _new_name(now_, leaving)
            staying = [row for row in members if row not in set(leaving)]
            detail = {"from": cluster, "to": name, "records": leaving, "ids": self._ids(leaving)}
            event = self._keep(key, person, "split", detail)
            self._say(key, person, [(a, b, "not") for a in leaving for b in staying])
            return self._change(event, "split", detail)

    def merge(self, key: str, clusters: Sequence[str], person: str) -> Change:
        """Several entities are one; the first gives its name."""
        with self._lock:
            known = self._known(key, "merge")
            if known is not None:
                return known
            now_, names = self.entities, list(dict.fromkeys(clusters))
            for name in names:
                if name not in now_.members:
                    raise UnknownName("entity", name, ())
            if len(names) < 2:
                raise InputError("merging needs two different entities")
            target, rows = names[0], [row for name in names[1:] for row in now_.members[name]]
            detail = {"to": target, "from": names[1:], "records": rows, "ids": self._ids(rows)}
            joined = [(now_.members[target][0], now_.members[name][0], "match") for name in names[1:]]
            event = self._keep(key, person, "merge", detail)
            self._say(key, person, joined)
            return self._change(event, "merge", detail)

    def undo(self, key: str, event: int | None, person: str) -> Change:
        """Take back a change; the last one that was not taken back where none is named."""
        with self._lock:
            known = self._known(key, "undo")
            if known is not None:
                return known
            counting = self._counting()
            if not counting:
                raise InputError("there is no change to take back")
            found = next((e for e in counting if e["event"] == event), None) if event is not None else counting[-1]
            if found is None:
                raise UnknownName("change", str(event), (), "those that count")
            number = self._keep(key, person, "undo", {"undoes": found["event"]}, undoes=int(found["event"]))
            self._unsay(found, person)
            return self._change(number, "undo", json.loads(found["detail"]))

    def events(self, cluster: str | None = None, limit: int = 200) -> list[ClusterEvent]:
        """Changes, the latest first; of one entity where it is named."""
        rows = self.room.state.rows("SELECT * FROM edits ORDER BY event DESC LIMIT 5000")
        undone = {r["undoes"] for r in rows}
        made = [_event(r, undone=r["event"] in undone) for r in rows]
        return [e for e in made if cluster is None or cluster in e.clusters][:limit]

    def _known(self, key: str, kind: str) -> Change | None:
        row = self.room.state.row("SELECT * FROM edits WHERE key = ?", (key,))
        if row is None:
            return None
        if row["kind"] != kind:
            raise InputError(f"the key {key!r} was used for another change; every change needs a key of its own")
        return self._change(int(row["event"]), kind, json.loads(row["detail"]))

    def _keep(self, key: str, person: str, kind: str, detail: dict[str, Any], undoes: int | None = None) -> int:
        with self.room.state.writing() as file:
            file.execute(
                "INSERT INTO edits (key, at, person, kind, detail, undoes) VALUES (?, ?, ?, ?, ?, ?)",
                (key, now(), person, kind, json.dumps(detail), undoes),
            )
            number = int(file.execute("SELECT last_insert_rowid()").fetchone()[0])
        self.room.people.audit(person, f"{kind} entities", str(detail.get("to", detail.get("undoes", ""))))
        return number

    def _say(self, key: str, person: str, pairs: Sequence[tuple[int, int, str]]) -> None:
        view = self.room.tables.get(RECORDS)
        rows = {n: Row(str(view.ids[n].as_py()), view.source(n)) for pair_ in pairs[:_PAIRS] for n in pair_[:2]}
        said = [Answer(pair(rows[a], rows[b], v), key=f"edit-{key}~{n}") for n, (a, b, v) in enumerate(pairs[:_PAIRS])]
        self.room.ledger.store.say(said, person=person, session="entities")

    def _unsay(self, found: sqlite3.Row, person: str) -> None:
        """The labels of a change are taken back by whoever gave them, where they still count."""
        start = f"edit-{found['key']}~"
        self.room.ledger.refresh()
        for event in self.room.ledger.of_session("entities"):
            if event.key.startswith(start) and event.person == person:
                self.room.ledger.store.undo(person=person, event=event.id)

    def _change(self, event: int, kind: str, detail: dict[str, Any]) -> Change:
        many = len(detail.get("records", ()))
        records = f"{many:,} record{'s' if many != 1 else ''}"
        before = detail.get("from", [])
        touched = list(dict.fromkeys([detail.get("to", ""), *([before] if isinstance(before, str) else before)]))
        there = self.entities.members
        sentence = {
            "split": f"{records} left {before}",
            "merge": f"{records} joined {detail.get('to')}",
            "undo": f"taken back: {records} are where they were",
        }[kind]
        return Change(
            event=event,
            kind=kind,  # type: ignore[arg-type]
            clusters=[name for name in touched if name in there],
            removed=[name for name in touched if name and name not in there],
            sentence=sentence,
        )

    def _last(self) -> int:
        row = self.room.state.row("SELECT coalesce(max(event), 0) FROM edits")
        return int(row[0]) if row else 0

    def _counting(self) -> list[sqlite3.Row]:
        query = (
            "SELECT * FROM edits WHERE kind != 'undo' AND event NOT IN "
            "(SELECT undoes FROM edits WHERE undoes IS NOT NULL) ORDER BY event"
        )
        return self.room.state.rows(query)

    def _ids(self, rows: Sequence[int]) -> list[list[str | None]]:
        view = self.room.tables.get(RECORDS)
        return [[str(view.ids[n].as_py()), view.source(n)] for n in rows]


def _play(entities: Entities, kind: str, detail: dict[str, Any]) -> None:
    """One change over the entities; what a newer run has settled in the same way changes nothing."""
    rows = [row for row in detail["records"] if row < len(entities.of)]
    if not rows:
        return
    name = str(detail["to"])
    if kind == "split":
        rows = [row for row in rows if entities.of[row] == detail["from"]]
        if not rows or len(rows) == len(entities.members[detail["from"]]):
            return
    elif name not in entities.members:
        return
    entities.move(rows, name)


def _new_name(entities: Entities, rows: Sequence[int]) -> str:
    text = ",".join(map(str, rows))
    for salt in range(1_000):
        name = hashlib.blake2b(f"{salt}/{text}".encode(), digest_size=6).hexdigest()
        if name not in entities.members:
            return name
    raise InputError("no free name for a new entity was found")


def _event(row: sqlite3.Row, *, undone: bool) -> ClusterEvent:
    detail = json.loads(row["detail"])
    before = detail.get("from", [])
    names = [detail.get("to"), *([before] if isinstance(before, str) else before)]
    return ClusterEvent(
        event=row["event"],
        at=row["at"],
        person=row["person"],
        kind=row["kind"],
        clusters=[name for name in names if name],
        records=detail.get("records", []),
        undone=undone,
    )


def sizes_of(entities: Entities) -> np.ndarray[Any, np.dtype[np.int64]]:
    """How many records each entity has, (c,) in the order of `members`."""
    return np.array([len(rows) for rows in entities.members.values()], np.int64)
