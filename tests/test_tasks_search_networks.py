"""An encoder and a reader learn from judgements or from documents alone, and are kept where they prove better."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dovetail.tasks.search import Searcher
from dovetail.tasks.search_encoder import found_ranks, self_taught
from dovetail.tasks.search_fusion import Fusion
from dovetail.tasks.search_tuning import SearchTuning

ASKED = [f"ask{i}" for i in range(10)]
TOLD = [f"tell{i}" for i in range(10)]
FILL = [f"word{i}" for i in range(40)]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch", reason="tuning an encoder needs the extra [train]")
    from made_network import save_tiny

    return save_tiny(tmp_path_factory.mktemp("net"), [*ASKED, *TOLD, *FILL, "of"])


def made_search(random: np.random.Generator) -> tuple[list[dict[str, str]], list[tuple[str, str, int]]]:
    """Documents that tell of one thing each, and queries that ask for it in another word."""
    documents = [{"id": str(i), "text": f"{TOLD[i % 10]} of {' '.join(random.choice(FILL, 4))}"} for i in range(20)]
    queries = [(q, f"{ASKED[q % 10]} of {' '.join(random.choice(FILL, 2))}") for q in range(100)]
    return documents, [(text, str(d), 1) for q, text in queries for d in range(20) if d % 10 == q % 10]


@pytest.mark.usefixtures("one_thread")
def test_an_encoder_learns_from_judgements_and_is_kept(tiny: Path, tmp_path: Path) -> None:
    documents, judged = made_search(np.random.default_rng(0))
    tuning = SearchTuning(queries=False, encoder=True, learning_rate=6e-3, epochs=6, batch=12, minutes=600)
    searcher = Searcher(tmp_path / "s", encoder=str(tiny), language="none").fit(documents, judged, tuning=tuning)
    assert searcher.gate_ is not None
    usual = {"start", "keyword", "meaning", "fitted", "neighbours", "memory"}
    assert {w.name for w in searcher.gate_.ways} == {*usual, "encoder", "encoder meaning"}
    assert searcher.gate_.kept == "encoder", searcher.gate_.to_lines()
    hits = searcher.search("ask3 of word1 word2", 3)
    assert sum(int(hit.id) % 10 == 3 for hit in hits) == 2
    again = Searcher.load(tmp_path / "s")
    assert again.search("ask3 of word1 word2", 3) == hits
    moved = again.save(tmp_path / "other")
    assert len(list(moved.glob("encoder-*"))) == 1
    assert Searcher.load(moved).search("ask3 of word1 word2", 3) == hits
    assert len(list((tmp_path / "s").glob("index-*.sqlite"))) == 1
    refit = Searcher.load(moved).fit(documents)  # documents anew: with the encoder that the folder holds
    assert refit.gate_ is None
    assert len(list(moved.glob("encoder-*"))) == 1
    fresh = Searcher.load(moved)
    assert fresh.encoder_.fingerprint == searcher.encoder_.fingerprint
    assert fresh.search("ask3 of word1 word2", 3) == refit.search("ask3 of word1 word2", 3)
    fresh.save(tmp_path / "third")
    assert Path(str(fresh.encoder)).parent == tmp_path / "third"


@pytest.mark.usefixtures("one_thread")
def test_a_reader_is_tried_and_reads_the_first_answers(tiny: Path, tmp_path: Path) -> None:
    from dovetail.encoders.cross import CrossEncoder
    from dovetail.tasks.search_reader import Reader

    documents, judged = made_search(np.random.default_rng(0))
    tuning = SearchTuning(queries=False, reader=True, learning_rate=3e-3, epochs=1, batch=12, minutes=600)
    searcher = Searcher(tmp_path / "s", encoder=str(tiny), language="none").fit(documents, judged, tuning=tuning)
    assert searcher.gate_ is not None
    assert {w.name: w.queries for w in searcher.gate_.ways}["reader"] == 20
    assert (searcher.reader_ is not None) == (searcher.gate_.kept == "reader")
    searcher.reader_ = searcher.finder_.reader = Reader(CrossEncoder(tiny, seed=3), tokens=32)
    searcher.fusion_ = Fusion(reading=0.5)
    hits = searcher.search("ask3 of word1 word2", 3)
    assert hits[0].relevance == pytest.approx(hits[0].keyword + hits[0].meaning + hits[0].reading)
    assert hits[0].reading > 0
    why = searcher.explain("ask3 of word1 word2", hits[0].id)
    assert why.reading == pytest.approx(hits[0].reading)
    again = Searcher.load(searcher.save(tmp_path / "other"))
    read = again.search("ask3 of word1 word2", 3)
    assert [hit.id for hit in read] == [hit.id for hit in hits]
    assert read[0].reading == pytest.approx(hits[0].reading, abs=1e-3)


@pytest.mark.usefixtures("one_thread")
def test_documents_alone_teach_an_encoder_or_leave_it(tiny: Path, tmp_path: Path) -> None:
    documents = [
        {
            "id": str(i),
            "title": f"{ASKED[i % 10]} {FILL[i % 40]} {i}",
            "text": f"{TOLD[i % 10]} of {FILL[(7 * i) % 40]} {i}",
        }
        for i in range(120)
    ]
    searcher = Searcher(tmp_path / "s", encoder=str(tiny), language="none").fit(documents)
    tuning = SearchTuning(learning_rate=6e-3, epochs=6, batch=12, minutes=600)
    gate = searcher.adapt(tuning=tuning)
    assert {w.name for w in gate.ways} == {"start", "encoder"}
    assert gate.kept == "encoder", gate.to_lines()
    assert Searcher.load(tmp_path / "s").search("ask5", 3) == searcher.search("ask5", 3)
    assert len(list((tmp_path / "s").glob("index-*.sqlite"))) == 1
    few = Searcher(encoder=str(tiny), language="none").fit(documents[:5])
    assert "5 questions could be made" in few.adapt(tuning=tuning).why
    same = Searcher(encoder=str(tiny), language="none").fit([{**d, "title": "ask1"} for d in documents])
    assert same.adapt(tuning=tuning).kept == "start"
    made = self_taught(searcher.finder_.index.every())
    assert found_ranks(searcher.encoder_, made).mean() > 0
