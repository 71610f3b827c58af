"""Nothing gets lost in fusing: what an entity does not keep stands in the provenance, with the reason."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest
from test_integrate_fuse import cell, made

from dovetail.integrate.fuse import fuse
from dovetail.tables.missing import MISSING
from dovetail.tables.normalise import comparable, plain_text
from dovetail.tables.read import read
from dovetail.tasks.records import records_of
from dovetail.types import Clusters, Kind


def _one(kind: Kind, *values: str | None, rule: str | None = None) -> dict[str, object]:
    rows = [(f"s{i}", 0, value) for i, value in enumerate(values)]
    fused = fuse(*made(rows, {"x": kind}), rules={"x": rule} if rule else None)
    return cell(fused, "x")


@pytest.mark.parametrize(
    ("values", "value", "others", "reasons"),
    [
        (("NA", "Namibia", "-"), "Namibia", "NA | -", "NA: counts as missing | -: counts as missing"),
        (("NA", "-", "NA", None, " "), "NA", "-", "-: counts as missing"),
        (("Marlow", "Selby", "n/a", "selby"), "Selby", "Marlow | n/a", "n/a: counts as missing"),
        (("Marlow", "MARLOW"), "MARLOW", None, None),
        (("Marlow", None, ""), "Marlow", None, None),
    ],
)
def test_what_counts_as_missing_stands_among_the_others(
    values: tuple[str | None, ...], value: str, others: str | None, reasons: str | None
) -> None:
    found = _one(Kind.CATEGORY, *values)
    assert (str(found["value"]).casefold(), found["others"], found["reasons"]) == (value.casefold(), others, reasons)


@pytest.mark.parametrize("rule", ["median", "min", "max"])
def test_what_is_no_number_stands_among_the_others_with_the_reason(rule: str) -> None:
    found = _one(Kind.NUMBER, "about ten", "10", "10", "?", rule=rule)
    assert (found["value"], found["others"]) == ("10", "about ten | ?")
    assert found["reasons"] == "about ten: no number | ?: counts as missing"
    assert (found["agreeing"], found["disagreeing"]) == (2, 1)
    date = _one(Kind.DATE, "2020-01-02", "soon", rule="max")
    assert (date["others"], date["reasons"]) == ("soon", "soon: no date")


def test_a_mean_names_what_it_was_made_of() -> None:
    found = _one(Kind.NUMBER, "10", "20", "about ten", "NA", rule="mean")
    assert (found["value"], found["others"]) == ("15", "10 | 20 | about ten | NA")
    assert found["reasons"] == "about ten: no number | NA: counts as missing"
    assert _one(Kind.NUMBER, "10", "10.0", rule="mean")["others"] is None


def test_a_union_names_what_it_left_out() -> None:
    found = _one(Kind.CODE, "a", "b", "none", rule="union")
    assert (found["value"], found["others"], found["reasons"]) == ("a | b", "none", "none: counts as missing")


def test_amounts_of_two_currencies_are_two_values() -> None:
    found = _one(Kind.MONEY, "$100", "EUR 100", "100")
    assert (found["value"], found["others"]) in (("$100", "EUR 100"), ("EUR 100", "$100"))
    assert found["disagreeing"] in (1, 2)  # the one without a currency may go with either
    same = _one(Kind.MONEY, "$100", "100.00", "USD 100")
    assert (same["others"], same["disagreeing"], same["rule"]) == (None, 0, "all agree")


def test_phone_numbers_with_two_extensions_are_two_values() -> None:
    found = _one(Kind.PHONE, "020 555 1234 x12", "020 555 1234 ext. 99", "020-555-1234")
    assert found["disagreeing"] == 1
    assert found["others"] in ("020 555 1234 ext. 99", "020 555 1234 x12")


@pytest.mark.parametrize("seed", range(20))
def test_every_spelling_is_kept_or_named(seed: int) -> None:
    """Beside a slow loop: each distinct value of an entity is its value or among its others."""
    rng = random.Random(seed)
    words = ["NA", "-", "n/a", "Null", "10", "20", "10.0", "about", None, "", "$5", "5 EUR"]
    kind = rng.choice([Kind.NUMBER, Kind.TEXT, Kind.CATEGORY, Kind.MONEY])
    rows = [(rng.choice("ab"), rng.randrange(4), rng.choice(words)) for _ in range(30)]
    records, clusters = made(rows, {"x": kind})
    fused = fuse(records, clusters)
    for entity in range(len(clusters.names)):
        line = cell(fused, "x", entity)
        given = [r[2] for r, c in zip(rows, clusters.cluster.tolist(), strict=True) if c == entity and r[2]]
        shown = {str(line["value"]), *str(line["others"] or "").split(" | ")}
        same = set(comparable(pa.array(sorted(shown)), kind).to_pylist())
        for value in given:
            assert value in shown or (
                plain_text(value) not in MISSING and comparable(pa.array([value]), kind)[0].as_py() in same
            )


def test_each_source_writes_its_dates_in_its_own_order() -> None:
    """The fourth of March is not the third of April because another source has the day first."""
    days = ["25/12/2019", "04/03/2020", "13/01/2020", "30/11/2018"]
    months = ["12/25/2019", "03/04/2020", "1/13/2020"]
    left = read(pa.table({"seen": days, "name": list("abcd")}), name="left")
    right = read(pa.table({"seen": [*months, "2018-11-30"], "name": list("abcd")}), name="right")
    records = records_of([left, right])
    assert {a.name: a.kind for a in records.attributes}["seen"] is Kind.DATE
    text = records.text["seen"].to_pylist()
    assert text[:4] == ["2019-12-25", "2020-03-04", "2020-01-13", "2018-11-30"]
    assert text[4:] == text[:4]
    clusters = Clusters(np.array([0, 1, 2, 3, 0, 1, 2, 3], np.int32), pa.array(list("wxyz")), "made up", "")
    fused = fuse(records, clusters, rules={"name": "most_recent:seen"})
    assert cell(fused, "seen", 1)["rule"] == "all agree"
    assert fused.conflicts["seen"] == 0


def test_a_column_that_does_not_tell_its_order_follows_the_other_source() -> None:
    left = read(pa.table({"seen": ["04/03/2020", "05/06/2020", "25/12/2020"]}), name="left")
    right = read(pa.table({"seen": ["04/03/2020", "05/06/2020", "2020-12-25"]}), name="right")
    assert records_of([left, right]).text["seen"].to_pylist()[3:] == ["2020-03-04", "2020-06-05", "2020-12-25"]
