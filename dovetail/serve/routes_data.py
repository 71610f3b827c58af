"""Routes: the tables, row by row and column by column."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from dovetail.serve import home as glance
from dovetail.serve.asked import Bench
from dovetail.serve.columns import column_profile
from dovetail.serve.wire import MOST_ROWS, Name
from dovetail.serve.wire_data import (
    ColumnProfile,
    Facets,
    FacetsAsked,
    RowDetail,
    RowLabel,
    RowsAsked,
    RowsPage,
    TableInfo,
)

router = APIRouter()
RowPath = Annotated[int, Path(ge=0, le=MOST_ROWS)]


@router.get("/tables")
def tables(bench: Bench) -> list[TableInfo]:
    """All tables."""
    return glance.tables(bench)


@router.get("/tables/{table}/rows")
def rows(table: Name, asked: Annotated[RowsAsked, Query()], bench: Bench) -> RowsPage:
    """A page of a table: sorted, filtered, searched, or by likeness to one row."""
    view = bench.tables.get(table)
    if asked.like is not None:
        return bench.alike(view, asked)
    return bench.indexes.of(view).page(asked)


@router.get("/tables/{table}/rows/{row}")
def row(table: Name, row: RowPath, bench: Bench) -> RowDetail:
    """A row and what was said of it."""
    view = bench.tables.get(table)
    found = view.rec(row)
    return RowDetail(**found.model_dump(), labels=[RowLabel(**one) for one in bench.labels_of(view, row)])


@router.get("/tables/{table}/profile")
def profile(table: Name, column: Name, bench: Bench) -> ColumnProfile:
    """What a column holds."""
    return column_profile(bench.tables.get(table), column)


@router.get("/tables/{table}/facets")
def facets(table: Name, asked: Annotated[FacetsAsked, Query()], bench: Bench) -> Facets:
    """The most frequent values of a column."""
    return bench.indexes.of(bench.tables.get(table)).facets(asked)
