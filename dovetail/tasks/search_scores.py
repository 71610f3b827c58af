"""How good the answers are on judged queries: every measure with its interval, beside words and meaning alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.measure.intervals import bootstrap, paired_bootstrap
from dovetail.measure.ranking import measures_each
from dovetail.tasks.search_fusion import Candidates, Fusion, graded
from dovetail.types import Interval

_DEPTH = 100  # ranks that mean average precision and the reciprocal rank look at
_TIMED, _SECONDS = 200, 2.0  # queries that are timed, and how long at most

Each = Mapping[str, npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Speed:
    """How long a search takes, text in and answers out, one after the other, in milliseconds."""

    p50_ms: float
    p99_ms: float
    queries: int  # that were timed

    def __str__(self) -> str:
        return f"{self.p50_ms:.1f} ms at p50 and {self.p99_ms:.1f} ms at p99, over {self.queries:,} queries"


@dataclass(frozen=True)
class SearchScores:
    """Measures of one way of searching over some judged queries.

    `measures` has precision, recall, F1 and nDCG at k, MRR and MAP, each with its 95 % interval over the queries;
    `gaps` the difference in nDCG to words alone and to meaning alone, paired by query.
    """

    queries: int
    k: int
    measures: dict[str, Interval]
    gaps: dict[str, Interval]
    learned: int = 0  # of the queries whose judgements the searcher remembers: these flatter it
    speed: Speed | None = None
    index_mb: float | None = None  # megabytes on disk

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        found: dict[str, Any] = {"queries": self.queries, "k": self.k, "learned": self.learned}
        for name, value in (*self.measures.items(), *((f"gap_{n}", g) for n, g in self.gaps.items())):
            found |= {name: value.value, f"{name}_low": value.low, f"{name}_high": value.high}
        found |= {} if self.speed is None else {"p50_ms": self.speed.p50_ms, "p99_ms": self.speed.p99_ms}
        return found | ({} if self.index_mb is None else {"index_mb": self.index_mb})

    def to_lines(self) -> list[str]:
        """As a person reads it."""
        lines = [f"{self.queries:,} judged queries"]
        if self.learned:
            lines.append(f"{self.learned:,} of them taught this searcher, so that the figures flatter it")
        lines += [f"{name:<13} {_shown(value)}" for name, value in self.measures.items()]
        lines += [
            f"nDCG against {name} alone: {g.value:+.3f} ({g.low:+.3f} to {g.high:+.3f})"
            for name, g in self.gaps.items()
        ]
        return lines + self.cost()

    def cost(self) -> list[str]:
        """Time and room in words, where they were measured."""
        said = [] if self.speed is None else [f"a query takes {self.speed}"]
        return said + ([] if self.index_mb is None else [f"the index takes {self.index_mb:,.1f} MB on disk"])


def timed(ask: Callable[[str], object], queries: Sequence[str]) -> Speed:
    """The time of each of the first queries, for two seconds at most; the very first one is not counted."""
    found: list[float] = []
    began = time.perf_counter()
    for query in [queries[0], *queries[:_TIMED]]:
        start = time.perf_counter()
        ask(query)
        found.append((time.perf_counter() - start) * 1000)
        if len(found) > 1 and time.perf_counter() - began > _SECONDS:
            break
    p50, p99 = np.percentile(found[1:], [50, 99])
    return Speed(float(p50), float(p99), len(found) - 1)


def _shown(value: Interval) -> str:
    return f"{value.value:.3f} ({value.low:.3f} to {value.high:.3f})"


def scored(
    candidates: Sequence[Candidates],
    truth: Sequence[Mapping[int, float]],
    fusion: Fusion,
    *,
    k: int = 10,
    seed: int = 0,
) -> SearchScores:
    """The scores of a fusion on judged queries; those without a relevant document are left out."""
    some = [i for i, known in enumerate(truth) if any(g > 0 for g in known.values())]
    candidates, truth = [candidates[i] for i in some], [truth[i] for i in some]
    own = measured(candidates, truth, fusion, k)
    others = {"keyword": Fusion(0.0), "meaning": Fusion(1.0)}
    n, last = len(some), f"ndcg_{k}"
    if not n:
        return SearchScores(0, k, {}, {})
    measures = {name: _interval(values, seed) for name, values in own.items()}
    gaps = {
        name: paired_bootstrap(own[last], measured(candidates, truth, other, k)[last], seed=seed)
        for name, other in others.items()
    }
    return SearchScores(n, k, measures, gaps)


def measured(candidates: Sequence[Candidates], truth: Sequence[Mapping[int, float]], fusion: Fusion, k: int) -> Each:
    """Every measure of each query, (q,)."""
    ideal = [np.array(list(known.values())) for known in truth]
    return measures_each(graded(candidates, fusion, truth, max(_DEPTH, k)), k, ideal=ideal)


def _interval(values: npt.NDArray[np.float64], seed: int) -> Interval:
    return bootstrap(lambda at: float(values[at].mean()), len(values), seed=seed)
