"""What the values of a column are: told by the values, with the column's name as a hint only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from dovetail.tables.dates import parse_date
from dovetail.tables.missing import MISSING
from dovetail.tables.numbers import parse_money, parse_number, parse_quantity
from dovetail.types import Kind

SAMPLE = 2_000

EMAIL_FORM = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
URL_FORM = re.compile(
    r"(?:https?://|ftp://|www\.)\S+|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|edu|gov|io|de|uk|fr|eu)(?:/\S*)?", re.I
)
PHONE_FORM = re.compile(r"[+(]?\d[\d\s()./+-]{5,}\d(?:\s*(?:x|ext\.?)\s*\d+)?", re.I)
_YEARS = re.compile(r"1\d{3}\s*[-–/]\s*(?:1\d{3}|20\d\d)?|20\d\d\s*[-–/]\s*20\d\d")  # a span of years
_POSTCODE = re.compile(r"[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}|[a-z]\d[a-z] ?\d[a-z]\d|\d{5}-\d{4}|\d{4} [a-z]{2}", re.I)
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.I)
_CODE = re.compile(r"(?=[^\s]*\d)[\w./#+-]{2,30}")
_STREET = re.compile(
    r"\b(?:street|st|avenue|ave|av|road|rd|boulevard|blvd|drive|dr|lane|ln|way|place|pl|court|ct|highway|hwy|"
    r"stra(?:ss|ß)e|str|weg|platz|rue|via|calle)\b\.?", re.I
)  # fmt: skip

_HINTS = {
    Kind.PHONE: "phone tel telephone mobile fax",
    Kind.MONEY: "price cost amount msrp revenue salary wage income turnover assets fee total sales",
    Kind.NUMBER: "population households families count rank score rating runtime duration visitors quantity qty age",
    Kind.DATE: "date dob year birth born released day",
    Kind.ADDRESS: "address addr street road address_1 address_2 strasse",
    Kind.CODE: "code sku model mpn partno postcode zip zipcode plz isbn ean upc ssn soc_sec_id",
    Kind.ID: "id _id uid uuid guid rowid row_id record_id rid",
    Kind.TEXT: "description text abstract comment comments notes details body",
}
_HINT_WORDS = {word: kind for kind, words in _HINTS.items() for word in words.split()}
# Words that count only at the end of a name, where no other does: `phone number` is a phone, `number of rooms` no code.
_LAST_WORDS = {"number": Kind.CODE, "no": Kind.CODE, "nr": Kind.CODE, "index": Kind.ID, "key": Kind.ID}


def kind_of(values: pa.Array | pa.ChunkedArray, name: str = "") -> Kind:
    """The likely kind of a column, from at most 2,000 of its values, spread evenly, and its name as a hint."""
    return _Sample(_spread(values), name, values).kind()


def _spread(values: pa.Array | pa.ChunkedArray) -> list[str]:
    step = max(1, len(values) // SAMPLE)
    taken = values.take(pa.array(range(0, len(values), step)[:SAMPLE], pa.int64())) if step > 1 else values
    if not pa.types.is_string(taken.type):
        taken = pc.cast(taken, pa.string(), safe=False)
    cells = (v.strip() for v in taken.to_pylist() if v is not None)
    found = [v for v in cells if v.casefold() not in MISSING]
    if not found and step > 1:  # a sparse column: look at what there is
        present = values.drop_null()
        return _spread(present) if 0 < len(present) < len(values) else []
    return found


@dataclass(frozen=True)
class _Sample:
    """Shares and averages over the present values of a column."""

    cells: list[str]
    name: str
    whole_column: pa.Array | pa.ChunkedArray

    def kind(self) -> Kind:
        if not self.cells:
            return Kind.EMPTY
        return self._identifier() or self._contact() or self._date() or self._numeric() or self._words()

    @cached_property
    def hint(self) -> Kind | None:
        tail = re.split(r"[/#]", self.name.rstrip("/#"))[-1]
        plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", tail).casefold()
        if plain in _HINT_WORDS:
            return _HINT_WORDS[plain]
        words = [word for word in re.split(r"[\W_]+", plain) if word]
        said = next((_HINT_WORDS[word] for word in reversed(words) if word in _HINT_WORDS), None)
        return said or (_LAST_WORDS.get(words[-1]) if words else None)

    @cached_property
    def distinct(self) -> float:
        return len(set(self.cells)) / len(self.cells)

    @cached_property
    def words(self) -> float:
        return sum(len(c.split()) for c in self.cells) / len(self.cells)

    def share(self, pattern: re.Pattern[str]) -> float:
        return sum(pattern.fullmatch(c) is not None for c in self.cells) / len(self.cells)

    @cached_property
    def numeric(self) -> float:
        return sum(parse_number(c) is not None for c in self.cells) / len(self.cells)

    @cached_property
    def whole(self) -> float:
        return sum(c.isdecimal() and len(c) < 19 for c in self.cells) / len(self.cells)

    @cached_property
    def one_length(self) -> float:
        lengths = [len(c) for c in self.cells]
        return max(map(lengths.count, set(lengths))) / len(lengths)

    def _contact(self) -> Kind | None:
        if self.share(EMAIL_FORM) > 0.7:
            return Kind.EMAIL
        if self.share(URL_FORM) > 0.7:
            return Kind.URL
        return self._phone()

    def _phone(self) -> Kind | None:
        def looks(cell: str) -> bool:
            digits = sum(ch.isdigit() for ch in cell)
            return 7 <= digits <= 15 and PHONE_FORM.fullmatch(cell) is not None and not _YEARS.fullmatch(cell)

        share = sum(map(looks, self.cells)) / len(self.cells)
        if share < 0.7 or self._date() is not None:
            return None
        punctuated = sum(not c.isdigit() for c in self.cells) / len(self.cells)
        decimals = sum(bool(re.fullmatch(r"\d+[.,]\d+", c)) for c in self.cells) / len(self.cells)
        if self.hint is Kind.PHONE or (punctuated > 0.6 and decimals < 0.2 and self.hint in (None, Kind.PHONE)):
            return Kind.PHONE
        return None

    def _identifier(self) -> Kind | None:
        if self.distinct < 0.98 or len(self.cells) < 2:
            return None
        if len(self.whole_column) > SAMPLE and self._distinct_overall() < 0.98:  # a sample hides what repeats
            return None
        if self.share(_UUID) > 0.9 or (self.name.casefold() in ("id", "_id") and self.words < 1.5):
            return Kind.ID
        if self.hint is Kind.ID and self.share(_CODE) > 0.9 and not self._sequential_years():
            return Kind.ID
        if self.whole > 0.99 and len(self.cells) >= 20 and not self._sequential_years():
            numbers = [int(c) for c in self.cells]
            gaps = {b - a for a, b in pairwise(numbers)}
            if (len(gaps) == 1 and gaps.pop() > 0) or self._running(numbers):
                return Kind.ID
        return None

    def _running(self, numbers: list[int]) -> bool:
        """Whether the numbers are all different and fill their range: running numbers in any order."""
        return self.distinct == 1 and max(numbers) - min(numbers) < 1.5 * len(self.whole_column)

    def _distinct_overall(self) -> float:
        present: int = len(self.whole_column) - self.whole_column.null_count
        different: int = pc.count_distinct(self.whole_column).as_py()
        return different / max(1, present)

    def _sequential_years(self) -> bool:
        return all(len(c) == 4 and "1500" <= c <= "2100" for c in self.cells)

    def _date(self) -> Kind | None:
        parsed = sum((parse_date(c, day_first=True) or parse_date(c, day_first=False)) is not None for c in self.cells)
        if parsed / len(self.cells) < 0.75:
            return None
        years = sum(len(c) == 4 and c.isdecimal() for c in self.cells) / len(self.cells)
        if years > 0.5 and self.hint in (Kind.MONEY, Kind.CODE):
            return None
        return Kind.DATE

    def _numeric(self) -> Kind | None:
        quantities = sum(parse_quantity(c) is not None for c in self.cells) / len(self.cells)
        if quantities > 0.6:
            return Kind.QUANTITY
        money = sum(parse_money(c) is not None for c in self.cells) / len(self.cells)
        signed = sum(m is not None and m[1] != "" for m in map(parse_money, self.cells)) / len(self.cells)
        if money > 0.8 and (signed > 0.3 or self.hint is Kind.MONEY):
            return Kind.MONEY
        if self.numeric < 0.85:
            return None
        if self.hint is Kind.NUMBER:
            return Kind.NUMBER
        if self._is_number_code():
            return Kind.CODE
        return Kind.NUMBER

    def _is_number_code(self) -> bool:
        leading_zero = sum(c[0] == "0" and len(c) > 1 and c.isdigit() for c in self.cells) / len(self.cells)
        length = sum(map(len, self.cells)) / len(self.cells)
        fixed = self.one_length > 0.8 and length >= 4
        return self.whole > 0.95 and (leading_zero > 0.02 or fixed or (self.hint is Kind.CODE and length >= 3.5))

    def _said_code(self) -> bool:
        with_digits = sum(any(ch.isdigit() for ch in c) for c in self.cells) / len(self.cells)
        return self.hint is Kind.CODE and self.words <= 2 and with_digits > 0.5

    def _words(self) -> Kind:
        if self.words > 14 or (self.hint is Kind.TEXT and self.words > 4):
            return Kind.TEXT
        if self.hint is Kind.ADDRESS or sum(bool(_STREET.search(c)) for c in self.cells) / len(self.cells) > 0.4:
            return Kind.ADDRESS
        if self.share(_CODE) > 0.7 or self.share(_POSTCODE) > 0.7 or self._said_code():
            return Kind.CODE
        if len(set(self.cells)) <= 100 and self.distinct <= 0.2 and self.words <= 4:
            return Kind.CATEGORY
        return Kind.NAME
