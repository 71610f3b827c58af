"""Kinds, numbers, dates and comparable spellings: exact values."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dovetail as dt
from dovetail.tables.clean import clean_text
from dovetail.tables.dates import as_dates, is_day_first, iso_date, parse_date
from dovetail.tables.kinds import kind_of
from dovetail.tables.missing import MISSING
from dovetail.tables.normalise import comparable, normalise, plain_text
from dovetail.tables.numbers import as_numbers, parse_money, parse_number, parse_quantity, spelled
from dovetail.types import Kind, Table

texts = st.text(max_size=30)
anything = st.lists(st.one_of(st.none(), texts), max_size=12)


def strings(*cells: str | None) -> pa.Array:
    return pa.array(cells, pa.string())


NUMBERS = {
    "1,099.00": 1099.0, "1.099,00": 1099.0, "1 099": 1099.0, "1,099": 1099.0, "1.099": 1.099, "1'099.5": 1099.5,
    "1.234.567": 1234567.0, "12,5": 12.5, ".5": 0.5, "-3": -3.0, "−3": -3.0, "1e5": 1e5, "007": 7.0, "3.726E2": 372.6,
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), NUMBERS.items())
def test_numbers_are_read_as_people_write_them(text: str, value: float) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize("text", ["", "a", "1-2", "1,2,3", "--3", "1e999", "nan", "inf", "12 kg", "1.2.3"])
def test_what_is_no_number_is_none(text: str) -> None:
    assert parse_number(text) is None


MONEY = {
    "$1,099.00": (1099.0, "USD"), "1.099,00 €": (1099.0, "EUR"), "EUR 12,50": (12.5, "EUR"), "12.50": (12.5, ""),
    "CAD, $757.74 CAD": (757.74, "CAD"), "USD, 4.85": (4.85, "USD"), "0.00, GBP": (0.0, "GBP"), "-$5": (-5.0, "USD"),
    "$3.1bn": (3.1e9, "USD"), "2.5 million": (2.5e6, ""), "£5": (5.0, "GBP"), "49,- €": (49.0, "EUR"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), MONEY.items())
def test_money_with_its_currency(text: str, value: tuple[float, str]) -> None:
    found = parse_money(text)
    assert found is not None
    assert found[1] == value[1]
    assert math.isclose(found[0], value[0])


@pytest.mark.parametrize("text", ["USD", "3 m", "", "abc", "5 kg", "$ five"])
def test_what_is_no_money_is_none(text: str) -> None:
    assert parse_money(text) is None


QUANTITIES = {
    "2.5 kg": (2500.0, "g"), "2.5kg": (2500.0, "g"), "5 lbs": (2267.96185, "g"),
    "12 in": (0.3048, "m"), '15"': (0.381, "m"),
    "500 GB": (5e11, "byte"), "2.4 GHz": (2.4e9, "hz"), "33 cl": (0.33, "l"), "97%": (97.0, "%"), "20 °C": (20.0, "°c"),
    "100-watt": (100.0, "w"), "3 hrs.": (10800.0, "s"), "50 m²": (50.0, "m2"), "90 km/h": (90.0, "km/h"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), QUANTITIES.items())
def test_quantities_in_base_units(text: str, value: tuple[float, str]) -> None:
    found = parse_quantity(text)
    assert found is not None
    assert found[1] == value[1]
    assert math.isclose(found[0], value[0], rel_tol=1e-9)


@pytest.mark.parametrize("text", ["12", "kg", "12 zorks", "12 kg 3 g", ""])
def test_what_is_no_quantity_is_none(text: str) -> None:
    assert parse_quantity(text) is None


def test_numbers_have_one_spelling() -> None:
    assert [spelled(v) for v in (1099.0, 0.5, -0.0, 1e-7, 2.50, 12345.678)] == [
        "1099",
        "0.5",
        "0",
        "1e-07",
        "2.5",
        "12345.678",
    ]


def test_as_numbers_reads_money_and_quantities_and_leaves_the_rest() -> None:
    found = as_numbers(strings("1,099.00", "$5", "2 kg", "x", None, "1,099.00"))
    assert np.array_equal(found, [1099, 5, 2000, np.nan, np.nan, 1099], equal_nan=True)
    assert as_numbers(pa.chunked_array([], pa.string())).shape == (0,)


DATES = {
    "1971-06-24": "1971-06-24", "19560409": "1956-04-09", "1984-01-01": "1984-01-01", "24.06.1971": "1971-06-24",
    "24/06/1971": "1971-06-24", "06/24/1971": "1971-06-24", "June 24, 1971": "1971-06-24", "24 Jun 1971": "1971-06-24",
    "24. Juni 1971": "1971-06-24", "1971/6/4": "1971-06-04", "2020-01-02T10:00:00Z": "2020-01-02", "(1994).": "1994",
    "1994": "1994", "1999.0": "1999", "-1990": "1990", "1994-06": "1994-06",
    "June 1994": "1994-06", "October 1992.": "1992-10",
    "Mon, 3 May 2004": "2004-05-03", "05/05/2001": "2001-05-05", "05.06.2001": "2001-06-05",
}  # fmt: skip


@pytest.mark.parametrize(("text", "iso"), DATES.items())
def test_dates_are_read_no_finer_than_they_are_written(text: str, iso: str) -> None:
    assert iso_date(text) == iso


@pytest.mark.parametrize(
    "text", ["", "75", "'75", "05/06/2001", "1971-13-01", "1971-02-30", "3000", "abc 1990", "20011399", "12"]
)
def test_what_is_no_certain_date_is_none(text: str) -> None:
    assert iso_date(text) is None


def test_the_column_settles_day_or_month() -> None:
    assert is_day_first(["05/06/2001", "25/06/2001"]) is True
    assert is_day_first(["05/06/2001", "05/26/2001"]) is False
    assert is_day_first(["05/06/2001"]) is None
    assert parse_date("05/06/2001", day_first=True) == date(2001, 6, 5)
    assert comparable(strings("05/06/2001", "25/06/2001"), Kind.DATE).to_pylist() == ["2001-06-05", "2001-06-25"]
    assert comparable(strings("05/06/2001", "05/26/2001"), Kind.DATE).to_pylist() == ["2001-05-06", "2001-05-26"]
    assert comparable(strings("05/06/2001"), Kind.DATE).to_pylist() == ["05/06/2001"]


def test_as_dates() -> None:
    found = as_dates(strings("1971-06-24", "1994", None, "?", "24.06.1971"))
    assert found.astype(str).tolist() == ["1971-06-24", "1994-01-01", "NaT", "NaT", "1971-06-24"]
    assert found.dtype == np.dtype("datetime64[D]")


PLAIN = {
    "  Caf&eacute;  ": "cafe", "MÜLLER": "muller", "Straße": "strasse",
    "MÃ¼ller": "muller", "Łódź": "lodz", "Ørsted": "orsted",
    "O’Neil": "o'neil", "Sony™ VAIO®": "sony vaio", "“quoted”": "quoted", "A–B": "a-b",
    "ＦＵＬＬ": "full", "AT&amp;amp;T": "at&t",
    "` art \\ 's delicatessen '": "art's delicatessen", "が": "が", "はは": "はは",
    "किताब": "किताब", "ﬁne": "fine", "x\u200by": "x y",
}  # fmt: skip


@pytest.mark.parametrize(("text", "plain"), PLAIN.items())
def test_plain_text(text: str, plain: str) -> None:
    assert plain_text(text) == plain


COMPARABLE = [
    (Kind.NUMBER, "1,099.00", "1099"), (Kind.NUMBER, "about 5", "about 5"),
    (Kind.NUMBER, "12345678901234567891", "12345678901234567891"), (Kind.MONEY, "$1,099.00", "1099"),
    (Kind.MONEY, "ask us", "ask us"), (Kind.QUANTITY, "2.5 kg", "2500 g"), (Kind.QUANTITY, "12", "12"),
    (Kind.QUANTITY, '15"', "0.381 m"), (Kind.QUANTITY, '"15"', "15"),
    (Kind.NAME, '5\' 3"', "5' 3\""), (Kind.NAME, "'75", "75"),
    (Kind.PHONE, "310/246 -1501", "3102461501"), (Kind.PHONE, "+44 20 7946 0018", "442079460018"),
    (Kind.PHONE, "310 246 1501 x 12", "3102461501"),
    (Kind.PHONE, "310 246 1501 or 310 246 1502", "310 246 1501 or 310 246 1502"),
    (Kind.PHONE, "0044 20 7946 0018", "442079460018"), (Kind.PHONE, "none of it", "none of it"),
    (Kind.EMAIL, "A.B@Example.ORG", "a.b@example.org"),
    (Kind.URL, "HTTP://www.Example.org/a/?utm_source=x&b=1", "example.org/a?b=1"),
    (Kind.URL, "https://example.org/", "example.org"), (Kind.DATE, "June 24, 1971", "1971-06-24"),
    (Kind.DATE, "soon", "soon"),
    (Kind.CODE, "AB-12", "ab-12"), (Kind.NAME, "[unknown]", None), (Kind.NAME, " N/A ", None), (Kind.NUMBER, "", None),
    (Kind.DATE, None, None), (Kind.TEXT, '"-"', None),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "expected"), COMPARABLE)
def test_comparable_by_kind(kind: Kind, text: str | None, expected: str | None) -> None:
    assert comparable(strings(text), kind).to_pylist() == [expected]


@given(anything, st.sampled_from(sorted(Kind)))
@settings(max_examples=300, deadline=None)
def test_comparable_never_fails_and_never_loses_a_value(cells: list[str | None], kind: Kind) -> None:
    found = comparable(pa.array(cells, pa.string()), kind).to_pylist()
    assert len(found) == len(cells)
    for cell, spelt in zip(cells, found, strict=True):
        assert (spelt is None) == (cell is None or plain_text(cell) in MISSING)
        assert spelt != ""


@given(st.one_of(texts, st.text("&amp;lt#x0;'`\\ \"éÃ¼sn", max_size=14)))
@settings(max_examples=2000, deadline=None)
def test_plain_text_twice_is_once(text: str) -> None:
    assert plain_text(plain_text(text)) == plain_text(text)


@given(st.text(st.characters(), max_size=20))
@settings(max_examples=500, deadline=None)
def test_no_text_is_too_strange(text: str) -> None:
    plain_text(text).encode()
    clean_text(text).encode()
    for parse in (parse_number, parse_money, parse_quantity, parse_date, iso_date):
        parse(text)


def test_comparable_takes_columns_of_many_chunks_and_of_none() -> None:
    chunks = pa.chunked_array([["B", None], ["A "], [], ["b"]], pa.large_string())
    assert comparable(chunks, Kind.NAME).to_pylist() == ["b", None, "a", "b"]
    assert comparable(pa.chunked_array([], pa.string()), Kind.NAME).to_pylist() == []


@given(anything, texts)
@settings(max_examples=200, deadline=None)
def test_kinds_are_told_for_anything(cells: list[str | None], name: str) -> None:
    assert kind_of(pa.array(cells, pa.string()), name) in Kind


KINDS = [
    (Kind.EMPTY, [None, "", "n/a", "unknown"]),
    (Kind.EMAIL, ["a@b.org", "c.d@e.co.uk", "x_y@z.de"]),
    (Kind.URL, ["http://a.org/x", "www.b.com", "https://c.de/d?e=f"]),
    (Kind.PHONE, ["310/246 -1501", "818/762 -1221", "213-848-6677", "(404) 237-2700"]),
    (Kind.DATE, ["19560409", "19080419", "19081128"]),
    (Kind.DATE, ["1971-06-24", "1984-01-01"]),
    (Kind.DATE, ["(1991).", "1992.", "1986"]),
    (Kind.DATE, ["June 3, 1990", "July 14, 1999"]),
    (Kind.MONEY, ["$1,099.00", "$5.00", "$17"]),
    (Kind.MONEY, ["USD, 4.85", "17.85, USD", "0.00, GBP"]),
    (Kind.QUANTITY, ["2.5 kg", "300 g", "1 kg"]),
    (Kind.NUMBER, ["44.0", "103.5", "7", "30", "1234"]),
    (Kind.CODE, ["PSLX350H", "SBV-40S", "CDP-CE375", "KX-TG6700B"]),
    (Kind.CODE, ["tq13 8df", "sw1a 1aa", "m1 1ae"]),
    (Kind.CODE, ["0123", "4011", "0870", "2776", "3465"]),
    (Kind.ID, [f"{i:08x}-aaaa-bbbb-cccc-123456789abc" for i in range(30)]),
    (Kind.ID, [str((i * 7) % 53) for i in range(53)]),
    (Kind.CATEGORY, ["wa", "qld", "vic", "nsw"] * 20),
    (Kind.NAME, ["lachlan", "deakin", "kayla", "luke", "isabelle"]),
    (Kind.NAME, ["sony turntable pslx350h", "bose acoustimass 5 series ii", "linksys etherfast 8-port switch"]),
    (Kind.ADDRESS, ["435 s. la cienega blvd.", "12 Main Street", "9 Elm Rd."]),
    (
        Kind.TEXT,
        ["a long sentence that goes on for more than fourteen words, as descriptions of goods in shops do"] * 3,
    ),
    (Kind.NAME, ["1849 - 1851", "1991 - 1999", "1966 - 1975"]),
]


@pytest.mark.parametrize(("kind", "cells"), KINDS, ids=lambda x: x if isinstance(x, str) else str(x[0])[:12])
@pytest.mark.parametrize("name", ["", "Attribute_1", "http://example.org/ontology/x1"])
def test_kinds_are_told_by_the_values(kind: Kind, cells: list[str], name: str) -> None:
    assert kind_of(pa.array(cells, pa.string()), name) is kind


def test_a_key_that_many_rows_share_is_no_id_however_large_the_table() -> None:
    keys = pa.array([str(i % 50_000 + 1) for i in range(100_000)])
    assert kind_of(keys, "customer_id") is not Kind.ID
    assert kind_of(pa.array([str(i) for i in range(100_000)]), "customer_id") is Kind.ID


def test_the_name_is_a_hint() -> None:
    numbers = strings("399.0", "49.0", "158.0", "375.5")
    assert kind_of(numbers, "price") is Kind.MONEY
    assert kind_of(numbers, "numberOfRooms") is Kind.NUMBER
    assert kind_of(strings("2053258100", "2053258101", "2053258100"), "PhoneNumber") is Kind.PHONE
    assert kind_of(strings("45877", "39373", "37288", "36593"), "Per capita income") is Kind.MONEY


EXPECTED = {
    "febrl3/records.csv.gz": {"given_name": "name", "postcode": "code", "state": "category", "date_of_birth": "date",
                              "soc_sec_id": "code", "address_1": "address"},
    "e2e-abt-buy/left.csv": {"name": "name", "description": "text", "price": "money"},
    "fodors-zagats/left.csv": {"name": "name", "addr": "address", "city": "category", "phone": "phone", "class": "id"},
    "cora/records.csv": {"title": "name", "year": "date", "date": "date"},
    "splink-historical-50k/records.csv.gz": {"dob": "date", "postcode_fake": "code",
                                             "gender": "category", "full_name": "name"},
    "musicbrainz-20k/records.csv.gz": {"title": "name", "artist": "name", "album": "name"},
}  # fmt: skip


@pytest.mark.parametrize("file", EXPECTED)
def test_kinds_of_public_tables(data_dir: Path, file: str) -> None:
    table = dt.read(str(data_dir / "er" / file))
    found = {name: str(kind_of(table.data[name], name)) for name in EXPECTED[file]}
    assert found == EXPECTED[file]


def goods() -> Table:
    data = pa.table(
        {
            "sku": strings("AB-12", "cd 34x", "EF_56"),
            "price": strings("$1,099.00", "1.099,00 €", "n/a"),
            "weight": strings("2.5 kg", "300 g", "1 lb"),
            "day": strings("25/06/2001", "05/06/2001", "1 July 2001"),
            "tel": strings("+44 (20) 7946-0018", "0044 20 7946 0018", "020 7946 0018"),
            "plain": strings("a", "b", None),
        }
    )
    return Table("goods", data, strings("1", "2", "3"))


def test_normalise_adds_columns_and_keeps_the_originals() -> None:
    table = goods()
    found = normalise(table)
    assert found.data.select(table.columns).equals(table.data)
    assert found.data["sku__normalised"].to_pylist() == ["AB12", "CD34X", "EF56"]
    assert found.data["price__normalised"].to_pylist() == ["1099.00 USD", "1099.00 EUR", None]
    assert found.data["weight__normalised"].to_pylist() == ["2500 g", "300 g", "453.59237 g"]
    assert found.data["day__normalised"].to_pylist() == ["2001-06-25", "2001-06-05", "2001-07-01"]
    assert found.data["tel__normalised"].to_pylist() == ["+442079460018", "+442079460018", "02079460018"]
    assert "plain__normalised" not in found.columns
    assert found.columns[:3] == ("sku", "sku__normalised", "price")


def test_normalising_twice_is_normalising_once() -> None:
    once = normalise(goods())
    assert normalise(once).data.equals(once.data)
