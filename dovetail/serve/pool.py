"""The candidate pairs of a workspace that are worth a person's time, with what the latest matcher says of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dovetail.errors import WorkspaceError
from dovetail.integrate.align import Alignment
from dovetail.integrate.pipeline import compared_records
from dovetail.serve.state import State
from dovetail.serve.trained import in_use
from dovetail.tasks.match import Matcher
from dovetail.tasks.match_next import worth_asking
from dovetail.types import BlockPlan, Candidates, Decisions, Records
from dovetail.workspace import Workspace

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.types import Floats

ABOUT = "pairs"  # what is trained
SEEN = "pair labels that the last training saw"
LARGE = 10_000  # records from which comparing takes so long that it is done before the first training
LARGEST = 15_000  # candidates that are weighed; of more, the most uncertain and a random tenth


@dataclass(frozen=True)
class Pool:
    """m candidate pairs of record numbers. `version` counts the trainings; 0 is what the integration decided with."""

    records: Records  # as the matcher sees them
    context: Candidates  # all candidates of the integration
    pairs: Candidates  # (m,) those to choose from
    score: Floats  # (m,) probability in [0, 1]
    threshold: float
    shift: float
    version: int
    folder: Path | None  # of the latest trained matcher
    step: Path | None  # of the matcher of the integration, where labels trained one
    features: npt.NDArray[np.float32] | None  # (m, f)
    first: Floats  # (m,) the scores of the integration, before anything was trained here
    first_threshold: float

    @cached_property
    def place(self) -> dict[tuple[int, int], int]:
        """The position of each pair."""
        return {p: n for n, p in enumerate(zip(self.pairs.left.tolist(), self.pairs.right.tolist(), strict=True))}

    @cached_property
    def matcher(self) -> Matcher:
        """What decides."""
        home = self.folder or self.step
        return Matcher.shipped() if home is None else Matcher.load(home / "matcher")


def version_of(folder: Path, state: State) -> str:
    """Changes where the pool does."""
    mark = folder / "steps" / "match" / "step.json"
    used = in_use(state, ABOUT)
    features = features_file(folder)
    return f"{mark.stat().st_mtime_ns if mark.is_file() else 0}/{used[0] if used else 0}/{features.is_file()}"


def run_key(folder: Path) -> str:
    """Names the decisions of the last integration."""
    mark = folder / "steps" / "match" / "step.json"
    if not mark.is_file():
        raise WorkspaceError(
            f"{folder.name} holds no pairs to judge yet: no integration was run into it; "
            f"type: dovetail integrate … --out {folder.name}, or dovetail dedupe … --out {folder.name}"
        )
    return str(json.loads(mark.read_text(encoding="utf-8"))["key"])[:16]


def features_file(folder: Path) -> Path:
    """Where the comparisons of the pool are kept."""
    try:
        return folder / "serve" / "pairs" / f"{run_key(folder)}.npy"
    except WorkspaceError:
        return folder / "serve" / "pairs" / "none.npy"


def pool_of(folder: Path, state: State) -> Pool:
    """The pool as it is now."""
    key, workspace = run_key(folder), Workspace(folder)
    alignment, decisions = workspace.latest("align"), workspace.latest("match")
    planned = workspace.latest("plan")
    if not isinstance(alignment, Alignment) or not isinstance(decisions, Decisions):
        raise WorkspaceError(f"the integration in {folder.name} is not finished; type the same command again")
    records = alignment.records
    if isinstance(planned, BlockPlan):
        records = compared_records(records, planned)
    some = worth_asking(decisions, LARGEST)
    pairs = Candidates(decisions.candidates.left[some], decisions.candidates.right[some])
    step = folder / "steps" / "fit"
    kept = features_file(folder)
    features = np.load(kept, mmap_mode="r", allow_pickle=False) if kept.is_file() else None
    base = Pool(
        records,
        decisions.candidates,
        pairs,
        decisions.score[some],
        decisions.threshold,
        decisions.shift,
        0,
        None,
        step if (step / "matcher").is_dir() else None,
        features,
        decisions.score[some],
        decisions.threshold,
    )
    return _as_trained(base, folder, state, key)


def _as_trained(base: Pool, folder: Path, state: State, key: str) -> Pool:
    used = in_use(state, ABOUT)
    if used is None:
        return base
    version, _, facts = used
    home = folder / "serve" / "pairs" / f"v{version:04}"
    scores = home / "scores.npy"
    if facts.get("run") != key or not scores.is_file():
        return replace(base, version=version)
    score = np.load(scores, allow_pickle=False)
    line, shift = float(facts["threshold"]), float(facts["shift"])
    return replace(base, score=score, threshold=line, shift=shift, version=version, folder=home)
