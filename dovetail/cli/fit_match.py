"""`dovetail fit match`: train a matcher on judged pairs."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

REPORT = "report.html"
UNFINISHED = "unfinished"  # what a killed training left, for the same command to go on from

Left = Annotated[str, typer.Argument(help="The first table.", show_default=False)]
Right = Annotated[str | None, typer.Argument(help="The second table; none to learn duplicates inside one.")]
Labels = Annotated[str, typer.Option(help="Judged pairs: left_id, right_id, label.", show_default=False)]
Valid = Annotated[str | None, typer.Option(help="Further judged pairs that stand for the future.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the model; made if absent.", show_default=False)]
Minutes = Annotated[float | None, typer.Option(help="Most minutes to train.")]
Effort = Annotated[str, typer.Option(help="quick, normal or best.")]
Precision = Annotated[float | None, typer.Option(help="Precision that the threshold must reach.")]
Sure = Annotated[float, typer.Option(help="Share of decisions without review that must be right.")]
FalseMatch = Annotated[float | None, typer.Option("--cost-false-match", help="What a wrong match costs.")]
Missed = Annotated[float | None, typer.Option("--cost-missed-match", help="What a missed match costs.")]
Columns = Annotated[list[str] | None, typer.Option("--map", help="Columns that correspond: left=right. Repeatable.")]
Id = Annotated[str | None, typer.Option("--id", help="Column that names the rows.")]
Seed = Annotated[int, typer.Option(help="Seed of all randomness.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def match(
    left: Left,
    labels: Labels,
    out: Out,
    right: Right = None,
    minutes: Minutes = None,
    effort: Effort = "normal",
    precision: Precision = None,
    cost_false_match: FalseMatch = None,
    cost_missed_match: Missed = None,
    sure: Sure = 0.95,
    columns: Columns = None,
    valid: Valid = None,
    row_id: Id = None,
    seed: Seed = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a matcher on judged pairs of the rows of two tables, or of one."""
    from dovetail.cli.given import check_folder, split_pairs

    check_folder(out)
    asked: dict[str, Any] = {"minutes": minutes, "effort": effort, "precision": precision, "sure": sure, "seed": seed}
    costs = {"false_match": cost_false_match, "missed_match": cost_missed_match}
    asked["costs"] = {name: cost for name, cost in costs.items() if cost is not None} or None
    asked |= {"valid": valid, "checkpoint": out / UNFINISHED}
    asked["mapping"] = split_pairs(columns, "--map")
    _fit([left, *([right] if right else [])], labels, out, row_id, asked, as_json=as_json, quiet=quiet)


def _fit(
    sources: list[str],
    labels: str,
    out: Path,
    row_id: str | None,
    asked: dict[str, Any],
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    from dovetail.cli.progress import shown
    from dovetail.reports.fitting import render_fit
    from dovetail.tables.atomic import replace_file
    from dovetail.tables.pairs import read_pairs
    from dovetail.tables.read import read
    from dovetail.tasks.match_tables import Matcher
    from dovetail.workspace import as_json_text

    tables = [read(source, id=row_id) for source in sources]
    pairs = read_pairs(labels)
    second, third = (tables[1], pairs) if len(tables) > 1 else (pairs, None)
    with shown(quiet or as_json) as show:
        matcher = Matcher().fit(tables[0], second, third, on_progress=show, **asked)
    matcher.save(out)
    with replace_file(out / REPORT) as beside:
        beside.write_text(render_fit(matcher.card, matcher.facts), encoding="utf-8")
    shutil.rmtree(out / UNFINISHED, ignore_errors=True)
    if as_json:
        sys.stdout.write(as_json_text(matcher.card.to_dict()) + "\n")
    elif not quiet:
        sys.stdout.write("\n".join([*matcher.card.to_lines(), f"model: {out}", f"report: {out / REPORT}"]) + "\n")
