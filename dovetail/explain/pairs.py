"""Why a pair got its score: as text, as plain data, and what would have turned the decision."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from dovetail.errors import InputError
from dovetail.types import AttributeEvidence, Explanation

if TYPE_CHECKING:
    import numpy.typing as npt

_TOKEN = re.compile(r"(?:(?<!\w)-)?\d+(?:[.,]\d+)*|[^\W\d]+|\s+|.", re.DOTALL)
_SEPARATORS = frozenset("-–—,.;:/'’\"()[]_|")
_MOST_WORDS = 400  # beyond this a text is too long to be read word by word
_NEAR = 65.0  # two words at least this alike (rapidfuzz ratio, 0 to 100) differ in letters, not as a whole


@dataclass(frozen=True)
class Segment:
    """A piece of a value; `shared` says whether the other side has it too."""

    text: str
    shared: bool


@dataclass(frozen=True)
class Change:
    """The one attribute whose evidence, taken away, would turn the decision."""

    name: str
    importance: float  # log-odds that would go
    score: float  # probability in [0, 1] that would be left
    sentence: str


@dataclass(frozen=True)
class Precedent:
    """A labelled pair that resembles the one in question."""

    position: int  # in the arrays given
    label: int
    distance: float  # root mean square difference in standard deviations; 0 for equal comparisons


def to_lines(explanation: Explanation, width: int = 34) -> list[str]:
    """The explanation for a console: a line each attribute, then the sum that gives the score."""
    names = max([len(e.name) for e in explanation.evidence] + [9])
    head = f"{'attribute':<{names}}  {'left':<{width}}  {'right':<{width}}  {'alike':>5}  {'weight':>6}"
    lines = [head, "─" * len(head)]
    for one in explanation.evidence:
        alike = "–" if one.similarity is None else f"{one.similarity:.0%}"
        left, right = _cell(one.left, width), _cell(one.right, width)
        lines.append(f"{one.name:<{names}}  {left}  {right}  {alike:>5}  {signed(one.importance):>6}")
    return [*lines, "─" * len(head), sum_line(explanation)]


def sum_line(explanation: Explanation) -> str:
    """How the score comes about: `base −2.1 + 5.5 from 4 attributes = +3.4 → 97 %`."""
    terms = [f"base {signed(explanation.base)}"]
    terms += [f"{one.name} {signed(one.importance)}" for one in explanation.evidence]
    return f"{'  '.join(terms)}  =  {signed(log_odds(explanation))}  →  {as_percent(explanation.score)}"


def log_odds(explanation: Explanation) -> float:
    """Base and importances added up: the log-odds of the score."""
    return explanation.base + math.fsum(e.importance for e in explanation.evidence)


def signed(value: float) -> str:
    """A number with one decimal and its sign; a true minus, and no sign at what rounds to zero."""
    if abs(value) < 0.05:
        return "0.0"
    return f"{'+' if value > 0 else '−'}{abs(value):.1f}"


def as_percent(score: float) -> str:
    """A probability for reading. Never rounded to certainty: `> 99.9 %` and `< 0.1 %` are the ends."""
    if score > 0.999:
        return "> 99.9 %"
    if score < 0.001:
        return "< 0.1 %"
    return f"{score:.1%}".replace("%", " %") if score > 0.99 or score < 0.01 else f"{score:.0%}".replace("%", " %")


def to_dict(explanation: Explanation) -> dict[str, object]:
    """The explanation as plain data for JSON; `log_odds` is base plus all importances."""
    return {
        "left": int(explanation.left),
        "right": int(explanation.right),
        "score": float(explanation.score),
        "base": float(explanation.base),
        "log_odds": float(log_odds(explanation)),
        "evidence": [_evidence_dict(e) for e in explanation.evidence],
    }


def _evidence_dict(one: AttributeEvidence) -> dict[str, object]:
    return {
        "name": one.name,
        "left": one.left,
        "right": one.right,
        "similarity": None if one.similarity is None else float(one.similarity),
        "importance": float(one.importance),
    }


def _cell(value: str | None, width: int) -> str:
    text = "·" if value is None else " ".join(value.split())
    text = "".join(c if c.isprintable() else "\ufffd" for c in text)  # no escape codes of data reach a console
    return f"{text if len(text) <= width else text[: width - 1] + '…':<{width}}"


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


def smallest_change(explanation: Explanation, threshold: float) -> Change | None:
    """The least evidence of a single attribute whose loss would turn the decision, or None where none alone would.

    `threshold` is a probability in (0, 1). It is computed from the contributions: the others are held as they are.
    """
    if not 0 < threshold < 1:
        raise InputError(f"the threshold is {threshold}; expected a probability between 0 and 1, both excluded")
    total, line = log_odds(explanation), math.log(threshold / (1 - threshold))
    matched = total >= line
    turning = [e for e in explanation.evidence if (total - e.importance >= line) != matched]
    if not turning:
        return None
    least = min(turning, key=lambda e: abs(e.importance))
    score = 1 / (1 + math.exp(-(total - least.importance)))
    said = "would no longer be a match" if matched else "would be a match"
    sentence = f"Without what {least.name} says ({signed(least.importance)}), this pair {said} ({as_percent(score)})."
    return Change(least.name, least.importance, score, sentence)


def precedents(
    asked: npt.NDArray[np.float32], comparisons: npt.NDArray[np.float32], labels: npt.NDArray[np.int8], k: int = 3
) -> tuple[Precedent, ...]:
    """The `k` labelled pairs whose comparisons are nearest to those asked about.

    `asked` is (f,), `comparisons` (m, f), `labels` (m,); NaN stands for missing: missing on both sides is no
    difference, on one side a difference of one standard deviation.
    """
    if comparisons.ndim != 2 or asked.shape != comparisons.shape[1:] or len(labels) != len(comparisons):
        raise InputError(
            f"comparisons of shape {comparisons.shape}, {len(labels)} labels and a pair of shape {asked.shape} "
            f"do not fit; expected (m, f), m and (f,)"
        )
    if not len(comparisons):
        return ()
    distance = _distances(asked, comparisons)
    order = np.argsort(distance, kind="stable")[:k]
    return tuple(Precedent(int(i), int(labels[i]), float(distance[i])) for i in order)


def _distances(asked: npt.NDArray[np.float32], comparisons: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    known = ~np.isnan(comparisons)
    count = np.maximum(known.sum(0), 1)
    mean = np.where(known, comparisons, 0).sum(0, dtype=np.float64) / count
    spread = np.sqrt(np.where(known, (comparisons - mean) ** 2, 0).sum(0) / count)
    scale = np.where(spread > 1e-9, spread, 1.0)
    gap = np.abs(comparisons - asked) / scale
    missing = np.isnan(asked)
    gap = np.where(known & ~missing, gap, np.where(known == missing, 1.0, 0.0))
    return np.asarray(np.sqrt((gap**2).mean(axis=1)))
