"""Tables, entities, the map, models and background work over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from made_workbench import served, tickets, workspace

from dovetail.labels.said import classes, group
from dovetail.serve import worker
from dovetail.serve.workbench import Workbench
from dovetail.types import Table
from dovetail.workspace import open_workspace

Server = tuple[TestClient, Workbench]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(workspace(tmp_path_factory.mktemp("workbench"))) as (client, bench):
        bench.tables.add(tickets())
        yield client, bench


def do(bench: Workbench, kind: str, **spec: Any) -> Any:
    """Do a job here rather than in a process of its own."""
    job = bench.jobs.add(kind, spec, "ada").job
    bench.state.write("UPDATE jobs SET state = 'running', started = 0 WHERE job = ?", (job,))
    assert worker.main(str(bench.folder), job) == 0
    found = bench.jobs.get(job)
    assert found.state == "done", found.error
    return found.result


def rows(client: TestClient, table: str, **asked: Any) -> Any:
    found = client.get(f"/api/tables/{table}/rows", params=asked)
    assert found.status_code == 200, found.text
    return found.json()


def test_home_says_what_is_there_and_what_would_help(server: Server) -> None:
    home = server[0].get("/api/home").json()
    assert {"records", "north", "south", "merged", "tickets"} == {t["table"] for t in home["tables"]}
    assert home["advice"][0]["what"] == "label_pairs"
    assert home["clusters"]["entities"] > 100


def test_rows_are_paged_sorted_and_filtered_by_what_values_mean(server: Server) -> None:
    client, _ = server
    assert [r["row"] for r in rows(client, "north", offset=5, limit=3)["rows"]] == [5, 6, 7]
    column = rows(client, "north")["columns"].index("price")
    prices = [float(r["values"][column]) for r in rows(client, "north", sort="-price", limit=20)["rows"]]
    assert prices == sorted(prices, reverse=True)
    over = rows(client, "north", filter='[{"column":"price","op":"ge","value":"100"}]', limit=200)
    assert over["total"] == len(over["rows"]) == sum(p >= 100 for p in all_prices(client))
    empty = rows(client, "north", filter='[{"column":"price","op":"empty"}]')["total"]
    assert empty == 120 - len(all_prices(client))
    assert rows(client, "north", limit=1, offset=10_000)["rows"] == []


def all_prices(client: TestClient) -> list[float]:
    page = rows(client, "north", limit=200)
    column = page["columns"].index("price")
    return [float(r["values"][column]) for r in page["rows"] if r["values"][column]]


def test_words_find_the_same_rows_before_and_after_the_index(server: Server) -> None:
    client, bench = server
    before = rows(client, "tickets", q="parcel 1", limit=200)
    do(bench, "index", table="tickets")
    after = rows(client, "tickets", q="PARCEL 1", limit=200)
    assert before["total"] > after["total"] > 0
    assert {r["row"] for r in after["rows"]} <= {r["row"] for r in before["rows"]}
    assert rows(client, "tickets", q='"; DROP TABLE words --')["total"] == 0
    assert rows(client, "tickets", q="***")["total"] == 0


def test_rows_alike_come_first(server: Server) -> None:
    page = rows(server[0], "tickets", like=4, limit=10)
    assert 4 in [r["row"] for r in page["rows"]]
    assert all(r["row"] % 3 == 1 for r in page["rows"])
    assert page["rows"][0]["score"] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    "asked",
    [{"filter": "{"}, {"filter": '[{"column":"price","op":"like"}]'}, {"limit": 10_000}, {"offset": -1}, {"x": 1}],
)
def test_questions_that_make_no_sense_are_refused_in_words(server: Server, asked: dict[str, Any]) -> None:
    answer = server[0].get("/api/tables/north/rows", params=asked)
    assert answer.status_code == 422
    assert len(answer.json()["error"]) > 10


def test_a_column_and_its_values(server: Server) -> None:
    found = server[0].get("/api/tables/tickets/profile", params={"column": "queue"}).json()
    assert (found["rows"], found["filled"], found["distinct"]) == (60, 60, 3)
    facets = server[0].get("/api/tables/tickets/facets", params={"column": "queue", "q": "parcel"}).json()
    assert facets["values"] == [{"value": "post", "count": 20}]
    price = server[0].get("/api/tables/north/profile", params={"column": "price"}).json()
    assert sum(bar["count"] for bar in price["histogram"]) == len(all_prices(server[0]))


def test_an_entity_is_split_merged_and_as_it_was(server: Server) -> None:
    client, bench = server
    line = client.get("/api/clusters", params={"order": "largest"}).json()["clusters"][0]
    before = client.get(f"/api/clusters/{line['cluster']}").json()
    assert before["size"] == len(before["records"]) >= 2
    assert {"column", "value", "rule", "source"} <= set(before["golden"][0])
    out = [before["records"][0]["row"]]
    asked = {"key": "s1", "cluster": line["cluster"], "records": out}
    split = client.post("/api/clusters/split", json=asked).json()
    assert client.post("/api/clusters/split", json=asked).json()["event"] == split["event"]
    new = next(c for c in split["clusters"] if c != line["cluster"])
    assert [r["row"] for r in client.get(f"/api/clusters/{new}").json()["records"]] == out
    said = [e.label.value for e in bench.ledger.store.current() if e.session == "entities"]
    assert said == ["not"] * (before["size"] - 1)
    joined = client.post("/api/clusters/merge", json={"key": "m1", "clusters": [line["cluster"], new]}).json()
    assert joined["removed"] == [new]
    for key in ("u1", "u2"):
        assert client.post("/api/clusters/undo", json={"key": key}).status_code == 200
    after = client.get(f"/api/clusters/{line['cluster']}").json()
    assert (after["records"], after["golden"]) == (before["records"], before["golden"])
    assert len(client.get("/api/clusters/events").json()["events"]) == 4
    assert not [e for e in bench.ledger.store.current() if e.session == "entities"]
    assert client.post("/api/clusters/undo", json={"key": "u3"}).status_code == 422


def test_the_map_has_a_point_for_each_row_and_a_line_catches_some(server: Server) -> None:
    client, bench = server
    job = client.get("/api/map", params={"table": "tickets"}).json()["job"]
    assert job["state"] == "waiting"
    do(bench, "map", table="tickets", method="pca")
    assert client.get("/api/map", params={"table": "tickets"}).json()["ready"]
    points = np.frombuffer(client.get("/api/map/points", params={"table": "tickets"}).content, "<f4").reshape(-1, 2)
    assert points.shape == (60, 2)
    assert np.abs(points).max() == pytest.approx(1)
    codes = np.frombuffer(client.get("/api/map/colours", params={"table": "tickets", "name": "queue"}).content, "<u2")
    assert sorted(np.bincount(codes)) == [20, 20, 20]
    square = [[-2, -2], [0, -2], [0, 2], [-2, 2]]
    caught = client.post("/api/map/lasso", json={"table": "tickets", "polygon": square}).json()
    assert set(caught["rows"]) == set(np.flatnonzero(points[:, 0] < 0).tolist())
    label = {"key": "l1", "table": "tickets", "rows": caught["rows"][:3], "value": ["left"]}
    assert client.post("/api/map/label", json=label).json()["labels"] == 3
    client.post("/api/map/label", json=label)
    bench.ledger.refresh()
    assert bench.ledger.counts["class", "tickets"] == 3


def test_classes_are_learned_behind_and_suggested(tmp_path: Path) -> None:
    with served(workspace(tmp_path)) as (client, bench):
        bench.tables.add(tickets())
        session = client.post("/api/sessions", json={"kind": "class", "table": "tickets"}).json()["session"]
        queue = tickets().data["queue"].to_pylist()
        said = [classes(f"t{n}", queue[n], task="tickets") for n in range(30)]
        bench.ledger.store.say(said, person="ada", session=session)
        result = do(bench, "classes", table="tickets")
        assert result["right"]["value"] > 0.9
        item = client.get(f"/api/sessions/{session}/next").json()["items"][0]
        assert item["suggestions"][0]["value"] == queue[item["record"]["row"]]
        progress = client.get(f"/api/sessions/{session}/progress").json()
        assert (progress["version"], progress["until_retrain"]) == (1, 25)
        assert "right on" in progress["effect"]["sentence"]
        assert progress["gain"]["advice"]
        job = client.post("/api/models/fit", json={"task": "classify", "name": "queues", "table": "tickets"})
        assert job.status_code == 202
        spec = {"task": "classify", "name": "queues", "table": "tickets", "effort": "quick", "encoder": "static"}
        do(bench, "fit", **spec)
        do(bench, "fit", **spec)
        answer = client.post("/api/classify", json={"texts": ["where is my parcel"]}).json()
        assert (answer["model"], answer["texts"][0]["label"]) == ("queues", "post")
        assert client.get("/api/models/queues").json()["current"] == 2
        assert client.post("/api/models/queues/rollback", json={"version": 1}).json()["version"] == 1
        assert client.get("/api/models/queues/report").headers["content-type"].startswith("text/html")


def test_the_space_is_tuned_behind(tmp_path: Path) -> None:
    with served(workspace(tmp_path)) as (client, bench):
        bench.tables.add(tickets())
        said = [group([f"t{n}" for n in range(k, 45, 3)], task="tickets") for k in range(3)]
        bench.ledger.store.say(said, person="ada", session="x")
        result = do(bench, "space", table="tickets")
        assert result["rows"] == 45
        assert result["after"] >= result["before"] - 1e-9
        session = client.post("/api/sessions", json={"kind": "group", "table": "tickets"}).json()["session"]
        item = client.get(f"/api/sessions/{session}/next", params={"row": 0}).json()["items"][0]
        known = [n for n in item["neighbours"] if n["same"] is not None]
        assert known
        assert all(n["same"] == (n["record"]["row"] % 3 == 0) for n in known)


def test_jobs_wait_are_cancelled_and_survive(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    with served(folder) as (client, bench):
        job = client.post("/api/integrate", json={}).json()["job"]
        assert client.post("/api/integrate", json={}).json()["job"] == job
        other = bench.jobs.add("map", {"table": "records", "method": "pca"}, "ada").job
        assert client.post(f"/api/jobs/{other}/cancel", json={}).json()["state"] == "cancelled"
        bench.state.write("UPDATE jobs SET state = 'running', pid = 999999, attempts = 1 WHERE job = ?", (job,))
    with served(folder) as (client, bench):
        assert client.get(f"/api/jobs/{job}").json()["state"] == "running"
        bench.jobs._take_up()
        assert client.get(f"/api/jobs/{job}").json()["state"] == "waiting"


def test_an_integration_again_learns_from_what_was_said(tmp_path: Path) -> None:
    with served(workspace(tmp_path)) as (client, bench):
        line = client.get("/api/clusters", params={"order": "weakest"}).json()["clusters"][0]
        rows_ = [r["row"] for r in client.get(f"/api/clusters/{line['cluster']}").json()["records"]]
        client.post("/api/clusters/split", json={"key": "s", "cluster": line["cluster"], "records": rows_[:1]})
        result = do(bench, "integrate")
        assert result["labels"] == len(rows_) - 1
        of = bench.editor.entities.of
        assert of[rows_[0]] not in {of[row] for row in rows_[1:]}


def test_added_tables_are_integrated_from_the_page(tmp_path: Path) -> None:
    open_workspace(tmp_path / "new")
    with served(tmp_path / "new") as (client, bench):
        for name in ("left", "right"):
            bench.tables.add(Table(name, tickets().data, tickets().ids))
        assert client.get("/api/clusters").status_code == 409
        assert client.post("/api/integrate", json={}).status_code == 409
        assert client.post("/api/integrate", json={"tables": ["left", "right"]}).status_code == 202
        assert do(bench, "integrate", tables=["left", "right"])["entities"] >= 60
        assert client.post("/api/sessions", json={"kind": "pair"}).status_code == 201
        assert client.post("/api/integrate", json={"tables": ["records"]}).status_code == 422


def test_match_for_programs(server: Server) -> None:
    pairs = [
        {"left": {"name": "Kestrel KX-400 drill"}, "right": {"name": "kestrel drill KX400"}},
        {"left": {"name": "Alba kettle"}, "right": {"name": "Tamar garden hose"}},
    ]
    found = server[0].post("/api/match", json={"pairs": pairs}).json()
    assert found["model"] == "shipped"
    assert found["pairs"][0]["score"] > found["pairs"][1]["score"]
