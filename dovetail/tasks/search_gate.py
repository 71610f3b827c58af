"""Do no harm: ways of searching are compared on held-out queries, and only a proven gain is kept."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.measure.intervals import paired_bootstrap
from dovetail.tasks.search_fusion import Candidates, Fusion, ndcg_of
from dovetail.types import Interval

FOLDS = 5
FEWEST = 10  # queries with a relevant document; below, nothing is learned from them
_GRID = np.round(np.linspace(0, 1, 21), 2)
_MEMORY = np.round(np.linspace(0, 0.6, 13), 2)  # above, the answers of a query that is hardly alike could lead
_NEIGHBOURS = np.round(np.linspace(0, 0.45, 4), 2)
GRIDS = {"memory": _MEMORY, "neighbours": _NEIGHBOURS, "meaning": _GRID, "reading": _GRID[::2]}
_EQUAL = 0.002  # nDCG: a weight nearer to the start is preferred to this much more on the training queries, at least

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Way:
    """One way of searching on held-out queries: its nDCG@10, and how far it is from the way without judgements."""

    name: str
    ndcg_10: float
    gap: Interval  # to the start, paired by query
    queries: int = 0  # that it was measured on


@dataclass(frozen=True)
class Gate:
    """What was compared, what was kept, and why."""

    ways: tuple[Way, ...]
    queries: int
    kept: str
    chosen: Fusion
    why: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def to_lines(self) -> list[str]:
        """As a person reads it."""
        ways = [
            f"{w.name:<10} nDCG@10 {w.ndcg_10:.3f}, {_signed(w.gap)} to the start, {w.queries:,} queries"
            for w in self.ways
        ]
        return [f"kept: {self.kept}. {self.why}", *ways]

    @classmethod
    def from_dict(cls, note: Mapping[str, Any]) -> Gate:
        """What `to_dict` gave."""
        ways = tuple(Way(w["name"], w["ndcg_10"], Interval(**w["gap"]), w["queries"]) for w in note["ways"])
        return cls(ways, note["queries"], note["kept"], Fusion(**note["chosen"]), note["why"])


@dataclass(frozen=True)
class Trial:
    """A way of searching that is to be judged: its candidates for each query, found by what these did not teach.

    Those of its `weights` are fitted on other queries that are named, one after the other; few of them, since each adds
    chance. The rest are those of `fusion`, or of the start. It is judged on the queries `rows`, on all if None.
    """

    candidates: Sequence[Candidates]
    weights: tuple[str, ...] = ()
    fusion: Fusion | None = None
    rows: Sequence[int] | None = None
    shown: bool = False  # beside the others, and never kept


Truth = Sequence[Mapping[int, float]]


@dataclass(frozen=True)
class _Tried:
    """nDCG@10 of every query under weights, each reckoned once."""

    candidates: Sequence[Candidates]
    truth: Truth
    weights: tuple[str, ...]
    kept: dict[tuple[float, ...], Floats] = field(default_factory=dict)

    def values(self, fusion: Fusion) -> Floats:
        key = tuple(getattr(fusion, name) for name in GRIDS)
        if key not in self.kept:
            self.kept[key] = ndcg_of(self.candidates, fusion, self.truth)
        return self.kept[key]

    def best(self, rows: npt.NDArray[np.int64], start: Fusion) -> Fusion:
        """The weights with the best mean over some queries, each as near to the start as does almost as well."""
        found = replace(start, known=f"the weights that did best on {len(rows):,} judged queries")
        for name in self.weights:
            found = self._nearest(rows, [_with(found, name, float(w)) for w in GRIDS[name]], found)
        return found

    def _nearest(self, rows: npt.NDArray[np.int64], tried: Sequence[Fusion], start: Fusion) -> Fusion:
        means = [float(self.values(one)[rows].mean()) for one in tried]
        near = [one for one, mean in zip(tried, means, strict=True) if mean >= max(means) - _EQUAL]
        return min(near, key=lambda one: _steps(one, start))


def _with(one: Fusion, weight: str, value: float) -> Fusion:
    return Fusion(**(asdict(one) | {weight: value}))


def _steps(one: Fusion, other: Fusion) -> float:
    gaps = (getattr(one, name) - getattr(other, name) for name in GRIDS)
    return float(sum(map(abs, gaps)))


def usual_trials(candidates: Sequence[Candidates], start: Fusion) -> dict[str, Trial]:
    """What is compared always: the start, words alone, meaning alone, and a fitted weight of both, or of neighbours."""
    return {
        "start": Trial(candidates, fusion=start),
        "keyword": Trial(candidates, fusion=Fusion(0.0, "words alone")),
        "meaning": Trial(candidates, fusion=Fusion(1.0, "meaning alone")),
        "fitted": Trial(candidates, ("meaning",)),
        "neighbours": Trial(candidates, ("neighbours",)),
    }


def choose(trials: Mapping[str, Trial], truth: Truth, start: Fusion, *, seed: int = 0) -> Gate:
    """Compare ways of searching with the one called `start`; the best one that is proven better is kept.

    What is learned is always measured on queries that it was not learned from.
    """
    some = [i for i, known in enumerate(truth) if any(g > 0 for g in known.values())]
    if len(some) < FEWEST:
        why = f"{len(some)} judged queries are too few to learn from; expected {FEWEST} or more"
        return Gate((), len(some), "start", start, why)
    each: dict[str, Floats] = {}
    fusions: dict[str, Fusion] = {}
    for name, trial in trials.items():
        values, fusion = _measured(trial, truth, set(some), start, seed)
        if np.isfinite(values).sum() >= FEWEST:
            each[name], fusions[name] = values, fusion
    return _decided(each, fusions, seed, {name for name, trial in trials.items() if trial.shown})


def _measured(trial: Trial, truth: Truth, some: set[int], start: Fusion, seed: int) -> tuple[Floats, Fusion]:
    """nDCG of each query, NaN where it was not measured, and the weights to use from now on."""
    rows = range(len(truth)) if trial.rows is None else trial.rows
    pairs = [(row, one) for row, one in zip(rows, trial.candidates, strict=True) if row in some]
    found, known = [one for _, one in pairs], [truth[row] for row, _ in pairs]
    values = np.full(len(truth), np.nan)
    if not pairs:
        return values, start
    at = [row for row, _ in pairs]
    tried, start = _Tried(found, known, trial.weights), trial.fusion or start
    if not trial.weights:
        values[at] = tried.values(start)
        return values, start
    values[at] = _held_out(tried, start, seed)
    return values, tried.best(np.arange(len(at)), start)


def _held_out(tried: _Tried, start: Fusion, seed: int) -> Floats:
    """nDCG of each query under the weights fitted on the other folds."""
    fold = folds(len(tried.candidates), seed)
    found = np.zeros(len(fold))
    for one in np.unique(fold):
        asked = fold == one
        fusion = tried.best(np.flatnonzero(~asked) if (~asked).any() else np.flatnonzero(asked), start)
        found[asked] = tried.values(fusion)[asked]
    return found


def folds(queries: int, seed: int) -> npt.NDArray[np.int64]:
    """Which fold each query belongs to, (q,)."""
    return np.random.default_rng(seed).permutation(queries) % FOLDS


def _decided(each: Mapping[str, Floats], fusions: Mapping[str, Fusion], seed: int, shown: Container[str] = ()) -> Gate:
    ways = tuple(_way(name, values, each["start"], seed) for name, values in each.items())
    proven = [w for w in ways if w.gap.low > 0 and w.name not in shown]
    best = max(proven, key=lambda w: w.gap.value, default=ways[0])
    queries = int(np.isfinite(each["start"]).sum())
    if best.name == "start":
        why = f"nothing was proven to be better than the start on {queries:,} held-out queries, so it stays"
    else:
        why = f"{best.name}: nDCG@10 {_signed(best.gap)} on {best.queries:,} held-out queries"
    return Gate(ways, queries, best.name, fusions[best.name], why)


def by_ranks(before: Floats, after: Floats, *, seed: int = 0) -> Gate:
    """The same question for a tuned encoder, by the reciprocal rank (m,) of the one right passage of each question."""
    each = {name: _gains(values) for name, values in (("start", before), ("encoder", after))}
    start = Fusion()
    return _decided(each, {"start": start, "encoder": start}, seed)


def _gains(reciprocal: Floats) -> Floats:
    """nDCG@10 where one answer is right."""
    rank = 1 / reciprocal
    return np.where(rank <= 10, 1 / np.log2(rank + 1), 0.0)


def _way(name: str, values: Floats, start: Floats, seed: int) -> Way:
    measured = np.isfinite(values)
    gap = paired_bootstrap(values[measured], start[measured], seed=seed)
    return Way(name, float(values[measured].mean()), gap, int(measured.sum()))


def _signed(gap: Interval) -> str:
    return f"{gap.value:+.3f} ({gap.low:+.3f} to {gap.high:+.3f})"
