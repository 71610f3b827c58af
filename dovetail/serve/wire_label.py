"""What travels about labelling: sessions, items, answers and progress."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dovetail.serve.wire import Asked, Given, Key, Name, RowNumber, Span, Words
from dovetail.serve.wire_data import Rec

Kind = Literal["pair", "group", "class", "judgement"]


class NewSession(Asked):
    """A session to begin."""

    kind: Kind
    table: Name | None = None
    name: Name | None = None
    strategy: Literal["both", "uncertain", "diverse", "spread", "likely", "rare", "random", "around"] = "both"
    blind: bool = False
    classes: Annotated[list[Name], Field(max_length=500)] = Field(default_factory=list)
    several: bool = False
    rows: Annotated[list[RowNumber], Field(min_length=1, max_length=50_000)] | None = None
    query: Words | None = None
    text: Annotated[list[Name], Field(min_length=1, max_length=100)] | None = None


class SessionChange(Asked):
    """What of a session to change."""

    name: Name | None = None
    blind: bool | None = None
    open: bool | None = None


class SessionInfo(Given):
    """A session."""

    session: str
    kind: Kind
    table: str
    name: str
    strategy: str
    blind: bool
    classes: list[str]
    several: bool
    made_by: str
    made_at: str
    answers: int
    open: bool


class Part(Given):
    """A piece of a value, and whether the other side has it, too."""

    text: str
    same: bool


class Field2(Given):
    """One attribute of two records, side by side."""

    name: str
    kind: str
    left: str | None
    right: str | None
    left_parts: list[Part]
    right_parts: list[Part]
    similarity: float | None = None


class Thought(Given):
    """What the model thinks."""

    value: str
    score: float | None


class PairItem(Given):
    """Are these two the same?"""

    kind: Literal["pair"] = "pair"
    item: str
    left: Rec
    right: Rec
    fields: list[Field2]
    suggestion: Thought | None
    why: str


class Neighbour(Given):
    """A record near the one in question; `same` is what the space suggests."""

    record: Rec
    similarity: float
    same: bool | None
    labelled: str | None


class GroupItem(Given):
    """Which of these belong with it?"""

    kind: Literal["group"] = "group"
    item: str
    focus: Rec
    neighbours: list[Neighbour]
    purity: float | None
    names: list[str] = Field(default_factory=list)  # of groups so far
    name: str = ""  # what this one is probably called


class ClassItem(Given):
    """What is it?"""

    kind: Literal["class"] = "class"
    item: str
    record: Rec
    suggestions: list[Thought]
    classes: list[str]
    several: bool
    why: str


class HitLine(Given):
    """An answer to a query, to be graded."""

    record: Rec
    score: float
    grade: float | None


class JudgementItem(Given):
    """How good are these answers?"""

    kind: Literal["judgement"] = "judgement"
    item: str
    query: str
    hits: list[HitLine]
    grades: list[int]


Item = Annotated[PairItem | GroupItem | ClassItem | JudgementItem, Field(discriminator="kind")]


class AgreementNow(Given):
    """How far people agree."""

    alpha: float | None
    low: float | None
    high: float | None
    subjects: int
    sentence: str


class Gain(Span):
    """What the next labels will probably bring."""

    ahead: int
    for_a_point: int | None
    stop: bool
    advice: str


class Training(Given):
    """A training in the background."""

    job: str
    state: str
    share: float
    step: str
    seconds_left: float | None


class Effect(Given):
    """What the last training brought."""

    version: int
    at: str
    figure: str
    before: float | None
    after: float | None
    labels: int
    sentence: str


class CurvePoint(Span):
    """Quality with so many labels."""

    labels: int


class SessionProgress(Given):
    """How a session stands."""

    session: str
    answers: int
    by_value: dict[str, int]
    by_person: dict[str, int]
    left: int | None
    until_retrain: int
    version: int
    agreement: AgreementNow | None
    gain: Gain | None
    training: Training | None
    effect: Effect | None
    curve: list[CurvePoint]
    purity: float | None


class NextAsked(Asked):
    """What to show next."""

    count: int = Field(1, ge=1, le=10)
    row: RowNumber | None = None
    query: Words | None = None


class NextItems(Given):
    """Questions, the first to be shown now; none are left where the list is empty."""

    items: list[Item]
    left: int | None
    progress: SessionProgress
    notice: str | None


class GroupValue(Asked):
    """Row numbers that belong with the record in question, and those that do not; a name makes the group a class."""

    same: Annotated[list[RowNumber], Field(max_length=1_000)] = Field(default_factory=list)
    other: Annotated[list[RowNumber], Field(max_length=1_000)] = Field(default_factory=list)
    name: Annotated[str, Field(max_length=200)] = ""


class Grade(Asked):
    """A grade of an answer: 0 for irrelevant."""

    row: RowNumber
    grade: float = Field(ge=0, le=100)


class JudgementValue(Asked):
    """Grades of the answers to a query."""

    query: Words
    grades: Annotated[list[Grade], Field(min_length=1, max_length=200)]


class AnswerGiven(Asked):
    """An answer. `key` is the sender's own: the same one sent again is kept once."""

    key: Key
    item: Key
    value: Literal["match", "not", "unsure"] | Annotated[list[Name], Field(max_length=50)] | GroupValue | JudgementValue
    seconds: float | None = Field(None, ge=0, le=1e6)


class Taken(Given):
    """An answer that is on disk."""

    event: int
    key: str
    item: str
    counted: bool
    again: bool
    progress: SessionProgress


class UndoAsked(Asked):
    """Take back one's last answer in a session."""

    key: Key


class Undone(Given):
    """What was taken back, to be shown again."""

    event: int | None
    item: Item | None
    progress: SessionProgress
