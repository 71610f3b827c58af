"""The tables of the label store, and the named steps that bring an older file up to date.

A step is never changed once it has been released: a new one is added below it. The file's format version is the number
of its steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import sqlalchemy as sa

from dovetail.errors import WorkspaceError

if TYPE_CHECKING:
    from sqlalchemy import Connection

SCHEMA = sa.MetaData()

STEPS = sa.Table(
    "dovetail_label_migration",
    SCHEMA,
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("made_by", sa.String(100), nullable=False),
)

EVENTS = sa.Table(
    "dovetail_label_event",
    SCHEMA,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("key", sa.String(200), nullable=False, unique=True),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("person", sa.String(200), nullable=False),
    sa.Column("session", sa.String(200), nullable=False),
    sa.Column("task", sa.String(200), nullable=False),
    sa.Column("shape", sa.String(20), nullable=False),
    sa.Column("subject", sa.String(32), nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("suggestion", sa.Text),
    sa.Column("gold", sa.Boolean, nullable=False),
    sa.Column("undoes", sa.BigInteger().with_variant(sa.Integer, "sqlite"), unique=True),
    sqlite_autoincrement=True,
)


def _events(connection: Connection) -> None:
    """The table of events."""
    EVENTS.create(connection)


def _indexes(connection: Connection) -> None:
    """Quick ways to what one person said last about one subject, and to one session."""
    for name, columns in (("subject", "subject, person"), ("person", "person, id"), ("session", "session, id")):
        connection.execute(sa.text(f"CREATE INDEX dovetail_label_event_{name} ON {EVENTS.name} ({columns})"))


MIGRATIONS: dict[str, Callable[[Connection], None]] = {"1 events": _events, "2 indexes": _indexes}


def migrate(connection: Connection, made_by: str) -> list[str]:
    """Take the steps that are missing, inside the caller's transaction, and give their names.

    A file with steps that are unknown here was written by a newer version: `WorkspaceError`.
    """
    STEPS.create(connection, checkfirst=True)
    done = set(connection.execute(sa.select(STEPS.c.name)).scalars())
    if newer := sorted(done - set(MIGRATIONS)):
        raise WorkspaceError(f"the labels are of a newer format (step {newer[-1]!r}); update dovetail")
    taken = [name for name in MIGRATIONS if name not in done]
    for name in taken:
        MIGRATIONS[name](connection)
        connection.execute(sa.insert(STEPS).values(name=name, made_by=made_by))
    return taken
