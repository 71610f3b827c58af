"""What a column holds, for the page: how full, how distinct, how long, how spread, and what looks wrong."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.errors import UnknownName
from dovetail.serve.wire_data import Bar, ColumnProfile, Count
from dovetail.tables.numbers import as_numbers
from dovetail.tables.profile import profile
from dovetail.types import Table

if TYPE_CHECKING:
    from dovetail.serve.tables import View

_TOP, _BARS, _SAMPLE = 20, 20, 100_000


def column_profile(view: View, column: str) -> ColumnProfile:
    """The profile of one column; notes are drawn from at most 100,000 rows of a larger table."""
    if column not in view.columns:
        raise UnknownName("column", column, view.columns, view.name)
    return _profile(view, column)


@lru_cache(maxsize=256)
def _made(key: tuple[str, str, str], view: _Same, column: str) -> ColumnProfile:
    del key
    return _of(view.view, column)


class _Same:
    """A view that counts as equal to all others, so that the cache goes by name and version."""

    def __init__(self, view: View) -> None:
        self.view = view

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same)

    def __hash__(self) -> int:
        return 0


def _profile(view: View, column: str) -> ColumnProfile:
    return _made((view.name, view.version, column), _Same(view), column)


def _of(view: View, column: str) -> ColumnProfile:
    cells = view.data[column]
    filled = cells.filter(pc.fill_null(pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(cells)), 0), False))
    counts = pc.value_counts(filled.combine_chunks() if isinstance(filled, pa.ChunkedArray) else filled)
    number = counts.field("counts").to_numpy(zero_copy_only=False)
    top = np.argsort(-number, kind="stable")[:_TOP]
    values = counts.field("values").take(pa.array(top)).to_pylist()
    lengths = pc.min_max(pc.utf8_length(filled)).as_py() if len(filled) else {"min": None, "max": None}
    spread = _spread(view, column)
    return ColumnProfile(
        column=column,
        kind=view.kinds[column],
        rows=len(view),
        filled=len(filled),
        distinct=len(number),
        shortest=lengths["min"],
        longest=lengths["max"],
        top=[Count(value=str(v)[:500], count=int(number[n])) for v, n in zip(values, top, strict=True)],
        notes=_notes(view, column),
        **spread,
    )


def _spread(view: View, column: str) -> dict[str, Any]:
    nothing: dict[str, Any] = {"min": None, "max": None, "mean": None, "histogram": []}
    if view.kinds[column] not in ("number", "quantity", "money"):
        return nothing
    found = as_numbers(view.data[column])
    found = found[np.isfinite(found)]
    if not len(found):
        return nothing
    heights, edges = np.histogram(found, bins=min(_BARS, max(1, len(np.unique(found)))))
    bars = [
        Bar(low=float(a), high=float(b), count=int(n)) for a, b, n in zip(edges[:-1], edges[1:], heights, strict=True)
    ]
    return {"min": float(found.min()), "max": float(found.max()), "mean": float(found.mean()), "histogram": bars}


def _notes(view: View, column: str) -> list[str]:
    step = max(1, len(view) // _SAMPLE)
    rows = pa.array(np.arange(0, len(view), step))
    some = Table(view.name, view.data.select([column]).take(rows), view.ids.take(rows))
    return list(profile(some).columns[0].warnings)
