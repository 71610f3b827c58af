"""The keyword index: which term stands in which document, how often, and BM25 over it.

A posting list is a blob of fixed-width entries, so that a query reads one blob a term and scores it as arrays.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dovetail.tasks.search_words import Analyser

ENTRY = np.dtype([("document", "<i4"), ("title", "u1"), ("text", "u1"), ("length", "<u2")])
Entries = npt.NDArray[np.void]


@dataclass(frozen=True)
class Bm25:
    """The settings of BM25 (Robertson and Zaragoza 2009). `title` counts a word of the title that many times."""

    k1: float = 1.2
    b: float = 0.75
    title: float = 2.0


@dataclass(frozen=True)
class TermWeight:
    """A term to look for: its weight, and the word of the query that it stands for."""

    term: str
    word: str
    weight: float = 1.0


@dataclass(frozen=True)
class Collection:
    """What BM25 must know of the whole collection."""

    documents: int
    mean_length: float  # in terms


def invert(
    ids: Sequence[int], titles: Iterable[str], texts: Iterable[str], analyser: Analyser
) -> tuple[dict[str, Entries], list[int]]:
    """The posting list of each term of some documents, and each document's length in terms."""
    vocabulary: dict[str, int] = {}
    columns = [array("i") for _ in range(4)]  # term, position, times in the title, times in the text
    lengths: list[int] = []
    for position, (title, text) in enumerate(zip(titles, texts, strict=True)):
        inside, above = Counter(analyser.terms(text)), Counter(analyser.terms(title))
        lengths.append(inside.total() + above.total())
        for term in inside | above:
            values = (vocabulary.setdefault(term, len(vocabulary)), position, above[term], inside[term])
            for column, value in zip(columns, values, strict=True):
                column.append(value)
    return _grouped(vocabulary, [np.array(c, np.int64) for c in columns], np.array(ids), np.array(lengths)), lengths


def _grouped(
    vocabulary: Mapping[str, int],
    columns: Sequence[npt.NDArray[np.int64]],
    ids: npt.NDArray[np.int64],
    lengths: npt.NDArray[np.int64],
) -> dict[str, Entries]:
    terms, position, title, text = columns
    order = np.argsort(terms, kind="stable")
    entries = np.zeros(len(order), ENTRY)
    if len(order):
        entries["document"] = ids[position[order]]
        entries["title"], entries["text"] = np.minimum(title[order], 255), np.minimum(text[order], 255)
        entries["length"] = np.minimum(lengths[position[order]], 65_535)
    ends = np.cumsum(np.bincount(terms, minlength=len(vocabulary)))
    return {term: entries[ends[i - 1] if i else 0 : ends[i]] for term, i in vocabulary.items()}


def scores(entries: Entries, weight: float, collection: Collection, settings: Bm25) -> npt.NDArray[np.float64]:
    """What one term adds to the BM25 of each document in its posting list, (n,)."""
    times = settings.title * entries["title"].astype(np.float64) + entries["text"]
    length = 1 - settings.b + settings.b * entries["length"] / max(1.0, collection.mean_length)
    gain = weight * rarity(len(entries), collection) * (settings.k1 + 1)
    return np.asarray(gain * times / (times + settings.k1 * length), np.float64)


def rarity(documents: int, collection: Collection) -> float:
    """Inverse document frequency, never negative."""
    total = max(collection.documents, documents)
    return float(np.log1p((total - documents + 0.5) / (documents + 0.5)))


def most(found: Sequence[tuple[TermWeight, Entries]], collection: Collection, settings: Bm25) -> float:
    """The BM25 that no document can reach: every term endlessly often."""
    return sum(t.weight * rarity(len(e), collection) * (settings.k1 + 1) for t, e in found) or 1.0


def summed(
    found: Sequence[tuple[TermWeight, Entries]], size: int, collection: Collection, settings: Bm25
) -> npt.NDArray[np.float64]:
    """BM25 of every document by its number, (size,)."""
    if not found:
        return np.zeros(size)
    documents = np.concatenate([e["document"] for _, e in found])
    parts = np.concatenate([scores(e, t.weight, collection, settings) for t, e in found])
    total: npt.NDArray[np.float64] = np.bincount(documents, parts, minlength=size)[:size].astype(np.float64)
    return total
