"""JSON and JSON lines: nested objects become dotted columns, every literal keeps its spelling."""

from __future__ import annotations

import io
import itertools
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from dovetail.errors import InputError
from dovetail.tables.delimited import KEEP, Part, doubts
from dovetail.tables.encoding import decode, encoded, has_broken_bytes
from dovetail.types import Reject

_SPACE = re.compile(r"[ \t\r\n]*")
_WRAPPER = re.compile(r'\{[ \t\r\n]*"(?:[^"\\]|\\.)*"[ \t\r\n]*:[ \t\r\n]*\[')


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
    found = _found(stripped, text, _Source(file, raw, encoding))
    return replace(_part(found, encoding), notes=doubts(text, encoding, file))


def _found(stripped: str, text: str, source: _Source) -> _Found:
    if stripped.startswith("["):
        return _from_array(stripped, 0, source)
    first = stripped.split("\n", 1)[0].strip()
    is_whole = _loads(first) is None or len(first) == len(stripped.rstrip())
    if is_whole and (document := _loads(stripped)) is not None:
        wrapper = _WRAPPER.match(stripped) if _is_wrapped(document) else None
        if wrapper:
            return _from_array(stripped, wrapper.end() - 1, source)
        found = _Found(source)
        found.take(document, 1, stripped)
        return found
    return _from_lines(text, source)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _TwiceError("a key stands twice in one object")
    return found


_DECODER = json.JSONDecoder(
    parse_float=_Literal, parse_int=_Literal, parse_constant=_Literal, object_pairs_hook=_object
)


def _loads(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def _is_wrapped(document: Any) -> bool:
    """Whether an object holds a list of objects and nothing else; otherwise it is one row, so that no key is lost."""
    only = next(iter(document.values())) if isinstance(document, dict) and len(document) == 1 else None
    return isinstance(only, list) and bool(only) and all(isinstance(i, dict) for i in only)


@dataclass(frozen=True)
class _Source:
    """A file as bytes, and how they are read."""

    file: str
    raw: bytes
    encoding: str

    def bytes_of(self, text: str) -> bytes:
        return encoded(text, self.raw, self.encoding)


@dataclass
class _Found:
    """Flat rows, where each stood, and what was set aside."""

    source: _Source
    rows: list[dict[str, str | None]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)

    def take(self, item: Any, place: int, text: str) -> None:
        """Keep one item, or set it aside with the reason."""
        try:
            reason = "not a JSON object, broken, or a key twice"
            row = flatten(item) if isinstance(item, dict) else None
        except (_TwiceError, RecursionError) as error:
            row, reason = None, str(error)
        if row is not None and any(has_broken_bytes(v) or "\0" in v for v in [*_cells(row.values()), *row]):
            row, reason = None, "bytes that are no text, or a zero byte"
        if row is None:
            raw = self.source.bytes_of(text)
            self.rejects.append(Reject(self.source.file, place, reason, text.strip("\ufeff \t\r\n")[:KEEP], raw))
        else:
            self.rows.append(row)
            self.places.append(place)


def _from_array(text: str, start: int, source: _Source) -> _Found:
    """The items of the array that begins at a position; one that is no sound object costs only itself."""
    found = _Found(source)
    at, closing = _after_space(text, start + 1), "}" if start else ""
    if text[at : at + 1] == "]":
        return found
    for place in itertools.count(1):
        item, end = _item(text, at, source.file)
        found.take(item, place, text[at:end])
        after = _after_space(text, end)
        if text[after : after + 1] == ",":
            at = _after_space(text, after + 1)
        elif text[after : after + 1] == "]" and "".join(text[after + 1 :].split()) == closing:
            break
        else:
            raise _broken(text, _after_space(text, after + (text[after : after + 1] == "]")), source.file)
    return found


def _item(text: str, at: int, file: str) -> tuple[Any, int]:
    """The item of an array that begins at a position, None where it has a key twice; and where it ends."""
    try:
        return _DECODER.raw_decode(text, at)
    except _TwiceError:
        return None, json.JSONDecoder().raw_decode(text, at)[1]
    except json.JSONDecodeError as error:
        raise _broken(text, error.pos, file) from None
    except (ValueError, RecursionError):
        raise _broken(text, at, file) from None


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _broken(text: str, at: int, file: str) -> InputError:
    line = text.count("\n", 0, at) + 1
    return InputError(
        f"{file} starts like a JSON array but is broken or cut off in line {line}; repair it, or "
        f"save it as JSON lines, where a broken row costs only itself"
    )


def _from_lines(text: str, source: _Source) -> _Found:
    found = _Found(source)
    for place, line in enumerate(io.StringIO(text, newline=""), start=1):
        bare = line.strip("\ufeff \t\r\n")
        if not bare:
            continue
        item = None if has_broken_bytes(bare) else _loads(bare)
        found.take(item, place, line)
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
        raise InputError(f"the objects of {found.source.file} have no keys; expected one key a column")
    data = pa.table({name: pa.array([row.get(name) for row in found.rows], pa.string()) for name in names})
    return Part(found.source.file, data, np.asarray(found.places, dtype=np.int64), found.rejects, encoding)


def _cells(values: Iterable[str | None]) -> Iterable[str]:
    return (v for v in values if v is not None)
