"""`Workbench`: one workspace with all that the server needs of it, opened once."""

from __future__ import annotations

import contextlib
import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dovetail.errors import WorkspaceError
from dovetail.labels.agree import conflicts
from dovetail.labels.store import LabelStore
from dovetail.serve.desk import Room
from dovetail.serve.jobs import Jobs
from dovetail.serve.ledger import Ledger
from dovetail.serve.nearest import NearestRows
from dovetail.serve.people import People
from dovetail.serve.pool import ABOUT
from dovetail.serve.rows import RowIndexes
from dovetail.serve.sessions import Leases, Sessions
from dovetail.serve.state import FILE, State
from dovetail.serve.tables import Tables
from dovetail.serve.wire_model import ModelInfo, Quality
from dovetail.serve.worker import LABELS
from dovetail.types import Clusters, Decisions, Table
from dovetail.workspace import open_workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dovetail.serve.tables import View
    from dovetail.serve.wire_data import RowsAsked, RowsPage

LARGE = 2_000  # rows from which the full-text index is made in the background at once


class Workbench:
    """A workspace, served. Use it as a context: it works off jobs until it is closed."""

    def __init__(self, folder: str | Path, *, work: bool = True) -> None:
        self.folder = Path(folder).resolve()
        if not self.folder.is_dir():
            raise WorkspaceError(f"there is no folder {folder}; make a workspace: dovetail integrate … --out {folder}")
        open_workspace(self.folder)
        (self.folder / "serve").mkdir(exist_ok=True)
        self.name = self.folder.name
        self.state = State(self.folder / FILE)
        self.people = People(self.state)
        self.ledger = Ledger(LabelStore(self.folder / LABELS))
        self.ledger.refresh()
        self.tables = Tables(self.folder)
        self.indexes = RowIndexes(self.folder / "serve")
        self.nearest = NearestRows(self.folder / "serve")
        self.closing = False
        self.jobs = Jobs(self.state, self.folder)
        leases = Leases()
        room = Room(
            self.folder,
            self.state,
            self.ledger,
            self.tables,
            self.indexes,
            self.jobs,
            lambda session, item, person: leases.take(session.session, item, person),
        )
        self.sessions = Sessions(room)
        self._decided: tuple[str, Clusters | None, Decisions | None] = ("", None, None)
        self._split: tuple[int, int] = (-1, 0)
        self._lock = threading.RLock()
        if work:
            self.jobs.start()
            self._index_behind()

    def close(self) -> None:
        """Let go of everything."""
        self.closing = True
        self.jobs.close()
        self.indexes.close()
        self.ledger.store.close()
        self.state.close()

    def add(self, table: Table) -> str:
        """Keep a table in the workspace and index it behind."""
        name = self.tables.add(table)
        self._index_behind()
        return name

    def decided(self) -> tuple[Clusters | None, Decisions | None]:
        """Entities and decisions of the last integration."""
        with self._lock:
            version = self.tables.version
            if version != self._decided[0]:
                found = [self.tables.workspace.latest(step) for step in ("cluster", "match")]
                clusters = found[0] if isinstance(found[0], Clusters) else None
                decisions = found[1] if isinstance(found[1], Decisions) else None
                self._decided = version, clusters, decisions
            return self._decided[1:]

    def split(self) -> int:
        """How many subjects people disagree on."""
        with self._lock:
            if self._split[0] != self.ledger.last:
                self._split = self.ledger.last, len(conflicts(self.ledger.current()))
            return self._split[1]

    def models(self) -> list[ModelInfo]:
        """The models in use."""
        rows = self.state.rows("SELECT * FROM trained WHERE about = ? ORDER BY version DESC LIMIT 1", (ABOUT,))
        return [_trained(row["about"], row["version"], row["at"], json.loads(row["facts"])) for row in rows]

    def alike(self, view: View, asked: RowsAsked) -> RowsPage:
        """The rows of a table most like one of them."""
        return self.indexes.of(view).alike(self.nearest.of(view), asked)

    def labels_of(self, view: View, row: int) -> list[dict[str, Any]]:
        """What counts of what was said of a row."""
        self.ledger.refresh()
        row_id, source = str(view.ids[row].as_py()), view.source(row)
        found = self.ledger.of_row(row_id, source or (view.name if view.origin == "source" else None))
        some = [e for e in found if e.label.task in ("", view.name) or view.origin in ("records", "source")]
        return [{"shape": e.label.shape, "value": _plain(e.label.value), "person": e.person, "at": e.at} for e in some]

    def marks(self) -> dict[str, str]:
        """Something for each kind of thing that changes with it."""
        self.ledger.refresh()
        edits = self.state.row("SELECT coalesce(max(event), 0) FROM edits")
        trained = self.state.row("SELECT count(*), max(at) FROM trained")
        return {
            "labels": str(self.ledger.last),
            "clusters": str(edits[0] if edits else 0),
            "models": str(tuple(trained) if trained else ()),
            "tables": self.tables.version,
        }

    def _index_behind(self) -> None:
        for view in self.tables.all().values():
            if len(view) >= LARGE and not self.indexes.of(view).ready:
                self.jobs.add("index", {"table": view.name}, "(server)", once=True)


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _trained(about: str, version: int, at: str, facts: dict[str, object]) -> ModelInfo:
    import datetime as dt

    after = facts.get("after")
    quality = Quality(figure="f1", **after) if isinstance(after, dict) else None
    age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(at)
    return ModelInfo(
        model=about,
        task="match",
        version=version,
        made=at,
        age_days=round(age.total_seconds() / 86_400, 3),
        labels=int(str(facts.get("labels", 0))),
        quality=quality,
        versions=version,
        summary=str(facts.get("summary", "")),
    )


@contextlib.contextmanager
def opened(folder: str | Path) -> Iterator[Workbench]:
    """A workbench that is closed at the end."""
    bench = Workbench(folder)
    try:
        yield bench
    finally:
        bench.close()
