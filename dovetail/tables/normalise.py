"""Values in one comparable spelling. The originals are never changed: this gives new columns."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from dovetail.tables.clean import ENTITY, is_text, joined_quotes, over_texts, repaired_encoding
from dovetail.tables.dates import as_dates as as_dates
from dovetail.tables.dates import is_day_first, iso_date
from dovetail.tables.kinds import kind_of
from dovetail.tables.missing import MISSING
from dovetail.tables.numbers import as_numbers as as_numbers
from dovetail.tables.numbers import (
    has_decimal_comma,
    parse_money,
    parse_number,
    parse_quantity,
    spelled,
    with_point,
)
from dovetail.types import Kind, Table

NUMERIC = (Kind.NUMBER, Kind.MONEY, Kind.QUANTITY)
_ADDED = "__normalised"
_TRACKING = re.compile(r"(?:utm_\w+|gclid|fbclid|msclkid|ref)=.*")
_JUNK = re.compile(r"[`\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffd\ud800-\udfff]")
_MARKS = re.compile(r"[\u0300-\u036f]")  # accents on Latin, Greek and Cyrillic; the marks of other scripts are letters
_FOLDED = str.maketrans(
    {
        "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h", "ı": "i", "ŧ": "t",
        "’": "'", "‘": "'", "‚": "'", "´": "'", "′": "'", "“": '"', "”": '"', "„": '"', "″": '"', "«": '"', "»": '"',
        "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-", "⁄": "/", "™": " ", "®": " ", "©": " ", "×": "x",
    }
)  # fmt: skip


def plain_text(text: str) -> str:
    """Text as it is compared: decoded, case and accents folded, compatible forms united, blanks collapsed.

    Doing it twice gives the same as doing it once.
    """
    if text.isascii() and "&" not in text and "\\" not in text:
        return _unquoted(" ".join(_JUNK.sub(" ", text.lower()).split()))
    for _ in range(12):  # what is decoded may itself be encoded, as in `&amp;lt;`
        plain = _folded(text)
        if plain == text or (plain.isascii() and "&" not in plain and "\\" not in plain):
            return plain
        text = plain
    return text


def _unquoted(text: str) -> str:
    """Without quotes at the edges; those after a number stay, they are inches and feet."""
    bare = text.strip("'\" ")
    return text if len(bare) < len(text) and bare[-1:].isdecimal() and text.startswith(bare) else bare


def _folded(text: str) -> str:
    if "&" in text:
        text = ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    if "\\" in text:
        text = joined_quotes(text)
    if not text.isascii():
        text = repaired_encoding(text).translate(_FOLDED)
        text = unicodedata.normalize("NFKD", text.casefold()).casefold()
        text = unicodedata.normalize("NFKC", _MARKS.sub("", text)).translate(_FOLDED)
    return _unquoted(" ".join(_JUNK.sub(" ", text.lower()).split()))


def _number(text: str) -> str:
    value = parse_number(text)
    if value is None or sum(ch.isdigit() for ch in text) > 15:  # more digits than a float keeps
        return text
    return spelled(value)


def _money(text: str) -> str:
    found = parse_money(text)
    return text if found is None else spelled(found[0])


def _quantity(text: str) -> str:
    found = parse_quantity(text)
    return _number(text) if found is None else f"{spelled(found[0])} {found[1]}"


def _phone(text: str) -> str:
    number = re.split(r"x|ext", text)[0]
    digits = re.sub(r"\D", "", number)
    if not 5 <= len(digits) <= 15 or sum(ch.isalpha() for ch in number) > 4:  # several numbers, or words about them
        return text
    return digits[2:] if digits.startswith("00") and len(digits) > 10 else digits


def _url(text: str) -> str:
    address, _, query = re.sub(r"^[a-z]+://", "", text).partition("?")
    kept = "&".join(part for part in query.split("&") if part and not _TRACKING.fullmatch(part))
    address = re.sub(r"^www\.", "", address).rstrip("/")
    return (f"{address}?{kept}" if kept else address) or text


_FORMS: dict[Kind, Callable[[str], str]] = {
    Kind.NUMBER: _number,
    Kind.MONEY: _money,
    Kind.QUANTITY: _quantity,
    Kind.PHONE: _phone,
    Kind.URL: _url,
}


def _date_form(texts: Iterable[str], otherwise: bool | None) -> Callable[[str], str]:
    told = is_day_first(texts)
    day_first = otherwise if told is None else told
    return lambda text: iso_date(text, day_first=day_first) or text


def _form(texts: Iterable[str], kind: Kind) -> Callable[[str], str]:
    form = _FORMS.get(kind, str)
    is_comma = kind in NUMERIC and has_decimal_comma(texts)
    return (lambda text: form(with_point(text))) if is_comma else form


def comparable(values: pa.Array | pa.ChunkedArray, kind: Kind, *, day_first: bool | None = None) -> pa.Array:
    """Each cell in the one spelling that comparisons use, null where missing. Shape (n,), strings.

    A value that does not read as its kind keeps its text form: nothing is lost. `day_first` settles `05/06/2001` where
    the column does not tell.
    """
    column = values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])
    coded = pc.cast(column, pa.string()).dictionary_encode().unify_dictionaries()
    if not coded.num_chunks:
        return pa.array([], pa.string())
    plain = [plain_text(text) for text in coded.chunk(0).dictionary.to_pylist()]
    form = _date_form(plain, day_first) if kind is Kind.DATE else _form(plain, kind)
    spelt = pa.array([None if text in MISSING else form(text) for text in plain], pa.string())
    return pa.concat_arrays([spelt.take(chunk.indices) for chunk in coded.chunks])


def normalise(table: Table) -> Table:
    """The table with a column `<name>__normalised` beside each column that a kind-specific spelling changes.

    Numbers without thousands marks, quantities in base units, money as amount and currency, dates as ISO 8601,
    phones as digits, e-mails in lower case, URLs without tracking. Originals stay as they are; null where missing.
    """
    data = table.data
    for name in table.columns:
        column, added = data[name], f"{name}{_ADDED}"
        if name == table.id_column or name.endswith(_ADDED) or not is_text(column.type):
            continue
        column = pc.cast(column, pa.string())
        kind = kind_of(column, name)
        if kind in (Kind.EMPTY, Kind.ID):
            continue
        spelt = _output_form(column, kind)
        if not pc.all(pc.fill_null(pc.equal(spelt, column.combine_chunks()), True)).as_py():
            data = data.drop_columns([added]) if added in data.column_names else data
            data = data.add_column(data.column_names.index(name) + 1, added, spelt)
    return replace(table, data=data)


def _output_form(column: pa.ChunkedArray, kind: Kind) -> pa.Array | pa.ChunkedArray:
    if kind is Kind.MONEY:
        is_comma = has_decimal_comma(plain_text(text) for text in pc.unique(column).to_pylist() if text)
        return over_texts(column, (lambda text: _amount(text, with_point(plain_text(text)))) if is_comma else _amount)
    if kind is Kind.PHONE:
        return over_texts(column, _dialled)
    if kind is Kind.CODE:
        bare = pc.replace_substring_regex(comparable(column, kind), r"[\s!-/:-@\[-`{-~]", "")
        return pc.utf8_upper(bare)
    return comparable(column, kind)


def _amount(text: str, plain: str | None = None) -> str | None:
    plain = plain_text(text) if plain is None else plain
    found = parse_money(plain)
    if found is None:
        return None if plain in MISSING else text
    return f"{found[0]:.2f} {found[1]}".strip()


def _dialled(text: str) -> str | None:
    plain = plain_text(text)
    if plain in MISSING:
        return None
    digits = _phone(plain)
    abroad = plain.startswith("+") or re.sub(r"\D", "", plain) != digits
    return f"+{digits}" if abroad and digits.isdecimal() else digits
