"""From judgements to lessons: right answers, judged wrong ones, and hard wrong ones that are mined and cleaned.

A hard wrong answer is an unjudged document that ranks high. Many of them are right answers that nobody judged, so that
those are left out that lie almost where a right one lies (Qu et al., RocketQA, 2021), or about as near to the query as
the right one does (Moreira et al., NV-Retriever, 2024).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dovetail.tasks.search_find import Finder
from dovetail.tasks.search_fusion import Candidates, Fusion
from dovetail.tasks.search_judgements import Judgements

_LOOKED_AT = 30  # candidates of a query
_TWIN = 0.95  # cosine to a right answer from which a document counts as the same
_AS_NEAR = 0.95  # share of the cosine of the right answer from which a document may be right itself

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Teaching:
    """Judged queries with their vectors and candidates: what every way of tuning learns from."""

    finder: Finder
    judged: Judgements
    truth: Sequence[Mapping[int, float]]  # graded documents of each query, by number
    vectors: Vectors  # (q, d) of the queries
    candidates: Sequence[Candidates]
    start: Fusion
    seed: int = 0


@dataclass(frozen=True)
class Examples:
    """Texts, and which of them (m,) answer which how well: positions in `texts`; grade 0 for wrong ones."""

    texts: tuple[str, ...]
    query: npt.NDArray[np.int64]
    passage: npt.NDArray[np.int64]
    grade: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.query)


def examples_of(teaching: Teaching, rows: Sequence[int], negatives: int) -> Examples:
    """What some of the queries teach, with up to `negatives` mined wrong answers each besides the judged ones."""
    place: dict[str, int] = {}
    found: list[tuple[int, int, float]] = []
    for row in rows:
        known = teaching.truth[row]
        wrong = hard_wrong(teaching, row)[:negatives] if any(known.values()) else []
        numbers = [*known, *wrong]
        if not numbers:
            continue
        asked = place.setdefault(teaching.judged.queries[row], len(place))
        texts = teaching.finder.best_texts(teaching.vectors[row], numbers)
        for number, text in zip(numbers, texts, strict=True):
            if text:
                found.append((asked, place.setdefault(text, len(place)), known.get(number, 0.0)))
    columns = list(zip(*found, strict=True)) or [(), (), ()]
    query, passage = (np.array(column, np.int64) for column in columns[:2])
    return Examples(tuple(place), query, passage, np.array(columns[2], np.float64))


def hard_wrong(teaching: Teaching, row: int) -> list[int]:
    """Unjudged documents that rank high for a query, best first, without those that may be right."""
    one, known = teaching.candidates[row], teaching.truth[row]
    order = np.argsort(-teaching.start.relevance(one), kind="stable")[:_LOOKED_AT]
    unjudged = [int(n) for n in one.documents[order] if int(n) not in known]
    right = [n for n, grade in known.items() if grade > 0]
    near = _best_vectors(teaching.finder, teaching.vectors[row], [*unjudged, *right])
    rights = [near[n] for n in right if n in near]
    if not rights:
        return unjudged
    query, answers = teaching.vectors[row], np.stack(rights)
    limit = _AS_NEAR * float((answers @ query).max())
    return [n for n in unjudged if n in near and near[n] @ query < limit and float((answers @ near[n]).max()) < _TWIN]


def _best_vectors(finder: Finder, query: Vectors, numbers: Sequence[int]) -> dict[int, Vectors]:
    """The vector of the passage of each document that is nearest to a query."""
    best: dict[int, Vectors] = {}
    for number, _, _, vector in finder.index.passages_of(numbers):
        if number not in best or float(vector @ query) > float(best[number] @ query):
            best[number] = vector
    return best
