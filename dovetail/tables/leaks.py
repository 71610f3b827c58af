"""Columns that give the answer away: their equality alone decides the labels, because they were made from them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.errors import InputError
from dovetail.tables.clean import as_text
from dovetail.tables.missing import MISSING
from dovetail.tables.normalise import plain_text
from dovetail.types import Pairs, Table

DECIDES = 0.995  # F1 of equality
AT_LEAST = 50  # labels
EACH = 10  # labels of either class
LOOKED_AT = 20_000  # labels

_NUMBERISH = re.compile(r"[a-z]{0,3}[-_.:#]?\d+|[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}|[0-9a-f]{24,64}")
_DIGITS = re.compile(r"\d+")


def _last_word(text: str) -> str:
    return text.rsplit(" ", 1)[1] if " " in text else ""


def _first_word(text: str) -> str:
    return text.split(" ", 1)[0] if " " in text else ""


def _first_number(text: str) -> str:
    match = None if text.isdigit() else _DIGITS.search(text)
    return match[0] if match else ""


# What of a cell is compared: all of it, or a part that somebody may have glued on.
_PARTS: dict[str, Callable[[str], str]] = {
    "": str,
    "the last word of ": _last_word,
    "the first word of ": _first_word,
    "the first number in ": _first_number,
}


@dataclass(frozen=True)
class Leak:
    """Two columns, or parts of their cells, whose equality decides the labels; measured on `labels` judged pairs."""

    left: str
    right: str
    left_part: str  # "" for the whole cell, else such as "the last word of "
    right_part: str
    precision: float
    recall: float
    f1: float
    labels: int

    @property
    def said(self) -> str:
        """The warning in words."""
        columns = f"{self.left_part}{self.left!r} equal to {self.right_part}{self.right!r}"
        return (
            f"looks like it gives the answer away: {columns} alone decides {self.labels:,} labels with precision "
            f"{self.precision:.3f} and recall {self.recall:.3f}; leave it out unless every future table has this key"
        )


def find_leaks(left: Table, right: Table, labels: Pairs) -> tuple[Leak, ...]:
    """The pairs of columns that decide the labels alone, the clearest first.

    A value that people share because it is about the thing (a name, a phone number, a date) is not one, however
    well it decides; numbers, keys and categories without meaning are. Labels of unsure pairs are not looked at;
    fewer than 50 labels, or 10 of a class, tell nothing. Raises InputError where no pair is in the tables.
    """
    pairs = _judged(left, right, labels)
    if pairs is None:
        return ()
    rows_left, rows_right, match = pairs
    found = [
        leak
        for leak in _decisive(_codes(left, rows_left), _codes(right, rows_right), match)
        if not (left is right and (leak.left, leak.left_part) > (leak.right, leak.right_part))
    ]
    return tuple(_plainest(sorted(found, key=lambda x: (-x.f1, len(x.left_part) + len(x.right_part)))))


def _plainest(leaks: list[Leak]) -> Iterator[Leak]:
    """Only the first leak of each pair of columns."""
    seen: set[tuple[str, str]] = set()
    for leak in leaks:
        if (leak.left, leak.right) not in seen:
            seen.add((leak.left, leak.right))
            yield leak


_Rows = npt.NDArray[np.int64]


def _judged(left: Table, right: Table, labels: Pairs) -> tuple[_Rows, _Rows, npt.NDArray[np.bool_]] | None:
    """Rows of both ends of each judged pair and whether it is a match; None where they are too few to tell."""
    if labels.label is None:
        return None
    known = labels.label >= 0
    one, two = labels.left_ids.filter(pa.array(known)), labels.right_ids.filter(pa.array(known))
    rows = _rows(left, one), _rows(right, two)
    turned = _rows(left, two), _rows(right, one)  # a pair may name the right row first
    use_turned = (rows[0] < 0) | (rows[1] < 0)
    ends = [np.where(use_turned, t, r) for r, t in zip(rows, turned, strict=True)]
    inside = (ends[0] >= 0) & (ends[1] >= 0)
    if len(inside) and not inside.any():
        raise InputError(
            f"none of the {len(inside):,} labelled pairs is in {left.name} and {right.name}: {one[0].as_py()!r} and "
            f"{two[0].as_py()!r} are no ids of theirs; name the id column with --id, the second table with --other"
        )
    match = labels.label[known][inside] == 1
    if len(match) < AT_LEAST or min(match.sum(), (~match).sum()) < EACH:
        return None
    step = -(-len(match) // LOOKED_AT)
    return ends[0][inside][::step], ends[1][inside][::step], match[::step]


def _rows(table: Table, ids: pa.Array) -> _Rows:
    found = pc.index_in(pc.cast(ids, table.ids.type), _naming(table, ids))
    return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), np.int64)


def _naming(table: Table, ids: pa.Array) -> pa.Array | pa.ChunkedArray:
    """The row ids that labels speak of: those of the table, or else a column of different values that has them all."""
    if table.id_column is not None or not len(ids) or pc.any(pc.is_in(ids, table.ids)).as_py():
        return table.ids
    for name in table.columns:
        column = as_text(table.data[name])
        if pc.all(pc.is_in(ids, column.combine_chunks())).as_py() and pc.count_distinct(column).as_py() == len(table):
            return column
    return table.ids


@dataclass(frozen=True)
class _Parts:
    """For one end of the pairs: each column's cells, or parts of them, as text."""

    names: list[tuple[str, str]]  # column, part
    texts: list[list[str]]


def _codes(table: Table, rows: _Rows) -> _Parts:
    names, texts = [], []
    for column in table.columns:
        cells = as_text(table.data[column]).take(pa.array(rows)).to_pylist()
        plain = [_present(cell) for cell in cells]
        for part, cut in _PARTS.items():
            cut_cells = [cut(text) for text in plain]
            if _keylike(cut_cells):
                names.append((column, part))
                texts.append(cut_cells)
    return _Parts(names, texts)


def _present(cell: str | None) -> str:
    plain = "" if cell is None else plain_text(cell)
    return "" if plain in MISSING else plain


def _keylike(texts: list[str]) -> bool:
    """Whether most values are numbers, short keys or hashes, and not all the same."""
    distinct = set(texts) - {""}
    if len(distinct) < 2 or sum(map(bool, texts)) < 0.5 * len(texts):
        return False
    return sum(_NUMBERISH.fullmatch(text) is not None for text in distinct) > 0.9 * len(distinct)


def _decisive(left: _Parts, right: _Parts, match: npt.NDArray[np.bool_]) -> Iterator[Leak]:
    vocabulary: dict[str, int] = {"": -1}
    one, two = (
        [np.array([vocabulary.setdefault(t, len(vocabulary)) for t in texts]) for texts in side.texts]
        for side in (left, right)
    )
    for (name, part), codes in zip(left.names, one, strict=True):
        for (other, other_part), others in zip(right.names, two, strict=True):
            equal = (codes == others) & (codes >= 0)
            both = int((equal & match).sum())
            if both and 2 * both >= DECIDES * (int(equal.sum()) + int(match.sum())):
                precision, recall = both / int(equal.sum()), both / int(match.sum())
                f1 = 2 * precision * recall / (precision + recall)
                yield Leak(name, other, part, other_part, precision, recall, f1, len(match))
