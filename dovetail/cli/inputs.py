"""The files that a workspace was given: they are remembered, so that no command writes over them."""

from __future__ import annotations

import json
from pathlib import Path

from dovetail.cli.given import check_sources
from dovetail.errors import InputError
from dovetail.tables.atomic import alone
from dovetail.workspace import write_json

FILE = "inputs.json"
FORMAT = 1


def remember(folder: Path, file: str) -> None:
    """Note that a workspace was given this file; what is no file (a database) is passed over."""
    if not Path(file).is_file():
        return
    with alone(folder):
        known = _known(folder)
        path = str(Path(file).resolve())
        if path not in known:
            write_json(folder / FILE, {"format": FORMAT, "files": [*known, path]})


def check_out(out: str, folder: Path, read: tuple[str | None, ...] = ()) -> None:
    """Refuse to write over a file that a workspace was given, one of its own tables, or one of `read`."""
    check_sources(out, (*read, *_known(folder)))
    inside = Path(out).resolve()
    if any(inside.is_relative_to((folder / own).resolve()) for own in ("tables", "steps")):
        raise InputError(f"{out} lies among the tables of the workspace; name another with --out")


def _known(folder: Path) -> list[str]:
    try:
        return [str(file) for file in json.loads((folder / FILE).read_text(encoding="utf-8"))["files"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder / FILE} cannot be read ({error}); delete it, it only names files given") from None
