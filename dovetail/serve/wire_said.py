"""What travels about labels at large: what programs send, the history, and how far people agree."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue

from dovetail.serve.wire import Asked, Given, Key, Name, Span, Text, Words
from dovetail.serve.wire_data import Rec
from dovetail.serve.wire_label import Kind, Thought


class LabelRow(Asked):
    """A row by its id."""

    id: Annotated[str, Field(min_length=1, max_length=2_000)]
    source: Annotated[str, Field(max_length=200)] | None = None


class LabelGiven(Asked):
    """A label of any shape, as programs send them."""

    key: Key | None = None
    shape: Kind
    rows: Annotated[list[LabelRow], Field(min_length=1, max_length=1_000)]
    value: Text | float | Annotated[list[Text], Field(max_length=1_000)]
    query: Words = ""
    task: Annotated[str, Field(max_length=200)] = ""


class LabelsGiven(Asked):
    """Labels, kept all or none."""

    labels: Annotated[list[LabelGiven], Field(min_length=1, max_length=1_000)]


class TakenKey(Given):
    """One kept label."""

    event: int
    key: str


class LabelsTaken(Given):
    """Kept labels, in the order given. `notes`: what is odd about them, such as rows that no table has."""

    taken: list[TakenKey]
    notes: list[str]


class EventRow(Given):
    """A row by its id."""

    id: str
    source: str | None


class LabelEvent(Given):
    """A line of the label store."""

    event: int
    at: str
    person: str
    session: str
    shape: str
    rows: list[EventRow]
    value: JsonValue
    query: str
    task: str
    gold: bool
    undoes: int | None
    suggestion: Thought | None


class LabelsAsked(Asked):
    """Which labels."""

    shape: Kind | None = None
    person: Name | None = None
    session: Name | None = None
    offset: int = Field(0, ge=0, le=1_000_000_000)
    limit: int = Field(100, ge=1, le=1_000)


class LabelPage(Given):
    """Lines of the label store, the latest first."""

    events: list[LabelEvent]
    total: int


class KappaLine(Given):
    """Agreement of two people."""

    people: list[str]
    kappa: Span
    subjects: int


class AgreementLine(Given):
    """Agreement in one shape and task."""

    shape: str
    task: str
    alpha: Span
    subjects: int
    kappa: list[KappaLine]


class ConflictLine(Given):
    """A subject that people label differently and nobody settled. `records` are the rows that it is about."""

    shape: str
    task: str
    rows: list[EventRow]
    query: str
    said: dict[str, JsonValue]
    choices: list[JsonValue]
    records: list[Rec]


class Unsettled(Asked):
    """A settling to be taken back, by its event."""

    event: Annotated[int, Field(ge=1, le=2**53)]
    key: Key


class GoldLine(Given):
    """A person on the gold questions."""

    person: str
    right: int
    asked: int


class NameCount(Given):
    """A class, and how often it was said."""

    name: str
    labels: int


class AlikeNames(Given):
    """Names of classes that differ only in spelling, the most frequent first."""

    task: str
    names: list[NameCount]
    sentence: str


class Renamed(Asked):
    """The names of classes of one table to be replaced by another."""

    task: Annotated[str, Field(max_length=200)] = ""
    old: Annotated[list[Annotated[str, Field(min_length=1, max_length=20_000)]], Field(min_length=1, max_length=100)]
    new: Annotated[str, Field(min_length=1, max_length=200)]


class RenamedLabels(Given):
    """How many labels have another name now."""

    labels: int


class LabelSummary(Given):
    """The labels at a glance. `notes`: what is odd about them, such as rows that no table has."""

    counts: dict[str, int]
    people: int
    agreement: list[AgreementLine]
    conflicts: list[ConflictLine]
    unsettled: int
    gold: list[GoldLine]
    notes: list[str]
    alike: list[AlikeNames]
