"""The frame of the benchmarks, and the made-up people."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest

import bench.__main__ as frame
from bench.people import scores, write
from bench.people_rows import FIELDS, make, surnames

ROWS = 3_000


def test_rows_people_and_seed() -> None:
    table, entity = make(ROWS, seed=5)
    again, entity_again = make(ROWS, seed=5)
    other, _ = make(ROWS, seed=6)
    assert table.equals(again)
    assert np.array_equal(entity, entity_again)
    assert not table.equals(other)
    assert table.column_names == ["id", *FIELDS]
    assert table.num_rows == ROWS == pc.count_distinct(table["id"]).as_py()
    assert len(np.unique(entity)) == 0.8 * ROWS


def test_names_are_many_and_collide() -> None:
    table, _ = make(ROWS, seed=1)
    assert len(set(surnames())) == len(surnames()) >= 2_000
    most = max(pc.value_counts(table["surname"]).field("counts").to_pylist())
    assert 20 < most < 0.05 * ROWS


def test_duplicates_are_spoilt_but_recognisable() -> None:
    table, entity = make(ROWS, seed=2)
    order = np.argsort(entity, kind="stable")
    same = np.flatnonzero(entity[order][1:] == entity[order][:-1])
    left, right = table.take(order[same]), table.take(order[same + 1])
    shares = {f: pc.mean(pc.equal(left[f], right[f]).cast("float64")).as_py() for f in FIELDS}
    assert 0.6 < shares["surname"] < 0.9
    assert 0.4 < shares["street"] < 0.75
    identical = np.ones(len(same), bool)
    for field in FIELDS:
        identical &= np.asarray(pc.fill_null(pc.equal(left[field], right[field]), False))
    assert identical.mean() < 0.1
    assert left["phone"].null_count > 0


def test_scores_against_gold(tmp_path: Path) -> None:
    write(tmp_path / "people.csv", 500, seed=0)
    gold = tmp_path / "gold.csv"
    assert scores(gold, gold)["f1"] == 1.0
    alone = tmp_path / "alone.csv"
    ids = [line.split(",")[0] for line in gold.read_text().splitlines()[1:]]
    alone.write_text("id,cluster_id\n" + "".join(f"{i},{i}\n" for i in ids))
    found = scores(gold, alone)
    assert (found["precision"], found["recall"], found["f1"]) == (0.0, 0.0, 0.0)


def test_figures_carry_name_set_seed_commit_and_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(frame.BENCHES, "toy", "test_house_bench:toy")
    (figures,) = frame.run_here("toy", "small", Namespace(seed=3))
    assert {k: figures[k] for k in ("bench", "set", "seed", "system", "f1")} == {
        "bench": "toy",
        "set": "small",
        "seed": 3,
        "system": "dovetail",
        "f1": 0.5,
    }
    assert figures["seconds"] >= 0
    assert figures["peak_mb"] > 10
    assert figures["commit"]


def toy(set_name: str, seed: int, options: Namespace) -> dict[str, float]:
    return {"f1": 0.5}


def test_means_over_seeds() -> None:
    runs = [
        {"set": "s", "system": "dovetail", "seed": 0, "f1": 0.5, "seconds": {"total": 2.0}},
        {"set": "s", "system": "dovetail", "seed": 1, "f1": 0.7, "seconds": {"total": 4.0}},
    ]
    (mean,) = frame.means(runs)
    assert mean == {"set": "s", "system": "dovetail", "seed": "mean", "f1": 0.6, "seconds": {"total": 3.0}}
    json.dumps(mean)


def test_unknown_benchmark_lists_the_known_ones() -> None:
    with pytest.raises(SystemExit, match=r"integrate, block"):
        frame.main(["nonsense"])
