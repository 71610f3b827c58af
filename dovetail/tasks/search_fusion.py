"""How keyword and meaning become one ranking: a convex combination with a fitted weight.

Source: Bruch, Gai and Ingber, An Analysis of Fusion Functions for Hybrid Retrieval, 2023.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dovetail.measure.ranking import ndcg_each

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Near:
    """For each of n candidates the k others that are most like it, and how like, (n, k) each."""

    places: npt.NDArray[np.int64]  # positions among the candidates
    cosines: Floats  # from 0

    def mean(self, values: Floats) -> Floats:
        """The mean of a value (n,) over the neighbours of each candidate, its own where it has none."""
        total = self.cosines.sum(axis=1)
        found = (self.cosines * values[self.places]).sum(axis=1) / np.where(total > 0, total, 1.0)
        return np.where(total > 0, found, values)


@dataclass(frozen=True)
class Candidates:
    """What may answer one query: document numbers, BM25, and the cosine of the best passage, (n,) each."""

    documents: npt.NDArray[np.int64]
    keyword: Floats
    most: float  # the BM25 that no document can reach
    cosine: Floats  # -1 where a document has no passage with a vector
    read: Floats | None = None  # how likely a network that reads query and passage takes it for an answer; 0: not read
    recalled: Floats | None = None  # what like queries, judged before, say of it, in [-1, 1]; 0: nothing
    near: Near | None = None  # the candidates that mean about the same

    def __len__(self) -> int:
        return len(self.documents)


@dataclass(frozen=True)
class Parts:
    """What each way adds to the relevance of n candidates, (n,) each."""

    keyword: Floats
    meaning: Floats
    reading: Floats
    memory: Floats
    neighbours: Floats

    def sum(self) -> Floats:
        """The relevance."""
        return self.keyword + self.meaning + self.reading + self.memory + self.neighbours


@dataclass(frozen=True)
class Fusion:
    """How much each way counts, in [0, 1].

    `reading` is the share of what a reader says, `memory` the share of judged queries in what is left, and of the rest
    `meaning` is the share of the cosines. `neighbours` is the share of the relevance that comes from documents that
    mean about the same (Diaz, Regularizing ad hoc retrieval scores, 2005).
    """

    meaning: float = 0.5
    known: str = "both alike, as long as judgements do not say better"
    reading: float = 0.0
    memory: float = 0.0
    neighbours: float = 0.0

    def shares(self) -> str:
        """How much each way counts, in words."""
        left = 1 - self.reading
        rest = left * (1 - self.memory)
        parts = {"words": rest * (1 - self.meaning), "meaning": rest * self.meaning}
        more = {"a reader": self.reading, "like queries that were judged": left * self.memory}
        said = [f"{share:.0%} {name}" for name, share in (parts | {k: v for k, v in more.items() if v}).items()]
        beside = f", {self.neighbours:.0%} of it from like documents" if self.neighbours else ""
        return ", ".join(said[:-1]) + f" and {said[-1]}{beside}"

    def parts(self, candidates: Candidates) -> Parts:
        """What words, cosines, a reader and judged queries add to the relevance of each candidate."""
        keyword, cosine = scaled(candidates)
        nothing = np.zeros(len(candidates))
        read = nothing if candidates.read is None else candidates.read
        recalled = nothing if candidates.recalled is None else candidates.recalled
        left = 1 - self.reading
        rest = left * (1 - self.memory)
        keyword, cosine = rest * (1 - self.meaning) * keyword, rest * self.meaning * cosine
        read, recalled = self.reading * read, left * self.memory * recalled
        if candidates.near is None or not self.neighbours:
            return Parts(keyword, cosine, read, recalled, nothing)
        beside, kept = candidates.near.mean(keyword + cosine + read + recalled), 1 - self.neighbours
        return Parts(kept * keyword, kept * cosine, kept * read, kept * recalled, self.neighbours * beside)

    def relevance(self, candidates: Candidates) -> Floats:
        """Relevance of each candidate, (n,): at most 1, and below 0 only for what was judged to be no answer."""
        return self.parts(candidates).sum()


def scaled(candidates: Candidates) -> tuple[Floats, Floats]:
    """BM25 and cosines on one scale, [0, 1], the best of each is 1 and what cannot be lower is 0."""
    if not len(candidates):
        return np.zeros(0), np.zeros(0)
    best = candidates.keyword.max()
    keyword = candidates.keyword / best if best > 0 else candidates.keyword
    cosine = np.maximum(candidates.cosine, 0.0)
    top = cosine.max()
    return keyword, cosine / top if top > 0 else cosine


def order_of(relevance: Floats, documents: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Positions of the candidates, most relevant first, ties to the older document."""
    return np.lexsort((documents, -relevance))


def graded(
    candidates: Sequence[Candidates], fusion: Fusion, truth: Sequence[Mapping[int, float]], k: int = 10
) -> Floats:
    """The grades (q, k) of what a fusion ranks first for each query."""
    grades = np.zeros((len(candidates), k))
    for row, (one, known) in enumerate(zip(candidates, truth, strict=True)):
        best = order_of(fusion.relevance(one), one.documents)[:k]
        grades[row, : len(best)] = [known.get(int(d), 0.0) for d in one.documents[best]]
    return grades


def ndcg_of(
    candidates: Sequence[Candidates], fusion: Fusion, truth: Sequence[Mapping[int, float]], k: int = 10
) -> Floats:
    """nDCG at k of each query, (q,)."""
    ideal = [np.array(list(known.values())) for known in truth]
    return ndcg_each(graded(candidates, fusion, truth, k), k, ideal=ideal)[0]
