"""`dovetail labels` from the console: in, out, agreement, conflicts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dovetail.cli.main import app
from dovetail.errors import InputError, UnknownName

PAIRS = """left_id,right_id,label,person,gold
a,x,match,Ann,
b,x,not,Ann,
c,x,match,Ann,
a,x,match,Ben,
b,x,match,Ben,
c,x,unsure,Ben,
b,x,not,Eve,true
"""


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["labels", *map(str, words)])


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "pairs.csv").write_text(PAIRS, encoding="utf-8")
    done = run("import", tmp_path / "merged", tmp_path / "pairs.csv")
    assert done.exit_code == 0, done.exception
    assert done.output == "7 labels of 3 people kept; 0 were known already\n"
    return tmp_path / "merged"


def test_a_second_import_keeps_nothing_new(workspace: Path) -> None:
    done = run("import", workspace, workspace.parent / "pairs.csv", "--json")
    nothing_odd = {"missing": 0, "rows": [], "no_table": 0, "alike": []}
    assert json.loads(done.output) == {"kept": 0, "known": 7, "labels": {"pair": 7}, **nothing_odd}


def test_agreement_and_gold(workspace: Path) -> None:
    found = json.loads(run("agreement", workspace, "--json").output)
    assert found["agreement"][0]["subjects"] == 2
    assert {g["person"]: g["accuracy"]["value"] for g in found["gold"]} == {"Ann": 1.0, "Ben": 0.0}
    told = run("agreement", workspace).output
    assert "pair: alpha" in told
    assert "gold questions: Ann right on 1.00 (0.21 to 1.00) of 1" in told


def test_conflicts_in_words(workspace: Path) -> None:
    assert run("conflicts", workspace).output == "b and x: Ann says not, Ben says match; gold says not\n"
    assert json.loads(run("conflicts", workspace, "--json").output)[0]["gold"] == "not"


def test_settled_labels_go_out_and_can_be_learnt_from(workspace: Path) -> None:
    out = workspace.parent / "settled.csv"
    assert run("export", workspace, "--settled", "-o", out).exit_code == 0
    lines = [[*line.split(",")[1:5:2], line.split(",")[4]] for line in out.read_text(encoding="utf-8").splitlines()]
    assert lines == [["left_id", "right_id", "label"], ["a", "x", "match"], ["b", "x", "not"], ["c", "x", "match"]]


def test_what_only_heuristics_named_is_never_settled_by_people(tmp_path: Path) -> None:
    lines = "id,label,person\na,x,Ann\na,y,(heuristics)\nb,y,(heuristics)\n"
    (tmp_path / "said.csv").write_text(lines, encoding="utf-8")
    run("import", tmp_path / "ws", tmp_path / "said.csv")
    out = tmp_path / "settled.csv"
    assert json.loads(run("export", tmp_path / "ws", "--settled", "-o", out, "--json").output)["written"] == 1
    assert "b,y" not in out.read_text(encoding="utf-8")
    run("export", tmp_path / "ws", "-o", out)
    assert out.read_text(encoding="utf-8").count("(heuristics)") == 2
    (tmp_path / "said.csv").write_text("id,label,person\nb,y,(heuristics)\n", encoding="utf-8")
    run("import", tmp_path / "other", tmp_path / "said.csv")
    assert "people settled on no label" in str(run("export", tmp_path / "other", "--settled", "-o", out).exception)


@pytest.mark.parametrize("form", ["label-studio", "argilla"])
def test_other_tools_and_back(workspace: Path, form: str) -> None:
    out = workspace.parent / f"{form}.json"
    assert run("export", workspace, "--as", form, "-o", out).exit_code == 0
    done = run("import", workspace.parent / "other", out, "--json")
    assert json.loads(done.output)["kept"] == 7


def test_what_cannot_be_done_is_said(workspace: Path) -> None:
    empty = workspace.parent / "nothing"
    assert isinstance(run("agreement", empty).exception, InputError)
    assert "holds no labels yet" in str(run("agreement", empty).exception)
    assert not empty.exists()
    assert isinstance(run("export", workspace, "--as", "argila", "-o", "x.json").exception, UnknownName)
    assert "no label of the shape class" in str(run("export", workspace, "--shape", "class", "-o", "x.csv").exception)
    (workspace.parent / "more.csv").write_text("id,label\n1,x\n", encoding="utf-8")
    assert "do not say who" in str(run("import", workspace, workspace.parent / "more.csv").exception)
    assert run("import", workspace, workspace.parent / "more.csv", "--person", "Ann").exit_code == 0
    assert "several shapes (class, pair)" in str(run("export", workspace, "-o", "x.csv").exception)


def test_the_file_that_was_imported_is_never_written_over(workspace: Path) -> None:
    file = workspace.parent / "pairs.csv"
    assert "never written over" in str(run("export", workspace, "-o", file).exception)
    assert file.read_text(encoding="utf-8") == PAIRS
    assert "among the tables" in str(run("export", workspace, "-o", workspace / "tables" / "x.csv").exception)


def test_words_of_other_languages_are_labels_and_faults_are_named_by_line(tmp_path: Path) -> None:
    file = tmp_path / "said.csv"
    file.write_text("left_id,right_id,label\na,x,ja\nb,x,FALSO\nc,x,maybe\n", encoding="utf-8")
    told = run("import", tmp_path / "ws", file, "--person", "Ann").output
    assert told == "3 labels of 1 person kept; 0 were known already\n"
    out = tmp_path / "out.csv"
    run("export", tmp_path / "ws", "-o", out)
    assert [line.split(",")[4] for line in out.read_text(encoding="utf-8").splitlines()[1:]] == [
        "match",
        "not",
        "unsure",
    ]
    file.write_text("left_id,right_id,label\na,x,ja\nb,x,no\nc,x,jain\n", encoding="utf-8")
    assert "said.csv:4: " in str(run("import", tmp_path / "ws", file, "--person", "Ann").exception)
