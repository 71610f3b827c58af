"""What moves the weights: a family of optimizers by name."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dovetail.errors import UnknownName

if TYPE_CHECKING:
    import torch

OPTIMIZERS = {
    "adamw": "torch.optim:AdamW",  # Loshchilov and Hutter 2019: decay apart from the slope
    "adam": "torch.optim:Adam",  # Kingma and Ba 2015
    "nadam": "torch.optim:NAdam",  # Dozat 2016
    "radam": "torch.optim:RAdam",  # Liu et al. 2020: needs no warm-up
    "adafactor": "torch.optim:Adafactor",  # Shazeer and Stern 2018: half the memory
    "sgd": "torch.optim:SGD",  # with momentum; wants a rate a hundred times as high
}
_MORE: dict[str, dict[str, Any]] = {"adamw": {"fused": True}, "adam": {"fused": True}, "sgd": {"momentum": 0.9}}


def load_optimizer(name: str, groups: Sequence[dict[str, Any]], weight_decay: float) -> torch.optim.Optimizer:
    """An optimizer over parameter groups, each with its own `lr`. Raises `UnknownName`."""
    check_optimizer(name)
    module, made = OPTIMIZERS[name].split(":")
    found: torch.optim.Optimizer = getattr(import_module(module), made)(
        groups, weight_decay=weight_decay, **_MORE.get(name, {})
    )
    return found


def check_optimizer(name: str) -> None:
    """Raises `UnknownName`, with the near ones, where there is no such optimizer."""
    if name not in OPTIMIZERS:
        raise UnknownName("optimizer", name, OPTIMIZERS)
