"""How alike two whole records are, whatever their columns are called: words, codes, numbers, meaning."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from dovetail.tables.text import row_texts
from dovetail.tables.words import Bags, gram_bags, rarity, spelling, weighted, word_bags
from dovetail.tasks.compare_values import Column, row_products
from dovetail.types import Records

if TYPE_CHECKING:
    from dovetail.encoders.base import Encoder
    from dovetail.types import Ints

GRAM_ROWS = 150_000  # above, character grams of whole rows are left out, and words stand in for them
ENCODER_ROWS = 400_000

_TERMS = 5e6  # terms of rows that are multiplied at a time, some 100 MB


class RowComparer:
    """Comparisons over the joined text of a row."""

    NAMES = (
        "row words",
        "row grams",
        "row covered least",
        "row covered most",
        "row shared rarity",
        "row rarest shared",
        "codes shared",
        "codes rarest shared",
        "codes left over least",
        "codes left over most",
        "codes alike",
        "numbers shared",
        "numbers left over",
        "row meaning",
        "row length ratio",
    )

    def __init__(self, records: Records, encoder: Encoder | None = None) -> None:
        self.records, self.encoder = records, encoder

    @cached_property
    def texts(self) -> list[str]:
        """One text a record."""
        return row_texts(self.records)

    @cached_property
    def _bags(self) -> Bags:
        return word_bags(self.texts)

    @cached_property
    def _weights(self) -> npt.NDArray[np.float32]:
        return rarity(self._bags.matrix)

    @cached_property
    def _words(self) -> csr_array:
        return weighted(self._bags.matrix, self._weights)

    @cached_property
    def _grams(self) -> csr_array | None:
        if len(self.records) > GRAM_ROWS:
            return None
        grams = gram_bags(self._bags).matrix
        return weighted(grams, rarity(grams))

    @cached_property
    def _mass(self) -> csr_array:
        """Each word's rarity under a square root, so that a product of rows is the rarity they share."""
        return _rooted(self._bags.matrix, self._weights)

    def _some(self, chosen: npt.NDArray[np.bool_]) -> csr_array:
        return _rooted(csr_array(self._bags.matrix[:, np.flatnonzero(chosen)]), self._weights[chosen])

    @cached_property
    def term_numbers(self) -> dict[str, int]:
        """The column of each word."""
        return {term: column for column, term in enumerate(self._bags.terms)}

    @cached_property
    def _spelling(self) -> csr_array:
        """The grams of each word, in the columns of `_grams`."""
        return spelling(self._bags).matrix

    @cached_property
    def _code_spelling(self) -> csr_array:
        """The grams of each long code, in the columns of `_code_grams`."""
        kept = self._long_codes
        return spelling(Bags(self._bags.matrix[:, kept], [self._bags.terms[i] for i in kept])).matrix

    @cached_property
    def _gram_weights(self) -> npt.NDArray[np.float32]:
        return rarity(self._grams)

    @cached_property
    def _code_gram_weights(self) -> npt.NDArray[np.float32]:
        return rarity(self._code_grams)

    @cached_property
    def _digits(self) -> npt.NDArray[np.bool_]:
        terms = self._bags.terms
        return np.fromiter((any(c.isdigit() for c in t) for t in terms), bool, len(terms))

    @cached_property
    def _codes(self) -> csr_array:
        return self._some(self._coded)

    @cached_property
    def _coded(self) -> npt.NDArray[np.bool_]:
        """Words that mix letters and digits, or are long numbers: model numbers and the like."""
        terms = self._bags.terms
        coded = (len(t) >= 3 and (not t.isdigit() or len(t) >= 5) for t in terms)
        return self._digits & np.fromiter(coded, bool, len(terms))

    @cached_property
    def _numbers(self) -> csr_array:
        return self._some(self._numeric)

    @cached_property
    def _numeric(self) -> npt.NDArray[np.bool_]:
        """Short plain numbers."""
        terms = self._bags.terms
        return self._digits & np.fromiter((t.isdigit() and len(t) < 5 for t in terms), bool, len(terms))

    @cached_property
    def _code_grams(self) -> csr_array:
        kept = self._long_codes
        bags = Bags(csr_array(self._bags.matrix[:, kept]), [self._bags.terms[i] for i in kept])
        grams = gram_bags(bags).matrix
        return weighted(grams, rarity(grams))

    @cached_property
    def _long_codes(self) -> npt.NDArray[np.intp]:
        terms = self._bags.terms
        return np.flatnonzero(self._digits & np.fromiter((len(t) >= 4 for t in terms), bool, len(terms)))

    @cached_property
    def vectors(self) -> npt.NDArray[np.float32] | None:
        """The encoder's vectors of the rows, or None without an encoder or with too many rows."""
        if self.encoder is None or len(self.records) > ENCODER_ROWS:
            return None
        return self.encoder.encode(self.texts)

    @cached_property
    def _lengths(self) -> npt.NDArray[np.float32]:
        return np.fromiter((len(t) + 1 for t in self.texts), np.float32, len(self.texts))

    def base(self, left: Ints, right: Ints) -> Column:
        """One quick similarity in [0, 1]: rivals are ranked by it."""
        # All candidates come at once, and each takes its rows along: of wide tables only so many fit.
        stored = self._words.nnz + (0 if self._grams is None else self._grams.nnz)
        step = max(1_000, int(_TERMS / max(stored / max(len(self.records), 1), 1)))
        parts = [self._base(left[at : at + step], right[at : at + step]) for at in range(0, len(left), step)]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def _base(self, left: Ints, right: Ints) -> Column:
        words = row_products(self._words, left, right)
        if self._grams is None:
            return words.astype(np.float32)
        return ((words + row_products(self._grams, left, right)) / 2).astype(np.float32)

    def compare(self, left: Ints, right: Ints) -> list[Column]:
        """The columns of `NAMES`, (m,) each."""
        scale = np.log(len(self.records) + 1)
        words = row_products(self._words, left, right)
        grams = words if self._grams is None else row_products(self._grams, left, right)
        shared, least, most, _, _ = _overlap(self._mass, left, right)
        codes, code_least, code_most, only_least, only_most = _overlap(self._codes, left, right)
        numbers, _, _, number_least, _ = _overlap(self._numbers, left, right)
        code_mass = np.asarray(self._codes.multiply(self._codes).sum(axis=1)).ravel()
        has_codes = (code_mass[left] > 0) & (code_mass[right] > 0)
        number_mass = np.asarray(self._numbers.multiply(self._numbers).sum(axis=1)).ravel()
        has_numbers = (number_mass[left] > 0) & (number_mass[right] > 0)
        del code_least, code_most
        meaning = np.full(len(left), np.nan, np.float32)
        if self.vectors is not None:
            meaning = _cosines(self.vectors, left, right)
        lengths = self._lengths
        columns = (
            words,
            grams,
            least,
            most,
            shared / scale,
            _rarest(self._mass, left, right) / scale,
            np.where(has_codes, codes / scale, np.nan),
            np.where(has_codes, _rarest(self._codes, left, right) / scale, np.nan),
            np.where(has_codes, only_least / scale, np.nan),
            np.where(has_codes, only_most / scale, np.nan),
            np.where(has_codes, row_products(self._code_grams, left, right), np.nan),
            np.where(has_numbers, numbers / scale, np.nan),
            np.where(has_numbers, number_least / scale, np.nan),
            meaning,
            np.minimum(lengths[left], lengths[right]) / np.maximum(lengths[left], lengths[right]),
        )
        return [np.asarray(c, dtype=np.float32) for c in columns]


def _rooted(matrix: csr_array, weights: npt.NDArray[np.float32]) -> csr_array:
    found = csr_array(matrix, copy=True)
    found.data = np.sqrt(np.maximum(weights[found.indices], 1e-6)).astype(np.float32)
    return found


def _overlap(mass: csr_array, left: Ints, right: Ints) -> tuple[npt.NDArray[np.float64], ...]:
    """Rarity shared; share of it on the side it covers least and most; what is left over, least and most."""
    shared = row_products(mass, left, right)
    total = np.asarray(mass.multiply(mass).sum(axis=1)).ravel()
    a, b = total[left], total[right]
    covered = np.stack([shared / np.where(a > 0, a, 1), shared / np.where(b > 0, b, 1)])
    over = np.stack([a - shared, b - shared])
    return shared, covered.min(axis=0), covered.max(axis=0), over.min(axis=0), over.max(axis=0)


def _rarest(mass: csr_array, left: Ints, right: Ints) -> npt.NDArray[np.float64]:
    """The rarity of the rarest word that both rows have; 0 where none."""
    out = np.zeros(len(left))
    for start in range(0, len(left), 200_000):
        part = slice(start, start + 200_000)
        both = mass[left[part]].multiply(mass[right[part]])
        out[part] = both.max(axis=1).toarray().ravel() if both.nnz else 0
    return out


def _cosines(vectors: npt.NDArray[np.float32], left: Ints, right: Ints) -> Column:
    out = np.zeros(len(left), np.float32)
    for start in range(0, len(left), 100_000):
        part = slice(start, start + 100_000)
        out[part] = np.einsum("ij,ij->i", vectors[left[part]], vectors[right[part]])
    return out
