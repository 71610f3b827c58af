"""Numbers, amounts of money and quantities, read out of the ways people write them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

# For each base unit the units that lead to it: how they are written, then how many base units they are.
_BASES = {
    "m": "m meter meters metre metres 1 mm 1e-3 cm 1e-2 km 1e3 μm um 1e-6 nm 1e-9 in inch inches \" '' 0.0254 "
    "ft feet foot 0.3048 yd yard yards 0.9144 mile miles 1609.344",
    "g": "g gr gram grams 1 mg 1e-3 μg ug 1e-6 kg kgs kilogram kilograms 1e3 t tonne tonnes 1e6 oz ounce ounces "
    "28.349523 lb lbs pound pounds 453.59237",
    "l": "l ltr litre liter litres liters 1 ml 1e-3 cl 1e-2 dl 0.1 gal gallon gallons 3.785412 pt 0.473176 qt 0.946353 "
    "floz 0.0295735",
    "m2": "m2 m² sqm 1 km2 km² 1e6 ft2 sqft 0.092903 ha 1e4 acre acres 4046.856",
    "s": "s sec seconds 1 ms 1e-3 min mins minute minutes 60 h hr hrs hour hours 3600 day days 86400",
    "byte": "b byte bytes 1 kb kbyte 1e3 mb mbyte 1e6 gb gbyte 1e9 tb tbyte 1e12",
    "bit/s": "kbps kbit/s 1e3 mbps mbit/s 1e6 gbps gbit/s 1e9",
    "w": "w watt watts 1 kw 1e3 hp 745.7",
    "wh": "wh 1 kwh 1e3",
    "v": "v volt volts 1 mv 1e-3 kv 1e3",
    "a": "amp amps 1 ma 1e-3",
    "hz": "hz 1 khz 1e3 mhz 1e6 ghz 1e9",
    "pa": "kpa 1e3 bar 1e5 psi 6894.757",
    "km/h": "km/h kph 1 mph 1.609344",
    "px": "px pixel pixels 1",
    "mp": "mp megapixel megapixels 1",
} | {unit: f"{unit} 1" for unit in ("%", "mah", "dpi", "rpm", "btu", "db", "fps", "°", "°c", "°f")}


def _units() -> Iterator[tuple[str, tuple[str, float]]]:
    for base, written in _BASES.items():
        waiting: list[str] = []
        for word in written.split():
            if word[0].isdigit():
                yield from ((unit, (base, float(word))) for unit in waiting)
                waiting = []
            else:
                waiting.append(word)


_UNITS = dict(_units())

_CURRENCIES = {
    "$": "USD", "us$": "USD", "usd": "USD", "€": "EUR", "eur": "EUR", "euro": "EUR", "£": "GBP", "gbp": "GBP",
    "¥": "JPY", "jpy": "JPY", "chf": "CHF", "fr.": "CHF", "cad": "CAD", "aud": "AUD", "sek": "SEK", "kr": "SEK",
    "inr": "INR", "₹": "INR", "rs.": "INR", "cny": "CNY", "pln": "PLN", "zł": "PLN", "kč": "CZK", "czk": "CZK",
}  # fmt: skip

_NUMBER = r"[-+−]?(?:\d{1,3}(?:[ ,.'\u00a0\u202f]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?|[.,]\d+)(?:e[-+]?\d+)?"
_QUANTITY = re.compile(rf"\s*({_NUMBER})\s*[- ]?\s*([a-zμ°\"'%][a-z'²2/]*\.?)?\s*", re.IGNORECASE)
_CURRENCY = "|".join(re.escape(c) for c in sorted(_CURRENCIES, key=len, reverse=True))
_MONEY = re.compile(
    rf"\s*(-?)((?:(?:{_CURRENCY})[\s,:]*){{0,2}})({_NUMBER})(?:[.,]-{{1,2}})?"
    rf"(?:\s*(k|mn?|mio|million|bn|billion|trillion)\b\.?)?((?:[\s,]*(?:{_CURRENCY})){{0,2}})\s*",
    re.IGNORECASE,
)
_EACH_CURRENCY = re.compile(_CURRENCY, re.IGNORECASE)
_TIMES = {
    "": 1.0,
    "k": 1e3,
    "m": 1e6,
    "mn": 1e6,
    "mio": 1e6,
    "million": 1e6,
    "bn": 1e9,
    "billion": 1e9,
    "trillion": 1e12,
}


def parse_number(text: str) -> float | None:
    """`1,099.00`, `1.099,00`, `1 099`, `.5`, `1e5` as a number; None for anything else.

    A single separator followed by exactly three digits is read as thousands only where it repeats or a decimal
    follows; `1,099` alone is thousands, `1.099` alone is a decimal, as in the spreadsheets that most files come from.
    """
    text = text.strip().replace("−", "-").replace("\u00a0", " ").replace("\u202f", " ")
    if not re.fullmatch(_NUMBER, text, re.IGNORECASE):
        return None
    text = text.replace(" ", "").replace("'", "")
    comma, dot = text.rfind(","), text.rfind(".")
    if comma >= 0 and dot >= 0:
        text = text.replace(",", "") if dot > comma else text.replace(".", "").replace(",", ".")
    elif comma >= 0:
        thousands = text.count(",") > 1 or re.search(r"\d,\d{3}(?!\d)", text)
        text = text.replace(",", "") if thousands else text.replace(",", ".")
    elif text.count(".") > 1:
        text = text.replace(".", "")
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def parse_money(text: str) -> tuple[float, str] | None:
    """`$1,099.00`, `EUR 12,50`, `$3.1bn` as amount and currency ("" where none is said); None for anything else."""
    match = _MONEY.fullmatch(text)
    if not match:
        return None
    value, times = parse_number(match[3]), (match[4] or "").casefold()
    currency = _currency(match[2] + " " + match[5])
    if value is None or (times and not currency and len(times) < 4):  # `3 m` may be metres
        return None
    return (-value if match[1] else value) * _TIMES[times], currency


def _currency(text: str) -> str:
    """The currency that is named, by code rather than by sign: `CAD $` is Canadian."""
    said = [found.casefold() for found in _EACH_CURRENCY.findall(text)]
    return _CURRENCIES[max(said, key=lambda c: (c.isalpha() and len(c) == 3, len(c)))] if said else ""


def parse_quantity(text: str) -> tuple[float, str] | None:
    """`2.5 kg` as 2500, `g`: value in the base unit and that unit; None where the unit is unknown or missing."""
    match = _QUANTITY.fullmatch(text)
    if not match or not match[2]:
        return None
    value, unit = parse_number(match[1]), _UNITS.get(match[2].casefold().rstrip("."))
    if value is None or unit is None:
        return None
    return value * unit[1], unit[0]


def spelled(value: float) -> str:
    """One spelling for one number: no exponent for whole numbers, six decimals or six digits at most."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    if abs(value) < 1e-3:
        return f"{value:.6g}"
    return f"{value:.6f}".rstrip("0").rstrip(".")


_COMMA = re.compile(r"\d,(?:\d{1,2}|\d{4,})(?![\d.,])|\d\.\d{3},\d|(?<![\d.,])0,\d{3}(?!\d)")
_DOT = re.compile(r"\d\.(?:\d{1,2}|\d{4,})(?![\d.,])|\d,\d{3}\.\d|(?<![\d.,])0\.\d{3}(?!\d)")
_EITHER = re.compile(r"(?<![\d.,])[1-9]\d{0,2},\d{3}(?![\d.,])")
_SETTLED = re.compile(r"(?<![\d.,])[1-9]\d{0,2}\.\d{3}(?![\d.,])")
_AT_MOST = 10  # numbers like `3.500` that one which tells can settle: a slip of one cell turns no column


def has_decimal_comma(texts: Iterable[str]) -> bool:
    """Whether the numbers of a column are written `1.234,50`, so that its `3.500` is three thousand five hundred.

    Only numbers that can be read in one way tell: one with a decimal point says no, and so do more thousands like
    `1,099` than decimals like `12,5`, or more than ten times as many numbers like `3.500`.
    """
    told = settled = 0
    for text in texts:
        if "," not in text and "." not in text:
            continue
        comma, dot, either = (pattern.search(text) for pattern in (_COMMA, _DOT, _EITHER))
        is_settled = not comma and _SETTLED.search(text) is not None
        if (comma or dot or either or is_settled) and not np.isnan(_any_number(text)):
            if dot:
                return False
            settled += is_settled
            told += 1 if comma else -1 if either else 0
    return told > 0 and settled <= _AT_MOST * told


def with_point(text: str) -> str:
    """A number of a column with decimal commas, written with a decimal point; what is no number stays as it is."""
    pointed = re.sub(r"(?<=\d),(?=\d)", ".", re.sub(r"(?<=\d)\.(?=\d{3}(?!\d))", "", text))
    return text if np.isnan(_any_number(pointed)) else pointed


def as_numbers(values: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """The number in each cell, money and quantities too (in base units); NaN where there is none. Shape (n,).

    Whether a comma is the decimal mark is read off the column.
    """
    column = values if pa.types.is_string(values.type) else pc.cast(values, pa.string())
    if not has_decimal_comma(text for text in pc.unique(column).to_pylist() if text):
        return over_distinct(column, _any_number, np.nan)
    return over_distinct(column, lambda text: _any_number(with_point(text)), np.nan)


def _any_number(text: str) -> float:
    plain = parse_number(text)
    if plain is not None:
        return plain
    found = parse_money(text) or parse_quantity(text)
    return found[0] if found else np.nan


def over_distinct(
    values: pa.Array | pa.ChunkedArray, read: Callable[[str], Any], missing: Any, dtype: str = "float64"
) -> npt.NDArray[Any]:
    """Apply `read` once to each distinct text and spread the results; `missing` for nulls."""
    column = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if not pa.types.is_string(column.type):
        column = pc.cast(column, pa.string())
    coded = column.dictionary_encode()
    table: npt.NDArray[Any] = np.array([read(t) for t in coded.dictionary.to_pylist()] + [missing], dtype=dtype)
    codes: npt.NDArray[np.int64] = pc.fill_null(coded.indices, len(coded.dictionary)).to_numpy(zero_copy_only=False)
    return np.asarray(table[codes])
