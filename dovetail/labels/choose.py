"""What to ask next: the family of choosers, and `choose`, which asks one of them.

The default, `both`, follows the usual findings on rare matches: ask where the model is unsure and the candidate is
unlike those already asked (uncertainty times distance, a greedy form of BADGE, Ash et al. 2020), keep a share of
likely matches so that both answers occur, and a random control share so that figures stay honest. The first
questions span the whole range of scores, since a matcher trained elsewhere may have its line in the wrong place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from dovetail.errors import InputError, UnknownName
from dovetail.labels.pool import Pool, far_from

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.types import Floats

    Positions = npt.NDArray[np.int64]

_BOTH_ANSWERS = 3  # of each answer; before that many are known, questions span the range
_MATCHES = 0.3  # share of a batch that should turn out to be matches
_CONTROL = 0.1  # share of a batch drawn at random
_NEAR_LINE = 2_000  # only so many of the most promising candidates are compared with one another


@dataclass(frozen=True)
class Chosen:
    """What to ask, the most useful first, and why each."""

    position: Positions  # (k,) into the pool, each once, none asked before
    why: tuple[str, ...]  # (k,)

    def __len__(self) -> int:
        return len(self.position)


Chooser = Callable[[Pool, int, np.random.Generator], Chosen]

CHOOSERS = {
    "both": "dovetail.labels.choose:both",
    "uncertain": "dovetail.labels.choose:uncertain",
    "diverse": "dovetail.labels.choose:diverse",
    "spread": "dovetail.labels.choose:spread",
    "likely": "dovetail.labels.choose:likely",
    "disagreement": "dovetail.labels.choose:disagreement",
    "rare": "dovetail.labels.choose:rare",
    "around": "dovetail.labels.choose:around",
    "random": "dovetail.labels.choose:at_random",
}


def choose(pool: Pool, size: int = 25, *, strategy: str = "both", seed: int = 0) -> Chosen:
    """The next `size` candidates to ask about (fewer where fewer are left), by one of `CHOOSERS`."""
    if strategy not in CHOOSERS:
        raise UnknownName("way to choose", strategy, CHOOSERS)
    if size < 1:
        raise InputError(f"a batch of {size} questions cannot be chosen; give 1 or more")
    pool = pool.check()
    size = min(size, len(pool.open))
    if not size:
        return _chosen(pool.open, "")
    module, name = CHOOSERS[strategy].split(":")
    chooser: Chooser = getattr(import_module(module), name)
    # The batch differs from the one before although the seed is the same.
    return chooser(pool, size, np.random.default_rng([seed, len(pool) - len(pool.open)]))


def both(pool: Pool, size: int, rng: np.random.Generator) -> Chosen:
    """Unsure and unlike the others, with a share of likely matches and of chance; at first, the whole range."""
    if _too_early(pool):
        return spread(pool, size, rng)
    control = int(rng.binomial(size, _CONTROL)) if size < 10 else round(_CONTROL * size)
    picked = [_unsure_and_unlike(pool, pool.open, size - control)]
    if pool.classes is None:
        lacking = _MATCHES * size - pool.score[picked[0].position].sum()
        some = int(np.clip(np.ceil(lacking), 0, (size - control) // 2))
        picked = [_cut(picked[0], size - control - some)]
        rest = np.setdiff1d(pool.open, picked[0].position)
        picked.append(_likely(pool, rest, some))
    rest = np.setdiff1d(pool.open, np.concatenate([p.position for p in picked]))
    picked.append(_chosen(rng.choice(rest, min(control, len(rest)), replace=False), "drawn at random, as a control"))
    return _joined(picked)


def uncertain(pool: Pool, size: int, rng: np.random.Generator) -> Chosen:
    """Those nearest to the threshold, or where the two best classes are closest."""
    return _chosen(_top(pool.uncertainty, pool.open, size, rng), "the model is unsure")


def diverse(pool: Pool, size: int, rng: np.random.Generator) -> Chosen:
    """Those that cover what nobody was asked about: k-centre greedy (Sener and Savarese 2018)."""
    some = pool.open
    if len(some) > 10 * _NEAR_LINE:
        some = rng.choice(some, 10 * _NEAR_LINE, replace=False)
    return _chosen(_spread_out(pool, some, np.ones(len(some)), size), "unlike anything asked so far")


def spread(pool: Pool, size: int, rng: np.random.Generator) -> Chosen:
    """One from each of `size` equal stretches between the lowest and the highest score, in log-odds."""
    odds = pool.log_odds[pool.open]
    low, high = np.quantile(odds, [0.02, 1.0])
    picked: list[int] = []
    free = np.ones(len(odds), bool)
    goals = low + (high - low) * (np.arange(size) + rng.uniform(size=size)) / size
    for goal in goals:
        gap = np.where(free, np.abs(odds - goal), np.inf)
        at = int(rng.choice(np.flatnonzero(gap == gap.min())))
        free[at] = False
        picked.append(at)
    return _chosen(pool.open[rng.permutation(picked)], "to see the whole range of scores")


def likely(pool: Pool, size: int, rng: np.random.Generator) -> Chosen:
    """Likely matches, the least sure of them first: matches are rare, and a model needs some."""
    del rng
    return _likely(pool, pool.open, size)


def disagreement(pool: Pool, size: int, rng: np.random.Generator) -> Chosen:
    """Those that several models see differently: the information that asking gives (Houlsby et al. 2011)."""
    if pool.committee is None:
        raise InputError("choosing by disagreement needs what several models say; give the pool a committee")
    said = pool.committee if pool.committee.ndim == 3 else np.stack([1 - pool.committee, pool.committee], axis=-1)
    gain = _entropy(said.mean(axis=0)) - _entropy(said).mean(axis=0)
    return _chosen(_top(gain, pool.open, size, rng), "models disagree")


def rare(pool: Pool, size: int, rng: np.random.Generator) -> Chosen:
    """Those that probably belong to the classes with the fewest labels so far."""
    shares = np.stack([1 - pool.score, pool.score], axis=1) if pool.classes is None else pool.classes
    c = shares.shape[1]
    said = np.zeros(0, np.int64) if pool.said is None else np.asarray(pool.said, np.int64)
    count = np.bincount(said[(said >= 0) & (said < c)], minlength=c).astype(np.float64)
    left, picked = shares[pool.open] + 1e-9 * rng.uniform(size=(len(pool.open), c)), []
    for _ in range(size):
        at = int(np.argmax(left @ (1 / (count + 1))))
        picked.append(at)
        count += shares[pool.open[at]]
        left[at] = -1
    return _chosen(pool.open[picked], "probably of a class with few labels")


def around(pool: Pool, size: int, rng: np.random.Generator) -> Chosen:
    """Those about one record, the most likely first; then those most like them."""
    del rng
    if pool.around is None:
        raise InputError("choosing around a record needs the record; give the pool `around`")
    records = np.arange(len(pool)) if pool.records is None else np.asarray(pool.records)
    about = (records.reshape(len(pool), -1) == pool.around).any(axis=1)
    if not about.any():
        raise InputError(f"no candidate is about record {pool.around}; choose a record that some candidate names")
    far = far_from(pool.place[pool.open], pool.place[about])
    order = np.lexsort((-pool.score[pool.open], far, ~about[pool.open]))[:size]
    here = about[pool.open[order]]
    why = tuple("about the chosen record" if inside else "like the chosen record" for inside in here)
    rank = np.lexsort((np.where(here, -pool.score[pool.open[order]], 0), ~here))
    return Chosen(pool.open[order][rank], tuple(why[i] for i in rank))


def at_random(pool: Pool, size: int, rng: np.random.Generator) -> Chosen:
    """Any, each as likely as the next: a control that no model has coloured."""
    return _chosen(rng.choice(pool.open, size, replace=False), "drawn at random")


def _too_early(pool: Pool) -> bool:
    """Whether too little is known to trust the threshold. Answers that are not handed over count as enough of each."""
    if pool.classes is not None:
        return False
    if pool.said is None:
        return pool.asked is None or len(pool.asked) < 2 * _BOTH_ANSWERS
    return min(pool.answers) < _BOTH_ANSWERS and len(pool.said) < 20 * _BOTH_ANSWERS


def _unsure_and_unlike(pool: Pool, some: Positions, size: int) -> Chosen:
    near = some[np.argsort(-pool.uncertainty[some], kind="stable")[: max(_NEAR_LINE, 20 * size)]]
    return _chosen(
        _spread_out(pool, near, pool.uncertainty[near], size), "the model is unsure, and it is unlike others"
    )


def _likely(pool: Pool, some: Positions, size: int) -> Chosen:
    """Above the threshold, spread out; where too few lie there, the highest below."""
    order = some[np.lexsort((np.where(pool.log_odds[some] >= 0, 0, -pool.score[some]), pool.log_odds[some] < 0))]
    above = int((pool.log_odds[some] >= 0).sum())
    near = order[: max(size, min(above, _NEAR_LINE))]
    return _chosen(_spread_out(pool, near, np.ones(len(near)), size), "probably a match")


def _spread_out(pool: Pool, some: Positions, value: Floats, size: int) -> Positions:
    """Greedily the positions (size,) with the highest value times distance to all asked and picked before."""
    size = min(size, len(some))
    place = pool.place[some]
    asked = np.zeros(0, np.int64) if pool.asked is None else pool.asked[-_NEAR_LINE:]
    far = far_from(place, pool.place[asked])
    far = np.where(np.isinf(far), far_from(place, place.mean(axis=0)[None]) if len(place) else far, far)
    picked: list[int] = []
    free = np.ones(len(some), bool)
    for _ in range(size):
        at = int(np.argmax(np.where(free, value * (far + 1e-6), -1.0)))
        free[at] = False
        picked.append(at)
        far = np.minimum(far, far_from(place, place[at][None]))
    return some[picked]


def _top(value: Floats, some: Positions, size: int, rng: np.random.Generator) -> Positions:
    """The highest values first, equal ones in random order."""
    return some[np.lexsort((rng.uniform(size=len(some)), -value[some]))[:size]]


def _entropy(shares: Floats) -> Floats:
    return np.asarray(-(shares * np.log(np.maximum(shares, 1e-12))).sum(axis=-1))


def _chosen(position: npt.NDArray[np.int64], why: str) -> Chosen:
    return Chosen(np.asarray(position, np.int64), (why,) * len(position))


def _cut(chosen: Chosen, size: int) -> Chosen:
    return Chosen(chosen.position[:size], chosen.why[:size])


def _joined(parts: list[Chosen]) -> Chosen:
    return Chosen(np.concatenate([p.position for p in parts]), tuple(w for p in parts for w in p.why))
