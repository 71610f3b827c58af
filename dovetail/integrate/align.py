"""Align: which columns of the tables correspond, and the rows of all tables under the joint attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dovetail.tasks.records import check_comparable, stack, unite
from dovetail.tasks.schema import ColumnMapping
from dovetail.types import Job, Progress, Records, Table

_SAID = 12  # columns that are named in one breath


@dataclass(frozen=True)
class Alignment:
    """The records of all tables and, for each table after the first, the mapping that joined it."""

    records: Records
    mappings: tuple[ColumnMapping, ...]


def align(tables: Sequence[Table], given: Mapping[str, str] | None = None) -> Job[Alignment]:
    """Find the corresponding columns (`given` ones as said) and stack the rows."""
    yield Progress("align", 0, 2, "comparing columns")
    attributes, mappings = unite(tables, given)
    check_comparable(tables, attributes)
    yield Progress("align", 1, 2, "making values comparable")
    records = stack(tables, attributes)
    yield Progress("align", 2, 2, _in_words(records) if len(tables) > 1 else "")
    return Alignment(records, mappings)


def _in_words(records: Records) -> str:
    """`name = title, price = cost EUR; alone: weight`."""
    joined = [" = ".join(dict.fromkeys(c for c in a.columns if c is not None)) for a in records.attributes if a.shared]
    alone = [a.name for a in records.attributes if not a.shared]
    return _some(joined) + (f"; alone: {_some(alone)}" if alone else "")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SAID} more" if len(names) > _SAID else ""
    return ", ".join(names[:_SAID]) + more
