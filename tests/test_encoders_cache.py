"""Vectors are computed once, kept soundly, and a broken or busy file never stops the work."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from dovetail.encoders.base import load_encoder
from dovetail.encoders.cache import CachedEncoder, default_folder


class Counting:
    """A cheap encoder that remembers what it was asked."""

    def __init__(self, fingerprint: str = "one", dimensions: int = 8) -> None:
        self.fingerprint, self.dimensions = fingerprint, dimensions
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        self.asked += texts
        found = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in enumerate(texts):
            seed = [*(self.fingerprint + text).encode("utf-8", "surrogatepass")]
            found[row] = np.random.default_rng(seed).normal(size=self.dimensions) if text else 0
        norms = np.linalg.norm(found, axis=1, keepdims=True)
        return np.asarray(found / np.where(norms == 0, 1, norms), np.float32)


def words(n: int, start: int = 0) -> list[str]:
    return [f"text {i}" for i in range(start, start + n)]


def test_the_second_time_costs_nothing_and_says_the_same(tmp_path: Path) -> None:
    inner = Counting()
    texts = ["red lamp", "", "blue", "red lamp", "\ud800 odd"]
    first = CachedEncoder(inner, tmp_path).encode(texts)
    assert inner.asked == ["red lamp", "", "blue", "\ud800 odd"]
    again = CachedEncoder(inner, tmp_path).encode(texts)
    assert len(inner.asked) == 4
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(first, Counting().encode(texts), atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), [1, 0, 1, 1, 1], atol=1e-6)


def test_only_what_is_new_is_encoded_in_the_right_rows(tmp_path: Path) -> None:
    inner = Counting()
    cached = CachedEncoder(inner, tmp_path)
    cached.encode(words(3))
    mixed = ["text 9", "text 1", "text 8", "text 0"]
    found = cached.encode(mixed)
    assert inner.asked[3:] == ["text 9", "text 8"]
    np.testing.assert_allclose(found, Counting().encode(mixed), atol=1e-3)


def test_encoders_are_not_mixed(tmp_path: Path) -> None:
    one, other = Counting("one"), Counting("other", dimensions=4)
    CachedEncoder(one, tmp_path).encode(["a"])
    assert CachedEncoder(other, tmp_path).encode(["a"]).shape == (1, 4)
    assert other.asked == ["a"]
    assert CachedEncoder(other, tmp_path).fingerprint == "other"


def test_no_texts_leave_no_file(tmp_path: Path) -> None:
    assert CachedEncoder(Counting(), tmp_path / "x").encode([]).shape == (0, 8)
    assert not (tmp_path / "x").exists()


def test_the_file_is_bounded_and_forgets_the_oldest(tmp_path: Path) -> None:
    inner = Counting(dimensions=256)
    cached = CachedEncoder(inner, tmp_path, most_mb=1)
    for start in range(0, 5_000, 500):
        cached.encode(words(500, start))
    with closing(sqlite3.connect(cached.path)) as file, file:
        (pages,), (size,) = (file.execute(f"PRAGMA {p}").fetchone() for p in ("page_count", "page_size"))
    assert pages * size < 1.7e6
    inner.asked.clear()
    cached.encode(words(100, 4_900))
    assert inner.asked == []
    cached.encode(words(100))
    assert len(inner.asked) == 100


@pytest.mark.parametrize(
    "content", [b"this is no database at all, but long enough to look like one" * 90, b"\0" * 9_000]
)
def test_a_foreign_file_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    inner = Counting()
    cached = CachedEncoder(inner, tmp_path)
    cached.path.write_bytes(content)
    cached.encode(words(2))
    assert "database" in cached.trouble
    cached.encode(words(2, 10))
    inner.asked.clear()
    cached.encode(words(2, 10))
    assert inner.asked == []


def test_pages_that_were_overwritten_cost_vectors_and_nothing_else(tmp_path: Path) -> None:
    inner = Counting(dimensions=64)
    cached = CachedEncoder(inner, tmp_path)
    right = cached.encode(words(300))
    with closing(sqlite3.connect(cached.path)) as file, file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw = bytearray(cached.path.read_bytes())
    raw[4_096:20_480] = os.urandom(16_384)
    cached.path.write_bytes(raw)
    for _ in range(2):
        np.testing.assert_array_equal(cached.encode(words(300)), right)
    inner.asked.clear()
    cached.encode(words(300))
    assert inner.asked == []


def test_a_vector_of_the_wrong_length_is_computed_again(tmp_path: Path) -> None:
    inner = Counting()
    cached = CachedEncoder(inner, tmp_path)
    right = cached.encode(["a", "b", "c"])
    with closing(sqlite3.connect(cached.path)) as file, file:
        file.execute("UPDATE vectors SET vector = ? WHERE id = 1", (b"12345678" * 2,))
        file.execute("UPDATE vectors SET vector = ? WHERE id = 2", (b"123",))
    inner.asked.clear()
    np.testing.assert_array_equal(cached.encode(["a", "b", "c"]), right)
    assert inner.asked == ["a", "b"]


def test_a_busy_file_is_passed_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dovetail.encoders.cache._WAIT", 0.05)
    cached = CachedEncoder(Counting(), tmp_path)
    cached.encode(["a"])
    other = sqlite3.connect(cached.path)
    other.execute("BEGIN IMMEDIATE")
    try:
        assert cached.encode(["a", "b"]).shape == (2, 8)
    finally:
        other.close()
    assert "locked" in cached.trouble
    assert cached.path.exists()


def test_a_folder_that_cannot_be_made_is_passed_by(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    cached = CachedEncoder(Counting(), tmp_path / "file" / "below")
    assert cached.encode(["a"]).shape == (1, 8)
    assert cached.trouble


def _work(folder: Path, start: int) -> None:
    cached = CachedEncoder(Counting(), folder)
    for shift in range(0, 200, 20):
        cached.encode(words(60, start + shift))
    os._exit(bool(cached.trouble))


def test_two_processes_write_one_file(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    both = [context.Process(target=_work, args=(tmp_path, start)) for start in (0, 100)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [p.exitcode for p in both] == [0, 0]
    inner = Counting()
    found = CachedEncoder(inner, tmp_path).encode(words(340))
    assert inner.asked == []
    np.testing.assert_allclose(found, Counting().encode(words(340)), atol=1e-3)


def _die(folder: Path) -> None:
    cached = CachedEncoder(Counting(), folder)
    cached.encode(words(50))
    file = cached._open()
    file.execute("INSERT INTO vectors (key, vector, used) VALUES (?, ?, ?)", (b"half done", b"1", 0))
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_kill_in_the_middle_of_a_write_leaves_the_file_whole(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=_die, args=(tmp_path,))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    inner = Counting()
    cached = CachedEncoder(inner, tmp_path)
    cached.encode(words(50))
    assert inner.asked == []
    with closing(sqlite3.connect(cached.path)) as file, file:
        assert file.execute("SELECT count(*) FROM vectors").fetchone() == (50,)
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_load_encoder_takes_a_cache(tmp_path: Path) -> None:
    plain, cached = load_encoder("static"), load_encoder("static", cache=tmp_path)
    assert isinstance(cached, CachedEncoder)
    assert (cached.dimensions, cached.fingerprint) == (plain.dimensions, plain.fingerprint)
    np.testing.assert_allclose(cached.encode(["a lamp"]), plain.encode(["a lamp"]), atol=1e-3)


def test_the_folder_is_the_users_unless_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DOVETAIL_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "dovetail"
    monkeypatch.setenv("DOVETAIL_CACHE", str(tmp_path / "mine"))
    assert default_folder() == tmp_path / "mine"
