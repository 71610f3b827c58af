"""Vectors kept on disk, so that a text is encoded once: by the encoder's fingerprint and the text itself."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dovetail.encoders.protocol import Encoder

FORMAT = 1
_CHUNK = 4_096  # texts encoded between two writes: what a kill can cost
_ASKED = 500  # keys in one question
_DAY = 86_400
_WAIT = 30.0  # seconds that one process waits while another writes

Vectors = npt.NDArray[np.float32]


def default_folder() -> Path:
    """Where vectors are kept if nobody says where: `DOVETAIL_CACHE`, or the user's cache folder."""
    named = os.environ.get("DOVETAIL_CACHE")
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(home) / "dovetail"


class CachedEncoder:
    """An encoder that asks a file first; to the caller it is the encoder.

    The file is SQLite, shared by any number of encoders and processes, and holds at most `most_mb`: the vectors that
    were not used for longest go first. Numbers are kept in half precision, and a fresh vector is rounded likewise, so
    that the second answer is the first one bit for bit (cosine to the unrounded vector above 0.999999). A cache never
    stops the work: a broken file is begun anew, and where nothing can be written `trouble` says why.
    """

    def __init__(self, encoder: Encoder, folder: str | Path | None = None, *, most_mb: int = 1_024) -> None:
        self.encoder = encoder
        self.folder = Path(folder) if folder else default_folder()
        self.most_mb = most_mb
        self.trouble = ""

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / f"vectors-{FORMAT}.sqlite"

    @property
    def dimensions(self) -> int:
        """Length of each vector."""
        return self.encoder.dimensions

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the encoder behind the file."""
        return self.encoder.fingerprint

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, dimensions); a text that was encoded before costs a look into the file."""
        if not len(texts):
            return self.encoder.encode(texts)
        first: dict[str, int] = {}
        place = np.fromiter((first.setdefault(text, len(first)) for text in texts), np.int64, len(texts))
        once = list(first)
        return self._of_different(once)[place]

    def _of_different(self, texts: Sequence[str]) -> Vectors:
        keys = self._keys(texts)
        known = self._known(keys)
        found = np.zeros((len(texts), self.dimensions), np.float32)
        have = [i for i, key in enumerate(keys) if key in known]
        if have:
            found[have] = _unit(np.stack([known[keys[i]] for i in have]))
        missing = [i for i, key in enumerate(keys) if key not in known]
        for start in range(0, len(missing), _CHUNK):
            rows = missing[start : start + _CHUNK]
            fresh = self.encoder.encode([texts[i] for i in rows]).astype(np.float16)
            self._keep([keys[i] for i in rows], fresh)
            found[rows] = _unit(fresh)
        return found

    def _keys(self, texts: Sequence[str]) -> list[bytes]:
        start = hashlib.blake2b(f"{self.fingerprint}\0".encode(), digest_size=16)
        keys = []
        for text in texts:
            one = start.copy()
            one.update(text.encode("utf-8", "surrogatepass"))
            keys.append(one.digest())
        return keys

    def _known(self, keys: Sequence[bytes]) -> dict[bytes, npt.NDArray[np.float16]]:
        """The vectors that the file holds and that are sound."""
        try:
            with closing(self._open()) as file:
                rows = [row for part in _parts(keys) for row in _ask(file, part)]
                self._mark(file, [key for key, _, used in rows if used < time.time() - _DAY])
        except sqlite3.Error as error:
            self._broken(error)
            return {}
        right = [(key, vector) for key, vector, _ in rows if len(vector) == 2 * self.dimensions]
        if not right:
            return {}
        vectors = np.frombuffer(b"".join(v for _, v in right), np.float16).reshape(len(right), -1)
        norms = np.linalg.norm(vectors.astype(np.float32), axis=1)
        sound = (np.abs(norms - 1) < 0.01) | (norms == 0)  # a flipped bit of an exponent shows in the length
        return {key: vector for (key, _), vector, good in zip(right, vectors, sound, strict=True) if good}

    def _mark(self, file: sqlite3.Connection, keys: Sequence[bytes]) -> None:
        """Note the use of vectors, once a day: reading need not write."""
        if keys:
            with file:
                file.executemany("UPDATE vectors SET used = ? WHERE key = ?", [(int(time.time()), k) for k in keys])

    def _keep(self, keys: Sequence[bytes], vectors: npt.NDArray[np.float16]) -> None:
        rows = [(key, v.tobytes(), int(time.time())) for key, v in zip(keys, vectors, strict=True)]
        try:
            with closing(self._open()) as file:
                with file:
                    file.executemany("INSERT OR REPLACE INTO vectors (key, vector, used) VALUES (?, ?, ?)", rows)
                self._shrink(file)
        except sqlite3.Error as error:
            self._broken(error)

    def _shrink(self, file: sqlite3.Connection) -> None:
        """Forget what was not used for longest until a tenth is free again."""
        pages, free, size = (
            file.execute(f"PRAGMA {p}").fetchone()[0] for p in ("page_count", "freelist_count", "page_size")
        )
        held, most = (pages - free) * size, self.most_mb * 1_000_000
        if held <= most:
            return
        with file:
            (rows,) = file.execute("SELECT count(*) FROM vectors").fetchone()
            gone = int(np.ceil(rows * (1 - 0.9 * most / held)))
            file.execute("DELETE FROM vectors WHERE id IN (SELECT id FROM vectors ORDER BY used, id LIMIT ?)", (gone,))

    def _open(self) -> sqlite3.Connection:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise sqlite3.OperationalError(str(error)) from None
        file = sqlite3.connect(self.path, timeout=_WAIT)
        try:
            file.execute("PRAGMA journal_mode = WAL")
            file.execute("PRAGMA synchronous = NORMAL")
            file.execute(
                "CREATE TABLE IF NOT EXISTS vectors"
                " (id INTEGER PRIMARY KEY, key BLOB UNIQUE NOT NULL, vector BLOB NOT NULL, used INTEGER NOT NULL)"
            )
            file.execute("CREATE INDEX IF NOT EXISTS by_use ON vectors (used)")
        except sqlite3.Error:
            file.close()
            raise
        return file

    def _broken(self, error: sqlite3.Error) -> None:
        """Begin a file anew that is no longer a database; leave one alone that only cannot be written now."""
        self.trouble = f"{self.path}: {error}"
        if isinstance(error, sqlite3.OperationalError):
            return
        for ending in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)


def _parts(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (keys[start : start + _ASKED] for start in range(0, len(keys), _ASKED))


def _ask(file: sqlite3.Connection, keys: Sequence[bytes]) -> list[tuple[bytes, bytes, int]]:
    marks = ", ".join("?" * len(keys))
    return file.execute(f"SELECT key, vector, used FROM vectors WHERE key IN ({marks})", keys).fetchall()


def _unit(vectors: npt.NDArray[np.float16]) -> Vectors:
    """Half precision back to float32 rows of unit length; zero rows stay."""
    wide = vectors.astype(np.float32)
    norms = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(norms == 0, 1, norms), dtype=np.float32)
