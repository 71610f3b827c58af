"""One record an entity: a value for each column, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.errors import InputError, UnknownName
from dovetail.integrate.fuse_codes import value_codes
from dovetail.integrate.fuse_groups import Groups
from dovetail.integrate.fuse_losers import Settled, lost_values
from dovetail.integrate.fuse_rules import (
    DEFAULTS,
    FUSERS,
    Cells,
    Made,
    attribute_named,
    dated_by,
    load_fuser,
    parse_rule,
    resolve,
    source_named,
)
from dovetail.types import Attribute, Clusters, Fused

if TYPE_CHECKING:
    from dovetail.types import Ints, Records

__all__ = ["FUSERS", "check_fusion", "fuse", "load_fuser"]

_NOTHING, _ONLY, _AGREED, _WRITTEN = (
    "no value",
    "only value",
    "all agree",
    "as written",
)


def fuse(
    records: Records,
    clusters: Clusters,
    *,
    rules: Mapping[str, str] | None = None,
    trust: Sequence[str] | None = None,
) -> Fused:
    """Fuse the records of each entity.

    `rules` names the rule of an attribute (see `FUSERS`); the others follow their kind. `trust` lists sources, the most
    trusted first; those left out follow in their order. Values stay as they were read; two are equal where
    their comparable texts are. A column may be named as any source calls it. Unknown columns, rules and sources raise
    `UnknownName`.
    """
    chosen = _rules(records, rules or {})
    entities = _Entities.of(records, clusters, _trust(records, trust or ()))
    columns = {a.name: _fuse_column(entities, a, chosen[a.name]) for a in records.attributes}
    table = {name: column.value for name, column in columns.items()}
    names = {"cluster_id": clusters.names} | table | _members(entities, tuple(table))
    provenance = [column.provenance(name, clusters.names) for name, column in columns.items()]
    return Fused(
        pa.table(names),
        pa.concat_tables(provenance) if provenance else _no_provenance(),
        {name: column.conflicts for name, column in columns.items()},
    )


def check_fusion(records: Records, rules: Mapping[str, str], trust: Sequence[str]) -> None:
    """Refuse rules and an order of trust that do not fit the records; to be asked before long work."""
    _rules(records, rules)
    _trust(records, trust)


def _rules(records: Records, rules: Mapping[str, str]) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for said, rule in rules.items():
        name = attribute_named(records, said, "the rules of fusion")
        if chosen.get(name, rule) != rule:
            raise InputError(f"column {name!r} is given two rules, {chosen[name]!r} and {rule!r}; keep one of them")
        chosen[name] = rule
        for step, word in parse_rule(rule):
            if word:
                (dated_by if step == "most_recent" else source_named)(records, word)
    return {a.name: DEFAULTS[a.kind] for a in records.attributes} | chosen


def _trust(records: Records, trust: Sequence[str]) -> Ints:
    for name in trust:
        if name not in records.sources:
            raise UnknownName("source", name, records.sources, "the order of trust")
    order = [records.sources.index(name) for name in dict.fromkeys(trust)]
    order += [s for s in range(len(records.sources)) if s not in order]
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return place


@dataclass(frozen=True)
class _Entities:
    """The records sorted by entity."""

    records: Records
    count: int
    order: npt.NDArray[np.intp]  # (n,) records, entity by entity
    label: Ints  # (n,) entity of each record in that order
    trust: Ints  # (sources,)

    @classmethod
    def of(cls, records: Records, clusters: Clusters, trust: Ints) -> _Entities:
        order = np.argsort(clusters.cluster, kind="stable")
        return cls(records, len(clusters.names), order, clusters.cluster[order], trust)

    @property
    def of_record(self) -> Ints:
        """(n,) the entity of each record."""
        label = np.empty_like(self.label)
        label[self.order] = self.label
        return label


@dataclass(frozen=True)
class _Column:
    """One fused column; every array has one entry an entity."""

    value: pa.Array
    rule: pa.Array
    source: pa.Array
    row_id: pa.Array
    agreeing: npt.NDArray[np.int32]
    disagreeing: npt.NDArray[np.int32]
    others: pa.Array
    reasons: pa.Array
    conflicts: int

    def provenance(self, name: str, entities: pa.Array) -> pa.Table:
        """One row an entity."""
        column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(entities), np.int32)), pa.array([name]))
        return pa.table(
            {
                "cluster_id": entities,
                "column": column,
                "value": self.value,
                "rule": self.rule,
                "source": self.source,
                "row_id": self.row_id,
                "agreeing": self.agreeing,
                "disagreeing": self.disagreeing,
                "others": self.others,
                "reasons": self.reasons,
            }
        )


def _no_provenance() -> pa.Table:
    nothing = pa.nulls(0, pa.string())
    zero = np.zeros(0, np.int32)
    return _Column(nothing, nothing, nothing, nothing, zero, zero, nothing, nothing, 0).provenance("", nothing)


def _fuse_column(entities: _Entities, attribute: Attribute, rule: str) -> _Column:
    records = entities.records
    code = value_codes(records, attribute, entities.of_record)
    at = np.flatnonzero(code[entities.order] >= 0)
    row, label = entities.order[at].astype(np.int32), entities.label[at]
    held = np.bincount(label, minlength=entities.count)
    winner = np.full(entities.count, -1, np.int64)
    winner[label[::-1]] = row[::-1]  # the first record that has a value
    several = held[label] > 1
    cells = Cells(records, attribute, row[several], code[row[several]], Groups.of(label[several]), entities.trust)
    which = label[several][cells.groups.start]
    best, made = resolve(cells, rule)
    winner[which] = cells.row[best]
    agrees = (code[row] == code[winner[label]]) if made is None else np.ones(len(row), np.bool_)
    agreeing = np.bincount(label, weights=agrees, minlength=entities.count).astype(np.int32)
    split = np.zeros(entities.count, np.bool_)
    split[which] = _split(cells)
    rules = np.where(held == 0, 0, np.where(held == 1, 1, np.where(split, 3, 2)))
    written = _written(entities, attribute, code)
    rules[_keep_written(written, held, winner)] = 4
    value, source, row_id = _origin(records, attribute, winner)
    lost = lost_values(Settled(cells, which, best, made, rule), written, winner)
    column = _Column(
        value,
        pa.DictionaryArray.from_arrays(
            pa.array(rules.astype(np.int32)), pa.array([_NOTHING, _ONLY, _AGREED, rule, _WRITTEN])
        ),
        source,
        row_id,
        agreeing,
        (held - agreeing).astype(np.int32),
        lost.others(entities.count),
        lost.reasons(entities.count),
        int(split.sum()),
    )
    return column if made is None else _with_made(column, made, cells, which)


def _written(
    entities: _Entities, attribute: Attribute, code: Ints
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Records whose text counts as missing, such as `NA`, `Null` or `-`, and their entities; both by entity."""
    original = entities.records.original[attribute.name].combine_chunks()
    blank = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(original), ""), True).to_numpy(zero_copy_only=False)
    at = np.flatnonzero((code[entities.order] < 0) & ~blank[entities.order])
    return entities.order[at].astype(np.int64), entities.label[at].astype(np.int64)


def _keep_written(
    written: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]],
    held: npt.NDArray[np.intp],
    winner: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Entities without a value that keep what their first record has written.

    Such texts count as missing in comparisons, and here, where they are all there is, they may be a country or a name.
    """
    row, entity = written
    alone = held[entity] == 0
    winner[entity[alone][::-1]] = row[alone][::-1]
    return np.unique(entity[alone])


def _split(cells: Cells) -> npt.NDArray[np.bool_]:
    """(groups,) whether an entity has more than one distinct value."""
    if not len(cells.row):
        return np.zeros(0, np.bool_)
    start = cells.groups.start
    return np.asarray(np.minimum.reduceat(cells.code, start) != np.maximum.reduceat(cells.code, start))


def _origin(records: Records, attribute: Attribute, winner: npt.NDArray[np.int64]) -> tuple[pa.Array, ...]:
    """Value, source and row id (c,) of the winning records; missing where there is none (-1)."""
    there = winner >= 0
    at = pa.array(np.where(there, winner, 0), mask=~there)
    value = records.original[attribute.name].combine_chunks().take(at)
    index = pa.array(records.source.astype(np.int32)).take(at)
    source = pa.DictionaryArray.from_arrays(index, pa.array(records.sources, pa.string()))
    return value, source, records.ids.take(at)


def _over(values: pa.Array, texts: pa.Array, which: npt.NDArray[np.int32]) -> pa.Array:
    """The values with those of some entities replaced."""
    mask = np.zeros(len(values), np.bool_)
    mask[which] = True
    return pc.replace_with_mask(pc.cast(values, pa.string()), pa.array(mask), texts)


def _with_made(column: _Column, made: Made, cells: Cells, which: npt.NDArray[np.int32]) -> _Column:
    """The column with made values, which come from all records that gave one."""
    every = np.ones(len(cells.row), np.bool_)
    source = pa.array(cells.records.sources, pa.string()).take(pa.array(cells.source))
    ids = cells.records.ids.take(pa.array(cells.row))
    sources = cells.groups.joined(source, cells.groups.distinct(cells.source), "|")
    return _Column(
        _over(column.value, made.values, which),
        column.rule,
        _over(column.source, sources, which).dictionary_encode(),
        _over(column.row_id, cells.groups.joined(ids, every, "|"), which),
        column.agreeing,
        column.disagreeing,
        column.others,
        column.reasons,
        column.conflicts,
    )


def _members(entities: _Entities, taken: tuple[str, ...]) -> dict[str, pa.Array]:
    """Columns that say which records an entity holds: sources, how many, and their ids."""
    records, groups = entities.records, Groups.of(entities.label)
    at = pa.array(entities.order)
    source = records.source[entities.order]
    names = pa.array(records.sources, pa.string()).take(pa.array(source))
    every = np.ones(len(entities.order), np.bool_)
    columns = {
        "sources": groups.joined(names, groups.distinct(source), "|"),
        "records": pa.array(groups.size.astype(np.int32)),
        "record_ids": groups.joined(records.ids.take(at), every, "|"),
    }
    return {_free(name, taken): column for name, column in columns.items()}


def _free(name: str, taken: tuple[str, ...]) -> str:
    while name in taken:
        name = f"merged_{name}"
    return name
