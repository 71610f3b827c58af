"""The folder of a searcher: which file holds the index, and the note that makes it a model.

A new index gets a file of its own, and the note then names it in one step: a process that is killed in between leaves
the old one in force.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dovetail.errors import InputError
from dovetail.tables.atomic import replace_file
from dovetail.tasks.base import read_note, write_note
from dovetail.tasks.embed_head import Head, PlainHead, load_head
from dovetail.tasks.search_memory import Memory

if TYPE_CHECKING:
    from dovetail.encoders.base import Encoder
    from dovetail.tasks.search_reader import Reader

_TASK = "search"
_OURS = re.compile(r"(index|queries|encoder|reader|memory)-[0-9a-f]{8}(\.sqlite(-wal|-shm)?|\.safetensors)?")


def facts_of(encoder: Encoder) -> dict[str, Any]:
    """What an index must know of the encoder that made it."""
    return {"dimensions": encoder.dimensions, "fingerprint": encoder.fingerprint}


def new_file(folder: Path) -> Path:
    """A path for a new index."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"index-{secrets.token_hex(4)}.sqlite"


@dataclass(frozen=True)
class Learnt:
    """What a searcher has learned and keeps in its folder: head of queries, tuned encoder, reader, judged queries."""

    head: Head
    encoder: Path | None = None
    reader: Reader | None = None
    memory: Memory | None = None


def settle(folder: Path, file: Path, note: Mapping[str, Any], learnt: Learnt) -> None:
    """Make a file the index of the folder, with what was learned, and let what was before them go."""
    head, encoder, reader = _written(folder, learnt.head), _placed(folder, learnt.encoder), _read(folder, learnt.reader)
    memory = _remembered(folder, learnt.memory)
    learned = {"queries": head, "tuned": encoder, "reader": reader, "memory": memory}
    write_note(folder, _TASK, {**note, "file": file.name, **learned})
    kept = {file.name, *learned.values()}
    for old in filter(lambda path: _OURS.fullmatch(path.name), folder.iterdir()):
        if old.name.removesuffix("-wal").removesuffix("-shm") not in kept:
            with contextlib.suppress(OSError):  # another process may just do the same
                shutil.rmtree(old) if old.is_dir() else old.unlink()


def _placed(folder: Path, encoder: Path | None) -> str | None:
    """The name of a tuned encoder in the folder; it is copied there if it lies elsewhere."""
    if encoder is None:
        return None
    if encoder.parent.resolve() != folder.resolve():
        shutil.copytree(encoder, folder / encoder.name, dirs_exist_ok=True)
    return encoder.name


def _read(folder: Path, reader: Reader | None) -> str | None:
    """The folder of a reader."""
    if reader is None:
        return None
    name = f"reader-{secrets.token_hex(4)}"
    reader.save(folder / name)
    return name


def _written(folder: Path, head: Head) -> str | None:
    """The file of a head that has learned something."""
    if not head.tensors():
        return None
    from safetensors.numpy import save

    name = f"queries-{secrets.token_hex(4)}.safetensors"
    with replace_file(folder / name) as beside:
        beside.write_bytes(save(dict(head.tensors())))
    return name


def _remembered(folder: Path, memory: Memory | None) -> str | None:
    """The file of what was judged."""
    if memory is None:
        return None
    name = f"memory-{secrets.token_hex(4)}.safetensors"
    memory.save(folder / name)
    return name


def memory_in(folder: str | Path, note: Mapping[str, Any]) -> Memory | None:
    """The judged queries that the note names, if it names some."""
    return Memory.load(Path(folder) / str(note["memory"])) if note.get("memory") else None


def reader_in(folder: str | Path, note: Mapping[str, Any]) -> Reader | None:
    """The reader that the note names, if it names one."""
    if note.get("reader") is None:
        return None
    from dovetail.tasks.search_reader import Reader

    return Reader.load(Path(folder) / str(note["reader"]))


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
