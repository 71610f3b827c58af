"""Blocking alone: what the plan promises, and what the candidates keep of the gold.

The likely matches of the estimate are judged by the matcher that ships, retrained without the set and its relatives;
`--blind` plans without any matcher, `--widths` measures every width of the ladder on the gold as well.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.sets import GoldSet, data_folder, load
from dovetail.encoders.base import load_encoder
from dovetail.integrate.align import align
from dovetail.tasks.block import BlockSettings, Score, block, candidates_per_row, neighbours, plan
from dovetail.tasks.block_estimate import LADDER
from dovetail.tasks.block_nets import Nets
from dovetail.types import finish

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.encoders.base import Encoder
    from dovetail.types import BlockPlan, Candidates, Records

SETS = (
    "e2e-abt-buy",
    "e2e-dblp-acm",
    "e2e-imdb-tmdb",
    "febrl3",
    "musicbrainz-20k",
    "cora",
    "splink-fake-1000",
    "splink-historical-50k",
    "fodors-zagats",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """What this benchmark can be told."""
    parser.add_argument("--recall", type=float, help="the recall to plan for, as a promise")
    parser.add_argument("--max-pairs", type=int, help="the most pairs that may be proposed")
    parser.add_argument("--a-row", type=float, help="the most candidates a row, instead of --max-pairs")
    parser.add_argument("--blind", action="store_true", help="plan without a matcher")
    parser.add_argument("--across", action="store_true", help="of several tables, no pairs inside one")
    parser.add_argument("--widths", action="store_true", help="one more object for each width, without a plan")


def run(set_name: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One object for the plan and its candidates; with `--widths` one for every width."""
    gold = load(set_name, data_folder())
    records = finish(align(gold.tables)).records
    encoder = load_encoder()
    most = int(options.a_row / candidates_per_row(records, 1)) if options.a_row else options.max_pairs
    settings = BlockSettings(recall=options.recall, max_pairs=most, within=_within(records, options), seed=seed)
    score = None if options.blind else _score(gold.family)
    started = time.perf_counter()
    planned = finish(plan(records, settings, score, encoder))
    halfway = time.perf_counter()
    found = finish(block(records, planned, encoder))
    seconds = {"plan": round(halfway - started, 2), "block": round(time.perf_counter() - halfway, 2)}
    yield figures(gold, records, planned, found) | {"seconds": seconds}
    if options.widths:
        yield from widths(gold, records, encoder, _within(records, options))


def figures(gold: GoldSet, records: Records, planned: BlockPlan, found: Candidates) -> dict[str, Any]:
    """What was promised and what was kept, as plain numbers."""
    recall = _kept(gold, _keys(found.left, found.right))
    return {
        "blocking_recall": round(recall, 4),
        "blocking_recall_stated": round(planned.recall.value, 4),
        "blocking_recall_low": round(planned.recall.low, 4),
        "blocking_recall_high": round(planned.recall.high, 4),
        "honest": planned.recall.low <= recall <= planned.recall.high,
        "candidates_per_row": round(candidates_per_row(records, len(found)), 2),
        "pairs": len(found),
        "pairs_planned": planned.pairs,
        "k_lexical": planned.k_lexical,
        "k_encoder": planned.k_encoder,
    }


def widths(gold: GoldSet, records: Records, encoder: Encoder, within: bool) -> Iterator[dict[str, Any]]:
    """Recall and cost of every width, measured on the gold."""
    nets, everyone = Nets(records, encoder), np.arange(len(records), dtype=np.int32)
    found = list(neighbours(nets, everyone, *LADDER[-2], within))
    for k_lexical, k_encoder in LADDER[:-1]:
        limit = {"lexical": k_lexical, "encoder": k_encoder}
        parts = [_keys(n.query, n.found)[n.place < limit[n.net]] for n in found]
        keys = np.unique(np.concatenate(parts))
        yield {
            "system": f"{k_lexical}+{k_encoder}",
            "blocking_recall": round(_kept(gold, keys), 4),
            "candidates_per_row": round(candidates_per_row(records, len(keys)), 2),
            "pairs": len(keys),
        }


def _within(records: Records, options: argparse.Namespace) -> bool:
    return not options.across or len(records.sources) == 1


def _score(family: str) -> Score:
    from scripts.train_shipped_matcher import train

    matcher = train(exclude_families=(family,), seed=0)
    return lambda records, candidates: finish(matcher.score(records, candidates))


def _kept(gold: GoldSet, keys: npt.NDArray[np.int64]) -> float:
    """The share of the true pairs, closed to clusters, that stand among the keys."""
    return float(np.isin(_keys(*gold.pair_positions()), keys).mean())


def _keys(left: npt.NDArray[Any], right: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    return np.minimum(left, right).astype(np.int64) << 32 | np.maximum(left, right)
