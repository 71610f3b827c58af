"""One record per source: every record joins at most one record of each other source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from dovetail.integrate.cluster_graph import Graph, clashes, components
from dovetail.integrate.cluster_merge import correlate

if TYPE_CHECKING:
    from dovetail.types import Floats, Ints

_LARGEST = 4_000_000  # cells of the score matrix of one component; larger ones are assigned greedily
_PAIR = 1e-3  # what a pair is worth beyond its weight, so that one which just reaches the threshold counts


def assign(graph: Graph) -> Ints:
    """Groups (n,) with at most one record of each source that does not repeat itself.

    Between two sources: the assignment with the largest sum of weights. Between more: correlation clustering that
    never joins two records of one source.
    """
    if graph.once is None or graph.once.shape[1] != 2:
        return correlate(graph)
    allowed = np.flatnonzero(graph.strong)
    allowed = allowed[~clashes(graph.once, graph.left[allowed], graph.right[allowed])]
    left, right = graph.left[allowed], graph.right[allowed]
    chosen = best_assignment(len(graph), left, right, graph.weight[allowed] + _PAIR)
    return components(len(graph), left[chosen], right[chosen])


def best_assignment(n: int, left: Ints, right: Ints, worth: Floats) -> npt.NDArray[np.bool_]:
    """(m,) the edges of a bipartite graph that share no node and are worth most together; every worth is positive."""
    degree = np.bincount(left, minlength=n) + np.bincount(right, minlength=n)
    chosen: npt.NDArray[np.bool_] = (degree[left] == 1) & (degree[right] == 1)
    rest = np.flatnonzero(~chosen)
    if not len(rest):
        return chosen
    home = components(n, left[rest], right[rest])[left[rest]]
    order = np.argsort(home, kind="stable")
    start = np.flatnonzero(np.r_[True, np.diff(home[order]) != 0])
    for edges in np.split(rest[order], start[1:]):
        chosen[edges[_settle(left[edges], right[edges], worth[edges])]] = True
    return chosen


def _settle(left: Ints, right: Ints, worth: Floats) -> npt.NDArray[np.intp]:
    """The edges of one component to keep."""
    rows, row = np.unique(left, return_inverse=True)
    columns, column = np.unique(right, return_inverse=True)
    if len(rows) == 1 or len(columns) == 1:
        return np.array([np.argmax(worth)])
    if len(rows) * len(columns) > _LARGEST:
        return greedy(left, right, worth)
    matrix = np.zeros((len(rows), len(columns)))
    matrix[row, column] = worth
    at = np.full(matrix.shape, -1, np.int64)
    at[row, column] = np.arange(len(worth))
    found = at[linear_sum_assignment(matrix, maximize=True)]
    kept: npt.NDArray[np.intp] = found[found >= 0]
    return kept


def greedy(left: Ints, right: Ints, worth: Floats) -> npt.NDArray[np.intp]:
    """The edges that remain if the best edge is taken again and again and its ends are taken away."""
    taken: set[int] = set()
    kept = []
    for edge in np.lexsort((right, left, -worth)).tolist():
        ends = int(left[edge]), -1 - int(right[edge])
        if taken.isdisjoint(ends):
            taken.update(ends)
            kept.append(edge)
    return np.array(kept, np.intp)
