"""Documents from any table: which column is the title, which are text, and what is left to filter by."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dovetail.errors import InputError, UnknownName
from dovetail.tables.read import read
from dovetail.tasks.search_index import Document
from dovetail.types import Reject

_TITLES = ("title", "name", "headline", "subject", "heading")
_TEXTS = ("text", "body", "abstract", "content", "description", "answer", "passage", "document", "summary")
_IDS = ("id", "_id", "doc_id", "document_id", "key", "sku", "url")
_TEXT_LETTERS = 24  # a column whose values are longer than this in the mean is text


@dataclass(frozen=True)
class DocumentColumns:
    """Which columns of the user's table make a document. None: found by their names and contents."""

    id: str | None = None
    title: str | None = None
    text: str | Sequence[str] | None = None  # several are read one below the other

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns of texts."""
        return (self.text,) if isinstance(self.text, str) and self.text else tuple(self.text or ())


@dataclass(frozen=True)
class Given:
    """Documents as they were read, the columns that were used, and the rows of the file that could not be read."""

    documents: list[Document]
    columns: DocumentColumns
    rejects: tuple[Reject, ...] = ()


def documents_of(source: Any, columns: DocumentColumns, *, settled: bool = False, first: int | None = 0) -> Given:
    """Documents from a file, a table, texts or mappings, or from a folder that holds `corpus.jsonl`.

    With `settled` the columns are those of documents before these, and rows may lack some of them. Plain texts are
    called by their numbers from `first` on; without one they are refused.
    """
    rejects: tuple[Reject, ...] = ()
    if isinstance(source, list | tuple):
        rows = [_row_of(one, place, first) for place, one in enumerate(source)]
    else:
        table = read(corpus_in(source))
        rows, rejects = table.data.to_pylist(), table.rejects
        if columns.id is None and not any(c.casefold() in _IDS for c in table.columns):
            rows = [{"id": name, **row} for name, row in zip(table.ids.to_pylist(), rows, strict=True)]
    if not rows:
        raise InputError("there are no documents; expected a table with a row for each")
    used = columns if settled else _found(rows, columns)
    return Given([_document(row, used, place) for place, row in enumerate(rows)], used, rejects)


def corpus_in(source: Any) -> Any:
    """The file of documents in a folder as public benchmarks have it, or what was given."""
    if not isinstance(source, str | Path) or not Path(source).is_dir():
        return source
    return next((f for f in (Path(source) / "corpus.jsonl", Path(source) / "corpus.jsonl.gz") if f.is_file()), source)


def _row_of(one: Any, place: int, first: int | None) -> dict[str, Any]:
    if isinstance(one, str) and first is None:
        raise InputError(f"text {place} has no id, so that it can replace none; give mappings with an id and a text")
    if isinstance(one, str):
        return {"id": str(place + (first or 0)), "text": one}
    if isinstance(one, Document):
        return {"id": one.id, "title": one.title, "text": one.text, **one.fields}
    if isinstance(one, Mapping):
        return {str(k): v for k, v in one.items()}
    raise InputError(f"document {place} is of type {type(one).__name__}; expected a text or a mapping with a text")


def _found(rows: Sequence[Mapping[str, Any]], wish: DocumentColumns) -> DocumentColumns:
    names = list(dict.fromkeys(k for row in rows[:1000] for k in row))
    for wished in (wish.id, wish.title, *wish.texts):
        if wished not in (None, "") and wished not in names:
            raise UnknownName("column", str(wished), names, "the documents")
    row_id = wish.id or _named(names, _IDS)
    title = (
        wish.title if wish.title is not None else _named([n for n in names if n not in (row_id, *wish.texts)], _TITLES)
    )
    rest = [n for n in names if n not in (row_id, title)]
    text = wish.text or _named(rest, _TEXTS) or _longest(rows, rest) or title or _longest(rows, rest, letters=0)
    if text is None:
        raise InputError(f"no column of the documents holds text, of {', '.join(names)}; name it with text=")
    return DocumentColumns(row_id, title, text)


def _named(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    known = {n.casefold(): n for n in reversed(names)}
    return next((known[w] for w in wanted if w in known), None)


def _longest(rows: Sequence[Mapping[str, Any]], names: Sequence[str], *, letters: int = _TEXT_LETTERS) -> str | None:
    lengths = {n: float(np.mean([len(str(row.get(n) or "")) for row in rows[:1000]])) for n in names}
    best = max(lengths, key=lambda n: lengths[n], default=None)
    return best if best is not None and lengths[best] > letters else None


def _document(row: Mapping[str, Any], columns: DocumentColumns, place: int) -> Document:
    name = row.get(columns.id) if columns.id else place
    if name in (None, ""):
        if columns.id not in row and place == 0:
            found = ", ".join(map(repr, row))
            raise InputError(f"the documents lack the column {columns.id!r}, which names them; found {found}")
        raise InputError(
            f"row {place + 1} of the documents has no value in the column {columns.id!r}, which names them; fill it "
            f"in, or name another column (id=, on the console --id)"
        )
    title = _said(row.get(columns.title)) if columns.title and columns.title not in columns.texts else ""
    text = "\n".join(filter(None, (_said(row.get(name)) for name in columns.texts)))
    used = (columns.id, columns.title, *columns.texts)
    fields = {sound(k): _cell(v) for k, v in row.items() if k not in used and not _missing(v)}
    return Document(id_of(name), title, text, fields)


def own_columns(columns: DocumentColumns) -> dict[str, str]:
    """Columns of the index that hold id, title and text, by the names that people know them by."""
    found = {"id": "name", "title": "title", "text": "text"}
    named = [(columns.id, "name"), (columns.title, "title"), *((text, "text") for text in columns.texts)]
    return found | {name: own for name, own in named if name}


def silent_of(documents: Sequence[Document]) -> str:
    """How many documents have nothing to look for, in words; nothing where all have something."""
    silent = [d.id for d in documents if not (d.title.strip() or d.text.strip())]
    if not silent:
        return ""
    if len(silent) == 1:
        return f"{silent[0]!r} has neither title nor text, so that no query finds it"
    return f"{len(silent):,} documents, such as {silent[0]!r}, have neither title nor text, so that no query finds them"


def sound(text: str) -> str:
    """A text that can be written: half characters, as broken exports hold them, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def id_of(value: Any) -> str:
    """An id as text; a whole number is written alike whether a file has it as 7, 7.0 or "7"."""
    whole = isinstance(value, float) and math.isfinite(value) and value == int(value)
    return sound(str(int(value) if whole else value))


def _said(value: Any) -> str:
    return "" if _missing(value) else sound(str(value))


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float | decimal.Decimal) and not math.isfinite(value))


def _cell(value: Any) -> Any:
    """A value to filter by: numbers, truth and lists as they are, dates as ISO 8601, everything else as text."""
    if isinstance(value, list | tuple | set | frozenset | np.ndarray):
        return [_cell(one) for one in value if not _missing(one)]
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, decimal.Decimal | np.number | np.bool_):
        return value.item() if isinstance(value, np.generic) else float(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return sound(str(value))


def check_distinct(documents: Sequence[Document]) -> None:
    """Refuse two documents of one id."""
    seen: dict[str, int] = {}
    for place, one in enumerate(documents, 1):
        if one.id in seen:
            raise InputError(
                f"two documents, {seen[one.id]:,} and {place:,}, have the id {one.id!r}; leave one out, or name a "
                f"column with distinct values (id=, on the console --id)"
            )
        seen[one.id] = place
