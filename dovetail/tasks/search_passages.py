"""Long documents cut into passages that an encoder can read whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

WORDS = 180  # about 240 tokens of English with the title: what the packaged encoder reads at once
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|(?<=[。！？])|\n+")
_WORD = re.compile(r"\S+")
_LONGEST_WORD = 40  # characters; scripts without blanks are counted by characters instead
_CHARACTERS_A_WORD = 6


def passages(text: str, words: int = WORDS) -> list[tuple[int, int]]:
    """Start and end (in characters) of passages of about equal size, at most `words` words, cut between sentences.

    Together they cover the text without gaps; a text that is short enough is one passage, an empty one too.
    """
    pieces = list(_pieces(text, words))
    total = sum(size for _, _, size in pieces)
    count = max(1, -(-total // words))
    if count == 1:
        return [(0, len(text))]
    return _joined(pieces, total / count, words)


def passage_text(title: str, text: str, span: tuple[int, int]) -> str:
    """A passage as encoders read it: below the title of its document."""
    return f"{title}\n{text[slice(*span)]}".strip()


def _pieces(text: str, words: int) -> Iterator[tuple[int, int, int]]:
    """Sentences with their size in words; one that is longer than a passage in parts."""
    start = 0
    for end in [*(m.end() for m in _SENTENCE.finditer(text)), len(text)]:
        if end > start:
            yield from _parts(text, start, end, words)
            start = end


def _parts(text: str, start: int, end: int, words: int) -> Iterator[tuple[int, int, int]]:
    size = _size(text, start, end)
    if size <= words:
        yield start, end, size
        return
    marks = [m.start() for m in _WORD.finditer(text, start, end)]
    if (end - start) / len(marks) > _LONGEST_WORD:
        marks = list(range(start, end, _CHARACTERS_A_WORD))
    cuts = [start, *marks[words::words], end]
    for left, right in pairwise(cuts):
        yield left, right, _size(text, left, right)


def _size(text: str, start: int, end: int) -> int:
    """Words; in scripts without blanks what a reader would call about as many."""
    count = sum(1 for _ in _WORD.finditer(text, start, end))
    length = end - start
    return length // _CHARACTERS_A_WORD + 1 if count and length / count > _LONGEST_WORD else count


def _joined(pieces: list[tuple[int, int, int]], wished: float, most: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    start, held = pieces[0][0], 0
    for left, _, size in pieces:
        # A piece goes where its middle lies, so that no last passage is a mere remainder.
        if held and (held + size / 2 > wished or held + size > most):
            found.append((start, left))
            start, held = left, 0
        held += size
    return [*found, (start, pieces[-1][1])]
