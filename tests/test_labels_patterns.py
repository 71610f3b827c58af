"""Patterns and words as they are looked for: bounded in time whatever is given, whole words of all alphabets, marks."""

from __future__ import annotations

import time

import numpy as np
import pytest

from dovetail.errors import InputError
from dovetail.labels.heuristics import ByPattern, ByWords
from dovetail.labels.patterns import MOST_READ, MOST_SIGNS, find, size_of


def mixed(signs: str, length: int) -> str:
    return "".join(np.random.default_rng(0).choice(list(signs), length))


@pytest.mark.parametrize(
    ("pattern", "signs"),
    [
        ("abc", 3),
        ("(ab?){0,9}", 18),
        ("(?:a{3}|[bc]{2,}){4}", 20),
        (r"\d{3}\pL{2}\p{Lu}", 6),
        (r"\Q{9}(\E{2}x", 6),
        ("[]{9}]{2}|[^]a]", 3),
        (r"[[:alpha:]\]]{5}", 5),
        ("a{,5}x{2", 8),
        ("(?i:a)(?P<n>b)(?s)c", 3),
        ("a*b+?$", 2),
    ],
)
def test_size_of_patterns(pattern: str, signs: int) -> None:
    assert size_of(pattern) == signs


@pytest.mark.parametrize("pattern", ["(?:[ab]?c?){0,900}1", "((a?){30}){30}x{200}"])
def test_repetitions_that_make_a_pattern_slow_are_refused_at_once(pattern: str) -> None:
    begun = time.monotonic()
    with pytest.raises(InputError, match=rf"{MOST_SIGNS:,} are the most; repeat less"):
        ByPattern("p", pattern, "x").found([mixed("abc", 20_000)] * 16)
    with pytest.raises(InputError, match="repeat less"):
        ByPattern("p", pattern, "x").marks(mixed("abc", 20_000))
    assert time.monotonic() - begun < 2


def test_the_time_holds_between_long_texts() -> None:
    begun = time.monotonic()
    with pytest.raises(InputError, match=r"too long: \d of 16 rows in 0.05 seconds"):
        find([mixed("abc", 20_000)] * 16, "a.{400}1", "p", 0.05)
    assert time.monotonic() - begun < 8, "at most one text is read after the time is over"


def test_long_texts_are_read_to_a_length() -> None:
    texts = ["é" * (MOST_READ - 2) + "ab", "é" * (MOST_READ - 1) + "ab", "ab"]
    assert ByPattern("p", "ab", "x").found(texts).tolist() == [True, False, True]
    assert ByWords("w", ("ab",), "x").found(["- " * MOST_READ + "ab", "ab"]).tolist() == [False, True]


def test_patterns_that_only_break_when_they_are_marked_are_refused() -> None:
    for pattern, said in ((r"\Qa.b", r"close \\Q with \\E"), (r"\C", "a byte"), (r"a\Q\C\E\C", "a byte")):
        with pytest.raises(InputError, match=said):
            ByPattern("p", pattern, "x").found(["a.b"])
        with pytest.raises(InputError, match=said):
            ByPattern("p", pattern, "x").marks("é")
    assert ByPattern("p", r"\Q\C\E|\\C", "x").marks(r"é \C") == [(2, 4)]
    assert ByPattern("p", r"\Qa.b\E", "x").marks("éa.b") == [(1, 4)]


def test_marks_stand_around_the_first_place() -> None:
    text = "é" * 5_000 + "ab" + "-" * 1_500 + "ab"
    assert ByPattern("p", "ab", "x").marks(text) == [(5_000, 5_002)]
    assert ByPattern("p", "ab-*", "x").marks(text)[0][0] == 5_000
    assert ByPattern("p", "^é", "x").marks(text) == [(0, 1)]
    assert ByPattern("p", "é$|b$", "x").marks(text) == [(6_503, 6_504)]
    assert ByWords("w", ("é" * 5_000 + "ab",), "x").marks(text) == []
    spread = "x " * 3_000 + "ab, AB" + " y" * 900 + " ab"
    assert ByWords("w", ("ab",), "x").marks(spread) == [(6_000, 6_002), (6_004, 6_006)]


def test_words_know_signs_that_belong_to_letters() -> None:
    hindi, cafe = ByWords("w", ("कर", "करो"), "x"), ByWords("w", ("cafe",), "x")
    assert ByWords("w", ("कर",), "x").found(["करो", "कर दो", "मत कर"]).tolist() == [False, True, True]
    assert hindi.marks("वह करो, कर") == [(3, 6), (8, 10)]
    assert cafe.found(["cafe\u0301", "the cafe"]).tolist() == [False, True]
    assert cafe.marks("cafe\u0301 cafe") == [(6, 10)]
    assert ByWords("w", ("bar",), "x").found(["e\u0301bar", "bar"]).tolist() == [False, True]


def test_long_words() -> None:
    rng = np.random.default_rng(1)
    many = tuple("".join(rng.choice(list("abcdefghij"), 500)) for _ in range(50))
    assert ByWords("w", many, "x").found([many[1], "no"]).tolist() == [True, False]
