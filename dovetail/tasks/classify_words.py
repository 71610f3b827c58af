"""Texts as sparse rows of words, word pairs and character grams, weighted by rarity."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, diags_array, hstack

from dovetail.tables.words import grams_of

_TOKEN = re.compile(r"[^\W_]+|[^\w\s]")
_LONGEST = 20_000  # characters that are read of a text
MOST_TERMS = 40_000  # of each kind: words with pairs, and grams
_SIZES = (3, 4)
_LONG_WORD = 40  # characters of a word that are cut into grams: what is longer is no word


def tokens_of(text: str) -> list[str]:
    """Words and single signs of a text, case-folded, in their order."""
    return _TOKEN.findall(unicodedata.normalize("NFKC", text[:_LONGEST]).casefold())


@dataclass(frozen=True)
class Words:
    """The terms that were kept and how rare each is: words and pairs first, then grams."""

    terms: tuple[str, ...]
    grams: tuple[str, ...]
    rarity: npt.NDArray[np.float32]  # (terms + grams,)

    @classmethod
    def learnt(cls, texts: Sequence[str], most: int = MOST_TERMS) -> Words:
        """Terms that stand in at least two of the texts (in one, where the texts are few), the frequent ones first."""
        found = [_terms(tokens_of(t)) for t in texts]
        least = 2 if len(texts) >= 200 else 1
        standing = Counter(term for terms in found for term in set(terms))
        terms = _frequent(standing, least, most)
        gram_standing: Counter[str] = Counter()
        for word, times in standing.items():
            if " " not in word:
                for gram in _grams(word):
                    gram_standing[gram] += times
        grams = _frequent(gram_standing, least, most)
        counts = [standing[t] for t in terms] + [min(gram_standing[g], len(texts)) for g in grams]
        rarity = np.log((len(texts) + 1) / (np.asarray(counts, np.float64) + 0.5))
        return cls(tuple(terms), tuple(grams), np.maximum(rarity, 0.05).astype(np.float32))

    def rows(self, texts: Sequence[str]) -> csr_array:
        """Rows (n, terms + grams) of length one: half of it from words and pairs, half from grams."""
        index = {term: i for i, term in enumerate(self.terms)}
        split = [tokens_of(t) for t in texts]
        words = _counted([[index[t] for t in _terms(s) if t in index] for s in split], len(self.terms))
        vocabulary = {w: i for i, w in enumerate(dict.fromkeys(w for s in split for w in s))}
        own = _counted([[vocabulary[w] for w in s] for s in split], len(vocabulary))
        place = {gram: i for i, gram in enumerate(self.grams)}
        cut = _counted([[place[g] for g in _grams(w) if g in place] for w in vocabulary] or [[]], len(self.grams))
        grams = own @ cut
        rare = np.split(self.rarity, [len(self.terms)])
        return csr_array(hstack([_scaled(words, rare[0]), _scaled(csr_array(grams), rare[1])]).tocsr())


def word_rows(texts: Sequence[str]) -> csr_array:
    """Rows (n, words) of length one: which words stand in each text, the rare ones weighing more."""
    index: dict[str, int] = {}
    numbered = [[index.setdefault(w, len(index)) for w in dict.fromkeys(tokens_of(t))] for t in texts]
    found = _counted(numbered, len(index))
    standing = np.bincount(found.indices, minlength=found.shape[1])
    rarity = np.log((len(texts) + 1) / (standing + 0.5)).astype(np.float32)
    return csr_array(_scaled(found, rarity) * np.float32(np.sqrt(2)))


def _terms(tokens: Sequence[str]) -> list[str]:
    return [*tokens, *(f"{a} {b}" for a, b in pairwise(tokens))]


def _grams(word: str) -> list[str]:
    return [g for size in _SIZES for g in grams_of(word[:_LONG_WORD], size)]


def _frequent(standing: Counter[str], least: int, most: int) -> list[str]:
    return [term for term, times in standing.most_common(most) if times >= least]


def _counted(rows: Iterable[Sequence[int]], width: int) -> csr_array:
    """How often each number stands in each row: a sparse matrix (rows, width)."""
    listed = list(rows)
    lengths = np.fromiter(map(len, listed), np.int64, len(listed))
    flat = np.fromiter((i for one in listed for i in one), np.int32, int(lengths.sum()))
    ends = np.concatenate([[0], np.cumsum(lengths)])
    found: Any = csr_array((np.ones(len(flat), np.float32), flat, ends), shape=(len(listed), max(width, 1)))
    found.sum_duplicates()
    return csr_array(found)


def _scaled(counts: csr_array, rarity: npt.NDArray[np.float32]) -> csr_array:
    """Rows of squared length one half, a term's tenth repeat saying less than its first."""
    found = counts.astype(np.float32)
    found.data = 1 + np.log(found.data)
    if len(rarity):
        found = csr_array(found @ diags_array(rarity))
    norms = np.sqrt(np.asarray(found.multiply(found).sum(axis=1)).ravel() * 2)
    return csr_array(diags_array((1 / np.where(norms == 0, 1, norms)).astype(np.float32)) @ found)
