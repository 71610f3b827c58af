"""From tables to what a matcher works on: aligned records, and the candidate pairs that stand beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.encoders.base import load_encoder
from dovetail.errors import InputError
from dovetail.tables.pairs import read_pairs
from dovetail.tables.read import read
from dovetail.tables.rowid import plain_id_column, with_plain_id
from dovetail.tasks.block import BlockSettings, block, plan
from dovetail.tasks.block_nets import Nets
from dovetail.tasks.match import Matcher as RecordMatcher
from dovetail.tasks.records import check_comparable, stack, unite
from dovetail.types import Attribute, Candidates, Job, Pairs, Progress, Records, Table, finish

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True)
class Prepared:
    """Aligned records and the pairs that blocking proposes among them."""

    tables: tuple[Table, ...]
    records: Records
    candidates: Candidates


def tables_and_pairs(left: Any, right: Any, pairs: Any) -> tuple[tuple[Table, ...], Pairs | None]:
    """One table or two, and pairs if any: `(left, right, pairs)`, `(left, right)`, `(table, pairs)` or `(table)`."""
    if isinstance(right, Pairs) and pairs is None:
        right, pairs = None, right
    sources = [left] if right is None else [left, right]
    tables = tuple(with_plain_id(read(source)) for source in sources)
    if len(tables) == 2 and tables[0].name == tables[1].name:
        second = tables[1]
        named = replace(second, name=f"{second.name} 2")
        tables = (tables[0], named)
    found = None if pairs is None else read_pairs(pairs, labelled=False)
    if found is not None:
        for table in tables:
            _check_ids(table, found)
    return tables, found


def _check_ids(table: Table, pairs: Pairs) -> None:
    """Raise `InputError` where pairs name rows by a column whose values repeat: nobody can tell which row is meant."""
    column = plain_id_column(table)
    if column is None or table.id_column is not None:
        return
    ids = pc.cast(table.data[column], pa.string()).combine_chunks()
    if _names_any(pairs, table.ids) or not _names_any(pairs, ids):
        return
    counts = pc.value_counts(ids)
    often = counts.filter(pc.greater(counts.field("counts"), 1))
    first = f"{often[0]['values'].as_py()!r} stands in {often[0]['counts'].as_py():,} of them" if len(often) else ""
    raise InputError(
        f"the pairs name rows of {table.name} by the column {column}, which cannot tell its rows apart: "
        f"{first or 'some have none'}; take out the repeated rows, or give each an id of its own"
    )


def _names_any(pairs: Pairs, ids: pa.Array) -> bool:
    ends = (pairs.left_ids, pairs.right_ids)
    return any(pc.any(pc.is_in(pc.cast(end, pa.string()), value_set=ids)).as_py() for end in ends)


def prepare(
    tables: tuple[Table, ...],
    attributes: Sequence[Attribute] | None = None,
    *,
    mapping: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Job[Prepared]:
    """Align and block. `attributes` are those that a model was trained on; without, columns are aligned anew."""
    yield Progress("align", 0, 2, "comparing columns")
    if attributes is None:
        attributes, _ = unite(tables, mapping)
    else:
        check_columns(tables, attributes)
    check_comparable(tables, attributes)
    yield Progress("align", 1, 2, "making values comparable")
    records = stack(tables, attributes)
    yield Progress("align", 2, 2)
    candidates = yield from _candidates(records, seed)
    return Prepared(tables, records, candidates)


def check_columns(tables: Sequence[Table], attributes: Sequence[Attribute]) -> None:
    """Raise `InputError` where tables lack columns that a model was trained on."""
    width = len(attributes[0].columns)
    if len(tables) != width:
        kinds = "one table" if width == 1 else f"{width} tables"
        raise InputError(f"the model was trained on {kinds}, and {len(tables)} were given; give as many as in training")
    missing = _missing(tables, attributes)
    if not missing:
        return
    turned = len(tables) == 2 and not _missing(tables[::-1], attributes)
    hint = "give the tables the other way round" if turned else "rename the columns, or train a model on these tables"
    listed = "; ".join(f"{name} has no column {', '.join(map(repr, columns))}" for name, columns in missing.items())
    raise InputError(f"the model was trained on columns that are not there: {listed}; {hint}")


def _missing(tables: Sequence[Table], attributes: Sequence[Attribute]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for attribute in attributes:
        for table, column in zip(tables, attribute.columns, strict=True):
            if attribute.shared and column is not None and column not in table.columns:
                found.setdefault(table.name, []).append(column)
    return found


def union(a: Candidates, b: Candidates) -> Candidates:
    """All pairs of both, each once, sorted."""
    keys = np.union1d(pair_keys(a), pair_keys(b))
    return Candidates((keys >> 32).astype(np.int32), (keys & 0xFFFFFFFF).astype(np.int32))


def pair_keys(pairs: Candidates) -> npt.NDArray[np.int64]:
    """One number a pair (m,), in the order of the pairs."""
    return pairs.left.astype(np.int64) << 32 | pairs.right


def _candidates(records: Records, seed: int) -> Job[Candidates]:
    if len(records) < 2:
        return Candidates(np.zeros(0, np.int32), np.zeros(0, np.int32))
    encoder, shipped = load_encoder(), RecordMatcher.shipped()
    settings = BlockSettings(within=len(records.sources) == 1, seed=seed)
    planned = yield from plan(
        records,
        settings,
        lambda r, c: shipped.adapted(r, c, finish(shipped.score(r, c)))[0],
        encoder,
        Nets(records, encoder),
    )
    found = yield from block(records, planned, encoder)
    return found
