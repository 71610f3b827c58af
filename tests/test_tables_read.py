"""Reading: formats, encodings, row ids, rejects and errors."""

from __future__ import annotations

import csv
import gzip
import json
import random
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dovetail.errors import BadRows, InputError, UnknownName
from dovetail.tables.pairs import read_pairs
from dovetail.tables.read import read

ROWS = [
    {"sku": "007", "name": "Müller, Söhne", "n": "12345678901234567890", "day": "2020-01-02"},
    {"sku": "NA", "name": 'say "hi"', "n": "1e5", "day": "02/01/20"},
    {"sku": "0x1F", "name": "two\nlines", "n": "-0.10", "day": None},
]


def _file(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _csv_text(delimiter: str) -> str:
    def quoted(cell: str | None) -> str:
        return "" if cell is None else '"' + cell.replace('"', '""') + '"'

    lines = [delimiter.join(ROWS[0]), *(delimiter.join(map(quoted, row.values())) for row in ROWS)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_delimiter_and_encoding_are_found_and_values_kept(delimiter: str, encoding: str, tmp_path: Path) -> None:
    table = read(_file(tmp_path / "t.csv", _csv_text(delimiter).encode(encoding)))
    assert table.data.to_pylist() == ROWS
    assert table.ids.to_pylist() == ["t.csv:2", "t.csv:3", "t.csv:4"]
    said = table.data.schema.metadata[b"dovetail.encoding"].decode()
    assert said == f"t.csv: {'windows-1252' if encoding == 'cp1252' else encoding}"


@pytest.mark.parametrize("ending", [".csv.gz", ".jsonl", ".json", ".xlsx", ".parquet", ".jsonl.gz"])
def test_every_format_gives_the_same_text(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"t{ending}"
    lines = "\n".join(json.dumps(row) for row in ROWS).encode()
    if ending == ".xlsx":
        book = openpyxl.Workbook()
        for row in ([*ROWS[0]], *([*row.values()] for row in ROWS)):
            book.active.append(row)
        book.save(path)
    elif ending == ".parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    else:
        content = {
            ".csv.gz": gzip.compress(_csv_text(",").encode()),
            ".jsonl": lines,
            ".jsonl.gz": gzip.compress(lines),
        }
        path.write_bytes(content.get(ending, json.dumps(ROWS).encode()))
    assert read(path).data.to_pylist() == ROWS


def test_json_numbers_keep_their_spelling_and_nested_names_are_dotted(tmp_path: Path) -> None:
    path = _file(tmp_path / "t.jsonl", '{"a": {"b": 1e5, "c": [1.0, "x"]}, "d": 12345678901234567890, "e": true}\n')
    assert read(path).data.to_pylist() == [
        {"a.b": "1e5", "a.c": '[1.0, "x"]', "d": "12345678901234567890", "e": "true"}
    ]


def test_excel_shows_whole_numbers_dates_and_text_as_a_person_sees_them(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["code", "n", "day", "share", "ok"])
    book.active.append(["007", 5.0, pd.Timestamp("2020-01-02").to_pydatetime(), 0.25, True])
    book.save(tmp_path / "t.xlsx")
    assert read(tmp_path / "t.xlsx").data.to_pylist() == [
        {"code": "007", "n": "5", "day": "2020-01-02", "share": "0.25", "ok": "true"}
    ]


def _book(path: Path, **sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        sheet.sheet_state = "hidden" if name.startswith("hidden") else "visible"
    book.save(path)
    return path


def test_the_sheet_that_holds_the_table_is_found_or_asked_for(tmp_path: Path) -> None:
    """A second sheet with rows is never passed over in silence."""
    goods, more = [["sku", "n"], ["a", 1]], [["sku", "n"], ["b", 2], ["c", 3]]
    one = _book(tmp_path / "one.xlsx", About=[["our goods"]], Goods=goods, hidden=more)
    assert read(one).data.to_pylist() == [{"sku": "a", "n": "1"}]
    assert read(f"{one}#hidden", id="sku").ids.to_pylist() == ["b", "c"]
    two = _book(tmp_path / "two.xlsx", Goods=goods, More=more)
    with pytest.raises(InputError, match=r"2 sheets .*'Goods' with 2 rows, 'More' with 3 rows; .*two.xlsx#Goods"):
        read(two)
    assert read(two, sheet="more").data.equals(read(f"{two}#More").data)
    assert read(f"{two}#More").name == "More"
    with pytest.raises(UnknownName, match="did you mean 'More'"):
        read(f"{two}#Mroe")
    with pytest.raises(InputError, match="is no workbook"):
        read(_file(tmp_path / "t.csv", "a,b\n1,2\n"), sheet="More")
    odd = tmp_path / "half.xlsx#1.csv"
    assert len(read(_file(odd, "a,b\n1,2\n"))) == 1  # a name of its own


def test_rows_of_a_hidden_sheet_are_never_taken_in_silence(tmp_path: Path) -> None:
    rows = [["key", "value"], ["a", 1]]
    book = _book(tmp_path / "t.xlsx", hidden=rows, Data=[["sku", "n"]])
    with pytest.raises(InputError, match=r"rows in hidden sheets only: 'hidden'; name one .*t\.xlsx#hidden"):
        read(book)
    assert len(read(f"{book}#hidden")) == 1
    with pytest.raises(InputError, match="has a header but no rows"):
        read(_book(tmp_path / "bare.xlsx", hidden=[["key"]], Data=[["sku", "n"]]))


def test_a_sheet_may_have_a_mark_in_its_name(tmp_path: Path) -> None:
    rows, more = [["a"], [1]], [["a"], [2], [3]]
    book = _book(tmp_path / "q.xlsx", **{"Q#1": rows, "b.xlsx#2": more})
    assert len(read(f"{book}#Q#1")) == 1
    assert len(read(f"{book}#b.xlsx#2")) == 2
    odd = _book(tmp_path / "q.xlsx#b.xlsx", One=more)
    assert len(read(f"{odd}#One")) == 2
    packed = tmp_path / "p.xlsx.gz"
    packed.write_bytes(gzip.compress(_book(tmp_path / "p.xlsx", One=rows, Two=more).read_bytes()))
    assert len(read(f"{packed}#Two")) == 2


def test_a_sheet_that_states_too_small_a_size_loses_no_cell(tmp_path: Path) -> None:
    path = _book(tmp_path / "t.xlsx", Goods=[["sku", "n"], ["a", 1], ["b", 2]])
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    with zipfile.ZipFile(path, "w") as book:
        for name, text in parts.items():
            book.writestr(name, text.replace(b'ref="A1:B3"', b'ref="A1"'))
    assert read(path).data.to_pylist() == [{"sku": "a", "n": "1"}, {"sku": "b", "n": "2"}]


def test_a_table_below_a_title_says_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"all 2 were refused, the first in line 3: .* delete the lines above it"):
        read(_file(tmp_path / "t.csv", "Our goods\n\nsku,n\na,1\n"))


def test_data_frames_keep_their_types() -> None:
    frame = pd.DataFrame({"n": [1, 2], "x": [0.5, float("nan")], "s": ["a", None]})
    assert read(frame).data.to_pylist() == [{"n": 1, "x": 0.5, "s": "a"}, {"n": 2, "x": None, "s": None}]
    assert read(pl.DataFrame({"n": [1, None]}), name="left").name == "left"
    assert read(pa.table({"n": [1]}), id="n").ids.to_pylist() == ["1"]
    with pytest.raises(InputError, match="is no table"):
        read(object())


def test_lines_are_true_when_cells_span_several(tmp_path: Path) -> None:
    table = read(_file(tmp_path / "t.csv", 'a,b\n1,"x\ny"\n\n2,z\n3\n4,w\n'))
    assert table.ids.to_pylist() == ["t.csv:2", "t.csv:5", "t.csv:7"]
    assert [(r.line, r.text) for r in table.rejects] == [(6, "3")]
    assert "1 cell where the header has 2" in table.rejects[0].reason


def test_rejects_are_named_and_stop_under_strict(tmp_path: Path) -> None:
    path = _file(tmp_path / "t.csv", b'a,b\n1,2\n3,4,5\n6,\xff\xfe\xfa\n7,"open\n8,9\n' + "ä,ö\nü,é\n".encode())
    table = read(path)
    assert table.data["a"].to_pylist() == ["1", "8", "ä", "ü"]
    assert sorted(r.line for r in table.rejects) == [3, 4, 5]
    with pytest.raises(BadRows, match="3 rows cannot be read"):
        read(path, strict=True)


def test_folders_and_globs_are_one_table(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        _file(tmp_path / folder / "t.csv", f"a,b\n{folder},1\n")
    _file(tmp_path / "x" / "u.tsv", "b\ta\n2\tz\n")
    assert read(tmp_path / "x").ids.to_pylist() == ["t.csv:2", "u.tsv:2"]
    assert read(tmp_path / "x").data["a"].to_pylist() == ["x", "z"]
    assert read(str(tmp_path / "*" / "t.csv")).ids.to_pylist() == ["x/t.csv:2", "y/t.csv:2"]
    _file(tmp_path / "x" / "v.csv", "other\n1\n2\n")
    with pytest.raises(InputError, match=r"v\.csv has no column in common with t\.csv"):
        read(tmp_path / "x")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("a,b\n", "header but no rows"),
        ("a,b,a\n1,2,3\n", "has 1 column name more than once: 'a'"),
        (b"PAR1broken", "looks like Parquet"),
        (b"PK\x03\x04broken", "looks like Excel"),
        (b"\x1f\x8bbroken", "gzip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "without a password"),
        (b"SQLite format 3\0", "sqlite:///"),
    ],
)
def test_what_cannot_be_read_is_said(content: str | bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        read(_file(tmp_path / "t.csv", content))


def test_ids_must_exist_and_be_unique(tmp_path: Path) -> None:
    path = _file(tmp_path / "t.csv", "sku,name\n1,a\n1,b\n2,c\n,d\n")
    with pytest.raises(UnknownName, match="did you mean 'sku'"):
        read(path, id="skus")
    with pytest.raises(InputError, match=r"1 row of t has no 'sku', first at t\.csv:5"):
        read(path, id="sku")
    _file(path, "sku,name\n1,a\n1,b\n2,c\n")
    with pytest.raises(InputError, match=r"'1' \(at t\.csv:2, t\.csv:3\)"):
        read(path, id="sku")
    table = read(_file(path, "sku,name\n01,a\n1,b\n"), id="sku")
    assert (table.ids.to_pylist(), table.id_column) == (["01", "1"], "sku")


def test_a_missing_file_names_the_near_ones(tmp_path: Path) -> None:
    _file(tmp_path / "customers.csv", "a\n1\n")
    with pytest.raises(InputError, match=r"did you mean .*customers\.csv"):
        read(tmp_path / "custommers.csv")
    with pytest.raises(InputError, match="no folder"):
        read(tmp_path / "nowhere" / "x.csv")


def test_delimited_text_reads_like_the_standard_parser(tmp_path: Path) -> None:
    rng = random.Random(5)
    cells = ["a", "", "x,y", 'q"q', "l\nl", " pad ", "é", "1e5", "\\"]
    rows = [[f"r{i}", *rng.choices(cells, k=4)] for i in range(3_000)]
    path = tmp_path / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([["id", "a", "b", "c", "d"], *rows])
    table = read(path)
    assert not table.rejects
    assert [list(r.values()) for r in table.data.to_pylist()] == [[c or None for c in row] for row in rows]


def test_pairs_accept_the_usual_words(tmp_path: Path) -> None:
    path = _file(tmp_path / "p.csv", "ltable_id,rtable_id,label\n1,a,1\n2,b,No\n3,c,unsure\n4,d,\n5,e,TRUE\n")
    pairs = read_pairs(path)
    assert pairs.left_ids.to_pylist() == ["1", "2", "3", "5"]
    assert pairs.label is not None
    assert pairs.label.tolist() == [1, 0, -1, 1]
    scored = read_pairs(pa.table({"id1": [1], "id2": [2], "score": [0.25]}))
    assert scored.score is not None
    assert (scored.left_ids.to_pylist(), scored.score.tolist(), scored.label) == (["1"], [0.25], None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("left_id,right_id,label\n1,a,perhaps\n", r"'perhaps', first at p\.csv:2"),
        ("left_id,label\n1,match\n", "no column right_id"),
        ("left_id,right_id\n1,2\n", "neither a column label nor"),
        ("left_id,right_id,label\n1,a,\n", "has a label yet"),
        ("left_id,right_id,label\n1,a,match\n2,b,not\n1,a,not\n", r"p\.csv:2 and p\.csv:4"),
        ("left_id,right_id,label\n1,,match\n", "without left_id or right_id"),
    ],
)
def test_pairs_that_cannot_be_used_are_said(content: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        read_pairs(_file(tmp_path / "p.csv", content))
