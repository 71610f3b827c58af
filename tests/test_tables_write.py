"""Writing: every value survives a round trip, files and tables appear whole or not at all."""

from __future__ import annotations

import datetime as dt
import gzip
import sqlite3
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dovetail.errors import InputError, UnknownName
from dovetail.tables.atomic import replace_file
from dovetail.tables.read import read
from dovetail.tables.write import without_guard, write
from dovetail.types import Table

HARD = [
    "",
    " ",
    "007",
    "NA",
    "1e5",
    "=1+1",
    "a,b;c|d\te",
    'q"',
    '""',
    "\\",
    '\\"',
    "l\nl",
    "c\rc",
    "\r\n",
    "é",
    "_x000D_",
]
HARD += ["'", "{", "[1]", "\ufeff", "\u2028", "#N/A", "true"]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
CELLS = st.one_of(st.none(), st.sampled_from(HARD), TEXT)


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    width, height = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    columns = {
        f"c{i}": pa.array(draw(st.lists(CELLS, min_size=height, max_size=height)), pa.string()) for i in range(width)
    }
    return (
        pa.table({"id": pa.array([f"r{i}" for i in range(height)])} | columns)
        if draw(st.booleans())
        else pa.table(columns)
    )


def _rows(data: pa.Table) -> list[list[str | None]]:
    """An empty cell and a missing one are the same in a text file."""
    return [[cell or None for cell in row.values()] for row in data.to_pylist()]


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz"])
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(data=tables())
def test_text_survives_a_round_trip(ending: str, data: pa.Table, tmp_path: Path) -> None:
    back = read(write(data, tmp_path / f"t{ending}"))
    assert back.columns == tuple(data.column_names)
    assert not back.rejects
    assert _rows(back.data) == _rows(data)


@pytest.mark.parametrize("target", ["t.xlsx", "sqlite:///{}/t.db?table=t"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(data=tables())
def test_text_survives_workbooks_and_databases(target: str, data: pa.Table, tmp_path: Path) -> None:
    place = target.format(tmp_path) if "://" in target else tmp_path / target
    data = data.append_column("last", pa.array([f"{i:03d}" for i in range(len(data))]))
    write(data, place)
    assert _rows(read(place).data) == _rows(data)


@pytest.mark.parametrize("target", ["t.csv", "t.jsonl", "t.parquet", "t.xlsx", "sqlite:///{}/t.db?table=t"])
def test_native_values_survive(target: str, tmp_path: Path) -> None:
    values = {
        "n": [1, None],
        "x": [0.5, 1e300],
        "ok": [True, False],
        "day": [dt.date(2020, 1, 2), dt.date(1999, 12, 31)],
    }
    place = target.format(tmp_path) if "://" in target else tmp_path / target
    write(pa.table(values), place)
    texts = [[None if v is None else str(v).casefold() for v in row.values()] for row in read(place).data.to_pylist()]
    assert texts in (
        [["1", "0.5", "true", "2020-01-02"], [None, "1e+300", "false", "1999-12-31"]],
        [["1", "0.5", "true", "2020-01-02"], [None, "1e300", "false", "1999-12-31"]],
        [["1", "0.5", "1", "2020-01-02"], [None, "1e+300", "0", "1999-12-31"]],
    )


def test_nested_values_become_json_text(tmp_path: Path) -> None:
    data = pa.table({"k": ["a", "b"], "tags": [["x", "y"], None], "of": [{"n": 1}, {"n": None}]})
    assert read(write(data, tmp_path / "t.csv")).data["tags"].to_pylist() == ['["x", "y"]', None]
    assert read(write(data, tmp_path / "t.jsonl")).data["of.n"].to_pylist() == ["1", None]


def test_formulas_are_guarded_when_asked(tmp_path: Path) -> None:
    cells = ["=cmd()", "+1 555 12", "-3", "+4.5", "-1e5", "@x", "-x", "a=b", "1", "-"]
    write(pa.table({"c": cells, "d": cells}), tmp_path / "t.csv", guard_formulas=True)
    guarded = read(tmp_path / "t.csv").data["c"].to_pylist()
    assert guarded == ["'=cmd()", "'+1 555 12", "-3", "+4.5", "-1e5", "'@x", "'-x", "a=b", "1", "'-"]
    write(pa.table({"c": cells}), tmp_path / "t.csv")
    assert read(tmp_path / "t.csv").data["c"].to_pylist() == cells


def test_the_guard_is_taken_off_exactly(tmp_path: Path) -> None:
    cells = ["=A", "'=A", "''=A", "'", "''", "'s Gravenhage", "-5", "'-5", "+1 a", "\tx", "x'=A", "5 o'clock", "-"]
    write(pa.table({"c": cells, "'d": cells}), tmp_path / "t.csv", guard_formulas=True)
    guarded = read(tmp_path / "t.csv").data
    assert not [c for c in guarded["c"].to_pylist() if c[0] in "=+@\t" or (c[0] == "-" and c != "-5")]
    assert without_guard(guarded)["c"].to_pylist() == cells


def test_an_older_file_stays_when_writing_fails(tmp_path: Path) -> None:
    path = write(pa.table({"a": ["old"]}), tmp_path / "t.xlsx")
    with pytest.raises(InputError, match="Excel holds 32,767"):
        write(pa.table({"a": ["x" * 40_000]}), path)
    assert read(path).data["a"].to_pylist() == ["old"]
    with pytest.raises(FileNotFoundError), replace_file(path) as beside:
        beside.with_suffix(".not-there").read_text()
    assert [p.name for p in tmp_path.iterdir()] == ["t.xlsx"]


def test_targets_that_cannot_be_written_are_said(tmp_path: Path) -> None:
    data = pa.table({"a": [1]})
    with pytest.raises(InputError, match=r"expected one of \.csv"):
        write(data, tmp_path / "t.doc")
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        write(data, tmp_path / "t.csv")
    with pytest.raises(InputError, match="no table is named"):
        write(data, f"sqlite:///{tmp_path}/t.db")


def test_packed_files_do_not_change_from_run_to_run(tmp_path: Path) -> None:
    data = pa.table({"a": ["x"]})
    first = Path(write(data, tmp_path / "t.csv.gz")).read_bytes()
    assert Path(write(data, tmp_path / "t.csv.gz")).read_bytes() == first
    assert gzip.decompress(first) == b"a\nx\n"


def test_sqlite_by_table_and_by_query(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    write(Table("goods", pa.table({"sku": ["007", "8"], "n": [1, 2]}), pa.array(["007", "8"])), url)
    write(pa.table({"x": [0.5]}), f"{url}?table=other")
    assert read(f"{url}?table=goods", id="sku").ids.to_pylist() == ["007", "8"]
    assert read(url, query="select n * 2 as twice from goods").data.to_pylist() == [{"twice": 2}, {"twice": 4}]
    asked = read(f"{url}?query=select sku, '12:30 & 5 %' as said from goods where sku like '0%'", id="sku")
    assert asked.data.to_pylist() == [{"sku": "007", "said": "12:30 & 5 %"}]
    assert read(f"{url}?table=main.goods").data.num_rows == 2
    with pytest.raises(InputError, match="keep one of them"):
        read(f"{url}?table=goods&query=select 1")
    with pytest.raises(InputError, match="gives no rows"):
        read(f"{url}?query=delete from goods")
    assert len(read(f"{url}?table=goods")) == 2  # what was asked for changed nothing
    with pytest.raises(UnknownName, match="did you mean 'goods'"):
        read(f"{url}?table=good")
    with pytest.raises(InputError, match="name one with"):
        read(url)
    with pytest.raises(InputError, match="syntax error"):
        read(url, query="selec 1")
    with pytest.raises(InputError, match="no database file"):
        read(f"sqlite:///{tmp_path}/none.db")


@pytest.mark.parametrize(
    "query",
    [
        "drop table goods", "DELETE FROM goods RETURNING a", "insert into goods values (2) returning a",
        "create table more as select 1", "create temp table more (a)", "alter table goods rename to gone",
        "vacuum into '{0}/copy.db'", "attach '{0}/copy.db' as copy", "pragma journal_mode = wal", "vacuum",
        "pragma user_version = 7",
    ],
)  # fmt: skip
def test_reading_a_database_changes_nothing(tmp_path: Path, query: str) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    write(pa.table({"a": [1]}), f"{url}?table=goods")
    before = (tmp_path / "shop.db").read_bytes()
    for asked in ({"query": query.format(tmp_path)}, {}):
        source = url if asked else f"{url}?query={query.format(tmp_path)}"
        with pytest.raises(InputError, match="would change the database and gives no rows"):
            read(source, **asked)
    assert (tmp_path / "shop.db").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["shop.db"]


def test_reading_a_database_may_ask_anything(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    with sqlite3.connect(tmp_path / "shop.db") as held:
        held.execute("create virtual table said using fts5(a)")
        held.execute("insert into said values ('red lamp'), ('blue cup')")
        held.execute("create view lamps as select a from said where said match 'lamp'")
    assert read(f"{url}?query=select upper(a) as a from lamps").data.to_pylist() == [{"a": "RED LAMP"}]
    numbers = "with recursive n(x) as (select 1 union all select x + 1 from n where x < 3) select x from n"
    assert read(url, query=numbers).data["x"].to_pylist() == [1, 2, 3]
    assert read(url, query="pragma table_info(said)").data["name"].to_pylist() == ["a"]
    write(pa.table({"a": [1]}), f"{url}?table=goods")  # what is read afterwards is still written
    assert len(read(f"{url}?table=goods")) == 1


def test_a_failed_write_leaves_the_table_of_before(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/shop.db?table=t"
    write(pa.table({"a": ["old"]}), url)
    with sqlite3.connect(tmp_path / "shop.db") as held:
        held.execute("create view v as select a from t")
        held.execute("create table t__new (a)")
    with pytest.raises(InputError, match="cannot be written"):
        write(pa.table({"b": ["new"]}), url)  # the view needs column a of the table that would go
    assert read(url).data.to_pylist() == [{"a": "old"}]
