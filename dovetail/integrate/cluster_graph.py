"""Scored pairs as a weighted graph, and what all ways of clustering need of it.

A node is a record, or several that a person said are the same. Records that are known to differ are joined by a
forbidden edge. Where a source does not repeat itself, two nodes that hold a record of it cannot be together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from dovetail.errors import InputError

if TYPE_CHECKING:
    from dovetail.types import Candidates, Decisions, Floats, Ints, Records

_FARTHEST = 6.0  # log-odds: how much one pair may weigh, so that no single pair outvotes a whole group


@dataclass(frozen=True)
class Edges:
    """Edges between nodes or groups: left < right, sorted, each pair once."""

    left: Ints  # (m,)
    right: Ints  # (m,)
    weight: Floats  # (m,)
    scored: Floats  # (m,) product of the breadths of both records, summed over the scored pairs of the edge
    forbidden: npt.NDArray[np.bool_]  # (m,)


@dataclass(frozen=True)
class Graph:
    """Nodes and the scored pairs between them. `weight` is the log-odds of the score above those of the threshold.

    That a pair was never scored speaks against it as far as blocking looked beyond the strong pairs of both records:
    a record whose list of candidates is full of strong ones may well have more.
    """

    breadth: Floats  # (n,) share of weak pairs among the scored ones of a record, summed over the node's records
    left: Ints  # (m,) nodes, left < right, each pair once
    right: Ints  # (m,)
    weight: Floats  # (m,) ≥ 0: the score reaches the threshold
    scored: Floats  # (m,) product of the breadths of both records, summed over the scored pairs of the edge
    forbidden: npt.NDArray[np.bool_]  # (m,)
    missing: float  # weight of a pair that was never scored between records of breadth 1, ≤ 0
    once: csr_array | None  # (n, sources) 1 where the node holds a record of a source that does not repeat itself

    def __len__(self) -> int:
        return len(self.breadth)

    @property
    def strong(self) -> npt.NDArray[np.bool_]:
        """(m,) edges that reach the threshold and are not forbidden."""
        return (self.weight >= 0) & ~self.forbidden


def build(
    records: Records,
    decisions: Decisions,
    must: Candidates | None = None,
    cannot: Candidates | None = None,
    missing: float = 0.0,
) -> tuple[Graph, Ints]:
    """The graph of the scored pairs, and the node of each record (n,)."""
    n = len(records)
    nodes = components(n, must.left, must.right) if must is not None else np.arange(n, dtype=np.int32)
    count = int(nodes.max()) + 1 if n else 0
    _refuse_contradiction(records, nodes, cannot)
    left, right, weight = decisions.candidates.left, decisions.candidates.right, _weights(decisions)
    broad = _breadth(n, left, right, weight < 0)
    breadth = np.asarray(np.bincount(nodes, weights=broad, minlength=count), np.float64)
    ends, scored, no = [nodes[left], nodes[right]], broad[left] * broad[right], np.zeros(len(weight), np.bool_)
    if must is None and cannot is None:
        return Graph(breadth, ends[0], ends[1], weight, scored, no, missing, None), nodes
    if cannot is not None:
        ends = [np.r_[ends[0], nodes[cannot.left]], np.r_[ends[1], nodes[cannot.right]]]
        nothing = np.zeros(len(cannot))
        weight, scored, no = np.r_[weight, nothing], np.r_[scored, nothing], np.r_[no, nothing == 0]
    edges = merged_edges(count, ends[0], ends[1], weight, scored, no)
    return Graph(breadth, edges.left, edges.right, edges.weight, edges.scored, edges.forbidden, missing, None), nodes


def _breadth(n: int, left: Ints, right: Ints, weak: npt.NDArray[np.bool_]) -> Floats:
    """(n,) the share of weak pairs among the scored ones of each record."""
    total = np.bincount(left, minlength=n) + np.bincount(right, minlength=n)
    doubtful = np.bincount(left[weak], minlength=n) + np.bincount(right[weak], minlength=n)
    return np.asarray(doubtful / np.maximum(total, 1))


def exclusive(graph: Graph, nodes: Ints, source: npt.NDArray[Any], single: npt.NDArray[np.bool_]) -> Graph:
    """The same graph, told which sources (S,) do not repeat themselves."""
    rows = np.flatnonzero(single[source])
    held = csr_array(
        (np.ones(len(rows), np.int32), (nodes[rows], source[rows].astype(np.int32))), shape=(len(graph), len(single))
    )
    held.sum_duplicates()
    held.data[:] = 1
    return Graph(
        graph.breadth, graph.left, graph.right, graph.weight, graph.scored, graph.forbidden, graph.missing, held
    )


def components(n: int, left: npt.NDArray[Any], right: npt.NDArray[Any]) -> Ints:
    """The connected component of each of n nodes, numbered in the order of its first node."""
    links = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(n, n))
    return in_order(connected_components(links, directed=False)[1])


def in_order(labels: npt.NDArray[Any]) -> Ints:
    """The same groups numbered 0 … c-1 in the order of their first member."""
    _, first, group = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first), dtype=np.int32)
    return rank[group.reshape(-1)]


def merged_edges(
    n: int,
    left: npt.NDArray[Any],
    right: npt.NDArray[Any],
    weight: Floats,
    scored: Floats,
    forbidden: npt.NDArray[np.bool_],
) -> Edges:
    """Edges between the same two nodes joined into one: weights and breadths added. Edges inside a node are dropped."""
    low, high = np.minimum(left, right), np.maximum(left, right)
    apart = low != high
    keys = low[apart].astype(np.int64) * n + high[apart]
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    start = np.flatnonzero(np.r_[np.ones(min(1, len(keys)), np.bool_), keys[1:] != keys[:-1]])
    ends = (keys[start] // n).astype(np.int32), (keys[start] % n).astype(np.int32)
    if not len(start):
        return Edges(*ends, np.zeros(0), np.zeros(0), np.zeros(0, np.bool_))
    return Edges(
        *ends,
        np.add.reduceat(weight[apart][order], start),
        np.add.reduceat(scored[apart][order], start),
        np.logical_or.reduceat(forbidden[apart][order], start),
    )


def clashes(once: csr_array | None, a: npt.NDArray[Any], b: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """(m,) whether the groups a and b both hold a record of a source that does not repeat itself."""
    if once is None or not len(a):
        return np.zeros(len(a), np.bool_)
    return np.asarray(once[a].multiply(once[b]).sum(axis=1)).reshape(-1) > 0


def grouped(once: csr_array | None, label: npt.NDArray[Any], count: int) -> csr_array | None:
    """How many records of each such source each group of nodes holds, (count, sources)."""
    if once is None:
        return None
    picks = csr_array((np.ones(len(label), np.int32), (label, np.arange(len(label)))), shape=(count, len(label)))
    return csr_array(picks @ once)


def part(graph: Graph, chosen: npt.NDArray[np.bool_]) -> tuple[Graph, Ints]:
    """The graph of some nodes (n,) and the edges between them, and where those nodes were."""
    at = np.flatnonzero(chosen).astype(np.int32)
    new = np.full(len(graph), -1, np.int32)
    new[at] = np.arange(len(at), dtype=np.int32)
    kept = np.flatnonzero(chosen[graph.left] & chosen[graph.right])
    once = graph.once[at] if graph.once is not None else None
    left, right = new[graph.left[kept]], new[graph.right[kept]]
    rest = graph.weight[kept], graph.scored[kept], graph.forbidden[kept]
    return Graph(graph.breadth[at], left, right, *rest, graph.missing, once), at


def violating(graph: Graph, label: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """(groups,) whether a group holds records that cannot be together."""
    count = int(label.max()) + 1 if len(label) else 0
    bad = np.zeros(count, np.bool_)
    inside = graph.forbidden & (label[graph.left] == label[graph.right])
    bad[label[graph.left[inside]]] = True
    held = grouped(graph.once, label, count)
    if held is not None and held.nnz:
        twice = held.tocoo()
        bad[twice.row[twice.data > 1]] = True
    return bad


def _weights(decisions: Decisions) -> Floats:
    """Log-odds above the threshold; the smallest weight of a pair that reaches it is 0."""
    line = log_odds(np.array([decisions.threshold]))[0]
    weight = np.clip(log_odds(decisions.score) - line, -_FARTHEST, _FARTHEST)
    reached = decisions.score >= decisions.threshold
    return np.asarray(np.where(reached, np.maximum(weight, 0.0), np.minimum(weight, -1e-9)))


def log_odds(score: npt.NDArray[Any]) -> Floats:
    """Probabilities as log-odds, finite at 0 and 1."""
    p = np.clip(np.asarray(score, np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(p / (1 - p)))


def _refuse_contradiction(records: Records, nodes: Ints, cannot: Candidates | None) -> None:
    if cannot is None:
        return
    wrong = np.flatnonzero(nodes[cannot.left] == nodes[cannot.right])
    if len(wrong):
        left, right = (_told(records, int(side[wrong[0]])) for side in (cannot.left, cannot.right))
        raise InputError(
            f"{left} and {right} are labelled as different, but other labels join them into one entity; "
            "correct one of the labels"
        )


def _told(records: Records, row: int) -> str:
    return f"{records.ids[row].as_py()!r} of {records.sources[int(records.source[row])]!r}"
