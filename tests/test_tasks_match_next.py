"""What to judge next, and a valid part that stands for the future."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from dovetail.cli.main import app
from dovetail.tables.pairs import read_pairs
from dovetail.tables.read import read
from dovetail.tables.rowid import with_plain_id
from dovetail.tasks.labelled import with_valid
from dovetail.tasks.match_tables import Matcher
from dovetail.tasks.records import records_of
from dovetail.types import Pairs, Table

GOODS = Path(__file__).parent.parent / "examples" / "products"


@pytest.fixture(scope="module")
def shop() -> tuple[Table, Table, Pairs]:
    tables = [read(GOODS / f"{name}.csv") for name in ("north", "south")]
    return tables[0], tables[1], read_pairs(GOODS / "labels.csv")


def test_questions_name_unjudged_pairs_and_carry_what_a_person_needs(shop: tuple[Table, Table, Pairs]) -> None:
    north, south, labels = shop
    found = Matcher().ask(north, south, labels, size=12)
    assert len(found) == 12
    judged = set(zip(labels.left_ids.to_pylist(), labels.right_ids.to_pylist(), strict=True))
    asked = list(zip(found.pairs.left_ids.to_pylist(), found.pairs.right_ids.to_pylist(), strict=True))
    assert not judged & set(asked)
    assert len(set(asked)) == 12
    assert found.outlook is not None
    assert "more labels" in str(found) or "should bring" in str(found)
    sheet = found.sheet()
    assert sheet["label"].null_count == 12
    first = sheet.slice(0, 1).to_pylist()[0]
    row = found.tables[0].ids.index(first["left_id"]).as_py()
    assert all(first[f"left {c}"] == north.data[c][row].as_py() for c in north.columns)


def test_the_first_questions_need_no_label(shop: tuple[Table, Table, Pairs]) -> None:
    found = Matcher().ask(shop[0], shop[1], size=5)
    assert found.outlook is None
    assert "too early to say" in str(found)


def test_questions_on_the_console_come_back_as_labels(shop: tuple[Table, Table, Pairs], tmp_path: Path) -> None:
    out = tmp_path / "questions.csv"
    ran = CliRunner().invoke(
        app, ["ask", str(GOODS / "north.csv"), str(GOODS / "south.csv"), "--size", "4", "-o", str(out)]
    )
    assert ran.exit_code == 0, ran.output
    asked = read(out).data
    assert asked.num_rows == 4
    filled = asked.set_column(asked.column_names.index("label"), "label", pa.array(["match", "not", "", "unsure"]))
    assert len(read_pairs(filled)) == 3


def test_a_valid_part_is_held_and_the_rest_is_not(shop: tuple[Table, Table, Pairs]) -> None:
    north, south, labels = shop
    records = records_of([with_plain_id(north), with_plain_id(south)])
    valid = read_pairs(GOODS / "labels_test.csv")
    labelled, held = with_valid(records, labels, valid)
    assert held is not None
    assert held.sum() == len(with_valid(records, valid)[0].judged.label)
    assert len(labelled.judged.label) == len(held)
    assert np.isin([0, 1], labelled.judged.label[held]).all()
