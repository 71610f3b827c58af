"""Heuristics over HTTP and from the console: tried, kept, joined, said as labels, taken back."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from made_workbench import served, tickets
from typer.testing import CliRunner, Result

from dovetail.cli.main import app
from dovetail.serve import rules as rules_of_tables
from dovetail.serve.workbench import Workbench
from dovetail.tables.write import write
from dovetail.types import Table
from dovetail.workspace import open_workspace

MONEY = {"name": "money", "table": "tickets", "gives": "money", "words": ["refund", "invoice payment"]}
POST = {"name": "post", "table": "tickets", "gives": "post", "pattern": r"parcel|deliver(y|ed)"}
WRONG = {"name": "wrong", "table": "tickets", "gives": "post", "pattern": r"number \d*7 "}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return open_workspace(tmp_path / "ws").folder


@pytest.fixture
def client(place: Path) -> Iterator[TestClient]:
    with served(place) as (client, bench):
        bench.add(tickets())
        yield client


def said(client: TestClient, values: dict[str, str], person: str | None = None) -> None:
    rows = [{"shape": "class", "rows": [{"id": i}], "value": [v], "task": "tickets"} for i, v in values.items()]
    headers = {} if person is None else {"authorization": f"Bearer {person}"}
    assert client.post("/api/label", json={"labels": rows}, headers=headers).status_code == 200


def page(client: TestClient, **query: Any) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/heuristics", params={"table": "tickets", **query}).json()
    return found


def test_a_heuristic_is_tried_and_kept_nowhere(client: TestClient, place: Path) -> None:
    said(client, {"t0": "money", "t3": "login", "t1": "post"})
    found = client.post("/api/heuristics/try", json={"rule": MONEY}).json()
    assert (found["line"]["rows"], found["asked"]) == (20, 60)
    assert (found["line"]["right"], found["line"]["checked"]) == (1, 2)
    assert len(found["caught"]) == 8
    assert [p["text"] for p in found["caught"][0]["pieces"] if p["marked"]] == ["refund", "invoice payment"]
    assert [(e["id"], e["hand"], e["value"]) for e in found["against_hand"]] == [("t3", "login", "money")]
    other = client.post("/api/heuristics/try", json={"rule": MONEY, "turn": 1}).json()
    assert {e["id"] for e in other["caught"]} != {e["id"] for e in found["caught"]}
    assert not (place / "heuristics.toml").exists()


def test_kept_turned_off_removed_and_put_back(client: TestClient, place: Path) -> None:
    first = client.put("/api/heuristics", json=MONEY).json()
    assert first["joined"] is None
    assert "two classes" in first["notice"]
    second = client.put("/api/heuristics", json=POST).json()
    assert {line["value"]: line["rows"] for line in second["joined"]["labels"]} == {"money": 20, "post": 20}
    assert client.put("/api/heuristics", json={**POST, "on": False}).json()["rules"][1]["on"] is False
    gone = client.delete("/api/heuristics", params={"table": "tickets", "name": "post"}).json()
    assert [r["name"] for r in page(client)["rules"]] == ["money"]
    client.put("/api/heuristics", json={**gone, "on": True})
    assert [r["name"] for r in page(client)["rules"]] == ["money", "post"]
    assert 'words = ["refund", "invoice payment"]' in (place / "heuristics.toml").read_text(encoding="utf-8")


def test_conflicts_are_shown(client: TestClient) -> None:
    for rule in (MONEY, POST, WRONG):
        client.put("/api/heuristics", json=rule)
    found = client.post("/api/heuristics/try", json={"rule": WRONG}).json()
    assert found["line"]["conflict"] == pytest.approx(2 / 60)
    assert {e["id"] for e in found["against_others"]} == {"t27", "t57"}
    assert found["against_others"][0]["others"] == [{"name": "money", "value": "money"}]


def test_joined_applied_and_undone(client: TestClient) -> None:
    said(client, {f"t{n}": ("money", "post", "login")[n % 3] for n in range(12)})
    for rule in (MONEY, POST):
        client.put("/api/heuristics", json=rule)
    joined = page(client, sure=0.75)["joined"]
    assert (joined["right"], joined["checked"], joined["kept"], joined["rows"]) == (8, 8, 8, 32)
    assert joined["accuracy"]["low"] > 0.6
    done = client.post("/api/heuristics/apply", json={"table": "tickets", "sure": 0.75}).json()
    assert (done["new"], done["taken"]) == (32, 0)
    detail = client.get("/api/tables/tickets/rows/30").json()
    assert [(label["person"], label["value"]) for label in detail["labels"]] == [("(heuristics)", ["money"])]
    summary = client.get("/api/labels/summary").json()
    assert (summary["counts"]["class"], summary["people"], summary["unsettled"]) == (12, 1, 0)
    client.request("DELETE", "/api/heuristics", params={"table": "tickets", "name": "post"})
    assert client.post("/api/heuristics/apply", json={"table": "tickets"}).json()["taken"] == 16
    back = client.post("/api/heuristics/undo", json={"table": "tickets"}).json()
    assert {c["value"]: c["rows"] for c in back["labels"]} == {"money": 16, "post": 16}


def test_a_session_still_asks_about_rows_that_heuristics_labelled(client: TestClient) -> None:
    for rule in (MONEY, POST):
        client.put("/api/heuristics", json=rule)
    client.post("/api/heuristics/apply", json={"table": "tickets"})
    session = client.post("/api/sessions", json={"kind": "class", "table": "tickets"}).json()["session"]
    assert client.get(f"/api/sessions/{session}/next", params={"count": 5}).json()["left"] == 60
    assert client.get(f"/api/sessions/{session}/progress").json()["answers"] == 0


def test_names_of_classes_are_a_heuristic(client: TestClient) -> None:
    rule = {"name": "n", "table": "tickets", "names": {"money": "invoice, payment", "post": "parcel delivery"}}
    line = client.put("/api/heuristics", json=rule).json()["rules"][0]
    assert (line["kind"], line["fault"]) == ("names", None)
    assert line["rows"] > 20


def test_what_makes_no_sense_is_refused(client: TestClient) -> None:
    for change, status, words in (
        ({"pattern": "(?=a)b", "words": []}, 422, "no look-around"),
        ({"pattern": "x" * 501, "words": []}, 422, "pattern"),
        ({"words": []}, 422, "one of pattern, words, names"),
        ({"pattern": "x"}, 422, "one of pattern, words, names"),
        ({"gives": ""}, 422, "no class"),
        ({"table": "nowhere"}, 404, "nowhere"),
        ({"column": "nowhere"}, 422, "nowhere"),
        ({"words": ["w"] * 1_001}, 422, "words"),
        ({"name": " "}, 422, "name"),
    ):
        send = client.put("/api/heuristics", json={**MONEY, **change})
        assert send.status_code == status, (change, send.json())
        assert words in send.json()["error"]
    assert client.delete("/api/heuristics", params={"table": "tickets", "name": "x"}).status_code == 404
    assert client.post("/api/heuristics/undo", json={"table": "tickets"}).status_code == 422
    assert client.post("/api/heuristics/apply", json={"table": "tickets"}).status_code == 422


def test_roles(client: TestClient) -> None:
    token = client.post("/api/people", json={"person": "bo"}).json()["token"]
    headers = {"authorization": f"Bearer {token}"}
    assert client.post("/api/heuristics/try", json={"rule": MONEY}, headers=headers).status_code == 200
    assert client.put("/api/heuristics", json=MONEY, headers=headers).status_code == 403
    assert client.post("/api/heuristics/apply", json={"table": "tickets"}, headers=headers).status_code == 403
    assert client.post("/api/people", json={"person": "(heuristics)"}).status_code == 422


def test_a_file_broken_by_hand_is_said_and_a_broken_rule_keeps_the_others(client: TestClient, place: Path) -> None:
    client.put("/api/heuristics", json=MONEY)
    path = place / "heuristics.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + '[[heuristic]]\nname = "b"\ntable = "tickets"\nclass = "c"\npattern = "("\n', "utf-8")
    found = page(client)["rules"]
    assert [r["rows"] for r in found] == [20, 0]
    assert "not understood" in found[1]["fault"]
    path.write_text("[[", encoding="utf-8")
    reply = client.get("/api/heuristics", params={"table": "tickets"})
    assert reply.status_code == 422
    assert "heuristics.toml is not understood" in reply.json()["error"]


def run(*words: object) -> Result:
    return CliRunner().invoke(app, ["labels", "heuristics", *map(str, words)])


def told(*words: object) -> str:
    done = run(*words)
    assert done.exit_code == 0, done.exception
    return done.output


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write(tickets(), tmp_path / "tickets.csv")
    told(
        "add",
        tmp_path / "ws",
        "money",
        "--class",
        "money",
        "--words",
        "refund, account",
        "--table",
        tmp_path / "tickets.csv",
    )
    told("add", tmp_path / "ws", "post", "--class", "post", "--pattern", "parcel|late")
    return tmp_path / "ws"


def test_console_adds_lists_tries_and_removes(shop: Path) -> None:
    listed = told("list", shop)
    assert "money: money where refund, account\n  40 of 60 rows (66.7 %), overlap 0.0 %, conflict 0.0 %" in listed
    tried = told("add", shop, "late", "--class", "money", "--words", "late", "--column", "body", "--try")
    assert "delivery [late] courier" in tried
    assert "post says post" in tried
    assert "only tried" in tried
    assert len(json.loads(told("list", shop, "--json"))["rules"]) == 2
    assert "post is out of" in told("remove", shop, "post")
    for words, said_ in (
        (("add", shop, "x", "--class", "c"), "give --words, --pattern or --means"),
        (("add", shop, "x", "--words", "c"), "name one with --class"),
        (("join", shop), "two classes"),
        (("list", shop, "--table", "nowhere"), "nowhere"),
        (("join", shop, "--functions", "nowhere.py"), "no file nowhere.py"),
    ):
        assert said_ in str(run(*words).exception)


def test_console_lists_what_cannot_be_asked_beside_functions(shop: Path) -> None:
    path = shop / "heuristics.toml"
    broken = '[[heuristic]]\nname = "b"\ntable = "tickets"\nclass = "c"\npattern = "("\n'
    path.write_text(path.read_text(encoding="utf-8") + broken, encoding="utf-8")
    functions = shop.parent / "rules.py"
    functions.write_text("def logs(text):\n    return 'login' if 'password' in text else None\n", encoding="utf-8")
    listed = told("list", shop, "--functions", functions)
    assert "b: the pattern '(' of heuristic b is not understood" in listed
    assert "logs: a Python function" in listed
    names = [r["name"] for r in json.loads(told("list", shop, "--functions", functions, "--json"))["rules"]]
    assert names == ["money", "post", "b", "logs"]


def test_console_prints_nothing_that_steers_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,body\n1,pay \x1b]0;owned\x07 now\n2,other\n", encoding="utf-8")
    words = ("--class", "x\x1b[2J", "--words", "pay", "--table", tmp_path / "t.csv", "--column", "body")
    tried = told("add", tmp_path / "ws", "pay\x1b[1m", *words)
    assert "[pay]" in tried
    assert "owned" in tried
    assert not set(tried + told("list", tmp_path / "ws")) & {"\x1b", "\x07"}


def test_two_processes_keep_heuristics_of_one_file(place: Path) -> None:
    from dovetail.labels.rules import Rule
    from dovetail.labels.store import LabelStore
    from dovetail.serve.tables import Tables

    tables = Tables(place)
    tables.add(tickets())
    with LabelStore(place / "labels.sqlite") as store:
        each = [rules_of_tables.Rules(place, tables, store) for _ in range(2)]
        kept = [Rule(f"r{n}", "tickets", "money", pattern=f"n{n}") for n in range(20)]
        sides = [threading.Thread(target=lambda n=n: [each[n].keep(r) for r in kept[n::2]]) for n in range(2)]
        for side in sides:
            side.start()
        for side in sides:
            side.join()
        assert {r.name for r in each[0].all()} == {r.name for r in kept}


def test_console_joins_functions_keeps_writes_and_undoes(shop: Path) -> None:
    functions = shop.parent / "rules.py"
    functions.write_text("def logs(text):\n    return 'login' if 'password' in text else None\n", encoding="utf-8")
    dry = told("join", shop, "--functions", functions)
    assert "no hand labels to judge this by" in dry
    assert "nothing was kept" in dry
    out = shop.parent / "said.csv"
    facts = json.loads(told("join", shop, "--functions", functions, "--keep", "--out", out, "--json"))
    assert facts["labels"] == {"post": 20}, "two that contradict each other are trusted less"
    assert facts["new"] == 20
    again = CliRunner().invoke(app, ["labels", "import", str(shop), str(out)])
    assert "20 were known already" in again.output
    assert told("undo", shop) == "20 labels of heuristics taken back, 0 count again\n"
    assert told("undo", shop) == "0 labels of heuristics taken back, 20 count again\n"


def test_console_says_what_a_heuristic_replaced(shop: Path) -> None:
    told_ = told("add", shop, "post", "--class", "post", "--words", "parcel")
    assert "replaced post, which was: --class post --pattern 'parcel|late'\n" in told_
    assert "replaced" not in told("add", shop, "more", "--class", "post", "--words", "parcel")


@pytest.mark.parametrize(
    ("code", "said_"),
    [
        ("id,body\n1,pay now\n", "rules.py, line 2, is not Python: invalid syntax"),
        ("x = 1\ny = x / 0\n", "rules.py, line 2, fails while it is loaded: ZeroDivisionError: division by zero"),
        ("def odd(text):\n    return {}[1]\n", "rules.py, line 2: the function odd fails on the text "),
    ],
)
def test_console_says_what_is_wrong_with_functions(shop: Path, code: str, said_: str) -> None:
    functions = shop.parent / "rules.py"
    functions.write_text(code, encoding="utf-8")
    done = run("list", shop, "--functions", functions)
    assert type(done.exception).__name__ == "InputError"
    assert said_ in str(done.exception)


def test_console_never_writes_over_the_table_that_it_was_given(shop: Path) -> None:
    file = shop.parent / "tickets.csv"
    before = file.read_bytes()
    assert "never written over" in str(run("join", shop, "--out", file).exception)
    assert file.read_bytes() == before


def test_a_training_learns_from_both_and_says_so(place: Path) -> None:
    from dovetail.labels.said import classes
    from dovetail.serve.work_classes import some_ruled

    with served(place) as (client, bench):
        bench.add(tickets())
        said(client, {"t0": "money", "t1": "post"})
        for rule in (MONEY, POST):
            client.put("/api/heuristics", json=rule)
        client.post("/api/heuristics/apply", json={"table": "tickets"})
        events = bench.ledger.store.current()
        assert len(some_ruled(events)) == 38
        assert isinstance(bench, Workbench)
        assert bench.ledger.ruled(classes("t3", (), task="tickets").subject_key()) is not None


def test_a_model_is_judged_on_labels_of_people_alone(place: Path) -> None:
    from dovetail.serve.work_classes import learned_from, right_of_people
    from dovetail.tasks.classify import Classifier

    with served(place) as (client, bench):
        bench.add(tickets())
        said(client, {f"t{n}": ("post", "money")[n % 2] for n in range(8)})
        for rule in (MONEY, POST):
            client.put("/api/heuristics", json=rule)
        client.post("/api/heuristics/apply", json={"table": "tickets", "sure": 0.1})
        view, events = bench.tables.get("tickets"), bench.ledger.store.current()
        rows, labels, mine = learned_from(view, events)
        assert (len(rows), sum(mine)) == (len(events), 8)
        assert {row for row, by in zip(rows, mine, strict=True) if by} == set(range(8))
        texts = view.texts(rows)
        model = Classifier("static").fit(texts, [v[0] for v in labels], effort="quick")
        right = right_of_people(model, texts, mine)
        assert right is not None
        assert (8 * right["value"]).is_integer()
        assert right["value"] < 0.8 < model.card["held_out"], "people here contradict the words, heuristics repeat them"
        assert right["high"] - right["low"] > 0.4, "eight labels tell little"
        assert right_of_people(model, texts, [False] * len(rows)) is None


def test_rows_of_which_people_disagree_are_left_to_people(client: TestClient, place: Path) -> None:
    token = client.post("/api/people", json={"person": "bo"}).json()["token"]
    said(client, {"t0": "other", "t1": "post"})
    said(client, {"t0": "third"}, token)
    both = {"shape": "class", "rows": [{"id": "t3"}], "value": ["money", "post"], "task": "tickets"}
    none = {**both, "rows": [{"id": "t6"}], "value": []}
    assert client.post("/api/label", json={"labels": [both, none]}).status_code == 200
    for rule in (MONEY, POST):
        client.put("/api/heuristics", json=rule)
    joined = page(client)["joined"]
    assert (joined["kept"], joined["rows"]) == (4, 36)
    out = place.parent / "said.csv"
    told("join", place, "--table", "tickets", "--out", out)
    ids = {line.split(",")[0] for line in out.read_text(encoding="utf-8").splitlines()[1:]}
    assert len(ids) == 36
    assert not ids & {"t0", "t1", "t3", "t6"}


def test_of_a_large_table_all_rows_that_people_labelled_are_read(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    said(client, {f"t{n}": ("money", "post", "login")[n % 3] for n in range(20, 40)})
    monkeypatch.setattr(rules_of_tables, "LARGEST", 10)
    for rule in (MONEY, POST, {"name": "n", "table": "tickets", "names": {"money": "invoice", "post": "parcel"}}):
        client.put("/api/heuristics", json=rule)
    found = page(client)
    assert (found["hand"], found["asked"]) == (20, 27), "three of the ten even rows were labelled"
    assert "with those that people labelled" in found["notice"]
    lines = {r["name"]: r for r in found["rules"]}
    assert (lines["money"]["right"], lines["money"]["checked"]) == (7, 7)
    said(client, {"t41": "login"})
    assert (page(client)["hand"], page(client)["asked"]) == (21, 28)
    tried = client.post("/api/heuristics/try", json={"rule": WRONG}).json()
    assert {e["id"] for e in tried["against_hand"]} <= {"t27", "t37"}
    assert "t27" in {e["id"] for e in tried["against_hand"]}


def test_every_heuristic_of_a_full_page_is_asked_once(
    client: TestClient, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dovetail.labels.rules import MOST, Rule, rewritten

    rules = tuple(Rule(f"r{n}", "tickets", "money", pattern=f"number {n} ") for n in range(MOST))
    (place / "heuristics.toml").write_text(rewritten("", rules), encoding="utf-8")
    counted: list[str] = []
    plain = rules_of_tables._asked
    monkeypatch.setattr(rules_of_tables, "_asked", lambda t, rule, s: counted.append(rule.name) or plain(t, rule, s))
    for _ in range(2):
        assert len(page(client)["rules"]) == MOST
    assert len(counted) == MOST


PEEK = {"name": "peek", "table": "tickets", "gives": "post", "words": ["post"]}


def test_a_column_with_the_answers_is_not_read_unless_it_is_named(client: TestClient, place: Path) -> None:
    found = client.post("/api/heuristics/try", json={"rule": PEEK}).json()
    assert found["line"]["rows"] == 0
    assert found["notice"].startswith("the column queue holds the classes already, so a heuristic reads it only where")
    named = client.post("/api/heuristics/try", json={"rule": {**PEEK, "column": "queue"}}).json()
    assert named["line"]["rows"] == 20
    assert named["notice"].endswith("peek reads the answers: how right that is says nothing of other rows")
    client.put("/api/heuristics", json=MONEY)
    assert "the column queue holds" in page(client)["notice"]
    client.delete("/api/heuristics", params={"table": "tickets", "name": "money"})
    other = {"name": "x", "table": "tickets", "gives": "Late parcels", "words": ["post"]}
    assert client.post("/api/heuristics/try", json={"rule": other}).json()["notice"] is None  # nothing tells them apart


def test_functions_are_asked_again_without_the_answers_that_they_name(place: Path) -> None:
    with served(place) as (_, bench):
        bench.add(tickets())
        looked = bench.rules.look("tickets", [], {"f": lambda text: "login" if "login" in text else None})
        assert looked.ground.answers == ("queue",)
        assert (looked.votes >= 0).sum() == 0
        seen = bench.rules.look("tickets", [], {"f": lambda text: "login" if "reset" in text else None})
        assert (seen.votes >= 0).sum() == 20


def test_a_table_of_answers_alone_is_read_all_the_same(place: Path) -> None:
    with served(place) as (_, bench):
        whole = tickets()
        bench.add(Table("bare", whole.data.select(["queue"]), whole.ids))
        assert bench.tables.get("bare").answers(["POST ", "none"]) == ("queue",)
        ground = bench.rules.ground("bare", (), ["post"])
        assert (ground.answers, ground.read) == ((), ("queue",))
