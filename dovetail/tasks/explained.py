"""One decision explained: as lines for a console, as plain data, and what would have turned it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dovetail.errors import InputError
from dovetail.measure.percent import percent
from dovetail.types import AttributeEvidence, Explanation


@dataclass(frozen=True)
class Change:
    """What would turn the decision: another value of one attribute, or its evidence taken away.

    With a `side` the pair was scored again with `after` in place of `before`; without, the score follows from the
    contributions, the others held as they are.
    """

    name: str
    importance: float  # log-odds that the attribute gives now
    score: float  # probability in [0, 1] that would be left
    sentence: str
    side: str | None = None  # "left" or "right"
    before: str | None = None
    after: str | None = None  # None: no value


def to_lines(explanation: Explanation, width: int = 34) -> list[str]:
    """The explanation for a console: a line each attribute, then the sum that gives the score."""
    names = max([len(e.name) for e in explanation.evidence] + [9])
    head = f"{'attribute':<{names}}  {'left':<{width}}  {'right':<{width}}  {'alike':>5}  {'weight':>6}"
    lines = [head, "─" * len(head)]
    for one in explanation.evidence:
        alike = "–" if one.similarity is None else percent(one.similarity, 0)
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
    return percent(score, 1 if score > 0.99 or score < 0.01 else 0)


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
