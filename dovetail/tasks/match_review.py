"""Which pairs a person should look at: the band of scores outside of which decisions are right as often as was asked.

From the upper end of the band on, at least the asked share of the pairs called a match is one; below its lower end lies
at most the rest of all matches. Both ends are chosen on held-out labels, and so is the threshold; what is stated of
them is cross-fitted: each fifth of the labels is decided by a line, a threshold and a band that the other four chose.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from dovetail.measure.calibrate import platt
from dovetail.measure.intervals import wilson
from dovetail.measure.percent import percent, within
from dovetail.tasks.trees import probabilities
from dovetail.types import Interval

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.types import Decisions, Floats

    Mask = npt.NDArray[np.bool_]
    Line = Callable[[Floats, npt.NDArray[Any]], float]

SURE = 0.95  # share of the decisions that must be right without a person, where nothing else is asked for
MATCH, REVIEW, NOT = "match", "review", "not"
_FOLDS = 5
_MOST_WRONG = 0.25  # however cheap an error is


@dataclass(frozen=True)
class Rates:
    """What must hold outside of the band: shares in (0, 1)."""

    right: float = SURE  # of the pairs called a match, so many are one
    kept: float = SURE  # of all matches, so many are not called "not"

    @classmethod
    def of(cls, sure: float, precision: float | None, costs: Mapping[str, float] | None) -> Rates:
        """From what was asked: a dear error may be rarer, a cheap one more frequent, in proportion to their costs."""
        wrong = 1 - sure
        if not costs:
            return cls(sure if precision is None else precision, sure)
        false, missed = (float(costs.get(name, 1.0)) for name in ("false_match", "missed_match"))
        shares = (2 * wrong * other / (false + missed) for other in (missed, false))
        return cls(*(1 - min(share, _MOST_WRONG) for share in shares))


@dataclass(frozen=True)
class Review:
    """Scores from `low` to below `high` are for a person: lower ones are no match, higher ones are one."""

    low: float
    high: float
    why: str

    def verdicts(self, score: Floats) -> npt.NDArray[np.str_]:
        """`match`, `review` or `not` for each score, (m,)."""
        return np.where(score >= self.high, MATCH, np.where(score < self.low, NOT, REVIEW))


@dataclass(frozen=True)
class Trusted:
    """What the decisions on some judged pairs are worth; intervals are 95 % and take pairs as independent."""

    review: Interval  # share of the pairs that go to a person
    right: Interval  # of the pairs decided without one, the share decided right
    precision: Interval  # of those called a match, the share that is one
    lost: Interval  # of all matches, the share that is called "not"

    def to_dict(self) -> dict[str, float]:
        """As plain numbers for a model card."""
        named = {
            "review_share": self.review,
            "right_outside_review": self.right,
            "precision_outside_review": self.precision,
            "matches_lost_outside_review": self.lost,
        }
        ends = (("", "value"), ("_low", "low"), ("_high", "high"))
        return {f"{name}{ending}": getattr(i, end) for name, i in named.items() for ending, end in ends}

    @property
    def said(self) -> str:
        """The same in one sentence."""
        called = f"{within(self.precision)} of those called a match are one"
        if self.precision.unknown:
            called = "none is called a match"
        return (
            f"{within(self.review)} of the pairs go to a person; of the others {within(self.right)} are decided "
            f"right, {called}, and {within(self.lost)} of all matches are lost"
        )


def band(score: Floats, label: npt.NDArray[Any], threshold: float, rates: Rates) -> tuple[float, float]:
    """Both ends of the band around the threshold, from held-out labels: `score` (m,) in [0, 1], `label` (m,)."""
    order = np.argsort(-score, kind="stable")
    ranked, hits = score[order], np.cumsum(label[order] == 1)
    last = np.r_[ranked[1:] != ranked[:-1], True] if len(ranked) else np.zeros(0, bool)
    right = np.flatnonzero((hits >= rates.right * np.arange(1, len(ranked) + 1)) & last)
    kept = np.flatnonzero((hits >= rates.kept * hits[-1]) & last) if len(hits) else right
    high = _between(ranked, int(right[-1])) if len(right) else 1.0
    low = _between(ranked, int(kept[0])) if len(kept) else 0.0
    return min(low, threshold), max(high, threshold)


def usual(decisions: Decisions) -> Review:
    """The band of a matcher that no held-out labels have judged: as far on each side as scores are usually off."""
    return Review(
        decisions.review_low, decisions.review_high, "around the threshold; no held-out labels say how wide it must be"
    )


def review_of(score: Floats, label: npt.NDArray[Any], threshold: float, rates: Rates) -> Review:
    """The band on held-out labels, and why it lies there."""
    low, high = band(score, label, threshold, rates)
    right, lost = percent(rates.right), percent(1 - rates.kept)
    wish = f"at least {right} of the pairs above it are matches, and at most {lost} of all"
    said = f"{wish} matches lie below it, on {len(label):,} held-out labelled pairs"
    if high >= 1.0:
        said = f"no score reaches that {right} of the pairs above it are matches, so none is called one; {said}"
    return Review(low, high, said)


@dataclass(frozen=True)
class CrossFitted:
    """Held-out labels decided by what the others chose: scores, forced decisions and verdicts, (m,) each."""

    score: Floats
    found: Mask  # above the threshold
    verdict: npt.NDArray[np.str_]


def cross_fitted(score: Floats, label: npt.NDArray[Any], line: Line, rates: Rates, seed: int = 0) -> CrossFitted:
    """Calibration, threshold (`line` draws it) and band for each fold of held-out labels from the other folds."""
    odds = np.log(np.clip(score, 1e-9, 1 - 1e-9) / np.clip(1 - score, 1e-9, 1))
    folds = _folds(label, seed)
    moved, found = np.zeros(len(score)), np.zeros(len(score), bool)
    verdict = np.full(len(score), NOT, dtype="<U6")
    for fold in range(_FOLDS):
        inside, outside = folds != fold, folds == fold
        slope, offset = platt(odds[inside], label[inside])
        p = probabilities(slope * odds + offset)
        threshold = line(p[inside], label[inside])
        chosen = Review(*band(p[inside], label[inside], threshold, rates), "")
        moved[outside], found[outside] = p[outside], p[outside] >= threshold
        verdict[outside] = chosen.verdicts(p[outside])
    return CrossFitted(moved, found, verdict)


def trusted(verdict: npt.NDArray[np.str_], label: npt.NDArray[Any]) -> Trusted:
    """What verdicts (m,) are worth against labels (m,)."""
    true, called, decided = label == 1, verdict == MATCH, verdict != REVIEW
    right = (called & true) | ((verdict == NOT) & ~true)
    return Trusted(
        wilson(int((~decided).sum()), len(label)),
        wilson(int(right.sum()), int(decided.sum())),
        wilson(int((called & true).sum()), int(called.sum())),
        wilson(int(((verdict == NOT) & true).sum()), int(true.sum())),
    )


def as_column(verdict: npt.NDArray[np.str_]) -> pa.Array:
    """Verdicts as a column of text."""
    return pa.array(verdict.tolist(), pa.string())


def _between(ranked: Floats, at: int) -> float:
    """A line between the score at this place and the next lower one."""
    after = ranked[at + 1] if at + 1 < len(ranked) else 0.0
    return float((ranked[at] + after) / 2)


def _folds(label: npt.NDArray[Any], seed: int) -> npt.NDArray[np.int64]:
    """A fold for each label at random, matches spread evenly."""
    rng = np.random.default_rng(seed)
    found = np.zeros(len(label), np.int64)
    for value in (0, 1):
        rows = np.flatnonzero(label == value)
        found[rng.permutation(rows)] = np.arange(len(rows)) % _FOLDS
    return found
