"""The smallest change of one value that turns a decision, found by trying: the pair is scored again with the change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein

from dovetail.tasks.compare_copies import Copies, CopyComparer
from dovetail.tasks.explained import Change, as_percent
from dovetail.tasks.trees import probabilities
from dovetail.types import Candidates, Explanation, Job, Progress, Records

if TYPE_CHECKING:
    from dovetail.tasks.match import Matcher
    from dovetail.types import Decisions, Floats

MOST_ROWS = 200_000  # above, what the first explanation has to prepare costs too much
TRIES = 3  # attributes that are tried for a pair
LOOKS = 2  # times that networks read a pair with a change, the most promising first
_FAR = 3.0  # log-odds that networks are hardly moved by one value
_SHOWN = 60  # characters of a value in a sentence


@dataclass(frozen=True)
class Try:
    """One value of one record put in place of another: `row` gets the cell that `donor` has, or none."""

    pair: int
    name: str
    row: int
    donor: int | None
    size: int  # characters that differ


@dataclass(frozen=True)
class _Tried:
    """Tries (t,) with the log-odds that they lead to: `estimate`, and `sure` where that was scored, else NaN."""

    tries: Sequence[Try]
    pair: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]
    estimate: Floats
    sure: Floats
    upwards: npt.NDArray[np.bool_]  # whether the decision turns when the log-odds reach the line

    def turns(self, log_odds: Floats, line: float) -> npt.NDArray[np.bool_]:
        """Which tries turn the decision; NaN turns nothing."""
        return np.where(self.upwards, log_odds >= line, log_odds < line)


def smallest_changes(
    matcher: Matcher, records: Records, decisions: Decisions, found: Sequence[Explanation], context: Candidates
) -> Job[list[Change | None]]:
    """For each explained pair the smallest change of one value that turns it, None where none of those tried does.

    A match is tried with values of its rivals, or without one; a refused pair with one side's value on the other.
    Every change that is given was scored, networks included, with the tables as they are except for the one value; only
    how rare words and values are is not counted again. Networks read at most `LOOKS` changes of a pair: the smallest
    one that would turn it if they said of the changed pair what they say now, then the next, or else the one that comes
    nearest. `context` holds all candidates and the explained pairs; threshold and shift are those of the decisions.
    """
    best: list[Change | None] = [None] * len(found)
    tries = list(_tries(records, found, decisions.threshold, context)) if len(records) <= MOST_ROWS else []
    if not tries:
        return best
    yield Progress("turn", 0, len(found), "trying other values")
    line = _line(decisions)
    tried = yield from _scored(matcher, records, tries, found, context, decisions)
    turned = np.flatnonzero(tried.turns(tried.sure, line))
    for place in turned[np.lexsort((turned, tried.size[turned]))][::-1].tolist():
        one = tries[place]
        score = float(probabilities(tried.sure[place : place + 1] + decisions.shift)[0])
        best[one.pair] = _said(records, one, found[one.pair], score, not tried.upwards[place])
    return best


def _scored(
    matcher: Matcher,
    records: Records,
    tries: Sequence[Try],
    found: Sequence[Explanation],
    context: Candidates,
    decisions: Decisions,
) -> Job[_Tried]:
    """All tries weighed by the trees, and the most promising of those that networks have a say in read by them."""
    row = np.array([t.row for t in tries], np.int64)
    left, right = np.array([(found[t.pair].left, found[t.pair].right) for t in tries], np.int64).T
    copies = Copies(row, [t.name for t in tries], np.array([-1 if t.donor is None else t.donor for t in tries]))
    comparer = CopyComparer(matcher.comparer(records, context), copies, np.where(row == left, right, left))
    trees = matcher.by_trees(comparer.all(own=matcher.own_ is not None))
    refused = np.array([one.score < decisions.threshold for one in found])  # then a change turns the decision upwards
    pair, size = (np.array([getattr(t, name) for t in tries], np.int64) for name in ("pair", "size"))
    if matcher.join_ is None or matcher.line_alone() is not None:
        return _Tried(tries, pair, size, trees, trees, refused[pair])
    raw = matcher.uncalibrated(trees)
    asked = matcher.join_.asked(raw)
    before = Candidates(left.astype(np.int32), right.astype(np.int32))
    said = np.where(asked[:, None], matcher.heard_.known(records, matcher.experts_, before), np.nan)
    estimate = matcher.join_.log_odds(np.concatenate([raw[:, None], said], axis=1))
    tried = _Tried(tries, pair, size, estimate, np.where(asked, np.nan, estimate), refused[pair])
    for look in range(LOOKS):
        some = _promising(tried, _line(decisions))
        if not len(some):
            break
        yield Progress("turn", look, LOOKS, f"reading {len(some):,} pairs with another value")
        pairs, beside = comparer.some(some)
        columns = [raw[some]]
        for expert in matcher.experts_.values():
            columns.append((yield from expert.log_odds(records, pairs, beside=beside)))
        tried.sure[some] = matcher.join_.log_odds(np.stack(columns, axis=1))
    return tried


def _promising(tried: _Tried, line: float) -> npt.NDArray[np.intp]:
    """For each pair the try to read next: smaller than what turns it already, and likely to turn it; some tries."""
    smallest = np.full(int(tried.pair.max()) + 1, np.iinfo(np.int64).max)
    turned = tried.turns(tried.sure, line)
    np.minimum.at(smallest, tried.pair[turned], tried.size[turned])
    settled = smallest < np.iinfo(np.int64).max
    hopeful = tried.turns(tried.estimate, line)
    distance = np.abs(tried.estimate - line)
    worth = hopeful | (~settled[tried.pair] & (distance < _FAR))
    places = np.flatnonzero(np.isnan(tried.sure) & (tried.size < smallest[tried.pair]) & worth)
    by_size = np.where(hopeful, tried.size, 0)
    order = places[np.lexsort((distance[places], by_size[places], ~hopeful[places], tried.pair[places]))]
    _, first = np.unique(tried.pair[order], return_index=True)
    return order[first]


def _line(decisions: Decisions) -> float:
    """The log-odds, before the shift, from which a pair is a match."""
    return float(np.log(decisions.threshold / (1 - decisions.threshold))) - decisions.shift


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
