"""Labels as plain tables: one line a label (a group: one line a row), to be kept as CSV, JSON lines or Parquet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from dovetail.errors import InputError
from dovetail.labels.said import Answer, Event, Label, Row, Said, Suggestion, Value, classes, group, judgement, pair
from dovetail.types import PAIR_WORDS, Table

if TYPE_CHECKING:
    Line = Mapping[str, str | None]

_ABOUT = {
    "pair": ("left_source", "left_id", "right_source", "right_id", "label"),
    "class": ("source", "id", "label"),
    "group": ("set", "source", "id", "label"),
    "judgement": ("query", "source", "id", "label"),
}
_BESIDE = ("task", "person", "session", "at", "gold", "suggested", "suggested_score", "model", "key")
_NEEDED = {
    "pair": {"left_id", "right_id", "label"},
    "judgement": {"query", "id", "label"},
    "group": {"set", "id", "label"},
    "class": {"id", "label"},
}
_VALUES = {1: "match", 0: "not", -1: "unsure"}
_PAIR_WORDS = {word: _VALUES[label] for label, words in PAIR_WORDS.items() for word in words}
_YES = ("1", "true", "yes")


def to_table(events: Iterable[Event], shape: str) -> pa.Table:
    """The labels of one shape as a table of text columns.

    Several classes of one row stand in one cell as a JSON list. Pairs come out as `read_pairs` reads them. In a group,
    `set` joins the rows that were shown together, and rows of one label belong together; an empty label stands alone.
    """
    names = (*_ABOUT[shape], *_BESIDE)
    lines = [line for event in events if event.label.shape == shape for line in _lines(event)]
    return pa.table({name: pa.array([line.get(name) for line in lines], pa.string()) for name in names})


def from_table(table: pa.Table | Table, *, person: str = "", session: str = "") -> list[Said]:
    """What the lines of a table say; its columns tell the shape.

    `person` and `session` hold for lines that name none. Lines with an empty label are still to be judged and left out.
    Of a table that was read without an id column, faults are named by file and line.
    """
    places = None
    if isinstance(table, Table):
        places, table = table.ids if table.id_column is None else None, table.data
    names = [name.strip().casefold() for name in table.column_names]
    shape = next((s for s, needed in _NEEDED.items() if needed <= set(names)), None)
    if shape is None:
        expected = "; ".join(f"{s}: {', '.join(sorted(n))}" for s, n in _NEEDED.items())
        raise InputError(f"these columns hold no labels: {', '.join(table.column_names)}; expected ({expected})")
    columns = [pc.cast(column, pa.string()).to_pylist() for column in table.columns]
    lines = [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]

    def place(row: int) -> str:
        return f"row {row + 1} of the labels" if places is None else str(places[row].as_py())

    if shape == "group":
        return [_said(_group(lines, rows, place), lines[rows[0]], person, session) for rows in _sets(lines)]
    judged = ((row, line) for row, line in enumerate(lines) if (line["label"] or "").strip())
    return [_said(_label(shape, line, row, place), line, person, session) for row, line in judged]


def _lines(event: Event) -> list[dict[str, str | None]]:
    """One line, or for a group one a row. An undo is no label and has none."""
    label, thought = event.label, event.suggestion
    beside: dict[str, str | None] = {"task": label.task, "person": event.person, "session": event.session}
    beside |= {"at": event.at, "key": event.key, "gold": "true" if event.gold else None}
    if thought is not None:
        beside |= {"suggested": as_cell(thought.value), "model": thought.model}
        beside["suggested_score"] = None if thought.score is None else repr(float(thought.score))
    if label.shape == "pair":
        (left, left_source), (right, right_source) = label.rows
        about = {"left_source": left_source, "left_id": left, "right_source": right_source, "right_id": right}
        return [{**about, "label": str(label.value), **beside}]
    if label.shape == "group" and isinstance(label.value, tuple):
        shown = zip(label.rows, label.value, strict=True)
        return [{"set": event.key, "source": r.source, "id": r.id, "label": g, **beside} for r, g in shown]
    row = {"source": label.rows[0].source, "id": label.rows[0].id, "label": as_cell(label.value)}
    return [{**row, "query": label.query, **beside}]


def as_cell(value: Value) -> str:
    """A value as the text of one cell: one class as it is, several as a JSON list, a grade without needless zeros."""
    if isinstance(value, tuple):
        plain = len(value) == 1 and not value[0].lstrip().startswith("[")
        return value[0] if plain else json.dumps(value, ensure_ascii=False)
    return value if isinstance(value, str) else f"{value:g}" if float(f"{value:g}") == value else repr(value)


def _classes(cell: str) -> tuple[str, ...]:
    if not cell.lstrip().startswith("["):
        return (cell,)
    try:
        found = json.loads(cell)
    except ValueError:
        return (cell,)
    return tuple(str(c) for c in found)


def _label(shape: str, line: Line, row: int, place: Callable[[int], str]) -> Label:
    task, cell = line.get("task") or "", line["label"] or ""
    try:
        if shape == "pair":
            value = _PAIR_WORDS.get(cell.strip().casefold(), cell.strip().casefold())
            return pair(_row(line, "left_"), _row(line, "right_"), value, task=task)
        if shape == "class":
            return classes(_row(line), _classes(cell), task=task)
        return judgement(line["query"] or "", _row(line), _number(cell), task=task)
    except InputError as error:
        raise InputError(f"{place(row)}: {error}") from None


def _group(lines: Sequence[Line], rows: Sequence[int], place: Callable[[int], str]) -> Label:
    some = [lines[i] for i in rows]
    try:
        return group([_row(one) for one in some], [one["label"] or "" for one in some], task=some[0].get("task") or "")
    except InputError as error:
        raise InputError(f"{place(rows[0])}: {error}") from None


def _sets(lines: Sequence[Line]) -> list[list[int]]:
    """The lines of each set, in the order in which the sets begin."""
    found: dict[str, list[int]] = {}
    for number, line in enumerate(lines):
        found.setdefault(line["set"] or "", []).append(number)
    return list(found.values())


def _row(line: Line, side: str = "") -> Row:
    return Row(line[f"{side}id"] or "", line.get(f"{side}source") or None)


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise InputError(f"the grade {cell!r} is no number") from None


def _said(label: Label, line: Line, person: str, session: str) -> Said:
    named = (line.get("person") or "").strip() or person
    if not named:
        raise InputError("the labels do not say who gave them; add a column person, or name the person")
    thought = None
    if line.get("suggested"):
        thought = Suggestion(_thought(label.shape, line["suggested"] or ""), _score(line), line.get("model") or "")
    gold = (line.get("gold") or "").strip().casefold() in _YES
    answer = Answer(label, thought, line.get("key") or None, line.get("at") or None, gold)
    return Said(answer, named, line.get("session") or session)


def _thought(shape: str, cell: str) -> Value:
    if shape == "judgement":
        return _number(cell)
    return cell if shape == "pair" else _classes(cell)


def _score(line: Line) -> float | None:
    cell: Any = line.get("suggested_score")
    return _number(cell) if cell else None
