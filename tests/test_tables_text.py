"""Records as one text a row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from dovetail.tables.text import row_texts
from dovetail.types import Attribute, Kind, Records


def _records(columns: dict[str, tuple[Kind, list[str | None]]]) -> Records:
    n = len(next(iter(columns.values()))[1])
    text = pa.table({name: pa.array(values, pa.string()) for name, (_, values) in columns.items()})
    attributes = tuple(Attribute(name, kind, (name,)) for name, (kind, _) in columns.items())
    ids = pa.array([str(i) for i in range(n)])
    return Records(("a",), np.zeros(n, np.uint16), ids, attributes, text, text)


def test_values_stand_in_the_order_of_the_attributes() -> None:
    records = _records({"title": (Kind.NAME, ["red lamp", "chair"]), "code": (Kind.CODE, ["x-1", "y-2"])})
    assert row_texts(records) == ["red lamp x-1", "chair y-2"]


def test_missing_values_leave_no_edge() -> None:
    records = _records({"title": (Kind.NAME, [None, "chair", None]), "price": (Kind.MONEY, ["3", None, None])})
    assert row_texts(records) == ["3", "chair", ""]


def test_ids_and_empty_columns_are_left_out() -> None:
    records = _records({"id": (Kind.ID, ["17"]), "title": (Kind.NAME, ["lamp"]), "none": (Kind.EMPTY, [None])})
    assert row_texts(records) == ["lamp"]


def test_nothing_to_read_gives_empty_texts() -> None:
    assert row_texts(_records({"id": (Kind.ID, ["1", "2"])})) == ["", ""]
    assert row_texts(_records({"title": (Kind.NAME, [])})) == []
