"""Augmenters keep their promises: seeded, nothing mutated, numbers intact, the record still the same thing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from dovetail.errors import UnknownName
from dovetail.training import augment
from dovetail.training.augment import AUGMENTERS, HARD_NEGATIVES, TEXT_AUGMENTERS, load_augmenter

DRILL = {
    "title": "Kestrel KX-400 Cordless Drill 18 V with case",
    "maker": "Kestrel Corporation",
    "price": "89.99",
    "colour": None,
    "notes": "",
}
SAW = {"title": "Orbis saw OR-7", "maker": "kestrel  corporation", "price": "39", "colour": "red", "notes": None}
ODD: list[dict[str, str | None]] = [
    {},
    {"a": None},
    {"a": ""},
    {"a": "x"},
    {"a": "12"},
    {"a": "  ", "b": "Öl"},
    {"a": "日本語 テキスト"},
    {"a": "a b", "b": "12 13 14"},
]
TEXT = "the printer on floor 3 does not print my 12 pages since this morning please help"
TIMES = 200


def draws(seed: int = 0) -> Iterator[np.random.Generator]:
    return (np.random.default_rng((seed, i)) for i in range(TIMES))


def words(record: Any) -> list[str]:
    return " ".join(v for v in record.values() if v).split()


def numbers(text: str) -> Counter[str]:
    return Counter(w for w in text.split() if re.search(r"\d", w))


@pytest.mark.parametrize("name", AUGMENTERS)
def test_contract_of_records(name: str) -> None:
    """The same attributes, at least one value, no number made wrong, the same twice, and mostly something changed."""
    change, before = load_augmenter(name), dict(DRILL)
    seen = set()
    for random, same in zip(draws(), draws(), strict=True):
        found = change(DRILL, random)
        assert list(found.items()) == list(change(DRILL, same).items())
        assert found is not DRILL
        assert set(found) == set(DRILL)
        assert words(found)
        held = numbers(" ".join(words(found)))
        if name == "drop-attribute":
            assert held <= numbers(" ".join(words(DRILL)))
        else:
            assert held == numbers(" ".join(words(DRILL)))
        seen.add(tuple(found.items()))
    assert before == DRILL
    assert len(seen - {tuple(DRILL.items())}) >= 3


@pytest.mark.parametrize("name", AUGMENTERS)
@pytest.mark.parametrize("record", ODD, ids=str)
def test_odd_records_pass_through(name: str, record: dict[str, str | None]) -> None:
    for random in draws():
        found = load_augmenter(name)(record, random)
        assert set(found) == set(record)
        assert bool(words(found)) == bool(words(record))


def test_span_deletion_takes_neighbouring_words_of_one_value() -> None:
    lost = set()
    for random in draws():
        found = augment.delete_span(DRILL, random)
        (name,) = [n for n in DRILL if found[n] != DRILL[n]]
        gone = Counter(str(DRILL[name]).split()) - Counter(str(found[name]).split())
        assert 1 <= sum(gone.values()) <= 3
        assert not any(re.search(r"\d", w) for w in gone)
        lost |= set(gone)
    assert lost == {"Kestrel", "Cordless", "Drill", "V", "with", "case", "Corporation"}


def test_numbers_go_only_when_asked_for() -> None:
    lost = Counter()
    for random in draws():
        lost.update(Counter(words(DRILL)) - Counter(words(augment.delete_span(DRILL, random, numbers=True))))
    assert lost["KX-400"] > 10
    slipped = {augment.typo({"a": "KX-400"}, random, numbers=True)["a"] for random in draws()}
    assert len(slipped) > 5
    assert augment.typo({"a": "KX-400"}, np.random.default_rng(0)) == {"a": "KX-400"}


def test_a_dropped_attribute_is_missing_and_the_last_one_stays() -> None:
    dropped = {tuple(n for n in DRILL if r[n] != DRILL[n]) for r in (augment.drop_attribute(DRILL, g) for g in draws())}
    assert dropped == {("title",), ("maker",), ("price",)}
    assert augment.drop_attribute({"a": "x", "b": None}, np.random.default_rng(0)) == {"a": "x", "b": None}


def test_shuffles_lose_nothing() -> None:
    for random in draws():
        assert augment.shuffle_attributes(DRILL, random) == DRILL
        assert Counter(words(augment.shuffle_span(DRILL, random))) == Counter(words(DRILL))
    assert len({tuple(augment.shuffle_attributes(DRILL, g)) for g in draws()}) > 20


def test_abbreviations() -> None:
    found = {augment.abbreviate({"a": "Corporation"}, random)["a"] for random in draws()}
    assert found == {"Corp"}
    assert {augment.abbreviate({"a": "STREET"}, random)["a"] for random in draws()} == {"ST"}
    found = {augment.abbreviate({"a": "Bertram"}, random)["a"] for random in draws()}
    assert found == {"B.", "Ber", "Ber.", "Bert", "Bert."}


def test_typos_are_one_slip_away() -> None:
    from rapidfuzz.distance import OSA

    kinds = Counter()
    for random in draws():
        found = str(augment.typo({"a": "keyboard"}, random)["a"])
        assert OSA.distance(found, "keyboard") == 1
        assert found[0] == "k"
        kinds[len(found)] += 1
    assert set(kinds) == {7, 8, 9}
    assert set(augment._near("g")) == {"f", "h"}
    assert augment._near("Q") == "W"
    assert augment._near("é") == ""


def test_times_and_pairs() -> None:
    sides = Counter()
    for random in draws():
        left, right = augment.augmented_pair(DRILL, SAW, random, names=["drop-attribute"])
        sides[left == DRILL, right == SAW] += 1
    assert set(sides) == {(True, False), (False, True)}
    assert min(sides.values()) > TIMES / 3
    twice = augment.augmented(DRILL, np.random.default_rng(0), names=["drop-attribute"], times=2)
    assert sum(v is None for v in twice.values()) == 3
    assert augment.augmented(DRILL, np.random.default_rng(0), names=[]) is DRILL


# another thing that looks alike


@pytest.mark.parametrize("name", HARD_NEGATIVES)
def test_contract_of_hard_negatives(name: str) -> None:
    change = load_augmenter(name, HARD_NEGATIVES)
    for random, same in zip(draws(), draws(), strict=True):
        found = change(DRILL, random, SAW)
        assert found == change(DRILL, same, SAW)
        assert sum(found[n] != DRILL[n] for n in DRILL) == 1
        assert set(found) == set(DRILL)
    assert change({"a": "x"}, np.random.default_rng(0), {"a": "X"}) is None


def test_swapped_values_differ_by_more_than_case() -> None:
    swapped = [augment.swap_value(DRILL, random, SAW) for random in draws()]
    assert {tuple(n for n in DRILL if r and r[n] != DRILL[n]) for r in swapped} == {("title",), ("price",)}
    only = augment.swap_value(DRILL, np.random.default_rng(0), SAW, attributes=["price"])
    assert only == {**DRILL, "price": "39"}


def test_a_changed_number_differs_in_one_digit() -> None:
    for random in draws():
        found = augment.change_number(DRILL, random)
        assert found is not None
        before, after = ("".join(str(v) for v in r.values()) for r in (DRILL, found))
        assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


# texts


@pytest.mark.parametrize("name", TEXT_AUGMENTERS)
def test_contract_of_texts(name: str) -> None:
    change = load_augmenter(name, TEXT_AUGMENTERS)
    found = [change(TEXT, random) for random in draws()]
    assert found == [change(TEXT, random) for random in draws()]
    assert all(numbers(f) == numbers(TEXT) for f in found)
    assert len(set(found) - {TEXT}) > 50
    for odd in ("", " ", "a", "7", "?!", "Öl", "ab cd"):
        for random in draws():
            assert bool(change(odd, random).strip()) == bool(odd.strip())


def test_shares_are_kept() -> None:
    left = [len(augment.delete_words(TEXT, random, share=0.2).split()) for random in draws()]
    assert np.mean(left) == pytest.approx(2 + 0.8 * (len(TEXT.split()) - 2), rel=0.03)
    slipped = augment.typo_text(TEXT, np.random.default_rng(0), share=0.5).split()
    assert sum(a != b for a, b in zip(slipped, TEXT.split(), strict=True)) == 6


def test_unknown_augmenter_names_the_near_one() -> None:
    with pytest.raises(UnknownName, match="delete-span"):
        load_augmenter("delete-spam")
