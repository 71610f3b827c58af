"""CSV and its relatives: delimiter found, lines counted, rows that do not fit set aside."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.errors import InputError
from dovetail.tables.encoding import decode, has_broken_bytes
from dovetail.types import Reject

_DELIMITERS = (",", ";", "\t", "|")
_CHUNK = 50_000
_KEEP = 500  # characters of a rejected row that are kept


@dataclass
class Part:
    """Rows of one file before they become a table: columns of text, the line of each row, what was set aside."""

    file: str
    data: pa.Table
    lines: np.ndarray[tuple[int], np.dtype[np.int64]]
    rejects: list[Reject] = field(default_factory=list)
    encoding: str = ""


def read_delimited(raw: bytes, file: str) -> Part:
    """Read bytes of a CSV, TSV, semicolon or pipe separated file. Every column is text, an empty cell is null."""
    text, encoding = decode(raw)
    lines = list(io.StringIO(text, newline=""))
    dialect = _dialect(lines)
    start, header = _header(lines, dialect, file)
    parser = _Rows(lines, dialect, len(header), file)
    parser.parse(start)
    arrays = [pa.chunked_array(chunks or [pa.array([], pa.string())]) for chunks in parser.columns]
    data = pa.table(arrays, names=header)
    return Part(file, data, np.asarray(parser.starts, dtype=np.int64), parser.rejects, encoding)


@dataclass(frozen=True)
class _Dialect:
    delimiter: str
    escape: str | None

    def reader(self, lines: Sequence[str]) -> csv.reader:  # type: ignore[valid-type]
        csv.field_size_limit(1 << 30)
        return csv.reader(
            lines, delimiter=self.delimiter, escapechar=self.escape, doublequote=self.escape is None, strict=True
        )


def _dialect(lines: Sequence[str]) -> _Dialect:
    head = [line for line in lines[:200] if line.strip()]
    joined = "".join(head)
    escape = "\\" if '\\"' in joined and '""' not in joined else None
    scores = {d: _regularity(head, _Dialect(d, escape)) for d in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda d: (scores[d], -_DELIMITERS.index(d)))
    return _Dialect(best, escape)


def _regularity(head: Sequence[str], dialect: _Dialect) -> tuple[float, int]:
    """How regular a delimiter makes the first lines: share of rows of the most common width, and that width."""
    widths: Counter[int] = Counter()
    try:
        for row in dialect.reader(head):  # type: ignore[attr-defined]
            widths[len(row)] += 1
    except csv.Error:
        pass
    if not widths:
        return 0.0, 0
    width, times = max(widths.items(), key=lambda item: (item[1], item[0]))
    return (0.0, 1) if width < 2 else (round(times / widths.total(), 1), width)


def _header(lines: Sequence[str], dialect: _Dialect, file: str) -> tuple[int, list[str]]:
    """The line after the header, and the column names."""
    first = next((i for i, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise InputError(f"{file} is empty; expected a header line and rows")
    reader = dialect.reader(lines[first:])
    try:
        names = next(reader)  # type: ignore[call-overload]
    except csv.Error as error:
        raise InputError(f"the header of {file}, line {first + 1}, cannot be read: {error}") from None
    after = first + reader.line_num  # type: ignore[attr-defined]
    return after, column_names(names, file)


def column_names(names: Sequence[str], file: str) -> list[str]:
    """Header cells as column names: blank ones are numbered, repeated ones refused."""
    if any(has_broken_bytes(n) or "\0" in n for n in names):
        raise InputError(f"the header of {file} holds bytes that are no text; is it a table? Save it as UTF-8 CSV")
    found = [n.strip() or f"column {i}" for i, n in enumerate(names, start=1)]
    twice = [n for n, times in Counter(found).items() if times > 1]
    if twice:
        raise InputError(
            f"{file} has {len(twice)} column names more than once: {', '.join(repr(n) for n in twice[:5])}; "
            f"rename them in the header so that each name stands once"
        )
    return found


class _Rows:
    """Parses the body line by line; a line that cannot be read is set aside and reading goes on after it."""

    def __init__(self, lines: Sequence[str], dialect: _Dialect, width: int, file: str) -> None:
        self.lines, self.dialect, self.width, self.file = lines, dialect, width, file
        self.columns: list[list[pa.Array]] = [[] for _ in range(width)]
        self.starts: list[int] = []
        self.rejects: list[Reject] = []

    def parse(self, start: int) -> None:
        while start < len(self.lines):
            start = self._run(start)

    def _run(self, start: int) -> int:
        """Read rows until one breaks; gives the line to go on from."""
        reader = self.dialect.reader(_From(self.lines, start))  # type: ignore[arg-type]
        rows: list[list[str]] = []
        begins: list[int] = []
        begin = start
        while True:
            try:
                row = next(reader, None)  # type: ignore[call-overload]
            except csv.Error as error:
                self._store(rows, begins)
                self._reject(begin, _reason(str(error)))
                return begin + 1
            if row is None:
                self._store(rows, begins)
                return len(self.lines)
            end = start + reader.line_num  # type: ignore[attr-defined]
            if len(row) == self.width:
                rows.append(row)
                begins.append(begin + 1)
            elif not row or (len(row) == 1 and not row[0].strip()):
                if self.width == 1 and row and self.lines[begin].strip():  # a quoted empty cell
                    rows.append([""])
                    begins.append(begin + 1)
            else:
                self._reject(begin, f"{len(row)} cells where the header has {self.width}")
                if end > begin + 1:  # a stray quote joined several lines: read the others on their own
                    self._store(rows, begins)
                    return begin + 1
            begin = end
            if len(rows) >= _CHUNK:
                self._store(rows, begins)
                rows, begins = [], []

    def _reject(self, line: int, reason: str) -> None:
        self.rejects.append(Reject(self.file, line + 1, reason, self.lines[line].rstrip("\r\n")[:_KEEP]))

    def _store(self, rows: list[list[str]], begins: list[int]) -> None:
        if not rows:
            return
        try:
            arrays = [pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)]
        except (UnicodeEncodeError, pa.ArrowInvalid):  # lone surrogates: bytes that did not fit
            rows, begins = self._sound(rows, begins)
            arrays = [pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)] if rows else []
        if any(pc.any(pc.match_substring(a, "\0")).as_py() for a in arrays):
            rows, begins = self._sound(rows, begins)
            arrays = [pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)] if rows else []
        for chunks, array in zip(self.columns, arrays, strict=False):
            chunks.append(pc.if_else(pc.equal(array, ""), pa.scalar(None, pa.string()), array))
        self.starts.extend(begins)

    def _sound(self, rows: list[list[str]], begins: list[int]) -> tuple[list[list[str]], list[int]]:
        kept, lines = [], []
        for row, line in zip(rows, begins, strict=True):
            if any(has_broken_bytes(cell) for cell in row):
                self._reject(line - 1, "bytes that are no text in this encoding")
            elif any("\0" in cell for cell in row):
                self._reject(line - 1, "a zero byte")
            else:
                kept.append(row)
                lines.append(line)
        return kept, lines


class _From:
    """The lines from a position on, without copying them."""

    def __init__(self, lines: Sequence[str], start: int) -> None:
        self.lines, self.at = lines, start

    def __iter__(self) -> _From:
        return self

    def __next__(self) -> str:
        if self.at >= len(self.lines):
            raise StopIteration
        self.at += 1
        return self.lines[self.at - 1]


def _reason(error: str) -> str:
    if "unexpected end of data" in error:
        return "a quote that never closes"
    if "expected after" in error:
        return "text after a closing quote"
    return error
