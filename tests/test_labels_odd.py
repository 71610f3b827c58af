"""What is odd about labels is said where they come in: rows of no table, labels of no table, names spelt two ways."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner, Result

from dovetail.cli.main import app
from dovetail.errors import InputError, UnknownName
from dovetail.labels.said import Answer, Label, Row, classes, group, judgement, pair
from dovetail.labels.spelling import alike, folded, rename, undo_rename
from dovetail.labels.store import LabelStore, Wanted
from dovetail.labels.strays import Ids, left_out, strays
from dovetail.serve.tables import Tables
from dovetail.types import Table
from dovetail.workspace import open_workspace

SAID = """id,label,person
t1,Billing,Ann
t2,billing,Ann
t3,"Billing ",Ben
t1,billing,Ben
t9,Post,Ben
"""
HERE = {"t": Ids(pa.array(["t1", "t2"])), "records": Ids(pa.array(["a", "a", "b"]), pa.array(["n", "s", "s"]))}


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["labels", *map(str, words)])


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = open_workspace(tmp_path / "ws").folder
    ids = pa.array(["t1", "t2", "t3"])
    Tables(folder).add(Table("tickets", pa.table({"body": ["a", "b", "c"]}), ids))
    (tmp_path / "said.csv").write_text(SAID, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("label", "lost"),
    [
        (classes("t1", "x", task="t"), 0),
        (classes("t3", "x", task="t"), 1),
        (classes("a", "x", task="t"), 1),  # of another table
        (classes(Row("t1", "whatever"), "x", task="t"), 0),  # a table without sources does not look at them
        (pair(Row("a", "n"), Row("b", "s"), "match"), 0),
        (pair(Row("b", "n"), Row("b", "s"), "match"), 1),
        (pair("a", "b", "not"), 0),
        (pair(Row("t1", "t"), "b", "not"), 0),
        (judgement("lamp", "zz", 2, task="t"), 1),
        (group(["t1", "t2", "zz"], ["1", "1", ""], task="t"), 1),
    ],
)
def test_a_label_is_lost_where_no_table_has_its_rows(label: Label, lost: int) -> None:
    found = strays([label], HERE)
    assert (found.labels, found.unfiled, bool(left_out([label], HERE))) == (lost, 0, bool(lost))
    assert strays([label], {}).in_words() == []  # without tables nothing can be said


def test_many_lost_rows_are_counted_and_the_first_are_named() -> None:
    some = [classes(f"z{n}", "x", task="t") for n in range(7)] + [classes("z0", "y"), classes("t1", "y", task="tt")]
    found = strays(some, HERE)
    assert (found.given, found.labels, len(found.rows), found.unfiled, found.tasks) == (9, 8, 7, 2, ("", "tt"))
    lost, unfiled = found.in_words()
    assert lost.startswith(
        "8 of 9 labels name a row that is in none of the tables (t, records): 'z0', 'z1', 'z2', 'z3'"
    )
    assert "'z4' and 2 more; ids there look like 't1', 't2'; they are kept, but nothing learns from them" in lost
    assert unfiled.startswith("2 labels say a table that is not here (tt), so that sessions and training pass over")


def test_importing_says_what_is_odd_and_keeps_all(workspace: Path) -> None:
    file = workspace.parent / "said.csv"
    told = run("import", workspace, file, "--table", "tickets").output.splitlines()
    assert told[0] == "5 labels of 2 people kept; 0 were known already"
    assert told[1].startswith("! 1 of 5 labels names a row that is in none of the tables (tickets): 't9'; ")
    assert told[2].startswith("! the classes of tickets 'billing' (2), 'Billing' (1), 'Billing ' (1) differ only in")
    assert told[2].endswith(f"dovetail labels rename {workspace} billing --table tickets")
    assert len(told) == 3
    facts = json.loads(run("import", workspace, file, "--table", "tickets", "--json").output)
    assert (facts["kept"], facts["missing"], facts["rows"]) == (0, 1, [{"id": "t9", "source": None}])
    assert facts["alike"] == [{"task": "tickets", "names": {"billing": 2, "Billing": 1, "Billing ": 1}}]
    checked = run("check", workspace).output
    assert "not found: t9" in checked
    assert json.loads(run("check", workspace, "--json").output)["labels"] == 5
    assert "'Billing ' (1) differ only in spelling" in run("conflicts", workspace).output
    assert "differ only in spelling" in run("agreement", workspace).output


def test_labels_of_no_table_are_named(workspace: Path) -> None:
    told = run("import", workspace, workspace.parent / "said.csv").output
    assert "5 labels do not say of which table they are" in told
    assert "--table tickets" in told
    wrong = run("import", workspace, workspace.parent / "said.csv", "--table", "ticket")
    assert isinstance(wrong.exception, UnknownName)


def test_nothing_odd_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "said.csv").write_text("left_id,right_id,label\na,b,match\n", encoding="utf-8")
    assert run("import", tmp_path / "ws", tmp_path / "said.csv", "--person", "Ann").output.count("\n") == 1
    assert "no tables here to look for the rows in" in run("check", tmp_path / "ws").output


@pytest.mark.parametrize("other", ["billing", "BILLING", " Billing", "Bill\u200bing", "Ｂilling"])
def test_spellings_are_folded(other: str) -> None:
    assert folded(other) == folded("Billing ")
    assert folded("Billings") != folded("Billing")
    assert folded("Caf\u00e9") == folded("CAFE\u0301")


def test_names_that_look_the_same_are_told_apart(tmp_path: Path) -> None:
    with LabelStore(tmp_path / "labels.sqlite") as store:
        store.say([classes("a", "Caf\u00e9"), classes("b", "Cafe\u0301"), classes("c", "tea")], person="Ann")
        (found,) = alike(store.current(), {"": ["TEA", "milk"]})[:1]
        assert "look the same and are written with different Unicode signs" in found.in_words()
        assert [a.names for a in alike(store.current(), {"": ["TEA"]})][1] == (("tea", 1), ("TEA", 0))


def test_renaming_is_of_everybody_keeps_sessions_and_comes_back(tmp_path: Path) -> None:
    with LabelStore(tmp_path / "labels.sqlite") as store:
        store.say([classes("a", ["billing", "Billing", "x"], task="t")], person="Ann", session="s1")
        store.say([Answer(classes("b", "billing", task="t"), gold=True)], person="Ben", session="s2")
        store.say([classes("c", "billing", task="other")], person="Ben")
        before = [(e.person, e.session, e.gold, e.label.value) for e in store.current()]
        assert len(rename(store, "Billing", ["billing"], Wanted(task="t"))) == 2
        now = {(e.person, e.session, e.gold, e.label.value) for e in store.current()}
        assert now == {
            ("Ann", "s1", False, ("Billing", "x")),
            ("Ben", "s2", True, ("Billing",)),
            ("Ben", "", False, ("billing",)),
        }
        store.say([classes("a", "y", task="t")], person="Ann")  # a later correction stands
        assert undo_rename(store) == 2
        assert undo_rename(store) == 0
        with pytest.raises(InputError, match="the new name is empty"):
            rename(store, " ", ["billing"], Wanted(task="t"))
        after = [(e.person, e.session, e.gold, e.label.value) for e in store.current()]
        assert [one for one in after if one[0] == "Ben"] == before[1:]
        assert {value for *_, value in after} == {("y",), ("billing",)}
        assert store.version == 8  # three labels, two renamed, one corrected, two taken back


def test_renaming_from_the_console(workspace: Path) -> None:
    run("import", workspace, workspace.parent / "said.csv", "--table", "tickets")
    done = run("rename", workspace, "Billing", "--table", "tickets").output
    assert done.startswith("3 labels renamed from 'Billing ', 'billing' to 'Billing'\n")
    assert run("conflicts", workspace).output == "nobody contradicts anybody\n"
    assert "differs from 'Billing' only in spelling" in str(run("rename", workspace, "Billing").exception)
    assert run("rename", workspace, "Mail", "--from", "Post").output.startswith("1 label renamed")
    assert isinstance(run("rename", workspace, "Mail", "--from", "Pots").exception, UnknownName)
    assert run("rename", workspace, "--undo").output == "1 label has its former name again\n"
    assert json.loads(run("rename", workspace, "--undo", "--json").output) == {"taken_back": 3}
    assert isinstance(run("rename", workspace, "--undo").exception, InputError)
    assert "name the class" in str(run("rename", workspace).exception)
