"""All rows of a table in two dimensions, what they can be coloured by, and which of them lie inside a line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.errors import InputError, UnknownName, WorkspaceError
from dovetail.serve.tables import RECORDS, View
from dovetail.serve.trained import classes_of
from dovetail.serve.wire_data import Caught, Colour, Lasso, MapInfo

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.serve.entities import Editor
    from dovetail.serve.room import Room

FORMAT = 1
METHODS = ("pca", "classes", "umap")
_MOST_COLOURS = 40  # distinct values of a column that is worth a colour each
_CAUGHT, _SAMPLE = 50_000, 20
NONE = 65_535  # no colour


def points_file(home: Path, view: View, method: str) -> Path:
    """Where the points of a map are kept."""
    return home / "maps" / f"{FORMAT}-{method}-{view.version}-{view.first}.npy"


class Maps:
    """The maps of a workspace."""

    def __init__(self, room: Room, editor: Editor) -> None:
        self.room, self.editor = room, editor

    def info(self, table: str, method: str, person: str | None) -> MapInfo:
        """Whether the map is drawn; somebody who may write has it drawn by asking."""
        view = self.room.tables.get(table)
        _check_method(method)
        ready = points_file(self.room.home, view, method).is_file()
        job = None
        if not ready and person is not None:
            job = self.room.jobs.add("map", {"table": view.name, "method": method}, person, same="active")
        return MapInfo(
            table=view.name, count=len(view), ready=ready, method=method, job=job, colours=self.colours(view)
        )

    def points(self, table: str, method: str) -> npt.NDArray[np.float32]:
        """(n, 2) in [-1, 1]."""
        view = self.room.tables.get(table)
        _check_method(method)
        path = points_file(self.room.home, view, method)
        if not path.is_file():
            raise WorkspaceError(f"the map of {view.name} is not drawn yet; ask for /api/map with a token, and wait")
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))

    def colours(self, view: View) -> list[Colour]:
        """What points can be coloured by."""
        found = []
        for name in self._names(view):
            values, codes = self._coded(view, name)
            if values is not None:
                found.append(Colour(name=name, kind="category", values=values))
            elif np.isfinite(codes).any():
                low, high = float(np.nanmin(codes)), float(np.nanmax(codes))
                found.append(Colour(name=name, kind="number", low=low, high=high))
        return found

    def colour(self, table: str, name: str) -> npt.NDArray[Any]:
        """(n,) codes as uint16 (65535 for none), or numbers as float32 (NaN for none)."""
        view = self.room.tables.get(table)
        if name not in self._names(view):
            raise UnknownName("colour", name, self._names(view), view.name)
        return self._coded(view, name)[1]

    def inside(self, asked: Lasso) -> Caught:
        """The rows inside a line, a sample of them, and how they spread over sources and labels."""
        view, line = self.room.tables.get(asked.table), np.asarray(asked.polygon, np.float64)
        if not np.isfinite(line).all():
            raise InputError("the line holds a point that is no number")
        rows = np.flatnonzero(_within(np.asarray(self.points(asked.table, asked.method), np.float64), line))
        step = max(1, len(rows) // _SAMPLE)
        by = {}
        for name in self._names(view):
            values, codes = self._coded(view, name)
            if values is not None:
                counts = Counter(codes[rows].tolist())
                by[name] = {values[c]: n for c, n in counts.most_common(20) if c != NONE}
        return Caught(
            rows=rows[:_CAUGHT].tolist(),
            total=len(rows),
            sample=[view.rec(int(row)) for row in rows[::step][:_SAMPLE]],
            by=by,
        )

    def _names(self, view: View) -> list[str]:
        own = [c for c in view.columns if view.kinds[c] == "category"]
        made = ["label"]
        if classes_of(self.room.state, self.room.home, view) is not None:
            made += ["prediction", "confidence"]
        if view.name == RECORDS and self.room.decided()[0] is not None:
            made += ["cluster size", "matched", "match confidence"]
        return [*own, *(name for name in made if name not in own)]

    def _coded(self, view: View, name: str) -> tuple[list[str] | None, npt.NDArray[Any]]:
        if name in view.columns:
            return _categories(view.data[name])
        if name == "label":
            return self._labels(view)
        if name in ("prediction", "confidence"):
            return self._predicted(view, name)
        return self._entity(view, name)

    def _labels(self, view: View) -> tuple[list[str] | None, npt.NDArray[Any]]:
        values: list[str | None] = [None] * len(view)
        ledger = self.room.ledger
        for event in [*ledger.all_ruled("class", view.name), *ledger.current("class", view.name)]:
            row = view.place(event.label.rows[0].id, event.label.rows[0].source)
            if row is not None and isinstance(event.label.value, tuple) and event.label.value:
                values[row] = event.label.value[0]
        return _categories(pa.array(values, pa.string()))

    def _predicted(self, view: View, name: str) -> tuple[list[str] | None, npt.NDArray[Any]]:
        found = classes_of(self.room.state, self.room.home, view)
        assert found is not None
        if name == "confidence":
            sure = np.full(len(view), np.nan, np.float32)
            sure[found.rows] = found.probability.max(axis=1)
            return None, sure
        codes = np.full(len(view), NONE, np.uint16)
        codes[found.rows] = found.probability.argmax(axis=1)
        return list(found.classes), codes

    def _entity(self, view: View, name: str) -> tuple[list[str] | None, npt.NDArray[Any]]:
        entities, decisions = self.editor.entities, self.room.decided()[1]
        sizes = np.array([len(entities.members[e]) for e in entities.of], np.float32)
        if name == "cluster size":
            return None, sizes
        if name == "matched":
            return ["alone", "matched"], (sizes > 1).astype(np.uint16)
        sure = np.ones(len(view), np.float32)
        if decisions is not None:
            doubt = (1 - 2 * np.abs(decisions.score - 0.5)).astype(np.float32)
            for ends in (decisions.candidates.left, decisions.candidates.right):
                np.minimum.at(sure, ends, 1 - doubt)
        return None, sure


def _check_method(method: str) -> None:
    if method not in METHODS:
        raise UnknownName("map", method, METHODS)


def _categories(column: Any) -> tuple[list[str], npt.NDArray[np.uint16]]:
    """The most frequent values, and the number of each row's; rare ones have none."""
    cells = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    counts = pc.value_counts(cells.drop_null())
    order = np.argsort(-counts.field("counts").to_numpy(zero_copy_only=False), kind="stable")[:_MOST_COLOURS]
    values = counts.field("values").take(pa.array(order))
    codes = pc.fill_null(pc.index_in(cells, values), NONE)
    return [str(v)[:200] for v in values.to_pylist()], np.asarray(codes.to_numpy(zero_copy_only=False), np.uint16)


def _within(points: npt.NDArray[np.float64], line: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which points (n, 2) lie inside a closed line (k, 2), by counting how often a ray crosses it."""
    low, high = line.min(axis=0), line.max(axis=0)
    near = np.flatnonzero(((points >= low) & (points <= high)).all(axis=1))
    x, y = points[near].T
    odd = np.zeros(len(near), bool)
    for (ax, ay), (bx, by) in zip(line, np.roll(line, -1, axis=0), strict=True):
        if ay == by:
            continue
        crosses = (y < ay) != (y < by)
        odd ^= crosses & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    found = np.zeros(len(points), bool)
    found[near] = odd
    return found
