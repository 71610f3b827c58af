"""Files that are no table, known by their first bytes, and what to do about each."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from dovetail.errors import InputError

_KINDS = (
    (b"%PDF", "a PDF", "ask for the table as CSV or Excel, or copy it out of the PDF into a spreadsheet"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or encrypted Excel file", "save it as .xlsx without a password"),
    (b"{\\rtf", "a text document", "save its table as CSV"),
    (b"\x89PNG", "a picture", "a table is needed, such as CSV or Excel"),
    (b"\xff\xd8\xff", "a picture", "a table is needed, such as CSV or Excel"),
    (b"GIF8", "a picture", "a table is needed, such as CSV or Excel"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it and name the file inside"),
    (b"Rar!\x1a\x07", "a RAR archive", "unpack it and name the file inside"),
    (b"BZh", "packed with bzip2", "unpack it, or pack it with gzip"),
    (b"\xfd7zXZ\x00", "packed with xz", "unpack it, or pack it with gzip"),
    (b"\x28\xb5\x2f\xfd", "packed with Zstandard", "unpack it, or pack it with gzip"),
)
_PAGES = (b"<!doctype html", b"<html")


def refuse_foreign(raw: bytes, path: Path) -> None:
    """Raise `InputError` for content that is no table, saying what it is and how to get at the table."""
    for start, what, mend in _KINDS:
        if raw.startswith(start):
            raise InputError(f"{path} is {what}; {mend}")
    if raw[:15] == b"SQLite format 3":
        raise InputError(f"{path} is a SQLite database; name it as sqlite:///{path}?table=NAME")
    if raw[:100].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
        raise InputError(f"{path} is a web page, perhaps of a login; download the table itself, as CSV or Excel")
    if raw[:4] == b"PK\x03\x04":
        _refuse_archive(raw, path)


def _refuse_archive(raw: bytes, path: Path) -> None:
    """Of zip files only workbooks are tables."""
    try:
        names = zipfile.ZipFile(io.BytesIO(raw)).namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, LookupError):  # spoilt in any way
        return  # the reader of workbooks says what is wrong with it
    if "content.xml" in names:
        raise InputError(f"{path} is an OpenDocument file; save it as .xlsx or CSV")
    if "[Content_Types].xml" not in names:
        inside = ", ".join(map(repr, names[:3]))
        raise InputError(f"{path} is a zip archive that holds {inside}; unpack it and name the file inside")
    if "xl/workbook.xml" not in names and "word/document.xml" in names:
        raise InputError(f"{path} is a Word document; save its table as .xlsx or CSV")
