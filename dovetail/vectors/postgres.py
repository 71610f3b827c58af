"""Vectors in PostgreSQL with the extension pgvector."""

from __future__ import annotations

import re
import weakref
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError, MissingExtra
from dovetail.vectors.answers import empty_answers

_TABLE = "dovetail_vectors"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")


class PostgresStore:
    """A table of keys and vectors with an HNSW index: `postgresql://user@host/database?table=NAME`."""

    def __init__(self, dimensions: int, place: str = "") -> None:
        self.dimensions, self.place = dimensions, place

    @cached_property
    def _parts(self) -> tuple[str, str]:
        """The URL of the database, and the table."""
        parts = urlsplit(self.place)
        options = dict(parse_qsl(parts.query))
        table = options.pop("table", _TABLE)
        if not _NAME.fullmatch(table):
            raise InputError(f"{table!r} cannot name a table of vectors; use letters, digits and _")
        return urlunsplit(parts._replace(query=urlencode(options))), table

    @cached_property
    def _database(self) -> Any:
        try:
            import psycopg
        except ImportError:
            raise MissingExtra("a vector store in PostgreSQL", "postgres") from None
        if not self.place:
            raise InputError("the store postgresql needs a place; write postgresql://user@host/database?table=NAME")
        url, table = self._parts
        try:
            database = psycopg.connect(url, autocommit=True)
            weakref.finalize(self, database.close)
            database.execute("CREATE EXTENSION IF NOT EXISTS vector")
            kind = f"vector({self.dimensions})"
            database.execute(f"CREATE TABLE IF NOT EXISTS {table} (key bigint PRIMARY KEY, vector {kind} NOT NULL)")
            index = f"CREATE INDEX IF NOT EXISTS {table}_nearest ON {table} USING hnsw (vector vector_cosine_ops)"
            database.execute(index)
        except psycopg.Error as error:
            shown = urlsplit(url).hostname or "this machine"
            raise InputError(f"PostgreSQL on {shown} cannot keep vectors: {str(error).strip()[:200]}") from None
        return database

    def add(self, keys: npt.NDArray[np.int64], vectors: npt.NDArray[np.float32]) -> None:
        """Keep vectors (n, d) under keys (n,)."""
        database, command = self._database, f"COPY {self._parts[1]} (key, vector) FROM STDIN"
        with database.transaction(), database.cursor() as cursor, cursor.copy(command) as copy:
            for key, vector in zip(keys.tolist(), vectors, strict=True):
                copy.write_row((key, _written(vector)))

    def remove(self, keys: npt.NDArray[np.int64]) -> None:
        """Forget keys (n,)."""
        self._database.execute(f"DELETE FROM {self._parts[1]} WHERE key = ANY(%s)", (keys.tolist(),))

    def __len__(self) -> int:
        return int(self._database.execute(f"SELECT count(*) FROM {self._parts[1]}").fetchone()[0])

    def search(self, queries: npt.NDArray[np.float32], k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Keys and cosines (q, k), best first."""
        keys, cosines = empty_answers(len(queries), k)
        database, table = self._database, self._parts[1]
        wanted = f"SELECT key, 1 - (vector <=> %s::vector) FROM {table} ORDER BY vector <=> %s::vector LIMIT %s"
        with database.transaction():
            database.execute(f"SET LOCAL hnsw.ef_search = {min(1_000, max(100, 2 * k))}")
            for row, query in enumerate(queries):
                written = _written(query)
                found = database.execute(wanted, (written, written, k)).fetchall()
                keys[row, : len(found)] = [r[0] for r in found]
                cosines[row, : len(found)] = [r[1] for r in found]
        return keys, cosines


def _written(vector: npt.NDArray[np.float32]) -> str:
    return f"[{','.join(map(repr, vector.tolist()))}]"
