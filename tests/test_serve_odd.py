"""The server says what is odd about labels, and one label without its row stops nothing."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from made_workbench import served, tickets, workspace

from dovetail.labels.said import Row, classes, pair
from dovetail.serve.work_models import pairs_of
from dovetail.serve.workbench import Workbench

Server = tuple[TestClient, Workbench]


@pytest.fixture
def server(tmp_path: Any) -> Iterator[Server]:
    with served(workspace(tmp_path)) as (client, bench):
        bench.tables.add(tickets())
        yield client, bench


def given(key: str, row: str, value: list[str], task: str = "tickets") -> dict[str, Any]:
    return {"key": key, "shape": "class", "rows": [{"id": row}], "value": value, "task": task}


def test_labels_without_rows_are_kept_and_said(server: Server) -> None:
    client, _ = server
    sent = {"labels": [given("1", "t1", ["Money"]), given("2", "t999", ["money "]), given("3", "t2", ["post"], "")]}
    taken = client.post("/api/label", json=sent).json()
    assert len(taken["taken"]) == 3
    assert taken["notes"][0].startswith("1 of 3 labels names a row that is in none of the tables (")
    assert taken["notes"][1].startswith("1 label do")
    found = client.get("/api/labels/summary").json()
    assert found["notes"] == taken["notes"]
    assert found["alike"][0]["names"] == [{"name": "Money", "labels": 1}, {"name": "money ", "labels": 1}]
    assert client.post("/api/label", json={"labels": [given("4", "t5", ["post"])]}).json()["notes"] == []


def test_names_are_made_one_and_come_back(server: Server) -> None:
    client, bench = server
    bench.ledger.store.say(
        [classes("t1", "Money", task="tickets"), classes("t2", "money", task="tickets")], person="bo"
    )
    asked = {"task": "tickets", "old": ["money"], "new": "Money"}
    assert client.post("/api/labels/rename", json=asked).json() == {"labels": 1}
    assert client.get("/api/labels/summary").json()["alike"] == []
    assert {e.label.value for e in bench.ledger.current("class", "tickets")} == {("Money",)}
    assert client.post("/api/labels/unrename", json={}).json() == {"labels": 1}
    assert len(client.get("/api/labels/summary").json()["alike"]) == 1
    assert client.post("/api/labels/unrename", json={}).json() == {"labels": 0}
    heard = [line["what"] for line in client.get("/api/audit").json()["entries"]]
    assert heard[:3] == ["undo rename", "undo rename", "rename"]


def test_a_heuristic_of_another_spelling_is_named(server: Server) -> None:
    client, bench = server
    bench.ledger.store.say([classes("t1", "Money", task="tickets")], person="bo")
    text = '[[heuristic]]\nname = "a"\ntable = "tickets"\nclass = "money"\nwords = ["refund"]\n'
    bench.rules.path.write_text("format = 1\n" + text, encoding="utf-8")
    bench.ledger.store.say([classes("t2", "post", task="tickets")], person="bo")
    (found,) = client.get("/api/labels/summary").json()["alike"]
    assert found["names"] == [{"name": "Money", "labels": 1}, {"name": "money", "labels": 0}]


def test_a_pair_without_its_row_is_left_out_of_an_integration(server: Server) -> None:
    _, bench = server
    view = bench.tables.get("records")
    a, b = (Row(str(view.ids[n].as_py()), view.source(n)) for n in (0, 1))
    bench.ledger.store.say([pair(a, b, "not"), pair(a, Row("nowhere", b.source), "match")], person="bo")
    found = pairs_of(SimpleNamespace(labels=bench.ledger.store, tables=bench.tables))  # type: ignore[arg-type]
    assert found is not None
    assert found.label is not None
    assert found.label.tolist() == [0]
