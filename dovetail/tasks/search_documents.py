"""Documents from any table: which column is the title, which are text, and what is left to filter by."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dovetail.errors import InputError, UnknownName
from dovetail.tables.read import read
from dovetail.tasks.search_index import Document

_TITLES = ("title", "name", "headline", "subject", "heading")
_TEXTS = ("text", "body", "abstract", "content", "description", "answer", "passage", "document", "summary")
_IDS = ("id", "_id", "doc_id", "document_id", "key", "sku", "url")
_TEXT_LETTERS = 24  # a column whose values are longer than this in the mean is text


@dataclass(frozen=True)
class DocumentColumns:
    """Which columns of the user's table make a document. None: found by their names and contents."""

    id: str | None = None
    title: str | None = None
    text: str | None = None


def documents_of(
    source: Any, columns: DocumentColumns, *, settled: bool = False
) -> tuple[list[Document], DocumentColumns]:
    """Documents from a file, a table, texts or mappings; and the columns that were used.

    With `settled` the columns are those of documents before these, and rows may lack some of them.
    """
    if isinstance(source, list | tuple):
        rows = [_row_of(one, place) for place, one in enumerate(source)]
    else:
        table = read(source)
        rows = table.data.to_pylist()
        if columns.id is None and not any(c.casefold() in _IDS for c in table.columns):
            rows = [{"id": name, **row} for name, row in zip(table.ids.to_pylist(), rows, strict=True)]
    if not rows:
        raise InputError("there are no documents; expected a table with a row for each")
    used = columns if settled else _found(rows, columns)
    return [_document(row, used, place) for place, row in enumerate(rows)], used


def _row_of(one: Any, place: int) -> dict[str, Any]:
    if isinstance(one, str):
        return {"id": str(place), "text": one}
    if isinstance(one, Document):
        return {"id": one.id, "title": one.title, "text": one.text, **one.fields}
    if isinstance(one, Mapping):
        return {str(k): v for k, v in one.items()}
    raise InputError(f"document {place} is of type {type(one).__name__}; expected a text or a mapping with a text")


def _found(rows: Sequence[Mapping[str, Any]], wish: DocumentColumns) -> DocumentColumns:
    names = list(dict.fromkeys(k for row in rows[:1000] for k in row))
    for wished in (wish.id, wish.title, wish.text):
        if wished not in (None, "") and wished not in names:
            raise UnknownName("column", str(wished), names, "the documents")
    row_id = wish.id or _named(names, _IDS)
    title = (
        wish.title if wish.title is not None else _named([n for n in names if n not in (row_id, wish.text)], _TITLES)
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
        raise InputError(
            f"row {place + 1} of the documents has no value in the column {columns.id!r}, which names them"
        )
    title = _said(row.get(columns.title)) if columns.title and columns.title != columns.text else ""
    text = _said(row.get(columns.text)) if columns.text else ""
    used = (columns.id, columns.title, columns.text)
    fields = {sound(k): _cell(v) for k, v in row.items() if k not in used and not _missing(v)}
    return Document(sound(str(name)), title, text, fields)


def silent_of(documents: Sequence[Document]) -> str:
    """How many documents have nothing to look for, in words; nothing where all have something."""
    silent = [d.id for d in documents if not (d.title.strip() or d.text.strip())]
    if not silent:
        return ""
    which = f"{silent[0]!r} has" if len(silent) == 1 else f"{len(silent):,} documents, such as {silent[0]!r}, have"
    return f"; {which} neither title nor text, and no query finds that"


def sound(text: str) -> str:
    """A text that can be written: half characters, as broken exports hold them, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _said(value: Any) -> str:
    return "" if _missing(value) else sound(str(value))


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def _cell(value: Any) -> Any:
    """A value to filter by: numbers and truth as they are, everything else as text."""
    return value if isinstance(value, bool | int | float) else sound(str(value))


def check_distinct(documents: Sequence[Document]) -> None:
    """Refuse two documents of one id."""
    seen: set[str] = set()
    for one in documents:
        if one.id in seen:
            raise InputError(f"two documents have the id {one.id!r}; name a column with distinct values with id=")
        seen.add(one.id)
