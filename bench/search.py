"""Search: rankings on judged queries, time to an answer, size of the index, and what a killed process leaves.

| set | what is measured |
|---|---|
| `scifact` | claims of the test part; weights from the claims of the training part, and the weight without judgements |
| `cranfield` | half of the queries teach the weights, the other half is scored; each seed is another split |
| `xquad` | English questions; with `--tuning encoder` half of the paragraphs, without questions, teach the encoder |
| `covid_faq` | all questions, without judgements |
| `speed-N` | made-up documents: indexing, one query end to end, bytes a document |
| `vectors-N` | made-up vectors: lists and the graph against plain comparing, beside hnswlib where that is installed |
| `words-KIND` | the keyword index beside FTS5: `scifact` training claims, 100,000 `natural` or `made` documents |
| `kill` | fifty processes killed while they add |
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bench.search_sets import KeptEncoder, SearchSet, search_set
from dovetail.encoders.base import load_encoder
from dovetail.tasks.search import Searcher
from dovetail.tasks.search_fusion import Candidates, Fusion
from dovetail.tasks.search_judgements import Judgements, judgements_of
from dovetail.tasks.search_scores import measured, scored
from dovetail.tasks.search_tuning import tuning_of

SETS = ("scifact", "cranfield", "xquad", "covid_faq", "speed-100000", "vectors-1000000", "kill")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Which encoder is used, and what judgements may change."""
    parser.add_argument("--encoder", default="transformer", help="static or transformer")
    parser.add_argument("--tuning", default="queries", help="weights, queries, encoder, reader or all")
    parser.add_argument("--minutes", type=float, default=4.0, help="most minutes that tuning a network may take")


def run(set_name: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Figures of one set."""
    from bench import search_speed

    kind, _, number = set_name.partition("-")
    if kind == "speed":
        yield from search_speed.speed(int(number), seed)
    elif kind == "vectors":
        yield from search_speed.vectors(int(number), seed)
    elif kind == "words":
        from bench import search_words

        yield from search_words.words(number, seed)
    elif kind == "kill":
        yield search_speed.kill(seed)
    else:
        yield from _ranked(set_name, seed, options)
        if set_name == "xquad" and options.tuning in ("encoder", "all"):
            yield from _adapted(seed, options)


def _ranked(set_name: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    encoder, tuning = options.encoder, replace(tuning_of(options.tuning), minutes=options.minutes)
    found = search_set(set_name)
    searcher = Searcher(encoder=KeptEncoder(load_encoder(encoder))).fit(found.documents, seed=seed)
    taught, asked = _parts(set_name, found, seed)
    candidates, truth = searcher.candidates(asked.queries), searcher.truth(asked)
    for name, fusion in {"keyword": Fusion(0.0), "meaning": Fusion(1.0), "untuned": Fusion()}.items():
        yield {"system": name, "encoder": encoder, **_figures(candidates, truth, fusion, seed)}
    if taught is not None:
        gate = searcher.learn(taught, tuning=tuning, seed=seed)
        ways = {way.name: round(way.ndcg_10, 4) for way in gate.ways}
        figures = _figures(searcher.candidates(asked.queries), truth, gate.chosen, seed)
        yield {"encoder": encoder, "tuning": options.tuning, **figures, "kept": gate.kept, "held_out": ways}


def _adapted(seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """An encoder tuned on half of the paragraphs, without questions, and asked about the other half."""
    found, encoder = search_set("xquad"), KeptEncoder(load_encoder(options.encoder))
    order = np.random.default_rng(seed).permutation(len(found.documents))
    taught, held = ([found.documents[i] for i in half.tolist()] for half in np.array_split(order, 2))
    names = {document["id"] for document in held}
    asked = judgements_of(row for row in found.part("test") if row[1] in names)
    tuned = Searcher(encoder=encoder).fit(taught, seed=seed)
    gate = tuned.adapt(tuning=replace(tuning_of("encoder"), minutes=options.minutes), seed=seed)
    for system, reader in (("base", encoder), ("adapted", tuned.encoder_)):
        searcher = Searcher(encoder=reader).fit(held, seed=seed)
        candidates, truth = searcher.candidates(asked.queries), searcher.truth(asked)
        for name, fusion in (("", Fusion()), ("-meaning", Fusion(1.0))):
            yield {"system": f"{system}{name}", **_figures(candidates, truth, fusion, seed), "kept": gate.kept}


def _parts(set_name: str, found: SearchSet, seed: int) -> tuple[Judgements | None, Judgements]:
    """Judgements to learn from, and those to be scored on."""
    if "train" in found.judged:
        return judgements_of(found.part("train")), judgements_of(found.part("test"))
    whole = judgements_of(found.part("test"))
    if set_name != "cranfield":
        return None, whole
    order = np.random.default_rng(seed).permutation(len(whole.queries))
    half = len(order) // 2
    return whole.only(order[:half].tolist()), whole.only(order[half:].tolist())


def _figures(
    candidates: Sequence[Candidates], truth: Sequence[dict[int, float]], fusion: Fusion, seed: int
) -> dict[str, Any]:
    scores = scored(candidates, truth, fusion, seed=seed)
    value = scores.measures["ndcg_10"]
    found = {"ndcg_10": value.value, "ndcg_10_low": value.low, "ndcg_10_high": value.high}
    found |= {name: scores.measures[name].value for name in ("mrr", "map")}
    recall = measured(candidates, truth, fusion, 100)["recall_100"]
    found |= {"recall_100": float(recall.mean()), "meaning": fusion.meaning}
    return {name: round(v, 4) for name, v in found.items()}
