"""What looks wrong with the values of a column, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dovetail.tables.clean import ENTITY, repaired_encoding
from dovetail.tables.dates import orders, parse_date
from dovetail.tables.kinds import EMAIL_FORM, PHONE_FORM, URL_FORM
from dovetail.tables.numbers import parse_money, parse_number, parse_quantity
from dovetail.types import Kind

ALMOST_EMPTY = 0.95  # share of missing cells
STRAYS = 0.01  # share of values that do not read as the kind of their column
MIXTURE = 0.10  # share of numbers, dates or addresses of one form among words
SHOWN = 40  # characters of a value in a warning

_PLURAL = {
    Kind.NUMBER: "numbers", Kind.MONEY: "amounts of money", Kind.QUANTITY: "numbers with a unit", Kind.DATE: "dates",
    Kind.PHONE: "phone numbers", Kind.EMAIL: "e-mail addresses", Kind.URL: "web addresses",
}  # fmt: skip


@dataclass(frozen=True)
class Cells:
    """The distinct values of a column that are there, and how often each occurs."""

    name: str
    kind: Kind
    rows: int
    texts: list[str]  # (u,) as read
    plain: list[str]  # (u,) as compared
    counts: npt.NDArray[np.int64]  # (u,)
    stand_ins: dict[str, int]  # texts that stand for a missing value, and how often

    @property
    def present(self) -> int:
        """In how many rows there is a value."""
        return int(self.counts.sum())

    def weight(self, chosen: npt.NDArray[np.bool_]) -> int:
        """In how many rows the chosen values stand."""
        return int(self.counts[chosen].sum())

    def where(self, holds: Callable[[str], bool]) -> npt.NDArray[np.bool_]:
        """Which of the distinct values a condition holds for, (u,)."""
        return np.fromiter(map(holds, self.texts), bool, len(self.texts))

    def first(self, chosen: npt.NDArray[np.bool_]) -> str:
        """The most frequent of the chosen values, in quotes, short enough to print."""
        return shown(self.commonest(chosen))

    def commonest(self, chosen: npt.NDArray[np.bool_]) -> str:
        """The most frequent of the chosen values."""
        return self.texts[int(np.argmax(np.where(chosen, self.counts, -1)))]

    def share(self, count: int) -> str:
        """A number of cells in words, with its share of the rows where that says something."""
        said = "1 cell" if count == 1 else f"{count:,} cells"
        return f"{said} ({percent(count / self.rows)})" if count >= 0.001 * self.rows else said


def percent(share: float, digits: int = 1) -> str:
    """A share in [0, 1] in the form of `measure.percent`, a room beside this one, which must not be imported here."""
    return f"{100 * share:.{digits}f} %"


def shown(text: str, at: int = 0) -> str:
    """A value in quotes; of a long one the 40 characters around a position."""
    start = max(0, min(at - SHOWN // 3, len(text) - SHOWN))
    end = start + SHOWN
    return repr(("…" if start else "") + text[start:end] + ("…" if end < len(text) else ""))


def warnings_of(cells: Cells) -> tuple[str, ...]:
    """All that looks wrong with a column, the gravest first."""
    if not cells.texts:
        return ("empty: no cell has a value",) if cells.rows else ()
    return tuple(said for check in _CHECKS for said in check(cells))


def _emptiness(cells: Cells) -> Iterator[str]:
    missing = 1 - cells.present / cells.rows
    if missing >= ALMOST_EMPTY:
        yield f"almost empty: {percent(missing)} of the cells are missing"


def _constancy(cells: Cells) -> Iterator[str]:
    if cells.present > 1 and len(set(cells.plain)) == 1:
        yield f"constant: every value is {shown(cells.texts[0])}"


def _encoding(cells: Cells) -> Iterator[str]:
    lost = cells.where(lambda text: "\ufffd" in text)
    if lost.any():
        text = cells.commonest(lost)
        yield f"broken encoding: letters are lost in {_in(cells, lost)}, such as {shown(text, text.index(chr(0xFFFD)))}"
    wrong = cells.where(lambda text: repaired_encoding(text) != text)
    if wrong.any():
        text = cells.commonest(wrong)
        mended = repaired_encoding(text)
        at = next((i for i, (a, b) in enumerate(zip(text, mended, strict=False)) if a != b), 0)
        said = f"clean makes {shown(text, at)} into {shown(mended, at)}"
        yield f"broken encoding: letters are wrong in {_in(cells, wrong)}; {said}"


def _identity(cells: Cells) -> Iterator[str]:
    if cells.kind is Kind.ID or _numbered(cells):
        yield "looks like an id: it names the row within this table and says nothing about what the row is"


def _numbered(cells: Cells) -> bool:
    """Whether nearly every row has a whole number of its own, from one closed range, as running numbers have."""
    if len(cells.texts) < max(20, 0.98 * cells.rows) or not all(text.isdecimal() for text in cells.plain):
        return False
    numbers = [int(text) for text in cells.plain if len(text) <= 12]
    return len(numbers) == len(cells.plain) and max(numbers) - min(numbers) < 2 * len(numbers)


def _stand_ins(cells: Cells) -> Iterator[str]:
    if not cells.stand_ins:
        return
    text, count = max(cells.stand_ins.items(), key=lambda item: item[1])
    yield f"{shown(text)} stands in {cells.share(count)} and counts as missing"


def _reader(kind: Kind) -> Callable[[str], bool] | None:
    readers: dict[Kind, Callable[[str], bool]] = {
        Kind.NUMBER: lambda text: parse_number(text) is not None,
        Kind.MONEY: lambda text: parse_money(text) is not None,
        Kind.QUANTITY: lambda text: parse_quantity(text) is not None or parse_number(text) is not None,
        Kind.DATE: lambda text: (parse_date(text, day_first=True) or parse_date(text, day_first=False)) is not None,
        Kind.PHONE: lambda text: PHONE_FORM.search(text) is not None,
        Kind.EMAIL: lambda text: EMAIL_FORM.fullmatch(text) is not None,
        Kind.URL: lambda text: URL_FORM.fullmatch(text) is not None,
    }
    return readers.get(kind)


def _mixture(cells: Cells) -> Iterator[str]:
    reads = _reader(cells.kind)
    if reads is not None:
        strays = cells.where(lambda text: not reads(text.strip()))
        if cells.weight(strays) >= max(2, STRAYS * cells.present):
            share = cells.weight(strays) / cells.present
            said = f"{percent(share)} of the values are not {_PLURAL[cells.kind]}"
            yield f"mixed kinds: {said}, such as {cells.first(strays)}"
    elif cells.kind in (Kind.NAME, Kind.TEXT, Kind.ADDRESS, Kind.CATEGORY):
        yield from _strangers(cells)


def _strangers(cells: Cells) -> Iterator[str]:
    for kind in (Kind.EMAIL, Kind.URL, Kind.DATE, Kind.NUMBER):
        reads = _reader(kind)
        among = cells.where(lambda text, reads=reads: reads(text.strip()))  # type: ignore[misc]
        if cells.weight(among) >= max(2, MIXTURE * cells.present):
            share = cells.weight(among) / cells.present
            said = f"{percent(share)} of the values are {_PLURAL[kind]}, such as {cells.first(among)}"
            yield f"mixed kinds: among words, {said}"
            return


def _dates(cells: Cells) -> Iterator[str]:
    if cells.kind is not Kind.DATE:
        return
    day, month = orders(cells.texts)
    if day and month:
        said = f"{day:,} can only have the day first, {month:,} only the month"
        yield f"two orders of dates: {said}; others may be misread"
    if day != month:
        return
    open_ = cells.where(lambda text: parse_date(text) is None and parse_date(text, day_first=True) is not None)
    if open_.any():
        more = cells.weight(open_) - 1
        yield f"day or month first? {cells.first(open_)}{f' and {more:,} more' if more else ''} can be read both ways"


def _blanks(cells: Cells) -> Iterator[str]:
    padded = cells.where(lambda text: text != text.strip())
    if padded.any():
        yield f"blanks at the edges of {_in(cells, padded)}, such as {cells.first(padded)}"


def _entities(cells: Cells) -> Iterator[str]:
    coded = cells.where(lambda text: "&" in text and ENTITY.search(text) is not None)
    if coded.any():
        text = cells.commonest(coded)
        match = ENTITY.search(text)
        yield f"HTML entities in {_in(cells, coded)}, such as {shown(text, match.start() if match else 0)}"


def _spellings(cells: Cells) -> Iterator[str]:
    spare = len(cells.plain) - len(set(cells.plain))
    if cells.kind is Kind.CATEGORY and spare:
        values = "1 value differs" if spare == 1 else f"{spare:,} values differ"
        yield f"{values} from another only in case, accents or blanks"


def _in(cells: Cells, chosen: npt.NDArray[np.bool_]) -> str:
    return cells.share(cells.weight(chosen))


_CHECKS = (
    _emptiness, _encoding, _mixture, _identity, _constancy, _stand_ins, _dates, _blanks, _entities, _spellings
)  # fmt: skip
