"""Tables in databases: SQLite and PostgreSQL by URL."""

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import numpy as np
import pyarrow as pa

from dovetail.errors import InputError, MissingExtra, UnknownName
from dovetail.tables.delimited import Part, column_names

if TYPE_CHECKING:
    from sqlalchemy import Engine

SCHEMES = ("sqlite", "postgresql", "postgres")
_BATCH = 50_000


def is_database_url(source: str) -> bool:
    """Whether a source names a database rather than a file."""
    return source.split(":", 1)[0].split("+")[0] in SCHEMES and "://" in source


def split_url(url: str) -> tuple[str, str | None]:
    """The URL without its `table` parameter, and that table."""
    parts = urlsplit(url)
    asked = dict(parse_qsl(parts.query))
    table = asked.pop("table", None)
    scheme = "postgresql+psycopg" if parts.scheme in ("postgresql", "postgres") else parts.scheme
    rest = urlunsplit((scheme, parts.netloc, parts.path, urlencode(asked), ""))
    if scheme.startswith("sqlite") and not rest.startswith(f"{scheme}://"):
        rest = f"{scheme}://{rest.removeprefix(scheme + ':')}"  # urlunsplit drops the slashes of an empty host
    return rest, table


@contextlib.contextmanager
def engine(url: str) -> Iterator[Engine]:
    """A connection pool that is closed afterwards; a missing driver or database is said in plain words."""
    import sqlalchemy as sa

    address, _ = split_url(url)
    if address.startswith("sqlite"):
        path = Path(address.split(":///", 1)[-1])
        if not path.is_file() and not path.parent.is_dir():
            raise InputError(f"there is no folder {path.parent} for the database {path}")
    try:
        pool = sa.create_engine(address)
    except ModuleNotFoundError:
        raise MissingExtra("reading from PostgreSQL", "postgres") from None
    except sa.exc.ArgumentError as error:
        raise InputError(f"{hidden(url)} is no database URL: {error}") from None
    try:
        yield pool
    finally:
        pool.dispose()


def hidden(url: str) -> str:
    """The URL without its password, for messages."""
    parts = urlsplit(url)
    if not parts.password:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@")))


def read_database(url: str, query: str | None) -> tuple[Part, str]:
    """The rows of a query or of `?table=`, and a name for them. Native types stay; mixed ones become text."""
    import sqlalchemy as sa

    address, table = split_url(url)
    if address.startswith("sqlite") and not Path(address.split(":///", 1)[-1]).is_file():
        raise InputError(f"there is no database file {address.split(':///', 1)[-1]}")
    with engine(url) as pool:
        try:
            with pool.connect() as connection:
                statement = sa.text(query) if query else _whole_table(pool, table, url)
                result = connection.execution_options(stream_results=True).execute(statement)
                names = column_names([str(n) for n in result.keys()], hidden(url))
                batches = [list(zip(*rows, strict=True)) for rows in result.partitions(_BATCH)]
        except sa.exc.DBAPIError as error:
            raise InputError(f"{hidden(url)} cannot be read: {str(error.orig).strip()}") from None
    data = pa.table([_column([v for batch in batches for v in batch[i]]) for i in range(len(names))], names=names)
    name = table or "query"
    return Part(name, data, np.arange(1, data.num_rows + 1), [], "database"), name


def _whole_table(pool: Engine, table: str | None, url: str) -> Any:
    import sqlalchemy as sa

    known = sa.inspect(pool).get_table_names() + sa.inspect(pool).get_view_names()
    if table is None:
        if len(known) != 1:
            raise InputError(
                f"{hidden(url)} holds {len(known)} tables ({', '.join(known[:8])}); name one with ?table=NAME, or "
                f"give a query"
            )
        table = known[0]
    if table not in known:
        raise UnknownName("table", table, known, hidden(url))
    return sa.select(sa.text("*")).select_from(sa.table(table))


def _column(values: Sequence[Any]) -> pa.Array:
    plain = [str(v) if isinstance(v, decimal.Decimal | dt.timedelta) else v for v in values]
    try:
        return pa.array(plain)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return pa.array([None if v is None else str(v) for v in plain], pa.string())
