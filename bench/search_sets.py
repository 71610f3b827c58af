"""The public sets of search: documents, queries, judgements; and an encoder that keeps what it has read."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.sets import data_folder

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "vectors"


@dataclass(frozen=True)
class SearchSet:
    """Documents (id, title, text), query texts by id, and judgements by part: (query id, document, grade)."""

    documents: list[dict[str, str]]
    queries: dict[str, str]
    judged: dict[str, list[tuple[str, str, float]]]

    def part(self, name: str) -> list[tuple[str, str, float]]:
        """Judgements of a part with the queries in words."""
        return [(self.queries[q], d, g) for q, d, g in self.judged[name]]


def search_set(name: str, *, language: str = "") -> SearchSet:
    """A set in BEIR form; of `xquad` the queries in one language against the paragraphs in that language."""
    folder = data_folder() / "search" / name
    documents = [
        {"id": row["_id"], "title": row.get("title", ""), "text": row["text"]}
        for row in _lines(folder / (f"corpus_{language}.jsonl" if language not in ("", "en") else "corpus.jsonl"))
    ]
    queries = {row["_id"]: row["text"] for row in _lines(folder / "queries.jsonl")}
    judged = {path.stem: list(_judged(path)) for path in sorted((folder / "qrels").glob("*.tsv"))}
    if name == "xquad":
        queries = {q: text for q, text in queries.items() if q.startswith(f"{language or 'en'}-")}
        judged = {part: [j for j in rows if j[0] in queries] for part, rows in judged.items()}
    return SearchSet(documents, queries, judged)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    packed = path.with_name(path.name + ".gz")
    with gzip.open(packed, "rt", encoding="utf-8") if packed.exists() else path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _judged(path: Path) -> Iterator[tuple[str, str, float]]:
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            yield row["query-id"], row["corpus-id"], float(row["score"])


class KeptEncoder:
    """An encoder whose vectors stay on disk from run to run, by text and weights."""

    def __init__(self, encoder: Any, folder: Path = CACHE) -> None:
        self.encoder, self.dimensions, self.fingerprint = encoder, encoder.dimensions, encoder.fingerprint
        folder.mkdir(parents=True, exist_ok=True)
        self._kept = sqlite3.connect(folder / f"{self.fingerprint}.sqlite", timeout=60)
        self._kept.execute("CREATE TABLE IF NOT EXISTS vectors (text BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")

    @property
    def folder(self) -> Path | None:
        """Where the network lies, for those that tune it."""
        return getattr(getattr(self.encoder, "base", self.encoder), "folder", None)

    @property
    def plain(self) -> int:
        """Length of the plain vector behind those of lower layers; 0 where there are none."""
        return int(getattr(self.encoder, "plain", 0))

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors (n, dimensions)."""
        keys = [hashlib.blake2b(t.encode(), digest_size=16).digest() for t in texts]
        found = {k: self._get(k) for k in keys}
        missing = [i for i, k in enumerate(keys) if found[k] is None]
        for start in range(0, len(missing), 128):
            part = missing[start : start + 128]
            for i, vector in zip(part, self.encoder.encode([texts[i] for i in part]), strict=True):
                found[keys[i]] = vector.astype(np.float32)
                self._kept.execute("INSERT OR REPLACE INTO vectors VALUES (?, ?)", (keys[i], found[keys[i]].tobytes()))
            self._kept.commit()
        return np.stack([found[k] for k in keys]) if keys else np.zeros((0, self.dimensions), np.float32)

    def _get(self, key: bytes) -> npt.NDArray[np.float32] | None:
        row = self._kept.execute("SELECT vector FROM vectors WHERE text = ?", (key,)).fetchone()
        return None if row is None else np.frombuffer(row[0], np.float32)
