"""The workspace at a glance, and what would help most now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dovetail.serve.wire_data import ColumnInfo, TableInfo
from dovetail.serve.wire_model import Advice, ClusterCounts, Home, LabelCounts

if TYPE_CHECKING:
    from dovetail.serve.tables import View
    from dovetail.serve.workbench import Workbench

_FIRST = 25  # labels that make a first training worth while


def table_info(view: View, *, indexed: bool) -> TableInfo:
    """A table as it is listed."""
    columns = [ColumnInfo(name=name, kind=view.kinds[name]) for name in view.columns]
    return TableInfo(table=view.name, rows=len(view), columns=columns, origin=view.origin, indexed=indexed)


def tables(bench: Workbench) -> list[TableInfo]:
    """All tables."""
    return [table_info(v, indexed=bench.indexes.of(v).ready) for v in bench.tables.all().values()]


def home(bench: Workbench) -> Home:
    """Everything at a glance."""
    bench.ledger.refresh()
    sessions, found = bench.sessions.listed(5), tables(bench)
    return Home(
        workspace=bench.name,
        tables=found,
        labels=label_counts(bench),
        models=bench.models.listed(),
        clusters=cluster_counts(bench),
        advice=advice(bench, found),
        sessions=sessions,
        jobs=bench.jobs.listed(active=True),
    )


def label_counts(bench: Workbench) -> LabelCounts:
    """Labels that count, by shape."""
    by = {"pair": 0, "class": 0, "group": 0, "judgement": 0}
    for (shape, _), number in bench.ledger.counts.items():
        by[shape] = by.get(shape, 0) + number
    return LabelCounts(
        pair=by["pair"],
        classes=by["class"],
        group=by["group"],
        judgement=by["judgement"],
        people=bench.ledger.people(),
    )


def cluster_counts(bench: Workbench) -> ClusterCounts | None:
    """Entities, those of several records, and those that hang together weakly."""
    clusters, decisions = bench.decided()
    if clusters is None or decisions is None:
        return None
    sizes = np.bincount(clusters.cluster)
    pairs = decisions.candidates
    same = clusters.cluster[pairs.left] == clusters.cluster[pairs.right]
    weak = np.unique(clusters.cluster[pairs.left][same & (decisions.score < decisions.threshold)])
    return ClusterCounts(entities=len(clusters.names), merged=int((sizes > 1).sum()), weak=len(weak))


def advice(bench: Workbench, found: list[TableInfo]) -> list[Advice]:
    """What would help most now, the strongest first."""
    models = bench.models.listed()
    if not found and models:
        names = models[0].model if len(models) == 1 else f"{len(models)} models"
        return [Advice(what="use_model", sentence=f"Try {names} on something new.")]
    if not found:
        return [Advice(what="add_table", sentence="There is no table yet: add one with --add FILE.")]
    some: list[Advice] = []
    pairs = bench.ledger.counts["pair", ""]
    _, decisions = bench.decided()
    if decisions is not None:
        unsure = int(((decisions.score >= decisions.review_low) & (decisions.score <= decisions.review_high)).sum())
        first = f"{unsure:,} pairs are uncertain"
        if pairs < _FIRST:
            sentence = f"{first}; {_FIRST - pairs} more answers and the matcher learns from them."
        else:
            sentence = f"{first}; {pairs:,} were judged so far, and each 25 more are learned from at once."
        some.append(Advice(what="label_pairs", sentence=sentence, kind="pair", table="records"))
    if decisions is not None and pairs >= 2 * _FIRST:
        some.append(Advice(what="fit", sentence=f"{pairs:,} answers are enough to train a matcher to keep."))
    if bench.ledger.people() > 1 and bench.split():
        split = bench.split()
        said = f"People disagree on {split:,} {'question' if split == 1 else 'questions'}: settle first, then go on."
        some.insert(0, Advice(what="settle_conflicts", sentence=said))
    weak = cluster_counts(bench)
    if weak is not None and weak.weak:
        some.append(Advice(what="look_at_clusters", sentence=f"{weak.weak:,} entities hang together by a weak link."))
    table = next((t for t in found if t.origin == "added"), found[0])
    some.append(
        Advice(
            what="label_similar",
            sentence=f"Group the rows of {table.table} that belong together, many at a glance.",
            kind="group",
            table=table.table,
        )
    )
    some.append(
        Advice(
            what="label_classes",
            sentence=f"Sort the rows of {table.table} into classes.",
            kind="class",
            table=table.table,
        )
    )
    return some
