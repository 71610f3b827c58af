"""Tuning a cross-encoder on labelled pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dovetail.encoders.reading import Passage
from dovetail.training.checkpoint import Checkpoint
from dovetail.training.layers import merged, prepared
from dovetail.training.loop import Tuned, Work, tune
from dovetail.training.losses import load_loss
from dovetail.training.sampling import by_length
from dovetail.training.varied import varied
from dovetail.types import Job

if TYPE_CHECKING:
    import torch

    from dovetail.encoders.cross import CrossEncoder
    from dovetail.training.settings import TuneSettings


def read_pairs_job(
    cross: CrossEncoder,
    left: Sequence[Passage],
    right: Sequence[Passage],
    target: npt.NDArray[np.float32],
    settings: TuneSettings,
    *,
    checkpoint: Checkpoint | None = None,
) -> Job[Tuned]:
    """Tune the reader of `cross` in place on pairs of passages with targets (m,) in [0, 1].

    Sides are swapped at random, and some pairs are varied on one side, so that neither a side nor one word decides.
    The word vectors stay: a few thousand pairs touch too few of them to move them well.
    """
    from torch import from_numpy, randint

    from dovetail.encoders.cross import precision
    from dovetail.encoders.reading import sheet

    measure = load_loss(settings.loss)
    reader = cross.reader
    groups = prepared(reader, settings)
    reader.network.get_input_embeddings().weight.requires_grad_(False)
    lengths = np.array([len(a.tokens) + len(b.tokens) for a, b in zip(left, right, strict=True)])

    def loss(rows: npt.NDArray[np.int64]) -> torch.Tensor:
        rng = np.random.default_rng(int(randint(2**31, ())))  # torch's state, which a checkpoint keeps, decides
        pairs = [_turned(left[i], right[i], rng, settings) for i in rows]
        with precision():
            logits = reader(sheet([a for a, _ in pairs], [b for _, b in pairs]))
        return measure(logits, from_numpy(target[rows]).to(logits.device))

    def batches(epoch: int) -> list[npt.NDArray[np.int64]]:
        return list(by_length(lengths, settings.batch, seed=(settings.seed, epoch)))

    work = Work(reader, groups, batches, loss, size=lambda rows: float(lengths[rows].sum()))
    done = yield from tune(work, settings, checkpoint=checkpoint)
    merged(reader)
    return done


def _turned(a: Passage, b: Passage, rng: np.random.Generator, settings: TuneSettings) -> tuple[Passage, Passage]:
    if rng.random() < 0.5:
        a, b = b, a
    return (varied(a, settings.vary, rng), b) if rng.random() < settings.cut else (a, b)
