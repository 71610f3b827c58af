"""`profile`: what each column of a table holds, and what looks wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.tables.clean import as_text
from dovetail.tables.faults import Cells, percent, warnings_of
from dovetail.tables.headers import header_doubt
from dovetail.tables.kinds import kind_of
from dovetail.tables.leaks import Leak, find_leaks
from dovetail.tables.missing import MISSING
from dovetail.tables.normalise import plain_text
from dovetail.types import Kind, Pairs, Table

EXAMPLES = 5


@dataclass(frozen=True)
class ColumnProfile:
    """What one column holds. Texts such as `n/a` and `unknown` count as missing here, and stay in the data."""

    name: str
    kind: Kind
    missing: float  # share of the rows, in [0, 1]
    distinct: float  # distinct values for each value that is there, in [0, 1]
    examples: tuple[str, ...]  # at most five, the most typical first
    lengths: tuple[int, int, int]  # characters: shortest, median, longest
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Profile:
    """What a table holds, column by column, and the column pairs that look as if they gave the labels away."""

    table: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    leaks: tuple[Leak, ...] = ()
    warnings: tuple[str, ...] = ()  # of the table as a whole

    def to_dict(self) -> dict[str, object]:
        """The profile as plain data for JSON."""
        return asdict(self)

    def lines(self) -> list[tuple[str, ...]]:
        """One line of texts a column: name, kind, missing, distinct, examples."""
        return [
            (
                c.name,
                str(c.kind),
                percent(c.missing, 0),
                percent(c.distinct, 0),
                " · ".join(e[:40] for e in c.examples[:3]),
            )
            for c in self.columns
        ]


def profile(table: Table, labels: Pairs | None = None, other: Table | None = None) -> Profile:
    """Kind, missing and distinct share, examples, lengths and warnings for each column of a table.

    With `labels`, the pairs of this table and `other` (or within this table alone) that were judged, it also warns
    of columns whose equality alone decides the labels: values that were made from the answer.
    """
    leaks = () if labels is None else find_leaks(table, other or table, labels)
    told: dict[str, list[str]] = {}
    for leak in leaks:
        told.setdefault(leak.left, []).append(leak.said)
    doubt = header_doubt(table)
    columns = tuple(_column(table, name, told) for name in table.columns)
    return Profile(table.name, len(table), columns, leaks, () if doubt is None else (doubt,))


def _column(table: Table, name: str, told: Mapping[str, list[str]]) -> ColumnProfile:
    column = table.data[name]
    cells = _cells(name, kind_of(as_text(column), name), as_text(column))
    present = int(cells.counts.sum())
    return ColumnProfile(
        name=name,
        kind=cells.kind,
        missing=1 - present / len(table) if len(table) else 0.0,
        distinct=len(set(cells.plain)) / present if present else 0.0,
        examples=_examples(cells),
        lengths=_lengths(cells),
        warnings=(*warnings_of(cells), *told.get(name, ())),
    )


def _cells(name: str, kind: Kind, column: pa.ChunkedArray) -> Cells:
    counted = pc.value_counts(column)
    texts, counts = counted.field("values").to_pylist(), counted.field("counts").to_numpy()
    plain = [None if text is None else plain_text(text) for text in texts]
    here = np.array([p is not None and p not in MISSING for p in plain], bool)
    keep = np.flatnonzero(here)
    stand_ins = {t: int(c) for t, c, h in zip(texts, counts, here, strict=True) if not h and t and t.strip()}
    return Cells(
        name=name,
        kind=kind,
        rows=len(column),
        texts=[texts[i] for i in keep],
        plain=[plain[i] or "" for i in keep],
        counts=counts[keep].astype(np.int64),
        stand_ins=stand_ins,
    )


def _lengths(cells: Cells) -> tuple[int, int, int]:
    if not cells.texts:
        return (0, 0, 0)
    lengths = _text_lengths(cells)
    order = np.argsort(lengths, kind="stable")
    middle = np.searchsorted(np.cumsum(cells.counts[order]), cells.counts.sum() / 2)
    return int(lengths.min()), int(lengths[order[middle]]), int(lengths.max())


def _text_lengths(cells: Cells) -> npt.NDArray[np.int64]:
    return np.fromiter(map(len, cells.texts), np.int64, len(cells.texts))


def _examples(cells: Cells) -> tuple[str, ...]:
    """The most frequent values; among equally frequent ones those of the most usual length, then the first."""
    if not cells.texts:
        return ()
    away = np.abs(_text_lengths(cells) - _lengths(cells)[1])
    best = np.lexsort((away, -cells.counts))[:EXAMPLES]
    return tuple(cells.texts[i] for i in best)
