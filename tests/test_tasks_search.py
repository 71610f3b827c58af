"""`Searcher`: what is found, filters, changes on disk, and words for what cannot be."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from dovetail.encoders.base import load_encoder
from dovetail.errors import InputError, UnknownName
from dovetail.tasks import search_meaning
from dovetail.tasks.search import Searcher

ENCODER = load_encoder("static")
PAPERS = [
    {"id": "a", "title": "Gene therapy for cystic fibrosis", "text": "A vector carries the gene.", "year": "1999"},
    {"id": "b", "title": "Wings in a slipstream", "text": "Lift of wings behind a propeller.", "year": "1958"},
    {"id": "c", "title": "Baking bread", "text": "Yeast makes the dough rise. Ovens bake it.", "year": "2010"},
    {"id": "d", "title": "Sourdough", "text": "Wild yeasts and bacteria in bread.", "year": "2015"},
    {"id": "e", "title": "Model PS-LX350H", "text": "A turntable for records.", "year": "2020"},
]


def found(searcher: Searcher, query: str, **options: object) -> list[str]:
    return [hit.id for hit in searcher.search(query, **options)]


@pytest.fixture(scope="module")
def papers() -> Searcher:
    return Searcher(encoder=ENCODER).fit(PAPERS)


def test_words_and_meaning_are_joined(papers: Searcher) -> None:
    hits = papers.search("gene therapy", k=3)
    assert hits[0].id == "a"
    assert hits[0].relevance == pytest.approx(1.0, abs=1e-6)
    assert all(h.relevance == pytest.approx(h.keyword + h.meaning) for h in hits)
    assert [h.relevance for h in hits] == sorted((h.relevance for h in hits), reverse=True)
    assert hits[0].fields == {"year": "1999"}
    assert "vector carries" in hits[0].passage


@pytest.mark.parametrize(
    ("query", "first"),
    [("baked breads", "c"), ("propelers", "b"), ("pslx350h", "e"), ("PS LX350H", "e"), ("fibrossis", "a"), ("the", "")],
)
def test_stems_slips_and_codes(papers: Searcher, query: str, first: str) -> None:
    best = papers.candidates([query])[0]
    if first:
        assert papers.search(query)[0].id == first
        assert best.keyword.max() > 0
    else:
        assert best.keyword.max() == 0


def test_filters(papers: Searcher) -> None:
    assert set(found(papers, "bread yeast", where={"year": {">=": 2011}})) <= {"d", "e"}
    assert found(papers, "bread yeast", where={"year": "2010"}) == ["c"]
    assert set(found(papers, "bread", where={"year": ["1958", 1999]})) <= {"a", "b"}
    assert found(papers, "bread", where={"year": {">": 2030}}) == []
    with pytest.raises(UnknownName, match="did you mean 'year'"):
        papers.search("bread", where={"yaer": 1})


def test_synonyms() -> None:
    plain = Searcher(encoder=ENCODER).fit(PAPERS)
    taught = Searcher(encoder=ENCODER, synonyms={"CF": ["cystic fibrosis"]}).fit(PAPERS)
    assert plain.candidates(["CF"])[0].keyword.max() == 0
    assert taught.candidates(["CF"])[0].keyword.max() > 0
    assert taught.search("CF")[0].id == "a"


def test_changes_are_seen_at_once(tmp_path: Path) -> None:
    searcher = Searcher(encoder=ENCODER).fit(PAPERS)
    searcher.save(tmp_path / "papers")
    other = Searcher.load(tmp_path / "papers", encoder=ENCODER)
    searcher.add([{"id": "f", "title": "Telescopes", "text": "Mirrors and lenses.", "year": "1900"}])
    for one in (searcher, other):
        assert found(one, "telescope mirrors")[0] == "f"
    other.update([{"id": "f", "title": "Microscopes", "text": "Small things.", "year": "1901"}])
    for one in (searcher, other):
        assert found(one, "microscope")[0] == "f"
        assert one.candidates(["telescope mirrors"])[0].keyword.max() == 0
        assert len(one) == 6
    searcher.delete(["f"])
    for one in (searcher, other):
        assert "f" not in found(one, "microscope", k=50)
        assert len(one) == 5
    with pytest.raises(UnknownName, match="no document 'f'"):
        searcher.delete(["f"])
    with pytest.raises(InputError, match="already has a document 'a'"):
        searcher.add([PAPERS[0]])


def test_many_small_additions_are_joined_and_nothing_is_lost() -> None:
    searcher = Searcher(encoder=ENCODER).fit([{"id": "x", "text": "first zebra"}])
    for number in range(40):
        searcher.add([{"id": str(number), "text": f"zebra word{number} stripe"}])
        if number % 3 == 0:
            searcher.delete([str(number)])
    kept = {str(n) for n in range(40) if n % 3} | {"x"}
    assert set(found(searcher, "zebra", k=100)) == kept
    assert found(searcher, "word22")[0] == "22"
    assert searcher.index_ is not None
    assert searcher.index_._value("SELECT count(*) FROM segments") < 20


def test_saved_and_loaded_give_the_same(tmp_path: Path, papers: Searcher) -> None:
    first = papers.search("wild yeast dough")
    saved = Searcher(encoder=ENCODER).fit(PAPERS)
    saved.save(tmp_path / "s")
    assert Searcher.load(tmp_path / "s", encoder=ENCODER).search("wild yeast dough") == first


def test_judgements_are_used_only_where_they_prove_themselves() -> None:
    documents = [{"id": str(i), "text": f"alpha{i} common words here"} for i in range(60)]
    judged = [(f"alpha{i} common", str(i), 1.0) for i in range(30)]
    searcher = Searcher(encoder=ENCODER).fit(documents, judged)
    assert searcher.gate_ is not None
    assert {w.name for w in searcher.gate_.ways} == {"start", "keyword", "meaning", "fitted", "neighbours", "memory"}
    assert searcher.gate_.kept == "start"
    assert searcher.gate_.queries == 30
    few = Searcher(encoder=ENCODER).fit(documents, judged[:3])
    assert few.gate_ is not None
    assert "too few" in few.gate_.why


@pytest.mark.parametrize("query", ["", "  ", "\n"])
def test_an_empty_query_is_refused(papers: Searcher, query: str) -> None:
    with pytest.raises(InputError, match="the query is empty"):
        papers.search(query)


def test_strange_queries_are_answered(papers: Searcher) -> None:
    assert papers.search("bread " * 10_000)[0].id in ("c", "d")
    assert papers.search("'; DROP TABLE documents; -- \" * ( NEAR bread")[0].id in ("c", "d")
    assert isinstance(papers.search("!!! ???"), list)
    with pytest.raises(InputError, match="k is 0"):
        papers.search("bread", k=0)


def test_a_document_without_text_is_kept_and_found_by_its_title() -> None:
    searcher = Searcher(encoder=ENCODER).fit([*PAPERS, {"id": "z", "title": "Zeppelins", "text": None}])
    assert found(searcher, "zeppelin")[0] == "z"


def test_bad_documents_and_judgements() -> None:
    with pytest.raises(InputError, match="two documents, 1 and 2, have the id 'a'"):
        Searcher(encoder=ENCODER).fit([PAPERS[0], PAPERS[0]])
    with pytest.raises(InputError, match="no documents"):
        Searcher(encoder=ENCODER).fit([])
    with pytest.raises(InputError, match="name 1 document not among"):
        Searcher(encoder=ENCODER).fit(PAPERS, [("bread", "nowhere", 1)])
    with pytest.raises(InputError, match="no index yet"):
        Searcher().search("bread")
    with pytest.raises(InputError, match="grade -1"):
        Searcher(encoder=ENCODER).fit(PAPERS, [("bread", "a", -1)])


def test_an_index_of_another_encoder_is_refused(tmp_path: Path) -> None:
    Searcher(encoder=ENCODER).fit(PAPERS).save(tmp_path / "s")

    class Other:
        dimensions, fingerprint = 256, "0123456789"

        def encode(self, texts: object) -> None:
            raise AssertionError

    with pytest.raises(InputError, match="indexed with the encoder StaticEncoder"):
        Searcher.load(tmp_path / "s", encoder=Other()).search("bread")


def _write_until_killed(folder: str, told: str) -> None:
    searcher = Searcher.load(folder, encoder=ENCODER)
    with Path(told).open("a", encoding="utf-8") as log:
        for number in range(10_000):
            searcher.add([{"id": f"k{number}", "text": f"killed{number} zebra"}])
            log.write(f"k{number}\n")
            log.flush()


def test_kill_in_the_middle_of_adding(tmp_path: Path) -> None:
    Searcher(encoder=ENCODER).fit(PAPERS).save(tmp_path / "s")
    log = tmp_path / "told"
    writer = multiprocessing.get_context("fork").Process(
        target=_write_until_killed, args=(str(tmp_path / "s"), str(log))
    )
    writer.start()
    end = time.monotonic() + 30
    while time.monotonic() < end and (not log.exists() or log.read_text().count("\n") < 20):
        time.sleep(0.01)
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    told = log.read_text().split()
    again = Searcher.load(tmp_path / "s", encoder=ENCODER)
    hits = set(found(again, "zebra", k=len(told) + 10))
    assert len(told) >= 20
    assert set(told) <= hits
    assert len(again) in (len(PAPERS) + len(told), len(PAPERS) + len(told) + 1)


def test_explanations_add_up(papers: Searcher) -> None:
    hits = papers.search("baking wild yeast doughs")
    for rank, hit in enumerate(hits, 1):
        why = papers.explain("baking wild yeast doughs", hit.id)
        assert why.rank == rank
        assert why.relevance == pytest.approx(hit.relevance, abs=1e-6)
        assert sum(w.importance for w in why.words) == pytest.approx(why.keyword, abs=1e-9)
        assert why.relevance == pytest.approx(why.keyword + why.meaning)
    bread = papers.explain("baking wild yeast doughs", "c")
    assert {w.word for w in bread.words} == {"baking", "yeast", "doughs"}
    assert bread.missing == ("wild",)
    assert any("yeast" in line for line in bread.to_lines())
    assert papers.explain("fibrossis", "a").words[0].found == "fibrosi"
    with pytest.raises(UnknownName, match="no document 'q'"):
        papers.explain("bread", "q")


def test_evaluate(papers: Searcher) -> None:
    judged = [("gene therapy", "a", 2), ("wings lift", "b", 1), ("bread", "c", 1), ("bread", "d", 1)]
    scores = papers.evaluate(judged)
    assert scores.queries == 3
    assert scores.measures["ndcg_10"].value == pytest.approx(1.0)
    assert scores.measures["recall_10"].value == pytest.approx(1.0)
    assert scores.measures["precision_10"].value == pytest.approx((0.1 + 0.1 + 0.2) / 3)
    assert scores.gaps["keyword"].value == pytest.approx(0.0)
    assert scores.to_dict()["mrr"] == 1.0
    assert len(scores.to_lines()) == 11


@pytest.mark.parametrize("store", ["usearch", "lists", "lance"])
def test_every_store_gives_the_same_answers(tmp_path: Path, papers: Searcher, store: str) -> None:
    place = store
    if store == "lance":
        pytest.importorskip("lancedb", reason="LanceDB is not installed: pip install 'dovetail[lance]'")
        place = f"lance:{tmp_path / 'vectors'}"
    other = Searcher(encoder=ENCODER, store=place).fit(PAPERS)
    query = "baking wild yeast doughs"
    assert found(other, query) == found(papers, query)
    other.update([{**PAPERS[2], "text": "Nothing of that kind."}])
    other.delete(["d"])
    assert "d" not in found(other, query)
    other.save(tmp_path / "kept")
    again = Searcher.load(tmp_path / "kept", encoder=ENCODER)
    assert found(again, query) == found(other, query)


def test_growing_out_of_the_exact_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_meaning, "EXACT_ROWS", 30)
    searcher = Searcher(encoder=ENCODER).fit([{"id": str(i), "text": f"zebra number{i}"} for i in range(25)])
    assert len(searcher.search("stripes", 100)) >= 20
    searcher.add([{"id": str(i), "text": f"zebra number{i}"} for i in range(25, 60)])
    assert len(searcher.search("zebra", 100)) == 60
    assert searcher.finder_.passages._kind == "lists"


def test_broken_texts_and_values_are_taken_in() -> None:
    odd = [
        {"id": "h", "title": "Half \ud83d", "text": "a walrus \x00 swims", "mass": float("nan"), "tags": ["x", "y"]},
        {"id": "i", "title": None, "text": "", "mass": float("inf"), "seen": True},
        {"id": "j", "title": "Heavy walrus", "text": "more", "mass": 12.5},
    ]
    searcher = Searcher(encoder=ENCODER).fit([*PAPERS, *odd])
    assert set(found(searcher, "walrus \udc00", where={"mass": {">": 1}})) == {"j"}
    assert "h" in found(searcher, "walrus")
    assert found(searcher, "walrus", where={"seen": True}) in (["i"], [])
    with pytest.raises(InputError, match="filter 'year' is not understood"):
        searcher.search("walrus", where="year")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="the query is of type int"):
        searcher.search(7)  # type: ignore[arg-type]


def test_many_unknown_words_are_answered_in_time(papers: Searcher) -> None:
    start = time.process_time()
    papers.search(" ".join(f"unknownword{'abcdefghij'[i % 10]}{chr(97 + i // 40)}x" for i in range(1_000)))
    assert time.process_time() - start < 5


@pytest.mark.parametrize("judged", [["bread"], [("bread",)], [("bread", "c", "perhaps")], [("a", "b", 1, 2)]])
def test_judgements_that_are_none(papers: Searcher, judged: list[object]) -> None:
    with pytest.raises(InputError, match="not understood"):
        papers.evaluate(judged)


def test_a_table_without_text_is_refused() -> None:
    with pytest.raises(InputError, match="no column of the documents holds text, of id"):
        Searcher(encoder=ENCODER).fit([{"id": "a"}])
    short = Searcher(encoder=ENCODER).fit([{"id": "a", "tag": "red"}, {"id": "b", "tag": "blue"}])
    assert found(short, "blue")[0] == "b"


def test_silent_documents_are_named_and_emojis_are_words() -> None:
    told: list[str] = []
    texts = {"a": "a sunny day \N{BLACK SUN WITH RAYS} out", "b": " ", "c": "rain"}
    found = Searcher(encoder=ENCODER).fit(
        [{"id": n, "text": t} for n, t in texts.items()], on_progress=lambda p: told.append(p.note)
    )
    assert any("'b' has neither title nor text" in note for note in told)
    assert found.search("\N{BLACK SUN WITH RAYS}", k=1)[0].id == "a"
