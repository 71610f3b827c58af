"""Fusing: the rules, the origin of every cell, and agreement with a slow loop."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail.errors import InputError, UnknownName
from dovetail.integrate.cluster import entity_names
from dovetail.integrate.cluster_graph import in_order
from dovetail.integrate.fuse import fuse
from dovetail.integrate.fuse_groups import Groups
from dovetail.integrate.fuse_rules import DEFAULTS, FUSERS, load_fuser
from dovetail.integrate.pipeline import integrate_job
from dovetail.integrate.settings import IntegrateSettings
from dovetail.tables.normalise import comparable
from dovetail.tables.read import read
from dovetail.types import Attribute, Clusters, Fused, Kind, Records, Table, finish

ROWS = [
    # source, entity, name (name), price (money), seen (date), town (category), sku (id), note (text)
    ("abt", 0, "Sony Bravia TV", "$100", "2020-01-01", "Marlow", "a1", "short"),
    ("abt", 1, "Kettle", None, "2020-01-01", None, "a2", None),
    ("buy", 0, "SONY BRAVIA TV", "120.00", "2021-05-05", "Selby", "b1", "a longer note"),
    ("buy", 0, "Sony 40 TV", "$ 310", "2019-01-01", "Selby", "b2", "SHORT"),
    ("buy", 2, None, "7", None, "York", "b3", "n/a"),
]
KINDS = {
    "name": Kind.NAME,
    "price": Kind.MONEY,
    "seen": Kind.DATE,
    "town": Kind.CATEGORY,
    "sku": Kind.ID,
    "note": Kind.TEXT,
}


def made(rows: list[tuple[object, ...]], kinds: dict[str, Kind]) -> tuple[Records, Clusters]:
    sources = tuple(dict.fromkeys(str(r[0]) for r in rows))
    source = np.array([sources.index(str(r[0])) for r in rows], np.uint16)
    original = pa.table({n: pa.array([r[2 + i] for r in rows], pa.string()) for i, n in enumerate(kinds)})
    text = pa.table({n: comparable(original[n], kind) for n, kind in kinds.items()})
    attributes = tuple(Attribute(n, kind, (n,) * len(sources)) for n, kind in kinds.items())
    ids = pa.array([f"{r[0]}:{i}" for i, r in enumerate(rows)])
    records = Records(sources, source, ids, attributes, original, text)
    label = in_order(np.array([r[1] for r in rows]))
    return records, Clusters(label, entity_names(records, label), "made up", "")


@pytest.fixture
def goods() -> tuple[Records, Clusters]:
    return made(ROWS, KINDS)


def cell(fused: Fused, column: str, entity: int = 0) -> dict[str, object]:
    return next(
        row
        for row in fused.provenance.to_pylist()
        if row["column"] == column and row["cluster_id"] == fused.table["cluster_id"][entity].as_py()
    )


def test_defaults_by_kind(goods):
    fused = fuse(*goods)
    assert fused.table.column_names == ["cluster_id", *KINDS, "sources", "records", "record_ids"]
    rows = fused.table.drop_columns(["cluster_id"]).to_pylist()
    assert rows[0] == {
        "name": "Sony Bravia TV",  # two of three, whatever the case
        "price": "120.00",  # the median, as it was read
        "seen": "2020-01-01",  # all differ: the first source
        "town": "Selby",  # two of three
        "sku": "a1 | b1 | b2",
        "note": "a longer note",
        "sources": "abt|buy",
        "records": 3,
        "record_ids": "abt:0|buy:2|buy:3",
    }
    assert rows[1]["name"] == "Kettle"
    assert rows[1]["price"] is None
    assert rows[2]["note"] == "n/a"  # no value that counts, but all that was written
    assert rows[1]["note"] is None
    assert fused.conflicts == {"name": 1, "price": 1, "seen": 1, "town": 1, "sku": 1, "note": 1}


def test_every_cell_tells_where_it_came_from(goods):
    fused = fuse(*goods)
    assert fused.provenance.num_rows == 3 * len(KINDS)
    name = cell(fused, "name")
    assert (name["value"], name["rule"]) == ("Sony Bravia TV", "most_frequent, longest")
    assert (name["source"], name["row_id"]) == ("abt", "abt:0")
    assert (name["agreeing"], name["disagreeing"], name["others"]) == (2, 1, "Sony 40 TV")
    sku = cell(fused, "sku")
    assert (sku["source"], sku["row_id"], sku["agreeing"]) == ("abt|buy", "abt:0|buy:2|buy:3", 3)
    assert cell(fused, "note")["others"] == "short"  # SHORT is the same
    only = cell(fused, "name", 1)
    assert (only["rule"], only["source"], only["agreeing"], only["others"]) == ("only value", "abt", 1, None)
    nothing = cell(fused, "price", 1)
    assert (nothing["rule"], nothing["source"], nothing["row_id"], nothing["agreeing"]) == ("no value", None, None, 0)


@pytest.mark.parametrize(
    ("column", "rule", "value"),
    [
        ("name", "longest", "Sony Bravia TV"),
        ("name", "shortest", "Sony 40 TV"),
        ("note", "shortest", "short"),
        ("price", "min", "$100"),
        ("price", "max", "$ 310"),
        ("price", "mean", "176.666667"),
        ("price", "most_recent:seen", "120.00"),
        ("seen", "max", "2021-05-05"),
        ("seen", "min", "2019-01-01"),
        ("town", "first", "Marlow"),
        ("town", "trusted", "Marlow"),
        ("town", "union", "Marlow | Selby"),
        ("note", "most_complete", "a longer note"),
        ("town", "reliable", "Selby"),
    ],
)
def test_rules(goods, column, rule, value):
    fused = fuse(*goods, rules={column: rule})
    assert fused.table[column][0].as_py() == value
    assert cell(fused, column)["rule"] == rule


def test_trust_breaks_ties_and_leads_the_rule_trusted(goods):
    assert fuse(*goods, trust=["buy"]).table["seen"][0].as_py() == "2019-01-01"
    assert fuse(*goods, rules={"name": "trusted"}, trust=["buy"]).table["name"][0].as_py() == "SONY BRAVIA TV"


def test_a_rule_names_the_source_that_it_trusts(goods):
    """For this column alone; other sources follow in their order."""
    fused = fuse(*goods, rules={"name": "trusted:buy", "town": "trusted:abt"})
    assert fused.table["name"][0].as_py() == "SONY BRAVIA TV"
    assert fused.table["town"][0].as_py() == "Marlow"
    assert fuse(*goods, rules={"name": "trusted:abt"}, trust=["buy"]).table["name"][0].as_py() == "Sony Bravia TV"


def test_a_column_may_be_named_as_any_source_calls_it(goods):
    records, clusters = goods
    attributes = tuple(replace(a, columns=(a.name, f"their {a.name}")) for a in records.attributes)
    renamed = replace(records, attributes=attributes)
    fused = fuse(renamed, clusters, rules={"their price": "most_recent:their seen"})
    assert fused.table["price"][0].as_py() == "120.00"
    with pytest.raises(InputError, match="two rules, 'min' and 'max'"):
        fuse(renamed, clusters, rules={"price": "min", "their price": "max"})


def test_what_a_person_mistyped_is_refused_before_any_work():
    for wrong in ({"rules": {"name": "longst"}}, {"clusterer": "conected"}):
        with pytest.raises(UnknownName, match="did you mean"):
            IntegrateSettings.checked(**wrong)
    table = Table("shop", pa.table({"name": ["a", "b"]}), pa.array(["1", "2"]))
    steps = set()
    for wrong in ({"rules": {"nam": "longest"}}, {"trust": ("shp",)}):
        job = integrate_job([table], IntegrateSettings.checked(**wrong))
        with pytest.raises(UnknownName, match="did you mean"):
            finish(job, lambda progress: steps.add(progress.step))
    assert steps == {"align"}


def test_unknown_names_are_refused_with_the_near_one(goods):
    with pytest.raises(UnknownName, match="did you mean 'price'"):
        fuse(*goods, rules={"prise": "max"})
    with pytest.raises(UnknownName, match="did you mean 'longest'"):
        fuse(*goods, rules={"name": "longst"})
    with pytest.raises(UnknownName, match="no source 'Buy'"):
        fuse(*goods, trust=["Buy"])
    with pytest.raises(InputError, match="most_recent:column"):
        fuse(*goods, rules={"name": "most_recent"})
    with pytest.raises(UnknownName, match=r"did you mean 'seen'.*"):
        fuse(*goods, rules={"name": "most_recent:sean"})
    with pytest.raises(UnknownName, match="known: 'abt', 'buy'"):
        fuse(*goods, rules={"name": "trusted:crm"})
    with pytest.raises(InputError, match="'longest' takes no word"):
        fuse(*goods, rules={"name": "longest:seen"})
    with pytest.raises(InputError, match="give them alone"):
        fuse(*goods, rules={"name": "union, longest"})


def test_every_kind_has_a_default_and_every_rule_loads():
    assert set(DEFAULTS) == set(Kind)
    for name in FUSERS:
        assert callable(load_fuser(name))


@pytest.mark.parametrize("rule", [r if r != "most_recent" else "most_recent:seen" for r in FUSERS])
def test_contract_of_every_rule(goods, rule):
    """Whatever the rule: one row an entity, counts add up, entities without a value stay without one."""
    records, clusters = goods
    fused = fuse(records, clusters, rules=dict.fromkeys(KINDS, rule))
    again = fuse(records, clusters, rules=dict.fromkeys(KINDS, rule))
    assert fused.table.equals(again.table)
    assert fused.provenance.equals(again.provenance)
    held = {n: Counter() for n in KINDS}
    for name in KINDS:
        for label, value in zip(clusters.cluster.tolist(), records.text[name].to_pylist(), strict=True):
            held[name][clusters.names[label].as_py()] += value is not None
    for row in fused.provenance.to_pylist():
        assert row["agreeing"] + row["disagreeing"] == held[row["column"]][row["cluster_id"]]
        if not row["agreeing"]:
            assert row["rule"] == ("no value" if row["value"] is None else "as written")
            assert row["value"] in (None, "n/a")
            assert (row["value"] == "n/a") == (row["row_id"] == "buy:4")


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.sampled_from(["x", "X", "yy", "y y", "zzz", None])),
        min_size=1,
        max_size=14,
    )
)
@settings(max_examples=60, deadline=None)
def test_most_frequent_agrees_with_a_loop(rows):
    rows = sorted(rows, key=lambda r: r[0])
    records, clusters = made(rows, {"v": Kind.NAME})
    fused = fuse(records, clusters, rules={"v": "most_frequent"})
    rank = {s: i for i, s in enumerate(records.sources)}
    for entity in range(len(clusters.names)):
        mine = [(s, v, v.casefold()) for i, (s, _, v) in enumerate(rows) if clusters.cluster[i] == entity and v]
        count = Counter(key for *_, key in mine)
        best = min(mine, key=lambda m: (-count[m[2]], rank[m[0]], -len(m[1]), m[1]), default=(None, None, None))
        found = cell(fused, "v", entity)
        assert found["value"] == best[1]
        assert found["agreeing"] == (count[best[2]] if mine else 0)
        losers = {key for key in count if key != best[2]}
        assert {t.casefold() for t in (found["others"] or "").split(" | ") if t} == losers


def test_medians_and_means_of_groups():
    groups = Groups(np.array([0, 0, 0, 1, 1, 2, 3, 3]))
    values = np.array([5.0, np.nan, 1.0, 4.0, 2.0, np.nan, 9.0, np.nan])
    assert groups.median(values).tolist()[:2] == [3.0, 3.0]
    assert np.isnan(groups.median(values)[2])
    assert groups.median(values)[3] == 9.0
    assert groups.mean(values).tolist()[:2] == [3.0, 3.0]


def test_a_column_that_sources_use_for_different_things_is_asked_for(goods):
    """`day` of one source is what the other calls `seen`, and of the other what the first calls `town`."""
    records, clusters = goods
    twice = {"seen": ("day", "seen"), "town": ("town", "day")}
    attributes = tuple(replace(a, columns=twice.get(a.name, a.columns)) for a in records.attributes)
    records = replace(records, attributes=attributes)
    for rules in ({"day": "longest"}, {"price": "most_recent:day"}):
        with pytest.raises(
            InputError, match=r"'day' is 'seen' in one source and 'town' in another.*Write seen or town"
        ):
            fuse(records, clusters, rules=rules)
    fuse(records, clusters, rules={"seen": "longest", "price": "most_recent:seen"})


def test_a_column_called_like_the_ones_that_are_added():
    records, clusters = made([("a", 0, "x")], {"records": Kind.NAME})
    assert fuse(records, clusters).table.column_names == [
        "cluster_id",
        "records",
        "sources",
        "merged_records",
        "record_ids",
    ]


def test_what_may_stand_for_nothing_is_kept_where_it_is_all_there_is():
    rows = [
        ("a", 0, "Ann Abel", "NA"),
        ("a", 1, "Null", " "),
        ("a", 2, "Ida Cruz", "-"),
        ("a", 2, "Ida Cruz", "DE"),
        ("a", 3, "None", None),
        ("a", 3, None, "N/A"),
    ]
    for rule in ("most_frequent", "union"):
        fused = fuse(*made(rows, {"name": Kind.NAME, "country": Kind.CATEGORY}), rules={"country": rule})
        assert fused.table["name"].to_pylist() == ["Ann Abel", "Null", "Ida Cruz", "None"]
        assert fused.table["country"].to_pylist() == ["NA", None, "DE", "N/A"]
        told = fused.provenance.filter(pc.equal(fused.provenance["column"].cast(pa.string()), "country")).to_pylist()
        assert [(t["rule"], t["row_id"]) for t in told][::3] == [("as written", "a:0"), ("as written", "a:5")]


def test_no_records_and_no_columns():
    records, clusters = made([("a", 0, "x")], {"v": Kind.NAME})
    none = pa.array([], pa.string())
    empty = pa.table({"v": none})
    nothing = Records(("a",), np.zeros(0, np.uint16), none, records.attributes, empty, empty)
    fused = fuse(nothing, Clusters(np.zeros(0, np.int32), none, "", ""))
    assert (fused.table.num_rows, fused.provenance.num_rows, fused.conflicts) == (0, 0, {"v": 0})
    bare = Records(("a",), records.source, records.ids, (), pa.table({}), pa.table({}))
    assert fuse(bare, clusters).table.column_names == ["cluster_id", "sources", "records", "record_ids"]


def test_reliable_sources_outvote_a_careless_majority():
    """Three careless sources against two careful ones: what they are worth is learnt from where they agree."""
    random = np.random.default_rng(0)
    rows: list[tuple[object, ...]] = []
    for source in ("careful1", "careful2", "c1", "c2", "c3"):
        for entity in range(200):
            wrong = random.random() < (0.02 if source.startswith("careful") else 0.6)
            rows.append((source, entity, f"wrong {random.integers(0, 3)}" if wrong else f"right {entity}"))
    records, clusters = made(rows, {"v": Kind.CATEGORY})
    right = {}
    for rule in ("most_frequent", "reliable"):
        values = fuse(records, clusters, rules={"v": rule}).table["v"].to_pylist()
        right[rule] = np.mean([value == f"right {i}" for i, value in enumerate(values)])
    assert right["reliable"] >= 0.97
    assert right["reliable"] > right["most_frequent"] + 0.02


def test_flights_that_38_sites_report(data_dir: Path):
    """Plain voting finds the scheduled times; accuracies as measured, so that a change is noticed."""
    folder = data_dir / "schema" / "clean-flights"
    dirty, clean = read(folder / "dirty.csv").data, read(folder / "clean.csv").data
    truth = dict(zip(clean["flight"].to_pylist(), clean["sched_arr_time"].to_pylist(), strict=True))
    rows = sorted(zip(*(dirty[c].to_pylist() for c in ("src", "flight", "sched_arr_time")), strict=True))
    records, clusters = made(rows, {"arrival": Kind.CATEGORY})
    flight = {int(c): row[1] for c, row in zip(clusters.cluster, rows, strict=True)}
    right = {}
    for rule in ("most_frequent", "reliable"):
        values = fuse(records, clusters, rules={"arrival": rule}).table["arrival"].to_pylist()
        right[rule] = np.mean([value == truth[flight[i]] for i, value in enumerate(values)])
    assert right["most_frequent"] >= 0.94
    assert right["reliable"] >= right["most_frequent"]
