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

from dovetail.encoders.cross import precision
from dovetail.encoders.layered import DEPTHS
from dovetail.encoders.transformer import padded
from dovetail.training.checkpoint import Checkpoint
from dovetail.training.encoding import TunableEncoder, contrast, tune_encoder
from dovetail.training.layers import merged, prepared
from dovetail.training.loop import Tuned, Work, tune
from dovetail.training.losses import binary_cross_entropy, cross_entropy, focal
from dovetail.training.sampling import from_classes
from dovetail.training.settings import TuneSettings
from dovetail.types import Job

Matrix = npt.NDArray[np.float32]
_CHECKED = 256  # held-out rows that are read at once
_ROWS = 16  # texts of like length that go through the network together on a processor


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
    weight: Matrix | None = None  # (n,) how much each row counts
    checkpoint: Checkpoint | None = None  # what a killed tuning goes on from


class ClassReader(torch.nn.Module):
    """An encoder under a linear head that reads the mean token states of several layers, as `LayeredEncoder` does.

    The head starts from weights (d, c) and bias (c,) over those vectors, or from nothing.
    """

    def __init__(self, encoder: TunableEncoder, classes: int, head: tuple[Matrix, Matrix] | None = None) -> None:
        super().__init__()
        self.encoder = encoder
        self.drop = torch.nn.Dropout(0.1)
        self.head = torch.nn.Linear(encoder.start.recipe.hidden * len(DEPTHS), classes)
        weight, bias = head or (np.zeros(self.head.weight.T.shape, np.float32), np.zeros(classes, np.float32))
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight.T)))
            self.head.bias.copy_(torch.from_numpy(bias))
        self.head.to(next(encoder.network.parameters()).device)

    def forward(self, tokens: Sequence[Sequence[int]]) -> torch.Tensor:
        """Scores (b, c) of lists of tokens."""
        found: torch.Tensor = self.head(self.drop(self._vectors(tokens)))
        return found

    def _vectors(self, tokens: Sequence[Sequence[int]]) -> torch.Tensor:
        """Unit vectors (b, d); texts of like length go through the network together."""
        order = np.argsort([len(one) for one in tokens], kind="stable")
        at_once = len(order) if self.head.weight.is_cuda else _ROWS
        parts = [order[i : i + at_once] for i in range(0, len(order), at_once)]
        found = torch.cat([self._layers([tokens[i] for i in part]) for part in parts])
        return found[torch.from_numpy(np.argsort(order, kind="stable")).to(found.device)]

    def _layers(self, tokens: Sequence[Sequence[int]]) -> torch.Tensor:
        ids, mask = padded(tokens, self.head.weight.device)
        with precision():
            read = self.encoder.network(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        states, weight = read.hidden_states, mask[..., None].float()
        chosen = [states[round(share * (len(states) - 1))].float() for share in DEPTHS]
        means = [torch.nn.functional.normalize((s * weight).sum(1) / weight.sum(1), dim=1) for s in chosen]
        return torch.cat(means, dim=1) / len(means) ** 0.5


@dataclass(frozen=True)
class TunedClasses:
    """A tuned encoder; the weight (d, c) and bias (c,) of the head over the vectors of its layers, where one was learnt
    with it; and what tuning did."""

    encoder: TunableEncoder
    head: tuple[Matrix, Matrix] | None
    done: Tuned


def tune_classes(
    name: str | Path,
    texts: Sequence[str],
    targets: Matrix,
    tuning: ClassTuning,
    settings: TuneSettings,
    *,
    head: tuple[Matrix, Matrix] | None = None,
) -> Job[TunedClasses]:
    """An encoder tuned on texts (n) and targets (n, c). `head` gives the weight and bias that a head starts from."""
    encoder = TunableEncoder(name, max_tokens=tuning.max_tokens)
    start = [p.detach().clone() for p in encoder.network.parameters()]
    model = None
    if tuning.way == "contrast":
        lesson = contrast(from_classes(targets.argmax(axis=1).tolist()), settings, classes=True)
        done = yield from tune_encoder(encoder, texts, lesson, settings, checkpoint=tuning.checkpoint)
    else:
        model = ClassReader(encoder, targets.shape[1], head)
        done = yield from _through_head(model, texts, targets, tuning, settings)
    with torch.no_grad():
        for now, was in zip(encoder.network.parameters(), start, strict=True):
            now.lerp_(was.to(now.dtype), tuning.keep)
    return TunedClasses(encoder, None if model is None else _arrays(model.head), done)


def _arrays(head: torch.nn.Linear) -> tuple[Matrix, Matrix]:
    weight, bias = (value.detach().cpu().numpy().astype(np.float32) for value in (head.weight, head.bias))
    return np.ascontiguousarray(weight.T), bias


def _through_head(
    model: ClassReader, texts: Sequence[str], targets: Matrix, tuning: ClassTuning, settings: TuneSettings
) -> Job[Tuned]:
    groups = prepared(model, settings)
    # Words that the labels do not mention must not be left behind by those that they do.
    model.encoder.network.get_input_embeddings().weight.requires_grad_(False)  # type: ignore[operator]
    wanted = torch.from_numpy(targets)
    weight = None if tuning.weight is None else torch.from_numpy(tuning.weight)
    held = np.array(tuning.held, np.int64)
    rows = np.setdiff1d(np.arange(len(texts)), held)

    def lost(at: npt.NDArray[np.int64], read: Sequence[str]) -> torch.Tensor:
        scores, own = model(model.encoder.start.tokens(read)), torch.from_numpy(at)
        counts = None if weight is None else weight[own].to(scores.device)
        return _loss(scores, wanted[own].to(scores.device), counts, tuning)

    def loss(at: npt.NDArray[np.int64]) -> torch.Tensor:
        chosen = [texts[i] for i in at.tolist()]
        if tuning.augment is None:
            return lost(at, chosen)
        random = np.random.default_rng(int(torch.randint(2**31, ())))  # torch's state is what a checkpoint keeps
        return lost(at, [tuning.augment(t, random) for t in chosen])

    def validate() -> float:
        with torch.inference_mode():
            parts = [held[i : i + _CHECKED] for i in range(0, len(held), _CHECKED)]
            losses = [float(lost(part, [texts[i] for i in part.tolist()])) * len(part) for part in parts]
        return -sum(losses) / len(held)

    def batches(epoch: int) -> list[Any]:
        return [rows[at] for at in _batches(len(rows), settings, epoch)]

    work = Work(model, groups, batches, loss, validate if len(held) else None)
    done = yield from tune(work, settings, checkpoint=tuning.checkpoint)
    merged(model)
    return done


def _loss(scores: torch.Tensor, wanted: torch.Tensor, weight: torch.Tensor | None, tuning: ClassTuning) -> torch.Tensor:
    """The mean loss of rows (b, c), each counting as much as `weight` (b,) says."""
    if tuning.several:
        one_each = focal if tuning.loss == "focal" else binary_cross_entropy
        each = None if weight is None else weight[:, None].expand_as(wanted).flatten()
        return one_each(scores.flatten(), wanted.flatten(), weights=each)
    if tuning.loss == "focal":
        likely = torch.log_softmax(scores, dim=1)
        missed = (1 - (likely.exp() * wanted).sum(1)).clamp(min=1e-6)
        lost = -missed.square() * (likely * wanted).sum(1)
        return lost.mean() if weight is None else (lost * weight).sum() / weight.sum()
    return cross_entropy(scores, wanted, weight, tuning.smoothing)


def _batches(n: int, settings: TuneSettings, epoch: int) -> list[Any]:
    order = np.random.default_rng((settings.seed, epoch)).permutation(n)
    return [order[i : i + settings.batch] for i in range(0, n, settings.batch)]
