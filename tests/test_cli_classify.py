"""The classifier on the console: fit, predict, evaluate, monitor, update."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dovetail.cli.main import app
from dovetail.errors import InputError, UnknownName
from dovetail.reports.classes import render_classes
from dovetail.tasks.classify import Classifier

ROWS = [
    (f"{frame} {thing}", "again", queue)
    for queue, things in {"billing": ("invoice", "refund"), "delivery": ("parcel", "courier")}.items()
    for thing in things
    for frame in ("help with my", "a problem with the", "what about the", "nobody answers about my", "where is the")
]


def run(*words: str | Path) -> str:
    done = CliRunner().invoke(app, [str(w) for w in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("queues")
    with (folder / "tickets.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("subject", "body", "queue"), *ROWS])
    told = run(
        "fit", "classify", folder / "tickets.csv", "--text", "subject", "--text", "body", "--label", "queue",
        "--encoder", "static", "--out", folder / "model", "--quiet",
    )  # fmt: skip
    assert told == ""
    return folder


def test_predict_keeps_the_columns_and_adds_its_own(place: Path) -> None:
    said = json.loads(run("predict", place / "model", place / "tickets.csv", "--out", place / "out.csv", "--json"))
    assert said == {"rows": 20, "unsure": 0, "outside": said["outside"], "out": str(place / "out.csv")}
    with (place / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["subject", "body", "queue", "predicted", "probability", "second", "outside"]
    assert sum(r["predicted"] == r["queue"] for r in rows) >= 19


def test_predict_says_what_has_no_text_what_lies_outside_and_guards_cells(place: Path) -> None:
    lines = [("subject", "body", "queue"), ("", "", ""), ("=1+1", "xylophone quark zebra", ""), *ROWS[:2]]
    with (place / "odd.csv").open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    told = run("predict", place / "model", place / "odd.csv", "--out", place / "odd_out.csv", "--guard-formulas")
    assert told.splitlines()[:2] == ["3 texts classified", "1 has no class, since there is no text"]
    with (place / "odd_out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[1]["subject"] == "'=1+1"
    odd = sum(float(row["outside"]) > 0.5 for row in rows[1:])
    assert odd == ("none of the classes" in told)  # one text or none
    run("predict", place / "model", place / "odd.csv", "--out", place / "odd_out.csv", "--quiet")
    assert "\n=1+1," in (place / "odd_out.csv").read_text()


def test_evaluate_writes_figures_and_a_page(place: Path) -> None:
    given = ("evaluate", place / "model", place / "tickets.csv", "--labels", "queue", "--groups", "body")
    run(*given, "--out", place / "report", "--quiet")
    figures = json.loads((place / "report" / "evaluation.json").read_text())
    assert [g["group"] for g in figures["groups"]] == ["again"]
    assert figures["accuracy"]["value"] >= 0.95
    page = (place / "report" / "evaluation.html").read_text()
    assert "Every class" in page
    said = "20 of 20 texts were learnt from"
    assert figures["learnt_from"] == 20
    assert said in page
    assert said in figures["notes"][0]
    assert said in run(*given)
    assert "http" not in page.split("<body>")[1]
    with pytest.raises(UnknownName, match="did you mean 'queue'"):
        run("evaluate", place / "model", place / "tickets.csv", "--labels", "queu")


def test_texts_in_a_page_are_never_markup(place: Path) -> None:
    made = Classifier.load(place / "model")
    found = made.evaluate(["<script>alert(1)</script> parcel", "my refund"], ["billing", "billing"])
    page = render_classes(found, made.card)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert [(c.true, c.predicted) for c in found.cells] == [("billing", "delivery")]
    assert {"invoice", "refund"} <= set(found.cells[0].words_true)
    assert "Words that stand for <bdi>billing</bdi>: " in page


def test_monitor_names_rows(place: Path) -> None:
    found = json.loads(run("monitor", place / "model", place / "tickets.csv", "--json"))
    assert found["drifted"] is False
    assert found["n"] == 20
    assert found["to_label"][0].startswith("tickets.csv:")


def test_update_keeps_the_old_model(place: Path) -> None:
    with (place / "more.csv").open("w", newline="") as file:
        rows = [(f"{frame} laptop", "", "hardware") for frame in ("fix my", "a problem with the", "broken", "slow")]
        csv.writer(file).writerows([("subject", "body", "queue"), *rows])
    said = json.loads(run("update", place / "model", place / "more.csv", "--json"))
    assert said["kept"]
    assert Classifier.load(place / "model").classes == ("billing", "delivery", "hardware")
    assert Classifier.load(said["before"]).classes == ("billing", "delivery")


def test_names_alone(place: Path) -> None:
    told = run(
        "fit", "classify", place / "tickets.csv", "--text", "subject", "--encoder", "static", "--out", place / "named",
        "--name", "billing=invoice, refund", "--name", "delivery=parcel, courier",
    )  # fmt: skip
    assert "no labels" in told
    assert Classifier.load(place / "named").predict(["where is my parcel"]) == ["delivery"]
    with pytest.raises(InputError, match="--label"):
        run("fit", "classify", place / "tickets.csv", "--text", "subject", "--out", place / "none")
    with pytest.raises(InputError, match="--set speaks of training"):
        run("fit", "classify", place / "tickets.csv", "--text", "subject", "--out", place / "none",
            "--name", "a=b", "--name", "c=d", "--set", "epochs=3")  # fmt: skip
    with pytest.raises(UnknownName, match="did you mean 'subject'"):
        run("fit", "classify", place / "tickets.csv", "--text", "subjct", "--label", "queue", "--out", place / "none")


def test_a_student_is_made_on_the_console(place: Path) -> None:
    told = json.loads(run("distil", place / "model", place / "tickets.csv", "--out", place / "student", "--json"))
    assert 0 <= told["right"] <= 1
    assert told["per_second"] > 0
    assert Classifier.load(place / "student").card["chosen"] == "student"
    with pytest.raises(InputError, match="another one"):
        run("distil", place / "model", "--out", place / "model")


def test_settings_of_training_without_a_word_of_their_own(place: Path) -> None:
    given = ("fit", "classify", place / "tickets.csv", "--text", "body", "--text", "subject", "--label", "queue")
    given = (*given, "--encoder", "static", "--out", place / "set", "--quiet")
    run(*given, "--set", "folds=3", "--set", "rungs=words,vectors", "--set", "keep_texts=true")
    assert [r["name"] for r in Classifier.load(place / "set").card["rungs"]] == ["words", "vectors", "joined"]
    assert Classifier.load(place / "set").card["options"]["folds"] == 3
    with pytest.raises(UnknownName, match="did you mean 'epochs'"):
        run(*given, "--set", "epoch=3")
    with pytest.raises(UnknownName, match="did you mean 'adamw'"):
        run(*given, "--set", "optimizer=adamW2")
    with pytest.raises(InputError, match="option of its own, --seed"):
        run(*given, "--set", "seed=3")
    with pytest.raises(InputError, match="the search of --search is kept"):
        run(*given, "--set", "search_folder=x")
    with pytest.raises(InputError, match="setting folds"):
        run(*given, "--set", "folds=many")


def test_why_a_text_is_of_its_class(place: Path) -> None:
    told = run("explain", place / "set", "where is my parcel")
    assert told.startswith("delivery, ")
    assert "parcel" in told
    found = json.loads(run("explain", place / "set", "where is my parcel", "billing", "--json"))
    assert found["label"] == "billing"
    with pytest.raises(InputError, match="name both rows"):
        run("explain", place, "a text")


def test_labels_that_look_wrong(place: Path) -> None:
    with (place / "wrong.csv").open("w", newline="") as file:
        rows = [*ROWS, ("help with my refund", "again", "delivery"), ("HELP with my refund!", "again", "delivery")]
        csv.writer(file).writerows([("subject", "body", "queue"), *rows])
    run(
        "fit", "classify", place / "wrong.csv", "--text", "subject", "--label", "queue", "--encoder", "static",
        "--out", place / "wrong", "--quiet",
    )  # fmt: skip
    told = run("suspects", place / "wrong", "--most", 3, "--out", place / "wrong_labels.csv")
    assert "delivery, likelier billing: " in told
    assert "equal texts, different labels: " in told
    with (place / "wrong_labels.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 3
    with pytest.raises(InputError):
        run("suspects", place / "wrong", "--out", place / "labels.nothing")
    with pytest.raises(InputError, match="not written over"):
        run("suspects", place / "wrong", "--out", place / "wrong.csv")
    run("suspects", place / "wrong", "--most", 3, "--out", place / "wrong_labels.csv")


def test_the_column_of_training_is_the_column_of_the_labels(place: Path) -> None:
    assert json.loads(run("evaluate", place / "set", place / "tickets.csv", "--json"))["n"] == 20


def test_the_labels_are_never_the_text(place: Path) -> None:
    with pytest.raises(InputError, match="queue holds the labels, so it cannot be the text"):
        run("fit", "classify", place / "tickets.csv", "--text", "queue", "--label", "queue", "--out", place / "no")
