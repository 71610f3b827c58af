"""CSV and its relatives: delimiter found, lines counted, rows that do not fit set aside."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.errors import InputError
from dovetail.tables.encoding import decode, has_broken_bytes, line_bounds, odd_word
from dovetail.types import Reject

if TYPE_CHECKING:
    import _csv

_DELIMITERS = (",", ";", "\t", "|")
_CHUNK = 50_000
_SEPARATOR = re.compile(r'\ufeff?"?sep=([^"\w\s]|\t)"?[\r\n]*', re.IGNORECASE)  # what spreadsheets put above a header
_STRAY = re.compile(r'[,;\t|]"|"[,;\t|]')
_BLANK = " \t\r\n"
KEEP = 500  # characters of a rejected row that are shown


@dataclass
class Part:
    """Rows of one file before they become a table: columns of text, the line of each row, what was set aside."""

    file: str
    data: pa.Table
    lines: np.ndarray[tuple[int], np.dtype[np.int64]]
    rejects: list[Reject] = field(default_factory=list)
    encoding: str = ""
    notes: list[str] = field(default_factory=list)  # what a person should know of the reading
    unknown: str = ""  # which cells of the rows have a value that is not known, in words


def read_delimited(raw: bytes, file: str) -> Part:
    """Read bytes of a CSV, TSV, semicolon or pipe separated file. Every column is text, an empty cell is null."""
    text, encoding = decode(raw)
    lines = list(io.StringIO(text, newline=""))
    hint = _SEPARATOR.fullmatch(lines[0]) if lines else None
    dialect = _Dialect(hint[1], None) if hint else _dialect(lines)
    start, header = _header(lines, dialect, file, 1 if hint else 0)
    parser = _Rows(_File(file, raw, encoding, lines), dialect, len(header), start)
    parser.parse()
    arrays = [pa.chunked_array(chunks or [pa.array([], pa.string())]) for chunks in parser.columns]
    data = pa.table(arrays, names=header)
    notes = doubts(text, encoding, file)
    return Part(file, data, np.asarray(parser.starts, dtype=np.int64), parser.rejects, encoding, notes)


def doubts(text: str, encoding: str, file: str) -> list[str]:
    """What a person should know of a guessed encoding, in words."""
    word = odd_word(text) if encoding == "windows-1252" else None
    if word is None:
        return []
    return [
        f"{file} is no UTF-8 and was read as Windows-1252, but {word!r} looks wrong; if it is, save the file as UTF-8, "
        f"as with: iconv -f ITS_ENCODING -t UTF-8"
    ]


@dataclass(frozen=True)
class _Dialect:
    delimiter: str
    escape: str | None

    def reader(self, lines: Iterable[str]) -> _csv.Reader:
        csv.field_size_limit(1 << 30)
        return csv.reader(
            lines, delimiter=self.delimiter, escapechar=self.escape, doublequote=self.escape is None, strict=True
        )


def _dialect(lines: Sequence[str]) -> _Dialect:
    head = [line for line in lines[:200] if line.strip()]
    escapes = (None, "\\") if any('\\"' in line for line in head) else (None,)
    return max((_Dialect(d, e) for e in escapes for d in _DELIMITERS), key=lambda dialect: _regularity(head, dialect))


def _regularity(head: Sequence[str], dialect: _Dialect) -> tuple[float, float, int]:
    """How well a dialect explains the first lines: the share of rows as wide as the header, the share without
    quotes beside another delimiter, and the width. Of equals the first dialect wins."""
    widths: list[int] = []
    stray = start = 0
    while start < len(head):
        reader = dialect.reader(head[start:])
        try:
            for row in reader:
                widths.append(len(row))
                stray += any(_STRAY.search(cell) is not None for cell in row if '"' in cell)
            break
        except csv.Error as error:
            if "unexpected end" in str(error):  # the first lines may end inside a quoted cell
                break
            widths.append(0)
            start += max(reader.line_num, 1)
    if not widths or widths[0] < 2:
        return 0.0, 0.0, 1
    regular = sum(width == widths[0] for width in widths[1:]) / max(len(widths) - 1, 1)
    return round(regular, 1), round(1 - stray / len(widths), 1), widths[0]


def _header(lines: Sequence[str], dialect: _Dialect, file: str, skip: int) -> tuple[int, list[str]]:
    """The line after the header, which is the first from `skip` on that is not blank, and the column names."""
    first = next((i for i in range(skip, len(lines)) if lines[i].strip()), None)
    if first is None:
        raise InputError(f"{file} is empty; expected a header line and rows")
    reader = dialect.reader(lines[first:])
    try:
        names = next(reader)
    except csv.Error as error:
        raise InputError(f"the header of {file}, line {first + 1}, cannot be read: {error}") from None
    after = first + reader.line_num
    return after, column_names(names, file)


def column_names(names: Sequence[str], file: str) -> list[str]:
    """Header cells as column names: blank ones are numbered, repeated ones refused."""
    if any(has_broken_bytes(n) or "\0" in n for n in names):
        raise InputError(f"the header of {file} holds bytes that are no text; is it a table? Save it as UTF-8 CSV")
    found = [n.strip() or f"column {i}" for i, n in enumerate(names, start=1)]
    twice = [n for n, times in Counter(found).items() if times > 1]
    if twice:
        raise InputError(
            f"{file} has {len(twice)} column {'name' if len(twice) == 1 else 'names'} more than once: "
            f"{', '.join(repr(n) for n in twice[:5])}; "
            f"rename them in the header so that each name stands once"
        )
    return found


@dataclass(frozen=True)
class _File:
    """A file as bytes and as the lines that they spell."""

    name: str
    raw: bytes
    encoding: str
    lines: Sequence[str]

    @cached_property
    def _bounds(self) -> npt.NDArray[np.int64]:
        return line_bounds(self.raw, self.encoding)

    def between(self, begin: int, end: int) -> bytes:
        """The bytes of the lines from one on and before another."""
        return self.raw[self._bounds[begin] : self._bounds[end]]


class _Rows:
    """Parses the body line by line; a line that cannot be read is set aside and reading goes on after it."""

    def __init__(self, file: _File, dialect: _Dialect, width: int, start: int) -> None:
        self.file, self.lines, self.dialect, self.width, self.start = file, file.lines, dialect, width, start
        self.columns: list[list[pa.Array]] = [[] for _ in range(width)]
        self.starts: list[int] = []
        self.rejects: list[Reject] = []

    def parse(self) -> None:
        at = self.start
        while at < len(self.lines):
            at = self._run(at)
        self.rejects.sort(key=lambda reject: reject.line)

    def _run(self, start: int) -> int:
        """Read rows until one breaks; gives the line to go on from."""
        reader = self.dialect.reader(_From(self.lines, start))
        rows: list[list[str]] = []
        spans: list[tuple[int, int]] = []
        begin = start
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                self._store(rows, spans)
                self._reject(begin, begin + 1, _reason(str(error)))
                return begin + 1
            if row is None:
                self._store(rows, spans)
                return len(self.lines)
            end = start + reader.line_num
            if not row or (len(row) == 1 and not self.lines[begin].strip(_BLANK) and end == begin + 1):
                pass  # a blank line
            elif len(row) == self.width:
                rows.append(row)
                spans.append((begin, end))
            else:
                self._reject(
                    begin, begin + 1, f"{len(row)} cell{'s'[: len(row) > 1]} where the header has {self.width}"
                )
                if end > begin + 1:  # a stray quote joined several lines: read the others on their own
                    self._store(rows, spans)
                    return begin + 1
            begin = end
            if len(rows) >= _CHUNK:
                self._store(rows, spans)
                rows, spans = [], []

    def _reject(self, begin: int, end: int, reason: str) -> None:
        text = "".join(self.lines[begin:end]).rstrip("\r\n")[:KEEP]
        raw, header = self.file.between(begin, end), self.header
        self.rejects.append(Reject(self.file.name, begin + 1, reason, text, raw, header))

    @cached_property
    def header(self) -> bytes:
        return self.file.between(0, self.start)

    def _store(self, rows: list[list[str]], spans: list[tuple[int, int]]) -> None:
        if not rows:
            return
        try:
            arrays = [pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)]
        except (UnicodeEncodeError, pa.ArrowInvalid):  # lone surrogates: bytes that did not fit
            rows, spans = self._sound(rows, spans)
            arrays = [pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)] if rows else []
        if any(pc.any(pc.match_substring(a, "\0")).as_py() for a in arrays):
            rows, spans = self._sound(rows, spans)
            arrays = [pa.array(cells, pa.string()) for cells in zip(*rows, strict=True)] if rows else []
        for chunks, array in zip(self.columns, arrays, strict=False):
            chunks.append(pc.if_else(pc.equal(array, ""), pa.scalar(None, pa.string()), array))
        self.starts.extend(begin + 1 for begin, _ in spans)

    def _sound(
        self, rows: list[list[str]], spans: list[tuple[int, int]]
    ) -> tuple[list[list[str]], list[tuple[int, int]]]:
        kept, lines = [], []
        for row, (begin, end) in zip(rows, spans, strict=True):
            if any(has_broken_bytes(cell) for cell in row):
                self._reject(begin, end, "bytes that are no text in this encoding")
            elif any("\0" in cell for cell in row):
                self._reject(begin, end, "a zero byte")
            else:
                kept.append(row)
                lines.append((begin, end))
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
