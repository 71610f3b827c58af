"""From a finished integration to what its report shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.explain.clusters import weakest_clusters
from dovetail.integrate.quality import CALIBRATION_SHIFT
from dovetail.jobs.outputs import review_rows
from dovetail.reports.data import (
    BlockingFacts,
    Curve,
    Example,
    QualityFacts,
    ReportData,
    SourceFacts,
    Verdict,
    WeakEntity,
)
from dovetail.types import Candidates, Table

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.integrate.pipeline import Integration
    from dovetail.integrate.quality import Quality
    from dovetail.types import BlockPlan, Clusters, Decisions, Fused, Records

_BINS = 25
_THRESHOLDS = 51
_EACH = 4  # examples of each verdict
_SAMPLE_ROWS, _SAMPLE_COLUMNS = 8, 10
_WEAK = 5


def report_data(
    tables: Sequence[Table], integration: Integration, quality: Quality, run: Mapping[str, Any]
) -> ReportData:
    """Gather what the page shows; `run` holds the facts of the run as they go into run.json."""
    decisions, clusters, plan = integration.decisions, integration.clusters, integration.plan
    edges = np.linspace(0.0, 1.0, _BINS + 1)
    columns, sample = _sample(integration.fused.table, clusters)
    return ReportData(
        title=", ".join(t.name for t in tables),
        sources=_sources(tables, run),
        attributes=integration.alignment.records.attributes,
        blocking=BlockingFacts(
            plan.k_lexical, plan.k_encoder, len(decisions.candidates), plan.recall, "estimated", plan.why
        ),
        matcher=decisions.matcher,
        threshold=decisions.threshold,
        review_low=decisions.review_low,
        review_high=decisions.review_high,
        quality=_quality(quality),
        score_edges=edges,
        score_counts=np.histogram(decisions.score, bins=edges)[0].astype(np.int32),
        curve=estimated_curve(decisions, plan),
        matches=int((decisions.score >= decisions.threshold).sum()),
        uncertain=int(run.get("review_pairs", 0)),
        entities=len(clusters.names),
        cluster_method=clusters.method,
        cluster_why=clusters.why,
        cluster_sizes=_sizes(clusters),
        conflicts=integration.fused.conflicts,
        fuse_rules=_rules(integration.fused),
        sample_columns=columns,
        sample=sample,
        examples=_examples(integration),
        weak=_weak(integration.alignment.records, clusters, decisions),
        seconds=integration.seconds,
        settings=run.get("settings", {}),
        versions=_versions(run),
        seed=int(run.get("seed", 0)),
        peak_mb=run.get("peak_mb"),
        made=str(run.get("finished", "")),
        warnings=tuple(run.get("warnings", ())),
    )


def _sources(tables: Sequence[Table], run: Mapping[str, Any]) -> tuple[SourceFacts, ...]:
    hashes = {s["name"]: s.get("hash", "") for s in run.get("sources", ())}
    return tuple(SourceFacts(t.name, len(t), len(t.columns), len(t.rejects), hashes.get(t.name, "")) for t in tables)


def _quality(quality: Quality) -> QualityFacts:
    basis = "measured" if quality.basis == "measured" else "estimated"
    return QualityFacts(quality.precision, quality.recall, quality.f1, basis, quality.pairs)  # type: ignore[arg-type]


def _versions(run: Mapping[str, Any]) -> dict[str, str]:
    own = {name: str(run[name]) for name in ("dovetail", "python") if name in run}
    return own | {name: str(version) for name, version in run.get("packages", {}).items()}


def estimated_curve(decisions: Decisions, plan: BlockPlan) -> Curve | None:
    """Precision and recall that the scores promise for other thresholds, or None without pairs.

    The bands hold an error of the calibration as a whole and the interval of the blocking recall.
    """
    if not len(decisions.score):
        return None
    at = np.linspace(0.0, 1.0, _THRESHOLDS)
    ascending = np.sort(decisions.score)
    above = len(ascending) - np.searchsorted(ascending, at)
    shares = [_promised(ascending, above, shift) for shift in (0.0, -CALIBRATION_SHIFT, CALIBRATION_SHIFT)]
    precision, recall = (np.stack([s[part] for s in shares]) for part in (0, 1))
    low, high = recall.min(0) * plan.recall.low, recall.max(0) * plan.recall.high
    return Curve(
        at, precision[0], recall[0] * plan.recall.value, precision.min(0), precision.max(0), low, high, "estimated"
    )


def _promised(
    ascending: npt.NDArray[np.float64], above: npt.NDArray[np.int64], shift: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Expected precision (NaN where nothing is accepted) and recall of the `above` best pairs."""
    p = np.clip(ascending, 1e-6, 1 - 1e-6)
    moved = 1 / (1 + np.exp(-(np.log(p / (1 - p)) + shift)))
    expected = np.concatenate([[0.0], np.cumsum(moved[::-1])])[above]
    precision = np.where(above > 0, expected / np.maximum(above, 1), np.nan)
    return precision, expected / max(float(moved.sum()), 1e-9)


def _sizes(clusters: Clusters) -> dict[int, int]:
    sizes, counts = np.unique(np.bincount(clusters.cluster), return_counts=True)
    return dict(zip(sizes.tolist(), counts.tolist(), strict=True))


def _rules(fused: Fused) -> dict[str, str]:
    used = fused.provenance.select(["column", "rule"]).unify_dictionaries().group_by(["column", "rule"]).aggregate([])
    rules: dict[str, list[str]] = {}
    for column, rule in zip(used["column"].to_pylist(), used["rule"].to_pylist(), strict=True):
        rules.setdefault(str(column), []).append(str(rule))
    return {column: " / ".join(sorted(names)) for column, names in rules.items()}


def _sample(table: pa.Table, clusters: Clusters) -> tuple[tuple[str, ...], tuple[tuple[str | None, ...], ...]]:
    """The first merged rows of several records, or the first rows where none was merged."""
    merged = np.flatnonzero(np.bincount(clusters.cluster, minlength=table.num_rows)[: table.num_rows] > 1)
    rows = merged[:_SAMPLE_ROWS] if len(merged) else np.arange(min(_SAMPLE_ROWS, table.num_rows))
    names = tuple(table.column_names[:_SAMPLE_COLUMNS])
    cells = [pc.cast(table[name].take(pa.array(rows)), pa.string()).to_pylist() for name in names]
    return names, tuple(zip(*cells, strict=True))


def _examples(integration: Integration) -> tuple[Example, ...]:
    chosen = [(v, row) for v, rows in _chosen(integration).items() for row in rows]
    if not chosen:
        return ()
    pairs, records = integration.decisions.candidates, integration.alignment.records
    rows = np.array([row for _, row in chosen])
    asked = Candidates(pairs.left[rows], pairs.right[rows])
    explained = integration.matcher.contributions(
        integration.compared, asked, context=pairs, shift=integration.decisions.shift
    )
    return tuple(
        Example(verdict, named(records, e.left), named(records, e.right), e)
        for (verdict, _), e in zip(chosen, explained, strict=True)
    )


def _chosen(integration: Integration) -> dict[Verdict, npt.NDArray[Any]]:
    """Candidates to show: matched ones from the surest to the least sure, the best to review, the best refused."""
    decisions, cluster = integration.decisions, integration.clusters.cluster
    pairs, score = decisions.candidates, decisions.score
    order = np.argsort(-score, kind="stable")
    together = (cluster[pairs.left] == cluster[pairs.right])[order]
    sure = order[together & (score[order] >= max(decisions.threshold, decisions.review_high))]
    refused = order[~together & (score[order] < min(decisions.threshold, decisions.review_low))]
    spread = np.unique(np.linspace(0, max(len(sure) - 1, 0), _EACH).round().astype(int))
    return {
        "matched": sure[spread[: len(sure)]],
        "uncertain": review_rows(integration)[:_EACH],
        "refused": refused[:_EACH],
    }


def named(records: Records, position: int) -> str:
    """`source:id` of a record."""
    return f"{records.sources[records.source[position]]}:{records.ids[position].as_py()}"


def _weak(records: Records, clusters: Clusters, decisions: Decisions) -> tuple[WeakEntity, ...]:
    """Entities of three or more records that an uncertain pair holds together."""
    found: list[WeakEntity] = []
    for one in weakest_clusters(clusters, decisions, most=10 * _WEAK):
        if one.weakest is None or one.parts is None or len(one.members) < 3:
            continue
        if one.weakest.score > decisions.review_high or len(found) >= _WEAK:
            break
        link, parts = one.weakest, (len(one.parts[0]), len(one.parts[1]))
        ends = named(records, link.left), named(records, link.right)
        name = str(clusters.names[one.cluster].as_py())
        found.append(WeakEntity(name, len(one.members), one.mean_score, *ends, link.score, parts))
    return tuple(found)
