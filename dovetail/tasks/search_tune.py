"""Queries moved towards their answers, while the documents stay where they are, so that the index is kept.

A small head on the vectors of queries is trained so that what words and meaning say together ranks the judged answers
first (listwise: Cao et al. 2007). Wrong answers are the best unjudged candidates, without those that lie almost where
a right one lies, which are often right themselves (Qu et al., RocketQA, 2021). Takes seconds, since documents keep
their vectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dovetail.tasks.embed_head import Head, PlainHead, SkipSettings, skip_head
from dovetail.tasks.search_find import Finder
from dovetail.tasks.search_fusion import Candidates, Fusion, scaled

_WRONG = 30  # unjudged candidates of a query
_TOO_NEAR = 0.95  # cosine to a right answer from which an unjudged candidate is passed over
_TEMPERATURE = 0.05
_BATCH = 64
_SETTINGS = SkipSettings(hidden=64, steps=150, rate=2e-3, decay=0.1, noise=0.1)

Vectors = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Lists:
    """For each of q queries up to c candidates: vector of the best passage, part of the words, and what is right."""

    queries: Vectors  # (q, d)
    vectors: Vectors  # (q, c, d)
    keyword: Floats  # (q, c) what words add to the relevance
    right: Floats  # (q, c) shares that sum to 1, or to 0 where a query has no right candidate
    known: npt.NDArray[np.bool_]  # (q, c) False where the list is shorter

    def only(self, rows: Sequence[int]) -> Lists:
        """The lists of some queries."""
        at = list(rows)
        return Lists(self.queries[at], self.vectors[at], self.keyword[at], self.right[at], self.known[at])


def lists_of(
    finder: Finder,
    vectors: Vectors,
    candidates: Sequence[Candidates],
    truth: Sequence[Mapping[int, float]],
    fusion: Fusion,
) -> Lists:
    """What the head learns from: for each query its judged answers and the best unjudged candidates."""
    chosen = [_chosen(one, known, fusion) for one, known in zip(candidates, truth, strict=True)]
    most = max(1, *(len(rows) for rows in chosen))
    q, d = vectors.shape
    found = Lists(vectors, np.zeros((q, most, d), np.float32), *_empty(q, most))
    for row, (rows, one, known) in enumerate(zip(chosen, candidates, truth, strict=True)):
        if not len(rows):
            continue
        numbers = one.documents[rows].tolist()
        grades = np.array([known.get(n, 0.0) for n in numbers])
        found.vectors[row, : len(rows)] = _best_passages(finder, vectors[row], numbers)
        found.keyword[row, : len(rows)] = (1 - fusion.meaning) * scaled(one)[0][rows]
        found.right[row, : len(rows)] = grades / grades.sum() if grades.any() else 0.0
        right = found.vectors[row][found.right[row] > 0]
        twins = (found.vectors[row, : len(rows)] @ right.T > _TOO_NEAR).any(axis=1)
        found.known[row, : len(rows)] = ~twins | np.array([n in known for n in numbers])
    return found


def query_head(lists: Lists, fusion: Fusion, *, seed: int = 0) -> Head:
    """A head on query vectors under which the right candidates lead their lists."""
    import torch

    some = np.flatnonzero(lists.right.any(axis=1))
    if not len(some):
        return PlainHead()
    held = torch.from_numpy(lists.vectors)
    words, right = (torch.from_numpy(part.astype(np.float32)) for part in (lists.keyword, lists.right))
    missing = torch.from_numpy(~lists.known)

    def loss(moved: torch.Tensor, rows: npt.NDArray[np.int64]) -> torch.Tensor:
        at = torch.from_numpy(rows)
        cosine = (held[at] @ moved[:, :, None])[:, :, 0]  # (b, c)
        scores = (words[at] + fusion.meaning * cosine) / _TEMPERATURE
        likely = scores.masked_fill(missing[at], -1e4).log_softmax(dim=1)
        return -(right[at] * likely).sum(dim=1).mean()

    def draw(rng: np.random.Generator) -> npt.NDArray[np.int64]:
        return np.asarray(rng.permutation(some)[:_BATCH], np.int64)

    return skip_head(lists.queries, loss, _SETTINGS, draw=draw, seed=seed)


def _chosen(one: Candidates, known: Mapping[int, float], fusion: Fusion) -> npt.NDArray[np.int64]:
    """Positions of the judged candidates and of the best unjudged ones."""
    judged = np.array([int(n) in known for n in one.documents], bool)
    order = np.argsort(-fusion.relevance(one), kind="stable")
    return np.concatenate([np.flatnonzero(judged), order[~judged[order]][:_WRONG]])


def _best_passages(finder: Finder, query: Vectors, numbers: Sequence[int]) -> Vectors:
    best: dict[int, tuple[float, Vectors]] = {}
    for number, _, _, vector in finder.index.passages_of(numbers):
        cosine = float(vector @ query)
        if number not in best or cosine > best[number][0]:
            best[number] = (cosine, vector)
    nothing = np.zeros(len(query), np.float32)
    return np.stack([best[n][1] if n in best else nothing for n in numbers])


def _empty(q: int, c: int) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    return np.zeros((q, c)), np.zeros((q, c)), np.zeros((q, c), bool)
