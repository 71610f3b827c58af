"""Correlation clustering: groups whose inner pairs speak for them and whose outer pairs speak against.

Greedy additive joining (Keuper et al. 2015), many joins a round: two groups join where each is the other's best partner
and the pairs between them, taken together, speak for it. Then single nodes move while that gains. Everything runs over
all components at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dovetail.integrate.cluster_graph import (
    Edges,
    Graph,
    clashes,
    components,
    grouped,
    in_order,
    merged_edges,
    part,
    violating,
)

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from dovetail.types import Floats, Ints

_ROUNDS = 10_000  # a chain of ever weaker links joins one pair a round
_MOVES = 40


def correlate(graph: Graph) -> Ints:
    """Groups (n,) of correlation clustering: no forbidden edge inside, no source twice that does not repeat itself."""
    label = components(len(graph), graph.left[graph.strong], graph.right[graph.strong])
    open_ = contested(graph, label)
    if not open_.any():
        return label
    rest, at = part(graph, open_[label])
    found = join(rest, np.arange(len(rest), dtype=np.int32))
    for _ in range(2):
        moved = move(rest, found)
        if np.array_equal(moved, found):
            break
        found = join(rest, moved)
    label = label.copy()
    label[at] = found + int(label.max()) + 1
    return in_order(label)


def contested(graph: Graph, label: Ints) -> npt.NDArray[np.bool_]:
    """(groups,) whether a component is not settled: some pair inside is weak or was never scored, or is not allowed."""
    inside = graph.strong & (label[graph.left] == label[graph.right])
    size = np.bincount(label)
    pairs = np.bincount(label[graph.left[inside]], minlength=len(size))
    unsettled: npt.NDArray[np.bool_] = (pairs < size * (size - 1) // 2) | violating(graph, label)
    return unsettled


def join(graph: Graph, label: Ints) -> Ints:
    """Join groups (n,) while that gains, the best partners of both sides first."""
    label = in_order(label)
    breadth = np.asarray(np.bincount(label, weights=graph.breadth), np.float64)
    edges = merged_edges(
        len(breadth), label[graph.left], label[graph.right], graph.weight, graph.scored, graph.forbidden
    )
    home = components(len(breadth), edges.left, edges.right)
    state = _State(
        np.arange(len(breadth), dtype=np.int32), breadth, home, grouped(graph.once, label, len(breadth)), edges
    )
    into = np.arange(len(breadth), dtype=np.int32)
    for _ in range(_ROUNDS):
        gain = state.gains(graph.missing)
        able = np.flatnonzero((gain > 1e-9) & ~state.edges.forbidden)
        able = able[~clashes(state.once, state.edges.left[able], state.edges.right[able])]
        if not len(able):
            break
        chosen = able[_mutual(state.edges.left[able], state.edges.right[able], gain[able], len(state.name))]
        a, b = state.edges.left[chosen], state.edges.right[chosen]
        into[state.name[b]] = state.name[a]
        state = state.joined(a, b, state.home[state.edges.left[able]])
    return in_order(_roots(into)[label])


@dataclass(frozen=True)
class _State:
    """The groups that may still join: their number among all groups, their records, and the edges between them."""

    name: Ints  # (g,)
    breadth: Floats  # (g,)
    home: Ints  # (g,) component
    once: csr_array | None  # (g, sources)
    edges: Edges

    def gains(self, missing: float) -> Floats:
        """(m,) what joining the ends of each edge would gain: pairs that were never scored count too."""
        unscored = self.breadth[self.edges.left] * self.breadth[self.edges.right] - self.edges.scored
        return np.asarray(self.edges.weight + missing * unscored)

    def joined(self, a: Ints, b: Ints, active: Ints) -> _State:
        """The state after each b joined its a; components where nothing could join are left out."""
        breadth, into = self.breadth.copy(), np.arange(len(self.name), dtype=np.int32)
        breadth[a] += breadth[b]
        into[b] = a
        once = grouped(self.once, into, len(into))
        alive = np.zeros(int(self.home.max()) + 1, np.bool_)
        alive[active] = True
        stays = alive[self.home]
        stays[b] = False
        at = np.flatnonzero(stays)
        new = np.cumsum(stays, dtype=np.int32) - 1
        kept = alive[self.home[self.edges.left]]
        left, right = (new[into[end[kept]]] for end in (self.edges.left, self.edges.right))
        rest = self.edges.weight[kept], self.edges.scored[kept], self.edges.forbidden[kept]
        edges = merged_edges(len(at), left, right, *rest)
        home = np.unique(self.home[at], return_inverse=True)[1].reshape(-1).astype(np.int32)
        return _State(self.name[at], breadth[at], home, None if once is None else once[at], edges)


def _roots(into: Ints) -> Ints:
    """Follow every pointer to its end."""
    while True:
        further = into[into]
        if np.array_equal(further, into):
            return into
        into = further


def _mutual(a: Ints, b: Ints, gain: Floats, n: int) -> npt.NDArray[np.bool_]:
    """(m,) edges that are the best one of both their ends. Equals are told apart by a hash of the ends.

    The hash, not the position: in a crowd of equals everybody would otherwise wait for the first.
    """
    mixed = (a.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) ^ (
        b.astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F)
    )
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    rank = np.empty(len(a), np.int64)
    rank[np.lexsort((b, a, mixed, -gain))] = np.arange(len(a))
    best = np.full(n, len(a), np.int64)
    np.minimum.at(best, a, rank)
    np.minimum.at(best, b, rank)
    both: npt.NDArray[np.bool_] = (best[a] == rank) & (best[b] == rank)
    return both


def move(graph: Graph, label: Ints) -> Ints:
    """Move single nodes to the group that they fit better, or to one of their own, while that gains."""
    n = len(graph)
    label = in_order(label)
    for _ in range(_MOVES):
        breadth = np.asarray(np.bincount(label, weights=graph.breadth, minlength=2 * n), np.float64)
        node, target, gain = _options(graph, label, breadth)
        chosen = _independent(node, target, gain, label, 2 * n)
        if not len(chosen):
            break
        label = label.copy()
        label[node[chosen]] = target[chosen]
        label = in_order(label)
    return label


def _options(graph: Graph, label: Ints, breadth: Floats) -> tuple[Ints, Ints, Floats]:
    """Moves that gain: node, the group it would go to (n + node: one of its own), and the gain."""
    n = len(graph)
    node = np.concatenate([graph.left, graph.right])
    group = label[np.concatenate([graph.right, graph.left])]
    weight, scored, forbidden = (np.concatenate([x, x]) for x in (graph.weight, graph.scored, graph.forbidden))
    order = np.argsort(node.astype(np.int64) * n + group, kind="stable")
    node, group = node[order], group[order]
    start = np.flatnonzero(np.r_[True, (node[1:] != node[:-1]) | (group[1:] != group[:-1])])
    weight, scored = np.add.reduceat(weight[order], start), np.add.reduceat(scored[order], start)
    forbidden, node, group = np.logical_or.reduceat(forbidden[order], start), node[start], group[start]
    home = group == label[node]
    others = breadth[group] - np.where(home, graph.breadth[node], 0)
    fit = weight + graph.missing * (graph.breadth[node] * others - scored)
    own = graph.missing * (graph.breadth * (breadth[label] - graph.breadth)).astype(np.float64)
    own[node[home]] = fit[home]
    away = ~home & ~forbidden & (fit - own[node] > 1e-9)
    away[away] = ~_crowded(graph.once, label, node[away], group[away])
    alone = np.flatnonzero(own < -1e-9).astype(np.int32)
    return (
        np.concatenate([node[away], alone]),
        np.concatenate([group[away], alone + n]).astype(np.int32),
        np.concatenate([(fit - own[node])[away], -own[alone]]),
    )


def _crowded(once: csr_array | None, label: Ints, node: Ints, group: Ints) -> npt.NDArray[np.bool_]:
    """(m,) whether the group already holds a record of a source of the node."""
    if once is None or not len(node):
        return np.zeros(len(node), np.bool_)
    held = grouped(once, label, int(label.max()) + 1)
    assert held is not None
    return np.asarray(once[node].multiply(held[group]).sum(axis=1)).reshape(-1) > 0


def _independent(node: Ints, target: Ints, gain: Floats, label: Ints, groups: int) -> npt.NDArray[Any]:
    """Moves of which no two touch the same group: each is the best one of the group it leaves and the one it enters."""
    order = np.lexsort((target, node, -gain))
    rank = np.empty(len(node), np.int64)
    rank[order] = np.arange(len(node))
    best = np.full(groups, len(node), np.int64)
    np.minimum.at(best, label[node], rank)
    np.minimum.at(best, target, rank)
    return np.flatnonzero((best[label[node]] == rank) & (best[target] == rank))
