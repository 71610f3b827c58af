"""JSON and JSON lines: nested objects become dotted columns, every literal keeps its spelling."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from dovetail.errors import InputError
from dovetail.tables.delimited import Part
from dovetail.tables.encoding import decode, has_broken_bytes
from dovetail.types import Reject

_KEEP = 500


class _TwiceError(ValueError):
    """A key that stands twice in one object."""


class _Literal(str):
    """A number or constant in the spelling of the file, so that nested lists can be written back unchanged."""


def read_json(raw: bytes, file: str) -> Part:
    """Read a JSON array of objects, JSON lines, or one object that wraps an array. Every column is text."""
    text, encoding = decode(raw)
    stripped = text.lstrip("\ufeff \t\r\n")
    if not stripped:
        raise InputError(f"{file} is empty; expected JSON objects, one a line or in an array")
    if stripped.startswith("["):
        return _part(_from_array(_whole(stripped, file), file), encoding)
    first = stripped.split("\n", 1)[0].strip()
    if _loads(first) is None and (document := _loads(stripped)) is not None:
        return _part(_from_array(_wrapped(document), file), encoding)
    return _part(_from_lines(text, file), encoding)


def _loads(text: str) -> Any:
    try:
        return json.loads(
            text, parse_float=_Literal, parse_int=_Literal, parse_constant=_Literal, object_pairs_hook=_object
        )
    except (ValueError, RecursionError):
        return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _TwiceError("a key stands twice in one object")
    return found


def _whole(text: str, file: str) -> list[Any]:
    found = _loads(text)
    if not isinstance(found, list):
        raise InputError(
            f"{file} starts like a JSON array but is broken or cut off; repair it, or save it as JSON lines, "
            f"where a broken row costs only itself"
        )
    return found


def _wrapped(document: Any) -> list[Any]:
    """The list that an object holds and nothing else; otherwise the object is one row, so that no key is lost."""
    if isinstance(document, dict) and len(document) == 1:
        only = next(iter(document.values()))
        if isinstance(only, list) and only and all(isinstance(i, dict) for i in only):
            return only
    return document if isinstance(document, list) else [document]


@dataclass
class _Found:
    """Flat rows, where each stood, and what was set aside."""

    file: str
    rows: list[dict[str, str | None]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)

    def take(self, item: Any, place: int, raw: str) -> None:
        """Keep one item, or set it aside with the reason."""
        try:
            reason = "not a JSON object, broken, or a key twice"
            row = flatten(item) if isinstance(item, dict) else None
        except (_TwiceError, RecursionError) as error:
            row, reason = None, str(error)
        if row is not None and any(has_broken_bytes(v) or "\0" in v for v in [*_cells(row.values()), *row]):
            row, reason = None, "bytes that are no text, or a zero byte"
        if row is None:
            self.rejects.append(Reject(self.file, place, reason, raw[:_KEEP]))
        else:
            self.rows.append(row)
            self.places.append(place)


def _from_array(items: list[Any], file: str) -> _Found:
    found = _Found(file)
    for place, item in enumerate(items, start=1):
        found.take(item, place, json.dumps(item, default=str))
    return found


def _from_lines(text: str, file: str) -> _Found:
    found = _Found(file)
    for place, line in enumerate(io.StringIO(text, newline=""), start=1):
        bare = line.strip("\ufeff \t\r\n")
        if not bare:
            continue
        item = None if has_broken_bytes(bare) else _loads(bare)
        found.take(item, place, bare)
    return found


def flatten(item: dict[str, Any], prefix: str = "") -> dict[str, str | None]:
    """One object as dotted names and text: `{"a": {"b": 1}}` gives `a.b`; lists stay JSON text."""
    flat: dict[str, str | None] = {}
    for key, value in item.items():
        name = f"{prefix}{key}"
        found = flatten(value, f"{name}.") if isinstance(value, dict) and value else {name: _text(value)}
        if found.keys() & flat.keys():
            raise _TwiceError(f"two values for {name!r} once nested names are joined by dots")
        flat.update(found)
    return flat


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return _written(value)


def _written(value: Any) -> str:
    """JSON text of a nested value, with the literals as they were."""
    if isinstance(value, _Literal):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {_written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _part(found: _Found, encoding: str) -> Part:
    names = list(dict.fromkeys(name for row in found.rows for name in row))
    if not names and found.rows:
        raise InputError(f"the objects of {found.file} have no keys; expected one key a column")
    data = pa.table({name: pa.array([row.get(name) for row in found.rows], pa.string()) for name in names})
    return Part(found.file, data, np.asarray(found.places, dtype=np.int64), found.rejects, encoding)


def _cells(values: Iterable[str | None]) -> Iterable[str]:
    return (v for v in values if v is not None)
