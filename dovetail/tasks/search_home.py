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
from dovetail.tables.atomic import replace_file
from dovetail.tasks.base import read_note, write_note
from dovetail.tasks.embed_head import Head, PlainHead, load_head

_TASK = "search"
_PATTERN = "index-*.sqlite*"


def new_file(folder: Path) -> Path:
    """A path for a new index."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"index-{secrets.token_hex(4)}.sqlite"


def settle(folder: Path, file: Path, note: Mapping[str, Any], head: Head) -> None:
    """Make a file the index of the folder and a head that of the queries, and let what was before them go."""
    kept = _written(folder, head)
    write_note(folder, _TASK, {**note, "file": file.name, "queries": kept})
    for old in (*folder.glob(_PATTERN), *folder.glob("queries-*.safetensors")):
        if not old.name.startswith((file.name, kept or file.name)):
            with contextlib.suppress(OSError):  # another process may just do the same
                old.unlink()


def _written(folder: Path, head: Head) -> str | None:
    """The file of a head that has learned something."""
    if not head.tensors():
        return None
    from safetensors.numpy import save

    name = f"queries-{secrets.token_hex(4)}.safetensors"
    with replace_file(folder / name) as beside:
        beside.write_bytes(save(dict(head.tensors())))
    return name


def opened(folder: str | Path) -> tuple[Path, dict[str, Any], Head]:
    """The file of the index, the note, and the head of queries; raises `InputError` where there is no searcher."""
    note = read_note(folder, _TASK)
    file = Path(folder) / str(note["file"])
    if not file.is_file():
        raise InputError(f"{folder} lacks its index {file.name}; fit the documents again, or restore it from a backup")
    if note["queries"] is None:
        return file, note, PlainHead()
    from safetensors.numpy import load

    return file, note, load_head("skip", load((Path(folder) / str(note["queries"])).read_bytes()))
