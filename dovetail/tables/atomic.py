"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

READY = ".ready"  # entries that are written in full and about to take their places
_BEFORE = ".before"
_WRITING = ".writing-"
_STALE = 3600.0  # seconds after which what is half written is nobody's


@contextlib.contextmanager
def replace_file(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`; on success it is flushed to disk and takes the place of `path`.

    On any error the temporary file goes and an older file at `path` stays as it was. The ending of the name is
    kept, since writers read the format from it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    ending = "".join(path.suffixes[-2:])
    handle, name = tempfile.mkstemp(prefix=f".{path.stem[:40]}-", suffix=ending, dir=path.parent)
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        with beside.open("rb+") as written:
            os.fsync(written.fileno())
        beside.chmod(0o666 & ~_umask())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


@contextlib.contextmanager
def replace_entries(folder: str | Path) -> Iterator[Path]:
    """An empty folder to write into; on success its entries take the place of those of `folder` that have their names.

    Entries of other names stay. Until all is written and flushed, what was there stays in force: an error or a killed
    process leaves it untouched. One that is killed while entries change places leaves `.ready`, from which
    `finish_replacing` goes on; whoever reads the folder calls that first.
    """
    home = Path(folder)
    home.mkdir(parents=True, exist_ok=True)
    _sweep(home)
    beside = Path(tempfile.mkdtemp(prefix=_WRITING, dir=home))
    try:
        yield beside
        _flush_all(beside)
        with alone(home):  # another writer's entries take their places before or after these, never between them
            _put_in_force(home)
            beside.replace(home / READY)  # from here on the new entries count
            _flush(home)
            _put_in_force(home)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def finish_replacing(folder: str | Path) -> bool:
    """Put entries into force that a killed process had written in full; whether there were any."""
    home = Path(folder)
    if not (home / READY).is_dir():
        return False
    with alone(home):
        return _put_in_force(home)


def _put_in_force(home: Path) -> bool:
    ready, before = home / READY, home / _BEFORE
    if not ready.is_dir():  # another process was first
        return False
    for entry in sorted(ready.iterdir()):
        target = home / entry.name
        if target.exists() and (target.is_dir() or entry.is_dir()):  # a folder cannot be renamed over another
            before.mkdir(exist_ok=True)
            target.replace(before / f"{entry.name}-{secrets.token_hex(4)}")
        entry.replace(target)
    _flush(home)
    ready.rmdir()
    shutil.rmtree(before, ignore_errors=True)
    return True


@contextlib.contextmanager
def alone(home: Path) -> Iterator[None]:
    """While no other thread or process is in here for this folder; where a system cannot lock folders, without."""
    if os.name == "nt":
        yield
        return
    import fcntl

    handle = os.open(home, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network drives know no locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sweep(home: Path) -> None:
    """Remove what killed processes had written in part; what is young may still be being written."""
    for left in home.glob(f"{_WRITING}*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE:
                shutil.rmtree(left)


def _flush_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        _flush(path)


def _flush(path: Path) -> None:
    """To disk; where a system cannot open folders, their entries follow when it pleases."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDWR if path.is_file() and os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
