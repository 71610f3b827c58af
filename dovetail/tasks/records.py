"""Tables to records: columns that correspond become attributes, rows stand one table under the other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.errors import InputError, UnknownName
from dovetail.tables.dates import is_day_first
from dovetail.tables.kinds import kind_of
from dovetail.tables.normalise import NUMERIC, comparable
from dovetail.tasks.schema import ColumnMapping, ColumnMatch, SchemaMatcher
from dovetail.types import Attribute, Kind, Records, Table


def strings(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Every cell as the text that a person would see, null where missing; nested values as JSON."""
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_nested(kind):
        cells = (None if v is None else json.dumps(v, ensure_ascii=False, default=str) for v in column.to_pylist())
        return pa.chunked_array([pa.array(cells, pa.string())])
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.chunked_array([pa.array((None if v is None else v.hex() for v in column.to_pylist()), pa.string())])
    return pc.cast(column, pa.string())


def unite(
    tables: Sequence[Table], given: Mapping[str, str] | None = None, matcher: SchemaMatcher | None = None
) -> tuple[tuple[Attribute, ...], tuple[ColumnMapping, ...]]:
    """The attributes of several tables, and the mapping that joined each later table to those before it.

    `given` maps a column of an earlier table to one of a later table; an empty right side keeps a column alone.
    """
    if not tables:
        raise InputError("there is no table to work on; give at least one")
    given = dict(given or {})
    _check_given(given, tables)
    matcher = matcher or SchemaMatcher()
    columns: dict[str, list[str | None]] = {c: [c] for c in tables[0].columns}
    mappings = []
    for position, table in enumerate(tables[1:], start=1):
        so_far = _pooled(tables, columns)
        mapping = _predict(matcher, so_far, table, _given_for(given, columns, table), given)
        mappings.append(mapping)
        _extend(columns, mapping, table, position)
    kinds = {name: _kind(tables, cells, name) for name, cells in columns.items()}
    return tuple(Attribute(n, kinds[n], tuple(c)) for n, c in columns.items()), tuple(mappings)


def stack(tables: Sequence[Table], attributes: Sequence[Attribute]) -> Records:
    """The rows of all tables under these attributes."""
    source = np.repeat(np.arange(len(tables), dtype=np.uint16), [len(t) for t in tables])
    ids = pa.concat_arrays([_plain(t.ids) for t in tables])
    original, text = {}, {}
    for attribute in attributes:
        parts = [_cells(t, c) for t, c in zip(tables, attribute.columns, strict=True)]
        cells = pa.chunked_array([chunk for part in parts for chunk in part.chunks], pa.string())
        original[attribute.name] = cells
        # Identifiers of one source never serve comparison, so their text is left as it is.
        text[attribute.name] = cells if attribute.kind is Kind.ID else _comparable(parts, attribute.kind)
    return Records(
        sources=tuple(t.name for t in tables),
        source=source,
        ids=ids,
        attributes=tuple(attributes),
        original=pa.table(original),
        text=pa.table(text),
    )


def _comparable(parts: Sequence[pa.ChunkedArray], kind: Kind) -> pa.Array:
    """The cells of all sources as comparisons see them; each source writes dates and decimals in its own way."""
    if kind in NUMERIC:
        return pa.concat_arrays([comparable(part, kind) for part in parts])
    cells = pa.chunked_array([chunk for part in parts for chunk in part.chunks], pa.string())
    if kind is not Kind.DATE:
        return comparable(cells, kind)
    order = is_day_first(text for text in pc.unique(cells).to_pylist() if text)
    return pa.concat_arrays([comparable(part, kind, day_first=order) for part in parts])


def check_comparable(tables: Sequence[Table], attributes: Sequence[Attribute]) -> None:
    """Raise `InputError` where no attribute could be compared."""
    if any(a.shared and a.kind not in (Kind.ID, Kind.EMPTY) for a in attributes):
        return
    names = ", ".join(f"{t.name} ({', '.join(t.columns)})" for t in tables)
    several = "say which ones correspond with --map left=right"
    mend = several if len(tables) > 1 else "ids and empty columns do not count"
    raise InputError(f"no columns to compare were found among {names}; {mend}")


def as_one_source(records: Records) -> Records:
    """The same records as if they came from one source, for sources that hold duplicates of their own."""
    return replace(records, sources=("all",), source=np.zeros(len(records), np.uint16))


def records_of(tables: Sequence[Table], given: Mapping[str, str] | None = None) -> Records:
    """Align and stack in one go."""
    attributes, _ = unite(tables, given)
    return stack(tables, attributes)


def _plain(ids: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks()
    return ids if pa.types.is_string(ids.type) else pc.cast(ids, pa.string())


def _cells(table: Table, column: str | None) -> pa.ChunkedArray:
    if column is None:
        return pa.chunked_array([pa.nulls(len(table), pa.string())])
    return strings(table.data[column])


def _kind(tables: Sequence[Table], columns: Sequence[str | None], name: str) -> Kind:
    if any(c is not None and c == t.id_column for t, c in zip(tables, columns, strict=True)):
        return Kind.ID
    parts = [strings(t.data[c]) for t, c in zip(tables, columns, strict=True) if c is not None]
    return kind_of(pa.chunked_array([chunk for part in parts for chunk in part.chunks], pa.string()), name)


def _pooled(tables: Sequence[Table], columns: Mapping[str, Sequence[str | None]]) -> Table:
    """The attributes so far as one table, so that the next one is matched against the values of all before it."""
    first = tables[0]
    if all(len(cells) == 1 for cells in columns.values()):
        return first
    data = {}
    for name, cells in columns.items():
        parts = [_cells(t, c) for t, c in zip(tables, cells, strict=False)]
        data[name] = pa.chunked_array([chunk for part in parts for chunk in part.chunks], pa.string())
    rows = pa.table(data)
    return Table("the tables before", rows, pa.array([str(i) for i in range(rows.num_rows)]), (), first.id_column)


def _check_given(given: Mapping[str, str], tables: Sequence[Table]) -> None:
    known = [c for t in tables for c in t.columns]
    for left, right in given.items():
        for name in (left, right):
            if name and name not in known:
                raise UnknownName("column", name, dict.fromkeys(known), " or ".join(t.name for t in tables))
        if right and len(tables) > 1 and not any(right in t.columns for t in tables[1:]):
            raise InputError(
                f"column {right!r} stands only in the first table {tables[0].name}; "
                f"write the mapping the other way round: {right}={left}"
            )


def _given_for(given: Mapping[str, str], columns: Mapping[str, Sequence[str | None]], table: Table) -> dict[str, str]:
    chosen = {}
    for left, right in given.items():
        if not right or right not in table.columns:
            continue
        attribute = next((name for name, cells in columns.items() if left == name or left in cells), None)
        if attribute is None:
            continue
        chosen[attribute] = right
    return chosen


def _predict(
    matcher: SchemaMatcher, left: Table, right: Table, given: Mapping[str, str], all_given: Mapping[str, str]
) -> ColumnMapping:
    alone = {name for name, other in all_given.items() if not other}
    mapping = matcher.predict(left, right, given=given)
    kept: list[ColumnMatch] = [m for m in mapping.matches if m.given or not ({m.left, m.right} & alone)]
    used_left, used_right = {m.left for m in kept}, {m.right for m in kept}
    return ColumnMapping(
        tuple(kept),
        tuple(c for c in left.columns if c not in used_left),
        tuple(c for c in right.columns if c not in used_right),
    )


def _extend(columns: dict[str, list[str | None]], mapping: ColumnMapping, table: Table, position: int) -> None:
    partner = {m.left: m.right for m in mapping.matches}
    for name, cells in columns.items():
        cells.append(partner.get(name))
    for column in mapping.right_alone:
        name = column if column not in columns else f"{column} ({table.name})"
        while name in columns:
            name += "'"
        columns[name] = [None] * position + [column]
