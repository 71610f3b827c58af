"""Decimal commas: read off the column, for each source on its own."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from dovetail.integrate.fuse import fuse
from dovetail.tables.normalise import comparable, normalise
from dovetail.tables.numbers import as_numbers, has_decimal_comma, with_point
from dovetail.tables.read import read
from dovetail.tasks.records import records_of
from dovetail.types import Clusters, Kind

GERMAN = ["1.234,50", "3.500", "12,5", "1.000", "0,125", "7", "2.500.000", "about 3.500", "n/a"]
VALUES = [1234.5, 3500.0, 12.5, 1000.0, 0.125, 7.0, 2500000.0, np.nan, np.nan]


@pytest.mark.parametrize(
    ("texts", "is_comma"),
    [
        (GERMAN, True),
        (["12,50 \u20ac", "3.500 \u20ac"], True),
        (["1,234.50", "3,500", "12.5"], False),
        (["3.500", "1.099"], False),
        (["3,500", "1,099"], False),
        (["3,500", "1,099", "12,5"], False),  # more thousands than decimals: the one may be a slip
        (["12,5", "12.5"], False),
        (["12,5", *(f"{n}.137" for n in range(1, 11))], True),
        (["12,5", *(f"{n}.137" for n in range(1, 12))], False),  # the one may be a slip among three decimals
        (["red, 5,5 cm wide", "3.500"], False),
        (["7", ""], False),
    ],
)
def test_a_column_tells_its_decimal_mark(texts: list[str], is_comma: bool) -> None:
    assert has_decimal_comma(texts) is is_comma


def test_numbers_are_read_as_their_column_writes_them() -> None:
    np.testing.assert_array_equal(as_numbers(pa.array(GERMAN)), VALUES)
    np.testing.assert_array_equal(as_numbers(pa.array(["3.500", "1,099", "7.25"])), [3.5, 1099.0, 7.25])
    assert as_numbers(pa.array([1.5, None])).tolist()[0] == 1.5
    assert [with_point(text) for text in ("1.234,50 kg", "about 3.500", "1,5 x 2,5")] == [
        "1234.50 kg",
        "about 3.500",
        "1,5 x 2,5",
    ]


def test_comparable_and_normalised_numbers_agree() -> None:
    column = pa.array(GERMAN[:-1])
    assert comparable(column, Kind.NUMBER).to_pylist() == [
        "1234.5", "3500", "12.5", "1000", "0.125", "7", "2500000", "about 3.500",
    ]  # fmt: skip
    weights = pa.array(["1,5 kg", "3.500 kg", "2,25 kg"])
    assert comparable(weights, Kind.QUANTITY).to_pylist() == ["1500 g", "3500000 g", "2250 g"]
    prices = read(pa.table({"sku": list("abc"), "price": ["1.234,50 \u20ac", "3.500 \u20ac", "12,5 \u20ac"]}))
    assert normalise(prices).data["price__normalised"].to_pylist() == ["1234.50 EUR", "3500.00 EUR", "12.50 EUR"]


def test_each_source_writes_its_decimals_in_its_own_way() -> None:
    german = read(pa.table({"price": ["1.234,50", "3.500", "12,5"], "sku": list("abc")}), name="german")
    english = read(pa.table({"price": ["1,234.50", "3,500.00", "12.50"], "sku": list("abc")}), name="english")
    records = records_of([german, english])
    assert {a.name: a.kind for a in records.attributes}["price"] in (Kind.MONEY, Kind.NUMBER)
    text = records.text["price"].to_pylist()
    assert text[:3] == text[3:] == ["1234.5", "3500", "12.5"]
    clusters = Clusters(np.array([0, 0, 1, 0, 1, 1], np.int32), pa.array(["x", "y"]), "made up", "")
    fused = fuse(records, clusters, rules={"price": "max"})
    assert fused.table["price"].to_pylist() == ["3.500", "3,500.00"]
    assert fuse(records, clusters, rules={"price": "mean"}).table["price"].to_pylist() == ["1989.666667", "1175"]
