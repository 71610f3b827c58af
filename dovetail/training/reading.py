"""Tuning a cross-encoder on labelled pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dovetail.encoders.reading import Passage
from dovetail.training.checkpoint import Checkpoint
from dovetail.training.loop import Tuned, Work, tune
from dovetail.types import Job

if TYPE_CHECKING:
    from dovetail.encoders.cross import CrossEncoder
    from dovetail.training.settings import TuneSettings

_POOL = 24  # batches that are sorted by length together
_CUT = 0.15  # share of pairs that lose a span on one side


def read_pairs_job(
    cross: CrossEncoder,
    left: Sequence[Passage],
    right: Sequence[Passage],
    target: npt.NDArray[np.float32],
    settings: TuneSettings,
    *,
    validate: Callable[[], float] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Job[Tuned]:
    """Tune the reader of `cross` in place on pairs of passages with targets (m,) in [0, 1].

    Sides are swapped at random, and some pairs lose a span, so that neither a side nor one word decides.
    The word vectors stay: a few thousand pairs touch too few of them to move them well.
    """
    from torch import from_numpy
    from torch.nn.functional import binary_cross_entropy_with_logits

    from dovetail.encoders.cross import precision
    from dovetail.encoders.reading import sheet

    reader = cross.reader
    reader.drop.p = settings.dropout
    reader.network.get_input_embeddings().weight.requires_grad_(False)
    lengths = np.array([len(a.tokens) + len(b.tokens) for a, b in zip(left, right, strict=True)])
    rng = np.random.default_rng(settings.seed)

    def loss(rows: npt.NDArray[np.int64]) -> Any:
        pairs = [_varied(left[i], right[i], rng) for i in rows]
        with precision():
            logits = reader(sheet([a for a, _ in pairs], [b for _, b in pairs]))
        return binary_cross_entropy_with_logits(logits, from_numpy(target[rows]).to(logits.device))

    def batches(epoch: int) -> list[npt.NDArray[np.int64]]:
        return by_length(lengths, settings.batch, np.random.default_rng((settings.seed, epoch)))

    groups = [
        {"params": list(reader.network.parameters()), "lr": settings.learning_rate},
        {"params": reader.new_parameters(), "lr": settings.head_rate},
    ]
    return tune(Work(reader, groups, batches, loss, validate), settings, checkpoint=checkpoint)


def by_length(lengths: npt.NDArray[np.int64], size: int, rng: np.random.Generator) -> list[npt.NDArray[np.int64]]:
    """Shuffled batches of rows of like length: sorted within pools of batches, so that chance stays."""
    order = rng.permutation(len(lengths))
    found = []
    for start in range(0, len(order), size * _POOL):
        pool = order[start : start + size * _POOL]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        found += [pool[i : i + size] for i in range(0, len(pool), size)]
    return [found[i] for i in rng.permutation(len(found))]


def _varied(a: Passage, b: Passage, rng: np.random.Generator) -> tuple[Passage, Passage]:
    if rng.random() < 0.5:
        a, b = b, a
    return (_shortened(a, rng), b) if rng.random() < _CUT else (a, b)


def _shortened(one: Passage, rng: np.random.Generator) -> Passage:
    """Without one span of up to four tokens."""
    n = len(one.tokens)
    if n < 8:
        return one
    start, size = int(rng.integers(0, n)), int(rng.integers(1, 5))
    keep = np.ones(n, bool)
    keep[start : start + size] = False
    return Passage(one.tokens[keep], one.words[keep], one.rare[keep])
