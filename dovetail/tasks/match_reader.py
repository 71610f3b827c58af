"""The close reader as an expert of the matcher: a cross-encoder tuned on the labelled pairs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dovetail.tables.atomic import replace_file
from dovetail.tasks.match_experts import NOTE, Taught, expert_note, told
from dovetail.types import Candidates, Job, Progress, Records

if TYPE_CHECKING:
    from dovetail.training.checkpoint import Checkpoint
    from dovetail.training.settings import TuneSettings

Vector = npt.NDArray[np.float64]

STARTS = Path(__file__).parent.parent / "data" / "reader"
BUDGET = 48  # tokens that are read of a record


class CloseReader:
    """Reads two records at once. `start` is the folder of a reader to begin with; without, the one that ships."""

    def __init__(self, start: str | Path | None = None, *, budget: int = BUDGET, seed: int = 0) -> None:
        self.start: Path | None = Path(start or STARTS)  # None: the pre-trained network as it comes
        self.budget, self.seed = budget, seed
        self._cross: Any = None
        self._kept: tuple[Records, Any] | None = None

    @property
    def cross(self) -> Any:
        """The cross-encoder, loaded on first use."""
        if self._cross is None:
            from dovetail.encoders.cross import CrossEncoder

            self._cross = CrossEncoder(budget=self.budget, seed=self.seed)
            if self.start is not None and self.start.is_dir():
                self._cross.restore(self.start)
        return self._cross

    def passages(self, records: Records) -> list[Any]:
        """The records as token lists; kept, since fitting and reading ask for the same ones."""
        found: list[Any] = self._reading(records).passages
        return found

    def _reading(self, records: Records) -> Any:
        kept = self._kept  # once: another thread may ask of other records meanwhile
        if kept is None or kept[0] is not records:
            from dovetail.encoders.reading import Reading

            kept = self._kept = (records, Reading(records, self.cross.tokenizer, self.budget))
        return kept[1]

    def tune(
        self, taught: Taught, settings: TuneSettings, *, checkpoint: Checkpoint | None = None
    ) -> Job[dict[str, Any]]:
        """Tune on labelled pairs; gives steps, seconds, losses and the forecast."""
        from dovetail.training.reading import read_pairs_job

        read, pairs = self.passages(taught.records), taught.pairs
        left, right = [read[i] for i in pairs.left], [read[i] for i in pairs.right]
        target = taught.label.astype(np.float32)
        return told((yield from read_pairs_job(self.cross, left, right, target, settings, checkpoint=checkpoint)))

    def log_odds(self, records: Records, pairs: Candidates, *, beside: Records | None = None) -> Job[Vector]:
        """Log-odds of a match for each pair, (m,). `beside` holds further records, numbered after the others."""
        reading = self._reading(records)
        read = reading.passages if beside is None else reading.passages + reading.more(beside)
        found, done = np.zeros(len(pairs)), 0
        if not len(pairs):
            return found
        for rows, values in self.cross.logits([read[i] for i in pairs.left], [read[i] for i in pairs.right]):
            found[rows] = values
            done += len(rows)
            yield Progress("match", done, len(pairs), f"read {done:,} of {len(pairs):,} uncertain pairs closely")
        return found

    def save(self, folder: str | Path) -> None:
        """Write the weights and how they are read; those of a saved one that nobody asked are copied as they are."""
        if self._cross is None and self.start is not None and (self.start / NOTE).is_file():
            _copy_weights(self.start, Path(folder))
        else:
            self.cross.keep(folder)
        with replace_file(Path(folder) / NOTE) as beside:
            note = {"format": 1, "budget": self.budget, "seed": self.seed}
            beside.write_text(json.dumps(note) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> CloseReader:
        """Read what `save` wrote."""
        note = expert_note(folder)
        return cls(folder, budget=note.get("budget", BUDGET), seed=note["seed"])


def _copy_weights(source: Path, folder: Path) -> None:
    for path in source.glob("*.safetensors"):
        if folder.resolve() != source.resolve():
            with replace_file(folder / path.name) as beside:
                shutil.copyfile(path, beside)
