"""`dovetail explain`: why two rows of a finished run were matched, or were not; or why a text is of its class."""

from __future__ import annotations

import sys
from pathlib import Path

from dovetail.errors import InputError


def show(folder: Path, left: str, right: str | None, *, as_json: bool) -> None:
    """Explain whatever the folder holds: a classifier's decision, a searcher's answer, or a pair of a finished run."""
    from dovetail.tasks.base import NOTE, task_of

    task = task_of(folder) if (folder / NOTE).is_file() else ""
    if task == "classify":
        from dovetail.cli.why_classify import show_why

        show_why(folder, left, right, as_json=as_json)
    elif task == "search":
        from dovetail.cli.search import explain_answer

        explain_answer(folder, left, right, as_json=as_json)
    elif right is None:
        raise InputError(f"{folder} holds no classifier; of a finished run name both rows: explain {folder} LEFT RIGHT")
    else:
        show_explanation(folder, left, right, as_json=as_json)


def show_explanation(workspace: Path, left: str, right: str, *, as_json: bool) -> None:
    """Print the explanation of one pair."""
    from dovetail.explain.pairs import to_dict, to_lines
    from dovetail.jobs.look import explain_pair
    from dovetail.workspace import as_json_text

    explanation = explain_pair(workspace, left, right)
    text = as_json_text(to_dict(explanation)) if as_json else "\n".join(to_lines(explanation))
    sys.stdout.write(text + "\n")
