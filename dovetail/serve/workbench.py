"""`Workbench`: one workspace with all that is served of it."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dovetail.errors import InputError, WorkspaceError
from dovetail.labels.said import Row, classes
from dovetail.labels.spelling import Alike, alike
from dovetail.labels.strays import Strays, strays
from dovetail.serve.clusters import ClusterPages
from dovetail.serve.entities import Editor
from dovetail.serve.maps import Maps
from dovetail.serve.models import Models
from dovetail.serve.room import Room
from dovetail.serve.rules import Rules, rules_in
from dovetail.serve.sessions import Sessions
from dovetail.serve.settle import open_conflicts
from dovetail.serve.tables import RECORDS
from dovetail.types import Clusters, Decisions, Table
from dovetail.workspace import open_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dovetail.labels.rules import Rule
    from dovetail.labels.said import Label
    from dovetail.serve.tables import View
    from dovetail.serve.wire_data import RowsAsked, RowsPage

LARGE = 2_000  # rows from which a table is indexed in the background at once


@dataclass(frozen=True)
class Oddities:
    """What is odd about labels, in words, and the names that differ only in spelling."""

    notes: list[str]
    alike: list[Alike]


class Workbench:
    """A workspace, served. It works off jobs until it is closed."""

    def __init__(self, folder: str | Path, *, work: bool = True) -> None:
        self.folder = Path(folder).resolve()
        if not self.folder.is_dir():
            raise WorkspaceError(f"there is no folder {folder}; make a workspace: dovetail integrate … --out {folder}")
        open_workspace(self.folder)
        self.name = self.folder.name
        self.room = Room(self.folder)
        self.state, self.people, self.ledger = self.room.state, self.room.people, self.room.ledger
        self.tables, self.indexes, self.jobs = self.room.tables, self.room.indexes, self.room.jobs
        self.sessions = Sessions(self.room)
        self.editor = Editor(self.room)
        self.clusters = ClusterPages(self.room, self.editor)
        self.maps = Maps(self.room, self.editor)
        self.models = Models(self.room)
        self.rules = Rules(self.folder, self.tables, self.ledger.store)
        self.closing = False
        self.bare = False  # a model by itself, in a workspace that is gone at the end
        self._split: tuple[int, int] = (-1, 0)
        self._odd: tuple[tuple[int, str], Oddities] | None = None
        self._lock = threading.RLock()
        if work:
            self.jobs.start()
            self._index_behind()

    def close(self) -> None:
        """Let go of everything."""
        self.closing = True
        self.room.close()

    def check_kept(self) -> None:
        """Raise an `InputError` where what is said would be lost when the server stops."""
        if self.bare:
            raise InputError(
                "this server serves one model by itself, so labels would be lost when it stops; nothing was kept. "
                "Serve a workspace to keep them in: dovetail serve WORKSPACE --add FILE"
            )

    def add(self, table: Table) -> str:
        """Keep a table in the workspace and index it behind."""
        name = self.tables.add(table)
        self._index_behind()
        return name

    def decided(self) -> tuple[Clusters | None, Decisions | None]:
        """Entities and decisions of the last integration."""
        return self.room.decided()

    def split(self) -> int:
        """How many subjects people disagree on."""
        with self._lock:
            if self._split[0] != self.ledger.last:
                self._split = self.ledger.last, len(open_conflicts(self.ledger))
            return self._split[1]

    def odd(self) -> Oddities:
        """What is odd about the labels that count: rows that no table has, names that differ only in spelling."""
        with self._lock:
            key = (self.ledger.last, self.tables.version)
            if self._odd is None or self._odd[0] != key:
                events = [*self.ledger.current(), *self.ledger.golden()]
                notes = self.strays([e.label for e in events]).in_words()
                self._odd = key, Oddities(notes, alike(events, _given(rules_in(self.folder))))
            return self._odd[1]

    def strays(self, labels: list[Label]) -> Strays:
        """Which of these labels name rows that no table has."""
        return strays(labels, {name: ids for v in self.tables.all().values() for name, ids in v.named.items()})

    def alike(self, view: View, asked: RowsAsked) -> RowsPage:
        """The rows of a table most like one of them."""
        return self.indexes.of(view).alike(self.room.nearest.of(view), asked)

    def labels_of(self, view: View, row: int) -> list[dict[str, Any]]:
        """What counts of what was said of a row."""
        self.ledger.refresh()
        row_id, source = str(view.ids[row].as_py()), view.source(row)
        found = self.ledger.of_row(row_id, source or (view.name if view.origin == "source" else None))
        ruled = self.ledger.ruled(classes(Row(row_id, source), (), task=view.name).subject_key())
        found += [] if ruled is None else [ruled]
        some = [e for e in found if e.label.task in ("", view.name) or view.origin in ("records", "source")]
        return [{"shape": e.label.shape, "value": plain(e.label.value), "person": e.person, "at": e.at} for e in some]

    def marks(self) -> dict[str, str]:
        """Something for each kind of thing that changes with it."""
        self.ledger.refresh()
        edits = self.state.row("SELECT coalesce(max(event), 0) FROM edits")
        trained = self.state.row("SELECT count(*), max(at) FROM trained")
        used = self.state.rows("SELECT name, value FROM noted WHERE name LIKE 'in use %' ORDER BY name")
        maps = self.state.row("SELECT count(*) FROM jobs WHERE kind = 'map' AND state = 'done'")
        return {
            "labels": str(self.ledger.last),
            "clusters": str(edits[0] if edits else 0),
            "models": f"{tuple(trained) if trained else ()}{[tuple(row) for row in used]}{self.models.version}",
            "map": str(maps[0] if maps else 0),
            "tables": self.tables.version,
        }

    def _index_behind(self) -> None:
        for view in self.tables.all().values():
            whole = view.origin in ("added", "merged") or view.name == RECORDS
            ready = self.indexes.of(view).ready and self.room.nearest.of(view).ready
            if whole and len(view) >= LARGE and not ready:
                self.jobs.add("index", {"table": view.name}, "(server)", same="active")


def _given(rules: tuple[Rule, ...]) -> dict[str, list[str]]:
    """The classes that heuristics may name, by table."""
    found: dict[str, list[str]] = {}
    for rule in rules:
        found.setdefault(rule.table, []).extend(rule.classes)
    return found


def plain(value: object) -> Any:
    """A value of a label as JSON has it."""
    return list(value) if isinstance(value, tuple) else value


@contextlib.contextmanager
def opened(folder: str | Path) -> Iterator[Workbench]:
    """A workbench that is closed at the end."""
    bench = Workbench(folder)
    try:
        yield bench
    finally:
        bench.close()
