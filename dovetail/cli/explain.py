"""`dovetail explain`: why two rows of a finished run were matched, or were not."""

from __future__ import annotations

import sys
from pathlib import Path

from dovetail.explain.pairs import to_dict, to_lines
from dovetail.jobs.look import explain_pair
from dovetail.workspace import as_json_text


def show_explanation(workspace: Path, left: str, right: str, *, as_json: bool) -> None:
    """Print the explanation of one pair."""
    explanation = explain_pair(workspace, left, right)
    text = as_json_text(to_dict(explanation)) if as_json else "\n".join(to_lines(explanation))
    sys.stdout.write(text + "\n")
