"""An integration again with other labels: what does not depend on labels is taken from the last run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dovetail.errors import WorkspaceError
from dovetail.integrate.align import Alignment
from dovetail.integrate.pipeline import Integration, integrate_job
from dovetail.integrate.settings import IntegrateSettings
from dovetail.jobs.merge import Merged, Request, assemble, publish, steps_inputs
from dovetail.tasks.match import FEWEST, Matcher
from dovetail.types import Job, Pairs, Progress, Records, Table
from dovetail.workspace import SavedSteps, Workspace

_KEPT = ("align", "plan", "block")  # steps that labels do not change


@dataclass
class _Replayed:
    """Gives the kept results of the steps before labels, and keeps those of the steps after."""

    workspace: Workspace
    steps: SavedSteps
    few: bool  # labels that bind the pairs they speak of, and are too few to learn from

    def recall(self, step: str) -> object | None:
        """The last result of an early step; later ones are done anew."""
        kept = self.steps.recall(step)  # keeps count of the key
        if step in _KEPT:
            return self.workspace.latest(step)
        if step == "fit" and self.few:
            return Matcher.shipped()
        return kept

    def keep(self, step: str, result: object) -> None:
        """Write the result of a step."""
        self.steps.keep(step, result)


def merge_again(folder: str | Path, labels: Pairs | None) -> Job[Merged]:
    """The last integration of a workspace with these labels: matched, clustered, fused and written anew.

    Raises `WorkspaceError` where there is no finished run, or another process writes into the folder.
    """
    workspace = Workspace(folder)
    with workspace.locked():
        run = _run_of(workspace)
        alignment = workspace.latest("align")
        if not isinstance(alignment, Alignment):
            raise WorkspaceError(f"{folder} holds no finished run; type: dovetail integrate … --out {folder}")
        tables = _tables(alignment.records)
        settings = IntegrateSettings.checked(**run["settings"])
        hashes = {source["name"]: source.get("hash", "") for source in run["sources"]}
        yield Progress("read", 1, 1, f"{len(alignment.records):,} records")
        steps = workspace.steps(steps_inputs(settings, hashes, labels))
        steps.sweep()
        if labels is None:
            steps.drop("fit")
        store = _Replayed(workspace, steps, _too_few(labels))
        found: Integration = yield from integrate_job(tables, settings, labels=labels, store=store)
        yield Progress("report", 0, 1)
        request = Request([t.name for t in tables], settings, labels, None, folder)
        merged = publish(workspace, found, assemble(request, tables, found, hashes))
        yield Progress("report", 1, 1)
    return merged


def _too_few(labels: Pairs | None) -> bool:
    if labels is None or labels.label is None:
        return False
    counts = [int((labels.label == answer).sum()) for answer in (0, 1)]
    return min(counts) == 0 or sum(counts) < FEWEST


def _run_of(workspace: Workspace) -> dict[str, Any]:
    path = workspace.folder / "run.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise WorkspaceError(
            f"{workspace.folder} holds no finished run; type: dovetail integrate … --out {workspace.folder}"
        ) from None
    return found


def _tables(records: Records) -> list[Table]:
    """The sources, as the run aligned them."""
    found = []
    for number, name in enumerate(records.sources):
        start, stop = np.searchsorted(records.source, [number, number + 1]).tolist()
        kept = [a.name for a in records.attributes if a.columns[number] is not None]
        part = records.original.select(kept).slice(start, stop - start)
        found.append(Table(name, part, records.ids.slice(start, stop - start)))
    return found
