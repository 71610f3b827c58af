"""A model folder is served by itself: its verb answers, its card is shown, and the folder stays as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_workbench import served, tickets

from dovetail.errors import InputError
from dovetail.serve.bare import around, is_model, name_of
from dovetail.serve.command import Wish, run
from dovetail.tasks.base import NOTE
from dovetail.tasks.classify import Classifier
from dovetail.tasks.embed import Embedder
from dovetail.workspace import open_workspace


def test_a_classifier_answers_from_its_folder(tmp_path: Path) -> None:
    table = tickets()
    texts, labels = table.data["body"].to_pylist(), table.data["queue"].to_pylist()
    Classifier("static").fit(texts, labels, effort="quick").save(tmp_path / "Our Queues")
    before = sorted(p.name for p in (tmp_path / "Our Queues").rglob("*"))
    assert is_model(tmp_path / "Our Queues")
    with around(tmp_path / "Our Queues") as home, served(home) as (client, _):
        found = client.post("/api/classify", json={"texts": ["parcel delivery late courier"]}).json()
        assert (found["model"], found["texts"][0]["label"]) == ("our-queues", "post")
        assert client.get("/api/models").json()[0]["model"] == "our-queues"
        assert client.get("/api/models/our-queues/card").json()["task"] == "classify"
        assert client.get("/api/models/our-queues/report").status_code == 200
        assert client.get("/api/home").json()["tables"] == []
        assert client.post("/api/embed", json={"texts": ["x"]}).status_code == 422
    assert not home.exists()
    assert sorted(p.name for p in (tmp_path / "Our Queues").rglob("*")) == before


def test_a_space_gives_unit_vectors(tmp_path: Path) -> None:
    table = tickets()
    texts, labels = table.data["body"].to_pylist(), table.data["queue"].to_pylist()
    Embedder(encoder="static").fit(texts, labels).save(tmp_path / "space")
    with around(tmp_path / "space") as home, served(home) as (client, _):
        (vector,) = client.post("/api/embed", json={"texts": ["late parcel"]}).json()["vectors"]
        assert sum(x * x for x in vector) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("wish", "say"),
    [
        ({"label": True}, "labels would be lost .*: dovetail label WORKSPACE --add FILE$"),
        ({"add": ("t.csv",)}, "tables and labels would be lost .*: dovetail serve WORKSPACE --add t.csv$"),
    ],
)
def test_nothing_is_labelled_where_it_would_be_lost(tmp_path: Path, wish: Any, say: str) -> None:
    (tmp_path / NOTE).write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match=say):
        run(Wish(tmp_path, **wish))


def test_labels_over_http_are_refused_with_a_way_to_keep_them(tmp_path: Path) -> None:
    with served(open_workspace(tmp_path / "ws").folder) as (client, bench):
        bench.bare = True
        label = {"shape": "class", "rows": [{"id": "a"}], "value": ["x"]}
        for path, body in (("label", {"labels": [label]}), ("labels/settle", label)):
            reply = client.post(f"/api/{path}", json=body)
            assert reply.status_code == 422
            assert (
                "nothing was kept. Serve a workspace to keep them in: dovetail serve WORKSPACE" in reply.json()["error"]
            )
        assert bench.ledger.store.count() == {}


def test_label_refuses_a_model(tmp_path: Path, said: Any) -> None:
    (tmp_path / NOTE).write_text("{}", encoding="utf-8")
    code, out, err = said("label", tmp_path, "--no-browser")
    assert (code, out, "name a workspace" in err) == (2, "", True)


def test_what_is_no_model_says_so(tmp_path: Path) -> None:
    assert not is_model(tmp_path)
    with pytest.raises(InputError, match="holds no model"), around(tmp_path):
        pass
    assert name_of(tmp_path / "Ünï_côdé 9") == "n-_c-d-9"
    assert name_of(tmp_path / "???") == "model"
