"""Chooses how the class head of spaces is made, on training rows alone: no test part is opened.

Of each set some rows are labelled, and neighbours among other rows of the same training part are looked at: R-precision
of the head less that of the plain vectors. `refinery_ag_news` has weak labels there, the others their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.search_sets import KeptEncoder
from bench.texts import part
from dovetail.encoders.base import load_encoder
from dovetail.tasks.embed_classes import ClassSettings, class_head
from dovetail.tasks.embed_head import ClassHead, unit
from dovetail.tasks.embed_scores import numbered, same_class

SETS = ("refinery_ag_news", "trec", "financial_phrasebank", "newsgroups20", "sst5", "banking77")
_COUNTS = (25, 50, 100, 261)
_ASKED = 1_000  # other rows of a training part
_QUERIES = 200
_STRENGTHS = (0.3, 1.0, 3.0, 10.0)
_FORCES = (0.5, 1.0, 1.5, 2.0, 3.0)
_SHARES = (0.0, 0.5)
_POWERS = (0.5, 1.0)

Vectors = npt.NDArray[np.float32]
Key = tuple[float, float, float, float]  # strength, share, power, force


def chosen(encoder: str, seed: int) -> Iterator[dict[str, Any]]:
    """The gain of each way of making the head, and the one with the greatest mean gain."""
    gains: dict[Key, list[float]] = {}
    reader = KeptEncoder(load_encoder(encoder))
    for name, count in product(SETS, _COUNTS):
        for key, gain in _gains(name, count, reader, seed).items():
            gains.setdefault(key, []).append(gain)
    means = {key: float(np.mean(values)) for key, values in gains.items()}
    for key in sorted(means, key=lambda k: -means[k]):
        few = float(np.mean([value for i, value in enumerate(gains[key]) if i % len(_COUNTS) < 2]))
        yield {
            **_named(key),
            "gain": round(means[key], 4),
            "gain_few": round(few, 4),
            "worst": round(min(gains[key]), 4),
        }


def _gains(name: str, count: int, reader: KeptEncoder, seed: int) -> dict[Key, float]:
    given = part(name, "train")
    number = numbered(given.labels)
    rng = np.random.default_rng((seed, count))
    rows = rng.permutation(len(number))[: count + _ASKED]
    vectors = reader.encode([given.texts[i] for i in rows])
    labels = np.asarray(np.unique(number[rows], return_inverse=True)[1], np.int64)
    seen = np.where(np.arange(len(rows)) < count, _dense(labels, count), -1)
    asked, truth = vectors[count:], labels[count:]
    queries = rng.permutation(len(truth))[:_QUERIES]
    plain = same_class(asked, truth, queries, None).mean()
    found: dict[Key, float] = {}
    for strength, share in product(_STRENGTHS, _SHARES):
        head = class_head(vectors, seen, ClassSettings(strength, 1.0, share), seed=seed)
        likely = head.probabilities(asked)
        for power, force in product(_POWERS, _FORCES):
            moved = unit(np.hstack([asked, force * likely**power]))
            found[strength, share, power, force] = float(same_class(moved, truth, queries, None).mean() - plain)
    assert isinstance(head, ClassHead)
    return found


def _dense(labels: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """The classes of the labelled rows as 0 … c-1; the others are not looked at."""
    found = np.full(len(labels), -1, np.int64)
    found[:count] = np.unique(labels[:count], return_inverse=True)[1]
    return found


def _named(key: Key) -> dict[str, float]:
    return dict(zip(("strength", "share", "power", "force"), key, strict=True))
