"""Why the latest matcher gives a pair its score, as it is sent to a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dovetail.serve.pool import Pool
from dovetail.serve.wire import Line, Why
from dovetail.tasks.explained import smallest_change
from dovetail.types import Candidates

if TYPE_CHECKING:
    from dovetail.types import Explanation

_MOST_CONTEXT = 60_000  # pairs among which one is weighed; of more, those about its two records and a spread of others


def why_of_pair(pool: Pool, left: int, right: int) -> Why:
    """What each attribute adds to the score of two records, and what would turn it."""
    low, high = min(left, right), max(left, right)
    asked = Candidates(np.array([low], np.int32), np.array([high], np.int32))
    found = pool.matcher.contributions(pool.records, asked, context=_among(pool, low, high), shift=pool.shift)[0]
    return sent(found, pool.threshold)


def sent(found: Explanation, threshold: float) -> Why:
    """An explanation in the words of the page."""
    order = sorted(found.evidence, key=lambda e: -abs(e.importance))
    lines = [
        Line(name=e.name, left=e.left, right=e.right, similarity=_number(e.similarity), importance=float(e.importance))
        for e in order
    ]
    change = smallest_change(found, threshold)
    return Why(
        score=float(found.score),
        base=float(found.base),
        threshold=float(threshold),
        lines=lines,
        sentence=_sentence(found),
        change=None if change is None else change.sentence,
    )


def _sentence(found: Explanation) -> str:
    ends = {True: [], False: []}  # type: dict[bool, list[str]]
    for e in sorted(found.evidence, key=lambda e: -abs(e.importance))[:4]:
        if abs(e.importance) >= 0.1:
            ends[e.importance > 0].append(e.name)
    parts = [f"{' and '.join(ends[True])} speak for a match"] if ends[True] else []
    parts += [f"{' and '.join(ends[False])} against"] if ends[False] else []
    return ", ".join(parts) or "nothing speaks clearly for or against"


def _among(pool: Pool, low: int, high: int) -> Candidates:
    context = pool.context
    if len(context) <= _MOST_CONTEXT:
        return context
    about = (context.left == low) | (context.right == low) | (context.left == high) | (context.right == high)
    about[:: max(1, len(context) // _MOST_CONTEXT)] = True
    rows = np.flatnonzero(about)
    return Candidates(context.left[rows], context.right[rows])


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
