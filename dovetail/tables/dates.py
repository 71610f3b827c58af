"""Dates, in the ways people write them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.tables.numbers import over_distinct

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar janvier enero gennaio", "feb february februar février febrero febbraio",
            "mar march märz mars marzo mrz", "apr april avril abril aprile", "may mai mayo maggio",
            "jun june juni juin junio giugno", "jul july juli juillet julio luglio", "aug august août agosto",
            "sep sept september septembre septiembre settembre", "oct october oktober octobre octubre ottobre okt",
            "nov november novembre noviembre", "dec december dezember décembre diciembre dicembre dez",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ].*)?")
_COMPACT = re.compile(r"(1[5-9]\d\d|20\d\d)(\d\d)(\d\d)")
_SLASHED = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})(?: .*)?")
_SHORT = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{2})")
_YEAR = re.compile(r"-?(1[0-9]\d\d|20\d\d)(?:\.0)?")  # data frames write 1999 as 1999.0, spreadsheets (1999) as -1999
_YEAR_MONTH = re.compile(r"(1[0-9]\d\d|20\d\d)-(\d{1,2})")
_WORDY = re.compile(r"(?:\w{3,9},?\s+)?(\d{1,2})(?:st|nd|rd|th)?[ .-]*([^\W\d]{3,10})[ .,-]+(\d{4})")
_MONTH_YEAR = re.compile(r"([^\W\d]{3,10})\.?[ ,-]+(1[0-9]\d\d|20\d\d)")
_WORDY_US = re.compile(r"([^\W\d]{3,10})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})")


_AROUND = "()[].,; "


def parse_date(text: str, *, day_first: bool | None = None) -> date | None:
    """`1971-06-24`, `19560409`, `24/06/1971`, `June 24, 1971`, `(1994).` (its first day) as a date; None otherwise.

    `day_first` settles `05/06/2001`; where it is None and both readings are possible, there is no date.
    """
    text = text.strip(_AROUND)
    for pattern, order in ((_ISO, "ymd"), (_COMPACT, "ymd"), (_WORDY, "dmy"), (_WORDY_US, "mdy")):
        match = pattern.fullmatch(text)
        if match:
            found = dict(zip(order, match.groups(), strict=True))
            return _date(found["y"], _month(found["m"]), found["d"])
    if match := _SLASHED.fullmatch(text):
        return _ordered(match[1], match[2], match[3], _dotted(text, day_first))
    if match := _SHORT.fullmatch(text):
        year = int(match[3])
        return _ordered(match[1], match[2], str(year + (1900 if year > 30 else 2000)), _dotted(text, day_first))
    if match := _YEAR_MONTH.fullmatch(text):
        return _date(match[1], int(match[2]), "1")
    if match := _MONTH_YEAR.fullmatch(text):
        return _date(match[2], _month(match[1]), "1")
    if match := _YEAR.fullmatch(text):
        return _date(match[1], 1, "1")
    return None


def iso_date(text: str, *, day_first: bool | None = None) -> str | None:
    """A date as ISO 8601 writes it, no finer than it was given: `1994`, `1994-06` or `1994-06-24`; None otherwise."""
    found = parse_date(text, day_first=day_first)
    if found is None:
        return None
    text = text.strip(_AROUND)
    if _YEAR.fullmatch(text):
        return f"{found.year:04d}"
    whole = not (_YEAR_MONTH.fullmatch(text) or (_MONTH_YEAR.fullmatch(text) and not _WORDY_US.fullmatch(text)))
    return found.isoformat() if whole else found.isoformat()[:7]


def _dotted(text: str, day_first: bool | None) -> bool | None:
    """Where the column does not tell: `5.6.2001` has the day first, whoever writes dots."""
    return True if day_first is None and "." in text else day_first


def _ordered(first: str, second: str, year: str, day_first: bool | None) -> date | None:
    if int(first) > 12:
        day_first = True
    elif int(second) > 12:
        day_first = False
    elif first == second:
        day_first = True
    if day_first is None:
        return None
    day, month = (first, second) if day_first else (second, first)
    return _date(year, int(month), day)


def _month(text: str) -> int:
    return int(text) if text.isdigit() else _MONTHS.get(text.casefold().rstrip("."), 0)


def _date(year: str, month: int, day: str) -> date | None:
    try:
        return date(int(year), month, int(day))
    except ValueError:
        return None


def is_day_first(values: Iterable[str]) -> bool | None:
    """Whether `05/06/2001` means the fifth of June in a column; None where its values do not tell."""
    day, month = orders(values)
    return None if day == month else day > month


def orders(values: Iterable[str]) -> tuple[int, int]:
    """How many values of a column can only have the day first, and how many only the month."""
    day = month = 0
    for value in values:
        match = _SLASHED.fullmatch(value.strip()) or _SHORT.fullmatch(value.strip())
        if match:
            day += int(match[1]) > 12
            month += int(match[2]) > 12
    return day, month


def as_dates(values: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.datetime64]:
    """The date in each cell, NaT where there is none; which of day and month comes first is read off the column."""
    column = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if not pa.types.is_string(column.type):
        column = pc.cast(column, pa.string())
    day_first = is_day_first(v for v in pc.unique(column).to_pylist() if v)

    def read(text: str) -> np.datetime64:
        found = parse_date(text, day_first=day_first)
        return np.datetime64(found, "D") if found else np.datetime64("NaT", "D")

    return over_distinct(column, read, np.datetime64("NaT", "D"), dtype="datetime64[D]")
