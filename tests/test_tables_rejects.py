"""Rejected rows: their bytes as they stood, where to find them, and that nobody's mending is lost."""

from __future__ import annotations

import csv
import gzip
import json
import os
import random
from itertools import pairwise
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
from conftest import Said

from dovetail.errors import InputError
from dovetail.tables.encoding import decode, line_bounds
from dovetail.tables.read import read
from dovetail.tables.rejects import write_rejects
from dovetail.types import Table

HEADER = b'a,"b"\r\n'
BROKEN = (b'3,"x""y",5\r\n', b'6,\xff\xfe\xfa "q\x00\n', b'7,"open\r', b'"8\nx","\xfe\xff"\n', b"9")
SOUND = (b'1,"2"\n', b"\xc3\xa4\xc3\xa4\xc3\xa4,\xc3\xb6\r\n", b"\xc3\xbc,\xc3\xa9\r\n")


def _file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _spoilt(path: Path) -> Path:
    return _file(path, HEADER + b"".join((SOUND[0], *BROKEN[:2], SOUND[1], BROKEN[2], SOUND[2], *BROKEN[3:])))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _raw(path: Path) -> list[bytes]:
    """What a person gets back by the columns of the table of reasons."""
    found = []
    for row in _rows(path):
        content = (path.parent / row["raw_file"]).read_bytes()
        found.append(content[int(row["raw_at"]) : int(row["raw_at"]) + int(row["raw_bytes"])])
    return found


def test_rejected_lines_are_handed_back_byte_for_byte(tmp_path: Path) -> None:
    table = read(_spoilt(tmp_path / "t.csv"))
    assert len(table) == 3
    assert [r.raw for r in table.rejects] == list(BROKEN)
    written = write_rejects([table], tmp_path / "out" / "rejects.csv")
    assert written is not None
    assert (tmp_path / "out" / "rejects" / "t.csv").read_bytes() == HEADER + b"".join(BROKEN)
    assert _raw(written) == list(BROKEN)
    rows = _rows(written)
    assert [(r["file"], r["line"]) for r in rows] == [("t.csv", n) for n in ("3", "4", "6", "8", "10")]
    assert rows[0]["reason"] == "3 cells where the header has 2"
    assert rows[0]["text"] == '3,"x""y",5'
    assert rows[1]["text"] == '6,\\xff\\xfe\\xfa "q\\x00'


def test_a_mended_file_of_rejects_is_read_as_its_source(tmp_path: Path) -> None:
    source = tmp_path / "t.csv.gz"
    source.write_bytes(gzip.compress("name;price\nM\xfcller;1\nM\xf6ller\nG\xf6tz;2\n".encode("cp1252")))
    write_rejects([read(source)], tmp_path / "rejects.csv")
    lines = tmp_path / "rejects" / "t.csv"
    assert lines.read_bytes() == b"name;price\nM\xf6ller\n"
    mended = _file(tmp_path / "mended.csv", lines.read_bytes().replace(b"ller", b"ller;3"))
    assert read(mended).data.to_pylist() == [{"name": "M\xf6ller", "price": "3"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_lines_of_bytes_are_those_of_the_text(encoding: str) -> None:
    rng = random.Random(encoding)
    signs = "ab\xe4\xfc\n\r, " + ("" if encoding == "cp1252" else "\u20ac\u010a\u0d0a\u0a0d\x85")
    for _ in range(200):
        text = "header," * 12 + "\xe4" + "".join(rng.choice(signs) for _ in range(rng.randrange(60)))
        raw = text.encode(encoding)
        decoded, named = decode(raw)
        bounds = line_bounds(raw, named)
        assert "".join(decoded) == text
        found = [raw[a:b] for a, b in pairwise(bounds)]
        plain = encoding.removesuffix("-sig") + ("-le" if encoding in ("utf-16", "utf-32") else "")
        start = len(raw) - len(text.encode(plain))
        lines = text.replace("\r\n", "\0").replace("\r", "\r\1").replace("\n", "\n\1").replace("\0", "\r\n\1")
        expected = [line.encode(plain) for line in lines.split("\1") if line]
        assert found == [raw[:start] + expected[0], *expected[1:]]


def test_wide_text_is_handed_back_too(tmp_path: Path) -> None:
    text = 'a,b\r\n1,2\r\n3,"\u20ac"\u010a,4\r\n5,6\r\n'
    table = read(_file(tmp_path / "t.csv", text.encode("utf-16")))
    assert [r.raw for r in table.rejects] == ['3,"\u20ac"\u010a,4\r\n'.encode("utf-16-le")]
    write_rejects([table], tmp_path / "rejects.csv")
    assert (tmp_path / "rejects" / "t.csv").read_bytes() == 'a,b\r\n3,"\u20ac"\u010a,4\r\n'.encode("utf-16")


def test_json_items_are_handed_back_as_they_stood(tmp_path: Path) -> None:
    lines = b'{"a": "\xc3\xa4\xc3\xb6"}\r\n {"a": 1e5,  "a": 2}\r\n{"a": "\xff"}\n'
    table = read(_file(tmp_path / "t.jsonl", lines))
    assert [r.raw for r in table.rejects] == [b' {"a": 1e5,  "a": 2}\r\n', b'{"a": "\xff"}\n']
    array = b'[{"a": 1.50, "b": "\xc3\xa4\xc3\xb6"},\n{"a": 1, "a":  2}, 1e5, {"a": "\xff"},\n  {"a": 2}]'
    for raw in (array, b'{"rows": ' + array.replace(b'{"a": 1, "a":  2}, 1e5, ', b"") + b"}"):
        table = read(_file(tmp_path / "t.json", raw))
        assert table.data["a"].to_pylist() == ["1.50", "2"]
        assert table.rejects[-1].raw == b'{"a": "\xff"}'
    table = read(_file(tmp_path / "t.json", array))
    assert [(r.line, r.raw) for r in table.rejects[:2]] == [(2, b'{"a": 1, "a":  2}'), (3, b"1e5")]
    written = write_rejects([table], tmp_path / "rejects.csv")
    assert written is not None
    assert _raw(written) == [r.raw for r in table.rejects]


def test_a_broken_array_is_refused_with_its_line(tmp_path: Path) -> None:
    for raw in (b'[{"a": 1},\n{"a": 2},\n{"a": ', b'[{"a": 1},\n{"a": 2}\n{"a": 3}]', b'[{"a": 1}]\n\n}'):
        with pytest.raises(InputError, match="broken or cut off in line 3"):
            read(_file(tmp_path / "t.json", raw))


def test_one_line_that_wraps_a_list_is_the_list(tmp_path: Path) -> None:
    table = read(_file(tmp_path / "t.json", json.dumps({"items": [{"a": 1}, {"a": 2}]}).encode()))
    assert table.data["a"].to_pylist() == ["1", "2"]


def test_rows_of_a_workbook_are_handed_back_as_csv(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["sku", "note"], ["a", "x"], ["b", 'say "hi", you', "k" * 600]):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    written = write_rejects([read(tmp_path / "t.xlsx")], tmp_path / "rejects.csv")
    assert written is not None
    assert _rows(written)[0]["raw_file"] == "rejects/t.xlsx.csv"
    with (tmp_path / "rejects" / "t.xlsx.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["sku", "note"], ["b", 'say "hi", you', "k" * 600]]


def test_files_of_one_name_do_not_mix(tmp_path: Path) -> None:
    tables = []
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        read_once = read(_file(tmp_path / name / "t.csv", f"a,b\n1,2\n{name}\n".encode()))
        tables.append(Table(f"t {name}", read_once.data, read_once.ids, read_once.rejects))
    written = write_rejects(tables, tmp_path / "rejects.csv")
    assert written is not None
    assert [(r["table"], r["raw_file"]) for r in _rows(written)] == [
        ("t x", "rejects/t.csv"),
        ("t y", "rejects/t 2.csv"),
    ]
    assert _raw(written) == [b"x\n", b"y\n"]


def test_lines_mended_in_place_are_not_written_over(tmp_path: Path) -> None:
    source, target = _file(tmp_path / "t.csv", b"a,b\n1,2\n3\n"), tmp_path / "rejects.csv"
    write_rejects([read(source)], target)
    lines = tmp_path / "rejects" / "t.csv"
    lines.write_bytes(b"a,b\n3,4\n")
    later = target.stat().st_mtime_ns + 10**9
    os.utime(lines, ns=(later, later))
    with pytest.raises(InputError, match=r"t\.csv is not as Dovetail left it"):
        write_rejects([read(source)], target)
    with pytest.raises(InputError, match="move it to another folder"):
        write_rejects([read(_file(source, b"a,b\n1,2\n"))], target)
    assert lines.read_bytes() == b"a,b\n3,4\n"


def test_touching_is_no_change(tmp_path: Path) -> None:
    source, target = _file(tmp_path / "t.csv", b"a,b\n1,2\n3\n"), tmp_path / "rejects.csv"
    write_rejects([read(source)], target)
    later = target.stat().st_mtime_ns + 10**9
    os.utime(tmp_path / "rejects" / "t.csv", ns=(later, later))  # as a copy or a backup does
    assert write_rejects([read(_file(source, b"a,b\n1,2\n5,6,7\n"))], target) == target
    assert _raw(target) == [b"5,6,7\n"]


def test_a_table_of_somebody_else_stays(tmp_path: Path) -> None:
    source, target = _file(tmp_path / "t.csv", b"a,b\n1,2\n3\n"), _file(tmp_path / "rejects.csv", b"precious\n")
    with pytest.raises(InputError, match="no table of rejected rows"):
        write_rejects([read(source)], target)
    assert write_rejects([read(_file(source, b"a,b\n1,2\n"))], target) is None
    assert target.read_bytes() == b"precious\n"


def test_a_clean_run_takes_its_old_rejects_away(tmp_path: Path) -> None:
    source, target = _file(tmp_path / "t.csv", b"a,b\n1,2\n3\n"), tmp_path / "rejects.csv"
    write_rejects([read(source)], target)
    strange = _file(tmp_path / "rejects" / "mine.txt", b"mine")
    assert write_rejects([read(_file(source, b"a,b\n1,2\n5,6,7\n"))], target) == target
    assert _raw(target) == [b"5,6,7\n"]
    assert write_rejects([read(_file(source, b"a,b\n1,2\n"))], target) is None
    assert [p.name for p in tmp_path.iterdir() if p != source] == ["rejects"]
    assert strange.read_bytes() == b"mine"


def test_reasons_do_not_run_in_a_spreadsheet(tmp_path: Path) -> None:
    table = read(_file(tmp_path / "t.csv", b"a,b\n1,2\n=cmd()\n"))
    written = write_rejects([table], tmp_path / "rejects.csv", guard_formulas=True)
    assert written is not None
    assert _rows(written)[0]["text"] == "'=cmd()"
    assert _raw(written) == [b"=cmd()\n"]


def test_a_merge_hands_back_what_it_could_not_read(tmp_path: Path, said: Said) -> None:
    good = b"".join(f"{n},name {n} of oak,{n}\n".encode() for n in range(8))
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        _file(
            tmp_path / name / "t.csv",
            b"id,name,price\na,\xc3\xa4,\nb,\xc3\xb6\xc3\xb6,\n" + good + b'9,"' + name.encode() + b'",\xff"\n',
        )
    out = tmp_path / "out"
    code, told, _ = said("integrate", tmp_path / "x" / "t.csv", tmp_path / "y" / "t.csv", "-o", out)
    assert code == 0
    assert "1 row of t could not be read: see rejects.csv" in told
    assert _raw(out / "rejects.csv") == [b'9,"x",\xff"\n', b'9,"y",\xff"\n']
    assert [r["table"] for r in _rows(out / "rejects.csv")] == ["t", "t 2"]
    assert pa.array(r["raw_file"] for r in _rows(out / "rejects.csv")).to_pylist() == [
        "rejects/t.csv",
        "rejects/t 2.csv",
    ]
