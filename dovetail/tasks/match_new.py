"""Held-out labels that say nothing of new things: found, and mended with labels of things that networks never see.

A network that has read a product knows it again, in other words too. Where every held-out match is of a thing that the
other labels show, weights, line and threshold that rest on them are too bold for whatever is new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError
from dovetail.types import Candidates

if TYPE_CHECKING:
    from dovetail.tasks.compare import Comparer
    from dovetail.types import Floats

    Labels = npt.NDArray[np.int8]
    Mask = npt.NDArray[np.bool_]

KNOWN = 0.9  # share of held-out matches of known things, from which the held-out labels say too little of new ones
_SHARE = 1 / 8  # of the entities are kept from networks
_LEAST = 100  # matches that must be left to judge by


@dataclass(frozen=True)
class Judges:
    """Which labels judge networks, and which teach them; what is in neither is left out. Both (m,)."""

    judging: Mask
    teaching: Mask
    new: bool  # whether the judging ones are of things that the teaching ones do not show


def judges(pairs: Candidates, label: Labels, held: Mask, known: float, seed: int) -> Judges:
    """The held-out labels as judges, or, where `known` of their matches are of known things, labels of new ones."""
    usual = Judges(held, ~held, False)
    if known < KNOWN or not held.any():
        return usual
    from dovetail.training.splits import entity_disjoint_split

    rest = np.flatnonzero(~held)
    try:
        split = entity_disjoint_split(pairs.left[rest], pairs.right[rest], label[rest], _SHARE, seed=seed)
    except InputError:
        return usual
    judging = _as_rare(rest[np.r_[split.validation, split.between]], label, float((label[held] == 1).mean()), seed)
    if (label[judging] == 1).sum() < _LEAST:
        return usual
    return Judges(_mask(judging, len(label)), _mask(rest[split.train], len(label)), True)


def _as_rare(rows: npt.NDArray[Any], label: Labels, share: float, seed: int) -> npt.NDArray[Any]:
    """These labels, without so many of the more frequent answer that `share` of them are matches."""
    random = np.random.default_rng(seed)
    yes, no = (random.permutation(rows[label[rows] == answer]) for answer in (1, 0))
    share = min(max(share, 1e-6), 1 - 1e-6)
    wanted = round(share / (1 - share) * len(no))
    if len(yes) > wanted:
        return np.sort(np.r_[yes[:wanted], no])
    return np.sort(np.r_[yes, no[: round((1 - share) / share * len(yes))]])


def known_share(comparer: Comparer, pairs: Candidates, label: Labels, held: Mask, decide: Any) -> float:
    """The share of held-out matches of which a record is, or is taken for, one of a match among the other labels.

    `decide` gives log-odds (c,) of comparisons; only candidates between the two groups of records are compared.
    """
    context = comparer.context
    size = int(max(context.left.max(initial=0), context.right.max(initial=0), pairs.left.max(), pairs.right.max())) + 1
    taught, judged = np.zeros(size, bool), np.zeros(size, bool)
    match = label == 1
    taught[pairs.left[match & ~held]] = taught[pairs.right[match & ~held]] = True
    judged[pairs.left[match & held]] = judged[pairs.right[match & held]] = True
    between = (taught[context.left] & judged[context.right]) | (judged[context.left] & taught[context.right])
    some = Candidates(context.left[between], context.right[between])
    known = taught.copy()
    if len(some):
        said: Floats = np.concatenate([decide(made) for _, made in comparer.chunks(some, own=True)])
        known[some.left[said > 0]] = known[some.right[said > 0]] = True
    left, right = pairs.left[match & held], pairs.right[match & held]
    return float((known[left] | known[right]).mean()) if len(left) else 0.0


def _mask(rows: npt.NDArray[Any], size: int) -> Mask:
    found = np.zeros(size, bool)
    found[rows] = True
    return found
