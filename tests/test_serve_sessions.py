"""Labelling over HTTP: four kinds of session, keys that count once, undo, several people, blind sessions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from made_workbench import served, tickets, workspace

from dovetail.labels.store import LabelStore, Wanted
from dovetail.serve.workbench import Workbench

Server = tuple[TestClient, Workbench]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(workspace(tmp_path_factory.mktemp("sessions"))) as (client, bench):
        bench.tables.add(tickets())
        yield client, bench


def begin(client: TestClient, **asked: Any) -> str:
    made = client.post("/api/sessions", json=asked)
    assert made.status_code == 201, made.text
    return str(made.json()["session"])


def following(client: TestClient, session: str, **asked: Any) -> Any:
    found = client.get(f"/api/sessions/{session}/next", params=asked)
    assert found.status_code == 200, found.text
    return found.json()


def say(client: TestClient, session: str, key: str, item: str, value: Any) -> Any:
    return client.post(f"/api/sessions/{session}/answers", json={"key": key, "item": item, "value": value})


def test_a_pair_shows_two_records_and_where_they_differ(server: Server) -> None:
    item = following(server[0], begin(server[0], kind="pair"))["items"][0]
    assert item["suggestion"]["value"] in ("match", "not")
    assert item["why"]
    for field in item["fields"]:
        for side in ("left", "right"):
            assert "".join(p["text"] for p in field[f"{side}_parts"]) == (field[side] or "")


def test_an_answer_counts_once_however_often_it_is_sent(server: Server) -> None:
    client, bench = server
    session = begin(client, kind="pair")
    item = following(client, session)["items"][0]["item"]
    first = say(client, session, "once", item, "match").json()
    second = say(client, session, "once", item, "match").json()
    assert (first["event"], first["again"]) == (second["event"], False)
    assert second["again"]
    assert second["progress"]["answers"] == 1
    other = say(client, session, "once", item, "not")
    assert other.status_code == 422
    assert "key" in other.json()["error"]
    stored = bench.ledger.store.current(Wanted(session=session))
    assert [(e.person, e.label.value, e.suggestion is not None) for e in stored] == [("ada", "match", True)]


def test_what_was_answered_is_not_asked_again(server: Server) -> None:
    session, seen = begin(server[0], kind="pair"), set()
    for n in range(12):
        item = following(server[0], session)["items"][0]["item"]
        assert item not in seen
        seen.add(item)
        assert say(server[0], session, f"fresh-{n}", item, "unsure").status_code == 200


def test_undo_takes_back_the_last_answer_once(server: Server) -> None:
    client, _ = server
    session = begin(client, kind="pair")
    items = []
    for n in range(2):
        items.append(following(client, session)["items"][0]["item"])
        say(client, session, f"undone-{n}", items[-1], "not")
    path = f"/api/sessions/{session}/undo"
    undone = client.post(path, json={"key": "u1"}).json()
    assert (undone["item"]["item"], undone["progress"]["answers"]) == (items[1], 1)
    again = client.post(path, json={"key": "u1"}).json()
    assert (again["event"], again["progress"]["answers"]) == (undone["event"], 1)
    assert client.post(path, json={"key": "u2"}).json()["item"]["item"] == items[0]
    assert client.post(path, json={"key": "u3"}).json()["event"] is None


def test_a_blind_session_hides_what_the_model_thinks_but_keeps_it(server: Server) -> None:
    client, bench = server
    session = begin(client, kind="pair", blind=True)
    item = following(client, session)["items"][0]
    assert item["suggestion"] is None
    say(client, session, "blind", item["item"], "not")
    assert bench.ledger.of_session(session)[0].suggestion is not None


def test_two_people_get_different_questions_and_their_agreement_is_measured(server: Server) -> None:
    client, _ = server
    token = client.post("/api/people", json={"person": "Bo"}).json()["token"]
    bo = TestClient(client.app, base_url="http://127.0.0.1", headers={"authorization": f"Bearer {token}"})
    session = begin(client, kind="pair")
    mine, theirs = (following(c, session)["items"][0]["item"] for c in (client, bo))
    assert mine != theirs
    for n, who in enumerate((client, bo)):
        for item in (mine, theirs):
            say(who, session, f"both-{n}-{item}", item, "match" if item == mine else "not")
    found = client.get(f"/api/sessions/{session}/progress").json()
    assert found["by_person"] == {"ada": 2, "Bo": 2}
    assert found["agreement"]["subjects"] == 2
    assert found["agreement"]["alpha"] == 1.0


@pytest.mark.parametrize("item", ["p-1-1", "p-2-1", "p-0-999999", "x", "p-1", "p--1-2"])
def test_an_item_that_is_none_is_refused(server: Server, item: str) -> None:
    session = begin(server[0], kind="pair")
    assert say(server[0], session, f"bad-{item}", item, "match").status_code in (404, 422)
    assert server[0].get(f"/api/sessions/{session}/items/{item}/explain").status_code in (404, 422)


def test_an_explanation_adds_up_to_the_score(server: Server) -> None:
    import math

    session = begin(server[0], kind="pair")
    item = following(server[0], session)["items"][0]["item"]
    why = server[0].get(f"/api/sessions/{session}/items/{item}/explain").json()
    odds = why["base"] + sum(line["importance"] for line in why["lines"])
    assert 1 / (1 + math.exp(-odds)) == pytest.approx(why["score"], abs=1e-6)


def test_groups_are_said_of_many_rows_at_once(server: Server) -> None:
    client, bench = server
    session = begin(client, kind="group", table="tickets")
    item = following(client, session, row=3)["items"][0]
    assert item["item"] == "g-3"
    near = [n["record"]["row"] for n in item["neighbours"]]
    assert len(near) == 25
    assert 3 not in near
    same = [row for row in near if row % 3 == 0]
    other = [row for row in near if row % 3]
    assert len(same) > 15
    taken = say(client, session, "group", "g-3", {"same": same, "other": other}).json()
    assert taken["progress"]["purity"] == pytest.approx(len(same) / 25)
    label = bench.ledger.of_session(session)[0].label
    assert label.value == ("1",) * (1 + len(same)) + ("",) * len(other)
    assert say(client, session, "torn", "g-4", {"same": [5], "other": [5]}).status_code == 422
    assert following(client, session)["items"][0]["focus"]["row"] not in [3, *near]


def test_classes_new_ones_too_and_several_only_where_asked_for(server: Server) -> None:
    client, _ = server
    session = begin(client, kind="class", table="tickets", classes=["money"])
    item = following(client, session)["items"][0]
    assert item["classes"] == ["money"]
    assert say(client, session, "c1", item["item"], ["post"]).status_code == 200
    assert say(client, session, "c2", item["item"], ["money", "post"]).status_code == 422
    assert following(client, session)["items"][0]["classes"] == ["money", "post"]
    several = begin(client, kind="class", table="tickets", several=True)
    assert say(client, several, "c3", "c-1", ["money", "post"]).json()["progress"]["by_value"] == {
        "money": 1,
        "post": 1,
    }


def test_answers_to_a_query_are_graded_and_taken_back_together(server: Server) -> None:
    client, _ = server
    session = begin(client, kind="judgement", table="tickets")
    assert following(client, session)["notice"]
    item = following(client, session, query="parcel courier")["items"][0]
    assert "parcel" in item["hits"][0]["record"]["values"][0]
    grades = [{"row": h["record"]["row"], "grade": n % 2} for n, h in enumerate(item["hits"][:4])]
    taken = say(client, session, "j1", item["item"], {"query": item["query"], "grades": grades}).json()
    assert taken["progress"]["answers"] == 4
    shown = following(client, session, query="parcel courier")["items"][0]["hits"][:4]
    assert [h["grade"] for h in shown] == [0, 1, 0, 1]
    assert client.post(f"/api/sessions/{session}/undo", json={"key": "uj"}).json()["progress"]["answers"] == 0


def test_programs_keep_labels_all_or_none(server: Server) -> None:
    client, bench = server
    good = {"key": "p1", "shape": "class", "rows": [{"id": "t1"}], "value": "money", "task": "tickets"}
    bad = {"shape": "pair", "rows": [{"id": "a"}, {"id": "b"}], "value": "perhaps"}
    before = bench.ledger.store.version
    assert client.post("/api/label", json={"labels": [good, bad]}).status_code == 404
    assert bench.ledger.store.version == before
    assert client.post("/api/label", json={"labels": [good]}).json()["taken"][0]["key"] == "p1"
    page = client.get("/api/labels", params={"shape": "class", "limit": 1}).json()
    assert page["events"][0]["value"] == ["money"]
    assert "money" in client.get("/api/labels/export", params={"shape": "class"}).text


def test_a_closed_session_takes_no_answers(server: Server) -> None:
    session = begin(server[0], kind="pair")
    item = following(server[0], session)["items"][0]["item"]
    assert server[0].patch(f"/api/sessions/{session}", json={"open": False}).json()["open"] is False
    assert say(server[0], session, "closed", item, "match").status_code == 422
    assert following(server[0], session)["items"] == []


def test_a_new_server_knows_everything_that_was_said(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    with served(folder) as (client, _):
        session = begin(client, kind="pair")
        item = following(client, session)["items"][0]["item"]
        say(client, session, "kept", item, "match")
    with served(folder) as (client, _):
        assert client.get(f"/api/sessions/{session}").json()["answers"] == 1
        assert say(client, session, "kept", item, "match").json()["again"]
        assert following(client, session)["items"][0]["item"] != item
    with LabelStore(folder / "labels.sqlite") as store:
        assert store.count() == {"pair": 1}
