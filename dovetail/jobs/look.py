"""A second look at a finished run: why two rows were matched, or were not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from dovetail.errors import WorkspaceError
from dovetail.integrate.align import Alignment
from dovetail.integrate.pipeline import compared_records
from dovetail.tasks.judged import positions
from dovetail.tasks.match import Matcher
from dovetail.types import BlockPlan, Candidates, Decisions, Explanation, Pairs
from dovetail.workspace import Workspace


def explain_pair(folder: str | Path, left: str, right: str) -> Explanation:
    """Why the rows with these ids got their score. The ids may be written `source:id` where they are ambiguous."""
    workspace = Workspace(folder)
    alignment, context = workspace.latest("align"), workspace.latest("block")
    if not isinstance(alignment, Alignment) or not isinstance(context, Candidates):
        raise WorkspaceError(f"{folder} holds no finished run; type: dovetail integrate … --out {folder}")
    decisions = workspace.latest("match")
    shift = decisions.shift if isinstance(decisions, Decisions) else 0.0
    matcher = workspace.latest("fit")
    if not isinstance(matcher, Matcher):
        matcher = Matcher.shipped()
    records = alignment.records
    pair = _pair(records.sources, left, right)
    a, b = positions(records, pair)
    low, high = np.minimum(a, b), np.maximum(a, b)
    planned = workspace.latest("plan")
    compared = compared_records(records, planned) if isinstance(planned, BlockPlan) else records
    return matcher.contributions(compared, Candidates(low, high), context=context, shift=shift)[0]


def _pair(sources: tuple[str, ...], left: str, right: str) -> Pairs:
    ends = [_split(sources, end) for end in (left, right)]
    named = all(source is not None for source, _ in ends)
    return Pairs(
        left_ids=pa.array([ends[0][1]]),
        right_ids=pa.array([ends[1][1]]),
        left_source=pa.array([ends[0][0]]) if named else None,
        right_source=pa.array([ends[1][0]]) if named else None,
    )


def _split(sources: tuple[str, ...], end: str) -> tuple[str | None, str]:
    for source in sources:
        if end.startswith(f"{source}:"):
            return source, end[len(source) + 1 :]
    return None, end
