"""The models of a workspace: a folder each with numbered versions, one in use; what a training will take."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dovetail.errors import InputError, UnknownName
from dovetail.serve import behind
from dovetail.serve.wire_model import FitAsked, ForecastGiven, ModelDetail, ModelInfo, Quality, VersionInfo
from dovetail.tasks.base import load_model
from dovetail.workspace import write_json

if TYPE_CHECKING:
    from dovetail.serve.room import Room

FOLDER, NOTE = "models", "versions.json"
_NAME = re.compile(r"[a-z0-9][a-z0-9_\-]{0,59}")
_SHAPE = {"match": "pair", "classify": "class", "search": "judgement", "embed": "group"}
_FEWEST = {"match": 40, "classify": 16, "search": 0, "embed": 10}
# Rules of thumb where nothing was trained here yet: seconds to begin with, a label, a row; MB to begin with, a row.
_COSTS = {
    ("match", "quick"): (8, 0.02, 3e-4, 450, 0.006),
    ("match", "normal"): (15, 0.05, 4e-4, 600, 0.008),
    ("match", "best"): (300, 0.6, 6e-4, 2_500, 0.01),
    ("classify", "quick"): (5, 0.01, 0.0, 350, 0.001),
    ("classify", "normal"): (15, 0.05, 0.0, 500, 0.001),
    ("classify", "best"): (240, 0.5, 0.0, 2_500, 0.001),
    ("search", "normal"): (5, 0.01, 2e-3, 500, 0.003),
    ("embed", "normal"): (10, 0.02, 1e-4, 500, 0.003),
}


class Models:
    """What was trained to be kept."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self._lock = threading.RLock()
        self._loaded: dict[str, tuple[str, Any]] = {}

    @property
    def version(self) -> str:
        """Changes where any model does."""
        marks = sorted(self._home.glob(f"*/{NOTE}"))
        return "|".join(f"{p.parent.name}{p.stat().st_mtime_ns}" for p in marks)

    @property
    def _home(self) -> Path:
        return self.room.folder / FOLDER

    def listed(self) -> list[ModelInfo]:
        """The models that are in use, and what background training keeps up to date."""
        found = [self.info(path.parent.name) for path in sorted(self._home.glob(f"*/{NOTE}"))]
        return found + behind.listed(self.room.state)

    def info(self, name: str) -> ModelInfo:
        """A model as it is used now."""
        note = self.note(name)
        one = next(v for v in note["versions"] if v["version"] == note["current"])
        return ModelInfo(
            model=name,
            task=note["task"],
            version=one["version"],
            made=one["made"],
            age_days=behind.age(one["made"]),
            labels=one["labels"],
            quality=_quality(one),
            versions=len(note["versions"]),
            summary=one["summary"],
        )

    def detail(self, name: str) -> ModelDetail:
        """All versions side by side, the latest first."""
        if (about := behind.about_of(name)) is not None:
            return behind.detail(self.room, about)
        note = self.note(name)
        versions = [
            VersionInfo(
                version=v["version"],
                made=v["made"],
                labels=v["labels"],
                quality=_quality(v),
                figures=v["figures"],
                settings={k: s for k, s in v["settings"].items() if k not in ("guess", "name", "task")},
                summary=v["summary"],
                current=v["version"] == note["current"],
            )
            for v in reversed(note["versions"])
        ]
        return ModelDetail(model=name, task=note["task"], current=note["current"], versions=versions)

    def roll_back(self, name: str, version: int) -> ModelInfo:
        """Use another version."""
        if (about := behind.about_of(name)) is not None:
            return behind.roll_back(self.room, about, version)
        with self._lock:
            note = self.note(name)
            self._check(note, name, version)
            write_json(self._home / name / NOTE, {**note, "current": version})
        return self.info(name)

    def card(self, name: str, version: int | None = None) -> dict[str, Any]:
        """The model card of a version, with what the workspace knows of it."""
        if (about := behind.about_of(name)) is not None:
            return behind.card(self.room, about, version)
        folder, note = self.folder(name, version), self.note(name)
        one = next(v for v in note["versions"] if f"v{v['version']:04}" == folder.name)
        path = folder / "card.json"
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return {"task": note["task"], **one, **found}

    def folder(self, name: str, version: int | None = None) -> Path:
        """Where a version lies; the one in use by default."""
        note = self.note(name)
        number = note["current"] if version is None else version
        self._check(note, name, number)
        return self._home / name / f"v{number:04}"

    def note(self, name: str) -> dict[str, Any]:
        """What is known of a model."""
        path = self._home / name / NOTE
        if not _NAME.fullmatch(name) or not path.is_file():
            known = [p.parent.name for p in sorted(self._home.glob(f"*/{NOTE}"))]
            raise UnknownName("model", name, known, "this workspace")
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{path.name} of the model {name} is damaged ({error}); train it again") from None
        return found

    def of_task(self, task: str, name: str | None) -> tuple[str, Any] | None:
        """A loaded model of a task: the one named, else the latest made; None where there is none."""
        if name is None:
            known = [m for m in self.listed() if m.task == task and _NAME.fullmatch(m.model)]
            if not known:
                return None
            name = max(known, key=lambda m: m.made).model
        note = self.note(name)
        if note["task"] != task:
            raise InputError(f"{name} is a model of the task {note['task']}, not {task}")
        with self._lock:
            folder = str(self.folder(name))
            if self._loaded.get(name, ("", None))[0] != folder:
                self._loaded[name] = folder, load_model(folder)
            return name, self._loaded[name][1]

    def forecast(self, asked: FitAsked) -> ForecastGiven:
        """How long a training will take, and how much memory: from earlier ones here, else by a rule of thumb."""
        labels, rows = self.labels_for(asked), self._rows(asked)
        known = (asked.task, asked.effort if (asked.task, asked.effort) in _COSTS else "normal")
        start, a_label, a_row, mb, mb_row = _COSTS[known]
        guess = start + a_label * labels + a_row * rows
        earlier = self._earlier(asked, start)
        seconds = guess if earlier is None else earlier * guess
        if asked.minutes is not None:
            seconds = min(seconds, 60 * asked.minutes)
        enough = labels >= _FEWEST[asked.task]
        basis = "by a rule of thumb" if earlier is None else "from the last trainings here"
        lack = "" if enough else f"; {_FEWEST[asked.task]} labels at least are needed"
        return ForecastGiven(
            minutes=round(seconds / 60, 2),
            minutes_high=round(seconds / 60 * (1.6 if earlier is not None else 3), 2),
            memory_mb=round(mb + mb_row * rows),
            labels=labels,
            enough=enough,
            why=f"{labels:,} labels, {rows:,} rows; {basis}{lack}",
        )

    def labels_for(self, asked: FitAsked) -> int:
        """How many labels such a training would learn from."""
        if asked.label is not None and asked.table is not None:
            view = self.room.tables.get(asked.table)
            if asked.label not in view.columns:
                raise UnknownName("column", asked.label, view.columns, view.name)
            return len(view) - int(view.data[asked.label].null_count)
        self.room.ledger.refresh()
        task = "" if asked.task == "match" else (asked.table or "")
        return int(self.room.ledger.counts[_SHAPE[asked.task], task])

    def check(self, asked: FitAsked) -> None:
        """Raise where such a training cannot begin."""
        if asked.task == "match":
            if self.room.tables.records is None:
                raise InputError("a matcher learns from the tables of an integration, and none was run yet")
        elif asked.table is None:
            raise InputError(f"training the task {asked.task} needs a table; name it")
        else:
            view = self.room.tables.get(asked.table)
            for column in (*asked.text, *((asked.label,) if asked.label else ())):
                if column not in view.columns:
                    raise UnknownName("column", column, view.columns, view.name)
        if asked.label and asked.label in asked.text:
            raise InputError(f"the column {asked.label} holds the labels, so it cannot be read as text; leave it out")
        if self.labels_for(asked) < _FEWEST[asked.task]:
            raise InputError(self.forecast(asked).why)

    def _rows(self, asked: FitAsked) -> int:
        records = self.room.tables.records
        if asked.task == "match":
            return 0 if records is None else len(records)
        return len(self.room.tables.get(asked.table)) if asked.table else 0

    def _earlier(self, asked: FitAsked, start: float) -> float | None:
        """How much slower or quicker than the rule earlier trainings were."""
        query = "SELECT * FROM jobs WHERE kind = 'fit' AND state = 'done' ORDER BY number DESC LIMIT 50"
        found = []
        for row in self.room.state.rows(query):
            spec, result = json.loads(row["spec"]), json.loads(row["result"] or "{}")
            if spec["task"] == asked.task and spec.get("effort") == asked.effort and result.get("guess"):
                found.append((row["ended"] - row["started"]) / max(result["guess"], start))
        return sum(found[:3]) / len(found[:3]) if found else None

    def _check(self, note: dict[str, Any], name: str, version: int) -> None:
        known = [v["version"] for v in note["versions"]]
        if version not in known:
            raise UnknownName("version", str(version), list(map(str, known)), name)


def add_version(folder: Path, name: str, task: str, facts: dict[str, Any]) -> int:
    """Note a version that lies in its folder already, and use it. Gives its number, that of `next_version`."""
    path = folder / FOLDER / name / NOTE
    known = path.is_file()
    note: dict[str, Any] = {"format": 1, "versions": []}
    if known:
        note = json.loads(path.read_text(encoding="utf-8"))
    number = int(facts["version"])
    write_json(path, {**note, "task": task, "current": number, "versions": [*note["versions"], facts]})
    return number


def next_version(folder: Path, name: str, task: str) -> int:
    """The number that the next version gets; an `InputError` where the name is of another task."""
    path = folder / FOLDER / name / NOTE
    if not path.is_file():
        return 1
    note = json.loads(path.read_text(encoding="utf-8"))
    if note["task"] != task:
        raise InputError(f"{name} is a model of the task {note['task']}; give this one another name")
    return max(int(v["version"]) for v in note["versions"]) + 1


def _quality(one: dict[str, Any]) -> Quality | None:
    found = one.get("quality")
    return Quality(**found) if found else None
