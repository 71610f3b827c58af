"""The folder of a searcher: which file holds the index, and the note that makes it a model.

A new index gets a file of its own, and the note then names it in one step: a process that is killed in between leaves
the old one in force.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dovetail.encoders.base import load_encoder
from dovetail.errors import InputError, UnknownName
from dovetail.tables.atomic import alone, replace_file
from dovetail.tasks.base import NOTE, read_note, write_note
from dovetail.tasks.embed_head import Head, PlainHead, load_head
from dovetail.tasks.search_memory import Memory

if TYPE_CHECKING:
    from dovetail.encoders.base import Encoder
    from dovetail.tasks.search_reader import Reader

_TASK = "search"
_STALE = 3600.0  # seconds after which a file that no note names is nobody's
_OURS = re.compile(r"(index|queries|encoder|reader|memory)-[0-9a-f]{8}(\.sqlite(-wal|-shm)?|\.safetensors)?")


def precision_of(encoder: Any) -> str | None:
    """What the vectors were reckoned in: `int8`, or `float`, whose two kinds agree; None where there is no choice."""
    if not hasattr(encoder, "precision"):
        return None
    return "int8" if getattr(encoder, "eight", None) is not None else "float"


def as_made(encoder: Any, precision: str | None) -> Any:
    """A fresh encoder that reckons as the one that made an index did, whatever this machine would choose."""
    if precision is not None and getattr(encoder, "precision", "") == "auto":
        encoder.precision = "int8" if precision == "int8" else quick_float()
    return encoder


def encoder_of(wish: Any, facts: Mapping[str, Any], folder: Path | None) -> Encoder:
    """The encoder of a name, or one that is given, for an index with these facts.

    Raises `InputError` where the index was made with another, or with one that was given as an object and now there is
    but its name; `UnknownName` where another name was given and means nothing.
    """
    try:
        encoder: Encoder = as_made(load_encoder(wish) if isinstance(wish, str) else wish, facts.get("precision"))
    except UnknownName:
        if "fingerprint" not in facts or wish != facts.get("encoder"):
            raise
        raise InputError(
            f"the index was made with an encoder that was given as an object, {wish}; load it with encoder= that one, "
            f"such as Embedder.load(folder) of a space"
        ) from None
    made_with = facts.get("fingerprint")
    if made_with is not None and made_with != encoder.fingerprint:
        raise InputError(
            f"{folder} was indexed with the encoder {facts['encoder']} ({made_with[:8]}), and this is "
            f"{encoder.fingerprint[:8]}; load it with encoder= that one, or fit the documents again"
        )
    return encoder


def quick_float() -> str:
    """bfloat16 where that is quick, else float32."""
    import torch

    from dovetail.encoders.pretrained import fast_bfloat16

    return "bfloat16" if torch.cuda.is_available() or fast_bfloat16() else "float32"


def facts_of(encoder: Encoder) -> dict[str, Any]:
    """What an index must know of the encoder that made it."""
    made = {"dimensions": encoder.dimensions, "fingerprint": encoder.fingerprint}
    return {**made, "precision": precision_of(encoder)}


def new_file(folder: Path) -> Path:
    """A path for a new index."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"index-{secrets.token_hex(4)}.sqlite"


def drop(file: Path) -> None:
    """Let an index go that this process made and that no note names, with its journals."""
    if file.name in _named(file.parent):
        return
    for path in file.parent.glob(f"{file.name}*"):
        with contextlib.suppress(OSError):  # it may still be read; then it goes when it is an hour old
            path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Learnt:
    """What a searcher has learned and keeps in its folder: head of queries, tuned encoder, reader, judged queries."""

    head: Head
    encoder: Path | None = None
    reader: Reader | None = None
    memory: Memory | None = None


def settle(folder: Path, file: Path, note: Mapping[str, Any], learnt: Learnt) -> None:
    """Make a file the index of the folder, with what was learned, and let what was before them go.

    Files that neither the old note nor the new one names may belong to another process that is about to finish; they
    stay until they are an hour old.
    """
    if not file.is_file():
        raise InputError(f"the index in {folder} was removed while it was used; fit the documents again")
    head, encoder, reader = _written(folder, learnt.head), _placed(folder, learnt.encoder), _read(folder, learnt.reader)
    learned = {"queries": head, "tuned": encoder, "reader": reader, "memory": _remembered(folder, learnt.memory)}
    with alone(folder):
        before = _named(folder)
        write_note(folder, _TASK, {**note, "file": file.name, **learned})
        _let_go(folder, before, {file.name, *filter(None, learned.values())})


def _named(folder: Path) -> set[str]:
    """What the note that is in force names."""
    if not (folder / NOTE).is_file():
        return set()
    with contextlib.suppress(ValueError):
        note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        return {str(note[name]) for name in ("file", "queries", "tuned", "reader", "memory") if note.get(name)}
    return set()


def _let_go(folder: Path, before: set[str], kept: set[str]) -> None:
    for old in filter(lambda path: _OURS.fullmatch(path.name), folder.iterdir()):
        name = old.name.removesuffix("-wal").removesuffix("-shm")
        with contextlib.suppress(OSError):  # another process may just do the same
            if name not in kept and (name in before or time.time() - old.stat().st_mtime > _STALE):
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
