"""How far a matcher can be trusted: figures with intervals on judged pairs, by what it saw in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from dovetail.measure.calibrate import calibration_error
from dovetail.measure.pairs import average_precision, curve, from_counts
from dovetail.tables.leaks import find_leaks
from dovetail.tasks.exposure import EXPOSURES, Seen, both_ways
from dovetail.tasks.labelled import Labelled
from dovetail.tasks.match_review import MATCH, NOT, REVIEW, Review, Trusted, trusted
from dovetail.types import Interval, Pairs, Table

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.tasks.match_prepare import Prepared
    from dovetail.types import Candidates, Floats, Records

_LINES = tuple(round(0.05 * step, 2) for step in range(1, 20))  # thresholds that are tried
_SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)  # of the pairs decided without a person
_NAMES = {"seen": "both records seen", "half_seen": "one record seen", "unseen": "no record seen"}


@dataclass(frozen=True)
class Figures:
    """Figures of some judged pairs at one threshold; intervals are 95 % and take pairs as independent."""

    pairs: int
    matches: int
    precision: Interval
    recall: Interval
    f1: Interval
    calibration_error: float  # in [0, 1]
    average_precision: float  # in [0, 1]


@dataclass(frozen=True)
class AtThreshold:
    """What another threshold would give."""

    threshold: float
    precision: Interval
    recall: Interval
    f1: Interval


@dataclass(frozen=True)
class AtCoverage:
    """What deciding only the surest pairs would give: the further from the threshold, the surer."""

    decided: float  # share of the pairs that are decided without a person
    right: Interval  # of these, the share decided right
    precision: Interval  # of those called a match, the share that is one
    lost: Interval  # of all matches, the share that is called "not"


@dataclass(frozen=True)
class Decided:
    """Scores (m,) of judged pairs, the threshold, and the band that goes to a person."""

    score: Floats
    threshold: float
    review: Review


@dataclass(frozen=True)
class Evaluation:
    """A matcher against judged pairs. `by_exposure` has the same figures by how much training saw of a pair."""

    model: str
    threshold: float
    overall: Figures
    by_exposure: Mapping[str, Figures]  # "seen", "half_seen", "unseen": both, one, no record seen in training
    at: tuple[AtThreshold, ...]
    warnings: tuple[str, ...] = ()
    set_aside: tuple[int, ...] = ()  # judged pairs, from 0, that name unknown rows
    review: Trusted | None = None  # what goes to a person, and how good the rest is
    review_from: float = 0.0
    review_to: float = 0.0
    coverage: tuple[AtCoverage, ...] = ()  # from few pairs decided to all

    @property
    def precision(self) -> Interval:
        """Share of the pairs called a match that are one."""
        return self.overall.precision

    @property
    def recall(self) -> Interval:
        """Share of the matches that were found."""
        return self.overall.recall

    @property
    def f1(self) -> Interval:
        """Both in one figure."""
        return self.overall.f1

    @property
    def calibration_error(self) -> float:
        """Mean distance between score and share of matches, in [0, 1]."""
        return self.overall.calibration_error

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return {**asdict(self), "by_exposure": {k: asdict(v) for k, v in self.by_exposure.items()}}

    def to_lines(self) -> list[str]:
        """The figures for a console."""
        head = f"{'':<20}{'pairs':>8}{'matches':>9}  {'precision':<20}{'recall':<20}{'F1':<20}{'calib. error':<12}"
        lines = [f"{self.model}; threshold {self.threshold:.3f}", head, _line("all", self.overall)]
        lines += [_line(_NAMES[name], part) for name, part in self.by_exposure.items()]
        lines.append(f"average precision {self.overall.average_precision:.3f}")
        if self.review is not None:
            lines.append(f"review from {self.review_from:.3f} to {self.review_to:.3f}: {self.review.said}")
        return [*lines, *(f"! {warning}" for warning in self.warnings)]

    def __str__(self) -> str:
        return "\n".join(self.to_lines())


def evaluated(prepared: Prepared, labelled: Labelled, decided: Decided, seen: Seen, model: str) -> Evaluation:
    """The evaluation of judged pairs."""
    records, judged, threshold = prepared.records, labelled.judged, decided.threshold
    score, label, review = decided.score, labelled.judged.label, decided.review
    exposure = seen.exposure(records, judged.pairs)
    parts = {name: exposure == count for name, count in EXPOSURES.items()}
    return Evaluation(
        model=model,
        threshold=threshold,
        overall=figures(score, label, threshold),
        by_exposure={
            n: figures(score[chosen], label[chosen], threshold) for n, chosen in parts.items() if chosen.any()
        },
        at=tuple(_at(score, label, line) for line in _LINES),
        warnings=(*labelled.warnings, *_repeated(records, judged.pairs, seen), *oddities(prepared, labelled)),
        set_aside=labelled.set_aside,
        review=trusted(review.verdicts(score), label),
        review_from=review.low,
        review_to=review.high,
        coverage=coverage(score, label, threshold),
    )


def coverage(score: Floats, label: npt.NDArray[Any], threshold: float) -> tuple[AtCoverage, ...]:
    """How right the surest pairs are decided, for growing shares of them: `score` (m,) in [0, 1], `label` (m,)."""
    far = np.abs(_log_odds(score) - _log_odds(np.asarray(threshold)))
    order = np.argsort(-far, kind="stable")
    called = np.where(score >= threshold, MATCH, NOT).astype("<U6")
    found = []
    for share in _SHARES:
        verdict = np.full(len(score), REVIEW, dtype="<U6")
        some = order[: round(share * len(score))]
        verdict[some] = called[some]
        said = trusted(verdict, label)
        found.append(AtCoverage(share, said.right, said.precision, said.lost))
    return tuple(found)


def _log_odds(score: Floats) -> Floats:
    """Finite also at 0 and 1, where a line may lie that calls all or nothing a match."""
    odds: Floats = np.log(np.clip(score, 1e-9, 1) / np.clip(1 - score, 1e-9, 1))
    return odds


def figures(score: Floats, label: npt.NDArray[Any], threshold: float) -> Figures:
    """All figures of some pairs: `score` (m,) in [0, 1], `label` (m,) of 0 and 1."""
    found, true = score >= threshold, label == 1
    scores = from_counts(int((found & true).sum()), int(found.sum()), int(true.sum()))
    return Figures(
        pairs=len(label),
        matches=int(true.sum()),
        precision=scores.precision,
        recall=scores.recall,
        f1=scores.f1,
        calibration_error=calibration_error(score, true.astype(np.float64)),
        average_precision=average_precision(curve(score, label)),
    )


def oddities(prepared: Prepared, labelled: Labelled) -> list[str]:
    """What makes labels untrustworthy: pairs that say the same and are labelled both ways, columns that leak."""
    judged = labelled.judged
    contradicting = both_ways(prepared.records, judged.pairs, judged.label)
    said = []
    if contradicting:
        said.append(
            f"{contradicting:,} labelled pairs say word for word the same as a pair that is labelled the other way; "
            f"no matcher can decide both right"
        )
    return said + _leaks(prepared, labelled)


def _repeated(records: Records, pairs: Candidates, seen: Seen) -> list[str]:
    count = int(seen.repeats(records, pairs).sum())
    if not count:
        return []
    return [
        f"{count:,} of {len(pairs):,} judged pairs say word for word what a pair of the training labels said; "
        f"the figures are too good by that much"
    ]


def _leaks(prepared: Prepared, labelled: Labelled) -> list[str]:
    tables = prepared.tables
    plain = [_without_ids(table) for table in tables]
    judged, records = labelled.judged, prepared.records
    across = np.flatnonzero(records.source[judged.pairs.right] == len(tables) - 1)
    across = across[records.source[judged.pairs.left[across]] == 0]
    if not len(across):
        return []
    left, right = (records.ids.take(pa.array(end[across])) for end in (judged.pairs.left, judged.pairs.right))
    pairs = Pairs(left, right, label=judged.label[across])
    return [leak.said for leak in find_leaks(plain[0], plain[-1], pairs)]


def _without_ids(table: Table) -> Table:
    """Ids are never compared, so they give nothing away."""
    if table.id_column is None or table.id_column not in table.columns:
        return table
    return Table(table.name, table.data.drop_columns([table.id_column]), table.ids, id_column=table.id_column)


def _at(score: Floats, label: npt.NDArray[Any], threshold: float) -> AtThreshold:
    found, true = score >= threshold, label == 1
    scores = from_counts(int((found & true).sum()), int(found.sum()), int(true.sum()))
    return AtThreshold(threshold, scores.precision, scores.recall, scores.f1)


def _line(name: str, found: Figures) -> str:
    shares: Sequence[Interval] = (found.precision, found.recall, found.f1)
    cells = "".join(f"{f'{i.value:.3f} ({i.low:.3f}–{i.high:.3f})':<20}" for i in shares)
    return f"{name:<20}{found.pairs:>8,}{found.matches:>9,}  {cells}{found.calibration_error:<12.3f}"
