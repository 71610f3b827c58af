"""Tables to records: attributes, stacking, and mappings that a person gives."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from dovetail.errors import InputError, UnknownName
from dovetail.tasks.records import records_of, stack, strings, unite
from dovetail.types import Attribute, Kind, Table


def _table(table: str, /, **columns: list[str | None]) -> Table:
    data = pa.table({key: pa.array(cells, pa.string()) for key, cells in columns.items()})
    return Table(table, data, pa.array([f"{table}{i}" for i in range(data.num_rows)]))


def test_one_table_keeps_its_columns(people: Table) -> None:
    records = records_of([people])
    assert [a.name for a in records.attributes] == ["id", "name", "born", "phone", "town"]
    assert records.attributes[0].kind is Kind.ID
    assert records.attributes[2].kind is Kind.DATE
    assert records.source.tolist() == [0] * 6
    assert records.ids.to_pylist() == ["p1", "p2", "p3", "p4", "p5", "p6"]


def test_originals_are_kept_and_text_is_comparable(people: Table) -> None:
    records = records_of([people])
    assert records.original["born"].to_pylist() == people.data["born"].to_pylist()
    born, phone = records.text["born"].to_pylist(), records.text["phone"].to_pylist()
    assert born[0] == born[1] == "1980-03-14"
    assert phone[0] == phone[1] == "0555010203"
    assert phone[2] is None
    assert records.text["name"][0].as_py() == "anna lindqvist"


def test_two_tables_are_stacked_in_order(products: tuple[Table, Table]) -> None:
    given = {"title": "product", "maker": "brand", "price": "cost"}
    records = records_of(products, given)
    assert records.sources == ("north", "south")
    assert records.source.tolist() == [0] * 4 + [1] * 4
    price = next(a for a in records.attributes if a.name == "price")
    assert price == Attribute("price", price.kind, ("price", "cost"))
    assert records.original["price"].to_pylist()[3:6] == ["19.00", "92,00", "23,90"]
    assert records.original["maker"].to_pylist()[3] is None


def test_a_column_that_one_side_lacks_is_null_there(products: tuple[Table, Table]) -> None:
    north, south = products
    bare = Table("south", south.data.drop_columns(["cost"]), south.ids, (), "sku")
    records = records_of([north, bare], {"title": "product", "maker": "brand"})
    price = next(a for a in records.attributes if a.name == "price")
    assert price.columns == ("price", None)
    assert not price.shared
    assert records.original["price"].to_pylist()[4:] == [None] * 4


def test_three_tables_join_one_attribute_each() -> None:
    tables = [_table(n, city=["Rome", "Oslo", "Lima"], name=["Ann", "Bob", "Cy"]) for n in "abc"]
    attributes, mappings = unite(tables)
    assert [a.columns for a in attributes] == [("city",) * 3, ("name",) * 3]
    assert len(mappings) == 2
    assert len(stack(tables, attributes)) == 9


def test_a_third_table_can_be_mapped_by_the_name_of_an_earlier_one() -> None:
    tables = [_table("a", x=["1"]), _table("b", y=["2"]), _table("c", z=["3"])]
    attributes, _ = unite(tables, {"x": "y", "y": "z"})
    assert [a.columns for a in attributes] == [("x", "y", "z")]


def test_an_empty_right_side_keeps_a_column_alone() -> None:
    tables = [_table(n, city=["Rome", "Oslo", "Lima"], name=["Ann", "Bob", "Cy"]) for n in "ab"]
    attributes, mappings = unite(tables, {"city": ""})
    assert {a.name: a.columns for a in attributes} == {
        "city": ("city", None),
        "name": ("name", "name"),
        "city (b)": (None, "city"),
    }
    assert mappings[0].left_alone == ("city",)


def test_mistakes_in_a_mapping_are_told(products: tuple[Table, Table]) -> None:
    with pytest.raises(UnknownName, match="'prise'"):
        unite(products, {"prise": "cost"})
    with pytest.raises(InputError, match="the other way round: price=cost"):
        unite(products, {"cost": "price"})
    with pytest.raises(InputError, match="no table"):
        unite([])


def test_cells_of_every_type_become_text() -> None:
    column = pa.chunked_array([pa.array([["a", "é"], None])])
    assert strings(column).to_pylist() == ['["a", "é"]', None]
    assert strings(pa.chunked_array([pa.array([b"\x01\xff", None])])).to_pylist() == ["01ff", None]
    assert strings(pa.chunked_array([pa.array([12, None], pa.int64())])).to_pylist() == ["12", None]
    assert strings(pa.chunked_array([pa.array([True, None])])).to_pylist() == ["true", None]
    assert strings(pa.chunked_array([pa.array([dt.date(2020, 1, 2)])])).to_pylist() == ["2020-01-02"]
    text = pa.chunked_array([pa.array(["007", None])])
    assert strings(text) is text


def test_numeric_ids_become_text() -> None:
    table = Table("t", pa.table({"name": ["Ann", "Bob"]}), pa.chunked_array([pa.array([7, 8])]))
    assert records_of([table]).ids.to_pylist() == ["7", "8"]
