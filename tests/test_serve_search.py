"""A trained searcher over HTTP: passages with marks, parts of the relevance, filters and pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from made_workbench import served

from dovetail.serve.bare import around
from dovetail.tasks.search import Searcher

GOODS = [
    {"id": "1", "title": "Red lamp", "text": "An oak lamp \N{PARTY POPPER} as red as fire.", "year": 1999},
    {"id": "2", "title": "Blue lamp", "text": "A lamp of iron.", "year": 2005},
    {"id": "3", "title": "Spoon", "text": "For soup.", "year": 2010},
]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("search") / "goods"
    Searcher(folder, encoder="static").fit(GOODS)
    with around(folder) as home, served(home) as (client, _):
        yield client


def test_answers_say_what_carried_them(client: TestClient) -> None:
    found = client.post("/api/search", json={"queries": ["red lamp"], "k": 2}).json()["queries"][0]["hits"]
    first = found[0]
    assert (first["id"], first["title"], first["fields"]) == ("1", "Red lamp", {"year": "1999"})
    assert [first["passage"][a:b] for a, b in first["marks"]] == ["lamp", "red"]
    assert sum(first["parts"].values()) == pytest.approx(first["score"])
    rest = client.post("/api/search", json={"queries": ["red lamp"], "k": 1, "start": 1}).json()
    assert rest["queries"][0]["hits"] == found[1:2]


def test_filters_as_they_are_typed(client: TestClient) -> None:
    asked = {"queries": ["lamp"], "where": ["year>=2000", "text~iron"]}
    hits = client.post("/api/search", json=asked).json()["queries"][0]["hits"]
    assert [hit["id"] for hit in hits] == ["2"]
    refused = client.post("/api/search", json={**asked, "where": ["yeer>=2000"]})
    assert refused.status_code == 404
    assert "did you mean 'year'" in refused.json()["error"]


def test_home_of_a_model_alone_leads_to_it(client: TestClient) -> None:
    advice = client.get("/api/home").json()["advice"]
    assert [(one["what"], one["sentence"]) for one in advice] == [("use_model", "Try goods on something new.")]
