"""Words, codes, character grams and their weights, each beside a slow exact twin."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from dovetail.tables.words import Bags, gram_bags, grams_of, rarity, weighted, word_bags, words_of

TEXTS = ["sony ps-lx350h turntable", "sony turntable", "", "the sony the best", "lamp 12/3-b"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sony ps-lx350h", ["sony", "ps", "lx350h", "pslx350h"]),
        ("the cat the hat", ["the", "cat", "hat"]),
        ("dash-ed word", ["dash", "ed", "word"]),
        ("12/3-b", ["12", "3", "b", "123b"]),
        ("1-2", ["1", "2"]),
        ("under_score 4", ["under", "score", "4"]),
        ("grüße 東京", ["grüße", "東京"]),
        ("... --- !!!", []),
        ("", []),
    ],
)
def test_words_and_codes(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_a_code_that_is_too_long_stays_in_pieces() -> None:
    assert words_of("a1-" + "b" * 30) == ["a1", "b" * 30]


@pytest.mark.parametrize(
    ("word", "grams"),
    [("lamp", ["#la", "lam", "amp", "mp#"]), ("a", ["#a#"]), ("ab", ["#ab", "ab#"]), ("aaaa", ["#aa", "aaa", "aa#"])],
)
def test_grams(word: str, grams: list[str]) -> None:
    assert grams_of(word) == grams


def _sets(bags: Bags) -> list[set[str]]:
    rows = np.split(bags.matrix.indices, bags.matrix.indptr[1:-1])
    return [{bags.terms[i] for i in row} for row in rows]


def test_word_bags_hold_the_words() -> None:
    bags = word_bags(TEXTS)
    assert _sets(bags) == [set(words_of(t)) for t in TEXTS]
    assert bags.terms[:3] == ["sony", "ps", "lx350h"]
    assert set(bags.matrix.data.tolist()) == {1.0}


def test_gram_bags_hold_the_grams_of_the_words() -> None:
    bags = gram_bags(word_bags(TEXTS))
    assert _sets(bags) == [{g for w in words_of(t) for g in grams_of(w)} for t in TEXTS]
    assert set(bags.matrix.data.tolist()) == {1.0}


@pytest.mark.parametrize("texts", [[], [""], ["", "!?"]])
def test_texts_without_words(texts: list[str]) -> None:
    words = word_bags(texts)
    assert words.matrix.shape[0] == gram_bags(words).matrix.shape[0] == len(texts)
    assert words.matrix.nnz == 0
    assert weighted(words.matrix, rarity(words.matrix)).nnz == 0


def test_grams_of_bags_without_a_column() -> None:
    assert gram_bags(Bags(csr_array((3, 0), dtype=np.float32), [])).matrix.nnz == 0


def test_rarity_is_the_written_formula() -> None:
    bags = word_bags(TEXTS)
    counts = Counter(w for t in TEXTS for w in words_of(t))
    exact = [math.log((len(TEXTS) + 1) / (counts[w] + 0.5)) for w in bags.terms]
    np.testing.assert_allclose(rarity(bags.matrix), exact, rtol=1e-6)


def test_weighted_products_are_cosines() -> None:
    bags = word_bags(TEXTS)
    weights = rarity(bags.matrix)
    rows = weighted(bags.matrix, weights)
    dense = bags.matrix.toarray() * weights
    norms = np.linalg.norm(dense, axis=1)
    exact = (dense @ dense.T) / np.outer(norms + (norms == 0), norms + (norms == 0))
    np.testing.assert_allclose((rows @ rows.T).toarray(), exact, atol=1e-6)
    np.testing.assert_allclose(np.asarray(rows.multiply(rows).sum(axis=1)).ravel(), [1, 1, 0, 1, 1], atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(alphabet="ab1- .é_", max_size=12), max_size=8))
def test_any_texts(texts: list[str]) -> None:
    words = word_bags(texts)
    assert isinstance(words.matrix, csr_array)
    assert _sets(words)[: len(texts)] == [set(words_of(t)) for t in texts]
    cosines = weighted(words.matrix, rarity(words.matrix))
    assert not len(texts) or (cosines @ cosines.T).toarray().max(initial=0) <= 1 + 1e-5


def test_a_word_of_any_length_is_read_in_one_go() -> None:
    long = "x" * 1_000_000  # a pattern that tries every start would take hours
    assert words_of(f"a-1 {long}") == ["a", "1", long]
    assert words_of(f"{long}-1") == [long, "1"]
