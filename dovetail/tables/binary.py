"""Parquet, Arrow and Excel files."""

from __future__ import annotations

import datetime as dt
import io
import warnings
import zipfile
from typing import Any

import numpy as np
import pyarrow as pa

from dovetail.errors import InputError
from dovetail.tables.delimited import Part, column_names
from dovetail.tables.workbook import unescaped
from dovetail.types import Reject


def read_parquet(raw: bytes, file: str) -> Part:
    """Read a Parquet file with its own column types. Row numbers stand for lines."""
    import pyarrow.parquet as pq

    try:
        data = pq.read_table(io.BytesIO(raw))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{file} looks like Parquet but cannot be read: {_brief(error)}; write it again") from None
    return _numbered(data, file, "parquet")


def read_arrow(raw: bytes, file: str) -> Part:
    """Read an Arrow IPC (Feather) file with its own column types."""
    try:
        data = pa.ipc.open_file(pa.BufferReader(raw)).read_all()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{file} looks like Arrow but cannot be read: {_brief(error)}; write it again") from None
    return _numbered(data, file, "arrow")


def _numbered(data: pa.Table, file: str, encoding: str) -> Part:
    column_names([str(n) for n in data.column_names], file)
    return Part(file, data, np.arange(1, data.num_rows + 1), [], encoding)


# What a spoilt workbook makes the zip and sheet readers raise.
_DAMAGE = (
    LookupError, ValueError, TypeError, AttributeError, OSError, EOFError, RuntimeError, zipfile.BadZipFile
)  # fmt: skip


def read_excel(raw: bytes, file: str) -> Part:
    """Read the first sheet of a workbook as text: whole numbers without a decimal point, dates as ISO 8601."""
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles and validations that do not concern values
            book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
            rows = [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
    except _DAMAGE as error:
        raise InputError(f"{file} looks like Excel but cannot be read: {_brief(error)}; save it again") from None
    except Exception as error:  # XML parsers raise their own kinds for damaged sheets
        if type(error).__module__.split(".")[0] in ("xml", "lxml", "zlib", "openpyxl") or "zlib" in repr(error):
            raise InputError(f"{file} looks like Excel but is damaged: {_brief(error)}; save it again") from None
        raise
    return _sheet(rows, file)


def _sheet(rows: list[list[Any]], file: str) -> Part:
    filled = [(number, row) for number, row in enumerate(rows, start=1) if any(c not in (None, "") for c in row)]
    if not filled:
        raise InputError(f"the first sheet of {file} is empty; expected a header row and rows")
    width = max((i + 1 for i, c in enumerate(filled[0][1]) if c not in (None, "")), default=0)
    header = column_names([_shown(c) or "" for c in filled[0][1][:width]], file)
    kept, lines, rejects = [], [], []
    for number, row in filled[1:]:
        if any(c not in (None, "") for c in row[width:]):
            text = " | ".join(_shown(c) or "" for c in row)
            rejects.append(Reject(file, number, f"cells beyond the {width} columns of the header", text[:500]))
            continue
        kept.append([_shown(c) for c in row[:width]] + [None] * (width - len(row)))
        lines.append(number)
    columns = zip(*kept, strict=True) if kept else [[] for _ in header]
    data = pa.table([pa.array(list(cells), pa.string()) for cells in columns], names=header)
    return Part(file, data, np.asarray(lines, dtype=np.int64), rejects, "excel")


def _shown(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return unescaped(str(value)).encode("utf-8", "replace").decode("utf-8")


def _brief(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
