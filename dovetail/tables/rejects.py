"""Rows that could not be read, for their owner: a table of reasons, and beside it the lines as they stood."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count, groupby
from pathlib import Path, PurePath

import pyarrow as pa

from dovetail.errors import InputError
from dovetail.tables.atomic import replace_file
from dovetail.tables.write import write
from dovetail.types import Reject, Table

_BOOKS = (".xlsx", ".xlsm")
_OWN = ("table", "file", "line", "reason", "text")  # the first columns of the table of reasons


@dataclass(frozen=True)
class _Placed:
    """A reject, and where its bytes lie: from `at` on in a file of the folder."""

    table: str
    reject: Reject
    file: str
    at: int


def write_rejects(tables: Sequence[Table], path: str | Path, *, guard_formulas: bool = False) -> Path | None:
    """Write the rows that could not be read: the reasons as CSV, the lines themselves in a folder of the same name.

    The folder (`rejects/` beside `rejects.csv`) has a file for each source that lost rows: what stood above its rows,
    then the rejected lines, byte for byte. So it is a table like its source, to be mended and read. The columns
    `raw_file`, `raw_at` and `raw_bytes` say where each row lies in it, `raw_sha256` what the file was. Where no row was
    rejected, older files go and None comes back. Lines that somebody mended in the folder, and a table of somebody else
    under that name, are never written over: `InputError`.
    """
    path = Path(path)
    if _foreign(path):
        if any(table.rejects for table in tables):
            raise InputError(
                f"{path} is no table of rejected rows and would be written over; move it, or write elsewhere"
            )
        return None
    folder = path.with_suffix("")
    placed, contents = _laid_out(tables)
    before = _written(path)
    _check_unchanged(path, before, contents)
    for name in before.keys() - contents.keys():
        (folder / name).unlink(missing_ok=True)
    for name, content in contents.items():
        with replace_file(folder / name) as beside:
            beside.write_bytes(content)
    if placed:
        write(_reasons(placed, folder.name, contents), path, guard_formulas=guard_formulas)
        return path
    path.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    return None


def _foreign(path: Path) -> bool:
    """Whether something else lies under the name of the table of reasons."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file), [])[: len(_OWN)] != list(_OWN)
    except FileNotFoundError:
        return False
    except (OSError, ValueError, csv.Error):
        return True


def _written(path: Path) -> dict[str, str]:
    """The files of lines that an older table of reasons names, and their hashes, where it has them."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(row.get("raw_file") or "", row.get("raw_sha256") or "") for row in csv.DictReader(file)]
    except (OSError, ValueError, csv.Error):
        return {}
    return {name.rpartition("/")[2]: was for name, was in rows if name}


def _check_unchanged(path: Path, before: Mapping[str, str], contents: Mapping[str, bytes]) -> None:
    """Refuse to touch lines that are not as an older run left them."""
    for name in sorted(before.keys() | contents.keys()):
        old = path.with_suffix("") / name
        if not old.is_file() or (found := old.read_bytes()) == contents.get(name):
            continue
        if hashlib.sha256(found).hexdigest() != before.get(name):
            raise InputError(
                f"{old} is not as Dovetail left it, and would be written anew; move it to another folder, or remove it"
            )


def _laid_out(tables: Sequence[Table]) -> tuple[list[_Placed], dict[str, bytes]]:
    """Where the rejects lie, and the files of their lines by name."""
    placed: list[_Placed] = []
    contents: dict[str, bytes] = {}
    for table in tables:
        for file, rejects in groupby(table.rejects, key=lambda reject: reject.file):
            name, content = _free(file, contents), bytearray()
            for reject in rejects:
                content += b"" if content else reject.header
                content += b"" if not content or content.endswith((b"\n", b"\r", b"\0")) else b"\n"
                placed.append(_Placed(table.name, reject, name, len(content)))
                content += reject.raw
            contents[name] = bytes(content)
    return placed, contents


def _free(file: str, taken: Mapping[str, bytes]) -> str:
    """The name for the lines of a file: its own, unpacked, and of a workbook that of a CSV."""
    own = PurePath(file.replace("/", "_").removesuffix(".gz"))
    ending = f"{own.suffix}.csv" if own.suffix.casefold() in _BOOKS else own.suffix
    names = (f"{own.stem}{'' if n == 1 else f' {n}'}{ending}" for n in count(1))
    known = {name.casefold() for name in taken}
    return next(name for name in names if name.casefold() not in known)


def _reasons(placed: Sequence[_Placed], folder: str, contents: Mapping[str, bytes]) -> pa.Table:
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    return pa.table(
        {
            "table": [_printable(p.table) for p in placed],
            "file": [_printable(p.reject.file) for p in placed],
            "line": [p.reject.line for p in placed],
            "reason": [p.reject.reason for p in placed],
            "text": [_printable(p.reject.text) for p in placed],
            "raw_file": [_printable(f"{folder}/{p.file}") for p in placed],
            "raw_at": [p.at for p in placed],
            "raw_bytes": [len(p.reject.raw) for p in placed],
            "raw_sha256": [hashes[p.file] for p in placed],
        }
    )


def _printable(text: str) -> str:
    """Text in which bytes that are no text are spelled out: `\\xff`."""
    plain = "".join(f"\\x{ord(c) - 0xDC00:02x}" if "\udc80" <= c <= "\udcff" else c for c in text)
    return plain.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
