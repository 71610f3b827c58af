"""Workbooks: cells without a value, damaged sheets, and that both are said."""

from __future__ import annotations

import json
import logging
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from conftest import Said

from dovetail.errors import BadRows, InputError
from dovetail.tables.clean import clean
from dovetail.tables.read import read
from dovetail.tables.rowid import with_plain_id


def _book(path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def _spoil(path: Path, member: str, spoilt: Callable[[bytes], bytes]) -> Path:
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    with zipfile.ZipFile(path, "w") as book:
        for name, text in parts.items():
            book.writestr(name, spoilt(text) if name.endswith(member) else text)
    return path


GOODS = [["sku", "n", "price"], ["a", 1, 5], ["b", "=A2", "=C2*2"], ["c", None, 7], ["=A4", "=B4", "=C4"]]


def test_a_row_with_a_formula_without_a_result_is_kept_and_the_cell_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = _book(tmp_path / "t.xlsx", {"Goods": GOODS})
    with caplog.at_level(logging.WARNING, "dovetail"):
        logging.getLogger("dovetail").propagate = True
        table = read(path)
    assert table.data["sku"].to_pylist() == ["a", "b", "c"]
    assert table.data["n"].to_pylist() == ["1", None, None]
    assert table.data["price"].to_pylist() == ["5", None, "7"]
    said = "t.xlsx: 2 formulas have no stored result, and their cells are left empty: B3, C3; open it in a"
    assert len(table.notes) == 1
    assert table.notes[0].startswith(said)
    assert any(record.getMessage().startswith(said) for record in caplog.records)
    assert clean(with_plain_id(table)).notes == table.notes
    with pytest.raises(BadRows, match="cannot be read"):
        read(path, strict=True)
    with pytest.raises(BadRows, match=r"1 formula has no stored result, and its cell is left empty: A2; .* --strict"):
        read(_book(path, {"Goods": [["sku", "n"], ["=A1", 1]]}), strict=True)


def test_a_row_of_nothing_but_formulas_without_results_is_set_aside(tmp_path: Path) -> None:
    """A sheet whose formulas were drawn down to the end would give empty rows, which are alike."""
    table = read(_book(tmp_path / "t.xlsx", {"Goods": GOODS}))
    assert [(r.line, r.text, r.raw) for r in table.rejects] == [(5, "? | ? | ?", b"?,?,?\n")]
    assert "nothing but formulas whose results are not in the file" in table.rejects[0].reason


def test_many_cells_without_a_value_are_counted(tmp_path: Path) -> None:
    rows = [["sku", "n"], *([f"s{i}", "=A1"] for i in range(40))]
    path = _book(tmp_path / "t.xlsx", {"Other": rows, "Goods": rows})
    table = read(f"{path}#Goods")
    assert len(table) == 40
    assert table.notes[0].startswith("t.xlsx, sheet 'Goods': 40 formulas have no stored result")
    assert "B2, B3, B4, B5, B6, B7, B8, B9, B10, B11 and 30 more" in table.notes[0]


def test_a_formula_in_the_header_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"header of the first sheet of t\.xlsx has a formula without a stored result"):
        read(_book(tmp_path / "t.xlsx", {"Goods": [["sku", "=A1"], ["a", 1]]}))


@pytest.mark.parametrize("spoilt", [lambda text: b"\0\1" + text[9:], lambda text: text[:300], lambda _: b""])
def test_a_damaged_sheet_does_not_refuse_another_one(tmp_path: Path, spoilt: Callable[[bytes], bytes]) -> None:
    sheets = {"Goods": [["sku", "n"], ["a", 1]], "Broken": [["x"], ["=A1"]]}
    path = _spoil(_book(tmp_path / "t.xlsx", sheets), "sheet2.xml", spoilt)
    table = read(f"{path}#goods")
    assert table.data.to_pylist() == [{"sku": "a", "n": "1"}]
    assert set(table.notes) <= {"t.xlsx: sheet 'Broken' is damaged and was not read"}
    for source in (path, f"{path}#Broken"):
        with pytest.raises(
            InputError, match=r"sheet 'Broken' of t\.xlsx is damaged: .*save it again, or name .*#Goods"
        ):
            read(source)


def test_a_sheet_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    sheets = {"Broken": [["x"], [1]], "Goods": [["sku", "n"], ["a", "=A2"]]}
    path = _spoil(_book(tmp_path / "t.xlsx", sheets), "sheet1.xml", lambda text: b"?" + text)
    notes = read(f"{path}#Goods").notes
    assert len(notes) == 2
    assert notes[1] == "t.xlsx: sheet 'Broken' is damaged and was not read"


def test_damage_that_concerns_no_cell_refuses_nothing(tmp_path: Path) -> None:
    for member in ("core.xml", "theme1.xml"):
        path = _spoil(_book(tmp_path / "t.xlsx", {"Goods": [["sku"], ["a"]]}), member, lambda text: text[:50])
        assert read(path).data["sku"].to_pylist() == ["a"]


def test_a_merge_says_which_cells_had_no_value(tmp_path: Path, said: Said) -> None:
    rows = [["id", "name", "price"], *([f"k{i}", f"lamp {i} of oak", i] for i in range(8)), ["k8", "lamp 8", "=C2"]]
    path = _book(tmp_path / "t.xlsx", {"Goods": rows})
    code, out, err = said("dedupe", path, "-o", tmp_path / "out")
    assert code == 0
    line = "t.xlsx: 1 formula has no stored result, and its cell is left empty: C10; open it in a spreadsheet program"
    assert line in out
    assert line in err
    assert line in json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))["warnings"][0]
    assert line in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_every_verb_says_what_it_could_not_read(tmp_path: Path, said: Said) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,name\n1,oak lamp\n2\n3,iron fork\n" + "4\n" * 7, encoding="utf-8")
    for words in (("columns", path, path), ("profile", path, "--json")):
        code, _, err = said(*words)
        assert code == 0
        assert "not read: t.csv, line 3: 1 cell where the header has 2" in err
        assert "not read: 3 rows more" in err
