"""Comparisons of candidate pairs: numbers about two records, made for trees.

Two families. *Portable* comparisons do not depend on what the columns are called or how many there are, so a matcher
trained on other tables can use them. *Own* comparisons are those of each attribute by itself, for a matcher trained on
labels of these very tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dovetail.tasks.compare_odds import Odds, fit_odds
from dovetail.tasks.compare_rivals import NAMES as RIVAL_NAMES
from dovetail.tasks.compare_rivals import compare_rivals
from dovetail.tasks.compare_rows import RowComparer
from dovetail.tasks.compare_values import CODED, NUMERIC, WORDY, AttributeComparer, Column, ValuePairs
from dovetail.types import Candidates, Kind, Records

if TYPE_CHECKING:
    from dovetail.encoders.base import Encoder

CHUNK = 250_000
CELLS = 2_000_000  # pairs times columns that are compared at a time, so that wide tables do not take more memory
CELL_BYTES = 300  # measured, with what each kind of column keeps beside its similarity
FIT_PAIRS = 100_000
WHOLE_ROW, RIVALS, AGREEMENT = "the whole record", "the other candidates", "all columns together"

_SLOTS = ("name 1", "name 2", "name 3", "code 1", "code 2", "number 1", "number 2", "date 1", "date 2", "category 1")
_SLOT_KINDS: dict[str, frozenset[Kind]] = {
    "name": WORDY - {Kind.CATEGORY},
    "code": CODED,
    "number": NUMERIC,
    "date": frozenset({Kind.DATE}),
    "category": frozenset({Kind.CATEGORY}),
}
_SUMS = (
    "mean agreement",
    "worst agreement",
    "second worst",
    "best agreement",
    "agreeing",
    "contradicting",
    "compared",
    "odds",
    "odds share",
    "odds mean",
    "odds lead",
)
# Comparisons that may only ever raise the score as they grow (1) or lower it (-1); the others are free (0).
_MONOTONE = {
    "row words": 1, "row grams": 1, "row shared rarity": 1, "row rarest shared": 1, "codes shared": 1,
    "codes rarest shared": 1, "codes alike": 1, "row meaning": 1, "mean agreement": 1, "worst agreement": 1,
    "second worst": 1, "best agreement": 1, "agreeing": 1, "contradicting": -1, "odds": 1, "odds mean": 1,
    "odds lead": 1, "rivals ahead least": -1, "rivals ahead most": -1, "lead over rivals least": 1,
    "lead over rivals most": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Comparisons:
    """`values` (m, f) float32 with NaN where a side is missing; `groups` names the attribute each column belongs to."""

    names: tuple[str, ...]
    groups: tuple[str, ...]
    values: npt.NDArray[np.float32]
    similarity: npt.NDArray[np.float32]  # (m, attributes): the one figure of each attribute

    def under(self, names: tuple[str, ...]) -> Comparisons:
        """The comparisons of these names in this order, NaN where these tables have none: as a model learned them."""
        if names == self.names:
            return self
        place = {name: column for column, name in enumerate(self.names)}
        values = np.full((len(self.values), len(names)), np.nan, np.float32)
        found = [(column, place[name]) for column, name in enumerate(names) if name in place]
        values[:, [a for a, _ in found]] = self.values[:, [b for _, b in found]]
        groups = [self.groups[place[name]] if name in place else name.rsplit(": ", 1)[0] for name in names]
        return Comparisons(names, tuple(groups), values, self.similarity)


@dataclass(frozen=True)
class _Compared:
    """The attribute-wise part of one chunk."""

    pairs: list[ValuePairs]
    similarity: npt.NDArray[np.float32]  # (m, attributes)
    frequency: npt.NDArray[np.float32]  # (m, attributes): of the agreeing value, 0 where they differ


class Comparer:
    """Compares the candidate pairs of one set of records.

    `context` holds all candidates: rivals are counted and agreement is weighed among them.
    """

    def __init__(self, records: Records, context: Candidates, encoder: Encoder | None = None) -> None:
        self.records, self.context = records, context
        self.rows = RowComparer(records, encoder)

    @cached_property
    def attributes(self) -> list[AttributeComparer]:
        """The comparable attributes, the most telling first."""
        chosen = [
            AttributeComparer(self.records, a)
            for a in self.records.attributes
            if a.shared and a.kind not in (Kind.ID, Kind.EMPTY)
        ]
        return sorted((c for c in chosen if c.filled > 0), key=lambda c: -c.information)

    @cached_property
    def slots(self) -> dict[str, int]:
        """Which attribute stands in each slot: the most telling name is `name 1`, and so on."""
        found: dict[str, int] = {}
        for position, comparer in enumerate(self.attributes):
            family = next(f for f, kinds in _SLOT_KINDS.items() if comparer.attribute.kind in kinds)
            number = sum(s.split()[0] == family for s in found) + 1
            if f"{family} {number}" in _SLOTS:
                found[f"{family} {number}"] = position
        return found

    @cached_property
    def base(self) -> Column:
        """A quick similarity of every context pair."""
        return self.rows.base(self.context.left, self.context.right)

    @cached_property
    def rivals(self) -> npt.NDArray[np.float32]:
        """How each context pair stands among its rivals, (pairs, 7)."""
        return np.stack(compare_rivals(self.records, self.context, self.base), axis=1)

    @cached_property
    def _ordered(self) -> tuple[Column, npt.NDArray[np.intp]]:
        """The quick similarities of all context pairs, rising, and whose they are."""
        order = np.argsort(self.base, kind="stable")
        return self.base[order], order

    def below(self, base: Column, place: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """How many context pairs come before those at `place` (k,) if their quick similarity is `base` (k,)."""
        values, order = self._ordered
        low, high = np.searchsorted(values, base), np.searchsorted(values, base, side="right")
        ties = [np.searchsorted(order[a:b], at) for a, b, at in zip(low, high, place, strict=True)]
        return np.asarray(low + np.array(ties), dtype=np.float64)

    @cached_property
    def _ends(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Every context pair once under each of its records: the records, sorted, and 2 × pair + side of the other."""
        ends = np.stack([self.context.left, self.context.right], axis=1).ravel().astype(np.int64)
        order = np.argsort(ends, kind="stable")
        return ends[order], order ^ 1

    def neighbours(self, rows: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], ...]:
        """The context pairs of each of these records: which of the rows, the other record, the pair's place."""
        ends, others = self._ends
        start, stop = np.searchsorted(ends, rows), np.searchsorted(ends, rows, side="right")
        of = np.repeat(np.arange(len(rows)), stop - start)
        found = others[np.arange(len(of)) - np.repeat(np.cumsum(stop - start) - stop, stop - start)]
        place, side = found >> 1, found & 1
        return of, np.where(side == 0, self.context.left[place], self.context.right[place]).astype(np.int64), place

    @cached_property
    def odds(self) -> Odds:
        """The agreement model, fitted to a spread sample of the context."""
        step = max(1, len(self.context) // FIT_PAIRS)
        rows = np.arange(0, len(self.context), step)
        some = Candidates(self.context.left[rows], self.context.right[rows])
        similarity = np.concatenate([self._attributes(part).similarity for _, part in self._parts(some)])
        # The first guess: the best candidate of both its records, by a similarity that stands out.
        ahead = self.rivals[rows, 1]
        base = self.base[rows]
        start = np.where((ahead == 0) & (base > np.quantile(base, 0.7)), 0.9, 0.02)
        return fit_odds(similarity, start)

    @cached_property
    def _context_keys(self) -> npt.NDArray[np.int64]:
        return _keys(self.context)

    @property
    def portable_names(self) -> tuple[str, ...]:
        """The names of the portable comparisons, the same for all tables."""
        slots = [f"{s}: {d}" for s in _SLOTS for d in _slot_details(s)]
        return (*RowComparer.NAMES, *RIVAL_NAMES, *_SUMS, *slots)

    def monotone(self) -> list[int]:
        """The direction of each portable comparison for the trees."""
        return [1 if n.endswith(": alike") else _MONOTONE.get(n, 0) for n in self.portable_names]

    @property
    def portable_groups(self) -> tuple[str, ...]:
        """For each portable comparison the attribute that explains it, or what else it rests on."""
        in_slot = {s: self.attributes[p].attribute.name for s, p in self.slots.items()}
        groups = [WHOLE_ROW] * len(RowComparer.NAMES) + [RIVALS] * len(RIVAL_NAMES) + [AGREEMENT] * len(_SUMS)
        groups += [in_slot.get(s, AGREEMENT) for s in _SLOTS for _ in _slot_details(s)]
        return tuple(groups)

    def portable(self, pairs: Candidates) -> Comparisons:
        """The portable comparisons of pairs that all stand in the context."""
        compared = self._attributes(pairs)
        columns = self.rows.compare(pairs.left, pairs.right)
        columns += list(self.rivals[self._places(pairs)].T)
        columns += self._sums(compared, pairs)
        columns += self._slot_columns(compared, len(pairs))
        return Comparisons(self.portable_names, self.portable_groups, np.stack(columns, axis=1), compared.similarity)

    def own(self, pairs: Candidates) -> Comparisons:
        """The portable comparisons and those of each attribute by itself."""
        shared = self.portable(pairs)
        compared = self._attributes(pairs)
        names, groups, columns = list(shared.names), list(shared.groups), [shared.values]
        for position, comparer in enumerate(self.attributes):
            name, found = comparer.attribute.name, compared.pairs[position]
            details = {"alike": found.similarity, "same": found.equal.astype(np.float32)} | found.details
            details["rarity"] = -np.log(
                np.where(compared.frequency[:, position] > 0, compared.frequency[:, position], 1)
            )
            details["missing"] = np.isnan(found.similarity).astype(np.float32)
            names += [f"{name}: {detail}" for detail in details]
            groups += [name] * len(details)
            columns.append(np.stack([np.asarray(c, np.float32) for c in details.values()], axis=1))
        return Comparisons(tuple(names), tuple(groups), np.concatenate(columns, axis=1), shared.similarity)

    def chunks(self, pairs: Candidates, *, own: bool = False) -> Iterator[tuple[slice, Comparisons]]:
        """The comparisons of many pairs, a bounded number at a time."""
        for part, some in self._parts(pairs):
            yield part, (self.own(some) if own else self.portable(some))

    def _parts(self, pairs: Candidates) -> Iterator[tuple[slice, Candidates]]:
        """The pairs, as many at a time as the number of columns allows."""
        step = min(CHUNK, CELLS // max(len(self.attributes), 1))
        for start in range(0, len(pairs), step):
            part = slice(start, min(start + step, len(pairs)))
            yield part, Candidates(pairs.left[part], pairs.right[part])

    def _places(self, pairs: Candidates) -> npt.NDArray[np.int64]:
        keys = _keys(pairs)
        places = np.searchsorted(self._context_keys, keys)
        if len(keys) and (self._context_keys[np.minimum(places, len(self._context_keys) - 1)] != keys).any():
            raise ValueError("pairs to compare must stand in the context")
        return places

    def _attributes(self, pairs: Candidates) -> _Compared:
        found = [c.compare(pairs.left, pairs.right) for c in self.attributes]
        frequency = np.zeros((len(pairs), len(found)), np.float32)
        for position, (comparer, one) in enumerate(zip(self.attributes, found, strict=True)):
            codes = comparer.codes[pairs.left[one.equal]]
            frequency[one.equal, position] = comparer.frequency[codes]
        if not found:
            return _Compared([], np.zeros((len(pairs), 0), np.float32), frequency)
        return _Compared(found, np.stack([f.similarity for f in found], axis=1), frequency)

    def _sums(self, compared: _Compared, pairs: Candidates) -> list[Column]:
        weight = np.array([c.information for c in self.attributes], np.float32)
        similarity = compared.similarity
        present = ~np.isnan(similarity)
        filled = np.where(present, similarity, 0)
        total = (present * weight).sum(axis=1)
        safe = np.where(total > 0, total, 1)
        ordered = np.sort(np.where(present, similarity, np.inf), axis=1)
        odds = self.odds.by_attribute(similarity, compared.frequency)
        summed = odds.sum(axis=1)
        prior = np.log(self.odds.share / (1 - self.odds.share))
        columns: tuple[npt.NDArray[Any], ...] = (
            np.where(total > 0, (filled * weight).sum(axis=1) / safe, np.nan),
            _place(ordered, 0),
            _place(ordered, 1),
            np.where(present.any(axis=1), filled.max(axis=1, initial=0), np.nan),
            ((filled >= 0.9) * present * weight).sum(axis=1) / safe,
            ((filled < 0.3) * present * weight).sum(axis=1) / safe,
            present.sum(axis=1) / max(similarity.shape[1], 1),
            summed + prior,
            np.full(len(pairs), self.odds.share),
            summed / np.maximum(present.sum(axis=1), 1),
            np.clip(odds, 0, None).max(axis=1, initial=0),
        )
        return [np.asarray(c, np.float32) for c in columns]

    def _slot_columns(self, compared: _Compared, m: int) -> list[Column]:
        columns: list[Column] = []
        absent = np.full(m, np.nan, np.float32)
        for slot in _SLOTS:
            position = self.slots.get(slot)
            if position is None:
                columns += [absent] * len(_slot_details(slot))
                continue
            found = compared.pairs[position]
            values = {"alike": found.similarity, "information": np.full(m, self.attributes[position].information)}
            values |= found.details
            columns += [np.asarray(values[d], np.float32) for d in _slot_details(slot)]
        return columns


def _slot_details(slot: str) -> tuple[str, ...]:
    family = slot.split()[0]
    if slot == "name 1":
        return ("alike", "words", "covered", "jaro-winkler", "tokens", "information")
    if family == "name":
        return ("alike", "covered")
    if slot == "code 1":
        return ("alike", "jaro-winkler", "information")
    if slot == "date 1":
        return ("alike", "year gap")
    return ("alike",)


def _place(ordered: npt.NDArray[np.float32], place: int) -> npt.NDArray[np.float32]:
    if ordered.shape[1] <= place:
        return np.full(len(ordered), np.nan, np.float32)
    return np.where(np.isinf(ordered[:, place]), np.nan, ordered[:, place])


def _keys(pairs: Candidates) -> npt.NDArray[np.int64]:
    return pairs.left.astype(np.int64) << 32 | pairs.right
