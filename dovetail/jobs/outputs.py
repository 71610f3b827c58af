"""The result as files: merged table, matches, clusters, provenance and the pairs to review."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.integrate.pipeline import Integration
from dovetail.tables.write import write
from dovetail.types import Explanation

if TYPE_CHECKING:
    from dovetail.types import Ints, Records

REVIEW_ROWS = 1_000
_PER_RECORD = 3  # how often one record may stand in the review queue: the second look at it teaches little


def matches_table(integration: Integration) -> pa.Table:
    """Every pair that was scored as a match or stands within one entity, best first.

    Columns: left_source, left_id, right_source, right_id, score, same_entity.
    """
    decisions, cluster = integration.decisions, integration.clusters.cluster
    pairs = decisions.candidates
    together = cluster[pairs.left] == cluster[pairs.right]
    kept = np.flatnonzero(together | (decisions.score >= decisions.threshold))
    order = kept[np.argsort(-decisions.score[kept], kind="stable")]
    columns = _ends(integration.alignment.records, pairs.left[order], pairs.right[order])
    return pa.table(columns | {"score": pa.array(decisions.score[order]), "same_entity": pa.array(together[order])})


def clusters_table(integration: Integration) -> pa.Table:
    """One row a record: cluster_id, source, id."""
    records, clusters = integration.alignment.records, integration.clusters
    order = np.argsort(clusters.cluster, kind="stable")
    return pa.table(
        {
            "cluster_id": clusters.names.take(pa.array(clusters.cluster[order])),
            "source": _source_names(records, order),
            "id": records.ids.take(pa.array(order)),
        }
    )


def review_rows(integration: Integration) -> Ints:
    """Which candidate pairs a person should look at, most useful first: positions among the candidates.

    Useful are pairs whose score is close to the line, or whose score and entity disagree; one record stands
    in few of them. A pair that a person has judged is not asked again.
    """
    decisions, cluster = integration.decisions, integration.clusters.cluster
    pairs, score = decisions.candidates, decisions.score
    together = cluster[pairs.left] == cluster[pairs.right]
    torn = together != (score >= decisions.threshold)
    uncertain = (score >= decisions.review_low) & (score <= decisions.review_high)
    rows = np.flatnonzero((uncertain | (torn & (score >= decisions.review_low))) & ~_judged(integration))
    distance = np.abs(_log_odds(score[rows]) - _log_odds(np.array([decisions.threshold]))) - 0.5 * torn[rows]
    rows = rows[np.argsort(distance, kind="stable")]
    return rows[_seldom(pairs.left[rows], pairs.right[rows])][:REVIEW_ROWS].astype(np.int32)


def review_table(integration: Integration, rows: Ints, explanations: tuple[Explanation, ...]) -> pa.Table:
    """The review queue with an empty `label` to fill in (match, not or unsure), both records and the reason."""
    records, decisions = integration.alignment.records, integration.decisions
    left, right = decisions.candidates.left[rows], decisions.candidates.right[rows]
    columns: dict[str, Any] = _ends(records, left, right)
    columns["score"] = pa.array(np.round(decisions.score[rows], 4))
    columns["label"] = pa.nulls(len(rows), pa.string())
    columns["why"] = pa.array([in_a_line(e) for e in explanations], pa.string())
    for attribute in records.attributes:
        if attribute.shared:
            cells = records.original[attribute.name]
            columns[f"left: {attribute.name}"] = cells.take(pa.array(left))
            columns[f"right: {attribute.name}"] = cells.take(pa.array(right))
    return pa.table(columns)


def in_a_line(explanation: Explanation, most: int = 3) -> str:
    """The strongest reasons for and against, in one line: `name +2.1, price −0.8`."""
    strongest = sorted(explanation.evidence, key=lambda e: -abs(e.importance))[:most]
    return ", ".join(f"{e.name} {'+' if e.importance >= 0 else '−'}{abs(e.importance):.1f}" for e in strongest)


def write_results(folder: Path, integration: Integration, review: pa.Table, *, guard: bool = False) -> dict[str, str]:
    """Write every result table into `folder`; gives name and path of each."""
    tables = {
        "merged.parquet": integration.fused.table,
        "merged.csv": integration.fused.table,
        "matches.parquet": (matches := matches_table(integration)),
        "matches.csv": matches,
        "clusters.csv": clusters_table(integration),
        "provenance.parquet": integration.fused.provenance,
        "review.csv": review,
    }
    return {name: str(write(table, folder / name, guard_formulas=guard)) for name, table in tables.items()}


def _ends(records: Records, left: Ints, right: Ints) -> dict[str, Any]:
    return {
        "left_source": _source_names(records, left),
        "left_id": records.ids.take(pa.array(left)),
        "right_source": _source_names(records, right),
        "right_id": records.ids.take(pa.array(right)),
    }


def _source_names(records: Records, rows: npt.NDArray[Any]) -> pa.Array:
    return pc.take(pa.array(records.sources), pa.array(records.source[rows]))


def _judged(integration: Integration) -> npt.NDArray[np.bool_]:
    pairs, said, size = integration.decisions.candidates, integration.judged, len(integration.alignment.records)
    if said is None:
        return np.zeros(len(pairs), bool)
    asked, known = (
        np.minimum(p.left, p.right).astype(np.int64) * size + np.maximum(p.left, p.right) for p in (pairs, said.pairs)
    )
    return np.isin(asked, known)


def _seldom(left: Ints, right: Ints) -> npt.NDArray[np.bool_]:
    """Which pairs to keep, in order, so that no record stands in more than `_PER_RECORD` of them."""
    seen: dict[int, int] = {}
    keep = np.zeros(len(left), bool)
    kept = 0
    for row, (a, b) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        if kept >= REVIEW_ROWS:
            break
        if seen.get(a, 0) < _PER_RECORD and seen.get(b, 0) < _PER_RECORD:
            seen[a], seen[b] = seen.get(a, 0) + 1, seen.get(b, 0) + 1
            keep[row] = True
            kept += 1
    return keep


def _log_odds(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(p / (1 - p)))
