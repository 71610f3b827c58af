"""How a network is tuned: one frozen set of numbers, handed down."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from dovetail.errors import InputError
from dovetail.training.optimizers import check_optimizer

VARIATIONS = ("span", "value", "order")


@dataclass(frozen=True)
class TuneSettings:
    """What a person may turn.

    `layers`: `all`, `top-2` (any number), `head` or `lora`. `learning_rate` is the peak for the pre-trained layers,
    `head_rate` that of new ones. `warmup` is a share of all steps; the rate then falls to 0 in a straight line.
    `average` is the decay of the running mean of the weights (0: none). `patience` counts validations without a gain
    before tuning stops (0: never stops early). `optimizer` is a name of `OPTIMIZERS`. `minutes` bounds the wall clock:
    fewer epochs are planned where all of `epochs` would not fit.
    """

    layers: str = "all"
    learning_rate: float = 1e-4
    head_rate: float = 1e-3
    epochs: float = 3.0
    batch: int = 32
    warmup: float = 0.06
    weight_decay: float = 0.01
    dropout: float = 0.1
    clip: float = 1.0
    average: float = 0.0
    patience: int = 0
    validations: int = 1  # an epoch
    minutes: float | None = None
    seed: int = 0
    optimizer: str = "adamw"
    loss: str = "binary"  # of pairs that are read: `binary` or `focal`; encoders have the loss of their lesson
    cut: float = 0.15  # share of pairs that are varied on one side while training
    vary: tuple[str, ...] = ("span",)  # how: a lost `span`, a lost `value`, another `order` of values

    def __post_init__(self) -> None:
        shares = {"warmup": self.warmup, "dropout": self.dropout, "average": self.average, "cut": self.cut}
        for name, value in shares.items():
            if not 0 <= value < 1:
                raise InputError(f"{name} is {value}; expected a share from 0 to below 1")
        rates = {"learning_rate": self.learning_rate, "head_rate": self.head_rate, "epochs": self.epochs}
        above = {**rates, "batch": self.batch, "clip": self.clip, "validations": self.validations}
        for name, value in {**above, "minutes": 1 if self.minutes is None else self.minutes}.items():
            if not 0 < value < math.inf:
                raise InputError(f"{name} is {value}; expected a number above 0")
        for name, value in {"weight_decay": self.weight_decay, "patience": self.patience}.items():
            if not 0 <= value < math.inf:
                raise InputError(f"{name} is {value}; expected 0 or more")
        check_optimizer(self.optimizer)
        odd = sorted(set(self.vary) - set(VARIATIONS))
        if odd:
            raise InputError(f"vary names {odd[0]!r}; expected any of {', '.join(VARIATIONS)}")
        if not re.fullmatch(r"all|head|lora|top-[1-9]\d*", self.layers):
            raise InputError(f"layers is {self.layers!r}; expected all, head, lora, or top-2 (any number)")
