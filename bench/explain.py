"""Explanations a second of a fitted matcher: attributes, precedents, and the smallest change that turns each decision.

Fitted on the train and valid parts; pairs of the test part are explained, another draw each round, and the tables are
prepared beforehand, as they are when somebody looks at decisions. On a machine with other work, the figure for a second
of processor time is the steadier one; it counts all cores together. With a network, once more: the reader joins as it
comes, untuned, under weights and a band fitted on the valid part, since speed does not depend on what it has learned.
`uncertain` is the worst case: only pairs that the network is asked about.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bench.sets import GoldSet, data_folder, load
from dovetail.tasks.labelled import with_valid
from dovetail.tasks.match_experts import can_read, new_expert
from dovetail.tasks.match_explain import Explanations
from dovetail.tasks.match_join import join
from dovetail.tasks.match_tables import Matcher
from dovetail.types import Candidates, Pairs, Progress, finish

SETS = ("abt-buy",)
VALID = 500  # pairs of the valid part that weights and band are fitted on


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--pairs", type=int, default=150, help="explained at once")
    parser.add_argument("--singly", type=int, default=10, help="explained one by one besides")
    parser.add_argument("--rounds", type=int, default=3, help="how often, each time other pairs")


def run(set_name: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One object a system."""
    gold = load(set_name, data_folder())
    train, valid, test = (named(gold, *gold.labelled[part]) for part in ("train", "valid", "test"))
    matcher = Matcher().fit(*gold.tables, train, valid=valid, effort="quick", seed=seed, on_progress=_say)
    rng = np.random.default_rng(seed)
    yield {"system": "trees", **figures(matcher, gold, test, rng, options)}
    if not can_read():
        return
    add_reader(matcher, gold, train, valid, seed)
    yield {"system": "trees + reader", **figures(matcher, gold, test, rng, options)}
    uncertain = some(test, np.flatnonzero(asked(matcher, gold, test)))
    yield {"system": "trees + reader, uncertain", **figures(matcher, gold, uncertain, rng, options)}


def add_reader(matcher: Matcher, gold: GoldSet, train: Pairs, valid: Pairs, seed: int) -> None:
    """Join the reader to the trees, weights and band as fitted on the valid part."""
    learned = matcher.learned_
    assert learned is not None
    decider = learned.decider
    assert decider.own_ is not None
    assert decider.held_out_ is not None
    prepared = finish(matcher._prepare(tuple(gold.tables), learned.attributes, learned.options))
    labelled, held = with_valid(prepared.records, train, valid)
    rows = np.flatnonzero(held)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(rows))[:VALID])
    rows = rows[chosen]
    pairs = Candidates(labelled.judged.pairs.left[rows], labelled.judged.pairs.right[rows])
    score, label = (held_out[chosen] for held_out in decider.held_out_)
    raw = (np.log(score / (1 - score)) - decider.own_.offset) / decider.own_.slope
    reader = new_expert("reader", seed=seed)
    said = finish(reader.log_odds(prepared.records, pairs), _say)
    line = decider.own_.slope, decider.own_.offset
    decider.join_ = join(("trees", "reader"), np.stack([raw, said], axis=1), label, line)
    decider.experts_ = {"reader": reader}
    sys.stderr.write(f"joined: {decider.join_}\n")


def asked(matcher: Matcher, gold: GoldSet, pairs: Pairs) -> npt.NDArray[np.bool_]:
    """Which pairs the reader is asked about, (m,)."""
    learned = matcher.learned_
    assert learned is not None
    decider = learned.decider
    assert decider.join_ is not None
    assert decider.own_ is not None
    joined, decider.join_ = decider.join_, None
    score = matcher.predict(*gold.tables, pairs).score
    decider.join_ = joined
    assert score is not None
    return joined.asked((np.log(score / (1 - score)) - decider.own_.offset) / decider.own_.slope)


def figures(
    matcher: Matcher, gold: GoldSet, pairs: Pairs, rng: np.random.Generator, options: argparse.Namespace
) -> dict[str, Any]:
    """Explanations a second, at once and one by one, and how many decisions could be turned by one value."""
    began = time.perf_counter()
    matcher.explain(*gold.tables, some(pairs, np.arange(2)))
    first = time.perf_counter() - began
    speeds, singly, used, found = [], [], [], []
    for number in range(options.rounds):
        drawn = rng.permutation(len(pairs))[: options.pairs + options.singly]
        many, alone = drawn[: options.pairs], drawn[options.pairs :]
        began, before = time.perf_counter(), time.process_time()
        explained = matcher.explain(*gold.tables, some(pairs, many))
        speeds.append(len(many) / (time.perf_counter() - began))
        used.append(len(many) / (time.process_time() - before))
        began = time.perf_counter()
        for row in alone:
            matcher.explain(*gold.tables, some(pairs, np.array([row])))
        singly.append(len(alone) / (time.perf_counter() - began))
        found.append(explained)
        said = f"{speeds[-1]:.1f} a second ({used[-1]:.1f} of processor time), {singly[-1]:.1f} one by one"
        sys.stderr.write(f"round {number + 1}: {said}\n")
    return {
        "pairs": min(options.pairs, len(pairs)),
        "per_second": round(float(np.median(speeds)), 1),
        "per_processor_second": round(float(np.median(used)), 1),
        "per_second_singly": round(float(np.median(singly)), 1),
        "first_seconds": round(first, 2),
        **shares(found),
    }


def shares(found: list[Explanations]) -> dict[str, float]:
    """Which share of the decisions a tried change turns, and which only an estimate says how to turn."""
    changes = [one.change for many in found for one in many]
    tried = [c is not None and c.side is not None for c in changes]
    estimated = [c is not None and c.side is None for c in changes]
    return {"change_tried": round(float(np.mean(tried)), 3), "change_estimated": round(float(np.mean(estimated)), 3)}


def named(gold: GoldSet, pairs: Candidates, label: npt.NDArray[np.int8]) -> Pairs:
    """Pairs of positions as a person exchanges them."""
    ids = pa.concat_arrays([pa.array(t.ids.to_pylist(), pa.string()) for t in gold.tables])
    sources = np.array([t.name for t in gold.tables], dtype=object)[gold.source_of]
    ends = {f"{side}_ids": ids.take(pa.array(rows)) for side, rows in (("left", pairs.left), ("right", pairs.right))}
    left, right = (pa.array(sources[rows], pa.string()) for rows in (pairs.left, pairs.right))
    return Pairs(**ends, label=label, left_source=left, right_source=right)


def some(pairs: Pairs, rows: npt.NDArray[np.intp]) -> Pairs:
    """These of the pairs."""
    at = pa.array(rows)
    ends = {n: getattr(pairs, n).take(at) for n in ("left_ids", "right_ids", "left_source", "right_source")}
    return replace(pairs, **ends, label=None if pairs.label is None else pairs.label[rows])


def _say(progress: Progress) -> None:
    sys.stderr.write(f"{progress.step} {progress.done}/{progress.total} {progress.note}\n")
