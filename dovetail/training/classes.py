"""Tuning an encoder on classes: by contrast where labels are few, and through a linear head where there are more.

Both cost a pass over the texts an epoch; pairs are never listed. Afterwards the weights are averaged with those that
the tuning started from, which keeps most of the gain and loses little of what the start knew (Wortsman et al. 2022).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from dovetail.training.encoding import TunableEncoder, contrast, tune_encoder
from dovetail.training.layers import merged, prepared
from dovetail.training.loop import Tuned, Work, tune
from dovetail.training.losses import binary_cross_entropy, cross_entropy, focal
from dovetail.training.sampling import from_classes
from dovetail.training.settings import TuneSettings
from dovetail.types import Job

Matrix = npt.NDArray[np.float32]
_CHECKED = 256  # held-out rows that are read at once


@dataclass(frozen=True)
class ClassTuning:
    """How classes are learnt.

    `way` is `contrast` or `head`; `loss` of a head `cross-entropy` or `focal`; `keep` the share of the start in the
    average of the weights; `augment` varies a text, given a random generator. `held` are rows that a head does not
    learn from: with `patience` their loss says, after every epoch, when to stop, and which weights were best.
    """

    way: str = "contrast"
    loss: str = "cross-entropy"
    smoothing: float = 0.0
    several: bool = False  # whether a text may have several labels
    keep: float = 0.0
    max_tokens: int = 128
    augment: Callable[[str, np.random.Generator], str] | None = None
    held: tuple[int, ...] = ()


class ClassReader(torch.nn.Module):
    """An encoder under a linear head. The head starts from weights (d, c) and bias (c,) over unit vectors."""

    def __init__(self, encoder: TunableEncoder, weight: Matrix, bias: Matrix) -> None:
        super().__init__()
        self.encoder = encoder
        self.drop = torch.nn.Dropout(0.1)
        self.head = torch.nn.Linear(*weight.shape)
        self.head.weight.data.copy_(torch.from_numpy(np.ascontiguousarray(weight.T)))
        self.head.bias.data.copy_(torch.from_numpy(bias))

    def forward(self, tokens: Sequence[Sequence[int]]) -> torch.Tensor:
        """Scores (b, c) of lists of tokens."""
        vectors = torch.nn.functional.normalize(self.encoder(tokens), dim=1)
        found: torch.Tensor = self.head(self.drop(vectors))
        return found


def tune_classes(
    name: str | Path,
    texts: Sequence[str],
    targets: Matrix,
    tuning: ClassTuning,
    settings: TuneSettings,
    *,
    head: tuple[Matrix, Matrix] | None = None,
) -> Job[tuple[TunableEncoder, Tuned]]:
    """An encoder tuned on texts (n) and targets (n, c). `head` gives the weight and bias that a head starts from."""
    encoder = TunableEncoder(name, max_tokens=tuning.max_tokens)
    start = [p.detach().clone() for p in encoder.network.parameters()]
    if tuning.way == "contrast":
        lesson = contrast(from_classes(targets.argmax(axis=1).tolist()), settings, classes=True)
        done = yield from tune_encoder(encoder, texts, lesson, settings)
    else:
        done = yield from _through_head(encoder, texts, targets, tuning, settings, head)
    with torch.no_grad():
        for now, was in zip(encoder.network.parameters(), start, strict=True):
            now.lerp_(was.to(now.dtype), tuning.keep)
    return encoder, done


def _through_head(
    encoder: TunableEncoder,
    texts: Sequence[str],
    targets: Matrix,
    tuning: ClassTuning,
    settings: TuneSettings,
    head: tuple[Matrix, Matrix] | None,
) -> Job[Tuned]:
    width = (encoder.dimensions, targets.shape[1])
    weight, bias = head or (np.zeros(width, np.float32), np.zeros(width[1], np.float32))
    model = ClassReader(encoder, weight, bias)
    groups = prepared(model, settings)
    wanted = torch.from_numpy(targets)
    random = np.random.default_rng(settings.seed)

    def loss(rows: npt.NDArray[np.int64]) -> torch.Tensor:
        chosen = [texts[i] for i in rows.tolist()]
        varied = [tuning.augment(t, random) for t in chosen] if tuning.augment else chosen
        return _loss(model(encoder.start.tokens(varied)), wanted[torch.from_numpy(rows)], tuning)

    held = np.array(tuning.held, np.int64)
    rows = np.setdiff1d(np.arange(len(texts)), held)

    def validate() -> float:
        with torch.inference_mode():
            parts = [held[i : i + _CHECKED] for i in range(0, len(held), _CHECKED)]
            scores = [model(encoder.start.tokens([texts[i] for i in part.tolist()])) for part in parts]
            return -float(_loss(torch.cat(scores), wanted[torch.from_numpy(held)], tuning))

    def batches(epoch: int) -> list[Any]:
        return [rows[at] for at in _batches(len(rows), settings, epoch)]

    done = yield from tune(Work(model, groups, batches, loss, validate if len(held) else None), settings)
    merged(model)
    return done


def _loss(scores: torch.Tensor, wanted: torch.Tensor, tuning: ClassTuning) -> torch.Tensor:
    if tuning.several:
        one_each = focal if tuning.loss == "focal" else binary_cross_entropy
        return one_each(scores.flatten(), wanted.flatten())
    if tuning.loss == "focal":
        likely = torch.log_softmax(scores, dim=1)
        missed = (1 - (likely.exp() * wanted).sum(1)).clamp(min=1e-6)
        return -(missed.square() * (likely * wanted).sum(1)).mean()
    return cross_entropy(scores, wanted, None, tuning.smoothing)


def _batches(n: int, settings: TuneSettings, epoch: int) -> list[Any]:
    order = np.random.default_rng((settings.seed, epoch)).permutation(n)
    return [order[i : i + settings.batch] for i in range(0, n, settings.batch)]
