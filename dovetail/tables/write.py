"""`write`: a table to a file or a database, whole or not at all, every value as it is."""

from __future__ import annotations

import contextlib
import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from dovetail.errors import InputError
from dovetail.tables.atomic import replace_file
from dovetail.tables.database import hidden, is_database_url, write_database
from dovetail.tables.workbook import write_excel
from dovetail.types import Table

_ROWS = 50_000  # rows turned into text at a time
_QUOTED = r'[",;|\t\r\n\\]|^[\s\x{FEFF}]|\s$'  # cells that another delimiter, or trimming, could spoil
_FORMULA = r"^[=+\-@\t\r']"  # what begins with the guard itself is guarded, too, so that every guard can be taken off
_NUMBER = r"^[+-]?(\d[\d.,]*|[.,]\d+)([eE][+-]?\d+)?\s?%?$"


def write(
    table: Table | pa.Table, target: str | Path, *, guard_formulas: bool = False, table_name: str | None = None
) -> Path | str:
    """Write a table to CSV, TSV, JSON lines, Parquet or Excel by the ending of the name, or into a database by URL.

    `.gz` after the ending packs the file. `guard_formulas` puts `'` before cells of a CSV that a spreadsheet
    would run as a formula, or that begin with `'` already; plain numbers stay. A database table is named by
    `table_name` or `?table=` and replaces one of that name. An older file or table stays as it was until the new one
    is complete. Gives the path, or the URL without its password.
    """
    data = table.data if isinstance(table, Table) else table
    if isinstance(target, str) and is_database_url(target):
        write_database(data, target, table_name or (table.name if isinstance(table, Table) else None))
        return hidden(target)
    path = Path(target)
    writer = _writer(path, guard_formulas)
    try:
        with replace_file(path) as beside, _opened(beside, path) as out:
            writer(data, out)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from None
    return path


def check_target(target: str | Path) -> None:
    """Refuse what `write` could not write: a name without a known ending; to be asked before long work."""
    if not (isinstance(target, str) and is_database_url(target)):
        _writer(Path(target), guard=False)


def _writer(path: Path, guard: bool) -> Callable[[pa.Table, BinaryIO], None]:
    writers: dict[str, Callable[[pa.Table, BinaryIO], None]] = {
        ".csv": lambda data, out: _write_delimited(data, out, ",", guard),
        ".tsv": lambda data, out: _write_delimited(data, out, "\t", guard),
        ".jsonl": _write_json_lines,
        ".ndjson": _write_json_lines,
        ".parquet": _write_parquet,
        ".xlsx": write_excel,
    }
    ending = Path(path.name.casefold().removesuffix(".gz")).suffix
    if ending not in writers:
        raise InputError(f"{path} has no ending that says how to write it; expected one of {', '.join(writers)}")
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it, such as {path / f'table{ending}'}")
    return writers[ending]


@contextlib.contextmanager
def _opened(beside: Path, path: Path) -> Iterator[BinaryIO]:
    with beside.open("wb") as out:
        if path.name.casefold().endswith(".gz"):
            with gzip.GzipFile("", "wb", fileobj=out, mtime=0) as packed:  # no name, no time: same table, same bytes
                yield packed  # type: ignore[misc]
        else:
            yield out


def _write_parquet(data: pa.Table, out: BinaryIO) -> None:
    import pyarrow.parquet as pq

    pq.write_table(data, out, compression="zstd")


def _write_delimited(data: pa.Table, out: BinaryIO, delimiter: str, guard: bool) -> None:
    names = pa.table([pa.array([str(n)], pa.string()) for n in data.column_names], names=data.column_names)
    for part in (names, *_slices(data)):
        cells = [_cell(as_text(column), guard) for column in part.columns]
        if len(cells) == 1:  # a line that is blank would not count as a row
            cells = [pc.if_else(pc.equal(cells[0], ""), '""', cells[0])]
        lines = pc.binary_join_element_wise(*cells, delimiter)
        out.write("".join(f"{line}\n" for line in lines.to_pylist()).encode("utf-8"))


def _cell(text: pa.Array, guard: bool) -> pa.Array:
    text = pc.fill_null(text, "")
    if guard:
        runs = pc.and_(pc.match_substring_regex(text, _FORMULA), pc.invert(pc.match_substring_regex(text, _NUMBER)))
        text = pc.if_else(runs, pc.binary_join_element_wise("'", text, ""), text)
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(text, '"', '""'), '"', "")
    return pc.if_else(pc.match_substring_regex(text, _QUOTED), quoted, text)


def as_text(column: pa.ChunkedArray) -> pa.Array:
    """A column as text: numbers, dates and truth values in their plain spelling, nested values as JSON."""
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], column.type)
    try:
        return pc.cast(array, pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        cells = [None if v is None else json.dumps(v, ensure_ascii=False, default=str) for v in array.to_pylist()]
        return pa.array(cells, pa.string())


def without_guard(data: pa.Table) -> pa.Table:
    """A table that was written with `guard_formulas`, its texts as they were before."""
    texts = [
        pc.replace_substring_regex(column, r"^'([=+\-@\t\r'])", r"\1") if pa.types.is_string(column.type) else column
        for column in data.columns
    ]
    return pa.table(texts, names=data.column_names)


def is_guarded(path: Path) -> bool:
    """Whether a file is a result that was written with `guard_formulas`, as the `run.json` beside it says."""
    try:
        run = json.loads((path.parent / "run.json").read_text(encoding="utf-8"))
        guarded = run["settings"]["guard_formulas"] is True and path.name in run["files"]
    except (OSError, ValueError, LookupError, TypeError):
        return False
    return guarded and path.name.endswith(".csv")


def _write_json_lines(data: pa.Table, out: BinaryIO) -> None:
    encode = json.JSONEncoder(ensure_ascii=False, default=str, allow_nan=False).encode
    for part in _slices(data):
        names = [str(n) for n in part.column_names]
        columns = [_json_values(column) for column in part.columns]
        lines = (encode(dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True))
        out.write("".join(f"{line}\n" for line in lines).encode("utf-8"))


def _json_values(column: pa.ChunkedArray) -> Sequence[Any]:
    if pa.types.is_floating(column.type):  # JSON knows no NaN and no infinity
        column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))
    elif pa.types.is_temporal(column.type) or pa.types.is_decimal(column.type):
        return list(as_text(column).to_pylist())
    return list(column.to_pylist())


def _slices(data: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, data.num_rows, _ROWS):
        yield data.slice(start, _ROWS)
