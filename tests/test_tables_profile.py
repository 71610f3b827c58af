"""`profile` and `clean`: what is said of a table, and what is repaired."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import dovetail as dt
from dovetail.cli.main import app
from dovetail.errors import InputError
from dovetail.tables.clean import clean, clean_text
from dovetail.tables.profile import ColumnProfile, profile
from dovetail.tables.read import read
from dovetail.types import Kind, Pairs, Table


def table_of(called: str, **columns: list[object]) -> Table:
    data = pa.table({key: pa.array(cells) for key, cells in columns.items()})
    ids = pa.array([f"{called[0]}{row}" for row in range(data.num_rows)], pa.string())
    return Table(called, data, ids)


def column_of(cells: list[object], name: str = "c") -> ColumnProfile:
    return profile(table_of("t", **{name: cells})).columns[0]


def only(found: ColumnProfile, start: str) -> str:
    said = [w for w in found.warnings if w.startswith(start)]
    assert len(said) == 1, found.warnings
    return said[0]


@pytest.mark.parametrize(
    ("names", "doubted"),
    [
        (("1", "Ann Smith", "3.50"), "'3.50'"),
        (("ann@letters.example", "Ann"), "'ann@letters.example'"),
        (("2024-03-01", "Ann"), "'2024-03-01'"),
        (("Ann", "York"), "2 columns are called like a value"),  # both stand in their columns
        (("name", "York"), None),
        (("2019", "2020"), None),
        (("name", "1st half"), None),
        (("price (EUR)", "3d model"), None),
    ],
)
def test_a_row_that_was_taken_for_a_header_is_said(names: tuple[str, ...], doubted: str | None):
    table = table_of(
        "t", **dict(zip(names, (["Bob", "Ann", "Cy"], ["York", "Selby", "Dunbar"], ["4"] * 3), strict=False))
    )
    found = profile(table).warnings
    assert (doubted is None and not found) or (len(found) == 1 and str(doubted) in found[0])


def test_a_header_that_is_repeated_among_the_rows_is_no_row():
    assert not profile(table_of("t", name=["Ann", "name"], town=["York", "town"])).warnings


CLEAN = {
    "  a \t b\n": "a b",
    "MÃ¼nchen": "München",
    "Müller": "Müller",
    "algebra , âº very large": "algebra , âº very large",
    "æ\x97¥æ\x9c¬èª\x9e": "日本語",
    "cafe\u0301": "café",
    "caf&eacute; &amp;amp; bar": "café & bar",
    "AT&T; x": "AT&T; x",
    "a\x00b\u200bc\ufeff": "abc",
    "می‌خواهم": "می‌خواهم",
    "` arnie morton \\ 's of chicago '": "arnie morton's of chicago",
    "' 435 s. la cienega blv . '": "435 s. la cienega blv .",
    "` l \\ ` orangerie '": "l'orangerie",
    "` nate \\ ` n \\ ' al \\ 's '": "nate 'n' al's",
    "arnie morton \\ s of chicago": "arnie morton's of chicago",
    "`` one size fits all '' databases": '"one size fits all" databases',
    "27 '' dryer": "27 '' dryer",
    "$^\\Pi$-tree": "$^\\Pi$-tree",
    "C:\\temp\\x": "C:\\temp\\x",
    "007": "007",
    "N/A": "N/A",
    "": "",
}


@pytest.mark.parametrize(("text", "expected"), CLEAN.items())
def test_clean_text(text: str, expected: str) -> None:
    assert clean_text(text) == expected


def test_clean_gives_a_new_table_and_leaves_the_rest() -> None:
    data = pa.table(
        {"id": [" 1 ", "2 "], "a": [" x ", None], "n": [1, 2], "l": pa.array(["é ", "n/a"], pa.large_string())}
    )
    table = Table("t", data, data["id"].combine_chunks(), id_column="id")
    found = clean(table)
    assert found.data.to_pydict() == {"id": [" 1 ", "2 "], "a": ["x", None], "n": [1, 2], "l": ["é", "n/a"]}
    assert table.data.to_pydict()["a"] == [" x ", None]
    assert found.data.schema.equals(data.schema)
    assert found.ids.equals(table.ids)


def test_clean_a_table_without_rows() -> None:
    empty = Table("t", pa.table({"a": pa.chunked_array([], pa.string())}), pa.array([], pa.string()))
    assert clean(empty).data.equals(empty.data)
    assert profile(empty).columns[0].kind is Kind.EMPTY


awkward = st.one_of(st.text(max_size=25), st.text("&amp;lt#x0;'`\\ \"éÃ¼sn\t\u200b", max_size=16))


@given(st.lists(st.one_of(st.none(), awkward), min_size=1, max_size=8))
@settings(max_examples=500, deadline=None)
def test_cleaning_twice_is_cleaning_once(cells: list[str | None]) -> None:
    table = Table("t", pa.table({"c": pa.array(cells, pa.string())}), pa.array([str(i) for i in range(len(cells))]))
    once = clean(table)
    assert clean(once).data.equals(once.data)
    assert once.data["c"].null_count == sum(cell is None for cell in cells)
    profile(table)


def test_shares_lengths_and_examples() -> None:
    found = column_of(["red", "red", "Red ", "green", None, "n/a", "", "blue"])
    assert (found.missing, found.distinct) == (3 / 8, 3 / 5)
    assert found.lengths == (3, 4, 5)
    assert found.examples[0] == "red"
    assert len(found.examples) == 4
    assert found.kind is Kind.NAME


def test_columns_of_any_type_are_profiled() -> None:
    found = profile(table_of("t", i=[1, 2, None], f=[1.5, 2.5, 2.5], b=[True, False, True], l=[["a"], ["b"], None]))
    assert [c.missing for c in found.columns] == [pytest.approx(1 / 3), 0, 0, pytest.approx(1 / 3)]
    assert found.columns[3].examples == ("['a']", "['b']")


def test_an_empty_and_an_almost_empty_column() -> None:
    assert column_of([None, "n/a", ""]).warnings == ("empty: no cell has a value",)
    assert only(column_of([None] * 99 + ["x"]), "almost empty") == "almost empty: 99.0 % of the cells are missing"


def test_a_constant_column() -> None:
    assert only(column_of(["a", "A ", "a"]), "constant") == "constant: every value is 'a'"


def test_broken_encoding() -> None:
    found = column_of(["MÃ¼nchen", "Köln", "caf\ufffd"])
    lost, wrong = (w for w in found.warnings if w.startswith("broken encoding"))
    assert lost == "broken encoding: letters are lost in 1 cell (33.3 %), such as 'caf\ufffd'"
    assert wrong == "broken encoding: letters are wrong in 1 cell (33.3 %); clean makes 'MÃ¼nchen' into 'München'"


def test_mixed_kinds() -> None:
    dates = [f"1990-01-{day:02d}" for day in range(1, 29)]
    assert "6.7 % of the values are not dates, such as 'soon'" in only(
        column_of([*dates, "soon", "later"]), "mixed kinds"
    )
    words = ["anna", "bert", "carla", "dora", "emil", "frida", "a@b.org", "c@d.org"]
    assert "25.0 % of the values are e-mail addresses" in only(column_of(words), "mixed kinds")
    assert not [w for w in column_of(dates).warnings if w.startswith("mixed")]


def test_looks_like_an_id() -> None:
    assert only(column_of([str(i) for i in range(30)]), "looks like an id")
    assert not column_of([str(i % 7) for i in range(30)]).warnings


def test_small_faults_are_named() -> None:
    found = column_of(["new york", "New York", "boston ", "AT&amp;T", "unknown"] + ["boston"] * 30)
    assert only(found, "blanks at the edges") == "blanks at the edges of 1 cell (2.9 %), such as 'boston '"
    assert only(found, "HTML entities")
    assert only(found, "'unknown' stands in 1 cell (2.9 %) and counts as missing")
    assert only(found, "2 values differ from another only in case")
    assert only(column_of(["05/06/2001", "07/08/2001"]), "day or month first?")


def test_a_profile_is_plain_data() -> None:
    found = profile(table_of("t", a=["x", "y"], n=["1.5", "2"]))
    assert json.loads(json.dumps(found.to_dict()))["columns"][1]["kind"] == "number"
    assert found.lines()[0] == ("a", "name", "0 %", "100 %", "x · y")


def judged(left: list[str], right: list[str], label: list[int]) -> Pairs:
    return Pairs(pa.array(left, pa.string()), pa.array(right, pa.string()), None, np.array(label, np.int8))


def leaky(n: int = 60) -> tuple[Table, Table, Pairs]:
    """Two tables of n rows where row i matches row i, and `key` says so; half of the pairs match."""
    left = table_of("left", name=[f"name {i % 9}" for i in range(n)], key=[str(i + 5000) for i in range(n)])
    right = table_of("right", title=[f"title {i % 9}" for i in range(n)], made=[f"x {i + 5000}" for i in range(n)])
    ids = [(i, i) for i in range(n)] + [(i, (i + 9) % n) for i in range(n)]
    pairs = judged([f"l{i}" for i, _ in ids], [f"r{j}" for _, j in ids], [1] * n + [0] * n)
    return left, right, pairs


def test_a_key_glued_onto_another_column_gives_the_answer_away() -> None:
    left, right, pairs = leaky()
    found = profile(left, pairs, right)
    assert [(x.left, x.right, x.right_part) for x in found.leaks] == [("key", "made", "the last word of ")]
    assert (found.leaks[0].precision, found.leaks[0].recall, found.leaks[0].labels) == (1.0, 1.0, 120)
    assert only(found.columns[1], "looks like it gives the answer away: 'key' equal to the last word of 'made'")
    assert not found.columns[0].warnings


def test_pairs_may_name_the_right_row_first() -> None:
    left, right, pairs = leaky()
    turned = Pairs(pairs.right_ids, pairs.left_ids, None, pairs.label)
    assert profile(left, turned, right).leaks == profile(left, pairs, right).leaks


def test_few_labels_tell_nothing() -> None:
    left, right, _ = leaky()
    few = judged([f"l{i}" for i in range(40)], [f"r{i % 20}" for i in range(40)], [1] * 20 + [0] * 20)
    assert profile(left, few, right).leaks == ()
    assert profile(left, judged([], [], []), right).leaks == ()


def test_labels_of_other_tables_are_refused() -> None:
    left, right, _ = leaky()
    strange = judged(["a"] * 60, ["b"] * 60, [1, 0] * 30)
    with pytest.raises(InputError, match="none of the 60 labelled pairs is in left and right: 'a' and 'b'"):
        profile(left, strange, right)


def test_a_phone_number_that_decides_is_no_leak() -> None:
    phones = [f"(555) {i:03d}-{i * 37 % 10000:04d}" for i in range(60)]
    left, right = table_of("left", phone=phones), table_of("right", tel=phones)
    assert profile(left, leaky()[2], right).leaks == ()


def test_leaks_inside_one_table() -> None:
    rows = table_of("rows", name=[f"n{i % 7}" for i in range(120)], entity=[str(i // 2) for i in range(120)])
    left = [f"r{i}" for i in range(0, 120, 2)] + [f"r{i}" for i in range(1, 119)]
    right = [f"r{i + 1}" for i in range(0, 120, 2)] + [f"r{i + 2 - i % 2}" for i in range(1, 119)]
    label = [int(int(a[1:]) // 2 == int(b[1:]) // 2) for a, b in zip(left, right, strict=True)]
    assert [(x.left, x.right) for x in profile(rows, judged(left, right, label)).leaks] == [("entity", "entity")]


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("fodors-zagats", {("class", "", "class")}),
        ("machamp-rel-heter", {("category", "the last word of ", "class")}),
        ("dblp-acm", set()),
        ("abt-buy", set()),
        ("amazon-google", set()),
    ],
)
def test_public_sets_that_give_the_answer_away(
    data_dir: Path, folder: str, expected: set[tuple[str, str, str]]
) -> None:
    left, right = (dt.read(data_dir / "er" / folder / f"{side}.csv", id="id") for side in ("left", "right"))
    labels = dt.read_pairs(data_dir / "er" / folder / "train.csv")
    leaks = profile(left, labels, right).leaks
    assert {(x.left, x.left_part, x.right) for x in leaks if x.left != "id"} == expected
    assert all(x.precision == x.recall == 1.0 for x in leaks)


def test_labels_may_speak_of_a_column_that_was_not_named_as_the_id() -> None:
    left, right, pairs = leaky()
    left, right = (
        Table(t.name, t.data.append_column("row", t.ids), pa.array([f"{t.name}:{i}" for i in range(60)]))
        for t in (left, right)
    )
    leaks = profile(left, pairs, right).leaks
    assert {(x.left, x.right, x.left_part) for x in leaks} == {
        ("key", "made", ""),
        ("row", "row", "the first number in "),
    }


def test_the_console_says_what_gives_the_answer_away(tmp_path: Path) -> None:
    left, right, pairs = leaky()
    for table in (left, right):
        dt.write(
            Table(table.name, table.data.append_column("id", table.ids), table.ids), tmp_path / f"{table.name}.csv"
        )
    lines = zip(pairs.left_ids.to_pylist(), pairs.right_ids.to_pylist(), np.asarray(pairs.label).tolist(), strict=True)
    rows = "\n".join(f"{a},{b},{x}" for a, b, x in lines)
    (tmp_path / "labels.csv").write_text(f"left_id,right_id,label\n{rows}\n", encoding="utf-8")
    files = [str(tmp_path / f"{name}.csv") for name in ("left", "labels", "right")]
    result = CliRunner().invoke(app, ["profile", files[0], "--labels", files[1], "--other", files[2], "--json"])
    assert result.exit_code == 0
    leaks = {(x["left"], x["right"], x["right_part"]) for x in json.loads(result.output)["leaks"]}
    assert ("key", "made", "the last word of ") in leaks


def test_two_orders_of_dates_in_one_column_are_said() -> None:
    table = read(pa.table({"seen": ["13/02/2020", "25/12/2019", "02/14/2020", "03/04/2020", "2020-01-01"]}))
    said = profile(table).columns[0].warnings
    assert "two orders of dates: 2 can only have the day first, 1 only the month; others may be misread" in said
