"""Do no harm: ways of searching are compared on held-out queries, and only a proven gain is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.measure.intervals import paired_bootstrap
from dovetail.tasks.search_fusion import Candidates, Fusion, ndcg_of
from dovetail.types import Interval

_FOLDS = 5
_FEWEST = 10  # queries with a relevant document; below, nothing is learned from them
_GRID = np.round(np.linspace(0, 1, 21), 2)
_EQUAL = 0.002  # nDCG: a weight nearer to the default is preferred to this much more on the training queries

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Way:
    """One way of searching on held-out queries: its nDCG@10, and how far it is from the way without judgements."""

    name: str
    ndcg_10: float
    gap: Interval  # to the start, paired by query


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
        ways = [f"{w.name:<10} nDCG@10 {w.ndcg_10:.3f}, {_signed(w.gap)} to the start" for w in self.ways]
        return [f"kept: {self.kept}. {self.why}", *ways]

    @classmethod
    def from_dict(cls, note: Mapping[str, Any]) -> Gate:
        """What `to_dict` gave."""
        ways = tuple(Way(w["name"], w["ndcg_10"], Interval(**w["gap"])) for w in note["ways"])
        return cls(ways, note["queries"], note["kept"], Fusion(**note["chosen"]), note["why"])


def best_fusion(candidates: Sequence[Candidates], truth: Sequence[dict[int, float]], start: Fusion) -> Fusion:
    """The weight with the best mean nDCG@10 over some queries; of almost equal ones that nearest to the start."""
    table = {w: float(ndcg_of(candidates, Fusion(float(w)), truth).mean()) for w in _GRID}
    most = max(table.values())
    near = min((w for w in _GRID if table[w] >= most - _EQUAL), key=lambda w: abs(w - start.meaning))
    return Fusion(float(near), f"the weight that did best on {len(candidates):,} judged queries")


Tuned = Callable[[list[int], list[int]], Sequence[Candidates]]
"""Queries to learn from, and queries to answer, by position; gives the candidates of the latter after tuning."""


def choose(
    candidates: Sequence[Candidates],
    truth: Sequence[dict[int, float]],
    start: Fusion,
    *,
    tuned: Tuned | None = None,
    seed: int = 0,
) -> Gate:
    """Compare the start with words alone, meaning alone, fitted weights, and these after tuning.

    What is learned is always measured on queries that it was not learned from.
    """
    some = [i for i, known in enumerate(truth) if any(g > 0 for g in known.values())]
    candidates, truth = [candidates[i] for i in some], [truth[i] for i in some]
    if len(some) < _FEWEST:
        why = f"{len(some)} judged queries are too few to learn from; expected {_FEWEST} or more"
        return Gate((), len(some), "start", start, why)
    fixed = {"start": start, "keyword": Fusion(0.0, "words alone"), "meaning": Fusion(1.0, "meaning alone")}
    each = {name: ndcg_of(candidates, fusion, truth) for name, fusion in fixed.items()}
    each["fitted"] = _held_out(candidates, truth, start, seed)
    fixed["fitted"] = best_fusion(candidates, truth, start)
    if tuned is not None:

        def positions(taught: list[int], asked: list[int]) -> Sequence[Candidates]:
            return tuned([some[i] for i in taught], [some[i] for i in asked])

        each["tuned"] = _held_out(candidates, truth, start, seed, positions)
        fixed["tuned"] = fixed["fitted"]
    return _decided(each, fixed, seed)


def _held_out(
    candidates: Sequence[Candidates],
    truth: Sequence[dict[int, float]],
    start: Fusion,
    seed: int,
    tuned: Tuned | None = None,
) -> Floats:
    """nDCG of each query under the weight fitted on the other folds, and after tuning on them."""
    fold = np.random.default_rng(seed).permutation(len(candidates)) % _FOLDS
    found = np.zeros(len(candidates))
    for one in range(_FOLDS):
        taught, asked = np.flatnonzero(fold != one).tolist(), np.flatnonzero(fold == one).tolist()
        fusion = best_fusion([candidates[i] for i in taught], [truth[i] for i in taught], start)
        answers = tuned(taught, asked) if tuned else [candidates[i] for i in asked]
        found[asked] = ndcg_of(answers, fusion, [truth[i] for i in asked])
    return found


def _decided(each: Mapping[str, Floats], fusions: Mapping[str, Fusion], seed: int) -> Gate:
    gaps = {name: paired_bootstrap(values, each["start"], seed=seed) for name, values in each.items()}
    ways = tuple(Way(name, float(values.mean()), gaps[name]) for name, values in each.items())
    proven = [w for w in ways if w.gap.low > 0]
    best = max(proven, key=lambda w: w.ndcg_10, default=ways[0])
    queries = len(each["start"])
    if best.name == "start":
        why = f"nothing was proven to be better than the start on {queries:,} held-out queries, so it stays"
    else:
        why = f"{best.name}: nDCG@10 {_signed(best.gap)} on {queries:,} held-out queries"
    return Gate(ways, queries, best.name, fusions[best.name], why)


def _signed(gap: Interval) -> str:
    return f"{gap.value:+.3f} ({gap.low:+.3f} to {gap.high:+.3f})"
