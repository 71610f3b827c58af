"""`dovetail profile`, `clean` and `columns`: looking at tables without merging them."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from dovetail.errors import InputError
from dovetail.tables.clean import clean
from dovetail.tables.normalise import normalise as with_normalised
from dovetail.tables.pairs import read_pairs
from dovetail.tables.profile import Profile, profile
from dovetail.tables.read import read
from dovetail.tables.rejects import write_rejects
from dovetail.tables.write import write
from dovetail.tasks.schema import ColumnMapping, ColumnMatch, SchemaMatcher
from dovetail.types import Table
from dovetail.workspace import as_json_text

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def show_profile(
    source: str, labels: str | None, other: str | None, row_id: str | None, *, strict: bool, as_json: bool
) -> None:
    """Print what each column of a table holds."""
    table = read(source, id=row_id, strict=strict)
    second = None if other is None else read(other, id=row_id, strict=strict)
    found = profile(table, None if labels is None else read_pairs(labels), second)
    if as_json:
        sys.stdout.write(as_json_text(found.to_dict()) + "\n")
        return
    _print_profile(table, found)


def _print_profile(table: Table, found: Profile) -> None:
    from rich.console import Console
    from rich.table import Table as Grid

    grid = Grid(title=f"{table.name}: {len(table):,} rows", title_justify="left")
    for heading in ("column", "kind", "missing", "distinct", "examples"):
        grid.add_column(heading, overflow="fold")
    for line in found.lines():
        grid.add_row(*(_literal(cell) for cell in line))
    console = Console()
    console.print(grid)
    for warning in found.warnings:
        console.print(harmless(f"! {warning}"), markup=False, highlight=False)
    for column in found.columns:
        for warning in column.warnings:
            console.print(harmless(f"! {column.name}: {warning}"), markup=False, highlight=False)


def _literal(cell: str) -> str:
    from rich.markup import escape

    return escape(harmless(cell))


def harmless(text: str) -> str:
    """Text without control characters, which would steer the terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def clean_table(source: str, out: str, *, normalise: bool, guard: bool, strict: bool) -> None:
    """Write the cleaned table, and rows that could not be read beside it. The source is never written over."""
    table = read(source, strict=strict)
    if Path(out).exists() and Path(source).exists() and Path(out).samefile(source):
        raise InputError(f"{out} is the source itself, and the original would be lost; give another --out")
    cleaned = clean(table)
    if normalise:
        cleaned = with_normalised(cleaned)
    path = write(cleaned, out, guard_formulas=guard)
    if isinstance(path, Path):
        name = path.with_name(f"{path.name.split('.')[0]}_rejects.csv")
        beside = write_rejects([table], name, guard_formulas=guard)
        if beside is not None:
            sys.stderr.write(f"rows that could not be read: {beside}; the lines themselves: {beside.with_suffix('')}\n")
    sys.stdout.write(f"{len(cleaned):,} rows written to {path}\n")


def show_columns(left: str, right: str, given: Mapping[str, str], *, as_json: bool) -> None:
    """Print which columns of two tables correspond, and what that rests on."""
    mapping = SchemaMatcher().predict(read(left), read(right), given=given)
    if as_json:
        sys.stdout.write(as_json_text(dataclasses.asdict(mapping)) + "\n")
        return
    sys.stdout.write("\n".join(map(harmless, _mapping_lines(mapping))) + "\n")


def _mapping_lines(mapping: ColumnMapping) -> list[str]:
    lines = [f"{m.left} = {m.right}  ({_basis(m)})" for m in mapping.matches]
    lines += [f"{name} stays alone (left)" for name in mapping.left_alone]
    lines += [f"{name} stays alone (right)" for name in mapping.right_alone]
    return lines


def _basis(match: ColumnMatch) -> str:
    if match.given:
        return "as you said"
    return f"{match.score:.2f}: name {match.name:.2f}, values {match.values:.2f}"
