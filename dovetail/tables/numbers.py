"""Numbers, amounts of money and quantities, read out of the ways people write them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

# unit: (base unit, factor). Lengths in metres, masses in grams, volumes in litres, times in seconds, data in bytes.
_UNITS: dict[str, tuple[str, float]] = {
    "mm": ("m", 1e-3), "cm": ("m", 1e-2), "m": ("m", 1.0), "km": ("m", 1e3), "in": ("m", 0.0254), "inch": ("m", 0.0254),
    "inches": ("m", 0.0254), '"': ("m", 0.0254), "''": ("m", 0.0254), "ft": ("m", 0.3048), "feet": ("m", 0.3048),
    "foot": ("m", 0.3048), "yd": ("m", 0.9144), "mile": ("m", 1609.344), "miles": ("m", 1609.344),
    "mg": ("g", 1e-3), "g": ("g", 1.0), "gr": ("g", 1.0), "gram": ("g", 1.0), "grams": ("g", 1.0), "kg": ("g", 1e3),
    "oz": ("g", 28.349523), "ounce": ("g", 28.349523), "ounces": ("g", 28.349523), "lb": ("g", 453.59237),
    "lbs": ("g", 453.59237), "pound": ("g", 453.59237), "pounds": ("g", 453.59237), "t": ("g", 1e6),
    "ml": ("l", 1e-3), "cl": ("l", 1e-2), "dl": ("l", 0.1), "l": ("l", 1.0), "ltr": ("l", 1.0), "litre": ("l", 1.0),
    "liter": ("l", 1.0), "litres": ("l", 1.0), "liters": ("l", 1.0), "gal": ("l", 3.785412), "gallon": ("l", 3.785412),
    "pt": ("l", 0.473176), "qt": ("l", 0.946353), "floz": ("l", 0.0295735),
    "b": ("byte", 1.0), "kb": ("byte", 1e3), "mb": ("byte", 1e6), "gb": ("byte", 1e9), "tb": ("byte", 1e12),
    "w": ("w", 1.0), "kw": ("w", 1e3), "watt": ("w", 1.0), "watts": ("w", 1.0), "v": ("v", 1.0), "volt": ("v", 1.0),
    "volts": ("v", 1.0), "mah": ("mah", 1.0), "hz": ("hz", 1.0), "khz": ("hz", 1e3), "mhz": ("hz", 1e6),
    "ghz": ("hz", 1e9), "ms": ("s", 1e-3), "s": ("s", 1.0), "sec": ("s", 1.0), "min": ("s", 60.0), "mins": ("s", 60.0),
    "minutes": ("s", 60.0), "h": ("s", 3600.0), "hr": ("s", 3600.0), "hrs": ("s", 3600.0), "hours": ("s", 3600.0),
    "%": ("%", 1.0), "dpi": ("dpi", 1.0), "rpm": ("rpm", 1.0), "btu": ("btu", 1.0), "mp": ("mp", 1.0),
}  # fmt: skip

_CURRENCIES = {
    "$": "USD", "us$": "USD", "usd": "USD", "€": "EUR", "eur": "EUR", "euro": "EUR", "£": "GBP", "gbp": "GBP",
    "¥": "JPY", "jpy": "JPY", "chf": "CHF", "fr.": "CHF", "cad": "CAD", "aud": "AUD", "sek": "SEK", "kr": "SEK",
    "inr": "INR", "₹": "INR", "rs.": "INR", "cny": "CNY", "pln": "PLN", "zł": "PLN", "kč": "CZK", "czk": "CZK",
}  # fmt: skip

_NUMBER = r"[-+−]?(?:\d{1,3}(?:[ ,.'\u00a0\u202f]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?|[.,]\d+)(?:e[-+]?\d+)?"
_QUANTITY = re.compile(rf"\s*({_NUMBER})\s*[- ]?\s*([a-z\"'%]+\.?)?\s*", re.IGNORECASE)
_MONEY = re.compile(
    rf"\s*({'|'.join(re.escape(c) for c in sorted(_CURRENCIES, key=len, reverse=True))})?\s*({_NUMBER})\s*"
    rf"({'|'.join(re.escape(c) for c in sorted(_CURRENCIES, key=len, reverse=True))})?\s*",
    re.IGNORECASE,
)


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
    """`$1,099.00`, `EUR 12,50` as amount and currency ("" where none is said); None for anything else."""
    match = _MONEY.fullmatch(text)
    if not match:
        return None
    value = parse_number(match[2])
    if value is None:
        return None
    currency = (match[1] or match[3] or "").casefold()
    return value, _CURRENCIES.get(currency, "")


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
    """One spelling for one number: no exponent for whole numbers, at most six decimals."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.6f}".rstrip("0").rstrip(".")


def as_numbers(values: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """The number in each cell, money and quantities too (in base units); NaN where there is none. Shape (n,)."""
    return over_distinct(values, _any_number, np.nan)


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
    table = np.array([read(t) for t in coded.dictionary.to_pylist()] + [missing], dtype=dtype)
    codes = pc.fill_null(coded.indices, len(coded.dictionary)).to_numpy(zero_copy_only=False)
    return table[codes]
