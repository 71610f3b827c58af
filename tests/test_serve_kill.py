"""A server that is killed: no answer that it acknowledged is lost, and none that is sent again counts twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
from made_workbench import Process, workspace

from dovetail.labels.store import LabelStore


def test_killed_in_the_middle_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    server, session = Process(folder), ""
    sent: list[tuple[dict[str, Any], int]] = []
    for life in range(2):
        with httpx.Client(base_url=server.start(), timeout=60) as client:
            client.headers["authorization"] = f"Bearer {server.token}"
            session = session or client.post("/api/sessions", json={"kind": "pair"}).json()["session"]
            path = f"/api/sessions/{session}"
            for body, event in sent:  # a client that heard nothing sends again
                again = client.post(f"{path}/answers", json=body).json()
                assert (again["event"], again["again"]) == (event, True)
            for n in range(4):
                item = client.get(f"{path}/next").json()["items"][0]["item"]
                body = {"key": f"k{life}-{n}", "item": item, "value": "unsure"}
                sent.append((body, client.post(f"{path}/answers", json=body).json()["event"]))
        server.kill()
    with LabelStore(folder / "labels.sqlite") as store:
        assert {e.key: e.id for e in store.history()} == {body["key"]: event for body, event in sent}
        assert store.count() == {"pair": 8}
