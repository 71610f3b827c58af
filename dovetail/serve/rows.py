"""Pages of a table: sort, filter, full text and facets over a million rows, from index files in the workspace.

DuckDB answers what concerns whole columns, SQLite's full-text index which rows hold some words. Until the latter is
made (a job does it in the background), words are looked for in every row.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter, ValidationError

from dovetail.errors import InputError, MissingExtra, UnknownName, faults_in_words
from dovetail.serve.tables import View
from dovetail.serve.wire_data import Condition, Count, Facets, FacetsAsked, RowLine, RowsAsked, RowsPage
from dovetail.tables.atomic import replace_file
from dovetail.tables.normalise import comparable, plain_text
from dovetail.tables.numbers import as_numbers
from dovetail.types import Job, Kind, Progress

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.serve.nearest import Nearest

FORMAT = 1
_NUMERIC = frozenset({"number", "quantity", "money"})
_RANKED = 20_000  # matches of words that are put in order of relevance; more stay in the order of the table
_MANY = 200_000  # matches of words above which every row is looked at instead
_OPEN = 8  # tables whose index stays open
_AT_ONCE = 50_000
_ALIKE = 1_000  # rows alike that can be paged through
_CONDITIONS = TypeAdapter(list[Condition])
_COMPARED = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def conditions_of(text: str | None) -> list[Condition]:
    """The conditions that a page was asked for as JSON."""
    if not text:
        return []
    try:
        found = _CONDITIONS.validate_json(text)
    except ValidationError as error:
        raise InputError(f"the filter is not understood: {faults_in_words(error.errors())}") from None
    if len(found) > 50:
        raise InputError(f"{len(found)} conditions are too many; give 50 at most")
    return found


class RowIndex:
    """The index of one version of one table."""

    def __init__(self, view: View, folder: Path) -> None:
        self.view = view
        self.folder = folder / "rows"
        self.stem = f"{FORMAT}-{view.version}"
        self._lock = threading.Lock()
        self._database: Any = None

    @property
    def words_file(self) -> Path:
        """The full-text index."""
        return self.folder / f"{self.stem}.words.sqlite"

    @property
    def ready(self) -> bool:
        """Whether words are found by index."""
        return self.words_file.is_file()

    def page(self, asked: RowsAsked) -> RowsPage:
        """The rows of a page and how many fit in all."""
        start = time.perf_counter()
        if asked.sort is None and not asked.q and not asked.filter:
            rows = np.arange(asked.offset, min(asked.offset + asked.limit, len(self.view)))
            return self.lines(rows, None, asked.offset, len(self.view), start)
        found = self._matching(asked.q)
        where, values = self._where(conditions_of(asked.filter), asked.q if found is None else None)
        order = self._order(asked.sort, ranked=found is not None and len(found) <= _RANKED)
        with self._cursor() as cursor:
            source = self._source(cursor, found)
            total = int(cursor.execute(f"SELECT count(*) FROM {source} {where}", values).fetchone()[0])
            page = f"SELECT row FROM {source} {where} ORDER BY {order} LIMIT ? OFFSET ?"
            rows = cursor.execute(page, [*values, asked.limit, asked.offset]).fetchnumpy()["row"]
        return self.lines(np.asarray(rows, np.int64), None, asked.offset, total, start)

    def fitting(self, asked: RowsAsked) -> npt.NDArray[np.int64] | None:
        """The numbers of all rows that fit, ascending; None where nothing was asked for, so that all do."""
        if not asked.q and not asked.filter:
            return None
        found = self._matching(asked.q)
        where, values = self._where(conditions_of(asked.filter), asked.q if found is None else None)
        with self._cursor() as cursor:
            rows = cursor.execute(f"SELECT row FROM {self._source(cursor, found)} {where} ORDER BY row", values)
            return np.asarray(rows.fetchnumpy()["row"], np.int64)

    def facets(self, asked: FacetsAsked) -> Facets:
        """The most frequent values of a column among the rows that fit."""
        column = self._column(asked.column)
        found = self._matching(asked.q)
        where, values = self._where(conditions_of(asked.filter), asked.q if found is None else None)
        with self._cursor() as cursor:
            source = self._source(cursor, found)
            query = f"SELECT {column}, count(*) AS n FROM {source} {where} GROUP BY 1 ORDER BY n DESC, 1 LIMIT ?"
            rows = cursor.execute(query, [*values, asked.limit]).fetchall()
            total = int(cursor.execute(f"SELECT count(*) FROM {source} {where}", values).fetchone()[0])
        counts = [Count(value=value, count=n) for value, n in rows]
        return Facets(column=asked.column, values=counts, others=total - sum(c.count for c in counts))

    def lines(
        self, rows: npt.NDArray[np.int64], score: Sequence[float] | None, offset: int, total: int, start: float
    ) -> RowsPage:
        """Some rows as a page."""
        part = self.view.data.take(pa.array(rows))
        ids = self.view.ids.take(pa.array(rows)).to_pylist()
        columns = [pc.utf8_slice_codeunits(column, 0, 2_000).to_pylist() for column in part.columns]
        values = list(zip(*columns, strict=True)) if columns else [()] * len(rows)
        scores: Sequence[float | None] = [None] * len(rows) if score is None else score
        made = [
            RowLine(row=row, id=row_id, values=list(cells), score=one)
            for row, row_id, cells, one in zip(rows.tolist(), ids, values, scores, strict=True)
        ]
        spent = round(1000 * (time.perf_counter() - start), 1)
        return RowsPage(
            table=self.view.name,
            columns=self.view.columns,
            rows=made,
            offset=offset,
            total=total,
            exact=True,
            milliseconds=spent,
        )

    def best(self, query: str, k: int) -> list[int]:
        """The rows with the most telling words of a query, best first; those with all words while there is no index."""
        if not self.ready:
            return [
                line.row for line in self.page(RowsAsked(offset=0, limit=min(k, 200), q=query[:2_000] or None)).rows
            ]
        match = " OR ".join(_match(query).rstrip("*").split())
        if not match:
            return []
        with contextlib.closing(sqlite3.connect(f"file:{self.words_file}?mode=ro", uri=True)) as file:
            found = file.execute("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?", (match, k))
            return [int(row) for (row,) in found]

    def alike(self, near: Nearest, asked: RowsAsked) -> RowsPage:
        """The rows that fit, those most like one row first; a thousand at most."""
        assert asked.like is not None
        start = time.perf_counter()
        self.view.check(asked.like)
        near.ensure()
        vector = near.vectors(np.array([asked.like]))[0]
        among = self.fitting(asked)
        rows, cosine = near.rows_near(vector, min(_ALIKE, asked.offset + asked.limit), among)
        part = slice(asked.offset, asked.offset + asked.limit)
        total = min(_ALIKE, len(self.view) if among is None else len(among))
        return self.lines(rows[part], cosine[part].astype(float).tolist(), asked.offset, total, start)

    def build_words(self) -> Job[None]:
        """Make the full-text index, whole or not at all."""
        if self.ready:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        total = len(self.view)
        with replace_file(self.words_file) as beside:
            file = sqlite3.connect(beside, isolation_level=None)
            file.execute("PRAGMA journal_mode = OFF")
            file.execute("PRAGMA synchronous = OFF")
            file.execute("PRAGMA cache_size = -100000")
            file.execute(
                "CREATE VIRTUAL TABLE words USING fts5 "
                "(w, content='', columnsize=1, tokenize=\"unicode61 remove_diacritics 2\")"
            )
            file.execute("BEGIN")
            for at in range(0, total, _AT_ONCE):
                yield Progress("words", at, total, f"{at:,} of {total:,} rows")
                some = range(at, min(at + _AT_ONCE, total))
                texts = self.view.texts(np.arange(some.start, some.stop), tuple(self.view.columns))
                file.executemany("INSERT INTO words (rowid, w) VALUES (?, ?)", zip(some, texts, strict=True))
            file.execute("COMMIT")
            file.close()
        yield Progress("words", total, total)

    def close(self) -> None:
        """Let go of the files."""
        with self._lock:
            if self._database is not None:
                self._database.close()
            self._database = None

    @contextlib.contextmanager
    def _cursor(self) -> Any:
        with self._lock:
            if self._database is None:
                self._database = self._open()
            cursor = self._database.cursor()
        try:
            yield cursor
        finally:
            cursor.close()

    def _open(self) -> Any:
        return _duckdb().connect(str(self.build_columns()), read_only=True, config=_SETTINGS)

    def build_columns(self) -> Path:
        """Make the file of the columns, whole or not at all."""
        path = self.folder / f"{self.stem}.duckdb"
        if not path.is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            with replace_file(path) as beside:
                beside.unlink()
                _build(beside, self.view)
        return path

    def _matching(self, q: str | None) -> npt.NDArray[np.int64] | None:
        """The rows with all words, the most relevant first where they are few; None where all rows must be read."""
        if not q or not q.strip() or not self.ready:
            return None
        match = _match(q)
        if not match:
            return np.zeros(0, np.int64)
        with contextlib.closing(sqlite3.connect(f"file:{self.words_file}?mode=ro", uri=True)) as file:
            rows = file.execute("SELECT rowid FROM words WHERE words MATCH ? LIMIT ?", (match, _MANY + 1)).fetchall()
            if len(rows) > _MANY:
                return None
            if len(rows) <= _RANKED:
                rows = file.execute("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rank", (match,)).fetchall()
        return np.fromiter((r[0] for r in rows), np.int64, len(rows))

    def _source(self, cursor: Any, found: npt.NDArray[np.int64] | None) -> str:
        if found is None:
            return "t"
        cursor.register("found", pa.table({"row": pa.array(found), "place": pa.array(np.arange(len(found)))}))
        return "(SELECT t.*, found.place FROM t JOIN found USING (row))"

    def _order(self, sort: str | None, *, ranked: bool) -> str:
        if not sort:
            return "place, row" if ranked else "row"
        down = sort.startswith("-") and sort not in self.view.columns
        name = sort[1:] if down else sort
        turn = "DESC" if down else "ASC"
        column = self._column(name)
        typed = f"n{column[1:]}" if self._has_typed(name) and column.startswith("c") else column
        return f"{typed} {turn} NULLS LAST, {column} {turn} NULLS LAST, row"

    def _has_typed(self, name: str) -> bool:
        return self.view.kinds.get(name) in (*_NUMERIC, "date")

    def _column(self, name: str) -> str:
        if name in self.view.columns:
            return f"c{self.view.columns.index(name)}"
        if name == "id":
            return "id"
        raise UnknownName("column", name, self.view.columns, self.view.name)

    def _where(self, conditions: Sequence[Condition], q: str | None) -> tuple[str, list[Any]]:
        parts: list[str] = []
        values: list[Any] = []
        for condition in conditions:
            part, given = self._part(condition)
            parts.append(part)
            values += given
        for word in plain_text(q or "").split():
            parts.append("contains(words, ?)")
            values.append(word)
        return (f"WHERE {' AND '.join(parts)}" if parts else ""), values

    def _part(self, condition: Condition) -> tuple[str, list[Any]]:
        column, op, value = self._column(condition.column), condition.op, condition.value
        if op in ("empty", "filled"):
            blank = f"({column} IS NULL OR trim({column}) = '')"
            return (blank if op == "empty" else f"NOT {blank}"), []
        if op == "in":
            given = value if isinstance(value, list) else [value]
            some = [_written(v) for v in given if v is not None]
            empty = f" OR {column} IS NULL" if len(some) < len(given) else ""
            marks = ", ".join("?" * len(some)) or "NULL"
            return f"({column} IN ({marks}){empty})", some
        if isinstance(value, list) or value is None:
            raise InputError(f"the condition {op} on {condition.column} needs one value")
        if op in _COMPARED:
            return self._compared(condition.column, column, _COMPARED[op], value)
        text = _written(value)
        if op == "contains":
            return f"contains(lower({column}), ?)", [text.lower()]
        if op == "starts":
            return f"starts_with(lower({column}), ?)", [text.lower()]
        return (f"{column} = ?", [text]) if op == "eq" else (f"{column} IS DISTINCT FROM ?", [text])

    def _compared(self, name: str, column: str, sign: str, value: str | float | bool) -> tuple[str, list[Any]]:
        kind = self.view.kinds.get(name)
        if kind in _NUMERIC and column != "id":
            number = as_numbers(pa.array([_written(value)]))[0]
            if np.isnan(number):
                raise InputError(f"{value!r} is no number to compare {name} with")
            return f"n{column[1:]} {sign} ?", [float(number)]
        if kind == "date" and column != "id":
            return f"n{column[1:]} {sign} ?", [comparable(pa.array([_written(value)]), Kind.DATE)[0].as_py()]
        return f"{column} {sign} ?", [_written(value)]


class RowIndexes:
    """The indexes that are open, the least recently used closed first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: OrderedDict[str, RowIndex] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, view: View) -> RowIndex:
        """The index of a table as it is now."""
        with self._lock:
            key = f"{view.name}\0{view.version}"
            if key not in self._open:
                self._open[key] = RowIndex(view, self.folder)
            self._open.move_to_end(key)
            while len(self._open) > _OPEN:
                self._open.popitem(last=False)[1].close()
            return self._open[key]

    def close(self) -> None:
        """Close all."""
        with self._lock:
            for one in self._open.values():
                one.close()
            self._open.clear()


_SETTINGS = {"memory_limit": "2GB", "threads": "2", "autoinstall_known_extensions": "false"}


def _build(path: Path, view: View) -> None:
    """Write the columns as texts, and as numbers and dates where they are some; beside all words of a row."""
    columns: dict[str, Any] = {"row": pa.array(np.arange(len(view), dtype=np.int32)), "id": view.ids}
    for number, name in enumerate(view.columns):
        column, kind = view.data[name], view.kinds[name]
        columns[f"c{number}"] = column
        if kind in _NUMERIC:
            found = as_numbers(column)
            columns[f"n{number}"] = pa.array(found, mask=np.isnan(found))
        elif kind == "date":
            columns[f"n{number}"] = comparable(column, Kind.DATE)
    words = [pc.fill_null(view.data[name], "") for name in view.columns]
    joined = pc.binary_join_element_wise(*words, " ") if words else pa.nulls(len(view), pa.string())
    columns["words"] = pc.utf8_lower(joined)
    with contextlib.closing(_duckdb().connect(str(path), config=_SETTINGS)) as database:
        database.register("given", pa.table(columns))
        database.execute("CREATE TABLE t AS SELECT * FROM given")
        database.execute("CHECKPOINT")


def _duckdb() -> Any:
    try:
        import duckdb
    except ModuleNotFoundError:
        raise MissingExtra("browsing tables", "serve") from None
    return duckdb


def _match(q: str) -> str:
    """Words as the full-text index takes them: all of them, the last one may go on."""
    words = [w for w in "".join(ch if ch.isalnum() else " " for ch in q).split() if w]
    return " ".join(json.dumps(w, ensure_ascii=False) for w in words) + ("*" if words else "")


def _written(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
