"""Integrate and dedupe: from files or tables to one clean table, a folder of results and a report."""

from __future__ import annotations

import platform
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dovetail.errors import InputError
from dovetail.integrate.pipeline import Forgetful, Integration, StepStore, integrate_job
from dovetail.integrate.quality import Quality, estimate, measure
from dovetail.integrate.settings import IntegrateSettings
from dovetail.jobs.judgements import judgements, with_judgements
from dovetail.jobs.outputs import clusters_table, matches_table, review_rows, review_table, write_results
from dovetail.jobs.present import report_data
from dovetail.reports.page import render
from dovetail.tables.atomic import replace_file
from dovetail.tables.fingerprint import data_hash
from dovetail.tables.headers import header_doubt
from dovetail.tables.pairs import read_pairs
from dovetail.tables.read import read
from dovetail.tables.rejects import write_rejects
from dovetail.tables.rowid import with_plain_id
from dovetail.types import Job, Pairs, Progress, Table, finish
from dovetail.version import __version__
from dovetail.workspace import Workspace, write_json

_ALIGNED = 2  # form of comparable texts: from 2 on each source writes dates and decimals in its own way
_FUSED = 2  # form of what fusing gives: from 2 on provenance names all that lost, with reasons

Source = str | Path | Table | Any  # a path, a URL, or a pandas, polars or Arrow table


@dataclass(frozen=True)
class Merged:
    """One clean table and all that led to it.

    `table` has one row an entity, `matches` the accepted pairs, `clusters` one row a record, `provenance` one
    row a cell, `review` the uncertain pairs; `quality` says how good it is and whether that was measured.
    """

    table: pa.Table
    matches: pa.Table
    clusters: pa.Table
    provenance: pa.Table
    review: pa.Table
    quality: Quality
    report: str  # HTML
    run: Mapping[str, Any]  # settings, versions, data hashes, seed, timings, numbers
    folder: Path | None = None


@dataclass(frozen=True)
class Request:
    """What a person asked for."""

    sources: Sequence[Source]
    settings: IntegrateSettings
    labels: Source | Pairs | None = None
    truth: Source | Pairs | None = None
    out: str | Path | None = None
    id: str | None = None
    strict: bool = False


def integrate(
    *sources: Source,
    labels: Source | Pairs | None = None,
    truth: Source | Pairs | None = None,
    out: str | Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    **settings: Any,
) -> Merged:
    """Match and merge the rows of several tables, or of one.

    `labels` are judged pairs to learn from, `truth` a complete list of matches to measure against, `out` a folder
    for the results. Further settings are those of `IntegrateSettings`, and `id` and `strict` as in `read`; an
    unknown one raises `InputError`.
    """
    if not sources:
        raise InputError("no table was given; name at least one file, folder, database or table")
    row_id, strict = settings.pop("id", None), bool(settings.pop("strict", False))
    request = Request(sources, IntegrateSettings.checked(**settings), labels, truth, out, row_id, strict)
    return finish(merge_job(request), on_progress)


def dedupe(
    source: Source,
    *,
    labels: Source | Pairs | None = None,
    truth: Source | Pairs | None = None,
    out: str | Path | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    **settings: Any,
) -> Merged:
    """Find and merge the duplicates inside one table; arguments as for `integrate`."""
    return integrate(source, labels=labels, truth=truth, out=out, on_progress=on_progress, **settings)


def merge_job(request: Request) -> Job[Merged]:
    """The whole job with progress: read, integrate, measure, write."""
    if request.out is None:
        merged = yield from _merge(request, Forgetful(), None)
        return merged
    workspace = Workspace(request.out)
    with workspace.locked():
        merged = yield from _merge(request, None, workspace)
    return merged


def _merge(request: Request, store: StepStore | None, workspace: Workspace | None) -> Job[Merged]:
    start = time.perf_counter()
    tables = yield from _read_all(request)
    labels = None if request.labels is None else read_pairs(request.labels)
    truth = None if request.truth is None else read_pairs(request.truth, labelled=False)
    hashes = {t.name: data_hash(t) for t in tables}
    if workspace is not None:
        judgements(workspace.folder)  # refuses now, not after hours, a review.csv that would be lost
        guard = request.settings.guard_formulas
        write_rejects(tables, workspace.folder / "rejects.csv", guard_formulas=guard)
        steps = workspace.steps(steps_inputs(request.settings, hashes, labels))
        steps.sweep()
        if labels is None:
            steps.drop("fit")
        store = steps
    integration = yield from integrate_job(tables, request.settings, labels=labels, truth=truth, store=store)
    yield Progress("report", 0, 1)
    merged = assemble(request, tables, integration, hashes, truth=truth, start=start)
    if workspace is not None:
        merged = publish(workspace, integration, merged)
    yield Progress("report", 1, 1)
    return merged


def _read_all(request: Request) -> Job[list[Table]]:
    tables: list[Table] = []
    for position, source in enumerate(request.sources):
        yield Progress("read", position, len(request.sources), str(source) if isinstance(source, str | Path) else "")
        table = with_plain_id(read(source, id=request.id, strict=request.strict), request.id)
        tables.append(_renamed(table, [t.name for t in tables]))
    yield Progress("read", len(request.sources), len(request.sources), f"{sum(map(len, tables)):,} rows")
    return tables


def _renamed(table: Table, taken: Sequence[str]) -> Table:
    name, count = table.name, 2
    while name in taken:
        name, count = f"{table.name} {count}", count + 1
    return table if name == table.name else replace(table, name=name)


def steps_inputs(settings: IntegrateSettings, hashes: Mapping[str, str], labels: Pairs | None) -> dict[str, object]:
    """What goes into each step beside the steps before it."""
    said = settings.model_dump()
    judged = None
    if labels is not None:
        ends = (labels.left_source, labels.left_ids, labels.right_source, labels.right_ids)
        judged = [*(None if end is None else end.to_pylist() for end in ends), labels.label]
    return {
        "align": [hashes, said["mapping"], _ALIGNED],
        "plan": [said[k] for k in ("recall", "max_pairs", "memory", "within", "seed")],
        "fit": judged,
        "match": [said["threshold"], said["precision"], judged],
        "cluster": said["clusterer"],
        "fuse": [said["rules"], said["trust"], _FUSED],
    }


def _quality(integration: Integration, truth: Pairs | None) -> Quality:
    if truth is not None:
        return measure(integration.alignment.records, integration.clusters, truth)
    return estimate(integration.decisions, integration.clusters, integration.plan)


def assemble(
    request: Request,
    tables: Sequence[Table],
    integration: Integration,
    hashes: Mapping[str, str],
    *,
    truth: Pairs | None = None,
    start: float | None = None,
) -> Merged:
    """All results of a finished integration, with its report; `start` is when it began, as `perf_counter` has it."""
    start = time.perf_counter() if start is None else start
    quality = _quality(integration, truth)
    rows = review_rows(integration)
    pairs = integration.decisions.candidates
    asked = type(pairs)(pairs.left[rows], pairs.right[rows])
    explained = integration.matcher.contributions(
        integration.compared, asked, context=pairs, shift=integration.decisions.shift
    )
    review = review_table(integration, rows, explained)
    if request.out is not None:
        review = with_judgements(review, judgements(Path(request.out)))
    run = _run_facts(request, tables, integration, quality, hashes) | {
        "review_pairs": _unjudged(review, len(rows)),
        "seconds_total": round(time.perf_counter() - start, 3),
    }
    page = render(report_data(tables, integration, quality, run))
    return Merged(
        table=integration.fused.table,
        matches=matches_table(integration),
        clusters=clusters_table(integration),
        provenance=integration.fused.provenance,
        review=review,
        quality=quality,
        report=page,
        run=run,
    )


def _unjudged(review: pa.Table, asked: int) -> int:
    """How many of the pairs asked about have no label; they stand first."""
    return asked - int(pc.count(review["label"].slice(0, asked)).as_py())


def _run_facts(
    request: Request,
    tables: Sequence[Table],
    integration: Integration,
    quality: Quality,
    hashes: Mapping[str, str],
) -> dict[str, Any]:
    decisions, clusters = integration.decisions, integration.clusters
    return {
        "format": 1,
        "dovetail": __version__,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("pyarrow", "numpy", "lightgbm", "rapidfuzz", "scipy")},
        "settings": request.settings.model_dump(),
        "seed": request.settings.seed,
        "sources": [
            {"name": t.name, "rows": len(t), "rejects": len(t.rejects), "hash": hashes[t.name]} for t in tables
        ],
        "warnings": [
            *(note for t in tables for note in t.notes),
            *(f"{t.name}: {doubt}" for t in tables if (doubt := header_doubt(t))),
            *integration.notes,
        ],
        "columns": {a.name: list(a.columns) for a in integration.alignment.records.attributes},
        "seconds": dict(integration.seconds),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "pairs": len(decisions.candidates),
        "blocking_recall": integration.plan.recall,
        "matcher": decisions.matcher,
        "threshold": decisions.threshold,
        "review_band": [decisions.review_low, decisions.review_high],
        "matches": int((decisions.score >= decisions.threshold).sum()),
        "entities": len(clusters.names),
        "clusterer": clusters.method,
        "clusterer_why": clusters.why,
        "quality": quality,
    }


def publish(workspace: Workspace, integration: Integration, merged: Merged) -> Merged:
    """Write the results and the report into a workspace."""
    guard = bool(merged.run["settings"].get("guard_formulas"))
    files = write_results(workspace.folder, integration, merged.review, guard=guard)
    with replace_file(workspace.folder / "report.html") as beside:
        Path(beside).write_text(merged.report, encoding="utf-8")
    run = dict(merged.run) | {"files": [*files, "report.html"]}
    write_json(workspace.folder / "run.json", run)
    return Merged(**{**vars(merged), "run": run, "folder": workspace.folder})
