"""Cosines of a transformer encoder as an expert of the matcher: tuned on the labels, or as it comes."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dovetail.tables.atomic import replace_file
from dovetail.tables.text import row_texts
from dovetail.tasks.match_experts import NOTE, Taught, expert_note, told
from dovetail.types import Candidates, Job, Progress, Records

if TYPE_CHECKING:
    from dovetail.training.checkpoint import Checkpoint
    from dovetail.training.settings import TuneSettings

Vector = npt.NDArray[np.float64]

MAX_TOKENS = 64  # of a record
_SCALE = 10.0  # log-odds span of a cosine
_CHUNK = 2_048


class TunedCosine:
    """An encoder tuned so that records of one entity lie together. Method: supervised contrastive (Khosla 2020)."""

    def __init__(self, start: str | Path | None = None, *, seed: int = 0) -> None:
        self.start, self.seed = start, seed
        self._encoder: Any = None
        self._kept: tuple[Records, npt.NDArray[np.float32]] | None = None

    @property
    def encoder(self) -> Any:
        """The encoder, loaded on first use."""
        if self._encoder is None:
            from dovetail.encoders.pretrained import PACKAGED
            from dovetail.training.encoding import TunableEncoder

            self._encoder = TunableEncoder(self.start or PACKAGED, max_tokens=MAX_TOKENS)
        return self._encoder

    def tune(
        self, taught: Taught, settings: TuneSettings, *, checkpoint: Checkpoint | None = None
    ) -> Job[dict[str, Any]]:
        """Tune on labelled pairs: matches become groups, the others hard negatives."""
        from dovetail.training.encoding import contrast, tune_encoder
        from dovetail.training.sampling import from_pairs

        samples = from_pairs(taught.pairs.left, taught.pairs.right, taught.label)
        settings = replace(settings, batch=2 * settings.batch)
        self.encoder.cut = settings.cut
        texts, lesson = row_texts(taught.records), contrast(samples, settings)
        done = yield from tune_encoder(self.encoder, texts, lesson, settings, checkpoint=checkpoint)
        self._kept = None
        return told(done)

    def log_odds(self, records: Records, pairs: Candidates, *, beside: Records | None = None) -> Job[Vector]:
        """Scaled cosines of each pair, (m,). `beside` holds further records, numbered after the others."""
        kept = self._kept  # once: another thread may ask of other records meanwhile
        if kept is None or kept[0] is not records:
            texts, parts = row_texts(records), []
            for start in range(0, len(texts), _CHUNK):
                parts.append(self.encoder.encode(texts[start : start + _CHUNK]))
                yield Progress("match", min(start + _CHUNK, len(texts)), len(texts), "encoding records")
            kept = self._kept = records, np.concatenate(parts)
        vectors = kept[1]
        if beside is not None:
            vectors = np.concatenate([vectors, self.encoder.encode(row_texts(beside))])
        cosines = np.einsum("ij,ij->i", vectors[pairs.left], vectors[pairs.right])
        return np.asarray(_SCALE * cosines, dtype=np.float64)

    def save(self, folder: str | Path) -> None:
        """Write the encoder."""
        home = Path(folder)
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".encoder-", dir=home) as beside:
            fresh, kept = Path(beside) / "encoder", home / "encoder"
            self._write(fresh)  # it may read `kept`, which therefore stays until all is written
            if kept.exists():
                kept.rename(Path(beside) / "before")
            fresh.rename(kept)
        with replace_file(home / NOTE) as beside:
            beside.write_text(json.dumps({"format": 1, "seed": self.seed}) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> TunedCosine:
        """Read what `save` wrote."""
        return cls(Path(folder) / "encoder", seed=expert_note(folder)["seed"])

    def _write(self, folder: Path) -> None:
        """The encoder's folder; that of a saved one that nobody asked is copied as it is."""
        if self._encoder is None and self.start is not None and Path(self.start).is_dir():
            shutil.copytree(self.start, folder)
        else:
            self.encoder.save(folder)


class UntunedCosine(TunedCosine):
    """The encoder as it comes: what tuning is measured against."""

    def tune(
        self, taught: Taught, settings: TuneSettings, *, checkpoint: Checkpoint | None = None
    ) -> Job[dict[str, Any]]:
        """Nothing."""
        del taught, settings, checkpoint
        yield Progress("tune", 1, 1, "nothing to tune")
        return {"steps": 0, "seconds": 0.0}
