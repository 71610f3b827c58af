"""Align: which columns of the tables correspond, and the rows of all tables under the joint attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dovetail.errors import InputError
from dovetail.tasks.records import stack, unite
from dovetail.tasks.schema import ColumnMapping
from dovetail.types import Job, Kind, Progress, Records, Table


@dataclass(frozen=True)
class Alignment:
    """The records of all tables and, for each table after the first, the mapping that joined it."""

    records: Records
    mappings: tuple[ColumnMapping, ...]


def align(tables: Sequence[Table], given: Mapping[str, str] | None = None) -> Job[Alignment]:
    """Find the corresponding columns (`given` ones as said) and stack the rows."""
    yield Progress("align", 0, 2, "comparing columns")
    attributes, mappings = unite(tables, given)
    usable = [a for a in attributes if a.shared and a.kind not in (Kind.ID, Kind.EMPTY)]
    if not usable:
        names = ", ".join(f"{t.name} ({', '.join(t.columns)})" for t in tables)
        several = "say which ones correspond with --map left=right"
        mend = several if len(tables) > 1 else "ids and empty columns do not count"
        raise InputError(f"no columns to compare were found among {names}; {mend}")
    yield Progress("align", 1, 2, "making values comparable")
    records = stack(tables, attributes)
    yield Progress("align", 2, 2)
    return Alignment(records, mappings)
