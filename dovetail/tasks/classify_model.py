"""A trained classifier as arrays: what reads, which heads, how they are joined; on disk without pickle."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.encoders.base import Encoder
from dovetail.errors import InputError
from dovetail.tables.atomic import replace_file
from dovetail.tasks.base import model_folder, read_note, write_note
from dovetail.tasks.classify_head import Head
from dovetail.tasks.classify_mix import mixed, probabilities
from dovetail.tasks.classify_texts import reader_of
from dovetail.tasks.classify_words import Words

Matrix = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
_MOST_KEPT = 20_000  # labelled texts that a model keeps as precedents
TUNED = "encoder"  # the folder of an encoder of the model's own, inside its folder
_ARRAYS, _WORDS, _TEXTS = "arrays.npz", "words.json", "examples.json"


@dataclass(frozen=True)
class Examples:
    """Labelled texts that a model keeps, to show precedents and to learn on at an update."""

    texts: tuple[str, ...] = ()
    matrix: Matrix = field(default_factory=lambda: np.zeros((0, 0), np.float32))  # (m, c)
    held_out: Matrix = field(default_factory=lambda: np.zeros((0, 0), np.float32))  # (m, c) calibrated scores
    fold: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))  # (m,)

    def kept(self, seed: int = 0) -> Examples:
        """At most 20,000 of them, drawn evenly."""
        if len(self.texts) <= _MOST_KEPT:
            return self
        at = np.sort(np.random.default_rng(seed).permutation(len(self.texts))[:_MOST_KEPT])
        texts = tuple(self.texts[i] for i in at.tolist())
        return Examples(texts, self.matrix[at], self.held_out[at], self.fold[at])


@dataclass(frozen=True)
class Scope:
    """When a text is none of the classes: a line through how near its neighbours are and how sure the classes are.

    `weight` (3,) and `bias` give the log-odds of lying outside from [energy, cosine of the nearest example, log of the
    largest probability], each less its middle and divided by its spread among held-out texts.
    """

    weight: Floats
    bias: float
    middle: Floats
    spread: Floats
    name: str | None = None  # what to call texts outside


@dataclass(frozen=True)
class Model:
    """All that predicting needs."""

    kind: str  # one, many, tree
    classes: tuple[str, ...]
    parts: tuple[str, ...]  # names of `heads`: words, vectors, names
    heads: tuple[Head, ...]
    weights: Floats  # (parts,)
    words: Words | None = None
    reader: Encoder | None = None
    encoder: str = "auto"  # how the reader is called on disk
    line: float = 0.5  # probability from which a label is given, where a text may have several
    scope: Scope | None = None
    examples: Examples = field(default_factory=Examples)
    precedents: Matrix | None = None  # (m, d) vectors of the examples, unit rows
    card: dict[str, Any] = field(default_factory=dict)
    seen: npt.NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))  # marks of texts learnt from

    @property
    def sigmoid(self) -> bool:
        """Whether each class is a question of its own."""
        return self.kind == "many"

    def read(self, texts: Sequence[str]) -> dict[str, Any]:
        """The features that the parts need, by the name of what reads them."""
        found: dict[str, Any] = {}
        if "words" in self.parts and self.words is not None:
            found["words"] = self.words.rows(texts)
        if self.reader is not None and set(self.parts) - {"words"}:
            found["vectors"] = self.reader.encode(texts)
        return found

    def scores(self, texts: Sequence[str], read: dict[str, Any] | None = None) -> Matrix:
        """Calibrated scores (n, c): log-probabilities up to a number a row, or log-odds of each class."""
        found = self.read(texts) if read is None else read
        each = [head.scores(found["words" if p == "words" else "vectors"]) for p, head in self._active()]
        if not each:
            return np.zeros((len(texts), len(self.classes)), np.float32)
        return mixed(each, self.weights[self.weights != 0])

    def _active(self) -> list[tuple[str, Head]]:
        named = zip(self.parts, self.heads, self.weights.tolist(), strict=True)
        return [(part, head) for part, head, weight in named if weight]

    def probabilities(self, texts: Sequence[str], read: dict[str, Any] | None = None) -> Floats:
        """Probabilities (n, c)."""
        return probabilities(self.scores(texts, read), sigmoid=self.sigmoid)

    def trimmed(self) -> Model:
        """Without the parts that weigh nothing, so that nothing is computed for them."""
        kept = [i for i, weight in enumerate(self.weights.tolist()) if weight]
        parts = tuple(self.parts[i] for i in kept)
        heads = tuple(self.heads[i] for i in kept)
        return replace(self, parts=parts, heads=heads, weights=self.weights[kept])


def save_model(model: Model, folder: str | Path) -> Path:
    """Write a model into a folder: arrays as npz, everything else as JSON; an older one stays until it is whole."""
    with model_folder(folder) as home:
        _write(model, home)
    return Path(folder)


def _write(model: Model, home: Path) -> None:
    arrays: dict[str, Any] = {"weights": model.weights}
    for number, head in enumerate(model.heads):
        arrays |= {f"head{number}": head.weight, f"bias{number}": head.bias}
    if model.words is not None:
        arrays["rarity"] = model.words.rarity
        _write_json(home / _WORDS, {"terms": model.words.terms, "grams": model.words.grams})
    if model.scope is not None:
        arrays |= {"scope": np.stack([model.scope.weight, model.scope.middle, model.scope.spread])}
    kept = model.examples
    arrays |= {"examples": kept.matrix.astype(np.uint8), "held_out": kept.held_out, "fold": kept.fold}
    if len(model.seen):
        arrays["seen"] = model.seen
    if model.precedents is not None:
        arrays["precedents"] = model.precedents.astype(np.float16)
    _write_json(home / _TEXTS, list(kept.texts))
    with replace_file(home / _ARRAYS) as beside:
        np.savez_compressed(beside, **arrays)
    if model.encoder == TUNED:
        _keep_encoder(model.reader, home / TUNED)
    note: dict[str, Any] = {"kind": model.kind, "classes": model.classes, "parts": model.parts, "line": model.line}
    note |= {"encoder": model.encoder, "card": model.card}
    note["fingerprint"] = model.reader.fingerprint if model.reader is not None else None
    note["scope"] = None if model.scope is None else {"bias": model.scope.bias, "name": model.scope.name}
    write_note(home, "classify", note)


def _keep_encoder(reader: Any, folder: Path) -> None:
    """Copy the folder of a tuned encoder into the model, unless it lies there already."""
    source = Path(reader.base.folder)
    if source.resolve() != folder.resolve():
        shutil.copytree(source, folder, dirs_exist_ok=True)


def load_model_of(folder: str | Path) -> Model:
    """Read what `save_model` wrote; raises `InputError` where it is no classifier, damaged, or its encoder changed."""
    home = Path(folder)
    note = read_note(home, "classify")
    try:
        # From memory: where the file is cut short the reader would leave it open.
        with np.load(io.BytesIO((home / _ARRAYS).read_bytes()), allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
        texts = json.loads((home / _TEXTS).read_text(encoding="utf-8"))
        words = _words(home, arrays)
        heads = tuple(Head(arrays[f"head{i}"], arrays[f"bias{i}"]) for i in range(len(note["parts"])))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{folder} is damaged ({error}); train the model again, or restore it from a backup") from None
    model = Model(note["kind"], tuple(note["classes"]), tuple(note["parts"]), heads, arrays["weights"], words=words)
    examples = Examples(tuple(texts), arrays["examples"].astype(np.float32), arrays["held_out"], arrays["fold"])
    precedents = arrays["precedents"].astype(np.float32) if "precedents" in arrays else None
    model = replace(model, line=note["line"], examples=examples, precedents=precedents, card=note["card"])
    if "seen" in arrays:  # models of older versions do not say what they learnt from
        model = replace(model, seen=arrays["seen"])
    return replace(model, reader=_reader(home, note), encoder=note["encoder"], scope=_scope(note, arrays))


def _reader(home: Path, note: dict[str, Any]) -> Encoder | None:
    if note["fingerprint"] is None:
        return None
    own = home / note["encoder"]
    reader = reader_of(own if own.is_dir() else note["encoder"])
    if reader.fingerprint != note["fingerprint"]:
        raise InputError(
            f"the encoder {note['encoder']} is not the one that {home} was trained with; "
            "give it back its old weights, or train the model again"
        )
    return reader


def _scope(note: dict[str, Any], arrays: dict[str, Any]) -> Scope | None:
    if note["scope"] is None:
        return None
    weight, middle, spread = arrays["scope"]
    return Scope(weight, note["scope"]["bias"], middle, spread, note["scope"]["name"])


def _words(home: Path, arrays: dict[str, Any]) -> Words | None:
    if "rarity" not in arrays:
        return None
    found = json.loads((home / _WORDS).read_text(encoding="utf-8"))
    return Words(tuple(found["terms"]), tuple(found["grams"]), arrays["rarity"])


def _write_json(path: Path, value: Any) -> None:
    with replace_file(path) as beside:
        beside.write_text(json.dumps(value, ensure_ascii=False) + "\n", encoding="utf-8")
