"""What the server refuses: strangers, foreign pages, too much, places outside, and markup in values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from made_workbench import QUICK, served, workspace

from dovetail.errors import InputError
from dovetail.serve.guard import Bucket, Rules
from dovetail.serve.workbench import Workbench
from dovetail.types import Table

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Workbench]]:
    folder = workspace(tmp_path_factory.mktemp("safety"))
    with served(folder) as (client, bench):
        bench.tables.add(Table("odd", pa.table({"name": [SCRIPT, "plain"]}), pa.array([SCRIPT, "b"])))
        yield client, bench


def stranger(client: TestClient) -> TestClient:
    return TestClient(client.app, base_url="http://127.0.0.1")


def test_without_a_token_reading_works_here_and_writing_does_not(server: tuple[TestClient, Workbench]) -> None:
    who = stranger(server[0])
    assert who.get("/api/home").status_code == 200
    for path, body in (("/api/sessions", {"kind": "pair"}), ("/api/label", {"labels": []}), ("/api/integrate", {})):
        answer = who.post(path, json=body)
        assert (answer.status_code, answer.json()["type"]) == (401, "NeedToken")
    assert who.get("/api/people").status_code == 401


def test_off_this_machine_everything_needs_a_token(server: tuple[TestClient, Workbench]) -> None:
    from dovetail.serve.app import make_app

    app = make_app(server[1], Rules(loopback=False, hosts=frozenset({"box.example"})))
    who = TestClient(app, base_url="http://box.example")
    assert who.get("/api/home").status_code == 401
    assert who.get("/api/tables").status_code == 401
    assert who.get("/api/me").json()["workspace"] == ""
    token = server[0].headers["authorization"]
    assert who.get("/api/home", headers={"authorization": token}).status_code == 200


def test_a_wrong_token_is_refused_even_where_none_is_needed(server: tuple[TestClient, Workbench]) -> None:
    answer = stranger(server[0]).get("/api/home", headers={"authorization": "Bearer dt_wrong"})
    assert (answer.status_code, answer.json()["type"]) == (401, "WrongToken")


def test_a_cookie_alone_changes_nothing(server: tuple[TestClient, Workbench]) -> None:
    who = stranger(server[0])
    token = str(server[0].headers["authorization"]).removeprefix("Bearer ")
    me = who.post("/api/login", json={"token": token}).json()
    cookie = who.cookies.get("dovetail")
    assert me["person"] == "ada"
    assert cookie
    assert who.post("/api/sessions", json={"kind": "pair"}).json()["type"] == "NeedCsrf"
    assert who.post("/api/sessions", json={"kind": "pair"}, headers={"x-csrf": "x"}).status_code == 403
    assert who.post("/api/sessions", json={"kind": "pair"}, headers={"x-csrf": me["csrf"]}).status_code == 201
    assert who.get("/api/me").json()["csrf"] == me["csrf"]
    who.post("/api/logout", json={}, headers={"x-csrf": me["csrf"]})
    who.cookies.set("dovetail", cookie)
    assert who.get("/api/me").json()["person"] is None


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(server: tuple[TestClient, Workbench]) -> None:
    token = str(server[0].headers["authorization"]).removeprefix("Bearer ")
    said = stranger(server[0]).post("/api/login", json={"token": token}).headers["set-cookie"].lower()
    assert "httponly" in said
    assert "samesite=strict" in said


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
def test_a_foreign_origin_is_refused(server: tuple[TestClient, Workbench], origin: str) -> None:
    for method in ("get", "post"):
        answer = getattr(server[0], method)("/api/home", headers={"origin": origin})
        assert (answer.status_code, answer.json()["type"]) == (403, "ForeignOrigin")
    assert server[0].get("/api/home", headers={"origin": "http://127.0.0.1"}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil.example:80"])
def test_a_foreign_host_name_is_refused(server: tuple[TestClient, Workbench], host: str) -> None:
    assert server[0].get("/api/home", headers={"host": host}).status_code == 421
    assert server[0].get("/api/home", headers={"host": "localhost:8765"}).status_code == 200


def test_a_body_of_a_gigabyte_is_refused_unread(server: tuple[TestClient, Workbench]) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(8):
            yield b" " * 2**20

    answer = server[0].post("/api/label", content=endless(), headers={"content-length": str(2**30)})
    assert answer.status_code == 413
    assert server[0].post("/api/label", content=b"{}", headers={"content-length": "many"}).status_code == 413
    answer = server[0].post("/api/label", content=endless())  # without its length said
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/../../../etc/passwd",
        "/assets/..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/assets/%00",
        "/api/models/..%2f..%2fetc/card",
        "/api/tables/..%2f..%2fetc%2fpasswd/rows",
        "/api/models/%2e%2e/card",
        "/api/map/points?table=../../etc/passwd",
        "/api/map/points?table=records&method=../x",
    ],
)
def test_no_path_leaves_the_workspace(server: tuple[TestClient, Workbench], path: str) -> None:
    answer = server[0].get(path)
    assert answer.status_code < 500
    assert "root:" not in answer.text
    assert answer.status_code in (404, 422) or "text/html" in answer.headers["content-type"]


def test_a_script_in_a_value_stays_text(server: tuple[TestClient, Workbench]) -> None:
    answer = server[0].get("/api/tables/odd/rows")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.json()["rows"][0]["values"] == [SCRIPT]
    wrong = server[0].get("/api/tables/odd/rows", params={"sort": SCRIPT})
    assert (wrong.status_code, wrong.headers["content-type"]) == (404, "application/json")


def test_a_script_in_a_report_is_escaped() -> None:
    from dovetail.reports.models import render_model

    page = render_model(
        SCRIPT, {"summary": SCRIPT, SCRIPT: [{SCRIPT: SCRIPT}], "figures": {"f1": 0.5, SCRIPT: [SCRIPT]}}
    )
    assert "<script" not in page
    assert "<img" not in page


def test_pages_run_no_foreign_script(server: tuple[TestClient, Workbench]) -> None:
    policy = server[0].get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    report = server[0].get("/api/report").headers["content-security-policy"]
    assert "sandbox" in report
    assert "script-src" not in report


def test_too_many_requests_must_wait() -> None:
    bucket = Bucket(rate=1.0, burst=3)
    assert [bucket.wait("a") > 0 for _ in range(4)] == [False, False, False, True]
    assert bucket.wait("b") == 0


def test_guessing_tokens_is_slow(server: tuple[TestClient, Workbench]) -> None:
    from dovetail.serve.app import make_app

    who = TestClient(make_app(server[1], Rules(rate=1000, burst=1000)), base_url="http://127.0.0.1")
    codes = [who.post("/api/login", json={"token": f"dt_{n}"}).status_code for n in range(12)]
    assert codes[:10] == [401] * 10
    assert codes[-1] == 429


def test_roles_end_where_they_end(server: tuple[TestClient, Workbench]) -> None:
    made = server[0].post("/api/people", json={"person": "Bo", "role": "label"}).json()
    bo = {"authorization": f"Bearer {made['token']}"}
    who = stranger(server[0])
    assert who.post("/api/sessions", json={"kind": "pair"}, headers=bo).status_code == 201
    for path, body in (
        ("/api/models/fit", {"task": "match"}),
        ("/api/clusters/undo", {"key": "a"}),
        ("/api/integrate", {}),
    ):
        answer = who.post(path, json=body, headers=bo)
        assert (answer.status_code, answer.json()["type"]) == (403, "NeedRole")
    assert who.get("/api/people", headers=bo).status_code == 403
    assert who.get("/api/audit", headers=bo).status_code == 403
    again = server[0].post("/api/people/Bo/token", json={}).json()
    assert who.get("/api/home", headers=bo).status_code == 401
    server[0].patch("/api/people/Bo", json={"active": False})
    assert who.get("/api/home", headers={"authorization": f"Bearer {again['token']}"}).status_code == 401
    entries = server[0].get("/api/audit").json()["entries"]
    assert {"add person", "new token", "change person"} <= {e["what"] for e in entries}


def test_the_last_admin_stays(server: tuple[TestClient, Workbench]) -> None:
    answer = server[0].patch("/api/people/ada", json={"role": "label"})
    assert answer.status_code == 422
    assert "only admin" in answer.json()["error"]


def test_tokens_are_not_kept_in_clear(server: tuple[TestClient, Workbench], tmp_path: Path) -> None:
    token = server[1].people.add("Cy", "label")
    server[1].state.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = b"".join(p.read_bytes() for p in server[1].folder.glob("server.sqlite*"))
    assert token.encode() not in kept
    assert token[3:].encode() not in kept
    with pytest.raises(InputError, match="there already"):
        server[1].people.add("Cy", "label")
    assert QUICK.loopback
