"""Why an entity holds together: its weakest link, and the two parts that it joins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.types import Clusters, Decisions


@dataclass(frozen=True)
class Link:
    """A scored pair of records by position."""

    left: int
    right: int
    score: float  # probability in [0, 1]


@dataclass(frozen=True)
class Cohesion:
    """What holds one entity together.

    Of all chains of pairs that hold the entity together the strongest is taken; `weakest` is its weakest
    link: without it, the entity falls into `parts`. None where the entity has one record, or where no scored
    pairs connect its records at all.
    """

    cluster: int
    members: tuple[int, ...]  # record positions
    pairs: int  # scored pairs inside
    possible: int  # pairs that could be
    mean_score: float  # over the scored pairs; 1.0 where there is none
    weakest: Link | None
    parts: tuple[tuple[int, ...], tuple[int, ...]] | None


def cohesion(clusters: Clusters, decisions: Decisions, cluster: int) -> Cohesion:
    """Why the records of one entity are together. An entity that does not exist raises `InputError`."""
    if not 0 <= cluster < len(clusters.names):
        many = len(clusters.names)
        raise InputError(f"there is no entity number {cluster}; these results hold {many}, numbered 0 to {many - 1}")
    members = np.flatnonzero(clusters.cluster == cluster)
    pairs = decisions.candidates
    inside = np.flatnonzero((clusters.cluster[pairs.left] == cluster) & (clusters.cluster[pairs.right] == cluster))
    score = decisions.score[inside]
    a, b = np.searchsorted(members, pairs.left[inside]), np.searchsorted(members, pairs.right[inside])
    weakest, parts = _weakest(members, a, b, score)
    possible = len(members) * (len(members) - 1) // 2
    mean = float(score.mean()) if len(score) else 1.0
    return Cohesion(cluster, tuple(members.tolist()), len(inside), possible, mean, weakest, parts)


def _weakest(
    members: npt.NDArray[Any], a: npt.NDArray[Any], b: npt.NDArray[Any], score: npt.NDArray[np.float64]
) -> tuple[Link | None, tuple[tuple[int, ...], tuple[int, ...]] | None]:
    left, right, strength = _strongest_tree(len(members), a, b, score)
    if not len(strength):
        return None, None
    least = int(np.argmin(strength))
    link = Link(int(members[left[least]]), int(members[right[least]]), float(strength[least]))
    kept = np.arange(len(strength)) != least
    part = _components(len(members), left[kept], right[kept])
    first, second = (tuple(members[part == part[end[least]]].tolist()) for end in (left, right))
    return link, (first, second)


def _strongest_tree(
    n: int, a: npt.NDArray[Any], b: npt.NDArray[Any], score: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.float64]]:
    """The maximum spanning forest of the scored pairs: left, right, score of its edges, left < right."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    cost = 2.0 - score  # never zero: a zero would be no edge
    tree = minimum_spanning_tree(coo_array((cost, (a, b)), shape=(n, n)).tocsr()).tocoo()
    left, right = np.minimum(tree.row, tree.col), np.maximum(tree.row, tree.col)
    order = np.lexsort((right, left))
    return left[order], right[order], 2.0 - tree.data[order]


def _components(n: int, a: npt.NDArray[Any], b: npt.NDArray[Any]) -> npt.NDArray[Any]:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(a), np.int8), (a, b)), shape=(n, n))
    return np.asarray(connected_components(links, directed=False)[1])


def weakest_clusters(clusters: Clusters, decisions: Decisions, most: int = 10) -> tuple[Cohesion, ...]:
    """The entities that the most doubtful links hold together, weakest first: where wrong merges would be."""
    pairs, n = decisions.candidates, len(clusters.cluster)
    inside = np.flatnonzero(clusters.cluster[pairs.left] == clusters.cluster[pairs.right])
    a, b = pairs.left[inside], pairs.right[inside]
    left, _, strength = _strongest_tree(n, a, b, decisions.score[inside])
    order = np.argsort(strength, kind="stable")
    numbers = clusters.cluster[left[order]]
    _, first = np.unique(numbers, return_index=True)
    chosen = numbers[np.sort(first)[:most]]
    return tuple(cohesion(clusters, decisions, int(number)) for number in chosen)
