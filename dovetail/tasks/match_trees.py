"""Trees over comparisons of labelled pairs: how they are grown, and what they say of labels that they have not seen.

Many labels teach trees from nothing. Few labels mend what the matcher that ships says already: the trees start from its
log-odds, are small and many, and never turn a comparison around that can only speak for a match.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError
from dovetail.tasks.trees import TreeSettings, grow, probabilities
from dovetail.types import Candidates

if TYPE_CHECKING:
    from dovetail.types import Floats, Ints

    Matrix = npt.NDArray[np.float32]
    Labels = npt.NDArray[np.int8]

PRIOR = "shipped score"
FOLDS = 5
GROWN = 1_000  # labels from which trees are grown from nothing
_STEADY = 20.0  # of the rarer answer, so many labels count as much as even odds where the threshold is drawn


def tree_settings(m: int, seed: int, *, mend: bool = False) -> TreeSettings:
    """How trees are grown on m labels; with `mend` from the last column, which holds what ships, not from nothing."""
    if mend:
        least = int(np.clip(m // 50, 5, 20))
        return TreeSettings(200, 7, least_rows=least, column_share=0.3, l2=10.0, seed=seed, base=1.0)
    least = int(np.clip(m // 100, 3, 20))
    return TreeSettings(rounds=250 if m < 1_000 else 400, leaves=15, least_rows=least, learning_rate=0.04, seed=seed)


def folds_of(pairs: Candidates, label: Labels, seed: int) -> Ints:
    """A fold for each pair, such that the matches of one entity stand in one fold; with few entities, left records."""
    from dovetail.training.splits import entity_folds

    try:
        return np.asarray(entity_folds(pairs.left, pairs.right, label, FOLDS, seed=seed), dtype=np.int32)
    except InputError:
        return _by_left(pairs, seed)


def _by_left(pairs: Candidates, seed: int) -> Ints:
    _, group = np.unique(pairs.left, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(int(group.max()) + 1)
    return np.asarray(shuffled[group] % FOLDS, dtype=np.int32)


@dataclass(frozen=True)
class TreesTask:
    """Comparisons (m, f) and labels (m,), and which way each comparison may move the score: -1, 0 for either, 1."""

    values: Matrix
    label: Labels
    names: tuple[str, ...]
    directions: Sequence[int] | None = None


def out_of_fold(task: TreesTask, folds: Ints, settings: TreeSettings) -> Floats:
    """Log-odds (m,) of each label by trees of the other folds."""
    found = np.zeros(len(task.label))
    for fold in range(FOLDS):
        inside, outside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if not len(outside):
            continue
        some = tree_settings(len(inside), settings.seed, mend=bool(settings.base))
        trees = grow(task.values[inside], task.label[inside], task.names, some, monotone=task.directions)
        found[outside] = trees.log_odds(task.values[outside])
    return found


def drawn_to_even_odds(threshold: float, label: Labels) -> float:
    """A threshold that labels chose, the nearer to even odds the fewer they are of the rarer answer."""
    rare = float(min((label == 1).sum(), (label == 0).sum()))
    odds = np.log(threshold / (1 - threshold)) * rare / (rare + _STEADY)
    return float(probabilities(np.array([odds]))[0])


def with_column(values: Matrix, column: Floats) -> Matrix:
    """Comparisons with one more column."""
    return np.concatenate([values, column[:, None].astype(np.float32)], axis=1)
