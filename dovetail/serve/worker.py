"""One job in a process of its own: `python -m dovetail.serve.worker WORKSPACE JOB`."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from dovetail.errors import DovetailError
from dovetail.labels.store import LabelStore
from dovetail.serve.jobs import WORKS
from dovetail.serve.room import LABELS
from dovetail.serve.state import FILE, State
from dovetail.serve.tables import Tables
from dovetail.types import Progress
from dovetail.workspace import as_json_text

_EVERY = 0.25  # seconds between two notes of progress
Working = Generator[Progress, None, Mapping[str, Any]]


@dataclass
class Work:
    """What a job works with. `weights` says which share of the whole each step is; a job sets it when it knows."""

    folder: Path
    spec: Mapping[str, Any]
    person: str
    state: State
    labels: LabelStore
    tables: Tables
    weights: dict[str, float] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The folder of what the server makes and can make again."""
        return self.folder / "serve"

    def share(self, progress: Progress) -> float:
        """How much of the whole is done."""
        part = min(1.0, progress.done / progress.total) if progress.total else 0.0
        if progress.step not in self.weights:
            return -1.0 if self.weights else part
        before = 0.0
        for step, weight in self.weights.items():
            if step == progress.step:
                return before + weight * part
            before += weight
        return before


def main(folder: str, job: str) -> int:
    """Do one job; 0 where it ended, well or badly, in an orderly way."""
    home = Path(folder)
    state = State(home / FILE)
    row = state.row("SELECT * FROM jobs WHERE job = ? AND state = 'running'", (job,))
    if row is None:
        return 0
    work = Work(home, json.loads(row["spec"]), row["made_by"], state, LabelStore(home / LABELS), Tables(home))
    try:
        result = _run(work, row["kind"], job)
    except DovetailError as error:
        _end(state, job, "failed", str(error), None)
        return 0
    except MemoryError:
        _end(state, job, "failed", "the memory of this machine does not suffice", None)
        return 0
    _end(state, job, "done", None, result)
    return 0


def _run(work: Work, kind: str, job: str) -> Mapping[str, Any]:
    module, name = WORKS[kind].split(":")
    working: Working = getattr(import_module(module), name)(work)
    noted, share = 0.0, 0.0
    try:
        while True:
            progress = next(working)
            share = max(share, work.share(progress))
            if time.monotonic() - noted >= _EVERY:
                noted = time.monotonic()
                note = "UPDATE jobs SET step = ?, done = ?, total = ?, note = ?, share = ? WHERE job = ?"
                values = (progress.step, progress.done, progress.total, progress.note, round(share, 4), job)
                work.state.write(note, values)
    except StopIteration as stop:
        found: Mapping[str, Any] = stop.value or {}
        return found


def _end(state: State, job: str, how: str, error: str | None, result: Mapping[str, Any] | None) -> None:
    text = None if result is None else as_json_text(result)
    change = "UPDATE jobs SET state = ?, error = ?, result = ?, ended = ? WHERE job = ? AND state = 'running'"
    state.write(change, (how, error, text, time.time(), job))


if __name__ == "__main__":
    with suppress(OSError):
        os.nice(5)  # pages come first
    raise SystemExit(main(sys.argv[1], sys.argv[2]))
