"""What goes wrong on the console ends in one sentence that says how to mend it, the right exit code, and no loss."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import Said

from dovetail.cli.merge import summary
from dovetail.jobs.merge import dedupe
from dovetail.workspace import Workspace

GOODS = "id,name,price\n1,red oak lamp,5\n2,blue iron fork,7\n3,green steel spoon,9\n"


@pytest.fixture
def goods(tmp_path: Path) -> Path:
    path = tmp_path / "goods.csv"
    path.write_text(GOODS, encoding="utf-8")
    return path


def _zip(**files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), text)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"%PDF-1.4\n%\xe2\xe3,1\n1 0 obj\n", "is a PDF; ask for the table"),
        (b"\x89PNG\r\n\x1a\n,\n1", "is a picture"),
        (b"<!DOCTYPE html>\n<html><body>log in, please</body>", "is a web page"),
        (_zip(goods_dot_csv=GOODS), "is a zip archive that holds 'goods.csv'; unpack it"),
        (_zip(content_dot_xml="<a/>"), "is an OpenDocument file; save it as .xlsx"),
        (b"PK\x03\x04 garbage", "looks like Excel but cannot be read"),
        (b"SQLite format 3\0", "is a SQLite database; name it as sqlite:///"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save it as .xlsx without a password"),
    ],
)
def test_what_is_no_table_is_called_by_its_name(tmp_path: Path, said: Said, content: bytes, sentence: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    code, out, err = said("profile", path)
    assert (code, out) == (2, "")
    assert sentence in err


def test_a_folder_that_cannot_be_made_is_said(goods: Path, said: Said) -> None:
    code, _, err = said("dedupe", goods, "-o", goods / "inside", "-q")
    assert code == 6
    assert "cannot be made or written to" in err
    assert "give another with --out" in err


def test_an_option_that_is_given_twice_differently_is_refused(goods: Path, said: Said) -> None:
    words = ("columns", goods, goods, "--map", "name=name", "--map", "name=price")
    code, out, err = said(*words, "--json")
    assert code == 2
    assert "--map says name=name and name=price; keep one of them" in err
    assert json.loads(out)["type"] == "InputError"
    assert said("columns", goods, goods, "--map", "name=name", "--map", " name = name")[0] == 0


def test_json_holds_for_options_that_cannot_be_parsed(goods: Path, said: Said) -> None:
    code, out, err = said("columns", goods, goods, "--json", "--nonsense")
    assert code == 2
    assert json.loads(out)["type"] == "UsageError"
    assert "--nonsense" in err


def test_clean_never_writes_over_its_source(goods: Path, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(goods.parent)
    code, _, err = said("clean", goods, "-o", "./goods.csv")
    assert code == 2
    assert "is the source itself" in err
    assert goods.read_text(encoding="utf-8") == GOODS


def test_clean_keeps_rows_that_cannot_be_read(goods: Path, said: Said) -> None:
    goods.write_text(GOODS + "4,lone\n", encoding="utf-8")
    code, out, err = said("clean", goods, "-o", goods.parent / "tidy.csv")
    assert code == 0
    assert out.startswith("3 rows written")
    kept = goods.parent / "tidy_rejects.csv"
    assert str(kept) in err
    rows = [line.rpartition(",")[0] for line in kept.read_text(encoding="utf-8").splitlines()[1:]]
    assert rows == ['goods,goods.csv,5,2 cells where the header has 3,"4,lone",tidy_rejects/goods.csv,14,7']
    assert (kept.with_suffix("") / "goods.csv").read_bytes() == b"id,name,price\n4,lone\n"


def test_nothing_merged_is_not_called_a_precision_of_zero(goods: Path) -> None:
    lines = summary(dedupe(goods))
    assert "no two rows were found to be the same, so there is no precision or recall to estimate" in lines
    assert not [line for line in lines if "0.0 %" in line]


def test_a_killed_write_neither_stays_nor_makes_the_folder_foreign(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / ".workspace-abcd_123.json").write_text("{", encoding="utf-8")
    with Workspace(folder).locked():
        assert {p.name for p in folder.iterdir()} == {"workspace.json", ".lock"}
    for name in (".merged-abcdefgh.csv", ".my-notes"):
        (folder / name).write_text("x", encoding="utf-8")
    with Workspace(folder).locked():
        assert {p.name for p in folder.iterdir()} == {"workspace.json", ".lock", ".my-notes"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_disk_is_said_in_a_sentence(goods: Path) -> None:
    with Path("/dev/full").open("w") as full:
        words = [sys.executable, "-m", "dovetail.cli.main", "columns", str(goods), str(goods)]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert done.stderr.startswith("dovetail: reading or writing failed: No space left on device")
    assert done.stderr.count("\n") == 1


def test_a_stopped_run_says_that_it_goes_on(goods: Path, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*words: object, **settings: object) -> None:
        del words, settings
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("dovetail.cli.merge.integrate", stopped)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs us in the background ignores it
    code, _, err = said("dedupe", goods, "-o", goods.parent / "out", "-q")
    assert code == 130
    assert "the same command goes on from the last finished step" in err


def test_values_cannot_steer_the_terminal(tmp_path: Path, said: Said) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("id,na\x1b[2Jme\n1,\x1b[31mred\n2,[bold]blue\n", encoding="utf-8")
    for words in (("profile", path), ("columns", path, path)):
        code, out, _ = said(*words)
        assert code == 0
        assert "\x1b" not in out
    assert "[bold]blue" in said("profile", path)[1]
