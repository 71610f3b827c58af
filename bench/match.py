"""Trees over comparisons, trained on the published train and valid parts, scored once on the test part.

The shipped matcher that they start from is trained without the set's family. Threshold and calibration come from
held-out folds of the training labels.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from bench.sets import data_folder, load
from dovetail.encoders.base import load_encoder
from dovetail.measure.calibrate import calibration_error
from dovetail.measure.pairs import from_counts
from dovetail.tasks.block_nets import Nets
from dovetail.tasks.records import records_of
from dovetail.types import Candidates, finish

SETS = ("abt-buy", "amazon-google", "dblp-acm", "dblp-scholar", "fodors-zagats", "wdc-products-80cc-half-unseen")


def run(set_name: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Precision, recall and F1 on the test part, with intervals."""
    from scripts.train_shipped_matcher import candidates_of, train, union

    del options
    gold = load(set_name, data_folder())
    records = records_of(gold.tables)
    context = candidates_of(Nets(records, load_encoder()))
    for pairs, _ in gold.labelled.values():
        context = union(context, pairs)
    taught = union(*(gold.labelled[part][0] for part in ("train", "valid")))
    known = {k: v for part in ("train", "valid") for k, v in _labels(*gold.labelled[part]).items()}
    label = np.array([known[k] for k in zip(taught.left.tolist(), taught.right.tolist(), strict=True)], np.int8)
    matcher = finish(train((gold.family,)).fit(records, taught, label, context=context, seed=seed))
    asked, truth = gold.labelled["test"]
    decided = finish(matcher.decide(records, context))
    place = np.searchsorted(_keys(context), _keys(asked))
    score = decided.score[place]
    found = score >= decided.threshold
    figures = from_counts(int((found & (truth == 1)).sum()), int(found.sum()), int((truth == 1).sum()))
    return {
        "matcher": matcher.describe(),
        "precision": round(figures.precision.value, 4),
        "recall": round(figures.recall.value, 4),
        "f1": round(figures.f1.value, 4),
        "f1_low": round(figures.f1.low, 4),
        "f1_high": round(figures.f1.high, 4),
        "threshold": round(decided.threshold, 4),
        "ece": round(calibration_error(score, truth), 4),
    }


def _labels(pairs: Candidates, label: np.ndarray[Any, Any]) -> dict[tuple[int, int], int]:
    return dict(zip(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True), label.tolist(), strict=True))


def _keys(pairs: Candidates) -> np.ndarray[Any, Any]:
    return pairs.left.astype(np.int64) << 32 | pairs.right
