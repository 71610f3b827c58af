"""Public sets of labelled texts in their published parts, and vectors that need be read only once."""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.sets import data_folder
from dovetail.encoders.base import Encoder

OUTSIDE = {"clinc150": "oos"}  # sets with texts that belong to none of the classes, and what those are called
SEVERAL = ("nlupp",)  # sets in which a text has several labels, and no parts
# What the classes of sets mean whose labels are bare numbers or short forms, as their publications name them.
NAMES = {
    "ag_news": {
        "World": "world news",
        "Sports": "sports",
        "Business": "business",
        "Sci/Tech": "science and technology",
    },
    "amazon_counterfactual_en": {"0": "factual statement", "1": "counterfactual statement"},
    "cr": {"0": "negative", "1": "positive"},
    "sst5": {"0": "very negative", "1": "negative", "2": "neutral", "3": "positive", "4": "very positive"},
    "trec": {
        "ABBR": "abbreviation",
        "DESC": "description",
        "ENTY": "entity",
        "HUM": "human",
        "LOC": "location",
        "NUM": "number",
    },
}
CACHE = Path(__file__).parent.parent / ".cache" / "classify"


@dataclass(frozen=True)
class Part:
    """Texts and their labels."""

    texts: tuple[str, ...]
    labels: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: Sequence[int] | npt.NDArray[Any]) -> Part:
        """Some of the rows."""
        return Part(tuple(self.texts[i] for i in rows), tuple(self.labels[i] for i in rows))

    def without(self, label: str | None) -> Part:
        """The rows that have another label."""
        return self.take([i for i, own in enumerate(self.labels) if own != label])


def sets() -> list[str]:
    """All sets that have a training part and a test part."""
    home = data_folder() / "text"
    return sorted(f.name for f in home.iterdir() if _path(f, "train") and _path(f, "test")) + list(SEVERAL)


def part(name: str, which: str) -> Part:
    """A published part: `train`, `valid` or `test`; the last two of 20 published folds are the test of `nlupp`."""
    folder = data_folder() / "text" / name
    path = _path(folder, "all" if name in SEVERAL else which)
    if path is None:
        return Part((), ())
    csv.field_size_limit(10**9)
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if name in SEVERAL:
        held = [r for r in rows if (int(r["fold"]) >= 16) == (which == "test")]
        return Part(tuple(r["text"] for r in held), tuple(tuple(r["labels"].split("|")) for r in held))
    return Part(tuple(r["text"] for r in rows), tuple(r["label"] for r in rows))


def draw(given: Part, shots: int, seed: int) -> Part:
    """The same number of rows of each class, drawn with this seed."""
    random = np.random.default_rng(seed)
    labels = np.asarray(given.labels, dtype=object).astype(str)
    rows = [random.permutation(np.flatnonzero(labels == name))[:shots] for name in np.unique(labels)]
    return given.take(np.concatenate(rows))


def spoilt(given: Part, share: float, seed: int) -> tuple[Part, npt.NDArray[np.bool_]]:
    """The part with this share of its labels changed to another class, and which ones."""
    random = np.random.default_rng(seed)
    names = sorted(set(given.labels))
    wrong = np.zeros(len(given), bool)
    wrong[random.permutation(len(given))[: round(share * len(given))]] = True
    labels = list(given.labels)
    for row in np.flatnonzero(wrong).tolist():
        labels[row] = str(random.choice([n for n in names if n != labels[row]]))
    return replace(given, labels=tuple(labels)), wrong


class Shelf:
    """An encoder whose vectors stay on disk: a text is read once for all runs. `fresh` counts what was read now."""

    def __init__(self, reader: Encoder, name: str, folder: Path = CACHE) -> None:
        self.reader, self.path = reader, folder / f"{name}-{reader.fingerprint[:12]}.npz"
        self.dimensions, self.fingerprint = reader.dimensions, reader.fingerprint
        self.fresh = 0
        self._place: dict[bytes, int] = {}
        self._vectors = np.zeros((0, self.dimensions), np.float16)
        if self.path.is_file():
            with np.load(self.path) as held:
                self._place = {k.tobytes(): i for i, k in enumerate(held["keys"])}
                self._vectors = held["vectors"]

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors of texts (n, dimensions)."""
        keys = [_key(t) for t in texts]
        new = {k: t for k, t in zip(keys, texts, strict=True) if k not in self._place}
        if new:
            self.add(list(new), self.reader.encode(list(new.values())))
            self.fresh += len(new)
        return self._vectors[[self._place[k] for k in keys]].astype(np.float32)

    def add(self, keys: Sequence[bytes], vectors: npt.NDArray[Any]) -> None:
        """Put vectors on the shelf."""
        for key in keys:
            self._place[key] = len(self._place)
        self._vectors = np.concatenate([self._vectors, vectors.astype(np.float16)])

    def keep(self) -> None:
        """Write the shelf to disk."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        keys = np.frombuffer(b"".join(self._place), np.uint8).reshape(-1, 16)
        beside = self.path.with_name(f".{self.path.name}")
        with beside.open("wb") as file:
            np.savez(file, keys=keys, vectors=self._vectors)
        beside.replace(self.path)


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()


def _path(folder: Path, stem: str) -> Path | None:
    return next((p for p in (folder / f"{stem}.csv", folder / f"{stem}.csv.gz") if p.is_file()), None)
