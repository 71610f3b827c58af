"""Heads on kept vectors: they start as the identity and move only what the labels ask for. Made in seconds.

`skip` adds to a vector what two small layers make of it (the second one starts at zero); `classes` puts beside a vector
its class probabilities, so that the cosine of two texts grows with the chance that they are of one class. `none` leaves
vectors as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from dovetail.errors import MissingExtra, UnknownName

if TYPE_CHECKING:
    from torch import Tensor

Vectors = npt.NDArray[np.float32]
Tensors = Mapping[str, npt.NDArray[np.float32]]

HEADS = {
    "none": "dovetail.tasks.embed_head:PlainHead",
    "skip": "dovetail.tasks.embed_head:SkipHead",
    "classes": "dovetail.tasks.embed_head:ClassHead",
}


class Head(Protocol):
    """Unit vectors (n, d) in, unit vectors (n, dimensions) out."""

    def __call__(self, vectors: Vectors) -> Vectors:
        """The moved vectors."""

    def tensors(self) -> Tensors:
        """What it has learned, to be saved."""


def load_head(name: str, tensors: Tensors) -> Head:
    """A head of the family with what it has learned."""
    if name not in HEADS:
        raise UnknownName("head", name, HEADS)
    module, attribute = HEADS[name].split(":")
    head: Head = getattr(import_module(module), attribute)(**tensors)
    return head


def unit(vectors: npt.NDArray[Any]) -> Vectors:
    """Rows of length one; a row of zeros stays."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(norms == 0, 1, norms), np.float32)


def plain_part(vectors: Vectors, size: int) -> Vectors:
    """The last `size` values of each vector, at length one; 0: the vectors themselves.

    An encoder that reads lower layers, too, gives them before its plain vector.
    """
    return unit(vectors[:, -size:]) if size else vectors


def _whole() -> Vectors:
    return np.zeros(1, np.float32)


@dataclass(frozen=True)
class PlainHead:
    """The identity on the plain part of the vectors."""

    plain: Vectors = field(default_factory=_whole)  # (1,)

    def __call__(self, vectors: Vectors) -> Vectors:
        """The plain vectors themselves."""
        return plain_part(vectors, int(self.plain[0]))

    def tensors(self) -> Tensors:
        """How much is plain, where that is not all."""
        return {"plain": self.plain} if self.plain.any() else {}


@dataclass(frozen=True)
class SkipHead:
    """x + relu(x · down + bias) · up, scaled to length one."""

    down: Vectors  # (d, h)
    bias: Vectors  # (h,)
    up: Vectors  # (h, d)

    def __call__(self, vectors: Vectors) -> Vectors:
        """The moved vectors (n, d)."""
        return unit(vectors + np.maximum(vectors @ self.down + self.bias, 0) @ self.up)

    def tensors(self) -> Tensors:
        """The three matrices."""
        return {"down": self.down, "bias": self.bias, "up": self.up}


@dataclass(frozen=True)
class ClassHead:
    """The plain vector, and beside it `force` times the class probabilities to a power, scaled to length one.

    The probabilities are told from all that an encoder gives, the last `plain` values stand in the space (0: all).
    The product of two rows of probabilities is the chance that both are of one class. Spaces from before there was a
    `power` have roots (Bhattacharyya).
    """

    weights: Vectors  # (d, c)
    bias: Vectors  # (c,)
    force: Vectors  # (1,)
    power: Vectors = field(default_factory=lambda: np.array([0.5], np.float32))  # (1,)
    plain: Vectors = field(default_factory=_whole)  # (1,)

    def probabilities(self, vectors: Vectors) -> Vectors:
        """The probability of each class (n, c)."""
        logits = vectors @ self.weights + self.bias
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), np.float32)

    def __call__(self, vectors: Vectors) -> Vectors:
        """The moved vectors (n, plain + c); a text without words stays a row of zeros."""
        known = vectors.any(axis=1, keepdims=True)
        beside = self.force[0] * self.probabilities(vectors) ** self.power[0] * known
        return unit(np.hstack([plain_part(vectors, int(self.plain[0])), beside]))

    def tensors(self) -> Tensors:
        """The linear map, the force and the power, and how much is plain where that is not all."""
        found = {"weights": self.weights, "bias": self.bias, "force": self.force, "power": self.power}
        return found | ({"plain": self.plain} if self.plain.any() else {})


@dataclass(frozen=True)
class SkipSettings:
    """How a skip head is trained."""

    hidden: int = 64
    steps: int = 200
    rate: float = 3e-3
    decay: float = 0.05
    noise: float = 0.1  # dropout of the input


def skip_head(
    vectors: Vectors,
    loss: Callable[[Tensor, npt.NDArray[np.int64]], Tensor],
    settings: SkipSettings,
    *,
    draw: Callable[[np.random.Generator], npt.NDArray[np.int64]],
    seed: int = 0,
) -> SkipHead:
    """A skip head trained to make `loss(moved (b, d), rows (b,))` small over the rows that `draw` gives."""
    try:
        import torch
    except ImportError:
        raise MissingExtra("a head trained on labels", "train") from None
    from torch.nn.functional import dropout, normalize

    maker = torch.Generator().manual_seed(seed)
    width = vectors.shape[1]
    down = (torch.randn(width, settings.hidden, generator=maker) / width**0.5).requires_grad_(True)
    bias = torch.zeros(settings.hidden, requires_grad=True)
    up = torch.zeros(settings.hidden, width, requires_grad=True)
    trained = [down, bias, up]
    optimizer = torch.optim.AdamW(trained, lr=settings.rate, weight_decay=settings.decay)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, settings.rate, total_steps=settings.steps)
    rng, data = np.random.default_rng(seed), torch.from_numpy(vectors)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for _ in range(settings.steps):
            rows = draw(rng)
            some = dropout(data[torch.from_numpy(rows)], settings.noise)
            moved = normalize(some + torch.relu(some @ down + bias) @ up, dim=1)
            optimizer.zero_grad()
            loss(moved, rows).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            plan.step()
    return SkipHead(*(np.asarray(p.detach().numpy(), np.float32) for p in trained))
