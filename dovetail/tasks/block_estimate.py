"""What blocking would miss, estimated before it runs and without labels.

A sample of records is looked at in nets much wider than any plan. The matcher judges every pair found there; the
likely matches among them stand for the true ones. A width keeps a likely match if either record finds the other within
it. What even the wide nets miss is estimated by capture and recapture between the two nets (Chapman 1951).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dovetail.types import Candidates, Interval

if TYPE_CHECKING:
    from dovetail.tasks.block_nets import Near, Nets
    from dovetail.types import Floats, Ints, Records

# Neighbours a record by words and by the encoder, from narrow to wide; the last is what the estimate looks at.
LADDER = ((5, 2), (7, 2), (10, 3), (15, 5), (25, 8), (50, 12), (100, 20), (200, 40))
WIDE = LADDER[-1]
_FAR = np.int32(30_000)  # the place of a pair that a net does not hold
_ROUNDS = 200
_READINGS = (0.8, 0.5, 0.2)  # from which score a pair counts as a likely match
_TELLING = 10  # fewer likely matches than these tell nothing
_UNSEEN = 2.0  # so many misses there may be for each that the matcher sees
_POSSIBLE = 0.05  # pairs of lower scores are not looked at
_SUSPECTS = 4_000  # likely matches that are looked at from their other end, too

Neighbours = Callable[["Nets", "Ints", int, int, bool], Iterator["Near"]]


@dataclass(frozen=True)
class Sighting:
    """Likely matches around a sample of records, and the places at which the nets hold them."""

    record: Ints  # (m,) which sampled record, 0 … s-1
    score: Floats  # (m,)
    weight: Floats  # (m,) how many such pairs each stands for, at least 1
    lexical: Ints  # (m,) the better of the two ends' places
    encoder: Ints  # (m,)
    unions: dict[tuple[int, int], float]  # width: mean number of directed neighbours

    def degree(self, k_lexical: int, k_encoder: int) -> float:
        """Mean number of neighbours that a record has in both nets together."""
        return self.unions[k_lexical, k_encoder]


def look_wide(
    nets: Nets,
    sample: Ints,
    within: bool,
    score: Callable[[Records, Candidates], Floats] | None,
    neighbours: Neighbours,
) -> Sighting:
    """Judge all pairs of the wide nets around the sample."""
    seen = _places(nets, sample, within, neighbours)
    pairs = Candidates((seen.keys >> 32).astype(np.int32), (seen.keys & 0xFFFFFFFF).astype(np.int32))
    judged = score(nets.records, pairs) if score is not None else _by_place(seen)
    likely, weight = _suspects(judged)
    ends = np.unique(np.concatenate([pairs.left[likely], pairs.right[likely]])).astype(np.int32)
    back = _places(nets, np.setdiff1d(ends, sample).astype(np.int32), within, neighbours)
    lexical, encoder = seen.lexical[likely], seen.encoder[likely]
    known = np.isin(seen.keys[likely], back.keys)
    other = np.searchsorted(back.keys, seen.keys[likely])
    lexical[known] = np.minimum(lexical[known], back.lexical[other[known]])
    encoder[known] = np.minimum(encoder[known], back.encoder[other[known]])
    owner = np.where(np.isin(pairs.left[likely], sample), pairs.left[likely], pairs.right[likely])
    record = np.searchsorted(sample, owner).astype(np.int32)
    return Sighting(record, judged[likely], weight, lexical, encoder, seen.unions)


def _suspects(judged: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """Likely pairs, and how many each stands for: of too many, every so many-th in proportion to the scores.

    Keeping the best ones only would keep those that stand closest, and blocking would seem to miss none.
    """
    likely = np.flatnonzero(judged >= _POSSIBLE)
    if len(likely) <= _SUSPECTS:
        return likely, np.ones(len(likely))
    chance = np.minimum(1, judged[likely] * _SUSPECTS / judged[likely].sum())
    drawn = np.diff(np.floor(np.cumsum(chance)), prepend=0) > 0
    return likely[drawn], 1 / chance[drawn]


def estimate_recall(seen: Sighting, k_lexical: int, k_encoder: int, seed: int) -> Interval:
    """The share of the likely matches that a width keeps, with a 95 % interval.

    The interval joins the chance of the sample (bootstrap over records) with three readings of the scores: pairs that
    are quite certain, likely, and merely possible; the truth may be any of them. A matcher on tables that are new to it
    knows least about the matches that stand far apart: there may be twice as many of them as it sees.
    """
    kept = (seen.lexical < k_lexical) | (seen.encoder < k_encoder)
    told = [least for least in _READINGS if (seen.score >= least).sum() >= _TELLING]
    if not told:
        return Interval(1.0 if kept.all() else float(kept.mean()), 0.0, 1.0)  # too few likely matches to tell
    readings = [_reading(seen, kept, least, seed) for least in told]
    value = readings[len(readings) // 2].value
    low = min(value, *(r.low for r in readings))
    return Interval(value, low / (_UNSEEN - (_UNSEEN - 1) * low), max(value, *(r.high for r in readings)))


def _reading(seen: Sighting, kept: npt.NDArray[np.bool_], least: float, seed: int) -> Interval:
    chosen = seen.score >= least
    records = int(seen.record.max()) + 1
    weight = np.where(chosen, seen.score * seen.weight, 0.0)
    found = np.bincount(seen.record, weights=weight * kept, minlength=records)
    every = np.bincount(seen.record, weights=weight, minlength=records)
    missed = _never_seen(seen, chosen)
    draws = np.random.default_rng(seed).integers(0, records, (_ROUNDS, records))
    shares = found[draws].sum(axis=1) / np.maximum(every[draws].sum(axis=1) * (1 + missed), 1e-9)
    value = float(found.sum() / (every.sum() * (1 + missed)))
    # Where the sample shows no miss there may still be 3 in n (rule of three); a record's matches come together.
    independent = max(int((every > 0.5).sum()), 1)
    low = min(float(np.quantile(shares, 0.025)), value - 3 / (independent + 3))
    return Interval(value, max(0.0, low), min(1.0, float(np.quantile(shares, 0.975)) + missed + 2e-3))


def _never_seen(seen: Sighting, chosen: npt.NDArray[np.bool_]) -> float:
    """Matches that neither wide net holds, as a share of those that one does."""
    a, b = seen.lexical[chosen] < _FAR, seen.encoder[chosen] < _FAR
    if not b.any():
        return 0.0
    both, only_a, only_b = int((a & b).sum()), int((a & ~b).sum()), int((b & ~a).sum())
    return only_a * only_b / (both + 1) / max(both + only_a + only_b, 1)


@dataclass(frozen=True)
class _Places:
    """Pairs found from some records, and their best place in each net."""

    keys: npt.NDArray[np.int64]
    lexical: Ints
    encoder: Ints
    unions: dict[tuple[int, int], float]


def _places(nets: Nets, queries: Ints, within: bool, neighbours: Neighbours) -> _Places:
    if not len(queries):
        none = np.zeros(0, np.int32)
        return _Places(np.zeros(0, np.int64), none, none, {})
    parts = [(near.net, _pair_keys(near), near.place) for near in neighbours(nets, queries, *WIDE, within)]
    every = np.unique(np.concatenate([keys for _, keys, _ in parts])) if parts else np.zeros(0, np.int64)
    found = {net: np.full(len(every), _FAR, np.int32) for net in ("lexical", "encoder")}
    for net, keys, places in parts:
        np.minimum.at(found[net], np.searchsorted(every, keys), places)
    unions = {w: float(((found["lexical"] < w[0]) | (found["encoder"] < w[1])).sum() / len(queries)) for w in LADDER}
    return _Places(every, found["lexical"], found["encoder"], unions)


def _pair_keys(near: Near) -> npt.NDArray[np.int64]:
    low, high = np.minimum(near.query, near.found), np.maximum(near.query, near.found)
    return low.astype(np.int64) << 32 | high


def _by_place(seen: _Places) -> Floats:
    """Without a matcher: pairs that both nets put first are likely."""
    return np.where((seen.lexical == 0) & (seen.encoder <= 1), 0.9, np.where(seen.lexical == 0, 0.3, 0.02))
