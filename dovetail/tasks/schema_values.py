"""How alike the values of columns are: shared cells and words, shapes, spread of numbers, meaning, kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array

from dovetail.tables.kinds import kind_of
from dovetail.tables.normalise import as_numbers, comparable
from dovetail.types import Kind

if TYPE_CHECKING:
    from dovetail.encoders.base import Encoder

    Matrix = npt.NDArray[np.float64]

SAMPLE_ROWS = 3_000
_ENCODED = 60  # cells of a column that stand for its meaning

_NUMBERS = 300  # that stand for the spread of a column

# Kinds that often stand for each other; all other differing kinds speak against a match.
_NEAR_KINDS = (
    {Kind.NAME, Kind.TEXT, Kind.ADDRESS, Kind.CATEGORY},
    {Kind.CODE, Kind.ID, Kind.NUMBER, Kind.PHONE},
    {Kind.NUMBER, Kind.MONEY, Kind.QUANTITY},
    {Kind.NUMBER, Kind.DATE},
    {Kind.NAME, Kind.CODE},
    {Kind.CATEGORY, Kind.CODE, Kind.NUMBER},
)


class Column:
    """What is compared of one column: kind, distinct values, words, shapes and numbers of a sample of its cells."""

    def __init__(self, name: str, values: pa.ChunkedArray) -> None:
        self.name = name
        self.raw = _sampled(values)
        self.kind = kind_of(self.raw, name)

    @cached_property
    def cells(self) -> list[str]:
        """The present cells in comparable spelling."""
        return list(comparable(self.raw, self.kind).drop_null().to_pylist())

    @cached_property
    def distinct(self) -> Counter[str]:
        """Every different cell, once."""
        return Counter(dict.fromkeys(self.cells, 1))

    @cached_property
    def words(self) -> Counter[str]:
        """In how many different cells a word stands."""
        return Counter(w for cell in self.distinct for w in set(re.findall(r"\w+", cell)))

    @cached_property
    def shapes(self) -> Counter[str]:
        """How often the cells have a shape: letters and digits as classes, runs collapsed."""
        return Counter(_shape(str(cell)) for cell in self.raw.drop_null().to_pylist())

    @cached_property
    def numbers(self) -> Matrix:
        """The numbers among the cells, sorted; of many, evenly spaced ones."""
        numbers = as_numbers(self.raw)
        numbers = np.sort(numbers[~np.isnan(numbers)])
        return np.asarray(numbers[:: max(1, len(numbers) // _NUMBERS)])

    @cached_property
    def typical(self) -> list[str]:
        """Different cells, spread over the column."""
        cells = list(self.distinct)
        return [c[:200] for c in cells[:: max(1, len(cells) // _ENCODED)][:_ENCODED]]


def compare_values(left: Sequence[Column], right: Sequence[Column], encoder: Encoder) -> dict[str, Matrix]:
    """Column by column, each matrix (left, right) in [0, 1]."""
    words = [[Counter({w: np.log1p(n) for w, n in c.words.items()}) for c in side] for side in (left, right)]
    numeric = [np.array([len(c.numbers) >= max(5, 0.7 * len(c.cells)) for c in side]) for side in (left, right)]
    both = np.logical_and.outer(*numeric)
    return {
        "same cells": _containment(left, right),
        "same words": _cosines(*words),
        "same shapes": _cosines([c.shapes for c in left], [c.shapes for c in right]),
        "same spread": _spreads(left, right, both),
        "same meaning": _meanings(left, right, encoder),
        "same kind": np.array([[_same_kind(a.kind, b.kind) for b in right] for a in left]),
        "numbers": both.astype(np.float64),
        "empty": np.array([[float(not a.cells or not b.cells) for b in right] for a in left]),
        "distinct": _distinctness(left, right),
    }


def _sampled(values: pa.ChunkedArray) -> pa.Array:
    step = max(1, len(values) // SAMPLE_ROWS)
    taken = values.take(pa.array(range(0, len(values), step)[:SAMPLE_ROWS], pa.int64())) if step > 1 else values
    cells = taken.combine_chunks() if isinstance(taken, pa.ChunkedArray) else taken
    if pa.types.is_string(cells.type):
        return cells
    if pa.types.is_nested(cells.type):
        return pa.array([None if v is None else str(v) for v in cells.to_pylist()], pa.string())
    return pc.cast(cells, pa.string(), safe=False)


def _shape(value: str) -> str:
    return re.sub(r"(.)\1+", r"\1", re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", value)))[:24]


def _counted(sides: Sequence[Sequence[Counter[str]]]) -> list[csr_array]:
    """Counters as sparse rows over one vocabulary."""
    vocabulary: dict[str, int] = {}
    found = []
    for side in sides:
        rows = [[vocabulary.setdefault(k, len(vocabulary)) for k in counts] for counts in side]
        ends = np.cumsum([0, *map(len, rows)])
        data = np.array([v for counts in side for v in counts.values()], np.float64)
        found.append((data, np.array([i for row in rows for i in row], np.int64), ends))
    return [csr_array(parts, shape=(len(parts[2]) - 1, max(1, len(vocabulary)))) for parts in found]


def _cosines(left: Sequence[Counter[str]], right: Sequence[Counter[str]]) -> Matrix:
    a, b = _counted((left, right))
    norms = [np.sqrt(np.asarray(m.multiply(m).sum(axis=1)).ravel()) for m in (a, b)]
    return _quotient((a @ b.T).toarray(), np.multiply.outer(*norms))


def _containment(left: Sequence[Column], right: Sequence[Column]) -> Matrix:
    """The share of the smaller side's different cells that the other has, too; a handful says less than hundreds."""
    a, b = _counted(([c.distinct for c in left], [c.distinct for c in right]))
    sizes = [np.array([len(c.distinct) for c in side], np.float64) for side in (left, right)]
    fewest = np.minimum.outer(*sizes)
    return np.asarray(_quotient((a @ b.T).toarray(), fewest) * np.minimum(1.0, np.log1p(fewest) / np.log(20)))


def _quotient(over: Matrix, under: Matrix) -> Matrix:
    return np.divide(over, under, out=np.zeros_like(over, np.float64), where=under > 0)


def _spreads(left: Sequence[Column], right: Sequence[Column], both: npt.NDArray[np.bool_]) -> Matrix:
    """One less the largest gap between the two distributions of numbers (Kolmogorov and Smirnov)."""
    found = np.zeros(both.shape)
    for i, j in np.argwhere(both):
        a, b = left[i].numbers, right[j].numbers
        grid = np.concatenate([a, b])
        ranks = [np.searchsorted(side, grid, side="right") / len(side) for side in (a, b)]
        found[i, j] = 1.0 - np.abs(ranks[0] - ranks[1]).max()
    return found


def _meanings(left: Sequence[Column], right: Sequence[Column], encoder: Encoder) -> Matrix:
    a, b = ([_centre(c, encoder) for c in side] for side in (left, right))
    return np.asarray(np.clip(np.array(a) @ np.array(b).T, 0.0, 1.0))


def _centre(column: Column, encoder: Encoder) -> npt.NDArray[Any]:
    if not column.typical:
        return np.zeros(encoder.dimensions)
    middle = encoder.encode(column.typical).mean(axis=0).astype(np.float64)
    return np.asarray(middle / max(float(np.linalg.norm(middle)), 1e-9))


def _distinctness(left: Sequence[Column], right: Sequence[Column]) -> Matrix:
    """How alike the shares of different cells are: an identifier is no category."""
    a, b = (np.array([len(c.distinct) / max(1, len(c.cells)) for c in side]) for side in (left, right))
    return np.asarray(1.0 - np.abs(np.subtract.outer(a, b)))


def _same_kind(a: Kind, b: Kind) -> float:
    if a == b:
        return 1.0
    if Kind.EMPTY in (a, b):
        return 0.3
    return 0.6 if any(a in near and b in near for near in _NEAR_KINDS) else 0.0
