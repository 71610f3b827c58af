"""Which columns correspond: signs with known values, and mappings that a person would make."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from dovetail.errors import InputError, UnknownName
from dovetail.tasks.schema import SchemaMatcher, lead, signs
from dovetail.tasks.schema_names import (
    abbreviation,
    distinctive,
    is_anonymous,
    name_similarity,
    name_words,
    split_name,
)
from dovetail.tasks.schema_values import Column
from dovetail.types import Kind, Table


def _table(table: str, /, **columns: list[str | None]) -> Table:
    data = pa.table({key: pa.array(cells, pa.string()) for key, cells in columns.items()})
    return Table(table, data, pa.array([f"{table}:{i}" for i in range(data.num_rows)]))


def _column(name: str, *cells: str | None) -> Column:
    return Column(name, pa.chunked_array([pa.array(cells, pa.string())]))


def _found(left: Table, right: Table, **given: str) -> set[tuple[str, str]]:
    return {(m.left, m.right) for m in SchemaMatcher().predict(left, right, given=given).matches}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("birthYear", ["birth", "year"]),
        ("http://x.org/ontology/birthYear", ["birth", "year"]),
        ("AddressLine1", ["address", "line", "1"]),
        ("HTMLPage", ["html", "page"]),
        ("soc_sec-id", ["soc", "sec", "id"]),
        ("", []),
    ],
)
def test_a_name_falls_into_its_words(name: str, words: list[str]) -> None:
    assert split_name(name) == words


def test_synonyms_are_united() -> None:
    assert name_words("zip_code") == ["postcode", "code"]
    assert name_similarity("zip", "Postcode") == 1.0
    assert name_similarity("telephone", "phone") == 1.0
    assert name_similarity("price", "surname") < 0.3


@pytest.mark.parametrize(
    ("short", "long", "low", "high"),
    [
        ("fname", "first name", 0.7, 1.0),
        ("FirNa", "first name", 0.7, 0.8),
        ("frstnm", "first name", 0.9, 1.0),
        ("dob", "date of birth", 0.4, 0.7),
        ("city", "first name", 0.0, 0.0),
        ("", "first name", 0.0, 0.0),
        ("name", "name", 1.0, 1.0),
    ],
)
def test_abbreviations_are_seen(short: str, long: str, low: float, high: float) -> None:
    words = split_name(short), long.split()
    assert low <= abbreviation(*words) <= high
    assert abbreviation(*words) == abbreviation(*words[::-1])


def test_a_prefix_of_the_whole_table_says_nothing() -> None:
    assert distinctive(["crm_name", "crm_city", "crm_zip"]) == [["name"], ["city"], ["zip"]]
    assert distinctive(["crm_name", "crm_city"]) == [["crm", "name"], ["crm", "city"]]
    assert distinctive(["crm", "crm_city", "crm_zip"])[0] == ["crm"]


@pytest.mark.parametrize(
    ("name", "anonymous"), [("Attribute_7", True), ("c0", True), ("Unnamed: 3", True), ("city", False)]
)
def test_names_that_only_count_are_known(name: str, anonymous: bool) -> None:
    assert is_anonymous(name) is anonymous


def _slow_lead(matrix: np.ndarray) -> np.ndarray:
    found = np.zeros_like(matrix)
    for i, j in np.ndindex(matrix.shape):
        rivals = [matrix[i, k] for k in range(matrix.shape[1]) if k != j]
        rivals += [matrix[k, j] for k in range(matrix.shape[0]) if k != i]
        found[i, j] = matrix[i, j] - max([0.0, *rivals])
    return found


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (5, 3), (4, 4)])
def test_the_lead_over_rivals_equals_its_slow_twin(shape: tuple[int, int]) -> None:
    matrix = np.random.default_rng(3).integers(0, 5, shape) / 4.0  # with ties
    np.testing.assert_allclose(lead(matrix), _slow_lead(matrix))


def test_values_are_compared_as_counted_by_hand() -> None:
    left = [_column("a", *(f"w{i}" for i in range(40)))]
    right = [_column("b", *(f"w{i}" for i in range(20, 60))), _column("c", *(None for _ in range(40)))]
    found = signs(left, right)
    assert found["same cells"][0] == pytest.approx([0.5, 0.0])
    assert found["same words"][0] == pytest.approx([0.5, 0.0])
    assert found["same shapes"][0] == pytest.approx([1.0, 0.0])
    assert found["empty"][0].tolist() == [0.0, 1.0]


def test_numbers_are_compared_by_their_spread() -> None:
    rng = np.random.default_rng(0)
    low, also_low, high = (rng.normal(m, 1.0, 400).round(3) for m in (10.0, 10.0, 90.0))
    columns = [_column(n, *map(str, v)) for n, v in (("x1", low), ("x2", also_low), ("x3", high))]
    found = signs(columns[:1], columns[1:])["same spread"][0]
    assert found[0] > 0.85
    assert found[1] == pytest.approx(0.0)


def test_every_sign_is_finite_and_within_bounds(products: tuple[Table, Table]) -> None:
    sides = [[Column(c, t.data[c]) for c in t.columns] for t in products]
    for sign, matrix in signs(*sides).items():
        assert matrix.shape == (4, 4), sign
        assert np.isfinite(matrix).all(), sign
        assert matrix.min() >= (-1.0 if "lead" in sign else 0.0), sign
        assert matrix.max() <= 1.0 + 1e-9, sign


def test_two_catalogues_are_mapped(products: tuple[Table, Table]) -> None:
    assert _found(*products) >= {("maker", "brand"), ("price", "cost")}


def test_equal_names_are_mapped_whatever_the_order() -> None:
    left = _table("l", name=["Ann Lee", "Bob Ray"], city=["Rome", "Bonn"], born=["1970-01-02", "1980-03-04"])
    right = _table("r", born=["1990-05-06", "1991-07-08"], name=["Cy Young", "Di Marsh"], city=["Lima", "Oslo"])
    assert _found(left, right) == {("name", "name"), ("city", "city"), ("born", "born")}


def test_values_decide_where_names_say_nothing() -> None:
    emails = [f"user{i}@mail.org" for i in range(30)]
    towns = ["Marlow", "Selby", "Whitby"] * 10
    left = _table("l", c0=[*towns], c1=[*emails])
    right = _table("r", column1=[*emails], column2=[*towns])
    assert _found(left, right) == {("c0", "column2"), ("c1", "column1")}


def test_columns_of_other_things_stay_alone() -> None:
    left = _table("l", email=[f"a{i}@b.org" for i in range(20)])
    right = _table("r", weight=[str(i / 7) for i in range(20)])
    mapping = SchemaMatcher().predict(left, right)
    assert mapping.matches == ()
    assert (mapping.left_alone, mapping.right_alone) == (("email",), ("weight",))
    assert mapping.right_of("email") is None


def test_what_a_person_says_is_taken() -> None:
    left, right = _table("l", a=["1"], b=["2"]), _table("r", a=["1"], b=["2"])
    mapping = SchemaMatcher().predict(left, right, given={"a": "b"})
    assert mapping.right_of("a") == "b"
    assert next(m for m in mapping.matches if m.left == "a").given


def test_wrong_names_are_met_with_the_near_ones() -> None:
    left, right = _table("l", price=["1"], cost=["1"]), _table("r", prize=["1"])
    with pytest.raises(UnknownName, match=r"no column 'prise' in l; did you mean 'price'"):
        SchemaMatcher().predict(left, right, given={"prise": "prize"})
    with pytest.raises(UnknownName, match="'prize'"):
        SchemaMatcher().predict(left, right, given={"price": "prise"})
    with pytest.raises(InputError, match="mapped twice"):
        SchemaMatcher().predict(left, right, given={"price": "prize", "cost": "prize"})


def test_a_higher_threshold_proposes_less_and_every_score_is_above_it(products: tuple[Table, Table]) -> None:
    counts = []
    for threshold in (0.1, 0.5, 0.9, 0.999):
        matches = SchemaMatcher(threshold=threshold).predict(*products).matches
        assert all(threshold < m.score <= 1.0 for m in matches)
        counts.append(len(matches))
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


def test_strange_columns_do_no_harm() -> None:
    data = pa.table(
        {
            "none": pa.nulls(3, pa.string()),
            "list": pa.array([[1, 2], None, [3]]),
            "number": pa.array([1, 2, None], pa.int64()),
            "": pa.array(["x", "y", "z"]),
        }
    )
    table = Table("t", data, pa.array(["1", "2", "3"]))
    assert SchemaMatcher().predict(table, table).right_of("number") == "number"
    empty = Table("e", data.slice(0, 0), pa.array([], pa.string()))
    assert len(SchemaMatcher().predict(empty, table).right_alone) <= 4
    bare = Table("b", pa.table({"id": pa.array(["1"])}), pa.array(["1"]), id_column="id")
    assert SchemaMatcher().predict(bare, table).matches == ()


def test_saved_settings_come_back(tmp_path: Path) -> None:
    path = SchemaMatcher(threshold=0.7).save(tmp_path)
    assert json.loads(path.read_text())["format"] == 1
    assert SchemaMatcher.load(tmp_path).threshold == 0.7
    with pytest.raises(InputError, match=r"schema\.json"):
        SchemaMatcher.load(tmp_path / "nowhere")


def test_long_columns_are_sampled() -> None:
    column = _column("n", *(str(i) for i in range(10_000)))
    assert len(column.raw) <= 3_334
    assert column.kind is not Kind.EMPTY


def test_published_mappings_of_record_tables_are_found(data_dir: Path) -> None:
    from bench.schema import cases

    for case in cases("magellan", data_dir):
        mapping = SchemaMatcher().predict(case.left, case.right)
        assert {(m.left, m.right) for m in mapping.matches} == case.truth, case.name
