"""Parting judged pairs so that what is held out is new: no entity stands on both sides.

An entity is what hangs together by matches. A model that has seen one record of it in training knows the answer, so
matches are never torn apart; how well a model does on entities that it has never seen is what a user will meet.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

import numpy as np

from dovetail.errors import InputError
from dovetail.training.sampling import Array, Ints, Seed, linked, numbered


@dataclass(frozen=True)
class Split:
    """Positions of judged pairs, each pair in one of the three."""

    train: Ints  # both records of entities for training
    validation: Ints  # matches of held-out entities, and as many others as keep the share of matches
    between: Ints  # left out: they touch both sides, or nobody was sure


def entity_folds(left: Array, right: Array, label: Array, k: int = 5, *, seed: Seed = 0) -> Ints:
    """The fold 0 … k-1 of each judged pair (m,): the matches of one entity share a fold, and folds have about as many.

    A pair of two entities goes to the fold of one of them, drawn at random. Left and right share one numbering.
    """
    if k < 2:
        raise InputError(f"k is {k}; expected at least 2 folds")
    random = np.random.default_rng(seed)
    item, one, other = numbered(left, right, label)
    entities, entity = linked(one[label == 1], other[label == 1], len(item))
    matches = np.bincount(entity[one[label == 1]], minlength=entities)
    _check_enough(int((matches > 0).sum()), k)
    fold = _dealt(matches, k, random)
    sides = np.stack([fold[entity[one]], fold[entity[other]]])
    return np.asarray(sides[random.integers(0, 2, len(one)), np.arange(len(one))])


def entity_disjoint_split(left: Array, right: Array, label: Array, share: float = 0.2, *, seed: Seed = 0) -> Split:
    """Judged pairs (m,) parted so that no entity of a training pair has a match in the validation part.

    About `share` of the matches are held out. Pairs between the two sides join the validation part until its share of
    matches is that of all pairs: there the other record is one that training has seen. The rest is left out.
    """
    if not 0 < share < 1:
        raise InputError(f"share is {share}; expected a share between 0 and 1")
    random = np.random.default_rng(seed)
    item, one, other = numbered(left, right, label)
    label = np.asarray(label)
    entities, entity = linked(one[label == 1], other[label == 1], len(item))
    matches = np.bincount(entity[one[label == 1]], minlength=entities)
    _check_enough(int((matches > 0).sum()), 2)
    held = _held_out(matches, share, random)
    sides = held[entity[one]].astype(np.int64) + held[entity[other]]
    sure = label >= 0
    train, inside = np.flatnonzero(sure & (sides == 0)), np.flatnonzero(sure & (sides == 2))
    across = random.permutation(np.flatnonzero(sure & (sides == 1)))
    wanted = _missing(label, inside)
    between = np.concatenate([across[wanted:], np.flatnonzero(~sure)])
    return Split(train, np.sort(np.concatenate([inside, across[:wanted]])), np.sort(between))


def _check_enough(found: int, k: int) -> None:
    if found < k:
        raise InputError(
            f"the matches among the labels are of {found} entities; expected at least {k}, one for each part. "
            f"Label matches of more entities, or ask for fewer parts"
        )


def _dealt(matches: Ints, k: int, random: np.random.Generator) -> Ints:
    """A fold for each entity: those with most matches first, each to the fold with the fewest; the others evenly."""
    fold = np.empty(len(matches), np.int64)
    order = random.permutation(len(matches))
    order = order[np.argsort(-matches[order], kind="stable")]
    some = int((matches > 0).sum())
    held = [(0, turn, number) for turn, number in enumerate(random.permutation(k).tolist())]
    for entity in order[:some].tolist():
        count, turn, number = held[0]
        fold[entity] = number
        heapq.heapreplace(held, (count + int(matches[entity]), turn, number))
    fold[order[some:]] = np.arange(len(matches) - some) % k
    return fold


def _held_out(matches: Ints, share: float, random: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which entities are held out: with about `share` of the matches, and as many of those without any match."""
    held = random.random(len(matches)) < share
    order = random.permutation(np.flatnonzero(matches))
    wanted = share * matches.sum()
    order = order[matches[order] <= max(wanted, matches[order].min())]
    sums = np.cumsum(matches[order])
    most = int((matches > 0).sum()) - 1
    count = min(most, max(1, int(np.abs(sums - wanted).argmin()) + 1))
    held[matches > 0] = False
    held[order[:count]] = True
    return held


def _missing(label: Array, inside: Ints) -> int:
    """How many pairs that are no match the validation part lacks to be like all labels."""
    yes, no = int((label == 1).sum()), int((label == 0).sum())
    there = int((label[inside] == 1).sum())
    return max(0, math.ceil(there * no / yes) - (len(inside) - there))
