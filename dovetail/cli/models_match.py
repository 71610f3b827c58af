"""`dovetail predict` and `dovetail evaluate` with a matcher."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from dovetail.cli.models import Asked, write_pages
from dovetail.cli.progress import shown
from dovetail.errors import InputError
from dovetail.reports.evaluation import render_evaluation
from dovetail.tables.pairs import read_pairs
from dovetail.tables.read import read
from dovetail.tables.write import write
from dovetail.tasks.match_review import MATCH, NOT, REVIEW
from dovetail.tasks.match_tables import Matcher
from dovetail.types import Pairs, Table
from dovetail.workspace import as_json_text


def predict_pairs(asked: Asked) -> None:
    """Score pairs of rows and write them: both ends, the score, and a verdict: match, review or not."""
    if asked.out is None:
        raise InputError("predict needs a file to write; name it with --out scored.csv")
    tables = _tables(asked.sources, asked.row_id)
    matcher = Matcher.load(asked.folder)
    pairs = None if asked.pairs is None else read_pairs(asked.pairs, labelled=False)
    with shown(asked.quiet or asked.as_json) as show:
        scored = matcher.predict(*_both(tables), pairs, on_progress=show)
    found = scored_table(scored, matcher.threshold)
    write(found, asked.out, guard_formulas=asked.guard)
    _say_prediction(asked, found, matcher)


def evaluate_pairs(asked: Asked) -> None:
    """Measure a matcher on judged pairs; with a folder, write the figures there."""
    tables = _tables(asked.sources, asked.row_id)
    if asked.labels is None:
        raise InputError("evaluate needs judged pairs; name the file with --labels")
    matcher = Matcher.load(asked.folder)
    with shown(asked.quiet or asked.as_json) as show:
        found = matcher.evaluate(*_both(tables), read_pairs(asked.labels), on_progress=show)
    if asked.out is not None:
        files = {"evaluation.json": as_json_text(found.to_dict()) + "\n", "evaluation.html": render_evaluation(found)}
        write_pages(asked.out, files)
    if asked.as_json:
        sys.stdout.write(as_json_text(found.to_dict()) + "\n")
    elif not asked.quiet:
        sys.stdout.write("\n".join(found.to_lines()) + "\n")


def scored_table(scored: Pairs, threshold: float | None) -> pa.Table:
    """Pairs as a table, the likeliest first: left_source, left_id, right_source, right_id, score, verdict."""
    assert scored.score is not None
    line = 0.5 if threshold is None else threshold
    order = np.argsort(-scored.score, kind="stable")
    columns = {"left_id": scored.left_ids, "right_id": scored.right_ids}
    if scored.left_source is not None and scored.right_source is not None:
        columns = {
            "left_source": scored.left_source,
            "left_id": scored.left_ids,
            "right_source": scored.right_source,
            "right_id": scored.right_ids,
        }
    verdict = scored.verdict if scored.verdict is not None else pa.array(np.where(scored.score >= line, MATCH, NOT))
    return pa.table({**columns, "score": pa.array(scored.score), "verdict": verdict}).take(pa.array(order))


def _tables(sources: Sequence[str], row_id: str | None) -> list[Table]:
    if not sources or len(sources) > 2:
        raise InputError(f"a matcher takes two tables, or one; {len(sources)} were given")
    return [read(source, id=row_id) for source in sources]


def _both(tables: Sequence[Table]) -> tuple[Table, Table | None]:
    return tables[0], tables[1] if len(tables) > 1 else None


def _say_prediction(asked: Asked, found: pa.Table, matcher: Matcher) -> None:
    line, band = matcher.threshold, matcher.review
    counts = Counter(found["verdict"].to_pylist())
    facts = {"pairs": found.num_rows, "matches": counts[MATCH], "review": counts[REVIEW], "threshold": line}
    facts |= {"review_from": band.low if band else None, "review_to": band.high if band else None, "out": asked.out}
    facts["warnings"] = list(matcher.warnings)
    if asked.as_json:
        sys.stdout.write(json.dumps(facts) + "\n")
    elif not asked.quiet:
        said = f"{found.num_rows:,} pairs scored, {counts[MATCH]:,} of them matches, {counts[REVIEW]:,} to review"
        if band is not None:
            said += f" (scores from {band.low:.3f} to {band.high:.3f})"
        sys.stdout.write("".join(f"{line}\n" for line in (said, *(f"! {w}" for w in matcher.warnings), str(asked.out))))
