"""How alike two values of one attribute are, by kind: vectorised over pairs, each distinct pair of values once."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import process
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.fuzz import token_set_ratio

from dovetail.tables.normalise import as_numbers
from dovetail.tables.words import rarity, weighted, word_bags
from dovetail.types import Attribute, Kind, Records

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from dovetail.types import Ints

Column = npt.NDArray[np.float32]

WORDY = frozenset((Kind.NAME, Kind.TEXT, Kind.ADDRESS, Kind.CATEGORY))
CODED = frozenset((Kind.CODE, Kind.PHONE, Kind.EMAIL, Kind.URL))
NUMERIC = frozenset((Kind.NUMBER, Kind.MONEY, Kind.QUANTITY))

WORKERS = 2
_LONG = 120  # characters; longer values are compared by their words only


@dataclass(frozen=True)
class ValuePairs:
    """The comparisons of one attribute over m pairs; NaN where a side is missing."""

    similarity: Column  # (m,) the one figure that sums the attribute up, in [0, 1]
    details: dict[str, Column]  # further comparisons, (m,) each
    equal: npt.NDArray[np.bool_]  # (m,) both present and the same comparable text


class AttributeComparer:
    """Compares the cells of one attribute."""

    def __init__(self, records: Records, attribute: Attribute) -> None:
        self.records, self.attribute = records, attribute

    @cached_property
    def _coded(self) -> pa.DictionaryArray:
        column = self.records.text[self.attribute.name]
        array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        return array.dictionary_encode()

    @cached_property
    def codes(self) -> npt.NDArray[np.int64]:
        """The distinct value of each record by number, -1 where missing. (n,)"""
        filled = pc.fill_null(self._coded.indices, -1)
        return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.int64)

    @cached_property
    def values(self) -> list[str]:
        """The distinct values."""
        return list(self._coded.dictionary.to_pylist())

    @cached_property
    def frequency(self) -> npt.NDArray[np.float64]:
        """Share of the present cells that hold each distinct value."""
        present = self.codes[self.codes >= 0]
        return np.bincount(present, minlength=len(self.values)) / max(len(present), 1)

    @cached_property
    def filled(self) -> float:
        """Share of the records that have a value."""
        return float((self.codes >= 0).mean()) if len(self.codes) else 0.0

    @cached_property
    def information(self) -> float:
        """How well the attribute tells records apart: entropy over log n, times the filled share. In [0, 1]."""
        p = self.frequency[self.frequency > 0]
        most = np.log(max(len(self.codes), 2))
        return float(-(p * np.log(p)).sum() / most) * self.filled if len(p) else 0.0

    def with_copies(self, row: npt.NDArray[Any], lacks: npt.NDArray[np.bool_]) -> AttributeComparer:
        """The same for further records, each with the cell that `row` has, or none; frequencies stay as they are."""
        found = copy(self)
        # Reckoned without the copies, and kept: a property that was worked out once stands in the instance.
        found.__dict__.update(frequency=self.frequency, filled=self.filled, information=self.information)
        found.__dict__["codes"] = np.concatenate([self.codes, np.where(lacks, -1, self.codes[row])])
        return found

    def compare(self, left: Ints, right: Ints) -> ValuePairs:
        """Compare the cells of m pairs of records."""
        a, b = self.codes[left], self.codes[right]
        both = (a >= 0) & (b >= 0)
        keys, back = np.unique(
            np.minimum(a[both], b[both]) * max(len(self.values), 1) + np.maximum(a[both], b[both]), return_inverse=True
        )
        x, y = np.divmod(keys, max(len(self.values), 1))
        similarity, details = self._distinct(x, y)

        def spread(column: npt.NDArray[Any]) -> Column:
            whole = np.full(len(left), np.nan, np.float32)
            whole[both] = column[back]
            return whole

        return ValuePairs(spread(similarity), {n: spread(c) for n, c in details.items()}, both & (a == b))

    def _distinct(self, x: npt.NDArray[Any], y: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], dict[str, Any]]:
        kind = self.attribute.kind
        if kind in NUMERIC:
            return self._numbers(x, y)
        if kind is Kind.DATE:
            return self._dates(x, y)
        if kind in CODED:
            return self._codes(x, y)
        return self._words(x, y)

    def _numbers(self, x: npt.NDArray[Any], y: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], dict[str, Any]]:
        numbers = self._as_numbers
        a, b = numbers[x], numbers[y]
        biggest = np.maximum(np.abs(a), np.abs(b))
        near = 1 - np.abs(a - b) / np.where(biggest == 0, 1, biggest)
        known = ~np.isnan(near)
        similarity = np.where(known, np.clip(near, 0, 1), (x == y).astype(float))
        # Nearly equal amounts speak for a match, amounts that differ by half do not: square the closeness.
        return similarity**2, {"closeness": similarity}

    @cached_property
    def _as_numbers(self) -> npt.NDArray[np.float64]:
        return as_numbers(pa.array(self.values, pa.string()))

    def _dates(self, x: npt.NDArray[Any], y: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], dict[str, Any]]:
        digits = self._digits
        years = self._years
        close = 1 - _cpdist(OSA.normalized_distance, digits, x, y)
        gap = np.abs(years[x] - years[y])
        short = self._short[x] | self._short[y]
        by_year = np.where(gap == 0, 1.0, np.where(gap <= 1, 0.5, np.where(gap <= 2, 0.2, 0.0)))
        similarity = np.where(short, by_year, np.clip((close - 0.5) * 2, 0, 1))
        return similarity, {"year gap": np.minimum(np.nan_to_num(gap, nan=30.0), 30)}

    @cached_property
    def _digits(self) -> list[str]:
        return [re.sub(r"\D", "", v) or v for v in self.values]

    @cached_property
    def _years(self) -> npt.NDArray[np.float64]:
        found = (re.search(r"(?<!\d)\d{4}(?!\d{0,1}\d{5})", v) for v in self.values)
        return np.array([float(m[0]) if m else np.nan for m in found])

    @cached_property
    def _short(self) -> npt.NDArray[np.bool_]:
        return np.array([len(d) <= 4 for d in self._digits], dtype=bool)

    def _codes(self, x: npt.NDArray[Any], y: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], dict[str, Any]]:
        bare = self._bare
        close = 1 - _cpdist(OSA.normalized_distance, bare, x, y)
        jaro = _cpdist(JaroWinkler.similarity, bare, x, y)
        # One slip in a code may be a typo, more are another code.
        return np.clip((close - 0.5) * 2, 0, 1), {"jaro-winkler": jaro}

    @cached_property
    def _bare(self) -> list[str]:
        return [re.sub(r"[\W_]+", "", v) or v for v in self.values]

    def _words(self, x: npt.NDArray[Any], y: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], dict[str, Any]]:
        cosine, covered = _word_overlap(*self._bags, x, y)
        short = self._brief[x] & self._brief[y]
        jaro, tokens = np.zeros(len(x)), np.zeros(len(x))
        jaro[short] = _cpdist(JaroWinkler.similarity, self.values, x[short], y[short])
        tokens[short] = _cpdist(token_set_ratio, self.values, x[short], y[short]) / 100
        edit = np.where(short, np.clip((jaro - 0.6) / 0.4, 0, 1), 0)
        similarity = np.maximum(np.maximum(cosine, edit), 0.8 * covered)
        details = {"words": cosine, "covered": covered, "jaro-winkler": jaro, "tokens": tokens}
        return similarity, details

    @cached_property
    def _brief(self) -> npt.NDArray[np.bool_]:
        return np.fromiter((len(v) <= _LONG for v in self.values), bool, len(self.values))

    @cached_property
    def _bags(self) -> tuple[csr_array, csr_array]:
        bags = word_bags(self.values)
        weights = rarity(bags.matrix)
        plain = bags.matrix.copy()
        plain.data = weights[plain.indices]
        return weighted(bags.matrix, weights), plain


def _word_overlap(
    scaled: csr_array, plain: csr_array, x: npt.NDArray[Any], y: npt.NDArray[Any]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Cosine of the rarity-weighted words, and the share of the words of the shorter side that the other side has."""
    cosine = row_products(scaled, x, y)
    mass = np.asarray(plain.sum(axis=1)).ravel()
    ones = plain.copy()
    ones.data = np.sqrt(plain.data)
    shared = row_products(ones, x, y)
    least = np.minimum(mass[x], mass[y])
    return np.minimum(cosine, 1), np.minimum(shared / np.where(least <= 0, 1, least), 1)


def row_products(matrix: csr_array, x: npt.NDArray[Any], y: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """The dot products of rows x with rows y of a sparse matrix, (m,)."""
    out = np.zeros(len(x))
    for start in range(0, len(x), 200_000):
        part = slice(start, start + 200_000)
        out[part] = np.asarray(matrix[x[part]].multiply(matrix[y[part]]).sum(axis=1)).ravel()
    return out


def _cpdist(
    scorer: Callable[..., float], values: list[str], x: npt.NDArray[Any], y: npt.NDArray[Any]
) -> npt.NDArray[np.float64]:
    if not len(x):
        return np.zeros(0)
    table = np.array(values, dtype=object)
    found = process.cpdist(table[x], table[y], scorer=scorer, workers=WORKERS, dtype=np.float32)
    return np.asarray(found, dtype=np.float64)
