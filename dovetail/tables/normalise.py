"""Values in one comparable spelling. The originals are never changed: this gives new columns."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from dovetail.tables.dates import as_dates as as_dates
from dovetail.tables.dates import is_day_first, parse_date
from dovetail.tables.kinds import kind_of
from dovetail.tables.missing import MISSING
from dovetail.tables.numbers import as_numbers as as_numbers
from dovetail.tables.numbers import parse_money, parse_number, parse_quantity, spelled
from dovetail.types import Kind, Table

_ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-f]+|\w+);", re.IGNORECASE)
_TRACKING = re.compile(r"[?&](?:utm_\w+|gclid|fbclid|ref)=[^&#]*")
_JUNK = re.compile(r"[`\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\ufeff\ud800-\udfff]")


def plain_text(text: str) -> str:
    """Text as it is compared: entities decoded, compatible forms united, case and accents folded, blanks collapsed."""
    if "&" in text:
        text = _ENTITY.sub(lambda m: html.unescape(m[0]), text)
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(ch for ch in text if not unicodedata.combining(ch))
        text = unicodedata.normalize("NFKC", text)
    return " ".join(_JUNK.sub(" ", text.lower()).split()).strip("'\" ")


def _number(text: str) -> str:
    value = parse_number(text)
    return text if value is None else spelled(value)


def _money(text: str) -> str:
    found = parse_money(text)
    return text if found is None else spelled(found[0])


def _quantity(text: str) -> str:
    found = parse_quantity(text)
    return _number(text) if found is None else f"{spelled(found[0])} {found[1]}"


def _phone(text: str) -> str:
    digits = re.sub(r"\D", "", re.split(r"x|ext", text)[0])
    return digits if len(digits) >= 5 else text


def _url(text: str) -> str:
    bare = _TRACKING.sub("", re.sub(r"^[a-z]+://", "", text))
    return re.sub(r"^www\.", "", bare).rstrip("/") or text


_FORMS: dict[Kind, Callable[[str], str]] = {
    Kind.NUMBER: _number,
    Kind.MONEY: _money,
    Kind.QUANTITY: _quantity,
    Kind.PHONE: _phone,
    Kind.URL: _url,
}


def _date_form(column: pa.Array) -> Callable[[str], str]:
    day_first = is_day_first(v for v in column.slice(0, 20_000).to_pylist() if v)

    def form(text: str) -> str:
        found = parse_date(text, day_first=day_first)
        if found is None:
            return text
        return text[:4] if len(text) == 4 or text.endswith(".0") else found.isoformat()

    return form


def comparable(values: pa.Array | pa.ChunkedArray, kind: Kind) -> pa.Array:
    """Each cell in the one spelling that comparisons use, null where missing. Shape (n,), strings.

    A value that does not read as its kind keeps its text form: nothing is lost.
    """
    column = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if isinstance(column, pa.ChunkedArray):  # an empty one stays chunked
        column = pa.array([], pa.string())
    if not pa.types.is_string(column.type):
        column = pc.cast(column, pa.string())
    form = _date_form(column) if kind is Kind.DATE else _FORMS.get(kind)
    coded = column.dictionary_encode()
    spelt: list[str | None] = []
    for text in coded.dictionary.to_pylist():
        plain = plain_text(text)
        spelt.append(None if plain in MISSING else (form(plain) if form else plain))
    return pa.array(spelt, pa.string()).take(coded.indices)


def normalise(table: Table) -> Table:
    """The table with a column `<name>__normalised` beside each column that a kind-specific spelling changes.

    Numbers without thousands marks, quantities in base units, money as amount and currency, dates as ISO 8601,
    phones as digits, e-mails in lower case, URLs without tracking. Originals stay as they are.
    """
    data = table.data
    for name in table.columns:
        column = data[name]
        if not pa.types.is_string(column.type):
            continue
        kind = kind_of(column, name)
        if kind in (Kind.EMPTY, Kind.ID):
            continue
        spelt = _output_form(column, kind)
        if not pc.all(pc.fill_null(pc.equal(spelt, column.combine_chunks()), True)).as_py():
            position = data.column_names.index(name) + 1
            data = data.add_column(position, f"{name}__normalised", spelt)
    return Table(table.name, data, table.ids, table.rejects, table.id_column)


def _output_form(column: pa.ChunkedArray, kind: Kind) -> pa.Array:
    if kind is Kind.MONEY:
        coded = column.combine_chunks().dictionary_encode()
        return pa.array([_amount(t) for t in coded.dictionary.to_pylist()], pa.string()).take(coded.indices)
    if kind is Kind.CODE:
        return pc.utf8_upper(pc.replace_substring_regex(comparable(column, kind), "[^0-9a-z]", ""))
    return comparable(column, kind)


def _amount(text: str) -> str | None:
    found = parse_money(plain_text(text))
    if found is None:
        return None if plain_text(text) in MISSING else text
    return f"{found[0]:.2f} {found[1]}".strip()
