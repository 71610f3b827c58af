"""From scored pairs to entities."""

from __future__ import annotations

from hashlib import blake2b
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.errors import UnknownName
from dovetail.integrate.cluster_graph import Graph, build, exclusive, in_order, part, violating
from dovetail.integrate.cluster_merge import correlate
from dovetail.integrate.cluster_repeats import choose, repeats
from dovetail.types import Candidates, Clusters, Decisions

if TYPE_CHECKING:
    from dovetail.types import Ints, Records


class Clusterer(Protocol):
    """Groups the nodes of a graph: gives the group of each node (n,)."""

    def __call__(self, graph: Graph) -> Ints:
        """Groups (n,)."""


CLUSTERERS = {
    "connected": "dovetail.integrate.cluster_simple:connect",
    "star": "dovetail.integrate.cluster_simple:stars",
    "correlation": "dovetail.integrate.cluster_merge:correlate",
    "one-to-one": "dovetail.integrate.cluster_assign:assign",
}

_MISSING = -2.0  # log-odds: blocking found no reason to look at the pair, though it looked at many weaker ones


def cluster(
    records: Records,
    decisions: Decisions,
    *,
    method: str = "auto",
    seed: int = 0,
    cannot_link: Candidates | None = None,
    must_link: Candidates | None = None,
) -> Clusters:
    """Which records are one entity.

    `must_link` pairs end up together, `cannot_link` pairs never do, whatever their scores; labels that contradict
    each other raise `InputError`. "auto" takes "one-to-one" where no source repeats itself and "correlation" otherwise.
    """
    del seed  # every method is deterministic; the argument keeps the seam ready for one that is not
    check_method(method)
    evidence = repeats(records, decisions)
    chosen, why = choose(evidence, records) if method == "auto" else (method, f"{method} clustering, as asked for")
    missing = _MISSING if evidence.compared_within else 0.0
    graph, nodes = build(records, decisions, must_link, cannot_link, missing)
    if chosen == "one-to-one":
        graph = exclusive(graph, nodes, records.source, np.ones(len(records.sources), np.bool_))
    label = in_order(separated(graph, load_clusterer(chosen)(graph))[nodes])
    return Clusters(label, entity_names(records, label), chosen, why)


def check_method(name: str) -> None:
    """Refuse a way of clustering that does not exist; to be asked before long work."""
    if name not in ("auto", *CLUSTERERS):
        raise UnknownName("clusterer", name, ("auto", *CLUSTERERS))


def load_clusterer(name: str) -> Clusterer:
    """A way of clustering by name."""
    if name not in CLUSTERERS:
        raise UnknownName("clusterer", name, CLUSTERERS)
    module, attribute = CLUSTERERS[name].split(":")
    found: Clusterer = getattr(import_module(module), attribute)
    return found


def separated(graph: Graph, label: Ints) -> Ints:
    """The same groups, but those that hold records which cannot be together are split by correlation clustering."""
    bad = violating(graph, label)
    if not bad.any():
        return label
    rest, at = part(graph, bad[label])
    inside = label[at][rest.left] == label[at][rest.right]
    kept = Graph(
        rest.breadth,
        rest.left[inside],
        rest.right[inside],
        rest.weight[inside],
        rest.scored[inside],
        rest.forbidden[inside],
        rest.missing,
        rest.once,
    )
    split = label.copy()
    split[at] = correlate(kept) + int(label.max()) + 1
    return in_order(split)


def entity_names(records: Records, label: Ints) -> pa.Array:
    """A name (c,) for each entity that stays from run to run: a hash of its smallest source name and id."""
    source = pa.array(records.sources, pa.string()).take(pa.array(records.source))
    rank = [pc.rank(column, tiebreaker="dense").to_numpy() for column in (source, records.ids)]
    order = np.lexsort((rank[1], rank[0], label))
    first = order[np.flatnonzero(np.r_[np.ones(min(1, len(order)), np.bool_), np.diff(label[order]) != 0])]
    keys = pc.binary_join_element_wise(source.take(pa.array(first)), records.ids.take(pa.array(first)), "\x1f")
    digests = [blake2b(key.encode(), digest_size=16).hexdigest() for key in keys.to_pylist()]
    names = pa.array([f"e-{digest[:10]}" for digest in digests], pa.string())
    return _told_apart(names, digests)


def _told_apart(names: pa.Array, digests: list[str]) -> pa.Array:
    """The same names, but where two are equal the whole hash."""
    counts = names.value_counts()
    twice = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    if not len(twice):
        return names
    longer = pa.array([f"e-{digest}" for digest in digests], pa.string())
    return pc.if_else(pc.is_in(names, twice), longer, names)
