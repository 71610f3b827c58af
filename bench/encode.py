"""Rows a second of the transformer encoder in each precision, beside plain sentence-transformers in float32.

All systems encode the same records in turn, round after round, in one process with two threads: what else the machine
does then falls on all alike. Figures are medians over the rounds; `times` is the median of the ratio within a round.
Agreement is the cosine of a row's vector to that of sentence-transformers.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.sets import data_folder, load
from dovetail.encoders.int8 import can_int8
from dovetail.encoders.pretrained import fast_bfloat16, fast_int8, folder_of
from dovetail.encoders.transformer import TransformerEncoder
from dovetail.tables.text import row_texts
from dovetail.tasks.records import records_of

SETS = ("abt-buy",)
PEER = "sentence-transformers"
Vectors = npt.NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--rows", type=int, default=None, help="so many records, drawn with the seed; all if not given")
    parser.add_argument("--rounds", type=int, default=3, help="how often each system encodes them")
    parser.add_argument("--threads", type=int, default=2, help="threads of the processor")


def run(set_name: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One object a system."""
    import torch

    torch.set_num_threads(options.threads)
    texts = row_texts(records_of(load(set_name, data_folder()).tables))
    if options.rows and options.rows < len(texts):
        texts = [texts[i] for i in np.random.default_rng(seed).choice(len(texts), options.rows, replace=False)]
    seconds, vectors = measured(systems(), texts, options.rounds)
    for system in seconds:
        yield {"system": system, "rows": len(texts), **figures(system, seconds, vectors, len(texts))}


def systems() -> dict[str, Encode]:
    """What is measured: the encoder as it chooses for itself, each precision by name, the peer."""
    from sentence_transformers import SentenceTransformer

    peer = SentenceTransformer(str(folder_of()), device="cpu")
    found: dict[str, Encode] = {
        PEER: lambda texts: np.asarray(peer.encode(list(texts), normalize_embeddings=True), np.float32),
        "dovetail": TransformerEncoder().encode,
    }
    quick = [("bfloat16", fast_bfloat16()), ("int8", fast_int8() and can_int8())]
    for precision in ("float32", *(name for name, there in quick if there)):
        found[f"dovetail {precision}"] = TransformerEncoder(precision=precision).encode
    return found


def measured(
    encoders: dict[str, Encode], texts: Sequence[str], rounds: int
) -> tuple[dict[str, list[float]], dict[str, Vectors]]:
    """Seconds of every round, and the vectors, by system; before them a few rows each, for what loads late."""
    seconds: dict[str, list[float]] = {system: [] for system in encoders}
    vectors = {system: encode(texts[:8]) for system, encode in encoders.items()}
    for number in range(rounds):
        for system, encode in encoders.items():
            start = time.perf_counter()
            vectors[system] = encode(texts)
            seconds[system].append(time.perf_counter() - start)
            print(f"round {number + 1}: {system} {len(texts) / seconds[system][-1]:.0f} rows/s", file=sys.stderr)
    return seconds, vectors


def figures(system: str, seconds: dict[str, list[float]], vectors: dict[str, Vectors], rows: int) -> dict[str, float]:
    """Speed and agreement of one system."""
    ratios = np.array(seconds[PEER]) / np.array(seconds[system])
    written = (vectors[PEER] * vectors[system]).sum(1)[vectors[system].any(axis=1)]
    return {
        "per_second": round(rows / float(np.median(seconds[system])), 1),
        "times": round(float(np.median(ratios)), 2),
        "times_least": round(float(ratios.min()), 2),
        "cosine_mean": round(float(written.mean()), 6),
        "cosine_min": round(float(written.min()), 6),
    }
