"""Background work on tables: the full-text index and the vectors that similar rows are found by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dovetail.serve.nearest import Nearest
from dovetail.serve.rows import RowIndex

if TYPE_CHECKING:
    from dovetail.serve.worker import Work, Working


def index(work: Work) -> Working:
    """Make the full-text index and the vectors of a table."""
    work.weights = {"words": 0.5, "vectors": 0.5}
    view = work.tables.get(str(work.spec["table"]))
    yield from RowIndex(view, work.home).build_words()
    yield from Nearest(view, work.home).build()
    return {"table": view.name, "rows": len(view)}
