"""The seam of all tasks: a trained model is a folder that says which task it serves, and loads by that."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, Self

from dovetail.errors import InputError
from dovetail.tables.atomic import READY, finish_replacing, replace_entries, replace_file

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


@contextmanager
def model_folder(folder: str | Path) -> Iterator[Path]:
    """A folder to write a model into; it takes the place of the model in `folder` once it is whole.

    Until then, and after any error, the model that was there stays. What else lies in `folder` is not touched.
    """
    try:
        with replace_entries(folder) as beside:
            yield beside
    except OSError as error:
        raise InputError(
            f"the model could not be written to {folder} ({error.strerror or error}); what was there before is "
            f"unharmed: make room or choose a folder that can be written, and save again"
        ) from error


def write_note(folder: Path, task: str, note: Mapping[str, Any]) -> Path:
    """Make a folder the model of a task; written last, since a folder without it is no model."""
    with replace_file(folder / NOTE) as beside:
        text = json.dumps({"format": FORMAT, "task": task, **note}, indent=1, ensure_ascii=False)
        beside.write_text(text + "\n", encoding="utf-8")
    return folder / NOTE


def read_note(folder: str | Path, task: str | None = None) -> dict[str, Any]:
    """What `write_note` wrote; raises `InputError` for what is no model, of another task, damaged or newer."""
    path = Path(folder) / NOTE
    _settle(Path(folder))
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


def _settle(folder: Path) -> None:
    """Go on with a save that was killed while its files took their places."""
    try:
        finish_replacing(folder)
    except OSError as error:
        raise InputError(
            f"a save into {folder} was cut short, and its files in {READY} could not be put in place "
            f"({error.strerror or error}); make the folder writable and load it again"
        ) from error


def task_of(folder: str | Path) -> str:
    """Which task the model in a folder serves, for example `match`."""
    return str(read_note(folder)["task"])


def load_model(folder: str | Path) -> Task:
    """The model in a folder, whatever its task."""
    module, attribute = TASKS[task_of(folder)].split(":")
    kind: type[Task] = getattr(import_module(module), attribute)
    return kind.load(folder)
