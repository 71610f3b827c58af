"""Which columns correspond: the schema matcher against published mappings, family by family.

The weights that ship were learnt from all of these families, so these figures are how well they fit, not what a
stranger's tables get. `python scripts/train_schema_matcher.py --leave-out` gives that: each family with weights learnt
on the others.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from bench.sets import data_folder
from dovetail.tables.read import read
from dovetail.tasks.schema import SchemaMatcher
from dovetail.types import Table

SETS = ("tpch", "opendata", "chembl", "magellan", "pydi")


@dataclass(frozen=True)
class Case:
    """Two tables and the true mapping, left column to right column."""

    name: str
    left: Table
    right: Table
    truth: frozenset[tuple[str, str]]


def cases(set_name: str, data: Path | None = None) -> list[Case]:
    """The cases of one family. Row ids are never given away: every column takes part."""
    home = (data or data_folder()) / "schema"
    if set_name == "pydi":
        return list(_pydi(home / "pydi-usecases"))
    folder = home / "valentine" / set_name
    if not folder.is_dir():
        raise SystemExit(f"no set {set_name!r}; known: {', '.join(SETS)}")
    return [
        Case(one.name, _table(one / "source.csv"), _table(one / "target.csv"), _mapping(one / "mapping.csv"))
        for one in sorted(folder.iterdir())
        if one.is_dir()
    ]


def _pydi(home: Path) -> Iterator[Case]:
    """Each two sources of one domain, joined through the target schema that both are mapped to."""
    for domain in sorted(p for p in home.iterdir() if p.is_dir()):
        sources = sorted(p for p in domain.iterdir() if p.is_dir())
        for i, a in enumerate(sources):
            for b in sources[i + 1 :]:
                to_target, back = _mapping(a / "mapping.csv"), _mapping(b / "mapping.csv")
                truth = frozenset((x, y) for x, t in to_target for y, u in back if t == u)
                yield Case(f"{a.name}-{b.name}", _table(_source(a)), _table(_source(b)), truth)


def _source(folder: Path) -> Path:
    return next(p for p in sorted(folder.iterdir()) if p.name.startswith("source.csv"))


def _table(path: Path) -> Table:
    table = read(path)
    return Table(f"{path.parent.name} {path.stem}", table.data, table.ids, table.rejects, None)


def _mapping(path: Path) -> frozenset[tuple[str, str]]:
    rows: pa.Table = read(path).data
    names = rows.column_names
    return frozenset(zip(rows[names[0]].to_pylist(), rows[names[1]].to_pylist(), strict=True))


def run(set_name: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One object for the family: precision, recall and F1 over all column pairs, and how many a second."""
    del seed, options  # nothing is drawn at random
    found = right = true = columns = 0
    seconds = 0.0
    for case in cases(set_name):
        start = time.perf_counter()
        mapping = SchemaMatcher().predict(case.left, case.right)
        seconds += time.perf_counter() - start
        pairs = {(m.left, m.right) for m in mapping.matches}
        found, true, right = found + len(pairs), true + len(case.truth), right + len(pairs & case.truth)
        columns += len(case.left.columns) + len(case.right.columns)
    yield {
        "in_training": True,
        "pairs": true,
        "precision": round(right / max(found, 1), 4),
        "recall": round(right / max(true, 1), 4),
        "f1": round(2 * right / max(found + true, 1), 4),
        "per_second": round(columns / max(seconds, 1e-9), 1),
    }
