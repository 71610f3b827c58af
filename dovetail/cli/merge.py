"""`dovetail integrate` and `dovetail dedupe`: run the job, then say what came out."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dovetail.cli.progress import shown
from dovetail.integrate.quality import Quality
from dovetail.jobs.merge import Merged, integrate
from dovetail.measure.percent import within
from dovetail.reports.words import plural
from dovetail.types import Interval


def run_merge(
    sources: Sequence[str],
    settings: Mapping[str, Any],
    labels: str | None,
    truth: str | None,
    out: Path,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run one merge and print its result: text, or with `as_json` one JSON object."""
    with shown(quiet or as_json) as show:
        merged = integrate(*sources, labels=labels, truth=truth, out=out, on_progress=show, **settings)
    if as_json:
        from dovetail.workspace import as_json_text

        sys.stdout.write(as_json_text(merged.run) + "\n")
    elif not quiet:
        sys.stdout.write("\n".join(summary(merged)) + "\n")


def summary(merged: Merged) -> list[str]:
    """What came in, what came out, how good it is, and where it lies: a line each."""
    run, quality = merged.run, merged.quality
    rows = sum(s["rows"] for s in run["sources"])
    lines = [", ".join(f"{s['rows']:,} rows from {s['name']}" for s in run["sources"])]
    lines += [
        f"{plural(s['rejects'], 'row')} of {s['name']} could not be read: see rejects.csv"
        for s in run["sources"]
        if s["rejects"]
    ]
    lines += run["warnings"]
    lines.append(f"{rows:,} rows are {run['entities']:,} entities; {rows - run['entities']:,} rows were merged away")
    lines.append(_how_good(quality))
    if run["review_pairs"]:
        lines.append(f"{run['review_pairs']:,} uncertain pairs wait in review.csv, the most useful first")
    lines.append(f"matched by {run['matcher']}; entities by {run['clusterer']}: {run['clusterer_why']}")
    if merged.folder is not None:
        lines.append(f"table:  {merged.folder / 'merged.csv'}")
        lines.append(f"report: {merged.folder / 'report.html'}")
    return lines


def _how_good(quality: Quality) -> str:
    if not quality.pairs:
        return "no two rows were found to be the same, so there is no precision or recall to estimate"
    basis = f"measured on {quality.pairs:,} true pairs" if quality.basis == "measured" else "estimated, not measured"
    return f"precision {_share(quality.precision)}, recall {_share(quality.recall)}, F1 {_share(quality.f1)}: {basis}"


def _share(value: Interval) -> str:
    return within(value)
