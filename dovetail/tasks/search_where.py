"""Filters on documents: what people write, as tests of the cells of a column."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

import numpy as np

from dovetail.errors import InputError

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_SIGNS = ("=", "!=", *_ORDER, "in", "not in", "contains", "not contains")
_TYPED = {"~": "contains", "!~": "not contains"}
_WRITTEN = re.compile(r"^\s*(?P<column>.+?)\s*(?P<sign>!=|>=|<=|!~|=|>|<|~)\s*(?P<value>.*?)\s*$", re.DOTALL)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_TOLD = 15  # digits of a whole number that a float tells apart
_DATE = re.compile(r"\d{4}-\d\d")
_PART_OF_DATE = re.compile(r"\d{4}(-\d\d){0,2}")
_TRUTH = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}

Test = Callable[[Any], bool]


def parse_where(conditions: Sequence[str]) -> dict[str, Any]:
    """Conditions as they are typed, as `where` takes them.

    `year>=2000`, `journal=Nature`, `journal=Nature|Science` (either), `text~gene therapy` (contains), `text!~review`,
    `year=` (no value), `year!=` (any value).
    """
    found: dict[str, Any] = {}
    for condition in conditions:
        match = _WRITTEN.match(condition)
        if match is None:
            raise InputError(f"the filter {condition!r} is not understood; write column=value, or != >= <= > < ~ !~")
        sign, value = _typed(match["sign"], match["value"])
        if sign in found.setdefault(match["column"], {}):
            raise InputError(
                f"two filters say {match['column']}{match['sign']}…; write column=one|other where either will do"
            )
        found[match["column"]][sign] = value
    return found


def _typed(sign: str, text: str) -> tuple[str, Any]:
    if sign in _TYPED:
        return _TYPED[sign], text
    if text == "" and sign in ("=", "!="):
        return sign, None
    if "|" in text and sign in ("=", "!="):
        return "in" if sign == "=" else "not in", [_number(one.strip()) for one in text.split("|")]
    return sign, _number(text)


def _number(text: str) -> Any:
    """A number where a text is one; a code such as 007 stays text, and so does an id too long for a float."""
    digits = text.lstrip("+-")
    coded = digits.startswith("0") and digits[1:2].isdigit()
    is_id = digits.isdigit() and len(digits) > _TOLD
    return float(text) if _NUMBER.fullmatch(text) and not coded and not is_id else text


def wishes_of(where: Any) -> dict[str, Mapping[str, Any]]:
    """For each column the signs with their values: `{"year": {">=": 2000}}`; a value alone is `=`, a list is `in`."""
    if not isinstance(where, Mapping):
        raise InputError(f"the filter {where!r} is not understood; expected a column with a value, {{'year': 1999}}")
    return {str(column): _wishes(str(column), wish) for column, wish in where.items()}


def _wishes(column: str, wish: Any) -> Mapping[str, Any]:
    if not isinstance(wish, Mapping):
        return {"in": wish} if _many(wish) else {"=": wish}
    strange = next((s for s in wish if s not in _SIGNS), None)
    if strange is not None or not wish:
        raise InputError(f"the filter on {column!r} has {strange!r}; expected one of {', '.join(_SIGNS)}")
    return wish


def _many(value: Any) -> bool:
    return isinstance(value, Sequence | Set | np.ndarray) and not isinstance(value, str | bytes)


def fitting(column: str, wishes: Mapping[str, Any], cells: Sequence[Any]) -> list[bool]:
    """Whether each cell of a column fits all that is wished. A cell that is a list fits where one of its values does.

    Numbers are compared as numbers, dates (ISO 8601) as far as the wished one is written, and everything else as text.
    Raises `InputError` where a wish cannot be compared with any value of the column.
    """
    fits = [True] * len(cells)
    for sign, value in wishes.items():
        _check_comparable(column, sign, value, cells)
        test, known = _test(column, sign, value), dict[Any, bool]()
        for place, cell in enumerate(cells):
            key = (type(cell), str(cell))
            if key not in known:
                known[key] = test(cell)
            fits[place] = fits[place] and known[key]
    return fits


def _test(column: str, sign: str, value: Any) -> Test:
    """A wish as a test of a cell; None is a cell without a value."""
    if sign.startswith("not ") or sign == "!=":
        if value is None:
            return lambda cell: cell is not None
        inner = _test(column, "=" if sign == "!=" else sign.removeprefix("not "), value)
        return lambda cell: cell is not None and not inner(cell)
    if sign == "in":
        if not _many(value):
            raise InputError(f"the filter on {column!r} says in {value!r}; expected a list of values")
        tests = [_test(column, "=", one) for one in value]
        return lambda cell: any(test(cell) for test in tests)
    if value is None:
        if sign != "=":
            raise InputError(f"the filter on {column!r} says {sign} nothing; expected a value, or = for no value")
        return lambda cell: cell is None
    single = _single(sign, _plain(column, value))
    return lambda cell: any(single(one) for one in (cell if isinstance(cell, list) else [cell]) if one is not None)


def _single(sign: str, value: bool | float | str) -> Test:
    """A wish as a test of one value that is there."""
    if sign == "contains":
        folded = _shown(value).casefold()
        return lambda one: folded in _shown(one).casefold()
    if isinstance(value, bool):
        return lambda one: sign == "=" and _TRUTH.get(_shown(one).casefold()) is value
    compare = operator.eq if sign == "=" else _ORDER[sign]
    return lambda one: _compared(one, compare, value)


def _compared(one: Any, compare: Callable[[Any, Any], bool], value: float | str) -> bool:
    said, wished = _shown(one), _shown(value)
    if _DATE.match(said) and _PART_OF_DATE.fullmatch(wished):
        return compare(said[: len(wished)], wished)
    number = number_of(one)
    if not isinstance(value, str):
        return number is not None and compare(number, value)
    if compare is not operator.eq and number is not None and _NUMBER.fullmatch(value):
        return compare(number, float(value))
    return compare(said, value)


def number_of(cell: Any) -> float | None:
    """A cell as a number, or None where it is none."""
    if isinstance(cell, int | float):
        return float(cell)
    text = str(cell).strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def _shown(value: Any) -> str:
    """A value as text: whole numbers without a point, truth in small letters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _plain(column: str, value: Any) -> bool | float | str:
    """What cells are compared with: truth, a number or a text."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | float | decimal.Decimal | np.number):
        if math.isnan(value):
            raise InputError(f"the filter on {column!r} compares with NaN; write None for no value")
        whole = isinstance(value, int | np.integer) and abs(int(value)) >= 10**_TOLD
        return str(value) if whole else float(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, str):
        return value
    raise InputError(f"the filter on {column!r} has a value of type {type(value).__name__}; expected a number or text")


def _check_comparable(column: str, sign: str, value: Any, cells: Sequence[Any]) -> None:
    """Refuse more or less than a number where no value of the column is a number or a date."""
    if sign not in _ORDER or not isinstance(value, int | float | decimal.Decimal | np.number):
        return
    some = [one for cell in cells for one in (cell if isinstance(cell, list) else [cell]) if one is not None]
    if some and not any(number_of(one) is not None or _DATE.match(str(one)) for one in some):
        raise InputError(
            f"the filter {column}{sign}{_shown(float(value))} compares with a number, and {column!r} holds none, "
            f"but values such as {str(some[0])[:40]!r}; compare with one of these"
        )
