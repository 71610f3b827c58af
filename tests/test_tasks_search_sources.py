"""Judgements as people have them: clicks, TREC files, folders of public benchmarks, ids of any type, a label store."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from dovetail.encoders.base import load_encoder
from dovetail.errors import InputError
from dovetail.labels.store import LabelStore
from dovetail.tasks.search import Searcher
from dovetail.tasks.search_answers import write_run
from dovetail.tasks.search_documents import DocumentColumns
from dovetail.tasks.search_sources import has_judgements, queries_beside, read_judgements

ENCODER = load_encoder("static")
GOODS = [{"id": "1", "text": "red oak lamp"}, {"id": "2", "text": "blue iron fork"}, {"id": "3", "text": "green spoon"}]


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """A folder as public benchmarks have it."""
    home = tmp_path / "set"
    (home / "qrels").mkdir(parents=True)
    corpus = [{"_id": g["id"], "title": "", "text": g["text"], "metadata": {}} for g in GOODS]
    queries = [{"_id": "q1", "text": "wooden lamp"}, {"_id": "q2", "text": "cutlery of iron"}]
    for name, rows in (("corpus", corpus), ("queries", queries)):
        (home / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    (home / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\t1\t1\nq2\t2\t1\n", encoding="utf-8")
    return home


def test_a_folder_of_a_public_benchmark(bench: Path) -> None:
    goods = Searcher(encoder=ENCODER).fit(bench)
    assert len(goods) == 3
    assert queries_beside(bench / "qrels" / "test.tsv") == bench / "queries.jsonl"
    judged = read_judgements(bench / "qrels" / "test.tsv")
    assert judged.queries == ("wooden lamp", "cutlery of iron")
    assert goods.evaluate(bench / "qrels" / "test.tsv").measures["ndcg_10"].value == pytest.approx(1)
    (bench / "queries.jsonl").unlink()
    with pytest.raises(InputError, match="names its queries by ids; give the file with their texts"):
        read_judgements(bench / "qrels" / "test.tsv")


def test_qrels_and_runs_of_trec(bench: Path, tmp_path: Path) -> None:
    file = tmp_path / "test.qrels"
    file.write_text("q1 0 1 2\nq1 0 3 -2\n\nq2 0 2 1\n", encoding="utf-8")
    judged = read_judgements(file, queries=bench / "queries.jsonl")
    assert judged.of(0) == {"1": 2, "3": 0}
    with pytest.raises(InputError, match="names its queries by ids"):
        read_judgements(file)
    file.write_text("q1 0 1 2\n", encoding="utf-8-sig")  # with a byte order mark
    assert read_judgements(file, queries={"q1": "lamp"}).queries == ("lamp",)
    file.write_text("q1 0 1 2\nq2 0 2\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 2: expected query, round, document and grade, found 3 values"):
        read_judgements(file, queries={"q1": "lamp", "q2": "fork"})
    hits = Searcher(encoder=ENCODER).fit(GOODS).answers(["lamp"], 2)
    lines = write_run(tmp_path / "my.run", ["q1"], hits).read_text(encoding="utf-8").splitlines()
    assert lines[0].split()[:4] == ["q1", "Q0", "1", "1"]
    with pytest.raises(InputError, match="the id 'q 1' has blanks"):
        write_run(tmp_path / "my.run", ["q 1"], hits)


def test_clicks_in_place_of_judgements_are_freed_of_their_places() -> None:
    rows = [("lamp", "1", 1, 0)] * 20 + [("lamp", "2", 2, 1)] * 20 + [("lamp", "3", 3, 0)] * 20
    names = ("query", "document", "rank", "clicked")
    shown = pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})
    of = read_judgements(shown).of(0)
    assert of["2"] > 0.9 > 0.1 > of["1"]
    plain = read_judgements(shown.drop_columns(["rank"])).of(0)
    assert plain == {"1": 0, "2": 1, "3": 0}


def test_ids_are_alike_whatever_their_type() -> None:
    numbers = pa.table({"id": pa.array([1.0, 2.0]), "text": ["red lamp", "blue fork"]})
    goods = Searcher(encoder=ENCODER).fit(numbers)
    judged = pa.table({"query": ["lamp", "fork"], "document": pa.array([1, 2]), "grade": [1, 1]})
    assert goods.evaluate(judged).queries == 2
    assert goods.evaluate({"lamp": ["1"], "fork": {2.0: 1}}).queries == 2


def test_documents_and_judgements_are_told_apart(bench: Path, tmp_path: Path) -> None:
    faq = tmp_path / "faq.csv"
    faq.write_text("id,question,answer,score\n1,how?,so it is,3\n", encoding="utf-8")
    assert not has_judgements(faq, DocumentColumns("id", "question", "answer"))
    assert has_judgements(bench / "qrels" / "test.tsv", DocumentColumns("_id", "title", "text"))
    assert not has_judgements(bench, DocumentColumns("_id", "title", "text"))


def test_a_label_store_may_speak_of_documents_that_have_gone(tmp_path: Path) -> None:
    goods = Searcher(encoder=ENCODER).fit(GOODS)
    with LabelStore(tmp_path / "labels.sqlite") as store:
        goods.feedback("lamp", "1", "good", store=store, person="ann")
        goods.feedback("fork", "2", "good", store=store, person="ann")
        goods.delete("1")
        assert goods.evaluate(store).queries == 1
        assert goods.learn(store).queries == 1
        goods.delete("2")
        with pytest.raises(InputError, match="all documents that were judged have gone"):
            goods.learn(store)
