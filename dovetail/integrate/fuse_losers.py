"""What an entity does not keep: every value that lost, and why where it was not the rule that settled it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.integrate.fuse_groups import Groups
from dovetail.integrate.fuse_rules import parse_rule
from dovetail.types import Kind

if TYPE_CHECKING:
    from dovetail.integrate.fuse_rules import Cells, Made
    from dovetail.types import Ints

_BY_NUMBER = ("median", "min", "max", "mean")  # rules that read values as numbers or dates
_PLAIN, _MISSING, _UNREAD = 0, 1, 2


@dataclass(frozen=True)
class Lost:
    """Values that lost, sorted by entity."""

    entity: npt.NDArray[np.int64]  # (k,)
    value: pa.Array  # (k,) as they were read
    reason: npt.NDArray[np.int64]  # (k,)
    unread: str  # why a value could not be weighed, in words

    def others(self, count: int) -> pa.Array:
        """(count,) the values of each entity, " | " between."""
        return self._joined(self.value, np.ones(len(self.entity), np.bool_), count)

    def reasons(self, count: int) -> pa.Array:
        """(count,) for the values that no rule weighed, each with the reason, " | " between."""
        words = pa.array(["", "counts as missing", self.unread]).take(pa.array(self.reason))
        said = pc.binary_join_element_wise(pc.cast(self.value, pa.string()), words, ": ")
        return self._joined(said, self.reason != _PLAIN, count)

    def _joined(self, texts: pa.Array, shown: npt.NDArray[np.bool_], count: int) -> pa.Array:
        if not shown.any():
            return pa.nulls(count, pa.string())
        groups = Groups.of(self.entity[shown])
        every = np.ones(int(shown.sum()), np.bool_)
        mask = np.zeros(count, np.bool_)
        mask[self.entity[shown][groups.start]] = True
        joined = groups.joined(texts.filter(pa.array(shown)), every, " | ")
        return pc.replace_with_mask(pa.nulls(count, pa.string()), pa.array(mask), joined)


@dataclass(frozen=True)
class Settled:
    """How a column was settled: the cells that a rule weighed, the winner in each group, and what it made."""

    cells: Cells
    entity: Ints  # (groups,)
    best: npt.NDArray[np.intp]  # (groups,)
    made: Made | None
    rule: str


def lost_values(
    settled: Settled, written: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]], winner: npt.NDArray[np.int64]
) -> Lost:
    """All distinct values that lost.

    `written` are the records whose text counts as missing and their entities, both (m,) and by entity; `winner` (c,) is
    the record that each entity took its value from, -1 for none.
    """
    cells = settled.cells
    here = _outvoted(settled)
    entity, row = settled.entity[cells.groups.group[here]], cells.row[here]
    reason = np.where(_unread(cells, settled.rule)[here], _UNREAD, _PLAIN)
    original = cells.records.original[cells.attribute.name].combine_chunks()
    spare, owner = _spare(original, *written, winner)
    entities, rows = np.concatenate((entity, owner)), np.concatenate((row, spare))
    order = np.argsort(entities, kind="stable")
    reasons = np.concatenate((reason, np.full(len(spare), _MISSING)))[order]
    unread = "no date" if cells.attribute.kind is Kind.DATE else "no number"
    return Lost(entities[order].astype(np.int64), original.take(pa.array(rows[order])), reasons, unread)


def _outvoted(settled: Settled) -> npt.NDArray[np.bool_]:
    """(k,) the first cell of each value that did not win; of a union none, of a mean of several values all."""
    cells = settled.cells
    distinct = cells.groups.distinct(cells.code)
    if settled.made is None:
        return np.asarray(distinct & (cells.code != cells.code[settled.best][cells.groups.group]))
    several = cells.groups.total(distinct.astype(np.float64)) > 1
    return np.asarray(distinct & several[cells.groups.group] & (settled.rule.strip() == "mean"))


def _unread(cells: Cells, rule: str) -> npt.NDArray[np.bool_]:
    """(k,) which cells a rule for numbers or dates could not read."""
    if not any(name in _BY_NUMBER for name, _ in parse_rule(rule)):
        return np.zeros(len(cells.row), np.bool_)
    return np.isnan(cells.numbers)


def _spare(
    original: pa.Array, row: npt.NDArray[np.int64], entity: npt.NDArray[np.int64], winner: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Of the texts that count as missing the first of each spelling in an entity, other than what it keeps."""
    code = np.asarray(pc.fill_null(original.dictionary_encode().indices, -1).to_numpy(zero_copy_only=False), np.int64)
    first = Groups.of(entity).distinct(code[row])
    kept = winner[entity]
    first &= (kept < 0) | (code[kept] != code[row])
    return row[first], entity[first]
