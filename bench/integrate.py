"""End to end: tables in, entities out, against complete gold.

The matcher that ships is retrained without the set and its relatives, so the figure is what a stranger's tables get.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.sets import GoldSet, data_folder, load
from dovetail.integrate.pipeline import Integration, integrate_job
from dovetail.integrate.quality import Quality, estimate
from dovetail.integrate.settings import IntegrateSettings
from dovetail.measure.clusters import b_cubed, pairwise
from dovetail.tasks.match import Matcher
from dovetail.types import finish

if TYPE_CHECKING:
    import numpy.typing as npt

SETS = (
    "e2e-abt-buy",
    "e2e-dblp-acm",
    "e2e-imdb-tmdb",
    "febrl3",
    "musicbrainz-20k",
    "cora",
    "splink-fake-1000",
    "splink-historical-50k",
    "fodors-zagats",
)


def run(set_name: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One object for the set: blocking, pairwise and B-cubed figures, seconds by step."""
    from scripts.train_shipped_matcher import train

    gold = load(set_name, data_folder())
    started = time.perf_counter()
    matcher = (
        train(exclude_families=(gold.family,), seed=0) if not getattr(options, "shipped", False) else Matcher.shipped()
    )
    trained = time.perf_counter() - started
    settings = IntegrateSettings.checked(seed=seed)
    started = time.perf_counter()
    result = finish(integrate_job(gold.tables, settings, matcher=matcher))
    total = time.perf_counter() - started
    yield figures(gold, result) | {
        "seconds": {**result.seconds, "total": round(total, 2)},
        "training": round(trained, 1),
    }


def figures(gold: GoldSet, result: Integration) -> dict[str, Any]:
    """All figures of one run as plain numbers."""
    candidates, cluster = result.candidates, result.clusters.cluster
    left, right = gold.pair_positions()
    kept = np.isin(_keys(left, right), _keys(candidates.left, candidates.right))
    pairs, b3 = pairwise(cluster, gold.cluster_labels()), b_cubed(cluster, gold.cluster_labels())
    stated = estimate(result.decisions, result.clusters, result.plan)
    sizes = np.bincount(result.alignment.records.source)
    per_row = 2 * len(candidates) / len(cluster) if len(sizes) == 1 else len(candidates) / sizes.max()
    return {
        "blocking_recall": round(float(kept.mean()), 4),
        "blocking_recall_stated": round(result.plan.recall.value, 4),
        "blocking_recall_low": round(result.plan.recall.low, 4),
        "blocking_recall_high": round(result.plan.recall.high, 4),
        "candidates_per_row": round(per_row, 2),
        "pairs": len(candidates),
        "precision": round(pairs.precision.value, 4),
        "recall": round(pairs.recall.value, 4),
        "f1": round(pairs.f1.value, 4),
        "b3_f1": round(b3.f1.value, 4),
        **_stated(stated),
        "threshold": round(result.decisions.threshold, 4),
        "clusterer": result.clusters.method,
    }


def _stated(quality: Quality) -> dict[str, float]:
    return {
        f"{name}_stated_{end}": round(getattr(getattr(quality, name), end), 3)
        for name in ("precision", "recall")
        for end in ("low", "high")
    }


def _keys(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    return np.minimum(left, right).astype(np.int64) << 32 | np.maximum(left, right)
