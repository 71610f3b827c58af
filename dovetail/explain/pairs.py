"""Why a pair got its score, for reports: what of two values is shared; the words are those of `tasks/explained.py`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from dovetail.tasks.explained import Change as Change
from dovetail.tasks.explained import as_percent as as_percent
from dovetail.tasks.explained import log_odds as log_odds
from dovetail.tasks.explained import signed as signed
from dovetail.tasks.explained import smallest_change as smallest_change
from dovetail.tasks.explained import sum_line as sum_line
from dovetail.tasks.explained import to_dict as to_dict
from dovetail.tasks.explained import to_lines as to_lines

_TOKEN = re.compile(r"(?:(?<!\w)-)?\d+(?:[.,]\d+)*|[^\W\d]+|\s+|.", re.DOTALL)
_SEPARATORS = frozenset("-–—,.;:/'’\"()[]_|")
_MOST_WORDS = 400  # beyond this a text is too long to be read word by word
_NEAR = 65.0  # two words at least this alike (rapidfuzz ratio, 0 to 100) differ in letters, not as a whole


@dataclass(frozen=True)
class Segment:
    """A piece of a value; `shared` says whether the other side has it too."""

    text: str
    shared: bool


def differences(left: str, right: str) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """Both values in pieces that the other side shares or lacks; each side's pieces join to its value.

    Words are compared without case and order, numbers as a whole, punctuation between them not at all; two words
    that are nearly alike differ in letters only.
    """
    a, b = _TOKEN.findall(left), _TOKEN.findall(right)
    if max(len(a), len(b)) > _MOST_WORDS:
        same = left == right
        return (Segment(left, same),), (Segment(right, same),)
    alone_a, alone_b = _alone(a, b), _alone(b, a)
    partners = _partners([a[i] for i in alone_a], [b[j] for j in alone_b])
    inside_a = {alone_a[i]: b[alone_b[j]] for i, j in partners}
    inside_b = {alone_b[j]: a[alone_a[i]] for i, j in partners}
    return _segments(a, set(alone_a), inside_a), _segments(b, set(alone_b), inside_b)


def _alone(tokens: Sequence[str], others: Sequence[str]) -> list[int]:
    """Positions of the words that the other side does not have, counted as often as they stand there."""
    left_over = Counter(t.casefold() for t in others)
    alone = []
    for position, token in enumerate(tokens):
        key = token.casefold()
        if token.isspace() or token in _SEPARATORS:
            continue
        if left_over[key] > 0:
            left_over[key] -= 1
        else:
            alone.append(position)
    return alone


def _partners(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """Which unmatched words are spellings of each other: greedy, the most alike first."""
    words = [(i, x) for i, x in enumerate(a) if x.isalpha()], [(j, y) for j, y in enumerate(b) if y.isalpha()]
    alike = [(fuzz.ratio(x.casefold(), y.casefold()), i, j) for i, x in words[0] for j, y in words[1]]
    taken_a: set[int] = set()
    taken_b: set[int] = set()
    pairs = []
    for ratio, i, j in sorted(alike, key=lambda t: (-t[0], t[1], t[2])):
        if ratio < _NEAR:
            break
        if i not in taken_a and j not in taken_b:
            pairs.append((i, j))
            taken_a.add(i)
            taken_b.add(j)
    return pairs


def _segments(tokens: Sequence[str], alone: set[int], inside: dict[int, str]) -> tuple[Segment, ...]:
    pieces: list[Segment] = []
    for position, token in enumerate(tokens):
        if position in inside:
            pieces += _letters(token, inside[position])
        else:
            pieces.append(Segment(token, position not in alone))
    return _joined(pieces)


def _letters(word: str, other: str) -> list[Segment]:
    """One word in pieces against a nearly equal one."""
    codes = Levenshtein.opcodes(word.lower(), other.lower()) if len(word.lower()) == len(word) else ()
    if not codes:
        return [Segment(word, False)]
    found = [Segment(word[c.src_start : c.src_end], c.tag == "equal") for c in codes if c.src_end > c.src_start]
    if all(piece.shared for piece in found):  # it only lacks letters of the other: nothing of its own to mark
        return [Segment(word, True)]
    return found


def _joined(pieces: Sequence[Segment]) -> tuple[Segment, ...]:
    joined: list[Segment] = []
    for piece in pieces:
        if joined and (joined[-1].shared == piece.shared):
            joined[-1] = Segment(joined[-1].text + piece.text, piece.shared)
        else:
            joined.append(piece)
    return tuple(joined)
