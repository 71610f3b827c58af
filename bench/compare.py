"""How many candidate pairs a second are compared, without the encoder: portable comparisons, and with the own ones."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from bench.sets import data_folder, load
from dovetail.encoders.base import load_encoder
from dovetail.tasks.block_nets import Nets
from dovetail.tasks.compare import Comparer
from dovetail.tasks.records import records_of
from dovetail.types import Candidates
from scripts.train_shipped_matcher import candidates_of

SETS = ("abt-buy", "amazon-google", "dblp-scholar", "febrl3")


def run(set_name: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Pairs a second, once for the comparisons that every table has and once with those of these tables."""
    del seed, options
    records = records_of(load(set_name, data_folder()).tables)
    pairs = candidates_of(Nets(records, load_encoder()))
    for own in (False, True):
        comparer = Comparer(records, pairs)
        comparer.rivals, comparer.odds  # noqa: B018  what is fitted once for all candidates is timed apart
        some = Candidates(pairs.left[:1], pairs.right[:1])
        list(comparer.chunks(some, own=own))
        start = time.perf_counter()
        width = max(compared.values.shape[1] for _, compared in comparer.chunks(pairs, own=own))
        took = time.perf_counter() - start
        yield {
            "comparisons": "own" if own else "portable",
            "pairs": len(pairs),
            "columns": width,
            "per_second": round(len(pairs) / took),
            "distinct_records": len(np.unique(np.concatenate([pairs.left, pairs.right]))),
        }
