"""Tables in databases: SQLite and PostgreSQL by URL."""

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
import re
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
    options = f"?{urlencode(asked)}" if asked else ""
    rest = f"{scheme}://{parts.netloc}{parts.path}{options}"  # urlunsplit drops the slashes of an empty host
    return rest, table


def query_in(url: str, query: str | None) -> tuple[str, str | None]:
    """`sqlite:///shop.db?query=select …` in two: all that follows `query=` is SQL as it stands."""
    found = re.search(r"[?&]query=", url)
    if found is None:
        return url, query
    if query is not None or split_url(url[: found.start()])[1]:
        raise InputError("a database is asked for a table and a query, or for two queries; keep one of them")
    return url[: found.start()], url[found.end() :]


@contextlib.contextmanager
def engine(url: str) -> Iterator[Engine]:
    """A connection pool that is closed afterwards; a missing driver or database is said in plain words."""
    import sqlalchemy as sa

    address, _ = split_url(url)
    if address.startswith("sqlite"):
        path = Path(_sqlite_file(address))
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


def _sqlite_file(address: str) -> str:
    return address.split(":///", 1)[-1].split("?", 1)[0]


def hidden(url: str) -> str:
    """The URL without its password, for messages."""
    parts = urlsplit(url)
    if not parts.password:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@")))


def read_database(url: str, query: str | None) -> tuple[Part, str]:
    """The rows of a query or of `?table=`, and a name for them. Native types stay; mixed ones become text.

    The database is opened for reading only: SQL that would change it raises `InputError` and changes nothing.
    """
    import sqlalchemy as sa

    address, table = split_url(url)
    if address.startswith("sqlite") and not Path(_sqlite_file(address)).is_file():
        raise InputError(f"there is no database file {_sqlite_file(address)}")
    with engine(url) as pool:
        try:
            with pool.connect() as connection:
                _read_only(connection)
                streamed = connection.execution_options(stream_results=True, no_parameters=bool(query))
                # As the driver takes it: a colon or per cent sign in the SQL of a person is no parameter.
                asked = streamed.exec_driver_sql(query) if query else None
                result = streamed.execute(_whole_table(pool, table, url)) if asked is None else asked
                names = column_names(list(map(str, result.keys())), hidden(url))
                batches = [list(zip(*rows, strict=True)) for rows in result.partitions(_BATCH)]
        except sa.exc.ResourceClosedError:
            raise InputError(f"the query of {hidden(url)} gives no rows; a table comes of SELECT") from None
        except sa.exc.DBAPIError as error:
            if _would_change(error.orig):
                raise InputError(
                    f"the query of {hidden(url)} would change the database and gives no rows; reading changes nothing, "
                    f"a table comes of SELECT"
                ) from None
            raise InputError(f"{hidden(url)} cannot be read: {str(error.orig).strip()}") from None
    data = pa.table([_column([v for batch in batches for v in batch[i]]) for i in range(len(names))], names=names)
    name = table or "query"
    return Part(name, data, np.arange(1, data.num_rows + 1), [], "database"), name


def _read_only(connection: Any) -> None:
    """Let a connection read and do nothing else: SQLite commits table definitions by itself, before anyone can ask."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.connection.driver_connection.set_authorizer(_may)
        return
    connection.exec_driver_sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    connection.exec_driver_sql("SET TRANSACTION READ ONLY")


def _may(action: int, first: str | None, second: str | None, database: str | None, through: str | None) -> int:
    """What SQLite asks before it runs a part of a statement: whether it may. Most that writes `query_only` refuses."""
    import sqlite3

    del database, through
    if action == sqlite3.SQLITE_PRAGMA:  # with a value it sets something, unless it asks about a table of that name
        asks = second is None or str(first).casefold().endswith(("_info", "_xinfo", "_list"))
        return sqlite3.SQLITE_OK if asks else sqlite3.SQLITE_DENY
    makes_a_file = action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH)  # VACUUM INTO attaches, too
    return sqlite3.SQLITE_DENY if makes_a_file else sqlite3.SQLITE_OK


def _would_change(error: BaseException | None) -> bool:
    """Whether a driver refused to write: in the words of SQLite, or by the number that PostgreSQL gives it."""
    refused = ("not authorized", "authorization denied", "readonly database")
    return str(error).endswith(refused) or getattr(error, "sqlstate", None) == "25006"


def _whole_table(pool: Engine, table: str | None, url: str) -> Any:
    import sqlalchemy as sa

    known = _relations(pool)
    if table is None:
        if len(known) != 1:
            raise InputError(
                f"{hidden(url)} holds {len(known)} tables ({', '.join(known[:8])}); name one with ?table=NAME, or "
                f"give SQL with ?query=SELECT …"
            )
        table = known[0]
    schema, dot, short = table.partition(".")
    if table not in known and dot and short in _relations(pool, schema):
        return sa.select(sa.text("*")).select_from(sa.table(short, schema=schema))
    if table not in known:
        raise UnknownName("table", table, known, hidden(url))
    return sa.select(sa.text("*")).select_from(sa.table(table))


def _relations(pool: Engine, schema: str | None = None) -> list[str]:
    """The tables and views of a schema, or of the usual one."""
    import sqlalchemy as sa

    inspector = sa.inspect(pool)
    return inspector.get_table_names(schema=schema) + inspector.get_view_names(schema=schema)


def _column(values: Sequence[Any]) -> pa.Array:
    plain = [str(v) if isinstance(v, decimal.Decimal | dt.timedelta) else v for v in values]
    try:
        return pa.array(plain)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return pa.array([None if v is None else str(v) for v in plain], pa.string())


def write_database(data: pa.Table, url: str, table: str | None) -> None:
    """Write into a new table and put it in the place of `table`, in one transaction."""
    import sqlalchemy as sa

    name = split_url(url)[1] or table
    if not name:
        raise InputError(f"no table is named for {hidden(url)}; add ?table=NAME")
    fresh = sa.Table(f"{name[:50]}__new", sa.MetaData(), *(_sql_column(f) for f in data.schema))
    with engine(url) as pool:
        quote = pool.dialect.identifier_preparer.quote
        try:
            with pool.connect() as connection, _transaction(connection):
                fresh.drop(connection, checkfirst=True)
                fresh.create(connection)
                _insert(connection, fresh, data)
                connection.exec_driver_sql(f"DROP TABLE IF EXISTS {quote(name)}")
                connection.exec_driver_sql(f"ALTER TABLE {quote(fresh.name)} RENAME TO {quote(name)}")
        except sa.exc.SQLAlchemyError as error:
            reason = str(getattr(error, "orig", None) or error).strip()
            raise InputError(f"{hidden(url)} cannot be written: {reason}") from None


@contextlib.contextmanager
def _transaction(connection: Any) -> Iterator[None]:
    """One transaction around table definitions too, which drivers would otherwise commit by themselves."""
    connection = connection.execution_options(isolation_level="AUTOCOMMIT")
    connection.exec_driver_sql("BEGIN")
    try:
        yield
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")


def _insert(connection: Any, fresh: Any, data: pa.Table) -> None:
    names = list(data.column_names)
    text = [pa.types.is_string(c.type) or _sql_type(c.type).__name__ != "Text" for c in data.columns]
    for batch in data.to_batches(max_chunksize=10_000):
        columns = [
            c.to_pylist() if plain else [None if v is None else str(v) for v in c.to_pylist()]
            for c, plain in zip(batch.columns, text, strict=True)
        ]
        rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        if rows:
            connection.execute(fresh.insert(), rows)


def _sql_column(field: pa.Field) -> Any:
    import sqlalchemy as sa

    return sa.Column(field.name, _sql_type(field.type))


def _sql_type(kind: pa.DataType) -> Any:
    """The type that keeps every value exactly; text where no type of both databases does."""
    import sqlalchemy as sa

    is_ = pa.types
    if is_.is_integer(kind) and not is_.is_uint64(kind):
        return sa.BigInteger
    if is_.is_floating(kind):
        return sa.Double
    if is_.is_boolean(kind):
        return sa.Boolean
    return sa.Date if is_.is_date(kind) else sa.Text
