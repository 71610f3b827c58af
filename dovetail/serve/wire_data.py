"""What travels about tables, clusters and the map."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from dovetail.serve.wire import Asked, Given, Job, Key, Name, RowNumber, Words


class ColumnInfo(Given):
    """A column and what its values are."""

    name: str
    kind: str


class TableInfo(Given):
    """A table that can be looked at."""

    table: str
    rows: int
    columns: list[ColumnInfo]
    origin: Literal["records", "source", "merged", "added"]
    indexed: bool


class Condition(Asked):
    """What the values of a column must be."""

    column: Name
    op: Literal["eq", "ne", "contains", "starts", "lt", "le", "gt", "ge", "empty", "filled", "in"]
    value: Words | float | bool | Annotated[list[Words | float | None], Field(max_length=1000)] | None = None


class RowsAsked(Asked):
    """A page of a table. `filter` is a JSON list of conditions; `sort` a column, with `-` in front to descend."""

    offset: int = Field(0, ge=0, le=1_000_000_000)
    limit: int = Field(50, ge=1, le=200)
    sort: Words | None = None
    q: Words | None = None
    like: RowNumber | None = None
    filter: Annotated[str, Field(max_length=20_000)] | None = None


class FacetsAsked(Asked):
    """The most frequent values of a column among the rows that fit."""

    column: Name
    q: Words | None = None
    filter: Annotated[str, Field(max_length=20_000)] | None = None
    limit: int = Field(20, ge=1, le=200)


class RowLine(Given):
    """One row of a page."""

    row: int
    id: str
    values: list[str | None]
    score: float | None = None


class RowsPage(Given):
    """Rows, and how many there are in all."""

    table: str
    columns: list[str]
    rows: list[RowLine]
    offset: int
    total: int
    exact: bool
    milliseconds: float


class Rec(Given):
    """A record with its values."""

    table: str
    row: int
    id: str
    source: str | None
    columns: list[str]
    values: list[str | None]


class RowLabel(Given):
    """What somebody said of a row."""

    shape: str
    value: JsonValue
    person: str
    at: str


class RowDetail(Rec):
    """A record and all that was said of it."""

    labels: list[RowLabel]


class Count(Given):
    """A value and how often it stands."""

    value: str | None
    count: int


class Bar(Given):
    """A bar of a histogram."""

    low: float
    high: float
    count: int


class ColumnProfile(Given):
    """What a column holds."""

    column: str
    kind: str
    rows: int
    filled: int
    distinct: int
    shortest: int | None
    longest: int | None
    min: float | None
    max: float | None
    mean: float | None
    histogram: list[Bar]
    top: list[Count]
    notes: list[str]


class Facets(Given):
    """The most frequent values, and how many rows have others."""

    column: str
    values: list[Count]
    others: int


class ClustersAsked(Asked):
    """A page of entities."""

    offset: int = Field(0, ge=0, le=1_000_000_000)
    limit: int = Field(50, ge=1, le=200)
    order: Literal["weakest", "largest", "conflicts", "name"] = "weakest"
    q: Words | None = None
    least: int = Field(2, ge=1, le=1_000_000)


class ClusterLine(Given):
    """An entity in a list."""

    cluster: str
    size: int
    sources: list[str]
    title: str
    weakest: float | None
    conflicts: int
    changed: bool


class ClusterPage(Given):
    """Entities, and how many there are in all."""

    clusters: list[ClusterLine]
    total: int


class LinkLine(Given):
    """A scored pair inside an entity; record numbers."""

    left: int
    right: int
    score: float
    same: bool


class GoldenCell(Given):
    """A value of the merged record and where it came from."""

    column: str
    value: str | None
    rule: str
    source: str | None
    row_id: str | None
    agreeing: int
    disagreeing: int
    others: list[str]


class Weakest(Given):
    """The weakest link, and what it joins."""

    left: int
    right: int
    score: float
    parts: list[list[int]]


class ClusterEvent(Given):
    """A split, a merge, or the undoing of one."""

    event: int
    at: str
    person: str
    kind: Literal["split", "merge", "undo"]
    clusters: list[str]
    records: list[int]
    undone: bool


class ClusterEvents(Given):
    """Changes, the latest first."""

    events: list[ClusterEvent]


class ClusterDetail(Given):
    """An entity with its records, why they are together, and its merged record."""

    cluster: str
    size: int
    records: list[Rec]
    links: list[LinkLine]
    why: str
    golden: list[GoldenCell]
    weakest: Weakest | None
    history: list[ClusterEvent]


class Split(Asked):
    """Records that leave an entity, together."""

    key: Key
    cluster: Name
    records: Annotated[list[RowNumber], Field(min_length=1, max_length=10_000)]


class Merge(Asked):
    """Entities that are one."""

    key: Key
    clusters: Annotated[list[Name], Field(min_length=2, max_length=100)]


class ClusterUndo(Asked):
    """A change to take back; the last one where none is named."""

    key: Key
    event: Annotated[int, Field(ge=1, le=2**53)] | None = None


class Change(Given):
    """What a change of entities did."""

    event: int
    kind: Literal["split", "merge", "undo"]
    clusters: list[str]
    removed: list[str]
    sentence: str


class Colour(Given):
    """Something that points can be coloured by."""

    name: str
    kind: Literal["category", "number"]
    values: list[str] = Field(default_factory=list)
    low: float | None = None
    high: float | None = None


class MapInfo(Given):
    """A map and whether it is drawn yet."""

    table: str
    count: int
    ready: bool
    method: str
    job: Job | None
    colours: list[Colour]


class Lasso(Asked):
    """A line around some points, in the coordinates of the map."""

    table: Name
    method: Literal["pca", "classes", "umap"] = "pca"
    polygon: Annotated[list[tuple[float, float]], Field(min_length=3, max_length=2_000)]


class Caught(Given):
    """The rows inside a line."""

    rows: list[int]
    total: int
    sample: list[Rec]
    by: dict[str, dict[str, int]]


class MapLabel(Asked):
    """One class for many rows."""

    key: Key
    table: Name
    rows: Annotated[list[RowNumber], Field(min_length=1, max_length=10_000)]
    value: Annotated[list[Name], Field(max_length=50)]


class Said(Given):
    """How many labels were kept."""

    labels: int
    events: list[int]


Anything = dict[str, Any]
