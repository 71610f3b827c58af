"""Every address, asked whatever its document allows and more: never an error of the server's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from made_workbench import served, tickets, workspace

schemathesis = pytest.importorskip("schemathesis")

from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402

from dovetail.serve.openapi import document  # noqa: E402

DOCUMENT = json.loads(document())
SKIPPED = {("get", "/api/events")}  # never ends
OPERATIONS = [
    (method, path) for path, item in DOCUMENT["paths"].items() for method in item if (method, path) not in SKIPPED
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with served(workspace(tmp_path_factory.mktemp("openapi"))) as (client, bench):
        bench.tables.add(tickets())
        yield client


@pytest.fixture(scope="module")
def operations() -> dict[tuple[str, str], Any]:
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    found = (one.ok() for one in schema.get_all_operations())
    return {(one.method.lower(), one.path): one for one in found}


def test_the_document_names_every_part() -> None:
    paths = set(DOCUMENT["paths"])
    assert {"/api/match", "/api/classify", "/api/search", "/api/label", "/api/models", "/api/home"} <= paths
    assert len(OPERATIONS) > 50


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_never_an_error_of_the_server(
    client: TestClient, operations: dict[tuple[str, str], Any], method: str, path: str
) -> None:
    @settings(
        max_examples=4,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operations[method, path].as_strategy())
    def ask(case: Any) -> None:
        asked = case.as_transport_kwargs(base_url="http://127.0.0.1")
        answer = send(client, asked)
        assert answer.status_code < 500, (asked, answer.text[:500])

    ask()


def send(client: TestClient, asked: dict[str, Any]) -> Any:
    """One generated request."""
    headers = {k: v for k, v in dict(asked.get("headers") or {}).items() if k.lower() not in ("authorization", "host")}
    headers = {k: v.encode("utf-8", "replace") for k, v in headers.items()}
    wanted = {k: asked[k] for k in ("json", "data", "params") if asked.get(k) is not None}
    if "data" in wanted:
        wanted["content"] = wanted.pop("data")
    return client.request(asked["method"], asked["url"], headers=headers, **wanted)


def test_the_client_of_the_page_can_be_made_from_it(tmp_path: Path) -> None:
    for item in DOCUMENT["paths"].values():
        for operation in item.values():
            assert operation["operationId"]
            assert operation.get("summary")
