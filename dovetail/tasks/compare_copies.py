"""Comparisons of pairs in which one record holds another value, while all else of the tables stays as it is.

Nothing is prepared again: a copy of a record with the other value is compared with what the records of the tables were
compared with. How rare words and values are, how telling each attribute is and how agreement is weighed stay those of
the tables as they are; where the pair stands among its rivals is worked out anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.sparse import csr_array, vstack

from dovetail.tables.text import row_texts
from dovetail.tables.words import Bags, known_bags, spelt, weighted
from dovetail.tasks.compare import Comparer, Comparisons
from dovetail.tasks.compare_odds import Odds
from dovetail.tasks.compare_rivals import standing
from dovetail.tasks.compare_rows import RowComparer
from dovetail.tasks.compare_values import AttributeComparer, Column
from dovetail.types import Candidates, Records

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Copies:
    """Copies of records with one value in place of another: copy j is `row[j]` with the cell `name[j]` of `donor[j]`.

    A donor of -1 takes the value away.
    """

    row: Places  # (k,)
    name: Sequence[str]  # (k,)
    donor: Places  # (k,)

    def cells(self, name: str) -> tuple[Places, npt.NDArray[np.bool_]]:
        """For each copy the record whose cell of this attribute it has, and whether it has none, (k,) both."""
        here = np.array([n == name for n in self.name], bool)
        return np.where(here & (self.donor >= 0), self.donor, self.row), here & (self.donor < 0)

    def some(self, places: npt.NDArray[Any]) -> Copies:
        """These of the copies."""
        return Copies(self.row[places], [self.name[i] for i in places], self.donor[places])

    def of(self, records: Records) -> Records:
        """The copies as records of their own, (k,)."""
        found = {}
        for kind in ("original", "text"):
            table = getattr(records, kind)
            columns = {}
            for name in table.column_names:
                rows, lacks = self.cells(name)
                columns[name] = table[name].take(pa.array(rows, mask=lacks))
            found[kind] = pa.table(columns)
        return replace(records, source=records.source[self.row], ids=records.ids.take(pa.array(self.row)), **found)


class CopyComparer(Comparer):
    """Compares copies with `partner` (k,), records that each copied record is paired with in the context.

    The copies are numbered after the records.
    """

    def __init__(self, before: Comparer, copies: Copies, partner: Places) -> None:
        super().__init__(before.records, _beside(len(before.records), copies, partner), before.rows.encoder)
        self.before, self.copies, self.partner = before, copies, partner
        self._near = before.neighbours(copies.row)
        used = np.unique(np.concatenate([partner, self._near[1]]))
        self.rows: RowCopies = RowCopies(before.rows, used, row_texts(copies.of(before.records)))

    def all(self, *, own: bool) -> Comparisons:
        """The comparisons of every copy with its partner, (k, f)."""
        return self.own(self.context) if own else self.portable(self.context)

    def some(self, places: npt.NDArray[Any]) -> tuple[Candidates, Records]:
        """Some of the pairs, and their copies as records that are numbered after those of the tables."""
        copies, partner = self.copies.some(places), self.partner[places]
        return _beside(len(self.records), copies, partner), copies.of(self.records)

    @cached_property
    def attributes(self) -> list[AttributeComparer]:
        """Those of the tables, for the copies too."""
        return [c.with_copies(*self.copies.cells(c.attribute.name)) for c in self.before.attributes]

    @cached_property
    def slots(self) -> dict[str, int]:
        """Those of the tables."""
        return self.before.slots

    @cached_property
    def odds(self) -> Odds:
        """The agreement model of the tables."""
        return self.before.odds

    @cached_property
    def rivals(self) -> npt.NDArray[np.float32]:
        """How each copy stands with its partner among the rivals of both, (k, 7)."""
        n, k = len(self.records), len(self.partner)
        of, other, place = self._near
        base = self.rows.base(n + of, other)
        theirs, rest, where = self.before.neighbours(self.partner)
        rest_only = rest != self.copies.row[theirs]
        theirs, rest, where = theirs[rest_only], rest[rest_only], where[rest_only]
        here = other == self.partner[of]
        # Copy j is n + 2j and its partner n + 2j + 1, so that tries that share a record do not meet.
        left = np.concatenate([n + 2 * of, n + 2 * theirs + 1])
        right = np.concatenate([np.where(here, n + 2 * of + 1, other), rest])
        ends = np.stack([self.copies.row, self.partner], axis=1).ravel()
        source = np.concatenate([self.records.source, self.records.source[ends]])
        every = np.concatenate([base, self.before.base[where]])
        columns = [c[: len(of)][here] for c in standing(source, Candidates(left, right), every)]
        own = base[here]
        below = self.before.below(own, place[here])
        below += np.bincount(of, base < own[of], k) - np.bincount(of, self.before.base[place] < own[of], k)
        across = self.records.source[self.copies.row] != self.records.source[self.partner]
        found = [*columns, below / max(len(self.before.base) - 1, 1), across]
        return np.stack([np.asarray(c, np.float32) for c in found], axis=1)

    def _places(self, pairs: Candidates) -> Places:
        return np.arange(len(pairs))


class RowCopies(RowComparer):
    """Compares the texts of copies with those of some records, `used` (sorted), under the words of the tables."""

    def __init__(self, before: RowComparer, used: Places, texts: list[str]) -> None:
        super().__init__(before.records, before.encoder)
        self.before, self.used, self.copied = before, used, texts

    def base(self, left: npt.NDArray[Any], right: npt.NDArray[Any]) -> Column:
        """One quick similarity; records and copies are numbered as in `CopyComparer`."""
        return super().base(self._at(left), self._at(right))

    def compare(self, left: npt.NDArray[Any], right: npt.NDArray[Any]) -> list[Column]:
        """The columns of `NAMES`."""
        return super().compare(self._at(left), self._at(right))

    def _at(self, numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
        n = len(self.records)
        return np.where(numbers >= n, len(self.used) + numbers - n, np.searchsorted(self.used, numbers))

    @cached_property
    def texts(self) -> list[str]:
        """The texts of the records used, then of the copies."""
        return [self.before.texts[i] for i in self.used] + self.copied

    @cached_property
    def _fresh(self) -> csr_array:
        """The words of the copies."""
        return known_bags(self.copied, self.before.term_numbers, self.before._bags.matrix.shape[1])

    @cached_property
    def _bags(self) -> Bags:
        return Bags(self._beside(self.before._bags.matrix, self._fresh), self.before._bags.terms)

    @cached_property
    def _weights(self) -> npt.NDArray[np.float32]:
        return self.before._weights

    @cached_property
    def _words(self) -> csr_array:
        return self._beside(self.before._words, weighted(self._fresh, self._weights))

    @cached_property
    def _grams(self) -> csr_array | None:
        if self.before._grams is None:
            return None
        fresh = weighted(spelt(self._fresh, self.before._spelling), self.before._gram_weights)
        return self._beside(self.before._grams, fresh)

    @cached_property
    def _code_grams(self) -> csr_array:
        words = csr_array(self._fresh[:, self.before._long_codes])
        fresh = weighted(spelt(words, self.before._code_spelling), self.before._code_gram_weights)
        return self._beside(self.before._code_grams, fresh)

    @cached_property
    def _digits(self) -> npt.NDArray[np.bool_]:
        return self.before._digits

    @cached_property
    def _coded(self) -> npt.NDArray[np.bool_]:
        return self.before._coded

    @cached_property
    def _numeric(self) -> npt.NDArray[np.bool_]:
        return self.before._numeric

    @cached_property
    def vectors(self) -> npt.NDArray[np.float32] | None:
        """The encoder's vectors, where the tables have some."""
        if self.encoder is None or self.before.vectors is None:
            return None
        return np.concatenate([self.before.vectors[self.used], self.encoder.encode(self.copied)])

    def _beside(self, matrix: csr_array, fresh: csr_array) -> csr_array:
        return csr_array(vstack([matrix[self.used], fresh], format="csr"))


def _beside(n: int, copies: Copies, partner: Places) -> Candidates:
    """Each copy, numbered from n, with its partner, on the side on which the copied record stood."""
    numbers, first = np.arange(len(partner)) + n, copies.row < partner
    ends = np.where(first, numbers, partner), np.where(first, partner, numbers)
    return Candidates(*(end.astype(np.int32) for end in ends))
