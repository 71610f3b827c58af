"""Reading Excel: which sheet of a workbook holds the table, and its cells as text."""

from __future__ import annotations

import csv
import datetime as dt
import io
import warnings
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from dovetail.errors import InputError, UnknownName
from dovetail.tables.binary import brief
from dovetail.tables.delimited import KEEP, Part, column_names
from dovetail.tables.workbook import unescaped
from dovetail.types import Reject

if TYPE_CHECKING:
    from openpyxl.cell import Cell

_NOT_STORED = "\0"  # a formula without a stored result; no cell of a sheet can hold this character
_COMPUTE = "open it in a spreadsheet program and save it"
_NAMED = 10  # cells without a value that are named


@dataclass(frozen=True)
class _Sheet:
    name: str
    visible: bool
    rows: list[tuple[int, list[Any]]]  # the filled ones with their numbers


def read_excel(raw: bytes, file: str, sheet: str | None = None) -> Part:
    """Read one sheet as text: whole numbers without a decimal point, dates as ISO 8601.

    Without a name it is the only visible sheet that holds rows; several, or rows in hidden sheets only, raise
    `InputError` with their names, and so does one that is damaged, since it may be the table. With a name no other
    sheet is read. A formula whose result the file does not hold gives an empty cell, and the part says which; a row
    with nothing else is set aside.
    """
    from dovetail.tables.book import DAMAGE

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles and validations that do not concern values
            sheets, damaged = _sheets(raw, file, sheet)
    except InputError:
        raise
    except DAMAGE as error:
        raise InputError(f"{file} looks like Excel but cannot be read: {brief(error)}; save it again") from None
    chosen = sheets[0] if sheet is not None else _chosen(sheets, file)
    is_named = sheet is not None or len(sheets) > 1
    part = _part(chosen.rows, file, f"sheet {chosen.name!r}" if is_named else "the first sheet")
    return replace(part, notes=[f"{file}: sheet {name!r} is damaged and was not read" for name in damaged])


def _sheets(raw: bytes, file: str, name: str | None) -> tuple[list[_Sheet], list[str]]:
    """The sheets, or the one of that name; and the names of others that are damaged."""
    from dovetail.tables.book import DAMAGE, opened

    book, damaged = opened(raw, data_only=True)
    _refuse_damaged(book.worksheets, damaged, file, name)
    asked = book.worksheets if name is None else [_named(book.worksheets, file, name)]
    has_formulas = _has_formulas(raw, {sheet._worksheet_path for sheet in asked})
    plain = opened(raw, data_only=False)[0] if has_formulas else None
    found = []
    for sheet in asked:
        sheet.reset_dimensions()  # some programs state a size that is too small, and cells beyond it would be lost
        try:
            rows = _filled(sheet.iter_rows(values_only=True)) if plain is None else _computed(sheet, plain[sheet.title])
        except DAMAGE as error:
            _refuse_damaged(book.worksheets, {sheet.title: error}, file, name)
            raise
        found.append(_Sheet(sheet.title, sheet.sheet_state == "visible", rows))
    return found, list(damaged)


def _refuse_damaged(sheets: list[Any], damaged: dict[str, BaseException], file: str, name: str | None) -> None:
    """Refuse to read where the sheet that is wanted is damaged, or may be."""
    wanted = [n for n in damaged if name is None or n.casefold() == name.casefold()]
    if not wanted:
        return
    sound = [sheet.title for sheet in sheets if sheet.title not in damaged]
    other = f", or name a sound sheet after a #, as in {file}#{sound[0]}" if sound else ""
    raise InputError(f"sheet {wanted[0]!r} of {file} is damaged: {brief(damaged[wanted[0]])}; save it again{other}")


def _filled(rows: Any) -> list[tuple[int, list[Any]]]:
    return [(number, list(row)) for number, row in enumerate(rows, start=1) if any(c not in (None, "") for c in row)]


def _has_formulas(raw: bytes, sheets: set[str]) -> bool:
    """Whether a cell of these sheets, given by their paths in the file, is a formula."""
    with zipfile.ZipFile(io.BytesIO(raw)) as book:
        inside = [name for name in book.namelist() if name in sheets]
        return any(b"<f>" in text or b"<f " in text for text in map(book.read, inside))


def _computed(sheet: Any, plain: Any) -> list[tuple[int, list[Any]]]:
    """The rows of a sheet, with a mark where the result of a formula was never stored."""
    plain.reset_dimensions()
    both = zip(sheet.iter_rows(), plain.iter_rows(), strict=True)
    return _filled([_result(cell, twin) for cell, twin in zip(cells, twins, strict=True)] for cells, twins in both)


def _result(cell: Cell, twin: Cell) -> Any:
    # A formula that gives empty text is stored as text ("str") without content; one never computed has no type.
    never = cell.value is None and twin.data_type == "f" and cell.data_type == "n"
    return _NOT_STORED if never else cell.value


def _named(sheets: list[Any], file: str, name: str) -> Any:
    same = [s for s in sheets if s.title == name] or [s for s in sheets if s.title.casefold() == name.casefold()]
    if not same:
        raise UnknownName("sheet", name, [s.title for s in sheets], file)
    return same[0]


def _chosen(sheets: list[_Sheet], file: str) -> _Sheet:
    if not sheets:
        raise InputError(f"{file} holds no sheet with cells; save the table as a sheet of its own")
    tables = [s for s in sheets if s.visible and len(s.rows) > 1]
    if len(tables) > 1:
        held = ", ".join(f"{s.name!r} with {len(s.rows):,} rows" for s in tables[:8])
        raise InputError(
            f"{file} holds {len(tables)} sheets that may be the table: {held}; name one after a #, as in "
            f"{file}#{tables[0].name}"
        )
    if tables:
        return tables[0]
    hidden = [s for s in sheets if not s.visible and len(s.rows) > 1]
    if hidden:
        raise InputError(
            f"{file} holds rows in hidden sheets only: {', '.join(repr(s.name) for s in hidden[:8])}; name one after a "
            f"#, as in {file}#{hidden[0].name}"
        )
    return next((s for s in sheets if s.visible and s.rows), sheets[0])


def _part(filled: list[tuple[int, list[Any]]], file: str, where: str) -> Part:
    if not filled:
        raise InputError(f"{where} of {file} is empty; expected a header row and rows")
    width = max((i + 1 for i, c in enumerate(filled[0][1]) if c not in (None, "")), default=0)
    if _NOT_STORED in filled[0][1]:
        raise InputError(f"the header of {where} of {file} has a formula without a stored result; {_COMPUTE}")
    header = column_names([_shown(c) or "" for c in filled[0][1][:width]], file)
    kept, lines, rejects, gaps = [], [], [], []
    for number, row in filled[1:]:
        reason = _fault(row, width)
        if reason:
            cells = [(_shown(c) or "").replace(_NOT_STORED, "?") for c in row]
            rejects.append(Reject(file, number, reason, " | ".join(cells)[:KEEP], _line(cells), _line(header)))
            continue
        gaps += [(number, at) for at, c in enumerate(row) if c == _NOT_STORED]
        kept.append([_shown(None if c == _NOT_STORED else c) for c in row[:width]] + [None] * (width - len(row)))
        lines.append(number)
    columns = zip(*kept, strict=True) if kept else [[] for _ in header]
    data = pa.table([pa.array(list(cells), pa.string()) for cells in columns], names=header)
    said = _said_of_gaps(gaps, f"{file}, {where}" if where != "the first sheet" else file)
    return Part(file, data, np.asarray(lines, dtype=np.int64), rejects, "excel", unknown=said)


def _said_of_gaps(gaps: list[tuple[int, int]], where: str) -> str:
    """Which cells were left empty, in words; nothing where none was."""
    from openpyxl.utils import get_column_letter

    if not gaps:
        return ""
    names = ", ".join(f"{get_column_letter(at + 1)}{number}" for number, at in gaps[:_NAMED])
    more = f" and {len(gaps) - _NAMED:,} more" if len(gaps) > _NAMED else ""
    one = len(gaps) == 1
    what = "1 formula has no stored result, and its cell is" if one else (
        f"{len(gaps):,} formulas have no stored result, and their cells are"
    )  # fmt: skip
    return f"{where}: {what} left empty: {names}{more}; {_COMPUTE}"


def _fault(row: list[Any], width: int) -> str | None:
    if any(c not in (None, "") for c in row[width:]):
        return f"cells beyond the {width} columns of the header"
    if all(c in (None, "", _NOT_STORED) for c in row):
        return f"nothing but formulas whose results are not in the file; {_COMPUTE}"
    return None


def _line(cells: list[str]) -> bytes:
    """Cells as a line of CSV."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode()


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
