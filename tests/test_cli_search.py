"""The console with a searcher: fit, search, pages, filters, update, delete, explain, ask, predict, evaluate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Said

DOCUMENTS = [
    {"id": 1, "title": "Red lamp", "text": "An oak lamp, red as fire.", "year": 1999},
    {
        "id": 2,
        "title": "Blue fork",
        "text": "A fork of iron. " + "It is a fork. " * 40 + "Here a walrus eats.",
        "year": 2005,
    },
    {"id": 3, "title": "Green \x1b[31mspoon", "text": "A spoon for soup.", "year": 2010},
    {"id": 4, "title": "", "text": "", "year": 2011},
]


@pytest.fixture
def model(tmp_path: Path, said: Said) -> Path:
    file = tmp_path / "goods.jsonl"
    lines = [json.dumps(d) for d in DOCUMENTS] + ['{"id": 5, "text":', "no json"]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    code, out, err = said("fit", "search", file, "--encoder", "static", "--out", tmp_path / "m")
    assert code == 0
    assert "4 documents" in out
    assert "not read: goods.jsonl, line 5" in err
    assert "'4' has neither title nor text" in err
    return tmp_path / "m"


def test_search_pages_filters_and_marks(model: Path, said: Said) -> None:
    code, out, _ = said("search", model, "walrus fork", "--k", 1)
    assert code == 0
    assert out.startswith("  1  ")
    assert "walrus eats." in out  # the part that answers, not the beginning
    assert "\x1b" not in said("search", model, "spoon soup")[1]
    page = json.loads(said("search", model, "fork", "--start", 1, "--where", "year>=2000", "--json")[1])
    assert page["start"] == 1
    assert all(hit["fields"]["year"] in ("2005", "2010", "2011") for hit in page["hits"])
    assert "after the first 90" in said("search", model, "fork", "--start", 90)[1]
    assert "leave one out" in said("search", model, "fork", "--where", "year>3000")[1]
    marks = json.loads(said("search", model, "soup", "--k", 1, "--json")[1])["hits"][0]
    assert [marks["passage"][a:b] for a, b in marks["marks"]] == ["soup"]
    code, _, err = said("search", model, "fork", "--where", "yeer=1")
    assert code == 2
    assert "did you mean 'year'" in err


def test_documents_come_and_go(model: Path, tmp_path: Path, said: Said) -> None:
    more = tmp_path / "more.jsonl"
    more.write_text('{"id": "2", "text": "A narwhal."}\n{"id": "9", "text": "A walrus."}\n', encoding="utf-8")
    code, out, _ = said("update", model, more)
    assert (code, out) == (0, "1 added\n5 documents\n")
    assert "  1  1.000  9" in said("search", model, "walrus", "-k", 1)[1]
    assert said("delete", model, "9", "2")[1] == "2 deleted\n3 documents\n"
    code, _, err = said("delete", model, "9")
    assert code == 2
    assert "no document '9' in the index" in err


def test_judging_on_the_console_closes_the_circle(model: Path, tmp_path: Path, said: Said) -> None:
    queries = tmp_path / "queries.csv"
    queries.write_text("id,query\nq1,red lamp\nq2,iron fork\n", encoding="utf-8")
    code, out, _ = said("ask", model, queries, "--out", tmp_path / "asked.csv")
    assert code == 0
    assert "answers to 2 queries" in out
    judged = (tmp_path / "asked.csv").read_text(encoding="utf-8").splitlines()
    assert judged[0] == "query,document,title,doubt,grade"
    (tmp_path / "asked.csv").write_text("\n".join([judged[0], *(f"{line}good" for line in judged[1:])]) + "\n")
    code, out, _ = said("update", model, tmp_path / "asked.csv")
    assert code == 0
    assert "2 judged queries are too few to learn from" in out
    code, out, _ = said("evaluate", model, "--labels", tmp_path / "asked.csv")
    assert "ms at p50" in out
    assert "MB on disk" in out
    said("predict", model, queries, "--out", tmp_path / "my.run", "--k", 2)
    assert (tmp_path / "my.run").read_text(encoding="utf-8").startswith("q1 Q0 1 1 ")
    assert said("ask", model, "--out", tmp_path / "x.csv")[0] == 2


def test_a_function_of_a_file_asks(model: Path, tmp_path: Path, said: Said) -> None:
    file, goods = tmp_path / "asks.py", tmp_path / "goods.jsonl"
    file.write_text(
        "def ask(passage):\n    return passage[:9]\n\ndef other(passage):\n    return None\n", encoding="utf-8"
    )
    fit = ("fit", "search", goods, "--encoder", "static", "--out", tmp_path / "n", "-q", "--ask")
    code, _, err = said(*fit, file)
    assert code == 2
    assert f"holds 2 functions, ask, other; name one: {file}:ask" in err
    assert "no function 'asks'" in said(*fit, f"{file}:asks")[2]
    assert "holds no network" in said(*fit, tmp_path)[2]
    assert said(*fit, f"{file}:ask")[0] == 0
    facts = json.loads((tmp_path / "n" / "model.json").read_text(encoding="utf-8"))
    assert "questions could be made" in facts["gate"]["why"]


def test_an_answer_is_explained(model: Path, said: Said) -> None:
    code, out, _ = said("explain", model, "red lamp", "1")
    assert code == 0
    assert "rank 1" in out
    assert json.loads(said("explain", model, "red lamp", "1", "--json")[1])["rank"] == 1
    code, _, err = said("explain", model, "red lamp")
    assert code == 2
    assert "a query and the id of a document" in err
