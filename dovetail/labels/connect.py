"""Where labels are kept: a SQLite file or a PostgreSQL server, opened on first use and brought up to date."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dovetail.errors import InputError, MissingExtra, WorkspaceError
from dovetail.labels.migrations import EVENTS, MIGRATIONS, STEPS, migrate
from dovetail.version import __version__

_PATIENCE = 30  # seconds that a writer waits for the others
_READ = {"dovetail_reads": True}
_MIGRATING = 7_204_113_518  # a number that all who migrate a PostgreSQL database lock by


class Place:
    """A database by path or URL, and the pool of connections to it."""

    def __init__(self, place: str | Path) -> None:
        self.url = _url(place)
        self._engine: sa.Engine | None = None
        self._opening = threading.Lock()

    def __str__(self) -> str:
        if self.url.get_backend_name() == "sqlite":
            return str(self.url.database)
        return self.url.render_as_string(hide_password=True)

    def engine(self) -> sa.Engine:
        """The pool; on first use the tables are made, or an older file is brought up to date."""
        with self._opening:
            if self._engine is None:
                made = _pool(self.url, str(self))
                try:
                    _bring_up_to_date(made, str(self))
                except BaseException:
                    made.dispose()
                    raise
                self._engine = made
            return self._engine

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        with self._opening:
            if self._engine is not None:
                self._engine.dispose()
            self._engine = None


@contextlib.contextmanager
def reading(place: Place) -> Iterator[sa.Connection]:
    """A connection that sees one moment and never makes a writer wait."""
    with (
        _plainly(str(place)),
        place.engine().connect() as connection,
        connection.execution_options(**_READ).begin(),
    ):
        yield connection


@contextlib.contextmanager
def writing(place: Place) -> Iterator[sa.Connection]:
    """A connection that is the only one to write; what it wrote is on disk at the end, or not at all on an error."""
    with _plainly(str(place)), place.engine().begin() as connection:
        if connection.dialect.name == "postgresql":  # so that events appear in the order of their numbers
            connection.execute(sa.text(f"LOCK TABLE {EVENTS.name} IN EXCLUSIVE MODE"))
        yield connection


def _url(place: str | Path) -> sa.URL:
    if isinstance(place, Path) or "://" not in place:
        return sa.URL.create("sqlite", database=str(place))
    try:
        url = sa.make_url(place)
    except sa.exc.ArgumentError:
        raise InputError(f"{place.partition('://')[0]}://… is no database URL that is understood") from None
    if url.drivername in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise InputError(f"labels are kept in SQLite or PostgreSQL, not in {url.get_backend_name()}")
    return url


def _pool(url: sa.URL, said: str) -> sa.Engine:
    if url.get_backend_name() != "sqlite":
        try:
            return sa.create_engine(url, pool_pre_ping=True)
        except ModuleNotFoundError:
            raise MissingExtra("keeping labels in PostgreSQL", "postgres") from None
    folder = Path(str(url.database)).parent
    if not folder.is_dir():
        raise InputError(
            f"there is no folder {folder} to keep the labels in; make it, or give another place than {said}"
        )
    # The driver must not begin transactions of its own: a read that turns into a write could not wait for others.
    pool = sa.create_engine(url, connect_args={"isolation_level": None, "timeout": _PATIENCE})
    sa.event.listen(pool, "connect", _prepare)
    sa.event.listen(pool, "begin", _begin)
    return pool


def _prepare(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 30000")
    cursor.execute("PRAGMA synchronous = FULL")  # a commit is on disk before it is acknowledged
    _write_ahead(cursor)
    cursor.close()


def _write_ahead(cursor: Any) -> None:
    """Switch to the write-ahead log; while several processes do so at once, SQLite may ask to try again."""
    import sqlite3

    for wait in (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, None):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if wait is None or "locked" not in str(error):
                raise
            time.sleep(wait)
        else:
            return


def _begin(connection: sa.Connection) -> None:
    reads = connection.get_execution_options().get("dovetail_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _bring_up_to_date(pool: sa.Engine, said: str) -> None:
    with _plainly(said):
        with pool.connect() as connection, connection.execution_options(**_READ).begin():
            tables = sa.inspect(connection).get_table_names()
            if STEPS.name in tables:
                done = set(connection.execute(sa.select(STEPS.c.name)).scalars())
                if done == set(MIGRATIONS):
                    return
            elif tables and pool.dialect.name == "sqlite":
                raise WorkspaceError(f"{said} is a database of something else; give a file of its own for the labels")
        with pool.begin() as connection:
            if pool.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))
            migrate(connection, f"dovetail {__version__}")


@contextlib.contextmanager
def _plainly(said: str) -> Iterator[None]:
    """Faults of the database in words."""
    try:
        yield
    except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
        fault = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        reason = (str(fault).strip() or type(fault).__name__).splitlines()[0]
        raise WorkspaceError(
            f"the labels in {said} cannot be read or written: {reason}; nothing of the last step was kept"
        ) from error
