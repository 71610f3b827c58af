"""Filters, pages, batches and marks: what people of search engines expect beside a ranking."""

from __future__ import annotations

import datetime as dt
import decimal
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dovetail.encoders.base import load_encoder
from dovetail.errors import InputError, UnknownName
from dovetail.tasks.search import Searcher
from dovetail.tasks.search_marks import shown, snippet
from dovetail.tasks.search_where import parse_where

ENCODER = load_encoder("static")
DOCUMENTS: list[dict[str, Any]] = [
    {
        "id": 1,
        "title": "Paper one",
        "text": "Heart attack patients were treated.",
        "year": 1999,
        "price": decimal.Decimal("9.50"),
        "day": dt.date(2020, 5, 1),
        "tags": ["a", "b"],
        "ok": True,
        'q"x': "v",
        "journal": "Nature",
        "amount": np.float32(2.5),
    },
    {
        "id": 2.0,
        "title": "Two",
        "text": "Myocardial infarction was seen, in vitro.",
        "year": 2005,
        "price": decimal.Decimal(10),
        "day": dt.date(2021, 1, 1),
        "tags": ["c"],
        "ok": False,
        "journal": "Science",
    },
    {
        "id": "3",
        "title": "Three",
        "text": "Straße 東京都は日本の首都です。 PS-LX350H",
        "year": None,
        "price": "100",
        "day": "2019-12-31",
        "journal": "Cell",
        "code": "007",
    },
]


@pytest.fixture(scope="module")
def papers() -> Searcher:
    return Searcher(encoder=ENCODER).fit(DOCUMENTS)


def kept(papers: Searcher, where: dict[str, Any]) -> str:
    return "".join(sorted(hit.id for hit in papers.search("the heart, myocardial, straße patients", where=where)))


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ({"year": 1999}, "1"),
        ({"year": "1999"}, "1"),
        ({"year": [1999, 2005]}, "12"),
        ({"year": {">=": 1999, "<": 2005}}, "1"),
        ({"year": None}, "3"),
        ({"year": {"!=": None}}, "12"),
        ({"price": {">": 9.6}}, "23"),
        ({"price": {">": "9.6"}}, "23"),
        ({"price": decimal.Decimal("9.5")}, "1"),
        ({"amount": {">=": 2.5}}, "1"),
        ({"day": {">=": "2020-05"}}, "12"),
        ({"day": {"<=": "2020-05"}}, "13"),
        ({"day": 2021}, "2"),
        ({"day": {"<": dt.date(2021, 1, 1)}}, "13"),
        ({"tags": "b"}, "1"),
        ({"tags": {"!=": "a"}}, "2"),
        ({"tags": {"in": ["b", "c"]}}, "12"),
        ({"ok": True}, "1"),
        ({"ok": False}, "2"),
        ({'q"x': "v"}, "1"),
        ({"code": "007"}, "3"),
        ({"code": 7}, "3"),
        ({"journal": {"not in": ["Nature"]}}, "23"),
        ({"journal": {"contains": "NAT"}}, "1"),
        ({"text": {"contains": "IN VITRO"}}, "2"),
        ({"text": {"not contains": "in vitro"}}, "13"),
        ({"text": {"contains": "STRASSE"}}, "3"),
        ({"title": "Two", "year": {">": 2000}}, "2"),
        ({"id": 2}, "2"),
        ({"journal": "'; DROP TABLE documents; --"}, ""),
    ],
)
def test_filters(papers: Searcher, where: dict[str, Any], ids: str) -> None:
    assert kept(papers, where) == ids
    assert len(papers) == 3


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"journal": {">": 3}}, "'journal' holds none, but values such as 'Nature'"),
        ({"year": {"~": 1}}, "expected one of =, !="),
        ({"year": {}}, "expected one of =, !="),
        ({"year": {"in": 3}}, "says in 3; expected a list"),
        ({"year": {">": None}}, "says > nothing"),
        ({"year": float("nan")}, "compares with NaN"),
        ({"year": object()}, "a value of type object"),
    ],
)
def test_filters_that_cannot_be(papers: Searcher, where: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        papers.search("heart", where=where)
    with pytest.raises(UnknownName, match="no column 'yeer' in the documents; did you mean 'year'"):
        papers.search("heart", where={"yeer": 1})


def test_filters_follow_changes() -> None:
    papers = Searcher(encoder=ENCODER).fit([{"id": "a", "text": "red lamp", "year": "1999"}])
    assert [h.id for h in papers.search("lamp", where={"year": {">": 1990}})] == ["a"]
    papers.add([{"id": "b", "text": "blue lamp", "year": "2001"}])
    assert {h.id for h in papers.search("lamp", where={"year": {">": 1990}})} == {"a", "b"}
    papers.delete("a")
    assert {h.id for h in papers.search("lamp", where={"year": {">": 1990}})} == {"b"}


def test_filters_as_they_are_typed() -> None:
    typed = ["year>=2000", "code=007", "journal=Nature|Science", "text~in vitro", "title!~review", "price=", "x!=1.50"]
    assert parse_where(typed) == {
        "year": {">=": 2000.0},
        "code": {"=": "007"},
        "journal": {"in": ["Nature", "Science"]},
        "text": {"contains": "in vitro"},
        "title": {"not contains": "review"},
        "price": {"=": None},
        "x": {"!=": 1.5},
    }
    with pytest.raises(InputError, match="the filter 'year' is not understood"):
        parse_where(["year"])
    with pytest.raises(InputError, match="two filters say year="):
        parse_where(["year=1", "year=2"])


def test_pages_and_batches(papers: Searcher) -> None:
    whole = papers.search("heart patients", 3)
    assert papers.search("heart patients", 1, start=1) == whole[1:2]
    assert papers.search("heart patients", 5, start=90) == []
    table = papers.predict(["heart patients", "in vitro"], 2)
    assert table.column_names == ["query", "rank", "document", "relevance", "title"]
    assert table["rank"].to_pylist()[:2] == [1, 2]
    assert table["document"].to_pylist()[0] == whole[0].id
    with pytest.raises(InputError, match="start is -1"):
        papers.search("heart", start=-1)
    with pytest.raises(InputError, match="the query is empty"):
        papers.answers(["heart", " "])


def test_words_of_the_query_are_marked(papers: Searcher) -> None:
    text = DOCUMENTS[2]["text"]
    marks = papers.marked("日本 pslx350h STRASSE", text)
    assert [text[a:b] for a, b in marks] == ["Straße", "日本", "PS-LX350H"]
    assert shown("the patients", papers.marked("patent patient", "the patients"), 50, ("[", "]")) == "the [patients]"
    assert shown("slips: myocardal", papers.marked("myocardail", "myocardial"), 50) == "slips: myocardal"
    assert papers.marked("myocardail", "of myocardial kind") == [(3, 13)]


def test_a_snippet_holds_most_marks() -> None:
    text = "no word of it " * 30 + "here it is: zebra and zebra " + "more of no use " * 30
    at = text.index("zebra")
    start, end = snippet(text, [(2, 4), (at, at + 5), (at + 10, at + 15)], 60)
    assert start <= at
    assert at + 15 <= end
    assert end - start <= 80
    assert snippet("short", [], 60) == (0, 5)
    assert shown(text, [], 20) == "no word of it no…"


def test_several_columns_of_text() -> None:
    rows = [{"id": "a", "title": "Lamp", "abstract": "red", "keywords": "walrus"}, {"id": "b", "abstract": "blue"}]
    goods = Searcher(encoder=ENCODER).fit(rows, columns={"text": ["abstract", "keywords"]})
    assert goods.search("walrus")[0].passage == "red\nwalrus"
    assert goods.describe()["columns"]["text"] == ["abstract", "keywords"]
    goods.add([{"id": "c", "keywords": "narwhal"}])
    assert goods.search("narwhal")[0].id == "c"


def test_plain_texts_are_added_under_new_numbers() -> None:
    texts = Searcher(encoder=ENCODER).fit(["red lamp", "blue sofa"])
    texts.add(["green walrus"])
    assert texts.search("walrus")[0].id == "2"
    with pytest.raises(InputError, match="text 0 has no id, so that it can replace none"):
        texts.update(["yellow walrus"])


def test_a_folder_that_cannot_be_written_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Searcher(tmp_path / "m", encoder=ENCODER).fit(DOCUMENTS)
    monkeypatch.setattr(os, "access", lambda *_: False)
    papers = Searcher.load(tmp_path / "m", encoder=ENCODER)
    assert papers.search("heart")[0].id == "1"
    with pytest.raises(InputError, match=r"could not be changed .the folder cannot be written., and stays as it was"):
        papers.delete("1")
    assert len(papers) == 3


def test_long_ids_are_told_apart() -> None:
    first = 1_234_567_890_123_456_780
    rows = [{"id": n, "text": f"lamp {n}", "post": first + n, "said": str(first + n)} for n in range(5)]
    found = Searcher(encoder=ENCODER).fit(rows)
    for where in (
        {"post": first + 2},
        {"said": first + 2},
        parse_where([f"post={first + 2}"]),
        {"said": str(first + 2)},
    ):
        assert [hit.id for hit in found.search("lamp", where=where)] == ["2"]
    assert len(found.search("lamp", where=parse_where([f"post>{first - 10_000}"]))) == 5


def test_a_cell_of_nothing_but_brackets_is_text() -> None:
    rows = [{"id": 1, "text": "lamp", "odd": "[" * 100_000 + "]" * 100_000}, {"id": 2, "text": "lamp", "odd": "x"}]
    assert [hit.id for hit in Searcher(encoder=ENCODER).fit(rows).search("lamp", where={"odd": "x"})] == ["2"]


def test_pages_fit_together_however_deep() -> None:
    rng = np.random.default_rng(0)
    known = ["".join(rng.choice(list("bcdaeiou"), 6)) for _ in range(600)]
    rows = [{"id": n, "text": " ".join(rng.choice(known[: 100 if n % 2 else 600], 12))} for n in range(900)]
    found = Searcher(encoder=ENCODER).fit(rows)
    whole = [hit.id for hit in found.search(" ".join(known[:5]), 450)]
    assert len({*whole}) == 450
    pages = [hit.id for at in range(0, 450, 90) for hit in found.search(" ".join(known[:5]), 90, start=at)]
    assert pages == whole
    assert whole[:30] == [hit.id for hit in found.search(" ".join(known[:5]), 30)]
