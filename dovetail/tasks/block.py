"""Block: which pairs of records are worth comparing. First a plan with its price and its promise, then the pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dovetail.errors import BudgetError
from dovetail.measure.percent import percent, within
from dovetail.tasks.block_estimate import LADDER, Sighting, estimate_recall, look_wide
from dovetail.tasks.block_nets import GRAM_ROWS, Near, Nets
from dovetail.tasks.compare import CELL_BYTES, CELLS
from dovetail.types import BlockPlan, Candidates, Interval, Job, Progress

if TYPE_CHECKING:
    from dovetail.encoders.base import Encoder
    from dovetail.types import Floats, Ints, Records

Score = Callable[["Records", Candidates], "Floats"]

WISH = 0.98  # the recall that is planned for where nobody asked for another
USUAL_A_ROW = 20  # candidates a row that are never worth sparing
USUAL_PAIRS = 400_000  # nor are so many pairs in all
_RECIPROCAL = 0.7  # share of the directed neighbours that are pairs of their own: measured 0.69 to 0.72 on public sets
_SAMPLE = 300
_LOOKED_AT = _SAMPLE * 240  # pairs at most that the estimate compares


@dataclass(frozen=True)
class BlockSettings:
    """Promises that blocking plans to; None leaves it to Dovetail. `within`: duplicates inside a source, too."""

    recall: float | None = None
    max_pairs: int | None = None
    memory_bytes: int | None = None
    within: bool = True
    seed: int = 0


def plan(
    records: Records, settings: BlockSettings, score: Score | None, encoder: Encoder, nets: Nets | None = None
) -> Job[BlockPlan]:
    """How wide to throw the nets: pairs, recall with its interval and memory, before anything runs.

    A sample of records is looked at in a much wider net, whose pairs `score` judges; the estimate is the share of
    the likely matches that each width keeps. A promise that no width keeps raises `BudgetError`.
    """
    yield Progress("plan", 0, 3, "reading words")
    nets = nets or Nets(records, encoder)
    if len(records) < 2:
        return _settled(nets, settings, LADDER[0], 0, Interval(1.0, 0.0, 1.0), "there are fewer than two records")
    sample = _sample(len(records), settings.seed)
    yield Progress("plan", 1, 3, f"looking wide around {len(sample):,} records")
    sightings = look_wide(nets, sample, settings.within, score, neighbours)
    yield Progress("plan", 2, 3, "estimating")
    chosen = _choose(nets, settings, sightings)
    yield Progress("plan", 3, 3, _in_words(chosen))
    return chosen


def _in_words(plan: BlockPlan) -> str:
    kept = within(plan.recall)
    return f"{plan.pairs:,} pairs keep an estimated {kept} of the matches; {plan.memory_bytes / 1e9:.1f} GB of memory"


def block(records: Records, plan: BlockPlan, encoder: Encoder) -> Job[Candidates]:
    """The candidate pairs of a plan, sorted, each once; never more than it promised."""
    nets = Nets(records, encoder)
    n, done = len(records), 0
    keys: list[npt.NDArray[np.int64]] = []
    places: list[npt.NDArray[np.int16]] = []
    yield Progress("block", 0, n, "reading words")
    everyone = np.arange(n, dtype=np.int32)
    for near in neighbours(nets, everyone, plan.k_lexical, plan.k_encoder, bool(plan.settings.get("within"))):
        low, high = np.minimum(near.query, near.found), np.maximum(near.query, near.found)
        keys.append(low.astype(np.int64) << 32 | high)
        places.append(near.place.astype(np.int16))
        done = min(n, done + len(np.unique(near.query)))
        if len(keys) > 40:
            keys, places = _merged(keys, places)
        yield Progress("block", done, n, "finding neighbours")
    if not keys:
        return Candidates(np.zeros(0, np.int32), np.zeros(0, np.int32))
    keys, places = _merged(keys, places)
    most = plan.settings.get("max_pairs")
    found = _cut(keys[0], places[0], int(str(most))) if most else keys[0]
    yield Progress("block", n, n, f"{len(found):,} pairs")
    return Candidates((found >> 32).astype(np.int32), (found & 0xFFFFFFFF).astype(np.int32))


def neighbours(nets: Nets, queries: Ints, k_lexical: int, k_encoder: int, within: bool) -> Iterator[Near]:
    """The directed neighbours of some records in both nets: in other sources, and `within` their own, a third as many.

    A single source has only itself to look in, at full width.
    """
    source, alone = nets.records.source, len(nets.records.sources) == 1
    for s in range(len(nets.records.sources)):
        asked = queries[source[queries] == s]
        if not len(asked):
            continue
        own = np.flatnonzero(source == s).astype(np.int32)
        others = np.flatnonzero(source != s).astype(np.int32)
        for among, share in ((own if alone else others, 1), (own if within and not alone else own[:0], 3)):
            if not len(among):
                continue
            found = [nets.near_lexical(asked, among, -(-k_lexical // share))]
            if k_encoder and nets.uses_encoder:
                found.append(nets.near_encoder(asked, among, -(-k_encoder // share)))
            for near in chain.from_iterable(found):
                yield replace(near, place=near.place * share)  # a place counts as at full width


def candidates_per_row(records: Records, pairs: int) -> float:
    """Pairs a row of the largest source; inside one source each pair counts for both of its rows."""
    sizes = np.bincount(records.source, minlength=1)
    return 2 * pairs / len(records) if len(records.sources) == 1 else pairs / max(int(sizes.max()), 1)


def _sample(n: int, seed: int) -> Ints:
    return np.sort(np.random.default_rng(seed).choice(n, min(n, _SAMPLE), replace=False)).astype(np.int32)


def _choose(nets: Nets, settings: BlockSettings, sightings: Sighting) -> BlockPlan:
    """A width that keeps the wished recall; the widest affordable one where none does."""
    n = len(nets.records)
    wish = settings.recall or WISH
    most = settings.max_pairs or max(USUAL_PAIRS, USUAL_A_ROW * n // (2 if len(nets.records.sources) == 1 else 3))
    options = []
    for width in LADDER:
        pairs = _pairs(nets, sightings, width)
        options.append((width, pairs, estimate_recall(sightings, *width, settings.seed)))
    affordable = [o for o in options if o[1] <= most and _fits(nets, o[1], settings)] or options[:1]
    if settings.memory_bytes and not _fits(nets, affordable[0][1], settings):
        raise BudgetError(
            f"{n:,} records need about {memory_needed(nets, affordable[0][1]) / 1e9:.1f} GB with the fewest pairs, "
            f"{settings.memory_bytes / 1e9:.1f} GB were promised. Allow more memory, or integrate in parts"
        )
    enough = [o for o in affordable if o[2].value >= wish]
    # Where nobody asked for a recall, what lies within the usual number of candidates a row is never worth sparing.
    cheap = [o for o in enough if candidates_per_row(nets.records, o[1]) <= USUAL_A_ROW and not settings.recall]
    width, pairs, recall = (cheap or enough[:1] or affordable)[-1]
    if pairs > most:
        return _cut_short(nets, settings, affordable[0], most)
    if settings.recall and not enough:
        raise BudgetError(_unreachable(settings, options, affordable[-1]))
    why = _within_usual(wish) if cheap else f"the narrowest nets with an estimated recall of at least {percent(wish)}"
    why = why if enough else _best(wish, most)
    return _settled(nets, settings, width, pairs, recall, why)


def _cut_short(
    nets: Nets, settings: BlockSettings, narrowest: tuple[tuple[int, int], int, Interval], most: int
) -> BlockPlan:
    """Even the narrowest nets hold more than the promised pairs: the closest are kept, at the worst a fair share."""
    width, pairs, recall = narrowest
    if settings.recall:
        raise BudgetError(
            f"a recall of {percent(settings.recall)} cannot be promised with at most {most:,} pairs: the narrowest "
            f"nets hold {pairs:,} and keep an estimated {percent(recall.value)}. Lower --recall, or raise --max-pairs"
        )
    share = most / pairs
    cut = Interval(recall.value * (1 + share) / 2, recall.low * share, recall.high)
    return _settled(nets, settings, width, most, cut, f"the closest {most:,} of {pairs:,} pairs, no more were allowed")


def _unreachable(
    settings: BlockSettings,
    options: list[tuple[tuple[int, int], int, Interval]],
    best: tuple[tuple[int, int], int, Interval],
) -> str:
    reach = max(options, key=lambda o: o[2].value)
    wished = "the wished recall" if settings.recall is None else f"a recall of {percent(settings.recall)}"
    return (
        f"{wished} cannot be promised: {best[1]:,} pairs, the most that fit the limits, keep an estimated "
        f"{percent(best[2].value)}; {reach[1]:,} pairs would keep {percent(reach[2].value)}. "
        f"Lower --recall, or raise --max-pairs or --memory"
    )


def _best(wish: float, most: int) -> str:
    return f"the widest nets within {most:,} pairs; the wished recall of {percent(wish)} would take more"


def _within_usual(wish: float) -> str:
    most = f"{USUAL_A_ROW} candidates a row"
    return f"the widest nets within {most}, with an estimated recall of at least {percent(wish)}"


def _settled(
    nets: Nets, settings: BlockSettings, width: tuple[int, int], pairs: int, recall: Interval, why: str
) -> BlockPlan:
    if not nets.uses_grams:
        why += f"; above {GRAM_ROWS:,} rows only whole words are compared, the most frequent ones left out"
    return BlockPlan(
        k_lexical=width[0],
        k_encoder=width[1] if nets.uses_encoder else 0,
        pairs=pairs,
        recall=recall,
        memory_bytes=memory_needed(nets, pairs),
        why=why,
        settings={"within": settings.within, "max_pairs": settings.max_pairs, "seed": settings.seed},
    )


def _pairs(nets: Nets, sightings: Sighting, width: tuple[int, int]) -> int:
    return int(_RECIPROCAL * sightings.degree(*width) * len(nets.records))


def memory_needed(nets: Nets, pairs: int) -> int:
    """Estimated peak in bytes while blocking, comparing and fusing; measured on tables of 1,000 to 1,000,000 rows."""
    text = sum(column.nbytes for column in nets.records.text.columns)
    columns = sum(a.shared for a in nets.records.attributes)
    comparing = CELL_BYTES * min(CELLS, columns * max(pairs, _LOOKED_AT))
    return int(350e6 + 16 * text + 110 * pairs + 600 * len(nets.records) + comparing)


def _fits(nets: Nets, pairs: int, settings: BlockSettings) -> bool:
    return settings.memory_bytes is None or memory_needed(nets, pairs) <= settings.memory_bytes


def _merged(
    keys: list[npt.NDArray[np.int64]], places: list[npt.NDArray[np.int16]]
) -> tuple[list[npt.NDArray[np.int64]], list[npt.NDArray[np.int16]]]:
    """Each pair once, with the best place it had."""
    joined, place = np.concatenate(keys), np.concatenate(places)
    order = np.lexsort((place, joined))
    joined, place = joined[order], place[order]
    first = np.r_[True, joined[1:] != joined[:-1]] if len(joined) else np.zeros(0, bool)
    return [joined[first]], [place[first]]


def _cut(keys: npt.NDArray[np.int64], places: npt.NDArray[np.int16], most: int) -> npt.NDArray[np.int64]:
    """The pairs of the best places where there are more than promised."""
    if len(keys) <= most:
        return keys
    return np.sort(keys[np.argsort(places, kind="stable")[:most]])
