"""Which value an entity keeps where its records say different things.

A rule ranks the cells of a column, or makes one value out of several. Rules can be chained: "most_frequent, longest"
asks the second one where the first cannot tell. Two rules take a word after a colon: "most_recent:updated" the column
with the date, "trusted:crm" the source that is trusted for this column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.errors import InputError, UnknownName
from dovetail.integrate.fuse_groups import Groups
from dovetail.tables.dates import as_dates
from dovetail.tables.normalise import NUMERIC
from dovetail.tables.numbers import as_numbers, spelled
from dovetail.types import Kind

if TYPE_CHECKING:
    from dovetail.types import Attribute, Floats, Ints, Records

    Key = npt.NDArray[Any]

FUSERS: Mapping[str, str] = {
    "most_frequent": "dovetail.integrate.fuse_rules:most_frequent",
    "reliable": "dovetail.integrate.fuse_reliable:reliable",
    "trusted": "dovetail.integrate.fuse_rules:trusted",
    "most_complete": "dovetail.integrate.fuse_rules:most_complete",
    "most_recent": "dovetail.integrate.fuse_rules:most_recent",
    "longest": "dovetail.integrate.fuse_rules:longest",
    "shortest": "dovetail.integrate.fuse_rules:shortest",
    "median": "dovetail.integrate.fuse_rules:median",
    "min": "dovetail.integrate.fuse_rules:least",
    "max": "dovetail.integrate.fuse_rules:greatest",
    "first": "dovetail.integrate.fuse_rules:first",
    "mean": "dovetail.integrate.fuse_rules:mean",
    "union": "dovetail.integrate.fuse_rules:union",
}

DEFAULTS: Mapping[Kind, str] = {
    Kind.NAME: "most_frequent, longest",
    Kind.ADDRESS: "most_frequent, longest",
    Kind.TEXT: "longest",
    Kind.NUMBER: "median",
    Kind.QUANTITY: "median",
    Kind.MONEY: "median",
    Kind.DATE: "most_frequent",
    Kind.CATEGORY: "most_frequent",
    Kind.CODE: "most_frequent, trusted",
    Kind.PHONE: "most_frequent, trusted",
    Kind.EMAIL: "most_frequent, trusted",
    Kind.URL: "most_frequent, trusted",
    Kind.ID: "union",
    Kind.EMPTY: "first",
}


@dataclass(frozen=True)
class Cells:
    """The cells of one column of entities that have two or more of them, sorted by entity."""

    records: Records
    attribute: Attribute
    row: Ints  # (k,) record
    code: Ints  # (k,) equal numbers: equal comparable values
    groups: Groups  # the entity of each cell
    trust: Ints  # (sources,) place of each source, the most trusted first

    @cached_property
    def original(self) -> pa.Array:
        """(k,) the values as they were read."""
        return self.records.original[self.attribute.name].take(pa.array(self.row)).combine_chunks()

    @cached_property
    def length(self) -> npt.NDArray[np.int64]:
        """(k,) characters."""
        return np.asarray(pc.utf8_length(self.original)).astype(np.int64)

    @cached_property
    def numbers(self) -> Floats:
        """(k,) what can be ordered in the values: days for dates, else numbers; NaN where there is none."""
        if self.attribute.kind is not Kind.DATE:
            if self.attribute.kind not in NUMERIC:
                return as_numbers(self.original)
            return as_numbers(self.records.text[self.attribute.name])[self.row]  # as each source writes its decimals
        days = days_of(self.records, self.attribute)[self.row]
        return np.asarray(np.where(np.isnat(days), np.nan, days.astype(np.int64)), np.float64)

    @property
    def source(self) -> npt.NDArray[np.uint16]:
        """(k,) source of each cell."""
        return self.records.source[self.row]


@dataclass(frozen=True)
class Made:
    """Values (groups,) that a rule made out of all cells of each entity."""

    values: pa.Array


Fuser = Callable[[Cells, str], "Key | Made"]
"""Gives a key (k,) for each cell, of which the smallest wins in its entity; or made values. The text is the word."""


def load_fuser(name: str) -> Fuser:
    """A rule by name."""
    if name not in FUSERS:
        raise UnknownName("fusion rule", name, FUSERS)
    module, attribute = FUSERS[name].split(":")
    found: Fuser = getattr(import_module(module), attribute)
    return found


WORDED = ("most_recent", "trusted")  # rules that take a word after a colon


def parse_rule(rule: str) -> list[tuple[str, str]]:
    """The rules of a chain as (name, word after the colon). An unknown rule raises `UnknownName`."""
    steps = [(name.strip(), word.strip()) for name, _, word in (step.partition(":") for step in rule.split(","))]
    for name, word in steps:
        load_fuser(name)
        if word and name not in WORDED:
            raise InputError(f"the rule {name!r} takes no word, but {word!r} follows it; write {name} alone")
        if name == "most_recent" and not word:
            raise InputError("the rule most_recent needs the column with the date; write most_recent:column")
    if len(steps) > 1 and any(name in ("union", "mean") for name, _ in steps):
        raise InputError(f"the rule {rule!r} chains union or mean, which leave nothing to choose; give them alone")
    return steps


def resolve(cells: Cells, rule: str) -> tuple[npt.NDArray[np.intp], Made | None]:
    """The winning cell of each entity (groups,), and made values where the rule makes them.

    Ties go to the most trusted source, then the longest value, then the alphabet, then the first record.
    """
    keys: list[Key] = []
    for name, word in parse_rule(rule):
        found = load_fuser(name)(cells, word)
        if isinstance(found, Made):
            return cells.groups.start, found
        keys.append(found)
    alphabet = pc.rank(cells.original, tiebreaker="dense").to_numpy()
    keys += [cells.trust[cells.source], -cells.length, alphabet, cells.row]
    order = np.lexsort((*keys[::-1], cells.groups.group))
    return order[cells.groups.start], None


def most_frequent(cells: Cells, word: str) -> Key:
    """The value that most records give."""
    del word
    return -votes(cells, np.ones(len(cells.row)))


def votes(cells: Cells, weight: Floats) -> Floats:
    """(k,) the summed weight of the cells of the same entity with the same value."""
    claim = cells.groups.claims(cells.code)
    return np.asarray(np.bincount(claim, weights=weight)[claim])


def trusted(cells: Cells, word: str) -> Key:
    """The value of the most trusted source; of the one that the rule names, where it gives one."""
    place = np.asarray(cells.trust[cells.source])
    return np.where(cells.source == source_named(cells.records, word), -1, place) if word else place


def source_named(records: Records, name: str) -> int:
    """The position of a source that a rule names; an unknown one raises `UnknownName`."""
    if name not in records.sources:
        raise UnknownName("source", name, records.sources, "the rule trusted, which is written trusted:source")
    return records.sources.index(name)


def attribute_named(records: Records, name: str, where: str) -> str:
    """The attribute of that name, or the one that some source calls so; an unknown one raises `UnknownName`.

    A name that sources give to different attributes raises `InputError`.
    """
    known = [a.name for a in records.attributes]
    if name in known:
        return name
    called = [(c, a.name) for a in records.attributes for c in a.columns if c is not None]
    found = list(dict.fromkeys(attribute for column, attribute in called if column == name))
    if not found:
        raise UnknownName("column", name, dict.fromkeys([*known, *(column for column, _ in called)]), where)
    if len(found) > 1:
        raise InputError(
            f"the column {name!r} is {' in one source and '.join(map(repr, found))} in another; it stands in {where}. "
            f"Write {' or '.join(found)} there"
        )
    return found[0]


def most_complete(cells: Cells, word: str) -> Key:
    """The value of the record that fills the most columns; among equals of the one with the most text."""
    del word
    table = cells.records.text
    at = pa.array(cells.row)
    filled, amount = np.zeros(len(cells.row)), np.zeros(len(cells.row))
    for name in table.column_names:
        length = pc.fill_null(pc.utf8_length(table[name].take(at)), 0).to_numpy()
        filled += length > 0
        amount += length
    return np.asarray(-(filled + amount / (amount.max() + 1)))


def most_recent(cells: Cells, word: str) -> Key:
    """The value of the record with the latest date in the column that the rule names."""
    name = dated_by(cells.records, word)
    attribute = next(a for a in cells.records.attributes if a.name == name)
    days = days_of(cells.records, attribute)[cells.row]
    return np.asarray(np.where(np.isnat(days), np.iinfo(np.int64).max, -days.astype(np.int64)))


def days_of(records: Records, attribute: Attribute) -> npt.NDArray[np.datetime64]:
    """(n,) the date in each record, NaT where there is none.

    Comparable texts are read where they are dates: they are ISO 8601, whatever order the source of a record writes.
    """
    return as_dates((records.text if attribute.kind is Kind.DATE else records.original)[attribute.name])


def dated_by(records: Records, word: str) -> str:
    """The attribute with the date that the rule most_recent names; an unknown one raises `UnknownName`."""
    return attribute_named(records, word, "the rule most_recent, which is written most_recent:column")


def longest(cells: Cells, word: str) -> Key:
    """The longest value."""
    del word
    return -cells.length


def shortest(cells: Cells, word: str) -> Key:
    """The shortest value."""
    del word
    return cells.length


def median(cells: Cells, word: str) -> Key:
    """The value closest to the median of the entity's numbers: one that a record gave, never a new one."""
    del word
    gap = np.abs(cells.numbers - cells.groups.median(cells.numbers)[cells.groups.group])
    return np.asarray(np.nan_to_num(gap, nan=np.inf))


def least(cells: Cells, word: str) -> Key:
    """The smallest number or the earliest date."""
    del word
    return np.asarray(np.nan_to_num(cells.numbers, nan=np.inf))


def greatest(cells: Cells, word: str) -> Key:
    """The largest number or the latest date."""
    del word
    return np.asarray(np.nan_to_num(-cells.numbers, nan=np.inf))


def first(cells: Cells, word: str) -> Key:
    """The value of the first record."""
    del word
    return cells.row


def mean(cells: Cells, word: str) -> Made:
    """The mean of the numbers; missing where no record gives a number."""
    del word
    values = cells.groups.mean(cells.numbers)
    return Made(pa.array([None if np.isnan(v) else spelled(v) for v in values.tolist()], pa.string()))


def union(cells: Cells, word: str) -> Made:
    """All distinct values, " | " between, in the order of the records."""
    del word
    shown = cells.groups.distinct(cells.code)
    return Made(cells.groups.joined(cells.original, shown, " | "))
