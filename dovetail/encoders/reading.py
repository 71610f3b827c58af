"""Records as token lists for a network that reads two of them at once, and what the two have in common."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.types import Kind, Records

_CLS, _SEP = 101, 102
_WORD = re.compile(r"[^\W_]+")
BETWEEN = 1064  # "|" in the vocabulary of BERT
_RARE = (0.35, 0.7)  # borders of common, middling and rare words, as a share of the rarity of a word that stands once
MARKS = 10  # 0: no word; then three kinds of agreement with the other side, each common, middling or rare
_LONGEST = 600  # characters read of one value: more tokens than any budget holds


@dataclass(frozen=True)
class Passage:
    """One record as read: token numbers (t,), the word that each belongs to (t,), how rare that word is (t,)."""

    tokens: npt.NDArray[np.int32]
    words: npt.NDArray[np.int32]
    rare: npt.NDArray[np.int8]


class Reading:
    """The records of some tables as token lists, and how rare words are in them."""

    def __init__(self, records: Records, tokenizer: Any, budget: int) -> None:
        self.tokenizer, self.budget = tokenizer, budget
        self._index: dict[str, int] = {}
        columns = self._columns(records, self._index)
        standing = Counter(word for column in columns for _, words in column for word in set(words))
        self._rare = _rarity(standing, len(records), len(self._index))
        self.passages = self._of(columns, len(records), self._rare)

    def more(self, records: Records) -> list[Passage]:
        """Other records under the rarity of words in those tables; a word that they lack is rare."""
        index = dict(self._index)
        columns = self._columns(records, index)
        rare = np.concatenate([self._rare, np.full(max(0, len(index) - len(self._rare)), 2, np.int8)])
        return self._of(columns, len(records), rare)

    def _columns(self, records: Records, index: dict[str, int]) -> list[list[tuple[list[int], list[int]]]]:
        return [_read(records.text[a.name].to_pylist(), self.tokenizer, index) for a in _told(records)]

    def _of(self, columns: list[Any], n: int, rare: npt.NDArray[np.int8]) -> list[Passage]:
        return [_joined([column[row] for column in columns], rare, self.budget) for row in range(n)]


def passages(records: Records, tokenizer: Any, budget: int) -> list[Passage]:
    """Every record as at most `budget` tokens: short values whole, of the long ones what is left, evenly."""
    return Reading(records, tokenizer, budget).passages


def _told(records: Records) -> list[Any]:
    return [a for a in records.attributes if a.kind not in (Kind.ID, Kind.EMPTY)]


def _read(values: Sequence[str | None], tokenizer: Any, index: dict[str, int]) -> list[tuple[list[int], list[int]]]:
    """Token and word numbers of each value; -1 is the word of a sign."""
    texts = [(v or "")[:_LONGEST] for v in values]
    found = []
    for text, one in zip(texts, tokenizer.encode_batch(texts, add_special_tokens=False), strict=True):
        words, at = [], [-1] * len(text)
        for match in _WORD.finditer(text):
            number = index.setdefault(match.group(), len(index))
            at[match.start() : match.end()] = [number] * (match.end() - match.start())
        words = [at[start] if start < len(at) else -1 for start, _ in one.offsets]
        found.append((one.ids, words))
    return found


def _rarity(standing: Counter[int], n: int, words: int) -> npt.NDArray[np.int8]:
    """0 common, 1 middling, 2 rare for each word."""
    frequency = np.array([standing.get(w, 0) for w in range(words)] or [1], np.float64)
    share = np.log((n + 1) / (frequency + 0.5)) / np.log(n + 1)
    return np.asarray(np.digitize(share, _RARE), dtype=np.int8)


def _joined(parts: list[tuple[list[int], list[int]]], rare: npt.NDArray[np.int8], budget: int) -> Passage:
    lengths = np.array([len(tokens) for tokens, _ in parts])
    kept = _fair(lengths, budget - int((lengths > 0).sum()) + 1)
    tokens: list[int] = []
    words: list[int] = []
    for (ids, of), most in zip(parts, kept.tolist(), strict=True):
        if most and ids:
            if tokens:
                tokens.append(BETWEEN)
                words.append(-1)
            tokens += ids[:most]
            words += of[:most]
    place = np.asarray(words, np.int32)
    seldom = np.where(place >= 0, rare[place], 0) if len(place) else np.zeros(0, np.int8)
    return Passage(np.asarray(tokens, np.int32), place, seldom.astype(np.int8))


def _fair(lengths: npt.NDArray[np.int64], budget: int) -> npt.NDArray[np.int64]:
    """How much of each part is kept, so that the sum fits and only the longest are cut, to one length."""
    if lengths.sum() <= budget:
        return lengths
    left, kept = max(budget, 0), np.zeros_like(lengths)
    order = np.argsort(lengths)
    for done, part in enumerate(order):
        share = left // (len(order) - done)
        kept[part] = min(lengths[part], share)
        left -= int(kept[part])
    return kept


@dataclass(frozen=True)
class Sheet:
    """A batch of pairs ready to read, all (b, t) int64: tokens, which are no filling, side, mark of agreement."""

    tokens: npt.NDArray[np.int64]
    mask: npt.NDArray[np.int64]
    side: npt.NDArray[np.int64]
    mark: npt.NDArray[np.int64]


def sheet(left: Sequence[Passage], right: Sequence[Passage]) -> Sheet:
    """Pairs side by side. The mark says whether a token's whole word, only the token, or neither stands on the other
    side too, and how rare its word is: a small network then need not learn first how to compare spellings."""
    width = max(len(a.tokens) + len(b.tokens) for a, b in zip(left, right, strict=True)) + 3
    shape = (len(left), width)
    tokens, mask, side, mark = (np.zeros(shape, np.int64) for _ in range(4))
    for row, (a, b) in enumerate(zip(left, right, strict=True)):
        middle, end = len(a.tokens) + 2, len(a.tokens) + len(b.tokens) + 3
        tokens[row, 0], tokens[row, middle - 1], tokens[row, end - 1] = _CLS, _SEP, _SEP
        tokens[row, 1 : middle - 1], tokens[row, middle : end - 1] = a.tokens, b.tokens
        mask[row, :end] = 1
        side[row, middle:end] = 1
        mark[row, 1 : middle - 1], mark[row, middle : end - 1] = _marks(a, b), _marks(b, a)
    return Sheet(tokens, mask, side, mark)


def _marks(a: Passage, b: Passage) -> npt.NDArray[np.int64]:
    agree = np.isin(a.tokens, b.tokens).astype(np.int64) + np.isin(a.words, b.words)
    return np.where(a.words >= 0, 1 + 3 * agree + a.rare, 0)
