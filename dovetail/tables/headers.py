"""Does the first line of a table name its columns, or is it a row that was taken for names?"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from dovetail.tables.dates import parse_date
from dovetail.tables.kinds import EMAIL_FORM
from dovetail.tables.numbers import parse_number
from dovetail.types import Table

_WHOLE = re.compile(r"\d{1,4}")  # years, quarters and running numbers do name columns
_SHOWN = 3


def header_doubt(table: Table) -> str | None:
    """Why the names of the columns look like a row of values; None where they look like names.

    Values are e-mail addresses, dates and numbers that no column would be called by: one is enough. So are two columns
    that hold their own name, which in 600 public tables three single ones did, each once.
    """
    values = [name for name in table.columns if _is_value(name)]
    held = [name for name in table.columns if name not in values and _stands_in(name, table.data[name])]
    values += held if len(held) > 1 or values else []
    if not values or _repeats(table):
        return None
    shown = ", ".join(map(repr, values[:_SHOWN]))
    named = "a column is" if len(values) == 1 else f"{len(values)} columns are"
    return (
        f"{named} called like a value ({shown}): the first line may be a row, which is then missing; "
        f"if the file has no header, put one above it"
    )


def _is_value(name: str) -> bool:
    text = name.strip()
    if _WHOLE.fullmatch(text):
        return False
    number = parse_number(text) is not None and any(c.isdigit() for c in text) and not any(c.isalpha() for c in text)
    return number or EMAIL_FORM.fullmatch(text) is not None or _is_day(text)


def _is_day(text: str) -> bool:
    return any(c.isdigit() for c in text) and len(text) >= 8 and parse_date(text, day_first=True) is not None


def _stands_in(name: str, column: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_string(column.type) and pc.any(pc.equal(column, name)).as_py())


def _repeats(table: Table) -> bool:
    """Whether some row repeats the whole header, as in files that were joined end to end."""
    same = None
    for name in table.columns:
        column = table.data[name]
        if not pa.types.is_string(column.type):
            return False
        equal = pc.fill_null(pc.equal(column, name), False)
        same = equal if same is None else pc.and_(same, equal)
    return same is not None and bool(pc.any(same).as_py())
