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
class Candidates:
    """What may answer one query: document numbers, BM25, and the cosine of the best passage, (n,) each."""

    documents: npt.NDArray[np.int64]
    keyword: Floats
    most: float  # the BM25 that no document can reach
    cosine: Floats  # -1 where a document has no passage with a vector
    read: Floats | None = None  # how likely a network that reads query and passage takes it for an answer; 0: not read

    def __len__(self) -> int:
        return len(self.documents)


@dataclass(frozen=True)
class Fusion:
    """`reading` is the weight of what a reader says, in [0, 1]; of the rest `meaning` is the share of the cosines."""

    meaning: float = 0.5
    known: str = "both alike, as long as judgements do not say better"
    reading: float = 0.0

    def parts(self, candidates: Candidates) -> tuple[Floats, Floats, Floats]:
        """What keyword, meaning and reading add to the relevance of each candidate, (n,) each."""
        keyword, cosine = scaled(candidates)
        read = np.zeros(len(candidates)) if candidates.read is None else candidates.read
        rest = 1 - self.reading
        return rest * (1 - self.meaning) * keyword, rest * self.meaning * cosine, self.reading * read

    def relevance(self, candidates: Candidates) -> Floats:
        """Relevance in [0, 1] of each candidate, (n,)."""
        keyword, cosine, read = self.parts(candidates)
        return keyword + cosine + read


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
