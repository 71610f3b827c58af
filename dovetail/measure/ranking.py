"""How good ranked answers are. Every function takes the ranked grades of q queries and gives the mean over them.

`grades` (q, depth): grade of the answer at each rank, 0 for a wrong one or none. `ideal`: for each query the grades of
everything that is relevant, as a list of arrays, where that is more than what was ranked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    Grades = npt.NDArray[Any]


def ndcg(grades: Grades, k: int = 10, *, ideal: Sequence[Grades] | None = None) -> float:
    """nDCG at k with gains 2^grade − 1 (Burges 2005), in [0, 1]; queries without anything relevant are left out."""
    per_query, known = ndcg_each(grades, k, ideal=ideal)
    return float(per_query[known].mean()) if known.any() else 0.0


def ndcg_each(
    grades: Grades, k: int = 10, *, ideal: Sequence[Grades] | None = None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """nDCG at k of each query (q,), and whether the query has anything relevant (q,)."""
    ranked = _ranked(grades, k)
    discount = 1 / np.log2(np.arange(2, k + 2))
    gained = (2.0**ranked - 1) @ discount[: ranked.shape[1]]
    best = np.array([_ideal_gain(row, discount) for row in (grades if ideal is None else ideal)], np.float64)
    if len(best) != len(gained):
        raise InputError(f"{len(gained)} ranked queries but ideal grades for {len(best)}")
    return gained / np.where(best > 0, best, 1.0), best > 0


def mrr(grades: Grades, k: int | None = None) -> float:
    """Mean reciprocal rank of the first relevant answer; 0 for a query without one in the first k."""
    hit = _ranked(grades, k) > 0
    if not hit.size:
        return 0.0
    return float(np.where(hit.any(axis=1), 1 / (hit.argmax(axis=1) + 1.0), 0.0).mean())


def mean_average_precision(grades: Grades, *, relevant: npt.NDArray[np.int64] | None = None) -> float:
    """Mean over queries of the precision at each relevant rank; `relevant` (q,) counts all relevant answers."""
    hit = _ranked(grades, None) > 0
    precision = np.cumsum(hit, axis=1) / np.arange(1, hit.shape[1] + 1)
    total = hit.sum(axis=1) if relevant is None else np.asarray(relevant)
    known = total > 0
    return float(((precision * hit).sum(axis=1)[known] / total[known]).mean()) if known.any() else 0.0


def recall_at(grades: Grades, k: int, *, relevant: npt.NDArray[np.int64] | None = None) -> float:
    """Mean share of the relevant answers among the first k; queries without anything relevant are left out."""
    found = (_ranked(grades, k) > 0).sum(axis=1)
    total = (_ranked(grades, None) > 0).sum(axis=1) if relevant is None else np.asarray(relevant)
    known = total > 0
    return float((found[known] / total[known]).mean()) if known.any() else 0.0


def precision_at(grades: Grades, k: int) -> float:
    """Mean share of relevant answers among the first k; ranks that are missing count as wrong."""
    ranked = _ranked(grades, k)
    return float(((ranked > 0).sum(axis=1) / k).mean()) if len(ranked) else 0.0


def measures_each(grades: Grades, k: int, *, ideal: Sequence[Grades]) -> dict[str, npt.NDArray[np.float64]]:
    """Every measure of each query (q,): precision, recall, F1 and nDCG at k, reciprocal rank and average precision.

    `ideal` holds the grades of all that is judged; a query without anything relevant has 0.
    """
    ranked = _ranked(grades, None)
    hit, first = ranked > 0, _ranked(grades, k) > 0
    relevant = np.maximum(1, [np.count_nonzero(np.asarray(row) > 0) for row in ideal])
    precision, recall = first.sum(axis=1) / k, first.sum(axis=1) / relevant
    both = precision + recall
    at_rank = np.cumsum(hit, axis=1) / np.arange(1, hit.shape[1] + 1)
    return {
        f"precision_{k}": precision,
        f"recall_{k}": recall,
        f"f1_{k}": 2 * precision * recall / np.where(both > 0, both, 1),
        "mrr": np.where(hit.any(axis=1), 1 / (hit.argmax(axis=1) + 1.0), 0.0),
        "map": (at_rank * hit).sum(axis=1) / relevant,
        f"ndcg_{k}": ndcg_each(ranked, k, ideal=ideal)[0],
    }


def _ranked(grades: Grades, k: int | None) -> npt.NDArray[np.float64]:
    values = np.asarray(grades, np.float64)
    if values.ndim != 2:
        raise InputError(f"grades need two dimensions, queries and ranks; they have {values.ndim}")
    if k is not None and k < 1:
        raise InputError(f"k is {k}; expected at least 1")
    return values if k is None else values[:, :k]


def _ideal_gain(grades: Grades, discount: npt.NDArray[np.float64]) -> float:
    best = np.sort(np.asarray(grades, np.float64))[::-1][: len(discount)]
    return float((2.0**best - 1) @ discount[: len(best)])
