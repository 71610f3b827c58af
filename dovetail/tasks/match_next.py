"""Which pairs to judge next, what that will probably bring, and when it no longer pays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.labels.choose import choose
from dovetail.labels.pool import Pool
from dovetail.labels.stop import Forecast, forecast
from dovetail.measure.pairs import from_counts
from dovetail.tasks.judged import look_up
from dovetail.tasks.labelled import known_pairs, labelled_pairs
from dovetail.tasks.match_learn import FEW, FitPlan
from dovetail.tasks.match_trees import FOLDS
from dovetail.types import Candidates, Interval, Job, Pairs, Progress, Records, Table

if TYPE_CHECKING:
    from dovetail.tasks.match import Matcher
    from dovetail.types import Decisions

Labels = npt.NDArray[np.int8]

LARGEST = 30_000  # candidates that are weighed; of more, the most uncertain and a random tenth
_SHARES = (0.25, 0.5, 0.75, 1.0)  # of the labels, for the learning curve


@dataclass(frozen=True)
class Questions:
    """Pairs to judge, the most useful first, why each, and what answers to such questions will probably bring."""

    pairs: Pairs  # with scores
    why: tuple[str, ...]
    outlook: Forecast | None  # None: too few labels so far to say
    tables: tuple[Table, ...]  # as the matcher reads them: one, or two

    def __len__(self) -> int:
        return len(self.why)

    def sheet(self) -> pa.Table:
        """The questions as a person fills them in: ids, an empty `label`, score, why, and both rows' values."""
        score: Any = [] if self.pairs.score is None else np.round(self.pairs.score, 4)
        columns: dict[str, Any] = {"left_id": self.pairs.left_ids, "right_id": self.pairs.right_ids}
        columns |= {"label": pa.nulls(len(self), pa.string()), "score": pa.array(score), "why": pa.array(self.why)}
        for side, table in (("left", self.tables[0]), ("right", self.tables[-1])):
            rows = table.data.take(pc.index_in(columns[f"{side}_id"], table.ids))
            columns |= {f"{side} {name}": rows[name] for name in table.columns}
        return pa.table(columns)

    def __str__(self) -> str:
        said = self.outlook.advice if self.outlook is not None else f"too early to say: give {FEW} labels first"
        return f"{len(self):,} pairs to judge next; {said}"


@dataclass(frozen=True)
class Judgements:
    """What people said so far (a,) of pairs of records: 1 match, 0 not, -1 unsure."""

    pairs: Candidates
    label: Labels


@dataclass(frozen=True)
class Wanted:
    """How many questions, chosen by which of `labels.choose.CHOOSERS`."""

    size: int = 25
    strategy: str = "both"
    seed: int = 0


def judgements(records: Records, pairs: Pairs | None) -> Judgements:
    """What was judged so far; pairs that name unknown rows or are unsure are passed over."""
    if pairs is None:
        return Judgements(Candidates(np.zeros(0, np.int32), np.zeros(0, np.int32)), np.zeros(0, np.int8))
    labelled_pairs(records, pairs)  # raises where labels contradict each other
    known, _ = known_pairs(records, pairs)
    left, right = look_up(records, known)
    label = np.zeros(len(left), np.int8) if known.label is None else known.label
    return Judgements(Candidates(np.minimum(left, right), np.maximum(left, right)), label)


def next_pairs(
    matcher: Matcher, records: Records, decisions: Decisions, given: Judgements, wanted: Wanted
) -> Job[tuple[npt.NDArray[np.int64], tuple[str, ...]]]:
    """Positions in the candidates of the pairs to ask about next, and why each."""
    candidates = decisions.candidates
    some = worth_asking(decisions, LARGEST, wanted.seed)
    if not len(some):
        return some, ()
    asked, said = _asked(candidates, some, given)
    chosen = Candidates(candidates.left[some], candidates.right[some])
    yield Progress("choose", 0, len(some), "comparing candidates")
    comparer = matcher.comparer(records, candidates)
    parts = []
    for part, compared in comparer.chunks(chosen):
        parts.append(compared.values)
        yield Progress("choose", part.stop, len(some), "comparing candidates")
    pool = Pool(
        decisions.score[some],
        np.concatenate(parts),
        asked=asked,
        said=said,
        threshold=decisions.threshold,
        records=np.stack([chosen.left, chosen.right], axis=1),
    )
    found = choose(pool, wanted.size, strategy=wanted.strategy, seed=wanted.seed)
    return some[found.position], found.why


def outlook(
    start: Matcher, records: Records, context: Candidates, given: Judgements, seed: int
) -> Job[Forecast | None]:
    """What more labels will probably bring, from trees trained on growing shares of those given."""
    given = _settled(given)
    label = given.label
    if len(label) < FEW or min((label == 1).sum(), (label == 0).sum()) < FOLDS:
        return None
    order = np.random.default_rng(seed).permutation(len(label))
    counts: list[int] = []
    figures: list[Interval] = []
    for share in _SHARES:
        rows = np.sort(order[: round(share * len(label))])
        yield Progress("forecast", len(counts), len(_SHARES), f"with {len(rows):,} of {len(label):,} labels")
        measured = yield from _measured(
            start, records, context, Judgements(_pick(given.pairs, rows), label[rows]), seed
        )
        if measured is not None:
            counts.append(len(rows))
            figures.append(measured)
    yield Progress("forecast", len(_SHARES), len(_SHARES))
    return forecast(counts, figures) if counts else None


def _settled(given: Judgements) -> Judgements:
    """Those that say match or not, each pair once, sorted."""
    sure = np.flatnonzero(given.label >= 0)
    _, first = np.unique(_keys(_pick(given.pairs, sure)), return_index=True)
    return Judgements(_pick(given.pairs, sure[first]), given.label[sure[first]])


def _measured(
    start: Matcher, records: Records, context: Candidates, given: Judgements, seed: int
) -> Job[Interval | None]:
    """F1 on held-out labels with its interval."""
    label = given.label
    if len(label) < FEW or min((label == 1).sum(), (label == 0).sum()) < FOLDS:
        return None
    fitted = yield from start.fit(records, given.pairs, label, context=context, plan=FitPlan(effort="quick", seed=seed))
    if fitted.held_out_ is None:
        return None
    score, truth = fitted.held_out_
    found = score >= fitted.facts_["threshold"]
    return from_counts(int((found & (truth == 1)).sum()), int(found.sum()), int((truth == 1).sum())).f1


def worth_asking(decisions: Decisions, most: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """Positions of the candidates nearest to the line, and a random tenth of `most` from the rest; all where few."""
    m = len(decisions.score)
    if m <= most:
        return np.arange(m)
    near = np.argsort(np.abs(decisions.score - decisions.threshold), kind="stable")[: most * 9 // 10]
    rest = np.setdiff1d(np.arange(m), near)
    drawn = np.random.default_rng(seed).choice(rest, min(len(rest), most // 10), replace=False)
    return np.sort(np.concatenate([near, drawn]))


def _asked(
    candidates: Candidates, some: npt.NDArray[np.int64], given: Judgements
) -> tuple[npt.NDArray[np.int64], Labels]:
    """Which of some candidates were judged, and the answers."""
    keys = _keys(_pick(candidates, some))
    known = _keys(given.pairs)
    at = np.searchsorted(keys, known)
    inside = (at < len(keys)) & (keys[np.minimum(at, max(len(keys) - 1, 0))] == known) if len(keys) else at < 0
    return at[inside].astype(np.int64), given.label[inside]


def _pick(pairs: Candidates, rows: npt.NDArray[Any]) -> Candidates:
    return Candidates(pairs.left[rows], pairs.right[rows])


def _keys(pairs: Candidates) -> npt.NDArray[np.int64]:
    return pairs.left.astype(np.int64) << 32 | pairs.right
