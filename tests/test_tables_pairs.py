"""Judged pairs as people write them: words of other languages, no header, words that nobody understands."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from dovetail.errors import InputError
from dovetail.tables.pairs import read_pairs
from dovetail.tables.write import write

HEAD = "left_id,right_id,label"


def _file(folder: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path = folder / "labels.csv"
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_yes_and_no_of_spreadsheets_in_other_languages(tmp_path: Path, encoding: str) -> None:
    rows = ["ä1,b1,WAHR", "ä2,b2,Falsch", "a3,b3,sí", "a4,b4,Oui", "a5,b5,não", "a6,b6,nein"]
    found = read_pairs(_file(tmp_path, HEAD, *rows, encoding=encoding))
    assert found.label is not None
    assert found.label.tolist() == [1, 0, 1, 1, 0, 0]
    assert found.left_ids[0].as_py() == "ä1"


def test_words_that_are_not_understood_are_all_named(tmp_path: Path) -> None:
    path = _file(tmp_path, HEAD, "a1,b1,match", "a2,b2,Treffer", "a3,b3,kein Treffer", "a4,b4,Treffer")
    with pytest.raises(InputError, match=r"2 labels in the column label .*'Treffer', 'kein Treffer', first at .*3"):
        read_pairs(path)
    with pytest.raises(InputError, match=r"the label in the column label .* is not understood: 'Treffer'"):
        read_pairs(_file(tmp_path, HEAD, "a2,b2,Treffer"))


def test_a_file_without_a_header_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"first line is a pair already, put the line left_id,right_id,label above"):
        read_pairs(_file(tmp_path, "a1,b1,match", "a2,b2,not"))
    with pytest.raises(InputError, match=r"found a, b, c$"):
        read_pairs(_file(tmp_path, "a,b,c", "1,2,3"))


def test_a_guard_is_only_taken_off_where_it_was_put(tmp_path: Path) -> None:
    """`'-5` and `-5` are two rows, and a file that nobody guarded is read as it stands."""
    path = _file(tmp_path, HEAD, "'-5,b,match", "-5,b,not", "'=A,c,match", "'s,d,not")
    as_it_is = ["'-5", "-5", "'=A", "'s"]
    assert read_pairs(path).left_ids.to_pylist() == as_it_is
    run = {"settings": {"guard_formulas": True}, "files": ["review.csv"]}
    (tmp_path / "run.json").write_text(json.dumps(run), encoding="utf-8")
    assert read_pairs(path).left_ids.to_pylist() == as_it_is  # not a file of that run
    with pytest.raises(InputError, match="a match and not a match"):
        read_pairs(path, guarded=True)
    ends = pa.table({"left_id": as_it_is, "right_id": list("bbcd"), "label": ["match", "not", "match", "not"]})
    found = read_pairs(write(ends, tmp_path / "review.csv", guard_formulas=True))
    assert found.left_ids.to_pylist() == as_it_is
    assert found.label is not None
    assert found.label.tolist() == [1, 0, 1, 0]


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"labels\.csv"):
        read_pairs(path)
