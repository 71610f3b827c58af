"""What tuning may change besides the weights, and how long it may take: one frozen set of choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dovetail.errors import InputError, UnknownName

if TYPE_CHECKING:
    from dovetail.training.settings import TuneSettings


@dataclass(frozen=True)
class SearchTuning:
    """What is tried, each behind the gate: the vectors of `queries`, the whole `encoder`, a `reader` of the top.

    `minutes` bound the tuning of each network; reading all documents with a tuned encoder comes on top. `layers` as in
    the matcher: `all`, `top-2` (any number), `lora`. `negatives` are wrong answers mined for each right one.
    """

    queries: bool = True
    encoder: bool = False
    reader: bool = False
    minutes: float = 10.0
    layers: str = "all"
    learning_rate: float = 5e-5
    epochs: float = 2.0
    batch: int = 16
    temperature: float = 0.05
    negatives: int = 2
    max_tokens: int = 160  # read of each text while tuning

    def __post_init__(self) -> None:
        if not 0 < self.temperature <= 1:
            raise InputError(f"the temperature is {self.temperature}; expected a number above 0, at most 1")
        if self.negatives < 0 or self.max_tokens < 8:
            raise InputError("expected no negative number of negatives, and 8 tokens or more for each text")

    def settings(self, seed: int) -> TuneSettings:
        """What the training loop needs to know."""
        from dovetail.training.settings import TuneSettings

        numbers = {"learning_rate": self.learning_rate, "epochs": self.epochs, "minutes": self.minutes}
        return TuneSettings(layers=self.layers, batch=self.batch, seed=seed, **numbers)  # type: ignore[arg-type]


TUNINGS = {
    "weights": SearchTuning(queries=False),
    "queries": SearchTuning(),
    "encoder": SearchTuning(encoder=True),
    "reader": SearchTuning(reader=True),
    "all": SearchTuning(encoder=True, reader=True),
}


def tuning_of(wish: str | SearchTuning) -> SearchTuning:
    """A tuning by its name, or the one that is given."""
    if isinstance(wish, SearchTuning):
        return wish
    if wish not in TUNINGS:
        raise UnknownName("tuning", wish, TUNINGS)
    return TUNINGS[wish]
