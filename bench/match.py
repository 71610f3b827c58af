"""The matcher on the published splits: fitted on train and valid parts, scored once on the test part.

Threshold, calibration and every gate rest on the valid part; networks are tuned on the train part. The shipped matcher
and the reader that fitting starts from are trained without the set's family. `--ablation` adds a line for each stage.
`--labels N` gives only so many labels of the train part, drawn at random or chosen by the tool (`--chooser both`).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.sets import GoldSet, data_folder, load
from dovetail.encoders.base import load_encoder
from dovetail.labels.choose import choose
from dovetail.labels.pool import Pool
from dovetail.measure.calibrate import calibration_error
from dovetail.measure.pairs import from_counts
from dovetail.tables.read import read
from dovetail.tasks.block_nets import Nets
from dovetail.tasks.match import Matcher
from dovetail.tasks.match_learn import FitPlan
from dovetail.tasks.records import records_of
from dovetail.types import Candidates, Progress, Records, finish
from scripts.train_reader import reader_without
from scripts.train_shipped_matcher import candidates_of, train, union

SETS = ("abt-buy", "amazon-google", "dblp-acm", "dblp-scholar", "fodors-zagats", "wdc-products-80cc-half-unseen")
USUAL = FitPlan().experts
BATCH = 25  # labels between two choices

Labels = npt.NDArray[np.int8]


@dataclass(frozen=True)
class Split:
    """A published split: taught pairs, which of them are the valid part, and the test part."""

    gold: GoldSet
    records: Records
    context: Candidates
    taught: Candidates
    label: Labels
    held: npt.NDArray[np.bool_]
    asked: Candidates
    truth: Labels


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--effort", default="normal", choices=("quick", "normal", "best"))
    parser.add_argument("--minutes", type=float, default=None, help="budget of a fit")
    parser.add_argument("--ablation", action="store_true", help="a line for each stage besides")
    parser.add_argument("--labels", type=int, default=None, help="so many labels of the train part only")
    parser.add_argument("--chooser", default="random", help="who chooses them")
    parser.add_argument("--bulk", type=int, default=0, help="time so many candidate pairs too, from tables to scores")
    parser.add_argument("--own-family", action="store_true", help="start from the reader that ships")


def run(set_name: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Precision, recall and F1 on the test part, with intervals."""
    split = split_of(load(set_name, data_folder()))
    start = train((split.gold.family,))
    if options.labels:
        yield _few(split, start, seed, options)
        return
    reader = None if options.own_family else reader_without(split.gold.family)
    for experts, effort in _stages(options):
        plan = FitPlan(split.held, options.minutes, effort, seed, start=reader, experts=experts)
        began = time.perf_counter()
        matcher = finish(start.fit(split.records, split.taught, split.label, context=split.context, plan=plan), _say)
        fitted = time.perf_counter() - began
        system = "dovetail" if experts == USUAL else "dovetail " + " + ".join(("trees", *experts))
        bulk = _bulk(split.gold, matcher, options.bulk) if options.bulk else {}
        yield {"system": system, **figures(split, matcher), **bulk, "seconds": {"fit": round(fitted, 1)}}


def _stages(options: argparse.Namespace) -> list[tuple[tuple[str, ...], str]]:
    stages = [(USUAL, options.effort)]
    if options.ablation:
        stages = [((), "quick"), (("untuned cosine",), "normal"), (("cosine",), "normal"), *stages]
    return stages


def _experts(matcher: Matcher) -> dict[str, Any]:
    found: dict[str, Any] = matcher.facts_.get("experts", {})
    return found


def split_of(gold: GoldSet) -> Split:
    """The parts of a set among the blocker's candidates."""
    records = records_of(gold.tables)
    context = candidates_of(Nets(records, load_encoder()))
    for pairs, _ in gold.labelled.values():
        context = union(context, pairs)
    taught = union(*(gold.labelled[part][0] for part in ("train", "valid")))
    known = {k: v for part in ("train", "valid") for k, v in _labels(*gold.labelled[part]).items()}
    label = np.array([known[k] for k in zip(taught.left.tolist(), taught.right.tolist(), strict=True)], np.int8)
    held = np.isin(_keys(taught), _keys(gold.labelled["valid"][0]))
    return Split(gold, records, context, taught, label, held, *gold.labelled["test"])


def figures(split: Split, matcher: Matcher) -> dict[str, Any]:
    """What the matcher reaches on the test part, also by how much of a pair training has seen."""
    began = time.perf_counter()
    decided = finish(matcher.decide(split.records, split.asked, context=split.context), _say)
    took = time.perf_counter() - began
    found = decided.score >= decided.threshold
    said = _scores(found, split.truth)
    seen = exposure(split)
    parts = {"f1_unseen": seen == 0, "f1_half_seen": seen == 1, "f1_seen": seen == 2}
    by_part = {n: _scores(found[p], split.truth[p])["f1"] for n, p in parts.items() if (split.truth[p] == 1).sum() > 5}
    return {
        "matcher": matcher.describe(),
        **said,
        **by_part,
        "threshold": round(decided.threshold, 4),
        "ece": round(calibration_error(decided.score, split.truth), 4),
        "score_seconds": round(took, 2),
        "experts": {n: {k: v for k, v in f.items() if k != "losses"} for n, f in _experts(matcher).items()},
    }


def _bulk(gold: GoldSet, matcher: Matcher, most: int) -> dict[str, Any]:
    """Seconds from tables as read to the scores of at most so many of the blocker's candidate pairs."""
    began = time.perf_counter()
    records = records_of(gold.tables)
    context = candidates_of(Nets(records, load_encoder()))
    some = _some(context, np.arange(min(most, len(context))))
    finish(matcher.decide(records, some, context=context), _say)
    return {"bulk_pairs": len(some), "bulk_seconds": round(time.perf_counter() - began, 1)}


def _scores(found: npt.NDArray[np.bool_], truth: Labels) -> dict[str, float]:
    said = from_counts(int((found & (truth == 1)).sum()), int(found.sum()), int((truth == 1).sum()))
    named = {"precision": said.precision, "recall": said.recall, "f1": said.f1}
    shown = {name: round(interval.value, 4) for name, interval in named.items()}
    return {**shown, "f1_low": round(said.f1.low, 4), "f1_high": round(said.f1.high, 4)}


def exposure(split: Split) -> npt.NDArray[np.int64]:
    """How many records of each test pair are of an entity that training has seen, (m,): 0, 1 or 2.

    Entities where the set names them, otherwise records.
    """
    entity = _entities(split.gold)
    trained = np.concatenate([split.taught.left, split.taught.right])
    known = np.isin(entity, entity[trained])
    return known[split.asked.left].astype(np.int64) + known[split.asked.right]


def _entities(gold: GoldSet) -> npt.NDArray[np.int64]:
    path = data_folder() / "er" / gold.name / "clusters.csv"
    if not path.is_file():
        return np.arange(gold.rows)
    records, clusters = (column.to_pylist() for column in read(path).data.columns[:2])
    named = dict(zip(records, clusters, strict=True))
    ids = [i for table in gold.tables for i in table.ids.to_pylist()]
    index: dict[str, int] = {}
    return np.array([index.setdefault(named.get(i, i), len(index)) for i in ids])


def _few(split: Split, start: Matcher, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """F1 after so many labels of the train part; the valid part stays unseen."""
    pool = np.flatnonzero(~split.held)
    pairs, label = _some(split.taught, pool), split.label[pool]
    asked = np.zeros(0, np.int64)
    matcher = start
    features = np.concatenate([c.values for _, c in start.comparer(split.records, split.context).chunks(pairs)])
    while len(asked) < options.labels:
        size = min(BATCH, options.labels - len(asked))
        decided = finish(matcher.decide(split.records, pairs, context=split.context))
        open_pool = Pool(decided.score, features, asked=asked, said=label[asked], threshold=decided.threshold)
        chosen = choose(open_pool, size, strategy=options.chooser, seed=seed)
        asked = np.concatenate([asked, chosen.position])
        if len(asked) >= 4 and len(set(label[asked].tolist())) == 2:
            some = _some(pairs, asked)
            plan = FitPlan(effort="quick", seed=seed)
            matcher = finish(start.fit(split.records, some, label[asked], context=split.context, plan=plan))
    return {"labels": len(asked), "chooser": options.chooser, **figures(split, matcher)}


def _some(pairs: Candidates, rows: npt.NDArray[np.int64]) -> Candidates:
    return Candidates(pairs.left[rows], pairs.right[rows])


def _say(progress: Progress) -> None:
    import sys

    sys.stderr.write(f"{progress.step} {progress.done}/{progress.total} {progress.note}\n")


def _labels(pairs: Candidates, label: Labels) -> dict[tuple[int, int], int]:
    return dict(zip(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True), label.tolist(), strict=True))


def _keys(pairs: Candidates) -> npt.NDArray[np.int64]:
    return pairs.left.astype(np.int64) << 32 | pairs.right
