"""What the server remembers besides labels: people, logins, audit, sessions, jobs and edits of entities, in one file.

Every change is on disk when the call returns, so that a killed server goes on where it was.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from dovetail.errors import WorkspaceError

FILE = "server.sqlite"
_MIGRATIONS = (
    """
    CREATE TABLE people (person TEXT PRIMARY KEY, role TEXT NOT NULL, token TEXT NOT NULL UNIQUE,
        made_at TEXT NOT NULL, last_seen TEXT, active INTEGER NOT NULL DEFAULT 1);
    CREATE TABLE logins (cookie TEXT PRIMARY KEY, person TEXT NOT NULL, csrf TEXT NOT NULL, ends_at REAL NOT NULL);
    CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, person TEXT NOT NULL,
        what TEXT NOT NULL, about TEXT NOT NULL, detail TEXT NOT NULL);
    CREATE TABLE sessions (session TEXT PRIMARY KEY, kind TEXT NOT NULL, "table" TEXT NOT NULL, settings TEXT NOT NULL,
        made_by TEXT NOT NULL, made_at TEXT NOT NULL, open INTEGER NOT NULL DEFAULT 1);
    CREATE TABLE jobs (job TEXT PRIMARY KEY, number INTEGER NOT NULL, kind TEXT NOT NULL, spec TEXT NOT NULL,
        state TEXT NOT NULL, step TEXT NOT NULL DEFAULT '', done INTEGER NOT NULL DEFAULT 0,
        total INTEGER NOT NULL DEFAULT 0, note TEXT NOT NULL DEFAULT '', share REAL NOT NULL DEFAULT 0,
        made_by TEXT NOT NULL, made_at TEXT NOT NULL, started REAL, ended REAL, error TEXT, result TEXT,
        attempts INTEGER NOT NULL DEFAULT 0, pid INTEGER);
    CREATE INDEX jobs_by_state ON jobs (state, number);
    CREATE TABLE edits (event INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, at TEXT NOT NULL,
        person TEXT NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL, undoes INTEGER UNIQUE);
    CREATE TABLE trained (about TEXT NOT NULL, version INTEGER NOT NULL, at TEXT NOT NULL, facts TEXT NOT NULL,
        PRIMARY KEY (about, version));
    CREATE TABLE noted (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    """,
    "CREATE TABLE queries (item TEXT PRIMARY KEY, query TEXT NOT NULL)",
)


class State:
    """One SQLite file; each thread has its own connection, writers wait for one another."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._mine = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        with self.writing() as file:
            _migrate(file, self.path)

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The only writer for now; what it wrote is on disk at the end, or not at all on an error."""
        file = self._connection()
        with _plainly(self.path):
            file.execute("BEGIN IMMEDIATE")
            try:
                yield file
            except BaseException:
                file.execute("ROLLBACK")
                raise
            file.execute("COMMIT")

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """What a query finds."""
        with _plainly(self.path):
            return self._connection().execute(query, values).fetchall()

    def row(self, query: str, values: Sequence[Any] = ()) -> sqlite3.Row | None:
        """The first row that a query finds."""
        found = self.rows(query, values)
        return found[0] if found else None

    def write(self, query: str, values: Sequence[Any] = ()) -> None:
        """One change."""
        with self.writing() as file:
            file.execute(query, values)

    def noted(self, name: str) -> str | None:
        """A fact by name."""
        row = self.row("SELECT value FROM noted WHERE name = ?", (name,))
        return None if row is None else str(row["value"])

    def note(self, name: str, value: str) -> None:
        """Keep a fact by name."""
        self.write(
            "INSERT INTO noted VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value)
        )

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for file in self._all:
                with contextlib.suppress(sqlite3.Error):
                    file.close()
            self._all.clear()
        self._mine = threading.local()

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._mine, "file", None)
        if found is None:
            found = _opened(self.path)
            self._mine.file = found
            with self._lock:
                self._all.append(found)
        return found


def now() -> str:
    """This moment in UTC, ISO 8601."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")


def _opened(path: Path) -> sqlite3.Connection:
    with _plainly(path):
        file = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        file.row_factory = sqlite3.Row
        file.execute("PRAGMA busy_timeout = 30000")
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = FULL")
    return file


def _migrate(file: sqlite3.Connection, path: Path) -> None:
    version = int(file.execute("PRAGMA user_version").fetchone()[0])
    if version > len(_MIGRATIONS):
        raise WorkspaceError(f"{path} was written by a newer version of dovetail; update dovetail")
    for number, step in enumerate(_MIGRATIONS[version:], version + 1):
        for statement in filter(str.strip, step.split(";")):
            file.execute(statement)
        file.execute(f"PRAGMA user_version = {number}")


@contextlib.contextmanager
def _plainly(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.Error as error:
        raise WorkspaceError(f"{path} cannot be read or written: {error}; nothing of the last step was kept") from error
