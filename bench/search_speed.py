"""The parts of the search benchmark that need no judgements: speed, size, and killed processes."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.tasks.search import Searcher
from dovetail.vectors.base import make_store

_WORDS = 100  # a document
_VOCABULARY = 50_000
_KILLS = 50
_WRITER = """
import sys
from dovetail.tasks.search import Searcher
searcher = Searcher.load(sys.argv[1], encoder="static")
for number in range(100_000):
    searcher.add([{"id": f"{sys.argv[2]}-{number}", "text": f"zebra killed{number} stripe"}])
    print(f"{sys.argv[2]}-{number}", flush=True)
"""


def made_documents(rows: int, seed: int) -> Iterator[dict[str, str]]:
    """Documents of words whose frequencies fall as in natural text (Zipf)."""
    rng = np.random.default_rng(seed)
    names = np.array([_name(i) for i in range(_VOCABULARY)])
    share = 1 / np.arange(3, _VOCABULARY + 3)
    ends = np.cumsum(share / share.sum())
    for row in range(rows):
        words = names[np.searchsorted(ends, rng.random(_WORDS))]
        yield {"id": str(row), "title": " ".join(words[:6]), "text": " ".join(words)}


def _name(number: int) -> str:
    """A word that can be pronounced, another one for each number."""
    found = ""
    while number or not found:
        number, rest = divmod(number, 100)
        found += "bdfgklmnprstvzchjwxq"[rest % 20] + "aeiou"[rest // 20]
    return found + "n"


def speed(rows: int, seed: int) -> Iterator[dict[str, Any]]:
    """Index made-up documents with the static encoder, then time single queries, text in and hits out."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        searcher = Searcher(folder, encoder="static", language="none").fit(list(made_documents(rows, seed)))
        indexing = time.perf_counter() - start
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
        queries = [" ".join(d["text"].split()[:8]) for d in made_documents(220, seed + 1)]
        searcher.search(queries[0])
        took = [_timed(lambda q=query: searcher.search(q)) for query in queries[20:]]  # type: ignore[misc]
        yield {
            "documents": rows,
            **_quantiles(took),
            "per_second": round(rows / indexing, 1),
            "bytes_a_document": round(size / rows),
        }


def vectors(rows: int, seed: int) -> Iterator[dict[str, Any]]:
    """Time and recall of the ten nearest of clustered vectors in 384 dimensions, one thread: lists, and the graph."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(2_000, 384)).astype(np.float32)
    data, asked = _near(centres, rows, rng), _near(centres, 1_000, rng)
    truth = np.argsort(-(asked[:200] @ data.T), axis=1)[:, :10]
    for kind, system in (("lists", "dovetail"), ("usearch", "usearch")):
        store = make_store(kind, 384)
        start = time.perf_counter()
        store.add(np.arange(rows), data)
        made = time.perf_counter() - start
        took = [_timed(lambda i=i, s=store: s.search(asked[i : i + 1], 10)) for i in range(len(asked))]  # type: ignore[misc]
        recall = _recall(store.search(asked[:200], 10)[0], truth)
        size = {"index_mb": round(store.size / 1e6), "recall_said": store.recall, "per_second": round(rows / made, 1)}
        yield {"system": system, "vectors": rows, **_quantiles(took), "recall_10": recall, **size}
        del store
    if importlib.util.find_spec("hnswlib"):
        yield _beside(data, asked, truth)


def _beside(
    data: npt.NDArray[np.float32], asked: npt.NDArray[np.float32], truth: npt.NDArray[np.int64]
) -> dict[str, Any]:
    """The same by hnswlib, its width doubled until it finds as much; looking at the truth, which ours may not."""
    import hnswlib  # type: ignore[import-not-found]

    start = time.perf_counter()
    index = hnswlib.Index(space="cosine", dim=data.shape[1])
    index.init_index(max_elements=len(data), M=16, ef_construction=64, random_seed=0)
    index.set_num_threads(1)
    index.add_items(data, num_threads=1)
    made, width, recall = time.perf_counter() - start, 48, 0.0
    while recall < 0.97 and width < 2_000:
        width *= 2
        index.set_ef(width)
        recall = _recall(index.knn_query(asked[:200], 10, num_threads=1)[0].astype(np.int64), truth)
    took = [_timed(lambda i=i: index.knn_query(asked[i : i + 1], 10, num_threads=1)) for i in range(len(asked))]  # type: ignore[misc]
    return {"system": "hnswlib", **_quantiles(took), "recall_10": recall, "per_second": round(len(data) / made, 1)}


def kill(seed: int) -> dict[str, Any]:
    """Kill processes in the middle of adding; every row that they said was added must be found."""
    rng = np.random.default_rng(seed)
    told: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        Searcher(folder, encoder="static").fit([{"id": "first", "text": "a first document"}])
        for number in range(_KILLS):
            told |= set(_killed(folder, number, float(rng.uniform(0.02, 0.4))))
        searcher = Searcher.load(folder)
        hits = {hit.id for hit in searcher.search("zebra", len(searcher))}
    return {"kills": _KILLS, "acknowledged": len(told), "lost": len(told - hits), "found": len(hits)}


def _killed(folder: str, number: int, after: float) -> list[str]:
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, folder, str(number)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(after)
        os.kill(writer.pid, signal.SIGKILL)
        rest = writer.stdout.read()
    lines = (first + rest).splitlines(keepends=True)
    return [line.strip() for line in lines if line.endswith("\n")]


def _near(centres: npt.NDArray[np.float32], rows: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    found = np.empty((rows, centres.shape[1]), np.float32)
    for start in range(0, rows, 50_000):
        part = found[start : start + 50_000]
        part[:] = centres[rng.integers(0, len(centres), len(part))]
        part += rng.standard_normal(part.shape, dtype=np.float32) * 0.7
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return found


def _recall(found: npt.NDArray[np.int64], truth: npt.NDArray[np.int64]) -> float:
    return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.tolist(), truth.tolist(), strict=True)]))


def _timed(call: Any) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def _quantiles(took: list[float]) -> dict[str, float]:
    return {"p50_ms": round(float(np.quantile(took, 0.5)), 3), "p99_ms": round(float(np.quantile(took, 0.99)), 3)}
