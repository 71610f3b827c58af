"""Background work on tables: the full-text index, the vectors that similar rows are found by, and maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dovetail.serve.maps import points_file
from dovetail.serve.nearest import AT_ONCE, Nearest
from dovetail.serve.rows import RowIndex
from dovetail.tables.atomic import replace_file
from dovetail.tasks.embed_project import map_of
from dovetail.types import Progress

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.serve.tables import View
    from dovetail.serve.worker import Work, Working

_DRAWN_FROM = 20_000  # rows that settle what a map shows


def index(work: Work) -> Working:
    """Make the full-text index and the vectors of a table."""
    work.weights = {"columns": 0.1, "words": 0.5, "vectors": 0.4}
    view = work.tables.get(str(work.spec["table"]))
    rows = RowIndex(view, work.home)
    yield Progress("columns", 0, 1, "columns to sort and filter by")
    rows.build_columns()
    yield from rows.build_words()
    yield from Nearest(view, work.home).build()
    return {"table": view.name, "rows": len(view)}


def draw(work: Work) -> Working:
    """Place every row of a table on a map."""
    work.weights = {"vectors": 0.6, "draw": 0.1, "place": 0.3}
    view, method = work.tables.get(str(work.spec["table"])), str(work.spec["method"])
    near = Nearest(view, work.home)
    yield from near.build()
    rows = np.arange(0, len(view), max(1, len(view) // _DRAWN_FROM))
    yield Progress("draw", 0, 1, f"{len(rows):,} of {len(view):,} rows settle what the map shows")
    labels = _labels(work, view)[rows] if method == "classes" else None
    placed = map_of(near.vectors(rows), labels, method=method)
    parts = []
    for at in range(0, len(view), AT_ONCE):
        yield Progress("place", at, len(view), f"{at:,} of {len(view):,} rows")
        parts.append(placed(near.vectors(np.arange(at, min(at + AT_ONCE, len(view))))))
    points = _scaled(np.concatenate(parts))
    with replace_file(points_file(work.home, view, method)) as beside, beside.open("wb") as file:
        np.save(file, points, allow_pickle=False)
    return {"table": view.name, "method": method, "rows": len(view)}


def _scaled(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    middle = (points.max(axis=0) + points.min(axis=0)) / 2
    half = np.maximum((points.max(axis=0) - points.min(axis=0)) / 2, 1e-12)
    return np.asarray((points - middle) / half, np.float32)


def _labels(work: Work, view: View) -> npt.NDArray[np.int64]:
    """The class of each row that people settled on, as a number; -1 for none."""
    from dovetail.labels.agree import settled
    from dovetail.labels.store import Wanted

    names: dict[str, int] = {}
    found = np.full(len(view), -1, np.int64)
    for label in settled(work.labels.current(Wanted(shape="class", task=view.name))):
        row, value = view.place(label.rows[0].id, label.rows[0].source), label.value
        if row is not None and isinstance(value, tuple) and value:
            found[row] = names.setdefault(value[0], len(names))
    return found
