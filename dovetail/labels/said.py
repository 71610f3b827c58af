"""What a person can say: a label of one of four shapes, an answer that is to be kept, and the event that keeps it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from dovetail.errors import InputError, UnknownName

SHAPES = ("pair", "class", "group", "judgement")
PAIR_VALUES = ("match", "not", "unsure")
ALONE = ""  # the group of a row that belongs with none of those shown
HEURISTICS = "(heuristics)"  # stands for a person where labelling functions spoke; what people say always goes first

Value = str | float | tuple[str, ...]


class Row(NamedTuple):
    """A row by its id, and by the table that it stands in where one id stands in several."""

    id: str
    source: str | None = None


@dataclass(frozen=True)
class Label:
    """What is said of which rows. `task` names the question where a workspace asks several of one shape.

    | shape | rows | value |
    |---|---|---|
    | pair | two, in either order | match, not or unsure |
    | class | one | its classes, none, one or several |
    | group | those that were shown | for each row the group that it belongs to; "" for none of them |
    | judgement | one document | grade, 0 for irrelevant; `query` holds the words of the query |
    """

    shape: str
    rows: tuple[Row, ...]
    value: Value
    query: str = ""
    task: str = ""

    def subject(self) -> str:
        """What the label is about, as text that is the same however the question was put; a later label of the same
        person about the same subject corrects an earlier one."""
        rows = sorted(self.rows, key=_order) if self.shape in ("pair", "group") else list(self.rows)
        return _text([self.task, self.shape, self.query, [list(row) for row in rows]])

    def subject_key(self) -> str:
        """A short hash of the subject."""
        return hashlib.blake2b(self.subject().encode("ascii"), digest_size=16).hexdigest()

    def text(self) -> str:
        """The label as JSON text, ASCII only."""
        return _text(
            {"rows": [list(r) for r in self.rows], "value": self.value, "query": self.query, "task": self.task}
        )

    @classmethod
    def from_text(cls, shape: str, text: str) -> Label:
        """The label that `text` gave."""
        found = json.loads(text)
        rows = tuple(Row(*row) for row in found["rows"])
        value = tuple(found["value"]) if isinstance(found["value"], list) else found["value"]
        return cls(shape, rows, value, found["query"], found["task"])


@dataclass(frozen=True)
class Suggestion:
    """What a model thought when the question was asked."""

    value: Value
    score: float | None = None  # probability in [0, 1]
    model: str = ""


@dataclass(frozen=True)
class Answer:
    """A label on its way into the store."""

    label: Label
    suggestion: Suggestion | None = None
    key: str | None = None  # chosen by the one who sends it; the same key is kept once, however often it is sent
    at: str | None = None  # ISO 8601; now where none is given
    gold: bool = False  # the right answer, against which people are measured


@dataclass(frozen=True)
class Said:
    """An answer and who gave it, as files of several people bring them."""

    answer: Answer
    person: str
    session: str = ""


@dataclass(frozen=True)
class Event:
    """One line of the store: a label or the undoing of one. Lines are added, never changed."""

    id: int
    at: str  # ISO 8601 in UTC
    person: str
    session: str
    label: Label
    suggestion: Suggestion | None = None
    key: str = ""
    gold: bool = False
    undoes: int | None = None  # the event that this one takes back

    @property
    def by_person(self) -> bool:
        """Whether somebody said it, rather than heuristics."""
        return self.person != HEURISTICS


def pair(left: Row | str, right: Row | str, value: str, *, task: str = "") -> Label:
    """Whether two rows are the same thing: match, not or unsure."""
    if value not in PAIR_VALUES:
        raise UnknownName("label of a pair", str(value), PAIR_VALUES)
    rows = (_row(left), _row(right))
    if rows[0] == rows[1]:
        raise InputError(f"the pair names the row {rows[0].id!r} twice; a pair needs two rows")
    return Label("pair", rows, value, task=task)


def classes(row: Row | str, value: str | Sequence[str], *, task: str = "") -> Label:
    """The class of a row, several, or none of them (an empty list). New classes are simply used."""
    given = (value,) if isinstance(value, str) else tuple(value)
    if not all(isinstance(c, str) and c.strip() for c in given):
        raise InputError(f"the classes of row {_row(row).id!r} hold an empty name: {given!r}; give each class a name")
    return Label("class", (_row(row),), tuple(dict.fromkeys(given)), task=task)


def group(rows: Sequence[Row | str], groups: Sequence[str] | None = None, *, task: str = "") -> Label:
    """Which of the rows belong together: all where `groups` is None, else those of one name; "" stands alone."""
    named = tuple(_row(row) for row in rows)
    given = ("1",) * len(named) if groups is None else tuple(str(g) for g in groups)
    if len(named) < 2 or len(set(named)) < len(named):
        raise InputError(f"a group needs two rows or more, each once; got {[r.id for r in named]}")
    if len(given) != len(named):
        raise InputError(f"{len(given)} groups for {len(named)} rows; give one for each row")
    return Label("group", named, given, task=task)


def judgement(query: str, document: Row | str, grade: float, *, task: str = "") -> Label:
    """How well a document answers a query: 0 not at all, more for better."""
    if not query.strip():
        raise InputError(
            f"the judgement of {_row(document).id!r} has an empty query; give the words that were searched"
        )
    if not isinstance(grade, int | float) or not math.isfinite(grade) or grade < 0:
        raise InputError(f"the grade {grade!r} of {_row(document).id!r} is no number from 0 upwards")
    return Label("judgement", (_row(document),), float(grade), query=query, task=task)


def make(shape: str, rows: Sequence[Row | str], value: Any, *, query: str = "", task: str = "") -> Label:
    """A label of any shape, checked as the shape demands."""
    needed = {"pair": 2, "class": 1, "judgement": 1}.get(shape, len(rows))
    if shape not in SHAPES:
        raise UnknownName("shape of label", shape, SHAPES)
    if len(rows) != needed:
        raise InputError(f"a {shape} label speaks of {needed} rows, not of {len(rows)}")
    if shape == "pair":
        return pair(rows[0], rows[1], value, task=task)
    if shape in ("class", "group") and not isinstance(value, str | list | tuple):
        raise InputError(f"a {shape} label holds names, not {value!r}")
    if shape == "class":
        return classes(rows[0], value, task=task)
    if shape == "group":
        return group(rows, value, task=task)
    return judgement(query, rows[0], value, task=task)


def _row(given: Row | str) -> Row:
    row = Row(given) if isinstance(given, str) else given
    if not isinstance(row.id, str) or not row.id:
        raise InputError(f"a row is named by its id, a text that is not empty; got {row.id!r}")
    return row


def _order(row: Row) -> tuple[str, str]:
    return (row.source or "", row.id)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))
