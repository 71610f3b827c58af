"""Records as sparse rows of words and character grams, weighted by rarity: what lexical comparing rests on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, diags_array

_WORD = re.compile(r"[^\W_]+")
_CHUNK = re.compile(r"\S+")
_DIGIT = re.compile(r"\d")
_PUNCTUATION = re.compile(r"[\W_]+")


def words_of(text: str) -> list[str]:
    """The distinct words of a comparable text; codes such as `ps-lx350h` also in one piece, `pslx350h`."""
    found = _WORD.findall(text)
    for chunk in _CHUNK.findall(text):
        if not chunk.isalnum() and _DIGIT.search(chunk):
            whole = _PUNCTUATION.sub("", chunk)
            if 4 <= len(whole) <= 24:
                found.append(whole)
    return list(dict.fromkeys(found))


def grams_of(word: str, size: int = 3) -> list[str]:
    """The character grams of a word with its edges marked; a word as long as a gram or shorter is one gram."""
    edged = f"#{word}#"
    return list(dict.fromkeys(edged[i : i + size] for i in range(max(1, len(edged) - size + 1))))


@dataclass(frozen=True)
class Bags:
    """Which terms stand in which row: a binary sparse matrix (rows, terms), and the terms."""

    matrix: csr_array
    terms: list[str]


def word_bags(texts: Iterable[str]) -> Bags:
    """One bag of words a text; terms in the order of first appearance."""
    index: dict[str, int] = {}
    rows = [[index.setdefault(w, len(index)) for w in words_of(text)] for text in texts]
    return Bags(_binary(rows, len(index)), list(index))


def known_bags(texts: Iterable[str], index: Mapping[str, int], width: int) -> csr_array:
    """Which known terms stand in each text, as a binary sparse matrix (texts, width); others are passed by."""
    rows = [[index[w] for w in words_of(text) if w in index] for text in texts]
    return _binary(rows, width)


def gram_bags(words: Bags, size: int = 3) -> Bags:
    """One bag of character grams a row, made through the words, so that each word is cut only once."""
    grams = spelling(words, size)
    return Bags(spelt(words.matrix, grams.matrix), grams.terms)


def spelling(words: Bags, size: int = 3) -> Bags:
    """The character grams of each word: a binary sparse matrix (words, grams), and the grams."""
    index: dict[str, int] = {}
    rows = [[index.setdefault(g, len(index)) for g in grams_of(w, size)] for w in words.terms]
    rows += [[]] * (words.matrix.shape[1] - len(rows))  # without any word the matrix may still have a column
    return Bags(_binary(rows, len(index)), list(index))


def spelt(words: csr_array, grams: csr_array) -> csr_array:
    """Which grams stand in each row, from its words and their grams: (rows, grams), binary."""
    return _ones(words @ grams)


def _binary(rows: Sequence[Sequence[int]], width: int) -> csr_array:
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    columns = np.fromiter(chain.from_iterable(rows), np.int32, int(lengths.sum()))
    ends = np.concatenate([[0], np.cumsum(lengths)])
    return csr_array((np.ones(len(columns), np.float32), columns, ends), shape=(len(rows), max(width, 1)))


def _ones(matrix: Any) -> csr_array:
    found = csr_array(matrix)
    found.data = np.ones(len(found.data), np.float32)
    return found


def rarity(matrix: csr_array) -> npt.NDArray[np.float32]:
    """Inverse document frequency of each term: log((n + 1) / (df + 0.5)), (terms,)."""
    frequency = np.bincount(matrix.indices, minlength=matrix.shape[1])
    return np.asarray(np.log((matrix.shape[0] + 1) / (frequency + 0.5)), dtype=np.float32)


def weighted(matrix: csr_array, weights: npt.NDArray[np.float32]) -> csr_array:
    """Rows weighted by term and scaled to length one, so that their products are cosines in [0, 1]."""
    found = csr_array(matrix @ diags_array(weights.astype(np.float32)))
    norms = np.sqrt(np.asarray(found.multiply(found).sum(axis=1)).ravel())
    return csr_array(diags_array((1 / np.where(norms == 0, 1, norms)).astype(np.float32)) @ found)
