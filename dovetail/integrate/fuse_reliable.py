"""Truth finding: sources that agree with the others are believed more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dovetail.integrate.fuse_rules import Cells, votes

if TYPE_CHECKING:
    from dovetail.integrate.fuse_rules import Key

_ROUNDS = 30
_PRIOR = 0.8  # what a source is believed before it is known
_DAMPING = 0.3  # of Yin, Han and Yu (2007): sources copy from one another, so their votes add up to less
_WEIGHT = 4.0  # how many claims that belief is worth


def reliable(cells: Cells, word: str) -> Key:
    """The value with the most votes, each weighted by how reliable its source proved in this column.

    Iterates as in Dong, Berti-Equille and Srivastava (2009): values are as likely as the accuracy of those who give
    them, sources as accurate as their values are likely. A copied error is not recognised as copied.
    """
    del word
    source, sources = cells.source.astype(np.int64), len(cells.records.sources)
    claim = cells.groups.claims(cells.code)
    first = np.unique(claim, return_index=True)[1]
    false_values = max(1.0, len(first) / max(1, len(cells.groups)) - 1)
    said = np.bincount(source, minlength=sources)
    accuracy = np.full(sources, _PRIOR)
    likely = np.zeros(len(claim))
    for _ in range(_ROUNDS):
        weight = np.log(false_values * accuracy / (1 - accuracy))
        vote = votes(cells, weight[source])
        top = np.maximum.reduceat(vote, cells.groups.start)[cells.groups.group]
        mass = np.exp(_DAMPING * (vote - top))
        total = np.bincount(cells.groups.group[first], weights=mass[first])[cells.groups.group]
        likely = mass / total
        hits = np.bincount(source, weights=likely, minlength=sources)
        updated = np.clip((hits + _PRIOR * _WEIGHT) / (said + _WEIGHT), 0.02, 0.99)
        if np.abs(updated - accuracy).max() < 1e-4:
            break
        accuracy = updated
    return -likely
