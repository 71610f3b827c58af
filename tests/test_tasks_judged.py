"""Labels find their rows, or say in plain words why not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dovetail.errors import InputError, UnknownName
from dovetail.tasks.judged import judged_pairs, positions
from dovetail.tasks.records import records_of
from dovetail.types import Pairs, Records, Table


def _pairs(*rows: tuple[str, str, int], sources: tuple[str, str] | None = None) -> Pairs:
    left, right, label = zip(*rows, strict=True)
    named: dict[str, Any] = {}
    if sources:
        named = {f"{s}_source": pa.array([n] * len(rows)) for s, n in zip(("left", "right"), sources, strict=True)}
    return Pairs(pa.array(left), pa.array(right), label=np.array(label, np.int8), **named)


@pytest.fixture
def shop(products: tuple[Table, Table]) -> Records:
    return records_of(products)


def _twice(name: str) -> Table:
    return Table(name, pa.table({"city": ["Rome", "Oslo"]}), pa.array(["1", "2"]))


def test_labels_become_sorted_positions(shop: Records) -> None:
    judged = judged_pairs(shop, _pairs(("n2", "s2", 1), ("n1", "s3", 0), ("n1", "s1", 1), ("n4", "s1", -1)))
    assert judged.pairs.left.tolist() == [0, 0, 1]
    assert judged.pairs.right.tolist() == [4, 6, 5]
    assert judged.label.tolist() == [1, 0, 1]
    assert judged.unsure == 1
    assert judged.matches.right.tolist() == [4, 5]
    assert judged.refusals.right.tolist() == [6]


def test_sides_may_be_turned_round_and_repeated(shop: Records) -> None:
    judged = judged_pairs(shop, _pairs(("s1", "n1", 1), ("n1", "s1", 1), ("n1", "n2", 0)))
    assert list(zip(judged.pairs.left.tolist(), judged.pairs.right.tolist(), strict=True)) == [(0, 1), (0, 4)]
    assert judged.label.tolist() == [0, 1]


def test_the_same_id_in_two_sources_is_told_apart() -> None:
    records = records_of([_twice("a"), _twice("b")])
    left, right = positions(records, _pairs(("1", "1", 1), ("2", "1", 0)))
    assert (left.tolist(), right.tolist()) == ([0, 1], [2, 2])
    left, right = positions(records, _pairs(("1", "2", 1), sources=("b", "a")))
    assert (left.tolist(), right.tolist()) == ([2], [1])


def test_one_source_is_looked_up_in_itself(people: Table) -> None:
    judged = judged_pairs(records_of([people]), _pairs(("p2", "p1", 1)))
    assert (judged.pairs.left.tolist(), judged.pairs.right.tolist()) == ([0], [1])


def test_unknown_ids_and_sources_are_named(shop: Records) -> None:
    with pytest.raises(InputError, match=r"1 right id of the pairs names no row of north, south: 's9'; ids there look"):
        judged_pairs(shop, _pairs(("n1", "s9", 1)))
    with pytest.raises(UnknownName, match="did you mean 'south'"):
        positions(shop, _pairs(("n1", "s1", 1), sources=("north", "sout")))


def test_contradictions_and_oneself_are_refused(shop: Records) -> None:
    with pytest.raises(InputError, match="1 pairs are labelled both match and not, the first: 'n1' and 's1'"):
        judged_pairs(shop, _pairs(("n1", "s1", 1), ("s1", "n1", 0)))
    with pytest.raises(InputError, match="pairs the row 'n1' with itself"):
        judged_pairs(shop, _pairs(("n2", "s1", 1), ("n1", "n1", 1)))
    with pytest.raises(InputError, match="no label"):
        judged_pairs(shop, Pairs(pa.array(["n1"]), pa.array(["s1"])))


def test_no_labels_are_no_trouble(shop: Records) -> None:
    none = Pairs(pa.array([], pa.string()), pa.array([], pa.string()), label=np.zeros(0, np.int8))
    judged = judged_pairs(shop, none)
    assert (len(judged.pairs), judged.unsure) == (0, 0)


def test_an_unknown_id_of_many_pairs_is_one_id(shop: Records) -> None:
    pairs = _pairs(("n1", "s9", 1), ("n2", "s9", 0), ("n3", "s8", 0))
    with pytest.raises(InputError, match=r"2 right ids of the pairs name no row of north, south: 's9', 's8'; ids"):
        positions(shop, pairs)
    both = replace(_pairs(("n7", "s9", 1), ("n2", "s9", 0)), name="judged")
    with pytest.raises(InputError, match=r"1 left id and 1 right id of the pairs in judged name no .*: 'n7' and 's9';"):
        positions(shop, both)
