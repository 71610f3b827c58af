"""Opening a workbook so that what is damaged in it costs only itself."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import Any

from openpyxl.reader.excel import ExcelReader
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

# What a spoilt workbook makes the readers of zip, XML and sheets raise; XML that is broken is a SyntaxError.
DAMAGE = (
    LookupError, ValueError, TypeError, AttributeError, OSError, EOFError, RuntimeError, SyntaxError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


class Reader(ExcelReader):  # type: ignore[misc]
    """Opens the sheets of a workbook to be read row by row; `damaged` says why others cannot be opened, by name."""

    def __init__(self, raw: bytes, *, data_only: bool) -> None:
        super().__init__(io.BytesIO(raw), read_only=True, data_only=data_only)
        self.damaged: dict[str, BaseException] = {}

    def read_worksheets(self) -> None:
        """Open each sheet; opening one reads its first bytes."""
        for sheet, place in self.parser.find_sheets():
            if place.target not in self.valid_files or "chartsheet" in place.Type:
                continue
            try:
                opened = ReadOnlyWorksheet(self.wb, sheet.name, place.target, self.shared_strings)
            except DAMAGE as error:
                self.damaged[sheet.name] = error
                continue
            opened.sheet_state = sheet.state
            self.wb._sheets.append(opened)
        self.parser.defined_names.definedName = []  # they point to sheets by position, and concern no cell

    def _of_no_value(self) -> None:
        """Properties and themes concern no cell; damaged ones are no reason to refuse a workbook."""

    read_properties = read_custom = read_theme = _of_no_value


def opened(raw: bytes, *, data_only: bool) -> tuple[Any, dict[str, BaseException]]:
    """The workbook with the sheets that can be opened, and why others cannot, by name."""
    reader = Reader(raw, data_only=data_only)
    reader.read()
    return reader.wb, reader.damaged
