"""Labelled pairs as positions in the records: what a person said, ready for training and for clustering."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.errors import InputError, UnknownName
from dovetail.types import Candidates, Pairs, Records

if TYPE_CHECKING:
    from dovetail.types import Ints


@dataclass(frozen=True)
class Judged:
    """Labelled pairs: `label` is 1 for a match, 0 for not; pairs judged unsure are left out and counted."""

    pairs: Candidates  # (m,) sorted, each pair once
    label: npt.NDArray[np.int8]  # (m,)
    unsure: int

    @property
    def matches(self) -> Candidates:
        """The pairs that were called a match."""
        return self._where(self.label == 1)

    @property
    def refusals(self) -> Candidates:
        """The pairs that were called no match."""
        return self._where(self.label == 0)

    def _where(self, chosen: npt.NDArray[np.bool_]) -> Candidates:
        return Candidates(self.pairs.left[chosen], self.pairs.right[chosen])


def judged_pairs(records: Records, labels: Pairs) -> Judged:
    """Find the rows that labels speak of. Unknown ids and pairs that were labelled both ways raise `InputError`."""
    if labels.label is None:
        raise InputError("the pairs carry no label; expected a column 'label' with match, not or unsure")
    left, right = positions(records, labels)
    low, high = np.minimum(left, right), np.maximum(left, right)
    if (low == high).any():
        row = int(np.flatnonzero(low == high)[0])
        raise InputError(f"label {row + 1} pairs the row {labels.left_ids[row].as_py()!r} with itself; remove it")
    sure = labels.label >= 0
    keys = low[sure].astype(np.int64) * len(records) + high[sure]
    unique, first = np.unique(keys, return_index=True)
    said = labels.label[sure].astype(np.int8)
    _refuse_contradictions(records, unique, keys, said, np.flatnonzero(sure))
    pairs = Candidates((unique // len(records)).astype(np.int32), (unique % len(records)).astype(np.int32))
    return Judged(pairs, said[first], int((~sure).sum()))


def positions(records: Records, pairs: Pairs) -> tuple[Ints, Ints]:
    """The positions of the rows that pairs name, two arrays of shape (m,); unknown ids raise `InputError`.

    With sources named, an id is looked up there. Without, the left id is looked up in the first source and the right
    id in the later ones; if that fails, the other way round; then anywhere.
    """
    left, right = look_up(records, pairs)
    _refuse_unknown(records, pairs, {"left": left, "right": right})
    return left, right


def look_up(records: Records, pairs: Pairs) -> tuple[Ints, Ints]:
    """The same positions, -1 where an id names no row."""
    if pairs.left_source is not None and pairs.right_source is not None:
        left = _named(records, pairs.left_source, pairs.left_ids)
        return left, _named(records, pairs.right_source, pairs.right_ids)
    return _unnamed(records, pairs)


def _lookup(ids: pa.Array, among: pa.Array, offset: int) -> Ints:
    found = pc.index_in(pc.cast(ids, pa.string()), among)
    return np.asarray(pc.add(pc.fill_null(found, -1 - offset), offset).to_numpy(zero_copy_only=False), dtype=np.int32)


def _named(records: Records, sources: pa.Array, ids: pa.Array) -> Ints:
    if sources.null_count:
        raise InputError(
            f"{sources.null_count:,} pairs name the source of one row only; fill in left_source and right_source, "
            f"or leave out both columns"
        )
    found = np.full(len(ids), -1, np.int32)
    names = np.asarray(pc.cast(sources, pa.string()).to_pylist(), dtype=object)
    for name in dict.fromkeys(names):
        if name not in records.sources:
            raise UnknownName("source", str(name), records.sources)
        here = np.flatnonzero(names == name)
        start, stop = _span(records, records.sources.index(name))
        found[here] = _lookup(ids.take(pa.array(here)), records.ids.slice(start, stop - start), start)
    return found


def _unnamed(records: Records, pairs: Pairs) -> tuple[Ints, Ints]:
    if len(records.sources) == 1:
        return _lookup(pairs.left_ids, records.ids, 0), _lookup(pairs.right_ids, records.ids, 0)
    split = _span(records, 0)[1]
    first, rest = records.ids.slice(0, split), records.ids.slice(split)
    straight = _lookup(pairs.left_ids, first, 0), _lookup(pairs.right_ids, rest, split)
    turned = _lookup(pairs.left_ids, rest, split), _lookup(pairs.right_ids, first, 0)
    ok, ok_turned = ((a >= 0) & (b >= 0) for a, b in (straight, turned))
    use_turned = ~ok & ok_turned
    left = np.where(use_turned, turned[0], straight[0])
    right = np.where(use_turned, turned[1], straight[1])
    lost = ~ok & ~ok_turned
    if lost.any():
        anywhere = _lookup(pairs.left_ids, records.ids, 0), _lookup(pairs.right_ids, records.ids, 0)
        left, right = np.where(lost, anywhere[0], left), np.where(lost, anywhere[1], right)
    return left.astype(np.int32), right.astype(np.int32)


def _span(records: Records, source: int) -> tuple[int, int]:
    start, stop = np.searchsorted(records.source, [source, source + 1])
    return int(start), int(stop)


def _refuse_unknown(records: Records, pairs: Pairs, found: Mapping[str, npt.NDArray[Any]]) -> None:
    ids = {"left": pairs.left_ids, "right": pairs.right_ids}
    missing = {side: np.flatnonzero(at < 0) for side, at in found.items() if (at < 0).any()}
    if not missing:
        return
    # an id of many pairs is one id
    unknown = {side: list(dict.fromkeys(ids[side].take(pa.array(at)).to_pylist())) for side, at in missing.items()}
    number = " and ".join(f"{len(u):,} {side} {'id' if len(u) == 1 else 'ids'}" for side, u in unknown.items())
    name = "names" if sum(map(len, unknown.values())) == 1 else "name"
    shown = " and ".join(", ".join(map(repr, u[:5])) + (" …" if len(u) > 5 else "") for u in unknown.values())
    example = ", ".join(repr(v) for v in records.ids.slice(0, 3).to_pylist())
    raise InputError(
        f"{number} of the pairs{f' in {pairs.name}' if pairs.name else ''} {name} no row of "
        f"{', '.join(records.sources)}: {shown}; ids there look like {example}; name the id column with --id, "
        f"or give the tables that were judged"
    )


def _refuse_contradictions(
    records: Records,
    unique: npt.NDArray[Any],
    keys: npt.NDArray[Any],
    said: npt.NDArray[Any],
    rows: npt.NDArray[Any],
) -> None:
    place = np.searchsorted(unique, keys)
    yes = np.bincount(place, weights=said == 1, minlength=len(unique))
    no = np.bincount(place, weights=said == 0, minlength=len(unique))
    both = np.flatnonzero((yes > 0) & (no > 0))
    if len(both):
        a, b = divmod(int(unique[both[0]]), len(records))
        lines = ", ".join(str(row + 1) for row in rows[place == both[0]][:6])
        raise InputError(
            f"{len(both):,} pairs are labelled both match and not, the first: {records.ids[a].as_py()!r} and "
            f"{records.ids[b].as_py()!r} (labels {lines}); keep one label for each"
        )
