"""The tables of a workspace as they are looked at: records, sources, merged rows, and tables that were added.

Values are texts, exactly as they were read. A row is named by its number, 0 … n-1, which never changes for one version
of a table.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather as feather
import pyarrow.ipc as ipc

from dovetail.errors import InputError, UnknownName
from dovetail.integrate.align import Alignment
from dovetail.labels.spelling import folded
from dovetail.labels.strays import Ids
from dovetail.serve.wire_data import Rec
from dovetail.tables.atomic import replace_file
from dovetail.tables.clean import as_text
from dovetail.tables.fingerprint import data_hash
from dovetail.tables.kinds import kind_of
from dovetail.types import Fused, Table
from dovetail.workspace import Workspace, write_json

if TYPE_CHECKING:
    from dovetail.types import Records

RECORDS = "records"
ADDED = "tables"  # folder of the tables that were added
_LOOKED_AT, _FEW, _LONGEST_CLASS = 5_000, 50, 200  # rows, cells, characters by which columns of answers are known
_ANSWERS = 0.002  # share of cells that are a class, from which a column holds answers
_MOST_TEXT = 20_000  # characters of a value that are sent
Origin = Literal["records", "source", "merged", "added"]


@dataclass(frozen=True)
class View:
    """One table: `data` holds text columns."""

    name: str
    origin: Origin
    ids: pa.Array  # (n,) string
    data: pa.Table  # n rows of text
    sources: pa.Array | None  # (n,) the source of each row, where there are several
    version: str  # changes with the content
    first: int = 0  # the record number of the first row, for sources

    def __len__(self) -> int:
        return int(self.data.num_rows)

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order."""
        return [str(name) for name in self.data.column_names]

    @cached_property
    def kinds(self) -> dict[str, str]:
        """What the values of each column are."""
        return {name: kind_of(self.data[name], name).value for name in self.columns}

    @cached_property
    def places(self) -> dict[tuple[str, str | None], int]:
        """The row number by id and source."""
        sources = [None] * len(self) if self.sources is None else self.sources.to_pylist()
        return {pair: n for n, pair in enumerate(zip(self.ids.to_pylist(), sources, strict=True))}

    def place(self, row_id: str, source: str | None) -> int | None:
        """The number of a row; the source may be left out where ids are unambiguous."""
        found = self.places.get((row_id, source if self.sources is not None else None))
        if found is None and source is None and self.sources is not None:
            known = {self.places.get((row_id, s)) for s in pc.unique(self.sources).to_pylist()} - {None}
            return known.pop() if len(known) == 1 else None
        return found

    @property
    def named(self) -> dict[str, Ids]:
        """How its rows are named, to look for those that labels speak of."""
        return {self.name: Ids(self.ids, self.sources)}

    def check(self, row: int) -> int:
        """This row number, or an `InputError`."""
        if not 0 <= row < len(self):
            raise UnknownName("row", str(row), (), f"{self.name}, which has {len(self):,} rows")
        return row

    def source(self, row: int) -> str | None:
        """The source of a row, where there are several."""
        return None if self.sources is None else str(self.sources[row].as_py())

    def rec(self, row: int) -> Rec:
        """A row with its values."""
        self.check(row)
        line = self.data.slice(row, 1)
        values = [_shortened(column[0].as_py()) for column in line.columns]
        row_id = str(self.ids[row].as_py())
        return Rec(table=self.name, row=row, id=row_id, source=self.source(row), columns=self.columns, values=values)

    def texts(self, rows: Any = None, columns: tuple[str, ...] = ()) -> list[str]:
        """The values of each row in one line, for words and meaning; all columns that are not ids by default."""
        names = [c for c in columns or self.telling if c in self.data.column_names]
        table = self.data.select(names)
        if rows is not None:
            table = table.take(pa.array(rows, pa.int64()))
        if not names:
            return [""] * table.num_rows
        parts = [pc.fill_null(column, "") for column in table.columns]
        joined = pc.binary_join_element_wise(*parts, " ")
        return [text or "" for text in joined.to_pylist()]

    @cached_property
    def telling(self) -> tuple[str, ...]:
        """The columns that say something about a row: all but ids."""
        some = tuple(n for n in self.columns if self.kinds[n] not in ("id", "empty") and n != "source")
        return some or tuple(self.columns)

    def answers(self, classes: Iterable[str]) -> tuple[str, ...]:
        """The columns that hold these classes already, whole cells of them, however they are spelt: who reads those is
        told the answer."""
        names = {folded(name) for name in classes} - {""}
        found = []
        for column, counts in self._spelt.items():
            cells, equal = counts.total(), sum(counts[name] for name in names)
            if equal and equal >= _ANSWERS * cells and (equal > 1 or cells < _FEW):
                found.append(column)
        return tuple(found)

    @cached_property
    def _spelt(self) -> dict[str, Counter[str]]:
        """How often each value stands in a column that says something, of some rows evenly spread."""
        rows = np.unique(np.linspace(0, max(len(self) - 1, 0), min(len(self), _LOOKED_AT)).astype(np.int64))
        some = self.data.select(list(self.telling)).take(pa.array(rows)) if len(rows) else self.data.slice(0, 0)
        found = {}
        for name in self.telling:
            given = Counter(v for v in some[name].to_pylist() if v and len(v) <= _LONGEST_CLASS)
            whole: Counter[str] = Counter()
            for value, number in given.items():
                whole[folded(value)] += number
            whole[""] += sum(1 for v in some[name].to_pylist() if v) - given.total()
            found[name] = whole
        return found


def _shortened(value: str | None) -> str | None:
    return value if value is None or len(value) <= _MOST_TEXT else value[:_MOST_TEXT] + "…"


class Tables:
    """The tables of one workspace, read again where a run has written new ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = Workspace(folder)
        self._lock = threading.RLock()
        self._known: tuple[str, dict[str, View], Alignment | None] = ("", {}, None)

    @property
    def version(self) -> str:
        """Changes where any table does."""
        steps = self.folder / "steps"
        marks = [steps / "align" / "step.json", steps / "fuse" / "step.json"]
        marks += sorted((self.folder / ADDED).glob("*.json"))
        return "|".join(f"{p.name}{p.stat().st_mtime_ns}" for p in marks if p.is_file())

    def all(self) -> dict[str, View]:
        """Every table by name."""
        return self._read()[1]

    def get(self, name: str) -> View:
        """One table, or `UnknownName`."""
        known = self.all()
        if name not in known:
            raise UnknownName("table", name, known, "this workspace")
        return known[name]

    @property
    def alignment(self) -> Alignment | None:
        """What the last integration compared; None before the first."""
        return self._read()[2]

    @property
    def records(self) -> Records | None:
        """The records of the last integration."""
        found = self.alignment
        return None if found is None else found.records

    def add(self, table: Table) -> str:
        """Keep a table in the workspace under its name."""
        name = re.sub(r"[^\w\-]+", "-", table.name).strip("-")[:60] or "table"
        taken = {v.name for v in self.all().values() if v.origin != "added"}
        while name in taken:
            name += "-2"
        home = self.folder / ADDED
        home.mkdir(exist_ok=True)
        columns = {c: as_text(table.data[c]) for c in table.columns}
        data = pa.table({"": table.ids.cast(pa.string()), **columns}) if columns else pa.table({"": table.ids})
        with replace_file(home / f"{name}.arrow") as beside:
            feather.write_feather(data, str(beside), compression="uncompressed")
        write_json(home / f"{name}.json", {"format": 1, "name": name, "hash": data_hash(table), "rows": len(table)})
        return name

    def _read(self) -> tuple[str, dict[str, View], Alignment | None]:
        with self._lock:
            version = self.version
            if version != self._known[0] or not self._known[0]:
                alignment = self.workspace.latest("align")
                aligned = alignment if isinstance(alignment, Alignment) else None
                views = {v.name: v for v in self._views(aligned)}
                self._known = (version, views, aligned)
            return self._known

    def _views(self, alignment: Alignment | None) -> Iterator[View]:
        if alignment is not None:
            yield from _of_records(alignment.records, _step_key(self.folder, "align"))
            fused = self.workspace.latest("fuse")
            if isinstance(fused, Fused):
                yield _of_merged(fused, _step_key(self.folder, "fuse"))
        for mark in sorted((self.folder / ADDED).glob("*.json")):
            yield _of_added(mark)


def _step_key(folder: Path, step: str) -> str:
    return str(json.loads((folder / "steps" / step / "step.json").read_text(encoding="utf-8"))["key"])


def _of_records(records: Records, version: str) -> Iterator[View]:
    names = pa.array(records.sources)
    sources = names.take(pa.array(records.source.astype(np.int64)))
    several = len(records.sources) > 1
    shown = _texts(records.original)
    if several:
        shown = shown.add_column(0, _free("source", shown), sources)
    yield View(RECORDS, "records", records.ids, shown, sources, version)
    for number, name in enumerate(records.sources):
        start, stop = np.searchsorted(records.source, [number, number + 1]).tolist()
        kept = [a.name for a in records.attributes if a.columns[number] is not None]
        part = _texts(records.original.select(kept)).slice(start, stop - start)
        ids = records.ids.slice(start, stop - start)
        yield View(_source_name(name), "source", ids, part, None, _short(version, name), start)


def _source_name(name: str) -> str:
    return f"{name} (source)" if name in (RECORDS, "merged") else name


def _of_merged(fused: Fused, version: str) -> View:
    table = fused.table
    ids = as_text(table[table.column_names[0]]).combine_chunks()
    return View("merged", "merged", ids, _texts(table.drop_columns(table.column_names[0])), None, version)


def _of_added(mark: Path) -> View:
    try:
        note = json.loads(mark.read_text(encoding="utf-8"))
        with pa.memory_map(str(mark.with_suffix(".arrow"))) as handle:
            data = ipc.open_file(handle).read_all()
        ids = data[""].combine_chunks()
        return View(str(note["name"]), "added", ids, data.drop_columns(""), None, str(note["hash"]))
    except (OSError, ValueError, KeyError, pa.ArrowInvalid) as error:
        raise InputError(f"the table {mark.stem} of this workspace is damaged ({error}); add it again") from None


def _texts(table: pa.Table) -> pa.Table:
    columns = [as_text(column) for column in table.columns]
    return pa.table(columns, names=table.column_names)


def _free(name: str, table: pa.Table) -> str:
    return name if name not in table.column_names else f"{name} (of the record)"


def _short(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
