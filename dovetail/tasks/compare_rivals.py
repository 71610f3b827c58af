"""How a pair stands among the other candidates of its two records: without labels, the strongest evidence there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dovetail.tasks.compare_values import Column
from dovetail.types import Candidates, Records

if TYPE_CHECKING:
    from dovetail.types import Ints

NAMES = (
    "rivals ahead least",
    "rivals ahead most",
    "lead over rivals least",
    "lead over rivals most",
    "rivals as close",
    "percentile",
    "across sources",
)


def compare_rivals(records: Records, candidates: Candidates, base: Column) -> list[Column]:
    """The columns of `NAMES`, (m,) each, from a similarity of every candidate pair.

    The rivals of a pair at one of its ends are the other candidates of that record in the partner's source.
    "Least" and "most" are over the two ends.
    """
    order = np.argsort(np.argsort(base, kind="stable"), kind="stable")
    across = records.source[candidates.left] != records.source[candidates.right]
    columns = (*standing(records.source, candidates, base), order / max(len(base) - 1, 1), across)
    return [np.asarray(c, dtype=np.float32) for c in columns]


def standing(source: npt.NDArray[np.uint16], candidates: Candidates, base: Column) -> list[npt.NDArray[np.float64]]:
    """The first five columns of `NAMES`, which look only at the candidates of a pair's two records."""
    left = _end(source, candidates.left, candidates.right, base)
    right = _end(source, candidates.right, candidates.left, base)
    ahead = np.stack([left[0], right[0]])
    lead = np.stack([left[1], right[1]])
    close = np.maximum(left[2], right[2])
    least, most = np.minimum(ahead.min(axis=0), 20), np.minimum(ahead.max(axis=0), 20)
    return [least, most, lead.min(axis=0), lead.max(axis=0), np.minimum(close, 20)]


def _end(
    source: npt.NDArray[np.uint16], own: Ints, partner: Ints, base: Column
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """For each pair at one end: rivals ahead, similarity minus that of the best rival, rivals within 0.05 below.

    All candidates of the record count, on whichever side it stands in them.
    """
    m = len(own)
    sources = int(source.max(initial=0)) + 1
    keys = own.astype(np.int64) * sources + source[partner]
    mirror = partner.astype(np.int64) * sources + source[own]
    # Every pair stands once under each of its records; only the first m are asked for.
    every, strength = np.concatenate([keys, mirror]), np.concatenate([base, base]).astype(np.float64)
    order = np.lexsort((-strength, every))
    sorted_keys, sorted_strength = every[order], strength[order]
    starts = np.flatnonzero(np.r_[True, sorted_keys[1:] != sorted_keys[:-1]]) if len(order) else np.zeros(0, np.int64)
    sizes = np.diff(np.r_[starts, len(order)])
    first = np.repeat(starts, sizes)
    place = np.arange(len(order)) - first
    best = sorted_strength[first]
    has_second = np.repeat(sizes > 1, sizes)
    second = np.where(has_second, sorted_strength[np.minimum(first + 1, len(order) - 1)], 0.0)
    lead = np.where(place == 0, sorted_strength - second, sorted_strength - best)
    following = _within(sorted_strength, sizes)
    out = [np.empty(2 * m) for _ in range(3)]
    for column, values in zip(out, (place, lead, following), strict=True):
        column[order] = values
    return out[0][:m], out[1][:m], out[2][:m]


def _within(strength: npt.NDArray[np.float64], sizes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """How many of a record's candidates come within 0.05 of each of them, itself left out."""
    # Keys grow by group and fall inside it, so one sorted array answers all groups at once.
    group = np.repeat(np.arange(len(sizes)), sizes)
    ascending = group * 4.0 + (1 - strength)
    low = np.searchsorted(ascending, group * 4.0 + (1 - strength) - 0.05)
    high = np.searchsorted(ascending, group * 4.0 + (1 - strength) + 0.05, side="right")
    return np.asarray(high - low - 1, dtype=np.float64)
