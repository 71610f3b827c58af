"""The two nets that blocking throws: shared words and character grams, and the encoder's neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, csr_matrix, hstack

from dovetail.tables.text import row_texts
from dovetail.tables.words import gram_bags, rarity, weighted, word_bags
from dovetail.vectors.base import EXACT_ROWS, make_store

if TYPE_CHECKING:
    from dovetail.encoders.base import Encoder
    from dovetail.types import Ints, Records

# Multiplications of the sparse product that blocking may cost; terms that stand in too many rows are left out.
WORK = 6e9
GRAM_ROWS = 150_000  # above, character grams cost more than they find
ENCODER_ROWS = 150_000  # above, neighbours of the encoder cost more than they find
_GRAM_SHARE = 0.45  # of the joint similarity, the rest is words
_CHUNK = 4_096


@dataclass(frozen=True)
class Near:
    """Directed neighbours in one net: query row, found row, similarity, and the place (0 best) among the query's."""

    net: str
    query: Ints
    found: Ints
    similarity: npt.NDArray[np.float32]
    place: Ints


class Nets:
    """Looks up neighbours of rows among rows. Everything heavy is made on first use and only once."""

    def __init__(self, records: Records, encoder: Encoder) -> None:
        self.records, self.encoder = records, encoder

    @cached_property
    def texts(self) -> list[str]:
        """One text a record, (n,)."""
        """One text a record."""
        return row_texts(self.records)

    @cached_property
    def uses_grams(self) -> bool:
        """Whether character grams are affordable at this size."""
        """Whether character grams are affordable."""
        return len(self.records) <= GRAM_ROWS

    @cached_property
    def uses_encoder(self) -> bool:
        """Whether the encoder's neighbours are affordable at this size."""
        """Whether the encoder's neighbours are affordable."""
        return len(self.records) <= ENCODER_ROWS

    @cached_property
    def lexical(self) -> csr_array:
        """Rows of length one over words, codes and character grams."""
        words = word_bags(self.texts)
        parts = [_pruned(words.matrix, WORK / 2) * np.float32(np.sqrt(1 - _GRAM_SHARE))]
        if self.uses_grams:
            parts.append(_pruned(gram_bags(words).matrix, WORK / 2) * np.float32(np.sqrt(_GRAM_SHARE)))
        return csr_array(hstack(parts, format="csr", dtype=np.float32))

    @cached_property
    def vectors(self) -> npt.NDArray[np.float32]:
        """The encoder's unit vectors of the texts, (n, dimensions)."""
        """The encoder's vectors of the records."""
        return self.encoder.encode(self.texts)

    def near_lexical(self, queries: Ints, among: Ints, k: int) -> Iterator[Near]:
        """The k most similar of `among` for each query, chunk by chunk; a row never finds itself."""
        from sparse_dot_topn import sp_matmul_topn

        target = csr_matrix(self.lexical[among].T)
        for chunk in _chunks(queries):
            found = sp_matmul_topn(csr_matrix(self.lexical[chunk]), target, top_n=k + 1, sort=True, n_threads=2)
            rows = np.repeat(np.arange(len(chunk)), np.diff(found.indptr))
            yield _ranked("lexical", chunk[rows], among[found.indices], found.data, k)

    def near_encoder(self, queries: Ints, among: Ints, k: int) -> Iterator[Near]:
        """The k nearest of `among` by the encoder's cosine for each query; rows without text have no neighbours."""
        says = np.asarray(self.vectors.any(axis=1))
        queries, among = queries[says[queries]], among[says[among]]
        store = make_store("exact" if len(among) <= EXACT_ROWS else "usearch", self.encoder.dimensions)
        store.add(among.astype(np.int64), self.vectors[among])
        for chunk in _chunks(queries):
            keys, cosines = store.search(self.vectors[chunk], k + 1)
            rows = np.repeat(chunk, keys.shape[1])
            real = (keys.ravel() >= 0) & (cosines.ravel() > 0)
            yield _ranked("encoder", rows[real], keys.ravel()[real].astype(np.int32), cosines.ravel()[real], k)


def _pruned(matrix: csr_array, work: float) -> csr_array:
    """Weighted rows without the terms that stand alone, or in so many rows that the work would be exceeded."""
    frequency = np.bincount(matrix.indices, minlength=matrix.shape[1]).astype(np.float64)
    order = np.argsort(frequency, kind="stable")
    within = np.cumsum(frequency[order] ** 2) <= work
    keep = np.zeros(len(frequency), bool)
    keep[order[within]] = True
    keep &= frequency > 1
    # The length of a row counts all its terms: a row whose words nobody shares is no close neighbour.
    scaled = weighted(matrix, rarity(matrix))
    return csr_array(scaled[:, np.flatnonzero(keep)])


def _chunks(rows: Ints) -> Iterator[Ints]:
    for start in range(0, len(rows), _CHUNK):
        yield rows[start : start + _CHUNK]


def _ranked(net: str, query: npt.NDArray[Any], found: npt.NDArray[Any], similarity: npt.NDArray[Any], k: int) -> Near:
    other = query != found
    query, found, similarity = query[other], found[other], similarity[other]
    starts = np.flatnonzero(np.r_[True, query[1:] != query[:-1]]) if len(query) else np.zeros(0, np.int64)
    place = np.arange(len(query)) - np.repeat(starts, np.diff(np.r_[starts, len(query)]))
    near = place < k
    return Near(
        net, query[near].astype(np.int32), found[near].astype(np.int32), similarity[near], place[near].astype(np.int32)
    )
