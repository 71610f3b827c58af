"""Routes: entities, looked at and changed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from dovetail.serve.asked import Bench, Curator
from dovetail.serve.why import why_of_pair
from dovetail.serve.wire import Name, RowNumber, Why
from dovetail.serve.wire_data import (
    Change,
    ClusterDetail,
    ClusterEvents,
    ClusterPage,
    ClustersAsked,
    ClusterUndo,
    Merge,
    Split,
)

router = APIRouter()


@router.get("/clusters")
def clusters(asked: Annotated[ClustersAsked, Query()], bench: Bench) -> ClusterPage:
    """Entities, those that hang together worst first."""
    return bench.clusters.page(asked)


@router.get("/clusters/events")
def cluster_events(bench: Bench) -> ClusterEvents:
    """What people changed, the latest first."""
    return ClusterEvents(events=bench.editor.events())


@router.post("/clusters/split")
def split(given: Split, bench: Bench, who: Curator) -> Change:
    """Some records leave an entity, together. The same key sent again changes nothing."""
    return bench.editor.split(given.key, given.cluster, given.records, who.person)


@router.post("/clusters/merge")
def merge(given: Merge, bench: Bench, who: Curator) -> Change:
    """Several entities are one."""
    return bench.editor.merge(given.key, given.clusters, who.person)


@router.post("/clusters/undo")
def undo(given: ClusterUndo, bench: Bench, who: Curator) -> Change:
    """Take back a change of entities; the history keeps both."""
    return bench.editor.undo(given.key, given.event, who.person)


@router.get("/clusters/{cluster}")
def cluster(cluster: Name, bench: Bench) -> ClusterDetail:
    """One entity: its records, why they are together, its merged record and where each value came from."""
    return bench.clusters.detail(cluster)


@router.get("/clusters/{cluster}/explain")
def explain(cluster: Name, left: RowNumber, right: RowNumber, bench: Bench) -> Why:
    """Why two of its records are, or are not, the same."""
    bench.clusters.check(cluster, left, right)
    return why_of_pair(bench.sessions.pool(), left, right)
