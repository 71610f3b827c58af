"""`read`: files, folders, databases and data frames to a `Table`, no value changed, no row lost silently."""

from __future__ import annotations

import difflib
import glob
import gzip
import logging
import os
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.errors import BadRows, InputError, UnknownName
from dovetail.tables.binary import read_arrow, read_parquet
from dovetail.tables.database import hidden, is_database_url, query_in, read_database
from dovetail.tables.delimited import Part, read_delimited
from dovetail.tables.foreign import refuse_foreign
from dovetail.tables.nested import read_json
from dovetail.tables.sheets import read_excel
from dovetail.types import Reject, Table

_ENDINGS = (
    ".csv",
    ".tsv",
    ".txt",
    ".json",
    ".jsonl",
    ".ndjson",
    ".parquet",
    ".pq",
    ".xlsx",
    ".xlsm",
    ".arrow",
    ".feather",
)
_SAID = 5  # rejected rows that are named
_LOG = logging.getLogger("dovetail.tables")
_BOOKS = (".xlsx", ".xlsm", ".xlsx.gz", ".xlsm.gz")


def read(
    source: Any,
    *,
    id: str | None = None,  # noqa: A002 - the word people use
    name: str | None = None,
    query: str | None = None,
    sheet: str | None = None,
    strict: bool = False,
) -> Table:
    """Read a file, folder, glob, database URL, or a pandas, polars or Arrow table.

    `id` names the column whose values name the rows; without it a row is named `file:line`. `query` is SQL for a
    database, `sheet` the sheet of a workbook; `sqlite:///shop.db?query=select …` and `book.xlsx#Sheet` say the same.
    Rows that cannot be read are set aside in `.rejects`, or with `strict` raise `BadRows`. They and `.notes` are logged
    as warnings, so that no verb loses them in silence. Text formats give text columns, so that no value changes.
    """
    if isinstance(source, Table):
        return source if id is None else _named(source, id, None)
    if not isinstance(source, str | Path):
        data = _from_object(source)
        label = name or "table"
        return _finish([Part(label, data, np.arange(1, data.num_rows + 1))], label, id, strict)
    if isinstance(source, str) and is_database_url(source):
        source, query = query_in(source, query)
        part, label = read_database(source, query)
        return _finish([part], name or label, id, strict, hidden(source))
    if query is not None:
        raise InputError(f"a query needs a database URL such as sqlite:///shop.db, not {source}")
    where, sheet = (str(source), sheet) if sheet is not None else _sheet_in(str(source))
    paths, label = _paths(where)
    parts = [_read_file(path, file, sheet) for path, file in zip(paths, _labels(paths), strict=True)]
    return _finish(parts, name or (sheet if sheet and len(paths) == 1 else label), id, strict)


def _paths(source: str) -> tuple[list[Path], str]:
    path = Path(source)
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if p.is_file() and _readable(p))
        if not found:
            raise InputError(f"the folder {source} holds no file that can be read; expected {', '.join(_ENDINGS)}")
        return found, path.name or path.resolve().name
    if path.is_file():
        return [path], _stem(path)
    matching = glob.glob(source, recursive=True)  # noqa: PTH207 - a pattern may start at the root
    found = sorted(Path(p) for p in matching if Path(p).is_file())
    if found:
        return found, _stem(found[0]) if len(found) == 1 else _stem(Path(source.replace("*", "").replace("?", "")))
    raise InputError(f"there is no file {source}{_near(path)}")


def _sheet_in(source: str) -> tuple[str, str | None]:
    """`book.xlsx#Sheet` in two; a `#` in the name of a file or folder, or of a sheet, stays where it is."""
    if Path(source).exists():
        return source, None
    marks = [i for i, sign in enumerate(source) if sign == "#" and source[:i].casefold().endswith(_BOOKS)]
    if not marks:
        return source, None
    at = next((i for i in reversed(marks) if Path(source[:i]).is_file()), marks[0])
    return source[:at], source[at + 1 :]


def _labels(paths: Sequence[Path]) -> list[str]:
    """How rows name their file: its name, with the folders in front where two files share one."""
    names = [path.name for path in paths]
    if len(set(names)) == len(names):
        return names
    top = Path(os.path.commonpath([path.parent for path in paths]))
    return [path.relative_to(top).as_posix() for path in paths]


def _near(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"; there is no folder {folder} either"
    names = [p.name for p in folder.iterdir() if p.is_file()]
    near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(repr(str(folder / n)) for n in near)}?" if near else ""


def _readable(path: Path) -> bool:
    name = path.name.casefold().removesuffix(".gz")
    return name.endswith(_ENDINGS) and not name.startswith((".", "~$"))


def _stem(path: Path) -> str:
    name = path.name.removesuffix(".gz")
    return Path(name).stem.strip(" -_.") or "table"


def _read_file(path: Path, file: str, sheet: str | None) -> Part:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be opened: {error.strerror}") from None
    if raw[:2] == b"\x1f\x8b":
        raw = _unzipped(raw, path)
    if not raw.strip(b" \t\r\n\xef\xbb\xbf\xff\xfe\0"):
        raise InputError(f"{path} is empty; expected a header line and rows")
    return _parse(raw, path, file, sheet)


def _parse(raw: bytes, path: Path, file: str, sheet: str | None) -> Part:
    """By content first, then by the ending of the name."""
    refuse_foreign(raw, path)
    ending = Path(path.name.casefold().removesuffix(".gz")).suffix
    if raw[:4] == b"PK\x03\x04" or ending in (".xlsx", ".xlsm"):
        return read_excel(raw, file, sheet)
    if sheet is not None:
        raise InputError(f"{path} is no workbook and has no sheet {sheet!r}; leave the sheet out")
    if raw[:4] == b"PAR1" or ending in (".parquet", ".pq"):
        return read_parquet(raw, file)
    if raw[:6] == b"ARROW1" or ending in (".arrow", ".feather"):
        return read_arrow(raw, file)
    head = raw[:200].lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")
    if ending in (".json", ".jsonl", ".ndjson") or (ending not in (".csv", ".tsv") and head[:1] in (b"{", b"[")):
        return read_json(raw, file)
    return read_delimited(raw, file)


def _unzipped(raw: bytes, path: Path) -> bytes:
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} is a damaged or cut-off gzip file: {error}; fetch or pack it again") from None


def _from_object(source: Any) -> pa.Table:
    if isinstance(source, pa.Table):
        return source
    if isinstance(source, pa.RecordBatch):
        return pa.Table.from_batches([source])
    library = type(source).__module__.split(".")[0]
    try:
        if library == "pandas":
            return pa.Table.from_pandas(source, preserve_index=False).replace_schema_metadata(None)
        if library == "polars":
            return source.to_arrow()
        if isinstance(source, list) and source and all(isinstance(r, dict) for r in source):
            return pa.Table.from_pylist(source)
        if isinstance(source, dict):
            return pa.table(source)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise InputError(f"the {library} table cannot be turned into columns: {error}") from None
    raise InputError(
        f"a {type(source).__name__} is no table; expected a path, a database URL, or a pandas, polars or Arrow table"
    )


def _finish(parts: Sequence[Part], name: str, id_column: str | None, strict: bool, origin: str | None = None) -> Table:
    rejects = tuple(r for part in parts for r in part.rejects)
    unknown = [part.unknown for part in parts if part.unknown]
    if strict and rejects:
        first = rejects[0]
        raise BadRows(
            f"{_rows(len(rejects))} cannot be read, the first in {first.file}, line {first.line}: {first.reason}; "
            f"mend them, or leave out --strict to set them aside"
        )
    if strict and unknown:
        raise BadRows(f"{unknown[0]}, or leave out --strict")
    data = _united(parts)
    where = origin or ", ".join(part.file for part in parts[:3])
    if not data.num_rows:
        raise InputError(f"{where} has a header but no rows{_lost(rejects)}")
    _check_columns(data, where)
    lines = [f"{part.file}:{line}" for part in parts for line in part.lines.tolist()]
    notes = (*unknown, *(note for part in parts for note in part.notes))
    found = _named(Table(name, data, pa.array(lines, pa.string()), rejects, notes=notes), id_column, lines)
    _say(found)
    return found


def _say(table: Table) -> None:
    """Log what was not read, so that whatever reads tables says it."""
    for reject in table.rejects[:_SAID]:
        _LOG.warning("not read: %s, line %d: %s", reject.file, reject.line, reject.reason)
    if len(table.rejects) > _SAID:
        _LOG.warning("not read: %s more", _rows(len(table.rejects) - _SAID))
    for note in table.notes:
        _LOG.warning("%s", note)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _lost(rejects: Sequence[Reject]) -> str:
    if not rejects:
        return "; give a file that holds some"
    if all("no text" in reject.reason for reject in rejects):
        return f" that are text: it is neither UTF-8, UTF-16 nor Windows-1252; save {rejects[0].file} as UTF-8"
    return (
        f": all {len(rejects):,} were refused, the first in line {rejects[0].line}: {rejects[0].reason}. If the "
        f"header stands further down, delete the lines above it"
    )


def _united(parts: Sequence[Part]) -> pa.Table:
    encodings = {part.file: part.encoding for part in parts if part.encoding}
    strangers = [part.file for part in parts[1:] if not {*part.data.column_names} & {*parts[0].data.column_names}]
    if strangers:
        raise InputError(
            f"{strangers[0]} has no column in common with {parts[0].file}; files that are read as one table "
            f"must have the same columns. Read them one by one, or move the others away"
        )
    data = parts[0].data if len(parts) == 1 else _stacked([part.data for part in parts])
    said = {b"dovetail.encoding": "; ".join(f"{f}: {e}" for f, e in encodings.items()).encode()} if encodings else None
    return data.replace_schema_metadata(said)


def _stacked(tables: Sequence[pa.Table]) -> pa.Table:
    try:
        return pa.concat_tables(tables, promote_options="default")
    except pa.ArrowException:  # one file has numbers where another has text
        as_text = [t.cast(pa.schema([(n, pa.string()) for n in t.column_names])) for t in tables]
        return pa.concat_tables(as_text, promote_options="default")


def _check_columns(data: pa.Table, where: str) -> None:
    twice = [n for n, times in Counter(data.column_names).items() if times > 1]
    if twice:
        raise InputError(f"{where} has two columns of one name: {', '.join(map(repr, twice))}; rename one of each")


def _named(table: Table, id_column: str | None, lines: list[str] | None) -> Table:
    """The table with its rows named by a column; as it is where none is given. `lines` says where its rows stood."""
    data, name = table.data, table.name
    if id_column is None:
        return table
    if id_column not in data.column_names:
        raise UnknownName("column", id_column, data.column_names, name)
    ids = pc.cast(data[id_column], pa.string()).combine_chunks()
    if isinstance(ids, pa.ChunkedArray):
        ids = pa.array(ids.to_pylist(), pa.string())
    if ids.null_count:
        row = int(np.flatnonzero(ids.is_null().to_numpy(zero_copy_only=False))[0])
        raise InputError(
            f"{_rows(ids.null_count)} of {name} {'has' if ids.null_count == 1 else 'have'} no {id_column!r}, first at "
            f"{lines[row] if lines else row + 1}; "
            f"fill them in, or leave out the id column so that rows are named by file and line"
        )
    _check_unique(ids, id_column, name, lines)
    return replace(table, ids=ids, id_column=id_column)


def _check_unique(ids: pa.Array, column: str, name: str, lines: list[str] | None) -> None:
    counts = pc.value_counts(ids)
    twice = counts.filter(pc.greater(counts.field("counts"), 1)).field("values")
    if not len(twice):
        return
    shown = []
    for value in twice.slice(0, 5).to_pylist():
        rows = np.flatnonzero(pc.equal(ids, value).to_numpy(zero_copy_only=False))[:3].tolist()
        shown.append(f"{value!r} (at {', '.join(lines[row] if lines else f'row {row + 1}' for row in rows)})")
    raise InputError(
        f"{len(twice):,} values of {column!r} name more than one row of {name}: {'; '.join(shown)}; ids must be "
        f"unique. Make them so, or leave out the id column so that rows are named by file and line"
    )
