"""`read_pairs`: judged or scored pairs of rows, as people exchange them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.errors import InputError
from dovetail.tables.read import read
from dovetail.tables.write import is_guarded, without_guard
from dovetail.types import PAIR_WORDS, Pairs, Table

_NAMES = {
    "left_id": ("left_id", "ltable_id", "id_left", "id_l", "id1", "id_1", "left", "unique_id_l", "l_id"),
    "right_id": ("right_id", "rtable_id", "id_right", "id_r", "id2", "id_2", "right", "unique_id_r", "r_id"),
    "left_source": ("left_source", "source_left", "source_l", "source_dataset_l"),
    "right_source": ("right_source", "source_right", "source_r", "source_dataset_r"),
    "label": ("label", "match", "is_match", "gold", "decision"),
    "score": ("score", "probability", "match_probability", "clerical_match_score"),
}
_ENDS = ("left_source", "left_id", "right_source", "right_id")
_SHOWN = 5  # labels that a message quotes
_LABEL_OF = {word: label for label, words in PAIR_WORDS.items() for word in words}


def read_pairs(source: Any, *, labelled: bool = True, guarded: bool | None = None) -> Pairs:
    """Read pairs from a file or table with the columns left_id and right_id, and label or score.

    Labels are match, not or unsure (1 and 0, yes and no, true and false too). Rows with an empty label are
    still to be judged and left out. `left_source` and `right_source` are read where present. With `labelled` false
    a bare list of pairs will do: each row is then a match. `guarded` takes off what `guard_formulas` put before cells;
    by default it is so for the files of a run that was asked to guard them.
    """
    if isinstance(source, Pairs):
        return source
    table = read(source)
    if guarded or (guarded is None and isinstance(source, str | Path) and is_guarded(Path(source))):
        table = replace(table, data=without_guard(table.data))
    columns = {key: _find(table, names) for key, names in _NAMES.items()}
    for side in ("left_id", "right_id"):
        if columns[side] is None:
            raise InputError(
                f"{table.name} has no column {side}; expected left_id, right_id and label, "
                f"found {', '.join(table.columns)}{_no_header(table)}"
            )
    data = table.data
    label = _labels(table, columns["label"]) if columns["label"] else None
    if labelled and label is None and columns["score"] is None:
        raise InputError(
            f"{table.name} has neither a column label nor a column score, found {', '.join(table.columns)}; "
            f"add a column label with match, not or unsure"
        )
    keep = np.ones(len(table), bool) if label is None else label > -2
    if not keep.any():
        raise InputError(f"no row of {table.name} has a label yet; write match, not or unsure into the column label")
    chosen = pa.array(keep)

    def texts(key: str) -> pa.Array | None:
        column = columns[key]
        return None if column is None else pc.cast(data[column].filter(chosen), pa.string()).combine_chunks()

    if label is not None:
        _check_agreement(table, [columns[key] for key in _ENDS], label)
    left, right = texts("left_id"), texts("right_id")
    if left is None or right is None or left.null_count or right.null_count:
        raise InputError(f"{table.name} has rows without left_id or right_id; both ends of a pair must be named")
    return Pairs(
        left_ids=left,
        right_ids=right,
        score=_scores(table, columns["score"], keep),
        label=None if label is None else label[keep],
        left_source=texts("left_source"),
        right_source=texts("right_source"),
        name=table.name,
    )


def _no_header(table: Table) -> str:
    """A hint where the names of the columns may be a first pair."""
    if 2 <= len(table.columns) <= 5 and any(c.strip().casefold() in _LABEL_OF for c in table.columns):
        return "; if its first line is a pair already, put the line left_id,right_id,label above it"
    return ""


def _find(table: Table, names: tuple[str, ...]) -> str | None:
    known = {c.casefold(): c for c in table.columns}
    return next((known[n] for n in names if n in known), None)


def _labels(table: Table, column: str) -> npt.NDArray[np.int8]:
    found = np.full(len(table), -2, np.int8)  # -2: not judged yet
    strange: dict[str, int] = {}  # what is not understood, and the row where it first stands
    for row, cell in enumerate(pc.cast(table.data[column], pa.string()).to_pylist()):
        if cell is None or not cell.strip():
            continue
        label = _LABEL_OF.get(cell.strip().casefold())
        if label is None:
            strange.setdefault(cell, row)
            continue
        found[row] = label
    if strange:
        raise InputError(_not_understood(table, column, strange))
    return found


def _not_understood(table: Table, column: str, strange: dict[str, int]) -> str:
    words, first = list(strange), next(iter(strange.values()))
    shown = ", ".join(repr(word) for word in words[:_SHOWN]) + (" …" if len(words) > _SHOWN else "")
    is_one = len(words) == 1
    return (
        f"{'the label' if is_one else f'{len(words):,} labels'} in the column {column} of {table.name} "
        f"{'is' if is_one else 'are'} not understood: {shown}, first at {table.ids[first].as_py()}; "
        f"write match, not or unsure"
    )


def _check_agreement(table: Table, columns: list[str | None], label: npt.NDArray[np.int8]) -> None:
    """Refuse a pair that was called a match on one line and not a match on another."""
    ends = [table.data[c].to_pylist() if c else [None] * len(table) for c in columns]
    seen: dict[tuple[object, ...], int] = {}
    for row in np.flatnonzero(label >= 0).tolist():
        pair = tuple(end[row] for end in ends)
        before = seen.setdefault(pair, row)
        if label[before] != label[row]:
            raise InputError(
                f"{table.name} calls the pair {pair[1]!r}, {pair[3]!r} a match and not a match, "
                f"at {table.ids[before].as_py()} and {table.ids[row].as_py()}; keep the line that is right"
            )


def _scores(table: Table, column: str | None, keep: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64] | None:
    if column is None:
        return None
    try:
        scores = pc.cast(table.data[column], pa.float64()).to_numpy(zero_copy_only=False)[keep]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None  # a score is only read along; labels are what pairs are for
    return np.asarray(scores)
