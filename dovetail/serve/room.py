"""What all parts of the server work with: one workspace, opened once."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from dovetail.labels.store import LabelStore
from dovetail.serve.jobs import Jobs
from dovetail.serve.ledger import Ledger
from dovetail.serve.nearest import NearestRows
from dovetail.serve.people import People
from dovetail.serve.rows import RowIndexes
from dovetail.serve.state import FILE, State
from dovetail.serve.tables import Tables
from dovetail.types import Clusters, Decisions

LABELS = "labels.sqlite"
_LEASE = 120.0  # seconds that an item is kept for the person who was shown it


class Leases:
    """Who is shown what just now. Lost on a restart, which only means that two people may see one item."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], tuple[str, float]] = {}
        self._lock = threading.Lock()

    def take(self, session: str, item: str, person: str) -> bool:
        """Hold an item; False where somebody else does."""
        moment = time.monotonic()
        with self._lock:
            if len(self._held) > 20_000:
                self._held = {k: v for k, v in self._held.items() if v[1] > moment}
            holder, until = self._held.get((session, item), (person, 0.0))
            if holder != person and until > moment:
                return False
            self._held[session, item] = (person, moment + _LEASE)
            return True


class Room:
    """A workspace with its tables, labels, people, indexes and jobs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, folder.name
        self.home = folder / "serve"  # what the server makes and can make again
        self.home.mkdir(exist_ok=True)
        self.state = State(folder / FILE)
        self.people = People(self.state)
        self.ledger = Ledger(LabelStore(folder / LABELS))
        self.ledger.refresh()
        self.tables = Tables(folder)
        self.indexes = RowIndexes(self.home)
        self.nearest = NearestRows(self.home)
        self.jobs = Jobs(self.state, folder)
        self.leases = Leases()
        self._decided: tuple[str, Clusters | None, Decisions | None] = ("", None, None)
        self._lock = threading.RLock()

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

    def close(self) -> None:
        """Let go of everything."""
        self.jobs.close()
        self.indexes.close()
        self.ledger.store.close()
        self.state.close()
