"""The seam of all tasks: a trained model is a folder that says which task it serves, and loads by that."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, Self

from dovetail.errors import InputError
from dovetail.tables.atomic import replace_file

NOTE = "model.json"  # the file that makes a folder a model
FORMAT = 1

TASKS = {
    "match": "dovetail.tasks.match_tables:Matcher",
    "classify": "dovetail.tasks.classify:Classifier",
    "search": "dovetail.tasks.search:Searcher",
    "embed": "dovetail.tasks.embed:Embedder",
}


class Task(Protocol):
    """What every task can do besides `fit`, `predict`, `evaluate` and `explain`, whose arguments are its own."""

    def save(self, folder: str | Path) -> Path:
        """Write the model into a folder."""

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read what `save` wrote."""


def write_note(folder: Path, task: str, note: Mapping[str, Any]) -> Path:
    """Make a folder the model of a task; written last, since a folder without it is no model."""
    with replace_file(folder / NOTE) as beside:
        text = json.dumps({"format": FORMAT, "task": task, **note}, indent=1, ensure_ascii=False)
        beside.write_text(text + "\n", encoding="utf-8")
    return folder / NOTE


def read_note(folder: str | Path, task: str | None = None) -> dict[str, Any]:
    """What `write_note` wrote; raises `InputError` for what is no model, of another task, damaged or newer."""
    path = Path(folder) / NOTE
    if not path.is_file():
        raise InputError(f"{folder} holds no model; expected a folder with {NOTE}, as `dovetail fit … --out` writes")
    try:
        note: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        newer, found = int(note["format"]) > FORMAT, str(note["task"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged ({error}); train the model again, or restore it from a backup") from None
    if newer or found not in TASKS:
        raise InputError(f"{folder} was written by a newer version of dovetail (task {found!r}); update dovetail")
    if task is not None and found != task:
        raise InputError(f"{folder} is a model of the task {found!r}, not {task!r}; load it with that task")
    return note


def task_of(folder: str | Path) -> str:
    """Which task the model in a folder serves, for example `match`."""
    return str(read_note(folder)["task"])


def load_model(folder: str | Path) -> Task:
    """The model in a folder, whatever its task."""
    module, attribute = TASKS[task_of(folder)].split(":")
    kind: type[Task] = getattr(import_module(module), attribute)
    return kind.load(folder)
