"""Connected components and stars: the two plain ways from pairs to entities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dovetail.integrate.cluster_graph import Graph, components, in_order

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.types import Floats, Ints


def connect(graph: Graph) -> Ints:
    """Groups (n,): whatever a chain of strong pairs connects."""
    return components(len(graph), graph.left[graph.strong], graph.right[graph.strong])


def stars(graph: Graph) -> Ints:
    """Groups (n,): the nodes with the strongest ties become centres, every other one joins the centre it is closest to.

    A centre has no centre among its strong partners (Hassanzadeh et al. 2009). Rounds instead of a sorted
    walk: in each, every node that is stronger than all undecided partners becomes a centre; the result is the same.
    """
    n = len(graph)
    a, b, weight = graph.left[graph.strong], graph.right[graph.strong], graph.weight[graph.strong]
    centre = _centres(n, a, b, _ranks(n, a, b, weight))
    node, other = np.concatenate([a, b]), np.concatenate([b, a])
    both = np.concatenate([weight, weight])
    spoke = np.flatnonzero(~centre[node] & centre[other])
    spoke = spoke[np.lexsort((other[spoke], -both[spoke], node[spoke]))]
    first = spoke[np.flatnonzero(np.r_[np.ones(min(1, len(spoke)), np.bool_), node[spoke][1:] != node[spoke][:-1]])]
    label = np.arange(n, dtype=np.int32)
    label[node[first]] = other[first]
    return in_order(label)


def _ranks(n: int, a: Ints, b: Ints, weight: Floats) -> npt.NDArray[np.int64]:
    """(n,) place of each node by the sum of its ties, the strongest first; equals by position."""
    strength = np.bincount(a, weights=weight, minlength=n) + np.bincount(b, weights=weight, minlength=n)
    rank = np.empty(n, np.int64)
    rank[np.argsort(-strength, kind="stable")] = np.arange(n)
    return rank


def _centres(n: int, a: Ints, b: Ints, rank: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    centre, decided = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    while not decided.all():
        best = np.where(decided, n, rank)
        np.minimum.at(best, a, np.where(decided[b], n, rank[b]))
        np.minimum.at(best, b, np.where(decided[a], n, rank[a]))
        new = ~decided & (best == rank)
        centre |= new
        decided |= new
        decided[b[new[a]]] = True
        decided[a[new[b]]] = True
        open_ = ~decided[a] & ~decided[b]
        a, b = a[open_], b[open_]
    return centre
