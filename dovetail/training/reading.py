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

    Sides are swapped at random, and some pairs lose a span, so that neither a side nor one word decides.
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
        pairs = [_varied(left[i], right[i], rng, settings.cut) for i in rows]
        with precision():
            logits = reader(sheet([a for a, _ in pairs], [b for _, b in pairs]))
        return measure(logits, from_numpy(target[rows]).to(logits.device))

    def batches(epoch: int) -> list[npt.NDArray[np.int64]]:
        return list(by_length(lengths, settings.batch, seed=(settings.seed, epoch)))

    done = yield from tune(Work(reader, groups, batches, loss), settings, checkpoint=checkpoint)
    merged(reader)
    return done


def _varied(a: Passage, b: Passage, rng: np.random.Generator, cut: float) -> tuple[Passage, Passage]:
    if rng.random() < 0.5:
        a, b = b, a
    return (_shortened(a, rng), b) if rng.random() < cut else (a, b)


def _shortened(one: Passage, rng: np.random.Generator) -> Passage:
    """Without one span of up to four tokens."""
    n = len(one.tokens)
    if n < 8:
        return one
    start, size = int(rng.integers(0, n)), int(rng.integers(1, 5))
    keep = np.ones(n, bool)
    keep[start : start + size] = False
    return Passage(one.tokens[keep], one.words[keep], one.rare[keep])
