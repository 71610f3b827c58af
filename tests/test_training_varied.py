"""A varied passage is made of the record's own tokens, and of whole values."""

from __future__ import annotations

import numpy as np
import pytest

from dovetail.encoders.reading import BETWEEN, Passage
from dovetail.errors import InputError, UnknownName
from dovetail.training.settings import VARIATIONS, TuneSettings
from dovetail.training.varied import WAYS, varied, way_of

VALUES = ([1, 2, 3, 4], [5, 6], [7, 8, 9])


def passage(values: tuple[list[int], ...] = VALUES) -> Passage:
    tokens, words = [], []
    for i, value in enumerate(values):
        tokens += [BETWEEN] * bool(i) + value
        words += [-1] * bool(i) + value
    return Passage(np.array(tokens, np.int32), np.array(words, np.int32), np.zeros(len(tokens), np.int8))


def values_of(one: Passage) -> list[tuple[int, ...]]:
    found: list[list[int]] = [[]]
    for token in one.tokens.tolist():
        found.append([]) if token == BETWEEN else found[-1].append(token)
    return [tuple(v) for v in found]


def test_settings_know_all_ways() -> None:
    assert tuple(WAYS) == VARIATIONS
    with pytest.raises(InputError, match="vary names 'mirror'"):
        TuneSettings(vary=("mirror",))
    with pytest.raises(UnknownName):
        way_of("mirror")


@pytest.mark.parametrize("way", WAYS)
def test_tokens_keep_their_words_and_come_from_the_record(way: str) -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        found = varied(passage(), (way,), random)
        assert len(found.tokens) == len(found.words) == len(found.rare) > 0
        assert set(found.tokens.tolist()) <= set(passage().tokens.tolist())
        inside = found.tokens != BETWEEN
        assert (found.words[inside] == found.tokens[inside]).all()
        assert (found.words[~inside] == -1).all()


def test_a_lost_value_leaves_the_others_whole() -> None:
    random = np.random.default_rng(0)
    found = {tuple(values_of(varied(passage(), ("value",), random))) for _ in range(50)}
    whole = [tuple(v) for v in VALUES]
    assert found == {tuple(v for v in whole if v != lost) for lost in whole}


def test_another_order_has_every_value() -> None:
    random = np.random.default_rng(0)
    found = {tuple(values_of(varied(passage(), ("order",), random))) for _ in range(100)}
    assert len(found) == 6
    assert all(sorted(one) == sorted(tuple(v) for v in VALUES) for one in found)


def test_a_lost_span_is_four_tokens_at_most() -> None:
    random = np.random.default_rng(0)
    lengths = {len(varied(passage(), ("span",), random).tokens) for _ in range(100)}
    assert min(lengths) == 11 - 4
    assert max(lengths) == 11 - 1


def test_short_ones_and_single_values_stay() -> None:
    random = np.random.default_rng(0)
    short, single = passage(([1, 2, 3],)), passage((list(range(1, 12)),))
    assert varied(short, ("span",), random) is short
    assert values_of(varied(single, ("value",), random)) == values_of(single)
    assert varied(passage(), (), random).tokens.tolist() == passage().tokens.tolist()
