"""Folders whose entries change places whole: what errors, kills and half-finished saves leave."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dovetail.errors import InputError
from dovetail.tables.atomic import READY, finish_replacing, replace_entries
from dovetail.tasks.base import model_folder, read_note, write_note

# Writes two files and a folder over older ones, and dies at the n-th change of the disk.
_KILLED = """
import os, sys
from pathlib import Path
from dovetail.tables.atomic import replace_entries

left = int(sys.argv[2])

def dying(real):
    def call(*given, **named):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return real(*given, **named)
    return call

for name in ("replace", "rmdir", "mkdir"):
    setattr(Path, name, dying(getattr(Path, name)))
with replace_entries(sys.argv[1]) as beside:
    for name in ("a.txt", "b.txt"):
        (beside / name).write_text("new")
    (beside / "deep").mkdir()
    (beside / "deep" / "c.txt").write_text("new")
"""


def _old(home: Path) -> None:
    (home / "deep").mkdir(parents=True)
    for name in ("a.txt", "b.txt", "deep/c.txt", "deep/gone.txt", "notes.md"):
        (home / name).write_text("old")


def _said(home: Path) -> set[str]:
    finish_replacing(home)
    return {(home / name).read_text() for name in ("a.txt", "b.txt", "deep/c.txt")}


def test_entries_take_their_places_and_other_files_stay(tmp_path: Path) -> None:
    _old(tmp_path)
    with replace_entries(tmp_path) as beside:
        (beside / "a.txt").write_text("new")
        (beside / "deep").mkdir()
        assert (tmp_path / "a.txt").read_text() == "old"
    assert (tmp_path / "a.txt").read_text() == "new"
    assert (tmp_path / "b.txt").read_text() == "old"
    assert list((tmp_path / "deep").iterdir()) == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "b.txt", "deep", "notes.md"]


def test_a_process_killed_at_any_step_leaves_the_old_or_the_new_whole(tmp_path: Path) -> None:
    ends = []
    for step in range(40):
        home = tmp_path / str(step)
        _old(home)
        done = subprocess.run([sys.executable, "-c", _KILLED, str(home), str(step)], check=False)
        said = _said(home)
        assert len(said) == 1, (step, said)
        assert (home / "notes.md").read_text() == "old"
        assert not (home / READY).exists()
        ends.append(said.pop())
        if done.returncode == 0:
            break
        assert done.returncode == 9
    assert ends == sorted(ends, reverse=True)  # old, old, …, new
    assert set(ends) == {"old", "new"}
    assert not (home / "deep" / "gone.txt").exists()


def test_a_full_disk_leaves_the_model_and_says_so(tmp_path: Path) -> None:
    write_note(tmp_path, "match", {"mine": 1})

    def saving() -> None:
        with model_folder(tmp_path) as home:
            write_note(home, "match", {"mine": 2})
            raise OSError(28, os.strerror(28))

    with pytest.raises(InputError, match=r"No space left.*unharmed: make room"):
        saving()
    assert read_note(tmp_path)["mine"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["model.json"]


def test_reading_goes_on_with_a_save_that_was_cut_short(tmp_path: Path) -> None:
    write_note(tmp_path, "match", {"mine": 1})
    write_note(tmp_path / READY, "match", {"mine": 2})
    assert read_note(tmp_path)["mine"] == 2
    assert not (tmp_path / READY).exists()


def test_what_a_killed_save_wrote_in_part_goes_with_the_next_one(tmp_path: Path) -> None:
    half, young = tmp_path / ".writing-half", tmp_path / ".writing-young"
    for left in (half, young):
        left.mkdir()
        (left / "big.bin").write_bytes(b"x")
    long_ago = time.time() - 7200
    os.utime(half, (long_ago, long_ago))
    with replace_entries(tmp_path) as beside:
        (beside / "a.txt").write_text("new")
    assert not half.exists()
    assert young.exists()


def test_two_readers_at_once_put_new_entries_into_force_once(tmp_path: Path) -> None:
    for number in range(20):
        home = tmp_path / str(number)
        for folder, text in ((home, "old"), (home / READY, "new")):
            for name in ("a", "b", "c"):
                (folder / name).mkdir(parents=True)
                (folder / name / "text").write_text(text, encoding="utf-8")
        with ThreadPoolExecutor(4) as pool:
            done = list(pool.map(finish_replacing, [home] * 4))
        assert sum(done) == 1
        assert [(home / name / "text").read_text(encoding="utf-8") for name in ("a", "b", "c")] == ["new"] * 3
        assert not (home / READY).exists()
