"""What a person wrote into `review.csv` outlives the next run into the same folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from dovetail.errors import InputError
from dovetail.tables.read import read
from dovetail.tables.write import as_text, is_guarded, without_guard

_ENDS = ("left_source", "left_id", "right_source", "right_id")
Line = dict[str, str | None]
Key = frozenset[tuple[str | None, str | None]]


def judgements(folder: Path) -> dict[Key, Line]:
    """The lines of `review.csv` in `folder` that carry a label, by the two rows that they speak of.

    A file that cannot be read whole raises `InputError`, since writing a new one would lose what stands in it.
    """
    path = folder / "review.csv"
    if not path.is_file() or b"\n" not in path.read_bytes().strip():
        return {}
    try:
        table = read(path, strict=True)
    except InputError as error:
        raise InputError(
            f"{path} may hold judgements and would be written anew, but cannot be read: {error}. "
            f"Mend it, or move it out of {folder}"
        ) from None
    if not {*_ENDS, "label"} <= {*table.columns}:
        return {}
    lines = _lines(without_guard(table.data) if is_guarded(path) else table.data)
    return {_key(line): line for line in lines if (line["label"] or "").strip()}


def with_judgements(review: pa.Table, judged: Mapping[Key, Line]) -> pa.Table:
    """The review queue with labels where a pair was judged before; judged pairs that left the queue stand last."""
    if not judged:
        return review
    left = dict(judged)
    lines = [_labelled(line, left.pop(_key(line), None)) for line in _lines(review)]
    lines += left.values()
    names = dict.fromkeys([*review.column_names, *(name for line in judged.values() for name in line)])
    return pa.table({name: pa.array([line.get(name) for line in lines], pa.string()) for name in names})


def _lines(table: pa.Table) -> list[Line]:
    texts = [as_text(column) for column in table.columns]
    return pa.table(texts, names=table.column_names).to_pylist() if texts else []


def _key(line: Line) -> Key:
    return frozenset({(line["left_source"], line["left_id"]), (line["right_source"], line["right_id"])})


def _labelled(line: Line, said: Line | None) -> Line:
    return line if said is None else said | line | {"label": said["label"]}
