"""`dovetail predict` and `dovetail evaluate`: the model in the folder says which task they serve."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from dovetail.cli.given import check_file, check_folder
from dovetail.errors import InputError
from dovetail.tasks.base import task_of

if TYPE_CHECKING:
    from dovetail.types import Table

# One function a task: it takes an `Asked`, and prints or writes.
PREDICTS = {
    "match": "dovetail.cli.models_match:predict_pairs",
    "classify": "dovetail.cli.models_classify:predict_classes",
    "search": "dovetail.cli.models_search:predict_answers",
    "embed": "dovetail.cli.models_embed:predict_places",
}
EVALUATES = {
    "match": "dovetail.cli.models_match:evaluate_pairs",
    "classify": "dovetail.cli.models_classify:evaluate_classes",
    "search": "dovetail.cli.models_search:evaluate_answers",
    "embed": "dovetail.cli.models_embed:evaluate_space",
}


@dataclass(frozen=True)
class Asked:
    """What a person asked of a model. Which sources, pairs and labels are needed is the task's own matter."""

    folder: Path
    sources: Sequence[str]
    out: str | None = None
    pairs: str | None = None
    labels: str | None = None
    row_id: str | None = None
    as_json: bool = False
    quiet: bool = False
    groups: str | None = None
    guard: bool = False
    k: int = 10


def run_predict(asked: Asked) -> None:
    """Predict with whatever model the folder holds."""
    if asked.out is not None and not (asked.out.endswith((".run", ".trec")) and task_of(asked.folder) == "search"):
        check_file(asked.out, [*asked.sources, asked.pairs])
    _verb(PREDICTS, asked, "predict")(asked)


def run_evaluate(asked: Asked) -> None:
    """Evaluate whatever model the folder holds."""
    if asked.out is not None:
        check_folder(Path(asked.out))
    _verb(EVALUATES, asked, "evaluate")(asked)


def only_table(asked: Asked, taker: str) -> Table:
    """The one table that was given; `taker` is who takes it, as a person reads it."""
    from dovetail.tables.read import read

    if len(asked.sources) != 1:
        raise InputError(f"{taker} takes one table; {len(asked.sources)} were given")
    return read(asked.sources[0], id=asked.row_id)


def write_pages(folder: str, pages: Mapping[str, str]) -> None:
    """Write files of text into a folder, each whole or not at all."""
    from dovetail.tables.atomic import replace_file

    for name, text in pages.items():
        with replace_file(Path(folder) / name) as beside:
            beside.write_text(text.rstrip() + "\n", encoding="utf-8", errors="backslashreplace")


def _verb(family: dict[str, str], asked: Asked, verb: str) -> Callable[[Asked], None]:
    task = task_of(asked.folder)
    if task not in family:
        raise InputError(f"{asked.folder} is a model of the task {task!r}, which has no {verb} on the console yet")
    module, name = family[task].split(":")
    found: Callable[[Asked], None] = getattr(import_module(module), name)
    return found
