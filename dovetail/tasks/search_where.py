"""Filters on the other columns of documents: what people write, as a condition for SQLite."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from dovetail.errors import InputError, UnknownName

_SIGNS = ("=", "!=", ">=", "<=", ">", "<", "in", "contains")
_WRITTEN = re.compile(r"^\s*(?P<column>.+?)\s*(?P<sign>!=|>=|<=|=|>|<)\s*(?P<value>.*?)\s*$")


def parse_where(conditions: Sequence[str]) -> dict[str, Any]:
    """Conditions as they are typed, `year>=2000` or `journal=Nature`, as `where` takes them."""
    found: dict[str, Any] = {}
    for condition in conditions:
        match = _WRITTEN.match(condition)
        if match is None:
            raise InputError(f"the filter {condition!r} is not understood; write column=value or column>=value")
        found.setdefault(match["column"], {})[match["sign"]] = _number(match["value"])
    return found


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def condition_of(where: Mapping[str, Any], known: Sequence[str]) -> tuple[str, list[Any]]:
    """An SQL condition over the table of documents, and its values.

    `where` says for each column a value, a list of values, or signs with values: `{"year": {">=": 2000}}`. Numbers are
    compared as numbers, everything else as text.
    """
    if not isinstance(where, Mapping):
        raise InputError(f"the filter {where!r} is not understood; expected a column with a value, {{'year': 1999}}")
    parts: list[str] = []
    values: list[Any] = []
    for column, wish in where.items():
        if column not in known:
            raise UnknownName("column", column, known, "the documents")
        for sign, value in _wishes(column, wish).items():
            condition, added = _single(column, sign, value)
            parts.append(condition)
            values += added
    return " AND ".join(parts) or "1", values


def _wishes(column: str, wish: Any) -> Mapping[str, Any]:
    if isinstance(wish, Mapping):
        strange = next((s for s in wish if s not in _SIGNS), None)
        if strange is not None:
            raise InputError(f"the filter on {column!r} has {strange!r}; expected one of {', '.join(_SIGNS)}")
        return wish
    return {"in": wish} if isinstance(wish, list | tuple | set) else {"=": wish}


def _single(column: str, sign: str, value: Any) -> tuple[str, list[Any]]:
    cell, path = "json_extract(fields, ?)", f"$.{json.dumps(column, ensure_ascii=False)}"
    if value is None:
        return f"{cell} IS {'NOT ' if sign == '!=' else ''}NULL", [path]
    if sign == "contains":
        return f"instr(lower({cell}), lower(?)) > 0", [path, str(value)]
    if sign == "in":
        wished = [_single(column, "=", v) for v in value]
        return "(" + (" OR ".join(c for c, _ in wished) or "0") + ")", [x for _, added in wished for x in added]
    if isinstance(value, bool) or not isinstance(value, int | float):
        plain = value if isinstance(value, bool) else str(value)
        return f"{cell} {sign} ?", [path, plain]
    numeric = f"(typeof({cell}) IN ('integer', 'real') OR {cell} GLOB '[-+.0-9]*')"
    return f"({numeric} AND CAST({cell} AS REAL) {sign} ?)", [path, path, path, float(value)]
