"""A model folder is served by itself: its verb answers, its card is shown, and the folder stays as it was."""

from __future__ import annotations

from dataclasses import replace
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
        ({"add": ("t.csv",), "id": "no"}, "tables and labels would be lost .* WORKSPACE --add t.csv --id no$"),
        ({"add": ("t.csv",)}, "tables and labels would be lost .*: dovetail serve WORKSPACE --add t.csv$"),
    ],
)
def test_nothing_is_labelled_where_it_would_be_lost(tmp_path: Path, wish: Any, say: str) -> None:
    (tmp_path / NOTE).write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match=say):
        run(Wish(tmp_path, **wish))


def test_rows_of_an_added_table_are_named_by_a_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tickets.csv").write_text("ticket,body\nT-1,late parcel\nT-2,refund please\n", encoding="utf-8")
    seen: list[list[str]] = []

    def look(bench: Any, *_: Any) -> None:
        seen.append(bench.tables.get("tickets").ids.to_pylist())

    monkeypatch.setattr("dovetail.serve.command._serve", look)
    wish = Wish(tmp_path / "ws", add=(str(tmp_path / "tickets.csv"),))
    run(wish)
    said = capsys.readouterr().err
    assert "rows of tickets are named by file and line, such as 'tickets.csv:2'; files of labels" in said
    assert "--id COLUMN (columns: ticket, body)" in said
    run(replace(wish, id="ticket"))  # again, named anew
    assert capsys.readouterr().err == ""
    assert seen == [["tickets.csv:2", "tickets.csv:3"], ["T-1", "T-2"]]


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
