"""Entities as pages show them: lists, and one with its records, why they are together, and its merged record."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.errors import InputError, UnknownName, WorkspaceError
from dovetail.integrate.fuse import fuse
from dovetail.measure.percent import percent
from dovetail.serve.entities import Editor, Entities
from dovetail.serve.tables import RECORDS
from dovetail.serve.wire_data import (
    ClusterDetail,
    ClusterLine,
    ClusterPage,
    ClustersAsked,
    GoldenCell,
    LinkLine,
    Weakest,
)
from dovetail.types import Clusters, Decisions, Fused, Records

if TYPE_CHECKING:
    from dovetail.serve.room import Room

    Ints = np.ndarray[Any, np.dtype[np.int64]]

_SHOWN = 200  # records and links that are sent of one entity


class ClusterPages:
    """Entities, to be looked at."""

    def __init__(self, room: Room, editor: Editor) -> None:
        self.room, self.editor = room, editor
        self._lock = threading.RLock()
        self._listed: tuple[int, list[ClusterLine]] | None = None

    def page(self, asked: ClustersAsked) -> ClusterPage:
        """Some entities in order."""
        lines = [line for line in self._lines() if line.size >= asked.least]
        if asked.q:
            words = asked.q.casefold().split()
            lines = [line for line in lines if all(w in f"{line.title} {line.cluster}".casefold() for w in words)]
        orders: dict[str, Any] = {
            "weakest": lambda c: (c.weakest is None, c.weakest or 0.0, c.cluster),
            "largest": lambda c: (-c.size, c.cluster),
            "conflicts": lambda c: (-c.conflicts, c.cluster),
            "name": lambda c: (c.title.casefold(), c.cluster),
        }
        lines.sort(key=orders[asked.order])
        return ClusterPage(clusters=lines[asked.offset : asked.offset + asked.limit], total=len(lines))

    def detail(self, name: str) -> ClusterDetail:
        """One entity with all there is to know."""
        entities = self.editor.entities
        rows = entities.members.get(name)
        if rows is None:
            raise UnknownName("entity", name, ())
        view, decisions = self.room.tables.get(RECORDS), self._decisions()
        links = _links(decisions, rows)
        weakest = _weakest(rows, links)
        return ClusterDetail(
            cluster=name,
            size=len(rows),
            records=[view.rec(row) for row in rows[:_SHOWN]],
            links=[LinkLine(left=a, right=b, score=s, same=s >= decisions.threshold) for a, b, s in links[:_SHOWN]],
            why=_why(rows, links, weakest, changed=name in entities.changed),
            golden=self._golden(rows, name),
            weakest=weakest,
            history=self.editor.events(name, 50),
        )

    def check(self, name: str, left: int, right: int) -> None:
        """Raise where two records are not different ones of this entity."""
        rows = self.editor.entities.members.get(name)
        if rows is None:
            raise UnknownName("entity", name, ())
        if left == right or left not in rows or right not in rows:
            raise InputError(f"{left} and {right} are not two records of {name}")

    def _lines(self) -> list[ClusterLine]:
        entities = self.editor.entities
        with self._lock:
            if self._listed is None or self._listed[0] != id(entities):
                self._listed = id(entities), self._made(entities)
            return list(self._listed[1])

    def _made(self, entities: Entities) -> list[ClusterLine]:
        view = self.room.tables.get(RECORDS)
        title = next((c for c in view.columns if view.kinds[c] == "name"), view.telling[0] if view.columns else None)
        titles = view.data[title].to_pylist() if title else [None] * len(view)
        sources = view.sources.to_pylist() if view.sources is not None else [None] * len(view)
        weak, conflicts = _weakest_of_all(entities, self._decisions()), self._conflicts()
        return [
            ClusterLine(
                cluster=name,
                size=len(rows),
                sources=[s for s in dict.fromkeys(sources[row] for row in rows) if s is not None],
                title=str(next((titles[row] for row in rows if titles[row]), name))[:300],
                weakest=weak.get(name),
                conflicts=conflicts.get(name, 0),
                changed=name in entities.changed,
            )
            for name, rows in entities.members.items()
        ]

    def _decisions(self) -> Decisions:
        decisions = self.room.decided()[1]
        if decisions is None:
            raise WorkspaceError(f"{self.room.name} holds no decisions; run the integration again")
        return decisions

    def _conflicts(self) -> dict[str, int]:
        """How many attributes of each entity of the run had several values."""
        fused = self.room.tables.workspace.latest("fuse")
        if not isinstance(fused, Fused):
            return {}
        torn = fused.provenance.filter(pc.greater(fused.provenance["disagreeing"], 0))
        counts = pc.value_counts(pc.cast(torn["cluster_id"], pa.string()).combine_chunks())
        names, numbers = counts.field("values").to_pylist(), counts.field("counts").to_pylist()
        return dict(zip(map(str, names), numbers, strict=True))

    def _golden(self, rows: list[int], name: str) -> list[GoldenCell]:
        """The merged record, fused anew, so that it is right after a change, too."""
        records = self.room.tables.records
        if records is None:
            return []
        part = _some(records, rows)
        fused = fuse(part, Clusters(np.zeros(len(rows), np.int32), pa.array([name]), "", ""))
        values = {c: fused.table[c][0].as_py() for c in fused.table.column_names}
        cells = []
        for line in fused.provenance.to_pylist():
            cells.append(
                GoldenCell(
                    column=str(line["column"]),
                    value=_text(values.get(str(line["column"]))),
                    rule=str(line["rule"]),
                    source=_text(line["source"]),
                    row_id=_text(line["row_id"]),
                    agreeing=int(line["agreeing"] or 0),
                    disagreeing=int(line["disagreeing"] or 0),
                    others=[o for o in str(line["others"] or "").split(" | ") if o],
                )
            )
        return cells


def _some(records: Records, rows: list[int]) -> Records:
    at = pa.array(rows)
    return Records(
        records.sources,
        records.source[np.array(rows)],
        records.ids.take(at),
        records.attributes,
        records.original.take(at),
        records.text.take(at),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _links(decisions: Decisions, rows: list[int]) -> list[tuple[int, int, float]]:
    pairs, some = decisions.candidates, np.array(rows)
    inside = np.flatnonzero(np.isin(pairs.left, some) & np.isin(pairs.right, some))
    found = zip(
        pairs.left[inside].tolist(), pairs.right[inside].tolist(), decisions.score[inside].tolist(), strict=True
    )
    return sorted(found, key=lambda link: -link[2])


def _weakest(rows: list[int], links: list[tuple[int, int, float]]) -> Weakest | None:
    """The weakest link of the strongest chain that holds the records together, and the parts without it."""
    parent = {row: row for row in rows}

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    chain = []
    for a, b, score in links:
        if root(a) != root(b):
            parent[root(a)] = root(b)
            chain.append((a, b, score))
    if len(rows) < 2 or len(chain) < len(rows) - 1:
        return None
    left, right, score = chain[-1]
    near, grown = {left}, True
    while grown:
        more = {y for a, b, _ in chain[:-1] for x, y in ((a, b), (b, a)) if x in near} - near
        near |= more
        grown = bool(more)
    parts = [sorted(near), [row for row in rows if row not in near]]
    return Weakest(left=left, right=right, score=score, parts=parts)


def _weakest_of_all(entities: Entities, decisions: Decisions) -> dict[str, float]:
    """The score of the weakest link of each entity of several records, by a forest over all pairs inside."""
    number = {name: n for n, name in enumerate(entities.members)}
    of = np.array([number[name] for name in entities.of], np.int64)
    pairs = decisions.candidates
    inside = np.flatnonzero(of[pairs.left] == of[pairs.right])
    order = inside[np.argsort(-decisions.score[inside], kind="stable")]
    parent = np.arange(len(of))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = int(parent[row])
        return row

    found: dict[int, float] = {}
    for at in order.tolist():
        a, b = root(int(pairs.left[at])), root(int(pairs.right[at]))
        if a != b:
            parent[a] = b
            found[int(of[a])] = float(decisions.score[at])
    names = list(entities.members)
    return {names[n]: score for n, score in found.items()}


def _why(rows: list[int], links: list[tuple[int, int, float]], weakest: Weakest | None, *, changed: bool) -> str:
    by_hand = "; a person changed it" if changed else ""
    if len(rows) == 1:
        return f"one record, like no other{by_hand}"
    possible = len(rows) * (len(rows) - 1) // 2
    if weakest is None:
        return f"{len(rows):,} records that pairs alone do not hold together{by_hand}"
    mean = sum(s for *_, s in links) / len(links)
    return (
        f"{len(rows):,} records, {len(links):,} of {possible:,} pairs compared, {percent(mean, 0)} alike in the mean; "
        f"the weakest link that it needs is {percent(weakest.score, 0)}{by_hand}"
    )
