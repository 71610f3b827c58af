"""Encodings that were guessed wrong are spoken of, and what spreadsheets put above a header is no header."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.errors import InputError
from dovetail.tables.read import read


def _file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1251", "id,\u0438\u043c\u044f\n1,\u041b\u0430\u043c\u043f\u0430\n2,\u0412\u0438\u043b\u043a\u0430\n"),
        ("cp1253", "id,name\n1,\u039a\u03b1\u03c1\u03ad\u03ba\u03bb\u03b1\n2,\u039b\u03ac\u03bc\u03c0\u03b1\n"),
        ("mac_roman", "id,name\n1,M\xfcller Stra\xdfe\n2,Caf\xe9 Zo\xeb\n"),
        ("iso8859-2", "id,name\n1,\u017dlut\xe1 ko\u0161ile\n2,Ta\u0161ka\n3,Ru\u017ee\n"),
    ],
)
@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
def test_letters_of_another_encoding_are_spoken_of(tmp_path: Path, encoding: str, text: str, ending: str) -> None:
    if ending == ".jsonl":
        text = "".join(f'{{"name": "{line.split(",")[1]}"}}\n' for line in text.splitlines()[1:])
    table = read(_file(tmp_path / f"t{ending}", text.encode(encoding)))
    assert len(table.notes) == 1
    assert f"t{ending} is no UTF-8 and was read as Windows-1252, but " in table.notes[0]
    assert "iconv" in table.notes[0]


def test_plain_windows_1252_is_not(tmp_path: Path) -> None:
    text = (
        "id,name\n1,M\xfcller & S\xf6hne\u2122\n2,Caf\xe9 \u2013 d\u2019Or\n3,\u20ac 5 \xb1 2 \xb5m\n"
        "4,Sony\xae 5\xbd\x22\n5,\xc4RZTE\n"
        "6,\xbfqu\xe9?\n7,12 m\xb2 \xe0 3\xb0\n8,na\xefve \xabx\xbb\n9,\xd6\xdf 3\xd74\n10,\u0160koda \u017di\u017eek\n"
    )
    assert read(_file(tmp_path / "t.csv", text.encode("cp1252"))).notes == ()
    assert read(_file(tmp_path / "t.csv", text.encode())).notes == ()


def test_a_file_of_no_known_encoding_says_so(tmp_path: Path) -> None:
    text = "id,\u540d\u524d\n1,\u8d64\u3044\u30e9\u30f3\u30d7\n2,\u9752\u3044\u30d5\u30a9\u30fc\u30af\n"
    with pytest.raises(InputError, match=r"neither UTF-8, UTF-16 nor Windows-1252; save t\.csv as UTF-8"):
        read(_file(tmp_path / "t.csv", text.encode("shift_jis")))


@pytest.mark.parametrize("first", [b"sep=;\r\n", b'"sep=;"\n', b"\xef\xbb\xbfSEP=;\n"])
def test_the_separator_that_spreadsheets_name_is_no_header(tmp_path: Path, first: bytes) -> None:
    table = read(_file(tmp_path / "t.csv", first + b"id;name\n1;a, b\n2\n"))
    assert table.data.to_pylist() == [{"id": "1", "name": "a, b"}]
    assert table.ids.to_pylist() == ["t.csv:3"]
    assert table.rejects[0].header == first + b"id;name\n"
    tabs = read(_file(tmp_path / "t.csv", b"sep=\t\nid\tname\n1\ta,b\n"))
    assert tabs.columns == ("id", "name")
