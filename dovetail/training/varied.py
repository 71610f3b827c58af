"""Ways in which a record as it is read may be otherwise and still be the same record.

The same thought as data augmentation for pairs of records (Ditto, Li et al. 2020), on tokens, so that a batch costs
nothing: what was tokenised once is cut and put together anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from dovetail.encoders.reading import BETWEEN, Passage
from dovetail.errors import UnknownName

Ints = npt.NDArray[np.int64]
_LEAST = 8  # tokens, below which a passage has nothing to spare
_LONGEST = 4  # tokens of a lost span


def varied(one: Passage, ways: Sequence[str], random: np.random.Generator) -> Passage:
    """The passage in one of these ways, drawn at random; short ones stay as they are."""
    if len(one.tokens) < _LEAST or not ways:
        return one
    kept = way_of(ways[int(random.integers(0, len(ways)))])(one, random)
    return Passage(one.tokens[kept], one.words[kept], one.rare[kept])


def way_of(name: str) -> Callable[[Passage, np.random.Generator], Ints]:
    """A way by its name: gives the positions of the tokens that stay, in their new order."""
    if name not in WAYS:
        raise UnknownName("way to vary", name, WAYS)
    return WAYS[name]


def lost_span(one: Passage, random: np.random.Generator) -> Ints:
    """Without one span of up to four tokens."""
    start, size = int(random.integers(0, len(one.tokens))), int(random.integers(1, _LONGEST + 1))
    return np.r_[0:start, min(start + size, len(one.tokens)) : len(one.tokens)]


def lost_value(one: Passage, random: np.random.Generator) -> Ints:
    """Without one of its values; whole where there is only one."""
    parts = _parts(one)
    lost = int(random.integers(0, len(parts)))
    return _together(one, [part for i, part in enumerate(parts) if i != lost] or parts)


def other_order(one: Passage, random: np.random.Generator) -> Ints:
    """The same values in another order."""
    parts = _parts(one)
    return _together(one, [parts[i] for i in random.permutation(len(parts))])


def _parts(one: Passage) -> list[Ints]:
    """Positions of each value's tokens."""
    between = np.flatnonzero((one.tokens == BETWEEN) & (one.words < 0))
    return [p[1:] if i else p for i, p in enumerate(np.split(np.arange(len(one.tokens)), between))]


def _together(one: Passage, parts: Sequence[Ints]) -> Ints:
    """Positions of these values one after the other, with the marks between them."""
    between = np.flatnonzero((one.tokens == BETWEEN) & (one.words < 0))
    found = [parts[0]]
    for mark, part in zip(between, parts[1:], strict=False):
        found += [np.array([mark]), part]
    return np.concatenate(found).astype(np.int64)


WAYS: dict[str, Callable[[Passage, np.random.Generator], Ints]] = {
    "span": lost_span,
    "value": lost_value,
    "order": other_order,
}
