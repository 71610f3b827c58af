"""The smallest change of one value that turns a decision, found by trying: the pair is scored again with the change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from rapidfuzz.distance import Levenshtein

from dovetail.tasks.explained import Change, as_percent
from dovetail.tasks.trees import probabilities
from dovetail.types import Candidates, Explanation, Job, Progress, Records

if TYPE_CHECKING:
    from dovetail.tasks.match import Matcher
    from dovetail.types import Decisions

MOST_ROWS = 20_000  # above, comparing all rows again for each round of tries costs too much
TRIES = 3  # attributes that are tried for a pair
ROUNDS = 4  # of tries; pairs that share a record take turns
_SHOWN = 60  # characters of a value in a sentence


@dataclass(frozen=True)
class Try:
    """One value of one record put in place of another: `row` gets the cell that `donor` has, or none."""

    pair: int
    name: str
    row: int
    donor: int | None
    size: int  # characters that differ


def smallest_changes(
    matcher: Matcher, records: Records, decisions: Decisions, found: Sequence[Explanation], context: Candidates
) -> Job[list[Change | None]]:
    """For each explained pair the smallest change of one value that turns it, None where none of those tried does.

    A match is tried with values of its rivals, or without one; a refused pair with one side's value on the other.
    The tables stay as they are except for the one value, so the scores are those that `predict` would give. `context`
    holds all candidates and the explained pairs; threshold and shift are those of the decisions.
    """
    best: list[Change | None] = [None] * len(found)
    if len(records) > MOST_ROWS:
        return best
    sizes: dict[int, int] = {}
    scorer = copy(matcher)  # so that what it keeps of the tables as they are stays
    rounds = _rounds(_tries(records, found, decisions.threshold, context), found)
    for number, some in enumerate(rounds):
        yield Progress("turn", number, len(rounds), "trying other values")
        ends = [(found[t.pair].left, found[t.pair].right) for t in some]
        left, right = np.array(ends, np.int32).T
        score = yield from scorer.score(_changed(records, some), Candidates(left, right), context)
        score = probabilities(np.log(score / (1 - score)) + decisions.shift)
        for one, now in zip(some, score.tolist(), strict=True):
            matched = found[one.pair].score >= decisions.threshold
            if (now >= decisions.threshold) != matched and one.size < sizes.get(one.pair, 1 << 30):
                sizes[one.pair], best[one.pair] = one.size, _said(records, one, found[one.pair], now, matched)
    return best


def _tries(records: Records, found: Sequence[Explanation], threshold: float, context: Candidates) -> Iterator[Try]:
    """What is tried: the first try of every pair, then the second ones, so that all get their turn."""
    each = [_tries_of(records, one, pair, threshold, context) for pair, one in enumerate(found)]
    for _ in range(TRIES):
        yield from (one for tries in each if (one := next(tries, None)) is not None)


def _tries_of(records: Records, one: Explanation, pair: int, threshold: float, context: Candidates) -> Iterator[Try]:
    """The attributes that speak most for the decision, each with the nearest other value."""
    matched = one.score >= threshold
    speaking = [e for e in one.evidence if e.left is not None or e.right is not None]
    speaking.sort(key=lambda e: -e.importance if matched else e.importance)
    for evidence in speaking[:TRIES]:
        if not matched and evidence.similarity == 1.0:
            continue
        lacking = evidence.right if matched else evidence.left
        row, other = (one.left, one.right) if lacking is None else (one.right, one.left)
        donor = _rival(records, evidence.name, row, one, context) if matched else other
        before, after = (_cell(records, evidence.name, at) for at in (row, donor))
        yield Try(pair, evidence.name, row, donor, Levenshtein.distance(before or "", after or ""))


def _rival(records: Records, name: str, row: int, one: Explanation, context: Candidates) -> int | None:
    """The record among the other candidates of the pair's left one whose value is nearest and yet another."""
    start, stop = np.searchsorted(context.left, [one.left, one.left + 1])
    known = {_cell(records, name, one.left), _cell(records, name, one.right), None}
    before = _cell(records, name, row) or ""
    others = [int(r) for r in context.right[start:stop] if _cell(records, name, int(r)) not in known]
    return min(others, key=lambda r: (Levenshtein.distance(before, _cell(records, name, r) or ""), r), default=None)


def _rounds(tries: Iterable[Try], found: Sequence[Explanation]) -> list[list[Try]]:
    """Tries that may stand in the tables at once: in a round each record belongs to one pair only."""
    rounds: list[list[Try]] = []
    taken: list[set[int]] = []
    for one in tries:
        ends = {found[one.pair].left, found[one.pair].right}
        free = next((place for place, used in enumerate(taken) if not used & ends), None)
        if free is None:
            if len(rounds) == ROUNDS:
                continue
            free = len(rounds)
            rounds.append([])
            taken.append(set())
        rounds[free].append(one)
        taken[free] |= ends
    return rounds


def _changed(records: Records, some: Sequence[Try]) -> Records:
    """The records with these values in place of theirs."""
    tables = {"original": records.original, "text": records.text}
    for kind, table in tables.items():
        for name in dict.fromkeys(t.name for t in some):
            rows = np.arange(len(records))
            nothing = np.zeros(len(records), bool)
            for one in some:
                if one.name == name:
                    nothing[one.row] = one.donor is None
                    rows[one.row] = one.row if one.donor is None else one.donor
            cells = table[name].take(pa.array(rows, mask=nothing))
            table = table.set_column(table.column_names.index(name), name, cells)
        tables[kind] = table
    return replace(records, original=tables["original"], text=tables["text"])


def _cell(records: Records, name: str, row: int | None) -> str | None:
    value: str | None = None if row is None else records.original[name][row].as_py()
    return value


def _said(records: Records, one: Try, explanation: Explanation, score: float, matched: bool) -> Change:
    side = "left" if one.row == explanation.left else "right"
    before, after = _cell(records, one.name, one.row), _cell(records, one.name, one.donor)
    turned = "would no longer be a match" if matched else "would be a match"
    given = "Without a value" if after is None else f"With {_short(after)}"
    instead = "" if before is None else f" instead of {_short(before)}"
    sentence = f"{given} as {one.name} on the {side}{instead}, this pair {turned} ({as_percent(score)})."
    importance = next(e.importance for e in explanation.evidence if e.name == one.name)
    return Change(one.name, importance, score, sentence, side, before, after)


def _short(value: str) -> str:
    text = " ".join(value.split())
    text = "".join(c if c.isprintable() else "\ufffd" for c in text)
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
