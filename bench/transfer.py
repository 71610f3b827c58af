"""Train on one published set, test on every other: what a matcher is worth on tables of another kind.

A matcher is trained on the train and valid parts of the set; its threshold comes from the valid part. It is then scored
on the test part of every target, its own among them, without any label of the target: the target's columns are laid
on those of the training set, and columns that it lacks are missing. The start is trained without the families of
all sets here. `published` holds the best figures of TailorMatch (Steiner, Peeters and Bizer 2024) for language models
fine-tuned on the same set and tested on the same target. `wdc` there is another cut of the same corpus.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bench.match import split_of
from bench.sets import GoldSet, data_folder, load
from dovetail.encoders.base import load_encoder
from dovetail.measure.calibrate import calibration_error
from dovetail.measure.pairs import from_counts
from dovetail.tasks.block_nets import Nets
from dovetail.tasks.match import Matcher
from dovetail.tasks.match_learn import FitPlan
from dovetail.tasks.records import records_of, stack
from dovetail.tasks.schema import SchemaMatcher
from dovetail.types import Candidates, Kind, Records, Table, finish
from scripts.train_shipped_matcher import candidates_of, train, union

SETS = ("abt-buy", "amazon-google", "dblp-acm", "dblp-scholar", "wdc-products-80cc-half-unseen")
_NO_START = Path("no reader to start from")  # those that ship have read relatives of the targets
_PUBLISHED = {
    "abt-buy": "abt-buy-full",
    "amazon-google": "amazon-google-full",
    "wdc-products-80cc-half-unseen": "wdc-fullsize",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--effort", default="quick", choices=("quick", "normal", "best"))
    parser.add_argument("--minutes", type=float, default=None, help="budget of a fit")
    parser.add_argument("--targets", default=",".join(SETS), help="sets to test on, with commas between")


def run(set_name: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One object a target, the set itself first."""
    start = train(tuple(sorted({load(name, data_folder()).family for name in SETS})))
    source = split_of(load(set_name, data_folder()))
    plan = FitPlan(source.held, options.minutes, options.effort, seed, start=_NO_START)
    began = time.perf_counter()
    matcher = finish(start.fit(source.records, source.taught, source.label, context=source.context, plan=plan))
    fitted = round(time.perf_counter() - began, 1)
    targets = [set_name, *(t for t in options.targets.split(",") if t and t != set_name)]
    for target in targets:
        gold = source.gold if target == set_name else load(target, data_folder())
        records = source.records if target == set_name else laid_on(source.records, gold)
        yield {
            "system": f"dovetail, tested on {target}",
            "target": target,
            "in_domain": target == set_name,
            **_figures(matcher, start, records, gold),
            "published": published(set_name, target),
            "seconds": {"fit": fitted},
        }


def laid_on(source: Records, gold: GoldSet) -> Records:
    """The records of another set under the attributes that correspond; its other columns keep a name of their own."""
    own = records_of(gold.tables)
    mapping = SchemaMatcher().predict(_as_table("source", source), _as_table("target", own))
    names = {match.right: match.left for match in mapping.matches}
    kinds = {a.name: a.kind for a in source.attributes}
    taken = [
        replace(a, name=names[a.name], kind=kinds[names[a.name]])
        if a.name in names
        else replace(a, name=f"{a.name} of the target")
        for a in own.attributes
    ]
    return stack(gold.tables, taken)


def published(source: str, target: str) -> dict[str, float]:
    """F1 on the target of language models tuned on the source, and of untuned ones; the best of four prompts."""
    wanted = _PUBLISHED.get(target, target)
    tuned_on = "wdc" if source.startswith("wdc") else source
    names = {
        "gpt-4o": "gpt-4o, not tuned",
        "gpt-4o-mini": "gpt-4o-mini, not tuned",
        f"gpt-4o-mini-{tuned_on}": "gpt-4o-mini, tuned on the set",
        "gpt-4o-mini-wdc-small": "gpt-4o-mini, tuned on the set",
        f"Meta-Llama-3.1-8B-Instruct-{tuned_on}-no-explanation": "Llama-3.1-8B, tuned on the set",
        "Meta-Llama-3.1-8B-Instruct-small": "Llama-3.1-8B, tuned on the set",
    }
    rows = [r for r in _reference() if r["dataset"] == wanted and r["model"] in names]
    mine = [r for r in rows if r["fine_tuned_on"] in ("-", "", tuned_on)]
    return {names[r["model"]]: float(r["best_f1"]) for r in mine}


@lru_cache(maxsize=1)
def _reference() -> tuple[dict[str, str], ...]:
    path = data_folder() / "er" / "reference_scores_tailormatch.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def _figures(matcher: Matcher, start: Matcher, records: Records, gold: GoldSet) -> dict[str, Any]:
    asked, truth = gold.labelled["test"]
    context = union(candidates_of(Nets(records, load_encoder())), asked)
    began = time.perf_counter()
    decided = finish(matcher.decide(records, asked, context=context))
    took = time.perf_counter() - began
    found = decided.score >= decided.threshold
    said = from_counts(int((found & (truth == 1)).sum()), int(found.sum()), int((truth == 1).sum()))
    every = finish(start.decide(records, context))
    place = np.searchsorted(_keys(context), _keys(asked))
    plain = every.score[place] >= every.threshold
    untrained = from_counts(int((plain & (truth == 1)).sum()), int(plain.sum()), int((truth == 1).sum()))
    return {
        "matcher": matcher.describe(),
        "precision": round(said.precision.value, 4),
        "recall": round(said.recall.value, 4),
        "f1": round(said.f1.value, 4),
        "f1_low": round(said.f1.low, 4),
        "f1_high": round(said.f1.high, 4),
        "f1_without_labels": round(untrained.f1.value, 4),
        "threshold": round(decided.threshold, 4),
        "ece": round(calibration_error(decided.score, truth), 4),
        "score_seconds": round(took, 2),
        **_foreign(matcher, records, context),
    }


def _foreign(matcher: Matcher, records: Records, context: Candidates) -> dict[str, float]:
    """What the matcher itself sees of that: how unlike the tables are, and how far it agrees with what ships."""
    found = matcher.foreign(records, context)
    return {} if found is None else {"distance": round(found.distance, 3), "shared": round(found.shared, 3)}


def _as_table(name: str, records: Records) -> Table:
    chosen = [a.name for a in records.attributes if a.kind not in (Kind.ID, Kind.EMPTY)]
    return Table(name, records.original.select(chosen), pa.array([str(i) for i in range(len(records))]))


def _keys(pairs: Any) -> Any:
    return pairs.left.astype(np.int64) << 32 | pairs.right
