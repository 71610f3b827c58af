"""Excel workbooks: one sheet, text stays text."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa

from dovetail.errors import InputError

_MOST_ROWS = 1_048_575
_MOST_COLUMNS = 16_384
_LONGEST = 32_767  # characters a cell
_EXACT = 10**15  # a spreadsheet keeps 15 digits of a number
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_MUST_ESCAPE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


def write_excel(data: pa.Table, out: BinaryIO) -> None:
    """Write a workbook of one sheet. Text is never taken for a number, a date or a formula."""
    import openpyxl

    if data.num_rows > _MOST_ROWS or data.num_columns > _MOST_COLUMNS:
        raise InputError(
            f"{data.num_rows:,} rows of {data.num_columns:,} columns do not fit an Excel sheet, which holds "
            f"{_MOST_ROWS:,} of {_MOST_COLUMNS:,}; write CSV or Parquet"
        )
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("table")
    sheet.append([_cell(sheet, str(name), "the header") for name in data.column_names])
    try:
        for row, values in enumerate(_rows(data), start=2):
            sheet.append([_cell(sheet, value, f"row {row}") for value in values])
    except InputError:
        sheet.close()
        raise
    book.save(out)


def _rows(data: pa.Table) -> Iterator[tuple[Any, ...]]:
    for batch in data.to_batches(max_chunksize=10_000):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _cell(sheet: Any, value: Any, where: str) -> Any:
    from openpyxl.cell import WriteOnlyCell

    if value is None or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < _EXACT):
        return value
    if isinstance(value, dt.date | dt.time) and not getattr(value, "tzinfo", None) and _in_calendar(value):
        return value
    text = escaped(str(value))
    if len(text) > _LONGEST:
        raise InputError(
            f"a cell of {where} has {len(text):,} characters, Excel holds {_LONGEST:,}; write CSV or Parquet"
        )
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"  # otherwise "=1+1" would become a formula
    return cell


def _in_calendar(value: dt.date | dt.time) -> bool:
    return isinstance(value, dt.time) or value.year > 1900


def escaped(text: str) -> str:
    """Text as a sheet stores it: control characters written `_x000D_`."""
    return _MUST_ESCAPE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def unescaped(text: str) -> str:
    """Text of a sheet as a person typed it."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text
