"""What people settled on counts in everything that learns: one correction or one mistake never makes two groups one."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from made_workbench import served, tickets, workspace

from dovetail.labels.said import Answer, Row, classes, group
from dovetail.labels.store import Wanted
from dovetail.serve.trained import in_use, keep, keep_none
from dovetail.serve.work_space import groups_of
from dovetail.serve.work_tables import _labels
from dovetail.serve.workbench import Workbench

Server = tuple[TestClient, Workbench]


@pytest.fixture
def server(tmp_path: Any) -> Iterator[Server]:
    with served(workspace(tmp_path)) as (client, bench):
        bench.tables.add(tickets())
        yield client, bench


def named(bench: Workbench, name: str, rows: range, person: str = "ada") -> None:
    bench.ledger.store.say([classes(f"t{n}", name, task="tickets") for n in rows], person=person)


def together(bench: Workbench, *rows: int, other: tuple[int, ...] = ()) -> None:
    label = group([Row(f"t{n}") for n in (*rows, *other)], ["1"] * len(rows) + [""] * len(other), task="tickets")
    bench.ledger.store.say([label], person="ada")


def grouped(bench: Workbench) -> list[set[int]]:
    events = [bench.ledger.store.current(Wanted(shape=s, task="tickets")) for s in ("group", "class")]
    found: dict[int, set[int]] = {}
    for row, number in groups_of(bench.tables.get("tickets"), *events).items():
        found.setdefault(number, set()).add(row)
    return sorted(found.values(), key=min)


def test_a_row_that_was_called_two_things_does_not_make_two_classes_one(server: Server) -> None:
    _, bench = server
    named(bench, "money", range(5))
    named(bench, "post", range(5, 10))
    named(bench, "post", range(2, 3), "bo")
    assert grouped(bench) == [{0, 1, 3, 4}, {5, 6, 7, 8, 9}]  # two say two things of row 2
    named(bench, "post", range(2, 3), "cy")
    assert grouped(bench) == [{0, 1, 3, 4}, {2, 5, 6, 7, 8, 9}]


def test_a_group_across_two_classes_joins_neither_to_the_other(server: Server) -> None:
    _, bench = server
    named(bench, "money", range(3))
    named(bench, "post", range(3, 6))
    together(bench, 0, 3, 10, other=(20,))
    together(bench, 11, 4)
    together(bench, 12, 13)
    together(bench, 10, 11)
    assert grouped(bench) == [{0, 1, 2, 10}, {3, 4, 5, 11}, {12, 13}]


def test_a_right_answer_counts_whatever_was_said(server: Server) -> None:
    client, bench = server
    named(bench, "money", range(6))
    named(bench, "post", range(6, 12))
    named(bench, "money", range(7, 8), "bo")
    gold = [Answer(classes("t0", "post", task="tickets"), gold=True)]
    bench.ledger.store.say([*gold, Answer(classes("t1", ["post", "money"], task="tickets"), gold=True)], person="cy")
    assert grouped(bench) == [{0, 6, 8, 9, 10, 11}, {2, 3, 4, 5}]
    view = bench.tables.get("tickets")
    drawn = _labels(SimpleNamespace(labels=bench.ledger.store), view)  # type: ignore[arg-type]
    assert drawn[0] == drawn[6] != drawn[2]
    assert drawn[7] == -1
    client.get("/api/labels/summary")
    names = bench.sessions.desk("group")._names(view)  # type: ignore[attr-defined]
    assert (names[0], names[2], 1 in names) == ("post", "money", False)


def test_a_training_that_had_nothing_to_learn_from_leaves_what_was_used(server: Server) -> None:
    _, bench = server
    about = "space tickets"
    keep(bench.state, about, {"folder": "a", "table": "x"})
    assert keep_none(bench.state, about, {"why": "too few"}) == 2
    assert (in_use(bench.state, about) or (0,))[0] == 1
    assert keep_none(bench.state, about, {"why": "too few"}) == 3
    assert (in_use(bench.state, about) or (0,))[0] == 1
    keep(bench.state, about, {"folder": "b", "table": "x"})
    assert (in_use(bench.state, about) or (0,))[0] == 4


def offered(client: TestClient, session: str, row: int) -> tuple[str, int]:
    """The name filled in for a row, and how many cards are shown."""
    item = client.get(f"/api/sessions/{session}/next", params={"row": row}).json()["items"][0]
    return item["name"], len(item["neighbours"])


def test_a_name_is_filled_in_only_where_many_of_those_shown_bear_it(server: Server) -> None:
    client, bench = server
    session = client.post("/api/sessions", json={"kind": "group", "table": "tickets"}).json()["session"]
    named(bench, "money", range(0, 30, 3))
    bench.ledger.refresh()
    assert [offered(client, session, row)[0] for row in (0, 30, 31)] == ["money", "", ""]  # one name says nothing yet
    named(bench, "post", range(1, 16, 3))
    bench.ledger.refresh()
    assert offered(client, session, 30) == ("money", 25)  # ten of those shown
    assert offered(client, session, 31)[0] == ""  # five
    assert offered(client, session, 32)[0] == ""  # of a kind that nobody named
    named(bench, "bills", range(33, 34))
    bench.ledger.refresh()
    assert offered(client, session, 30)[0] == ""  # one of those shown says otherwise


def test_cards_in_doubt_start_inside(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    client, bench = server
    session = client.post("/api/sessions", json={"kind": "group", "table": "tickets"}).json()["session"]
    monkeypatch.setattr(bench.sessions.desk("group"), "_guessed", lambda *_: dict.fromkeys(range(60), ("post", False)))
    item = client.get(f"/api/sessions/{session}/next", params={"row": 33}).json()["items"][0]
    assert (item["name"], item["names"]) == ("", [])
    assert np.all([n["same"] is None for n in item["neighbours"]])
