"""Labels that name a row of no table, or no table at all: they are kept, and nothing can learn from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dovetail.labels.said import Label, Row

_SHOWN = 5  # rows and names that a sentence quotes


@dataclass(frozen=True)
class Ids:
    """How the rows of one table are named."""

    ids: pa.Array | pa.ChunkedArray  # (n,) text
    sources: pa.Array | pa.ChunkedArray | None = None  # (n,) text, where one id stands in several


@dataclass(frozen=True)
class Strays:
    """What no table has, of some labels."""

    given: int  # labels that were looked at
    labels: int  # of them name a row that is in no table
    rows: tuple[Row, ...]  # those rows, each once, in the order of the labels
    unfiled: int  # labels of classes, groups and judgements that do not say of which table they are
    tasks: tuple[str, ...]  # what they say instead, "" for nothing
    tables: tuple[str, ...]
    ids: tuple[str, ...]  # how ids there look

    def in_words(self) -> list[str]:
        """A sentence for each, with what to do about it; none where every label found its rows."""
        found = []
        if self.labels:
            shown = ", ".join(_named(row) for row in self.rows[:_SHOWN])
            more = f" and {len(self.rows) - _SHOWN:,} more" if len(self.rows) > _SHOWN else ""
            name, keep = ("names", "it is") if self.labels == 1 else ("name", "they are")
            looks = f"; ids there look like {', '.join(map(repr, self.ids))}" if self.ids else ""
            found.append(
                f"{self.labels:,} of {_many(self.given, 'label')} {name} a row that is in none of the tables "
                f"({_listed(self.tables)}): {shown}{more}{looks}; {keep} kept, but nothing learns from "
                f"{'it' if self.labels == 1 else 'them'}"
            )
        if self.unfiled:
            odd = [task for task in self.tasks if task]
            said = f"say a table that is not here ({_listed(odd)})" if odd else "do not say of which table they are"
            found.append(
                f"{_many(self.unfiled, 'label')} {said}, so that sessions and training pass over them; "
                f"import the file again with --table, for example --table {self.tables[0]}"
            )
        return found


def strays(labels: Iterable[Label], tables: Mapping[str, Ids]) -> Strays:
    """What of these labels no table has. `tables` holds all by name; with none nothing can be said.

    A label whose task is a table speaks of its rows; any other, and every pair, of a row of any table.
    """
    some = list(labels)
    if not tables:
        return Strays(len(some), 0, (), 0, (), (), ())
    asked = pa.array({row.id for label in some for row in label.rows}, pa.string())
    known = {name: _known(table, asked) for name, table in tables.items()}
    lost: dict[Row, None] = {}
    number = 0
    for label in some:
        where = {label.task: known[label.task]} if label.task in known else known
        missing = [row for row in label.rows if not _stands(row, where, tables, named=label.task in known)]
        lost |= dict.fromkeys(missing)
        number += bool(missing)
    unfiled = [label.task for label in some if label.shape != "pair" and label.task not in tables]
    example = next(iter(tables.values())).ids
    ids = tuple(str(i) for i in example.slice(0, 3).to_pylist()) if lost else ()
    return Strays(len(some), number, tuple(lost), len(unfiled), tuple(dict.fromkeys(unfiled)), tuple(tables), ids)


def left_out(labels: Iterable[Label], tables: Mapping[str, Ids]) -> str:
    """How many of these labels a training leaves out, as the end of a sentence; empty where none."""
    number = strays(labels, tables).labels
    if not number:
        return ""
    return f"; {_many(number, 'label')} {'names' if number == 1 else 'name'} rows that are not there and were left out"


def _known(table: Ids, asked: pa.Array) -> set[tuple[str, str | None]]:
    """Which of the ids that are asked about stand in a table, with their sources."""
    here = pc.is_in(table.ids, value_set=asked)
    ids = table.ids.filter(here).to_pylist()
    sources = [None] * len(ids) if table.sources is None else table.sources.filter(here).to_pylist()
    return set(zip(ids, sources, strict=True)) | {(one, None) for one in ids}


def _stands(
    row: Row, where: Mapping[str, set[tuple[str, str | None]]], tables: Mapping[str, Ids], *, named: bool
) -> bool:
    """Whether a row is in one of the tables; a table without sources is itself the source of its rows."""
    for name, known in where.items():
        if tables[name].sources is not None:
            stands = (row.id, row.source) in known
        else:
            stands = (named or row.source in (None, name)) and (row.id, None) in known
        if stands:
            return True
    return False


def _named(row: Row) -> str:
    return repr(row.id) if row.source is None else f"{row.id!r} of {row.source}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else "")


def _many(number: int, one: str) -> str:
    return f"{number:,} {one if number == 1 else one + 's'}"
