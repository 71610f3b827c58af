"""What training a classifier will take, said before it starts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dovetail.encoders.base import Encoder

_PROBED = 48  # texts that are read to see how fast
_RATE = 3e10  # multiplications a second of the solver, where no step of it was timed
_ROUNDS, _FITS = 30, 12  # rounds of the solver a head, and heads that are fitted until one is kept
_WIDE = 1_000  # directions that a head is learnt among, at most
READING = 0.6  # share of the minutes that reading may take
TUNED = 6.0  # what a text costs in tuning, an epoch, against reading it once


@dataclass(frozen=True)
class Forecast:
    """Seconds of each part of training. `pace` is the seconds of reading one text."""

    read: float
    heads: float
    pace: float

    @property
    def seconds(self) -> float:
        """Of all but tuned encoders."""
        return self.read + self.heads

    def tuned(self, texts: int, epochs: float, times: int) -> float:
        """Of tuning an encoder `times` times for so many epochs."""
        return TUNED * self.pace * texts * epochs * times

    def __str__(self) -> str:
        return f"about {_said(self.seconds)}: reading the texts {_said(self.read)}, learning {_said(self.heads)}"


def forecast(texts: Sequence[str], classes: int, reader: Encoder) -> Forecast:
    """From the time that some of the texts take to read, spread over all of them."""
    if not texts:
        return Forecast(0.0, 0.0, 0.0)
    at = np.unique(np.linspace(0, len(texts) - 1, _PROBED).astype(np.int64)).tolist()
    reader.encode([texts[at[0]]])  # what is loaded once is not a cost of each text
    start = time.perf_counter()
    reader.encode([texts[i] for i in at])
    pace = (time.perf_counter() - start) / len(at)
    wide = min(_WIDE, len(texts), reader.dimensions)
    heads = 4 * len(texts) * wide * classes * _ROUNDS * _FITS / _RATE
    return Forecast(pace * len(texts), heads + 1e-5 * len(texts) + 0.1, pace)


def _said(seconds: float) -> str:
    if seconds < 90:
        return f"{max(seconds, 0.1):.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min"
