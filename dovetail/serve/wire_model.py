"""What travels about models, the home page, and the verbs for programs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from dovetail.serve.wire import Asked, Given, Job, Line, Name, Span, Text
from dovetail.serve.wire_data import TableInfo
from dovetail.serve.wire_label import SessionInfo

TaskName = Literal["match", "classify", "search", "embed"]


class Quality(Span):
    """The figure of a model, named."""

    figure: str


class ModelInfo(Given):
    """A model as it is used now."""

    model: str
    task: str
    version: int
    made: str
    age_days: float
    labels: int
    quality: Quality | None
    versions: int
    summary: str


class VersionInfo(Given):
    """One version of a model."""

    version: int
    made: str
    labels: int
    quality: Quality | None
    figures: dict[str, Any]
    settings: dict[str, Any]
    summary: str
    current: bool
    there: bool = True  # whether one can go back to it


class ModelDetail(Given):
    """All versions of a model, the latest first."""

    model: str
    task: str
    current: int
    versions: list[VersionInfo]


class FitAsked(Asked):
    """What to train."""

    task: TaskName
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_\-]{0,59}$")] = "model"
    effort: Literal["quick", "normal", "best"] = "normal"
    minutes: float | None = Field(None, gt=0, le=1_440)
    table: Name | None = None
    text: Annotated[list[Name], Field(max_length=100)] = Field(default_factory=list)
    label: Name | None = None


class ForecastGiven(Given):
    """What a training will probably take."""

    minutes: float
    minutes_high: float
    memory_mb: int
    labels: int
    enough: bool
    why: str


class IntegrateAsked(Asked):
    """What to integrate: added tables (one is deduplicated); without any, the tables of the last run again."""

    tables: Annotated[list[Name], Field(max_length=20)] = Field(default_factory=list)


class RollbackAsked(Asked):
    """The version to use again; 0 is what there was before the first, where a model learns in the background."""

    version: int = Field(ge=0, le=1_000_000)


class Advice(Given):
    """What would help most now."""

    what: str
    sentence: str
    kind: str | None = None
    table: str | None = None


class LabelCounts(Given):
    """Labels so far."""

    pair: int = 0
    classes: int = Field(0, serialization_alias="class")
    group: int = 0
    judgement: int = 0
    people: int = 0


class ClusterCounts(Given):
    """Entities at a glance."""

    entities: int
    merged: int
    weak: int


class Home(Given):
    """The workspace at a glance."""

    workspace: str
    tables: list[TableInfo]
    labels: LabelCounts
    models: list[ModelInfo]
    clusters: ClusterCounts | None
    advice: list[Advice]
    sessions: list[SessionInfo]
    jobs: list[Job]


Values = Annotated[dict[Name, Text | None], Field(max_length=200)]


class TwoRecords(Asked):
    """Two records by their values."""

    left: Values
    right: Values


class MatchAsked(Asked):
    """Pairs to score."""

    pairs: Annotated[list[TwoRecords], Field(min_length=1, max_length=1_000)]
    model: Name | None = None
    explain: bool = False


class MatchScore(Given):
    """Whether two records are the same."""

    score: float
    match: bool
    lines: list[Line] | None = None


class MatchGiven(Given):
    """Scored pairs, in the order given."""

    model: str
    threshold: float
    pairs: list[MatchScore]


class ClassifyAsked(Asked):
    """Texts to classify."""

    texts: Annotated[list[Text], Field(min_length=1, max_length=1_000)]
    model: Name | None = None


class ClassScore(Given):
    """The class of a text; none where the model is not sure enough."""

    label: str | list[str] | None
    score: float
    second: str | None


class ClassifyGiven(Given):
    """Classes, in the order given."""

    model: str
    texts: list[ClassScore]


class EmbedAsked(Asked):
    """Texts to place in a tuned space."""

    texts: Annotated[list[Text], Field(min_length=1, max_length=1_000)]
    model: Name | None = None


class EmbedGiven(Given):
    """Unit vectors, in the order given."""

    model: str
    vectors: list[list[float]]


class SearchAsked(Asked):
    """Queries to answer, from a model or a table."""

    queries: Annotated[list[Annotated[str, Field(min_length=1, max_length=2_000)]], Field(min_length=1, max_length=100)]
    k: int = Field(10, ge=1, le=100)
    start: int = Field(0, ge=0, le=1_000)
    where: list[Annotated[str, Field(min_length=1, max_length=500)]] = Field(default_factory=list, max_length=20)
    table: Name | None = None
    model: Name | None = None


class SearchHit(Given):
    """An answer. Of a searcher with the passage, the places in it of words of the query, and the parts of the score."""

    row: int | None
    id: str
    score: float
    text: str
    title: str = ""
    passage: str = ""
    marks: list[list[int]] = Field(default_factory=list)
    parts: dict[str, float] = Field(default_factory=dict)
    fields: dict[str, str] = Field(default_factory=dict)


class QueryHits(Given):
    """A query and its answers, best first."""

    query: str
    hits: list[SearchHit]


class SearchGiven(Given):
    """Answers, in the order of the queries."""

    queries: list[QueryHits]
