"""The whole job: from two tables to one folder of results, resumed where it was cut off, explained afterwards."""

from __future__ import annotations

import csv
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import dovetail as dt
from dovetail.errors import InputError, WorkspaceError
from dovetail.jobs.look import explain_pair
from dovetail.jobs.merge import Merged, data_hash
from dovetail.jobs.outputs import in_a_line
from dovetail.tables.pairs import read_pairs
from dovetail.types import AttributeEvidence, Explanation, Progress, Table

FIRST = ["Anna", "Bertram", "Carla", "Dmitri", "Elena", "Farouk", "Greta", "Hugo", "Irina", "Jonas", "Katja", "Louis"]
LAST = [
    "Lindqvist",
    "Okoye",
    "Nunes",
    "Petrov",
    "Rossi",
    "Haddad",
    "Weber",
    "Moreau",
    "Sokolova",
    "Berg",
    "Novak",
    "Lambert",
]
TOWNS = ["Marlow", "Selby", "Whitby", "Dunbar"]


def _people(name: str, *, typos: bool) -> Table:
    rows = []
    for i, (first, last) in enumerate(zip(FIRST, LAST, strict=True)):
        spelled = f"{last}, {first}" if typos else f"{first} {last}"
        phone = f"0555 {137 * i + 100:04d} {i:02d}"
        rows.append(
            (
                f"{name[0]}{i}",
                spelled,
                f"19{50 + 3 * i}-0{1 + i % 9}-1{i % 10}",
                phone.replace(" ", "-" if typos else " "),
            )
        )
    columns = dict(zip(("id", "name", "birth_date", "phone"), map(list, zip(*rows, strict=True)), strict=True))
    columns["town"] = [TOWNS[i % 4] for i in range(len(rows))]
    data = pa.table({k: pa.array(v, pa.string()) for k, v in columns.items()})
    return Table(name, data, data["id"].combine_chunks(), id_column="id")


LEFT, RIGHT = _people("left", typos=False), _people("right", typos=True)
TRUTH = pa.table({"left_id": [f"l{i}" for i in range(12)], "right_id": [f"r{i}" for i in range(12)]})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("jobs") / "out"


@pytest.fixture(scope="module")
def merged(folder: Path) -> Merged:
    return dt.integrate(LEFT, RIGHT, truth=TRUTH, out=folder)


def test_the_same_people_are_found(merged: Merged) -> None:
    assert merged.quality.basis == "measured"
    assert merged.quality.f1.value >= 0.9
    assert merged.table.num_rows <= 14
    assert merged.table.column_names[0] == "cluster_id"


def test_every_record_stands_in_one_entity(merged: Merged) -> None:
    rows = merged.clusters
    assert rows.num_rows == 24
    ends = set(zip(rows["source"].to_pylist(), rows["id"].to_pylist(), strict=True))
    assert ends == {("left", f"l{i}") for i in range(12)} | {("right", f"r{i}") for i in range(12)}
    assert set(rows["cluster_id"].to_pylist()) == set(merged.table["cluster_id"].to_pylist())


def test_matches_are_sorted_and_within_bounds(merged: Merged) -> None:
    scores = merged.matches["score"].to_numpy()
    assert (np.diff(scores) <= 0).all()
    assert scores.min() >= 0.0
    assert scores.max() <= 1.0
    assert merged.matches.column_names == ["left_source", "left_id", "right_source", "right_id", "score", "same_entity"]


def test_the_folder_holds_every_result(merged: Merged, folder: Path) -> None:
    names = {p.name for p in folder.iterdir()}
    assert names >= {
        "merged.parquet", "merged.csv", "matches.parquet", "matches.csv", "clusters.csv", "provenance.parquet",
        "review.csv", "report.html", "run.json", "workspace.json", "steps",
    }  # fmt: skip
    assert "rejects.csv" not in names
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert run["entities"] == merged.table.num_rows
    assert run["settings"]["seed"] == 0
    assert [s["rows"] for s in run["sources"]] == [12, 12]
    assert run["sources"][0]["hash"] == data_hash(LEFT)
    assert set(run["files"]) == names - {"run.json", "workspace.json", "steps", ".lock"}
    assert dt.read(folder / "merged.csv").data.num_rows == merged.table.num_rows
    assert (folder / "report.html").read_text(encoding="utf-8") == merged.report


def test_the_review_queue_waits_for_labels(merged: Merged) -> None:
    review = merged.review
    assert set(review.column_names) >= {"left_id", "right_id", "score", "label", "why", "left: name", "right: name"}
    assert review["label"].null_count == review.num_rows


def test_a_second_run_does_nothing_again_and_finds_the_same(merged: Merged, folder: Path) -> None:
    seen: list[Progress] = []
    again = dt.integrate(LEFT, RIGHT, truth=TRUTH, out=folder, on_progress=seen.append)
    assert again.table.equals(merged.table)
    assert again.matches.equals(merged.matches)
    assert set(again.run["seconds"].values()) == {0.0}
    assert {p.step for p in seen if p.note == "finished before"} == {
        "align",
        "plan",
        "block",
        "match",
        "cluster",
        "fuse",
    }


def test_other_rules_fuse_again_but_do_not_match_again(merged: Merged, tmp_path: Path) -> None:
    del merged
    first = dt.integrate(LEFT, RIGHT, out=tmp_path / "out")
    other = dt.integrate(LEFT, RIGHT, out=tmp_path / "out", rules={"name": "longest"})
    assert other.run["seconds"]["match"] == other.run["seconds"]["cluster"] == 0.0
    assert other.run["seconds"]["fuse"] > 0.0
    assert other.clusters.equals(first.clusters)


def test_in_memory_and_on_disk_agree(merged: Merged) -> None:
    loose = dt.integrate(LEFT, RIGHT, truth=TRUTH)
    assert loose.folder is None
    assert loose.table.equals(merged.table)
    assert loose.quality == merged.quality


def test_a_decision_explains_itself_afterwards(merged: Merged, folder: Path) -> None:
    found = explain_pair(folder, "l3", "r3")
    row = merged.matches.filter(pa.compute.equal(merged.matches["left_id"], "l3")).to_pylist()[0]
    assert found.score == pytest.approx(row["score"], abs=1e-6)
    log_odds = np.log(found.score / (1 - found.score))
    assert found.base + sum(e.importance for e in found.evidence) == pytest.approx(log_odds, abs=1e-6)
    assert explain_pair(folder, "right:r3", "left:l3").score == pytest.approx(found.score)
    with pytest.raises(InputError, match="'zz'"):
        explain_pair(folder, "zz", "r3")
    with pytest.raises(WorkspaceError, match="no finished run"):
        explain_pair(folder / "nowhere", "l3", "r3")


@pytest.mark.parametrize("first", ["dt.open_workspace", "dt.dedupe", "import_module('dovetail.integrate.settings')"])
def test_the_verb_is_never_hidden_by_the_folder_of_its_name(first: str) -> None:
    code = f"from importlib import import_module\nimport dovetail as dt\n{first}\nassert callable(dt.integrate)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_line_names_the_strongest_reasons_first() -> None:
    lines = (("name", 2.13), ("price", -0.84), ("town", 0.01), ("phone", 1.0))
    evidence = tuple(AttributeEvidence(n, "a", "b", 0.5, w) for n, w in lines)
    assert in_a_line(Explanation(0, 1, 0.9, 0.0, evidence)) == "name +2.1, phone +1.0, price −0.8"


def test_wrong_wishes_are_met_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no table was given"):
        dt.integrate()
    with pytest.raises(InputError, match="treshold"):
        dt.integrate(LEFT, RIGHT, treshold=0.5)
    with pytest.raises(InputError, match="threshold or a precision"):
        dt.integrate(LEFT, RIGHT, threshold=0.5, precision=0.9)
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(WorkspaceError, match="not Dovetail's"):
        dt.integrate(LEFT, RIGHT, out=tmp_path)


def test_hashes_see_every_value(merged: Merged) -> None:
    del merged
    changed = LEFT.data.set_column(1, "name", pa.array([*LEFT.data["name"].to_pylist()[:-1], "X"]))
    others = [
        Table(LEFT.name, changed, LEFT.ids, id_column="id"),
        Table(
            LEFT.name, LEFT.data.rename_columns(["id", "n", "birth_date", "phone", "town"]), LEFT.ids, id_column="id"
        ),
        Table(LEFT.name, LEFT.data, RIGHT.ids, id_column="id"),
    ]
    assert len({data_hash(LEFT), *map(data_hash, others)}) == 4
    sliced = pa.concat_tables([LEFT.data.slice(0, 5), LEFT.data.slice(5)])
    assert data_hash(Table(LEFT.name, sliced, LEFT.ids, id_column="id")) == data_hash(LEFT)


def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    paths = [str(dt.write(t.data, tmp_path / f"{t.name}.csv")) for t in (LEFT, RIGHT)]
    code = (
        "import os, signal, sys\nimport dovetail as dt\n"
        "def stop(p):\n    if p.step == 'cluster':\n        os.kill(os.getpid(), signal.SIGKILL)\n"
        "dt.integrate(sys.argv[1], sys.argv[2], out=sys.argv[3], on_progress=stop)\n"
    )
    out = tmp_path / "out"
    died = subprocess.run([sys.executable, "-c", code, *paths, str(out)], check=False)
    assert died.returncode == -signal.SIGKILL
    assert not (out / "merged.csv").exists()
    started = time.perf_counter()
    done = dt.integrate(*paths, out=out)
    assert time.perf_counter() - started < 60
    seconds = done.run["seconds"]
    assert [seconds[s] for s in ("align", "plan", "block", "match")] == [0.0] * 4
    assert seconds["cluster"] > 0.0
    assert (out / "merged.csv").is_file()


def test_guarded_csv_files_run_nothing_and_their_judgements_are_still_read(tmp_path):
    """A spreadsheet runs no cell of them, and a label filled in there finds its rows again."""
    frame = LEFT.data.to_pandas()
    frame.loc[0, "id"], frame.loc[0, "name"] = "=cmd|a", "@SUM(A1) Lindqvist"
    left = Table("left", pa.Table.from_pandas(frame, preserve_index=False), pa.array(frame["id"]), id_column="id")
    out = tmp_path / "out"
    merged = dt.integrate(left, RIGHT, out=out, guard_formulas=True)
    assert merged.run["settings"]["guard_formulas"] is True
    assert merged.table["id"].to_pylist()[0] is not None
    texts = [(out / name).read_text(encoding="utf-8") for name in ("merged.csv", "clusters.csv", "matches.csv")]
    assert "'=cmd|a" in texts[0]
    assert "'@SUM(A1)" in texts[0]
    cells = [cell for text in texts for row in csv.reader(text.splitlines()) for cell in row]
    assert not [cell for cell in cells if cell[:1] in ("=", "@")]
    ends = "left_source,left_id,right_source,right_id,label\n"
    (out / "review.csv").write_text(f"{ends}left,'=cmd|a,right,r0,match\n", encoding="utf-8")
    said = read_pairs(out / "review.csv")
    assert said.left_ids.to_pylist() == ["=cmd|a"]
    again = dt.integrate(left, RIGHT, out=out, guard_formulas=True)
    kept = [row for row in again.review.to_pylist() if row["label"]]
    assert [(row["left_id"], row["label"]) for row in kept] == [("=cmd|a", "match")]


def test_what_was_aligned_and_planned_is_said_before_the_work(tmp_path):
    notes: dict[str, str] = {}
    merged = dt.integrate(LEFT, RIGHT, on_progress=lambda p: notes.update({p.step: p.note}) if p.note else None)
    assert notes["align"].startswith("name, birth_date")
    assert re.search(
        r"[\d,]+ pairs keep an estimated [\d.]+ % \([\d.]+ to 100.0 %\) of the matches; 0.\d GB", notes["plan"]
    )
    assert merged.run["columns"]["name"] == ["name", "name"]
    assert merged.run["clusterer_why"]
    assert merged.run["warnings"] == []


def test_labels_of_no_row_are_counted_and_the_rest_counts() -> None:
    """Most fit: the others are said by row number. A truth with an id of no row is refused before the work."""
    judged = [(f"l{i}", f"r{i}", "match") for i in range(6)] + [("l0", "r9", "not"), ("l1", "gone", "match")]
    ends = dict(zip(("left_id", "right_id", "label"), map(list, zip(*judged, strict=True)), strict=True))
    found = dt.integrate(LEFT, RIGHT, labels=pa.table(ends))
    said = [note for note in found.run["warnings"] if "set aside" in note]
    assert len(said) == 1
    assert "1 of 8 labels in" in said[0]
    assert "names a row that is not in left and right and was set aside: row 8; it names 'l1', 'gone'" in said[0]
    assert found.run["warnings"] == said


def test_what_fits_no_row_is_refused_before_the_work() -> None:
    seen: list[str] = []
    strange = pa.table({"left_id": ["x1", "x2", "l0"], "right_id": ["r1", "y2", "r0"], "label": ["match"] * 3})
    for given in ({"labels": strange}, {"truth": strange}):
        with pytest.raises(InputError, match=r"2 left ids and 1 right id of the pairs in .* name no row of left"):
            dt.integrate(LEFT, RIGHT, on_progress=lambda p: seen.append(p.step), **given)
    assert not {"plan", "block", "match"} & set(seen)
