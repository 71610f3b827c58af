"""Similarity spaces: neighbours of the same class before and after labels, and graded pairs.

`refinery-N` takes N labels of the training part of refinery_ag_news (`refinery-all` all of them) and scores on the gold
of the test part: 250 query records, neighbours among the test part. The other texts of the training part are seen
without labels, as in a labelling session; `refinery-N-open` also lets the space see the texts of the test part. `stsb`
learns from graded pairs and reports the rank correlation on its test part. `choose` compares ways of making the class
head on training rows alone.
"""

from __future__ import annotations

import argparse
import csv
import gzip
from collections.abc import Iterator
from typing import Any

import numpy as np

from bench.search_sets import KeptEncoder
from bench.sets import data_folder
from dovetail.encoders.base import load_encoder
from dovetail.tasks.embed import Embedder
from dovetail.tasks.embed_head import PlainHead
from dovetail.tasks.embed_linear import balanced, logistic, one_hot
from dovetail.tasks.embed_pairs import agreement
from dovetail.tasks.embed_scores import numbered, space_scores
from dovetail.training.settings import TuneSettings

SETS = ("refinery-25", "refinery-50", "refinery-100", "refinery-261", "refinery-all", "stsb")
_QUERIES = 250


def add_options(parser: argparse.ArgumentParser) -> None:
    """Which encoder is used."""
    parser.add_argument("--encoder", default="layered", help="static, transformer or layered")
    parser.add_argument("--layers", default="", help="tune the encoder, too: all, top-2, lora")
    parser.add_argument("--minutes", type=float, default=4.0, help="most minutes that tuning may take")


def run(set_name: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The plain space, and the one that labels shaped."""
    if set_name == "choose":
        from bench.similarity_choose import chosen

        yield from chosen(options.encoder, seed)
        return
    if set_name == "stsb":
        network = "transformer" if options.encoder == "layered" else options.encoder
        yield _pairs(KeptEncoder(load_encoder(network)), _tuning(options, seed), seed)
        return
    encoder = KeptEncoder(load_encoder(options.encoder))
    texts, labels = _rows("train")
    asked, gold = _rows("test")
    count = set_name.split("-")[1]
    order = np.random.default_rng(seed).permutation(len(texts))
    taken, others = (order, order[:0]) if count == "all" else np.split(order, [int(count)])
    taught = [texts[i] for i in taken], [labels[i] for i in taken]
    more = [texts[i] for i in others] + (asked if set_name.endswith("-open") else [])
    space = Embedder(encoder=encoder, tuning=_tuning(options, seed)).fit(
        [*taught[0], *more], [*taught[1], *[None] * len(more)], seed=seed
    )
    vectors, start = encoder.encode(asked), PlainHead(np.array([encoder.plain], np.float32))
    for system, found, given in (
        ("untuned", start(vectors), start(encoder.encode(taught[0]))),
        ("dovetail", space.encode(asked) if space.tuned_ else space.move(vectors), space.encode(taught[0])),
    ):
        scores = space_scores(found, gold, queries=_QUERIES, seed=seed)
        probe = _probe(given, taught[1], found, gold)
        yield {"system": system, "labels": len(taken), **_rounded(scores.to_dict()), "probe": round(probe, 4)}


def _probe(taught: Any, labels: list[str], asked: Any, gold: list[str]) -> float:
    """Accuracy on the test part of a linear probe from the labels given."""
    names = sorted(set(labels))
    targets = one_hot(numbered(labels))
    weights, bias = logistic(taught, targets, 3.0, weights=balanced(targets))
    guess = (asked @ weights + bias).argmax(axis=1)
    return float(np.mean([names[g] == y for g, y in zip(guess, gold, strict=True)]))


def _tuning(options: argparse.Namespace, seed: int) -> TuneSettings | None:
    if not options.layers:
        return None
    return TuneSettings(layers=options.layers, minutes=options.minutes, learning_rate=5e-5, epochs=2, seed=seed)


def _pairs(encoder: KeptEncoder, tuning: TuneSettings | None, seed: int) -> dict[str, Any]:
    (left, right, grades), (one, other, gold) = (_graded(part) for part in ("train", "test"))
    space = Embedder(encoder=encoder, tuning=tuning).fit_pairs(left, right, grades, seed=seed)
    plain = agreement(PlainHead(), encoder.encode(one), encoder.encode(other), gold)
    tuned = agreement(PlainHead(), space.encode(one), space.encode(other), gold)
    return {"spearman_untuned": round(plain, 4), "spearman": round(tuned, 4), "why": space.facts_["why"]}


def _graded(part: str) -> tuple[list[str], list[str], Any]:
    rows = list(_read(f"search/stsb/{part}.csv"))
    return [r["text1"] for r in rows], [r["text2"] for r in rows], np.array([float(r["score"]) for r in rows])


def _rows(part: str) -> tuple[list[str], list[str]]:
    rows = list(_read(f"text/refinery_ag_news/{part}.csv"))
    return [r["text"] for r in rows], [r["label"] for r in rows]


def _read(name: str) -> Iterator[dict[str, str]]:
    path = data_folder() / name
    packed = path.with_name(path.name + ".gz")
    with gzip.open(packed, "rt", encoding="utf-8") if packed.exists() else path.open(encoding="utf-8") as lines:
        yield from csv.DictReader(lines)


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {name: round(v, 4) if isinstance(v, float) else v for name, v in values.items()}
