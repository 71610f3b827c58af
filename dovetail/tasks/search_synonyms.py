"""Synonyms: those that people give, and those that judgements teach.

A word of queries in place of which several answers say another word is taken for a synonym of that word: by the
likelihood ratio of the two standing together (Dunning, Accurate Methods for the Statistics of Surprise and Coincidence,
1993), the idea being that of translation models for retrieval (Berger and Lafferty 1999). Several answers must say so,
and to several queries: many queries with one answer, or one with many, tell of their topic, and not of words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array

from dovetail.tasks.search_index import Index
from dovetail.tasks.search_words import Analyser, words

_FEWEST = 3  # answers, and queries, that a pair of words has to stand in
_SURE = 24.0  # of the likelihood ratio: one pair in a million gets there by chance
_SHARE = 0.5  # of the answers to queries with the word, at least, have the other one
_MOST = 2  # synonyms of a word
_LETTERS = 3  # of either word, at least

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Usage:
    """For m right answers to queries: which of t terms the query has and the answer lacks, and the other way round."""

    query: Ints  # (m,)
    answer: Ints  # (m,)
    asked: csr_array  # (m, t) of 0 and 1
    said: csr_array  # (m, t) of 0 and 1
    words: tuple[str, ...]  # (t,) a spelling of each term


def joined(given: Mapping[str, Sequence[str]], learned: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Both kinds of synonyms, each once."""
    return {
        word: list(dict.fromkeys([*given.get(word, ()), *learned.get(word, ())]))
        for word in dict.fromkeys([*given, *learned])
    }


def usage_of(index: Index, queries: Sequence[str], truth: Sequence[Mapping[int, float]]) -> Usage:
    """What words queries and their right answers (by number) use."""
    pairs = [(row, n) for row, known in enumerate(truth) for n, grade in sorted(known.items()) if grade > 0]
    documents = index.documents(list({n for _, n in pairs}))
    pairs = [(row, n) for row, n in pairs if n in documents]
    spelt: dict[str, str] = {}
    asked = [_terms(query, index.analyser, spelt) for query in queries]
    said = {n: _terms(f"{d.title}\n{d.text}", index.analyser, spelt) for n, d in documents.items()}
    place = {term: at for at, term in enumerate(spelt)}
    ends = np.array(pairs, np.int64).reshape(-1, 2)
    return Usage(
        ends[:, 0],
        ends[:, 1],
        _marked([asked[row] - said[n] for row, n in pairs], place),
        _marked([said[n] - asked[row] for row, n in pairs], place),
        tuple(spelt.values()),
    )


def learned_synonyms(usage: Usage, queries: Sequence[int] | Ints | None = None) -> dict[str, list[str]]:
    """The words that answers have instead of a word of their queries, surest first; of all queries, or of some."""
    rows = np.arange(len(usage.query)) if queries is None else np.flatnonzero(np.isin(usage.query, queries))
    asked, said, total = _grouped(usage, rows, usage.answer)
    of_queries = _grouped(usage, rows, usage.query)
    both = coo_array(asked.T @ said)
    left, right = (np.asarray(c, np.int64) for c in both.coords)
    several = (csr_array(of_queries[0].T @ of_queries[1])[left, right] >= _FEWEST) if len(left) else np.zeros(0, bool)
    times, of, beside = both.data.astype(float), asked.sum(axis=0)[left], said.sum(axis=0)[right]
    sure = likelihood_ratio(times, of, beside, total)
    kept = several & (times >= _FEWEST) & (times / of >= _SHARE) & (sure >= _SURE) & (times * total > of * beside)
    found: dict[str, list[str]] = {}
    for at in sorted(np.flatnonzero(kept).tolist(), key=lambda at: -sure[at]):
        word, other = usage.words[left[at]], usage.words[right[at]]
        if len(found.get(word, ())) < _MOST and min(len(word), len(other)) >= _LETTERS:
            found.setdefault(word, []).append(other)
    return found


def _grouped(usage: Usage, rows: Ints, by: Ints) -> tuple[csr_array, csr_array, int]:
    """Both tables (a, t) of 0 and 1 over the a different answers, or queries, of some rows: what a row of each has."""
    answers, number = np.unique(by[rows], return_inverse=True)
    shape = (len(answers), len(rows))
    gather = csr_array((np.ones(len(rows)), (number, np.arange(len(rows)))), shape=shape)
    asked, said = gather @ usage.asked[rows], gather @ usage.said[rows]
    asked.data, said.data = np.minimum(asked.data, 1), np.minimum(said.data, 1)
    return csr_array(asked), csr_array(said), len(answers)


def likelihood_ratio(both: Floats, left: Floats, right: Floats, total: int) -> Floats:
    """Dunning's statistic (n,) of two events that happen `left` and `right` times of `total`, and `both` together."""
    cells = np.stack([both, left - both, right - both, total - left - right + both])
    expected = np.stack(
        [left * right, left * (total - right), (total - left) * right, (total - left) * (total - right)]
    )
    ratio = np.where(cells > 0, cells * total / np.maximum(expected, 1e-9), 1.0)
    return np.asarray(2 * (np.maximum(cells, 0) * np.log(ratio)).sum(axis=0), np.float64)


def _terms(text: str, analyser: Analyser, spelt: dict[str, str]) -> set[str]:
    """The terms of a text; a spelling of each is noted."""
    found = {analyser.stem(word): word for word in words(text) if word not in analyser.stop}
    for term, word in found.items():
        spelt.setdefault(term, word)
    return {*found}


def _marked(rows: Sequence[Iterable[str]], place: Mapping[str, int]) -> csr_array:
    pairs = [(row, place[term]) for row, terms in enumerate(rows) for term in sorted(terms)]
    at = np.array(pairs, np.int64).reshape(-1, 2)
    return csr_array((np.ones(len(at)), (at[:, 0], at[:, 1])), shape=(len(rows), len(place)))
