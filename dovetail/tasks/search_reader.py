"""A network that reads a query and a passage together and says how likely one answers the other: for the top only.

Source: Nogueira and Cho, Passage Re-ranking with BERT, 2019. It is the matcher's pair reader, with marks of agreement
by stems, and by how rare a word is in the whole index.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError, MissingExtra
from dovetail.tasks.search_index import Index
from dovetail.tasks.search_mine import Examples
from dovetail.tasks.search_tuning import SearchTuning
from dovetail.types import Job

if TYPE_CHECKING:
    from dovetail.encoders.cross import CrossEncoder
    from dovetail.encoders.reading import Passage

_QUERY = 40  # tokens of a query that are read
_NOTE = "reader.json"
_RARE = (0.35, 0.7)  # borders of common, middling and rare words, as shares of the rarity of a word that stands once
_WORD = re.compile(r"[^\W_]+")
_LETTERS = 12  # read of a text for each token wanted

Floats = npt.NDArray[np.float64]


class Reader:
    """A pair reader with what it needs to know of the texts."""

    def __init__(self, cross: CrossEncoder, *, tokens: int, meaning: float = 0.5) -> None:
        self.cross, self.tokens, self.meaning = cross, tokens, meaning

    def probabilities(self, index: Index, query: str, texts: Sequence[str]) -> Floats:
        """How likely each text answers the query, (n,) in [0, 1]."""
        asked, *answers = self.passages(index, [query, *texts], [_QUERY, *[self.tokens] * len(texts)])
        found = np.zeros(len(texts))
        for rows, logits in self.cross.logits([asked] * len(texts), answers):
            found[rows] = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -30, 30)))
        return found

    def passages(self, index: Index, texts: Sequence[str], budgets: Sequence[int]) -> list[Passage]:
        """Texts as token numbers, the word of each token, and how rare that word is in the index."""
        from dovetail.encoders.reading import Passage

        cut = [text[: _LETTERS * most].lower() for text, most in zip(texts, budgets, strict=True)]
        read = self.cross.tokenizer.encode_batch(cut, add_special_tokens=False)
        stems: dict[str, int] = {}
        words = [_word_of(text, stems, index) for text in cut]
        rare = _rarity(index, list(stems))
        found = []
        for one, at, most in zip(read, words, budgets, strict=True):
            of = np.array([at[start] if start < len(at) else -1 for start, _ in one.offsets[:most]], np.int32)
            seldom = np.where(of >= 0, rare[of], 0).astype(np.int8)
            found.append(Passage(np.asarray(one.ids[:most], np.int32), of, seldom))
        return found

    def save(self, folder: Path) -> None:
        """Write the weights and how to read."""
        self.cross.keep(folder)
        network = {"network": str(self.cross.folder), "weights": _weights(self.cross.folder)}
        note = {**network, "tokens": self.tokens, "meaning": self.meaning}
        (folder / _NOTE).write_text(json.dumps(note) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Reader:
        """Read what `save` wrote."""
        cross_encoder = _cross_encoder()
        try:
            note = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
            start, tokens, meaning = _start(folder, note), int(note["tokens"]), float(note["meaning"])
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{folder} holds no reader ({error}); fit the searcher again") from None
        made = cls(cross_encoder(start), tokens=tokens, meaning=meaning)
        made.cross.restore(folder)
        return made


def taught_reader(
    name: str | Path, index: Index, examples: Examples, tuning: SearchTuning, seed: int = 0
) -> Job[Reader]:
    """A reader tuned to tell right passages (grade above 0) from wrong ones."""
    cross_encoder = _cross_encoder()
    from dovetail.training.reading import read_pairs_job

    if not ((examples.grade > 0).any() and (examples.grade == 0).any()):
        raise InputError("a reader learns from right and from wrong answers; there is only one kind of them")
    reader = Reader(cross_encoder(name, seed=seed), tokens=tuning.max_tokens)
    asked = set(examples.query.tolist())
    budgets = [_QUERY if i in asked else tuning.max_tokens for i in range(len(examples.texts))]
    read = reader.passages(index, examples.texts, budgets)
    left, right = ([read[i] for i in side.tolist()] for side in (examples.query, examples.passage))
    target = np.asarray(examples.grade / max(1.0, float(examples.grade.max())), np.float32)
    yield from read_pairs_job(reader.cross, left, right, target, tuning.settings(seed))
    return reader


def _start(folder: Path, note: Mapping[str, Any]) -> Path:
    """The network that a reader was made of: where it was, beside the reader, or the packaged one."""
    from dovetail.encoders.pretrained import folder_of

    was = Path(note["network"])
    there = next((p for p in (was, folder.parent / was.name) if p.is_dir()), None) or folder_of()
    if _weights(there) != note["weights"]:
        raise InputError(f"the reader in {folder} was made of the network {was}, which is not there; fit it again")
    return there


def _weights(folder: Path) -> str:
    from dovetail.encoders.pretrained import weights_of

    found = hashlib.blake2b(digest_size=16)
    for path in weights_of(folder):
        found.update(path.read_bytes())
    return found.hexdigest()


def _cross_encoder() -> type[CrossEncoder]:
    try:
        from dovetail.encoders.cross import CrossEncoder
    except ImportError:
        raise MissingExtra("a reader of the first answers", "train") from None
    return CrossEncoder


def _word_of(text: str, stems: dict[str, int], index: Index) -> npt.NDArray[np.int32]:
    """The number of the word that each letter belongs to, by its stem; -1 between words."""
    at = np.full(len(text), -1, np.int32)
    for match in _WORD.finditer(text):
        at[match.start() : match.end()] = stems.setdefault(index.analyser.stem(match.group()), len(stems))
    return at


def _rarity(index: Index, stems: Sequence[str]) -> npt.NDArray[np.int8]:
    """0 common, 1 middling, 2 rare for each stem; what no document has is rare."""
    known, documents = index.frequencies(stems), max(2, len(index))
    frequency = np.array([known.get(s, 0) for s in stems] or [1], np.float64)
    share = np.log((documents + 1) / (frequency + 0.5)) / np.log(documents + 1)
    return np.asarray(np.digitize(share, _RARE), np.int8)
