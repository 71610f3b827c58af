"""What learns in the background has versions to go back to; what people label differently is settled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from made_workbench import served, tickets, workspace

from dovetail.labels.said import Answer, Row, classes, group
from dovetail.serve import worker
from dovetail.serve.pool import run_key
from dovetail.serve.trained import KEPT, in_use, keep, let_go, place_of
from dovetail.serve.workbench import Workbench

Server = tuple[TestClient, Workbench]
NAME = "class tickets (behind)"


@pytest.fixture
def server(tmp_path: Any) -> Iterator[Server]:
    with served(workspace(tmp_path)) as (client, bench):
        bench.tables.add(tickets())
        names = ("money", "post", "login")
        said = [classes(f"t{n}", names[n % 3], task="tickets") for n in range(30)]
        bench.ledger.store.say(said, person="ada")
        yield client, bench


def learn(bench: Workbench, number: int) -> None:
    job = bench.jobs.add("classes", {"table": "tickets", "run": number}, "ada").job
    bench.state.write("UPDATE jobs SET state = 'running', started = 0 WHERE job = ?", (job,))
    assert worker.main(str(bench.folder), job) == 0
    assert bench.jobs.get(job).state == "done"


def suggested(client: TestClient) -> int:
    session = client.post("/api/sessions", json={"kind": "class", "table": "tickets"}).json()["session"]
    return len(client.get(f"/api/sessions/{session}/next").json()["items"][0]["suggestions"])


def test_one_goes_back_to_an_earlier_version_and_reads_why_each_came_out_so(server: Server) -> None:
    client, bench = server
    learn(bench, 1)
    learn(bench, 2)
    detail = client.get(f"/api/models/{NAME}").json()
    assert [v["version"] for v in detail["versions"]] == [2, 1, 0]
    assert detail["current"] == 2
    assert all(v["summary"] for v in detail["versions"])
    assert suggested(client) == 3
    assert client.post(f"/api/models/{NAME}/rollback", json={"version": 1}).json()["version"] == 1
    assert client.get(f"/api/models/{NAME}/card").json()["right"]["value"] == 1.0
    assert client.post(f"/api/models/{NAME}/rollback", json={"version": 0}).json()["version"] == 0
    assert suggested(client) == 0
    assert client.get(f"/api/models/{NAME}/report").status_code == 200
    assert client.post(f"/api/models/{NAME}/rollback", json={"version": 9}).status_code == 404
    assert client.get("/api/models/pairs (behind)").status_code == 404
    learn(bench, 3)
    assert client.get(f"/api/models/{NAME}").json()["current"] == 3


def test_files_of_old_versions_are_let_go_but_never_those_in_use(server: Server) -> None:
    client, bench = server
    state, home, about = bench.state, bench.room.home, "class tickets"
    for number in range(KEPT + 3):
        facts = {"folder": f"f{number}", "table": bench.tables.get("tickets").version}
        place = place_of(home, about, number, facts)
        assert place is not None
        place.mkdir(parents=True)
        keep(state, about, facts)
    assert client.post(f"/api/models/{NAME}/rollback", json={"version": 1}).status_code == 200
    let_go(state, home, about)
    there = [v["version"] for v in client.get(f"/api/models/{NAME}").json()["versions"] if v["there"]]
    assert there == [8, 7, 6, 5, 4, 1, 0]
    assert (in_use(state, about) or (0,))[0] == 1
    answer = client.post(f"/api/models/{NAME}/rollback", json={"version": 2})
    assert (answer.status_code, "let go" in answer.json()["error"]) == (404, True)


def test_a_version_of_other_data_cannot_be_gone_back_to(server: Server) -> None:
    client, bench = server
    here = bench.tables.get("tickets").version
    for number, table in enumerate(("before", here)):
        facts = {"folder": f"f{number}", "table": table}
        (place_of(bench.room.home, "class tickets", 1, facts) or bench.folder).mkdir(parents=True)
        keep(bench.state, "class tickets", facts)
    for number, run in enumerate(("before", run_key(bench.folder)), 1):
        (place_of(bench.room.home, "pairs", number, {}) or bench.folder).mkdir(parents=True)
        keep(bench.state, "pairs", {"run": run, "labels": 4})
    for name, why in ((NAME, "the table tickets changed since"), ("pairs (behind)", "an integration was run since")):
        versions = client.get(f"/api/models/{name}").json()["versions"]
        assert [v["version"] for v in versions if v["there"]] == [2, 0]
        answer = client.post(f"/api/models/{name}/rollback", json={"version": 1})
        assert (answer.status_code, why in answer.json()["error"]) == (422, True)


def test_pages_hear_of_going_back_and_read_of_the_first_version(server: Server) -> None:
    client, bench = server
    facts = {"folder": "f1", "table": bench.tables.get("tickets").version}
    (place_of(bench.room.home, "class tickets", 1, facts) or bench.folder).mkdir(parents=True)
    keep(bench.state, "class tickets", facts)
    marks = [bench.marks()["models"]]
    for version in (0, 1):
        assert client.post(f"/api/models/{NAME}/rollback", json={"version": version}).status_code == 200
        marks.append(bench.marks()["models"])
    assert len(set(marks)) == 3
    assert client.get(f"/api/models/{NAME}/card", params={"version": 0}).json()["version"] == 0
    assert client.get(f"/api/models/{NAME}/report", params={"version": 0}).status_code == 200


def test_what_people_label_differently_is_settled_and_taken_back(server: Server) -> None:
    client, bench = server
    store = bench.ledger.store
    store.say([classes("t0", "post", task="tickets")], person="bo")
    rows = [Row("t1"), Row("t2"), Row("t3")]
    store.say([group(rows, ["1", "1", ""], task="tickets")], person="ada")
    store.say([group(rows[::-1], ["1", "", "1"], task="tickets")], person="bo")
    found = client.get("/api/labels/summary").json()
    assert found["unsettled"] == 2
    one, other = found["conflicts"]
    assert one["choices"] == [["money"], ["post"]]
    assert one["records"][0]["id"] == "t0"
    assert other["said"] == {"ada": ["1", "1", ""], "bo": ["1", "", "1"]}  # in the order of one's own rows
    body = {"key": "s1", "value": ["post"], **{k: one[k] for k in ("shape", "rows", "query", "task")}}
    taken = client.post("/api/labels/settle", json=body).json()
    after = client.get("/api/labels/summary").json()
    assert (after["unsettled"], after["gold"][0]["asked"]) == (1, 1)
    assert client.post("/api/labels/unsettle", json={"event": taken["event"], "key": "s2"}).status_code == 200
    assert client.get("/api/labels/summary").json()["unsettled"] == 2
    assert client.post("/api/labels/unsettle", json={"event": 1, "key": "s3"}).status_code == 404


def test_only_who_curates_settles(server: Server) -> None:
    client, _ = server
    token = client.post("/api/people", json={"person": "bo"}).json()["token"]
    body = {"key": "s1", "shape": "class", "rows": [{"id": "t0"}], "value": ["post"], "task": "tickets"}
    answer = client.post("/api/labels/settle", json=body, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 403


def test_a_named_group_is_a_class_too_and_one_answer(server: Server) -> None:
    client, bench = server
    session = client.post("/api/sessions", json={"kind": "group", "table": "tickets"}).json()["session"]
    item = client.get(f"/api/sessions/{session}/next", params={"row": 40}).json()["items"][0]
    assert item["names"] == ["login", "money", "post"]
    assert item["name"] == "post"
    value = {"same": [43, 46], "other": [41], "name": " post "}
    given = {"key": "g1", "item": item["item"], "value": value}
    answer = client.post(f"/api/sessions/{session}/answers", json=given).json()
    assert answer["progress"]["answers"] == 1
    said = {e.label.rows[0].id: e.label.value for e in bench.ledger.current("class", "tickets")}
    assert said["t40"] == said["t43"] == said["t46"] == ("post",)
    assert "t41" not in said
    assert bench.ledger.current("group", "tickets")
    back = client.post(f"/api/sessions/{session}/undo", json={"key": "g2"}).json()
    assert back["item"]["item"] == item["item"]
    assert bench.ledger.counts["class", "tickets"] == 30  # one press takes back the names and the group
    assert not bench.ledger.current("group", "tickets")


def test_a_query_is_known_by_its_item_after_a_restart(tmp_path: Any) -> None:
    folder = workspace(tmp_path)
    with served(folder) as (client, _):
        session = client.post("/api/sessions", json={"kind": "judgement", "table": "north"}).json()["session"]
        item = client.get(f"/api/sessions/{session}/next", params={"query": "drill"}).json()["items"][0]["item"]
    with served(folder) as (client, _):
        found = client.get(f"/api/sessions/{session}/items/{item}").json()["items"][0]
        assert found["query"] == "drill"
        assert found["hits"]


def test_one_question_in_twenty_is_a_gold_one(server: Server) -> None:
    client, bench = server
    gold = Answer(classes("t55", "post", task="tickets"), gold=True)
    bench.ledger.store.say([gold], person="cy")
    session = client.post("/api/sessions", json={"kind": "class", "table": "tickets"}).json()["session"]
    asked = []
    for number in range(12):  # thirty labels of ada's are there
        item = client.get(f"/api/sessions/{session}/next").json()["items"][0]
        asked.append(item["record"]["id"])
        given = {"key": f"g{number}", "item": item["item"], "value": ["money"]}
        assert client.post(f"/api/sessions/{session}/answers", json=given).status_code == 200
    assert asked.index("t55") == 9
    told = client.get("/api/labels/summary").json()["gold"]
    assert told == [{"person": "ada", "right": 0, "asked": 1}]


def test_gold_questions_that_cannot_be_asked_or_are_passed_do_not_hold_up_others(server: Server) -> None:
    client, bench = server
    said = [classes(f"t{n}", "post", task="tickets") for n in range(30, 39)]  # with those there, the next is the 40th
    bench.ledger.store.say(said, person="ada")
    gold = [Answer(classes(row, "post", task="tickets"), gold=True) for row in ("gone", "t59", "t50", "t51")]
    bench.ledger.store.say(gold, person="cy")
    made = {"kind": "class", "table": "tickets", "rows": [*range(20, 55)]}
    session = client.post("/api/sessions", json=made).json()["session"]

    def asked() -> list[str]:
        found = client.get(f"/api/sessions/{session}/next", params={"count": 10}).json()["items"]
        return [item["record"]["id"] for item in found]

    first = asked()
    assert first[0] == "t50"
    assert len(first) == len(set(first)) == 10
    assert len(set(asked())) == 10  # passed: not once more in this turn
    bench.ledger.given["ada"] = 59
    assert asked()[0] == "t51"


def test_comparing_that_failed_is_not_begun_again_for_the_same_integration(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dovetail.serve.desk_pair.LARGE", 1)
    with served(workspace(tmp_path)) as (client, bench):
        session = client.post("/api/sessions", json={"kind": "pair"}).json()["session"]
        for _ in range(2):
            client.get(f"/api/sessions/{session}/next")
            assert [job.kind for job in bench.jobs.listed()] == ["prepare"]
            bench.state.write("UPDATE jobs SET state = 'failed'")
