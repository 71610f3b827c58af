"""Heuristics as they are sent to pages: lines with figures, the joined result, and rows that were caught."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dovetail.errors import InputError
from dovetail.labels.heuristics import HeuristicScore
from dovetail.labels.rules import Rule, check
from dovetail.measure.intervals import wilson
from dovetail.serve.rules import Looked, Rules, heuristic_of
from dovetail.serve.wire import Span
from dovetail.serve.wire_rules import (
    RuleCount,
    RuleExample,
    RuleLine,
    RuleLooked,
    RulePiece,
    RulesJoined,
    RulesPage,
    RulesSaid,
    RuleVote,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.labels.said import Event

_CAUGHT, _AGAINST = 8, 5  # rows that are shown
_AROUND, _SHOWN = 90, 320  # characters before the first mark, and in all
_FEW = HeuristicScore("", 0.0, 0.0, 0.0, math.nan, 0, 0)


def page(rules: Rules, table: str, sure: float) -> RulesPage:
    """All heuristics of a table, each by itself and joined."""
    known = rules.all(table)
    looked = rules.look(table, known, {})
    ground = looked.ground
    return RulesPage(
        table=table,
        total=len(ground.view),
        asked=len(ground.rows),
        columns=ground.view.columns,
        classes=list(ground.classes),
        hand=int((ground.hand >= 0).sum()),
        rules=lines(looked, known),
        joined=None if looked.joined is None else _joined(rules, looked, sure),
        notice=_notice(looked, known),
        applied=counted(rules.said(table)),
    )


def tried(rules: Rules, rule: Rule, turn: int) -> RuleLooked:
    """One heuristic beside those that are kept, whether it is one of them or not, and rows to look at."""
    check(rule)
    others = [r for r in rules.all(rule.table) if r.on and r.name != rule.name]
    looked = rules.look(rule.table, (rule, *others), {})
    if rule.name in looked.faults:
        raise InputError(looked.faults[rule.name])
    mine, hand, rest = looked.votes[:, 0], looked.ground.hand, looked.votes[:, 1:]
    spoke = mine >= 0
    against = ((rest >= 0) & (rest != mine[:, None])).any(axis=1)
    groups = (spoke, spoke & (hand >= 0) & (hand != mine), spoke & against)
    random = np.random.default_rng(turn)
    chosen = [_some(np.flatnonzero(g), n, random) for g, n in zip(groups, (_CAUGHT, _AGAINST, _AGAINST), strict=True)]
    caught, hands, others_ = ([_example(rules, looked, rule, at) for at in some] for some in chosen)
    line = line_of(rule, looked.scores[0], None)
    asked = len(looked.ground.rows)
    notes = "; ".join(about_answers(looked)) or None
    return RuleLooked(line=line, asked=asked, caught=caught, against_hand=hands, against_others=others_, notice=notes)


def applied(rules: Rules, table: str, sure: float, person: str) -> RulesSaid:
    """Say what the joined heuristics are sure of as labels."""
    looked = rules.look(table, [r for r in rules.all(table) if r.on], {})
    new, taken = rules.apply(looked, rules.would(looked, sure), person)
    return RulesSaid(new=new, taken=taken, labels=counted(rules.said(table)))


def undone(rules: Rules, table: str, person: str) -> RulesSaid:
    """Take the last joining back."""
    rules.tables.get(table)
    new, taken = rules.undo(table, person)
    return RulesSaid(new=new, taken=taken, labels=counted(rules.said(table)))


def counted(events: Sequence[Event]) -> list[RuleCount]:
    """How many rows have which class."""
    found = Counter(v for e in events if isinstance(e.label.value, tuple) for v in e.label.value)
    return [RuleCount(value=value, rows=rows) for value, rows in found.most_common()]


def lines(looked: Looked, known: Sequence[Rule]) -> list[RuleLine]:
    """Every kept heuristic with its figures, or why it could not be asked, and after them the functions."""
    each = list(zip(looked.rules, looked.scores, strict=True))
    scores = {rule.name: score for rule, score in each if rule.kind}
    kept = [line_of(rule, scores.get(rule.name, _FEW), looked.faults.get(rule.name)) for rule in known]
    return kept + [line_of(rule, score) for rule, score in each if not rule.kind]


def line_of(rule: Rule, score: HeuristicScore, fault: str | None = None) -> RuleLine:
    """One heuristic with its figures, as it is sent."""
    return RuleLine(
        name=rule.name,
        kind=rule.kind or "function",  # type: ignore[arg-type]
        gives=rule.gives,
        pattern=rule.pattern,
        words=list(rule.words),
        names=dict(rule.names),
        column=rule.column,
        sure=rule.sure,
        on=rule.on,
        rows=score.rows,
        coverage=score.coverage,
        overlap=score.overlap,
        conflict=score.conflict,
        trust=score.trust if math.isfinite(score.trust) else None,
        right=score.right,
        checked=score.checked,
        accuracy=_span(score.right, score.checked),
        fault=fault,
    )


def _joined(rules: Rules, looked: Looked, sure: float) -> RulesJoined:
    would, on = rules.would(looked, sure), [n for n, r in enumerate(looked.rules) if r.on]
    voted = (looked.votes[:, on] >= 0).any(axis=1)
    return RulesJoined(
        sure=sure,
        coverage=float(np.mean(voted)) if len(looked.ground.rows) else 0.0,
        rows=len(would.rows),
        labels=[RuleCount(value=v, rows=n) for v, n in sorted(would.counts.items(), key=lambda x: -x[1])],
        kept=would.hand,
        right=would.right,
        checked=would.checked,
        accuracy=_span(would.right, would.checked),
    )


def _notice(looked: Looked, known: Sequence[Rule]) -> str | None:
    notes = []
    if known and looked.joined is None:
        notes.append("heuristics of two classes are needed before they can be joined; add one of another class")
    asked, total = len(looked.ground.rows), len(looked.ground.view)
    if asked < total:
        said = f"{asked:,} of {total:,} rows are read, evenly spread, with those that people labelled"
        notes.append(f"this table is large: {said}")
    return "; ".join([*notes, *about_answers(looked)]) or None


def about_answers(looked: Looked) -> list[str]:
    """Which columns hold the answers, and who reads them all the same."""
    ground = looked.ground
    if not ground.answers:
        return []
    one = len(ground.answers) == 1
    what = (
        f"{'the column' if one else 'the columns'} {', '.join(ground.answers)} {'holds' if one else 'hold'} the classes"
    )
    peeking = [rule.name for rule in looked.rules if rule.column in ground.answers]
    told = [f"{what} already, so a heuristic reads {'it' if one else 'them'} only where it names the column"]
    if peeking:
        reads = f"{', '.join(peeking)} {'reads' if len(peeking) == 1 else 'read'} the answers"
        told.append(f"{reads}: how right that is says nothing of other rows")
    return told


def _some(rows: npt.NDArray[np.int64], count: int, random: np.random.Generator) -> list[int]:
    return sorted(random.choice(rows, min(count, len(rows)), replace=False).tolist()) if len(rows) else []


def _example(rules: Rules, looked: Looked, rule: Rule, at: int) -> RuleExample:
    ground, row = looked.ground, int(looked.ground.rows[at])
    votes = looked.votes[at]
    said = [
        RuleVote(name=r.name, value=ground.classes[v])
        for r, v in zip(looked.rules[1:], votes[1:].tolist(), strict=True)
        if v >= 0
    ]
    hand = int(ground.hand[at])
    return RuleExample(
        row=row,
        id=str(ground.view.ids[row].as_py()),
        source=ground.view.source(row),
        pieces=_pieces(rule, str(rules.texts(ground, rule.column)[at].as_py())),
        value=ground.classes[int(votes[0])],
        hand=ground.classes[hand] if hand >= 0 else None,
        others=said,
    )


def _pieces(rule: Rule, text: str) -> list[RulePiece]:
    """The text around the first place that was found, with all places marked."""
    marks = [] if rule.kind == "names" else heuristic_of(rule).marks(text[:20_000])
    first = max(0, marks[0][0] - _AROUND) if marks else 0
    last = min(len(text), first + _SHOWN)
    found, at = [RulePiece(text="…", marked=False)] if first else [], first
    for begin, end in marks:
        if begin >= last:
            break
        found += [
            RulePiece(text=text[at:begin], marked=False),
            RulePiece(text=text[begin : min(end, last)], marked=True),
        ]
        at = min(end, last)
    found.append(RulePiece(text=text[at:last] + ("…" if last < len(text) else ""), marked=False))
    return [piece for piece in found if piece.text]


def _span(right: int, checked: int) -> Span:
    if not checked:
        return Span(value=None, low=None, high=None)
    found = wilson(right, checked)
    return Span(value=found.value, low=found.low, high=found.high)
