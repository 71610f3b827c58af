"""Sums, medians and joined texts of consecutive cells, without a loop over the groups."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from dovetail.types import Floats


@dataclass(frozen=True)
class Groups:
    """k cells in g groups that stand one after the other: `group` (k,) ascends from 0 to g-1 without gaps."""

    group: npt.NDArray[Any]

    @classmethod
    def of(cls, label: npt.NDArray[Any]) -> Groups:
        """Groups of equal neighbours of sorted labels (k,), which may have gaps."""
        new = np.r_[False, label[1:] != label[:-1]] if len(label) else np.zeros(0, np.bool_)
        return cls(np.cumsum(new))

    @cached_property
    def start(self) -> npt.NDArray[np.intp]:
        """(g,) first cell of each group."""
        return np.flatnonzero(np.r_[np.ones(min(1, len(self.group)), np.bool_), np.diff(self.group) != 0])

    @property
    def size(self) -> npt.NDArray[np.intp]:
        """(g,) cells."""
        return np.bincount(self.group)

    def __len__(self) -> int:
        return len(self.start)

    def claims(self, code: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
        """(k,) the same number for cells of one group with one code; ascending by group, then code."""
        width = int(code.max()) + 1 if len(code) else 1
        return np.unique(self.group.astype(np.int64) * width + code, return_inverse=True)[1].reshape(-1)

    def distinct(self, code: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """(k,) whether a cell is the first of its group with its code."""
        shown = np.zeros(len(code), np.bool_)
        shown[np.unique(self.claims(code), return_index=True)[1]] = True
        return shown

    def median(self, values: Floats) -> Floats:
        """(g,) median of the numbers; NaN where a group has none."""
        order = np.lexsort((values, self.group))  # NaN sorts last
        count = self.total((~np.isnan(values)).astype(np.float64)).astype(np.int64)
        low, high = self.start + np.maximum(count - 1, 0) // 2, self.start + np.maximum(count, 1) // 2
        ranked = values[order]
        return np.asarray((ranked[low] + ranked[np.minimum(high, self.start + np.maximum(count - 1, 0))]) / 2)

    def mean(self, values: Floats) -> Floats:
        """(g,) mean of the numbers; NaN where a group has none."""
        count = self.total((~np.isnan(values)).astype(np.float64))
        return np.asarray(np.where(count > 0, self.total(np.nan_to_num(values)) / np.maximum(count, 1), np.nan))

    def total(self, values: Floats) -> Floats:
        """(g,) sum."""
        return np.asarray(np.bincount(self.group, weights=values, minlength=len(self.start)), np.float64)

    def joined(self, texts: pa.Array, shown: npt.NDArray[np.bool_], separator: str) -> pa.Array:
        """(g,) the chosen texts of each group with the separator between; missing where none is chosen."""
        count = self.total(shown.astype(np.float64)).astype(np.int64)
        offsets = pa.array(np.r_[0, np.cumsum(count)].astype(np.int32))
        lists = pa.ListArray.from_arrays(offsets, pc.cast(texts.filter(pa.array(shown)), pa.string()))
        joined = pc.binary_join(lists, separator)
        return pc.if_else(pa.array(count > 0), joined, pa.scalar(None, pa.string()))
