"""The example tables come out of their script unchanged, and their gold fits them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.tables.pairs import read_pairs
from dovetail.tables.read import read
from scripts.make_examples import make_people, make_products

SIDES = {"products": ("north.csv", "south.csv"), "people": ("register_a.csv", "register_b.csv")}


def test_examples_are_made_again_byte_for_byte(examples: Path, tmp_path: Path) -> None:
    make_products(tmp_path / "products")
    make_people(tmp_path / "people")
    for folder, sides in SIDES.items():
        labels = ("labels.csv", "labels_test.csv") if folder == "products" else ()
        for name in (*sides, "gold.csv", *labels):
            made, kept = tmp_path / folder / name, examples / folder / name
            assert made.read_bytes() == kept.read_bytes(), f"{folder}/{name} differs; run: make examples"


@pytest.mark.parametrize("folder", SIDES)
def test_gold_names_rows_that_exist(examples: Path, folder: str) -> None:
    left, right = (read(examples / folder / name) for name in SIDES[folder])
    known = {(t.name, i) for t in (left, right) for i in t.data[t.columns[0]].to_pylist()}
    assert 400 <= len(left) <= 600
    assert 400 <= len(right) <= 600
    assert not left.rejects
    assert not right.rejects
    gold = read_pairs(examples / folder / "gold.csv", labelled=False)
    assert gold.left_source is not None
    assert gold.right_source is not None
    ends = [
        *zip(gold.left_source.to_pylist(), gold.left_ids.to_pylist(), strict=True),
        *zip(gold.right_source.to_pylist(), gold.right_ids.to_pylist(), strict=True),
    ]
    assert set(ends) <= known
    within = sum(a == b for a, b in zip(gold.left_source.to_pylist(), gold.right_source.to_pylist(), strict=True))
    assert within >= 50
    assert len(gold) >= 400


def test_the_two_sides_share_no_column_but_the_id_and_weight(examples: Path) -> None:
    north, south = (read(examples / "products" / name) for name in SIDES["products"])
    assert {c.casefold() for c in north.columns} & {c.casefold() for c in south.columns} == {"id", "weight"}
    assert b"\xb0C" in (examples / "products" / "south.csv").read_bytes()  # Windows-1252: one byte a degree sign
    assert any("°C" in (v or "") for v in south.data["product"].to_pylist())
