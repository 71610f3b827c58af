"""The folder of a searcher: which file holds the index, and the note that makes it a model.

A new index gets a file of its own, and the note then names it in one step: a process that is killed in between leaves
the old one in force.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dovetail.errors import InputError
from dovetail.tasks.base import read_note, write_note

_TASK = "search"
_PATTERN = "index-*.sqlite*"


def new_file(folder: Path) -> Path:
    """A path for a new index."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"index-{secrets.token_hex(4)}.sqlite"


def settle(folder: Path, file: Path, note: Mapping[str, Any]) -> None:
    """Make a file the index of the folder, and let the ones before it go."""
    write_note(folder, _TASK, {**note, "file": file.name})
    for old in folder.glob(_PATTERN):
        if not old.name.startswith(file.name):
            with contextlib.suppress(OSError):  # another process may just do the same
                old.unlink()


def opened(folder: str | Path) -> tuple[Path, dict[str, Any]]:
    """The file of the index and the note; raises `InputError` where there is no searcher."""
    note = read_note(folder, _TASK)
    file = Path(folder) / str(note["file"])
    if not file.is_file():
        raise InputError(f"{folder} lacks its index {file.name}; fit the documents again, or restore it from a backup")
    return file, note
