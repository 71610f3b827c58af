"""What travels about heuristics: rules as they are written, what they say of a table, and what they say joined."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from dovetail.labels.rules import LONGEST, MOST_WORDS, Rule
from dovetail.serve.wire import Asked, Given, Name, Span

Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]
RuleName = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*$")
]
Sure = Annotated[float, Field(ge=0.0, le=1.0)]


class RuleGiven(Asked):
    """A heuristic: a pattern (of RE2) or a list of words with a class, or names of classes with what each means."""

    name: RuleName
    table: Name
    gives: Annotated[str, StringConstraints(max_length=200)] = ""
    pattern: Annotated[str, StringConstraints(max_length=LONGEST)] = ""
    words: Annotated[list[Word], Field(max_length=MOST_WORDS)] = Field(default_factory=list)
    names: Annotated[dict[Word, Annotated[str, StringConstraints(max_length=LONGEST)]], Field(max_length=200)] = Field(
        default_factory=dict
    )
    column: Annotated[str, StringConstraints(max_length=200)] = ""
    sure: Sure = 0.6
    on: bool = True

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(map(bool, (self.pattern, self.words, self.names))) != 1:
            raise ValueError("a heuristic has one of pattern, words, names")
        return self

    def rule(self) -> Rule:
        """As it is kept."""
        given = self.model_dump() | {"words": tuple(self.words)}
        return Rule(**given)


class RuleTried(Asked):
    """A heuristic to be tried; another `turn` shows other rows."""

    rule: RuleGiven
    turn: Annotated[int, Field(ge=0, le=10_000)] = 0


class RuleNamed(Asked):
    """One heuristic by its table and name."""

    table: Name
    name: RuleName


class RulesAsked(Asked):
    """The heuristics of a table, and how sure the joined ones must be to say anything."""

    table: Name
    sure: Sure = 0.6


class RulesOf(Asked):
    """A table whose heuristics are meant."""

    table: Name


class RuleLine(Given):
    """One heuristic and how it does. Shares are of the rows asked about; `trust` is what the joining believes."""

    name: str
    kind: Literal["pattern", "words", "names", "function"]
    gives: str
    pattern: str
    words: list[str]
    names: dict[str, str]
    column: str
    sure: float
    on: bool
    rows: int
    coverage: float
    overlap: float
    conflict: float
    trust: float | None
    right: int
    checked: int
    accuracy: Span
    fault: str | None  # why it could not be asked


class RuleCount(Given):
    """How many rows get a class."""

    value: str
    rows: int


class RulesJoined(Given):
    """What all that are on say together. `accuracy` is over hand labels that did not help to judge themselves."""

    sure: float
    coverage: float
    rows: int
    labels: list[RuleCount]
    kept: int  # rows with a vote that a person labelled; those stay as they are
    right: int
    checked: int
    accuracy: Span


class RulesPage(Given):
    """The heuristics of a table, each by itself and joined."""

    table: str
    total: int
    asked: int  # rows that heuristics are asked about
    columns: list[str]
    classes: list[str]
    hand: int  # rows that people gave a class
    rules: list[RuleLine]
    joined: RulesJoined | None
    notice: str | None
    applied: list[RuleCount]  # labels of heuristics that count now


class RulePiece(Given):
    """A piece of a text; those that were found are marked."""

    text: str
    marked: bool


class RuleVote(Given):
    """What another heuristic says."""

    name: str
    value: str


class RuleExample(Given):
    """A row that a heuristic caught, with what others say of it."""

    row: int
    id: str
    source: str | None
    pieces: list[RulePiece]
    value: str
    hand: str | None
    others: list[RuleVote]


class RuleLooked(Given):
    """How a heuristic would do, and rows to look at."""

    line: RuleLine
    asked: int
    caught: list[RuleExample]
    against_hand: list[RuleExample]
    against_others: list[RuleExample]
    notice: str | None  # which columns hold the answers, and are not read


class RulesSaid(Given):
    """What joining, or taking it back, did: labels that are new or changed, labels that were taken back."""

    new: int
    taken: int
    labels: list[RuleCount]
