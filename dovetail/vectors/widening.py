"""How wide an approximate search has to look: measured as the store grows, not assumed.

Whenever a store has doubled, some vectors that are about to join it ask for their neighbours first, and the width grows
until the store answers as a plain comparison does.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

_NEAREST = 10
_ASKED = 64  # vectors that measure it
_FEWEST = 16  # a batch with fewer waits for a larger one
_SLACK = 1e-5  # cosines closer than half precision tells apart
_FEW = 5_000  # rows up to which the least width finds all
_STEP = 1.5

Vectors = npt.NDArray[np.float32]
Ask = Callable[[Vectors, int, int | None], Vectors]
"""From queries (m, d), k and a width: the cosines (m, k) of what is found, best first; without a width, of all."""


class Widening:
    """The width of the searches of one store.

    It grows until `wanted` of the ten nearest are found. With `strangers` s only one in s of the vectors that ask
    counts: those whose neighbours lie farthest. Queries are shorter than documents and lie farther from them than those
    lie from each other, so that they are harder to answer; one where no document lies at all is harder still.
    """

    def __init__(self, least: int, wanted: float, strangers: int = 1) -> None:
        self.least = self.width = least
        self.wanted = wanted
        self.strangers = strangers
        self.recall: float | None = None  # when it was last measured
        self._measured = _FEW  # rows at the last measuring

    def held_back(self, rows: int, batch: Vectors) -> npt.NDArray[np.int64]:
        """Rows of a batch (m,) that ask before they join a store: none where it is too soon, or there are too few."""
        if rows + len(batch) < 2 * self._measured:
            return np.zeros(0, np.int64)
        usable = np.flatnonzero(batch.any(axis=1))
        drawn = np.random.default_rng(0).permutation(usable)[: _ASKED * self.strangers]
        return np.sort(drawn) if len(usable) >= _FEWEST else usable[:0]

    def measure(self, rows: int, asked: Vectors, ask: Ask, most: int) -> None:
        """Widen until as much is found as by comparing with all, or until the width is `most`.

        What lies as near as the tenth of that counts as found: equal vectors stand for each other.
        """
        if rows < _NEAREST:
            return
        self.width = min(self.least, most)
        if self.strangers > 1:
            farthest = np.argsort(ask(asked, _NEAREST, self.width)[:, -1], kind="stable")
            asked = asked[farthest[: -(-len(asked) // self.strangers)]]
        limit = ask(asked, _NEAREST, None)[:, -1:] - _SLACK
        while True:
            self.recall = float((ask(asked, _NEAREST, self.width) >= limit).mean())
            if self.recall >= self.wanted or self.width >= most:
                break
            self.width = min(most, int(_STEP * self.width))
        self._measured = rows
