"""Judged queries are remembered, and documents that mean about the same lift each other: both behind the gate."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from dovetail.errors import InputError, UnknownName
from dovetail.tasks.embed_head import PlainHead
from dovetail.tasks.search import Searcher
from dovetail.tasks.search_fusion import Candidates, Fusion, Near
from dovetail.tasks.search_gate import Gate, Trial, choose, usual_trials
from dovetail.tasks.search_home import new_file, precision_of
from dovetail.tasks.search_judgements import judgements_of
from dovetail.tasks.search_learn import Anew, Learned, anew_with
from dovetail.tasks.search_meaning import near_of
from dovetail.tasks.search_memory import Memory, by_document, memory_of
from dovetail.types import finish


class Angles:
    """Texts that are numbers: unit vectors at that angle, in degrees."""

    dimensions, fingerprint = 2, "angles"

    def encode(self, texts: list[str]) -> np.ndarray:
        angles = np.radians([float(text.split()[-1]) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


JUDGED = judgements_of([("asks 0", "a", 4.0), ("asks 0", "b", 1.0), ("asks 40", "b", 4.0), ("asks 40", "c", 0.0)])
MEMORY = memory_of(JUDGED, Angles().encode(list(JUDGED.queries)))


def test_what_was_judged_for_like_queries_is_recalled() -> None:
    found = MEMORY.recalled(Angles().encode(["asks 0"])[0])
    assert [(one.query, one.document, one.worth) for one in found] == [
        ("asks 0", "a", 1.0),
        ("asks 0", "b", 0.5),
        ("asks 40", "b", 1.0),
        ("asks 40", "c", -1.0),
    ]
    said = by_document(found, {"a": 1, "b": 2, "c": 3})
    assert said[1] == pytest.approx(1.0)
    assert said[2] == pytest.approx((np.cos(np.radians(40)) - MEMORY.floor) / (1 - MEMORY.floor), abs=1e-6)
    assert said[3] == pytest.approx(-said[2], abs=1e-6)
    assert by_document(found, {"a": 1}) == {1: pytest.approx(1.0)}
    assert not MEMORY.recalled(Angles().encode(["asks 180"])[0])
    assert not MEMORY.recalled(Angles().encode(["asks 190"])[0])


def test_likeness_counts_from_where_strangers_usually_get_to() -> None:
    asked = [(f"asks {angle}", f"d{angle // 20}", 1.0) for angle in (0, 5, 60, 62, 120, 125)]
    judged = judgements_of(asked)
    memory = memory_of(judged, Angles().encode(list(judged.queries)))
    assert memory.floor == pytest.approx(np.cos(np.radians(56.5)), abs=0.02)  # 5 to 60, 62 to 120 and so on
    assert not memory.recalled(Angles().encode(["asks 190"])[0])
    assert {one.query for one in memory.recalled(Angles().encode(["asks 3"])[0])} == {"asks 0", "asks 5"}
    assert memory_of(JUDGED, MEMORY.vectors).floor == 0.5  # both share an answer, so nobody is a stranger


def test_a_query_that_is_put_to_the_test_does_not_hear_itself() -> None:
    alone = Memory(MEMORY.queries, MEMORY.vectors, MEMORY.query, MEMORY.documents, MEMORY.worth, MEMORY.floor, 0)
    assert {one.query for one in alone.recalled(Angles().encode(["asks 0"])[0])} == {"asks 40"}
    assert memory_of(JUDGED, MEMORY.vectors, [1]).queries == ("asks 40",)


def test_memory_is_saved_and_a_damaged_one_refused(tmp_path: Path) -> None:
    MEMORY.save(tmp_path / "memory.safetensors")
    again = Memory.load(tmp_path / "memory.safetensors")
    assert (again.queries, again.documents) == (MEMORY.queries, MEMORY.documents)
    assert np.array_equal(again.vectors, MEMORY.vectors)
    assert np.array_equal(again.worth, MEMORY.worth)
    assert again.floor == MEMORY.floor
    (tmp_path / "memory.safetensors").write_bytes(b"no")
    with pytest.raises(InputError, match="holds no judged queries"):
        Memory.load(tmp_path / "memory.safetensors")


def test_judged_queries_are_read_again_by_another_encoder() -> None:
    fusion = Fusion(memory=0.4)
    turned = Anew(Path(), Turned(), None, 0)  # type: ignore[arg-type]
    learned = Learned(Gate((), 60, "encoder", Fusion(), "better"), PlainHead(), turned)
    found = anew_with(learned, fusion, None, MEMORY)
    assert found.gate.chosen == fusion
    assert found.memory is not None
    assert np.allclose(found.memory.vectors, Turned().encode(list(MEMORY.queries)))
    assert (found.memory.floor, found.memory.documents) == (MEMORY.floor, MEMORY.documents)


class Turned(Angles):
    """The same a quarter of a circle further."""

    def encode(self, texts: list[str]) -> np.ndarray:
        return super().encode(texts) @ np.array([[0, 1], [-1, 0]], np.float32)


def test_the_gate_keeps_a_memory_that_proves_itself(tmp_path: Path) -> None:
    """Questions come in pairs that share an answer which neither words nor angles point to."""
    documents = [{"id": f"d{i}", "text": f"doc 0 at {i * 6}"} for i in range(60)]
    judged = [(f"ask {word} {i * 6}.{word}", f"d{(i + 30) % 60}", 1.0) for i in range(60) for word in (1, 2)]
    searcher = Searcher(encoder=Angles(), language="none").fit(documents, judged, tuning="weights")
    assert searcher.gate_ is not None
    assert searcher.gate_.kept == "memory"
    assert {w.name: w.ndcg_10 for w in searcher.gate_.ways}["memory"] > 0.9
    hit = searcher.search("new 12.4", k=1)[0]
    assert hit.id == "d32"
    assert hit.memory > 0.2
    parts = (hit.keyword, hit.meaning, hit.reading, hit.memory, hit.neighbours)
    assert hit.relevance == pytest.approx(sum(parts))
    why = searcher.explain("new 12.4", "d32")
    assert why.memory == pytest.approx(hit.memory)
    assert {one.query for one in why.precedents} == {"ask 1 12.1", "ask 2 12.2"}
    assert "judged an answer for 'ask 2 12.2', cosine 1.000" in "\n".join(why.to_lines())
    assert searcher.evaluate(judged).learned == 120
    assert searcher.learn(judged[:4]).kept == "start"  # too few: what was learned before stays
    assert searcher.gate_.kept == "memory"
    assert searcher.search("new 12.4", k=1) == [hit]
    assert "flatter" in "\n".join(searcher.evaluate(judged).to_lines())
    again = Searcher.load(searcher.save(tmp_path), encoder=Angles())
    assert again.search("new 12.4", k=1) == [hit]
    again.delete(["d32"])
    assert all(h.id != "d32" for h in again.search("new 12.4", k=3))
    assert len(list(tmp_path.glob("memory-*"))) == 1


def test_a_filter_holds_for_what_is_remembered() -> None:
    documents = [{"id": f"d{i}", "text": f"doc at {i * 6}", "year": i} for i in range(60)]
    searcher = Searcher(encoder=Angles(), language="none").fit(documents)
    judged = judgements_of([("ask 12.1", "d32", 1.0)])
    finder = searcher.finder_
    finder.memory = memory_of(judged, Angles().encode(["ask 12.1"]))
    searcher.fusion_ = Fusion(memory=0.7)
    assert searcher.search("ask 12.2", k=1)[0].id == "d32"
    assert searcher.search("ask 12.2", k=1, where={"year": {"<": 10}})[0].id == "d2"


def test_documents_that_mean_about_the_same_lift_each_other() -> None:
    near = Near(np.array([[1], [0], [1]]), np.array([[1.0], [1.0], [0.0]]))
    assert near.mean(np.array([0.2, 0.8, 0.5])).tolist() == pytest.approx([0.8, 0.2, 0.5])
    found = Candidates(np.arange(3), np.array([0.2, 1.0, 0.5]), 2.0, np.full(3, -1.0), near=near)
    parts = Fusion(0.0, neighbours=0.5).parts(found)
    assert parts.keyword.tolist() == pytest.approx([0.1, 0.5, 0.25])
    assert parts.neighbours.tolist() == pytest.approx([0.5, 0.1, 0.25])
    assert Fusion(0.0).relevance(found).tolist() == pytest.approx([0.2, 1.0, 0.5])


def test_neighbours_of_candidates_are_found_in_the_index() -> None:
    documents = [{"id": str(angle), "text": f"at {angle}"} for angle in (0, 2, 90, 91)]
    index = Searcher(encoder=Angles(), language="none").fit(documents)._index
    near = near_of(index, np.array([1, 2, 3, 4]))
    assert near.places[:, 0].tolist() == [1, 0, 3, 2]
    assert near.cosines[0, 0] == pytest.approx(np.cos(np.radians(2)), abs=1e-3)
    assert near_of(index, np.array([1])).places.shape == (1, 0)
    assert near_of(index, np.zeros(0, np.int64)).places.shape == (0, 0)


def test_the_weight_of_neighbours_is_fitted_alone() -> None:
    near = Near(np.array([[1], [0], [2]]), np.array([[1.0], [1.0], [0.0]]))
    values = np.array([0.1, 1.0, 0.4])
    one = Candidates(np.arange(3), values, 2.0, values, near=near)
    trials = usual_trials([one] * 40, Fusion()) | {"more": Trial([one] * 40, ("neighbours",))}
    gate = choose(trials, [{0: 1.0}] * 40, Fusion())
    assert gate.kept == "neighbours"
    assert gate.chosen.neighbours >= 0.3
    assert gate.chosen.meaning == 0.5
    assert gate == type(gate).from_dict(gate.to_dict())


def test_shares_are_said_in_words() -> None:
    assert Fusion().shares() == "50% words and 50% meaning"
    said = Fusion(0.5, memory=0.2, neighbours=0.3).shares()
    assert said == "40% words, 40% meaning and 20% like queries that were judged, 30% of it from like documents"


def test_another_process_that_is_about_to_finish_keeps_its_files(tmp_path: Path) -> None:
    documents = [{"id": "a", "text": "at 3"}, {"id": "b", "text": "at 60"}]
    slow = Searcher(tmp_path, encoder=Angles(), language="none")
    job = slow.fitting(documents)
    next(job)
    quick = Searcher(tmp_path, encoder=Angles(), language="none").fit(documents[:1])
    finish(job)
    assert {hit.id for hit in Searcher.load(tmp_path, encoder=Angles()).search("at 3")} == {"a", "b"}
    assert quick.search("at 3")[0].id == "a"
    old = new_file(tmp_path)
    old.touch()
    os.utime(old, (1, 1))
    slow.save(tmp_path)
    assert [path.name for path in tmp_path.glob("index-*.sqlite")] == [slow._index.path.name]
    slow._index.path.unlink()
    with pytest.raises(InputError, match="was removed while it was used"):
        slow.save(tmp_path)


class Choosing(Angles):
    """An encoder that takes 8 bits where it may choose."""

    def __init__(self) -> None:
        self.precision = "auto"

    @property
    def eight(self) -> str | None:
        return "a network" if self.precision in ("auto", "int8") else None

    @property
    def fingerprint(self) -> str:
        return "eight" if self.eight else "plain"


@pytest.mark.parametrize("made", ["int8", "float"])
def test_an_index_is_asked_in_the_precision_it_was_made_in(tmp_path: Path, made: str) -> None:
    encoder = Choosing()
    encoder.precision = "int8" if made == "int8" else "float32"
    searcher = Searcher(tmp_path, encoder=encoder, language="none").fit([{"id": "a", "text": "at 3"}])
    assert searcher.facts_["precision"] == made
    again = Searcher.load(tmp_path, encoder=Choosing())
    assert again.search("at 4")[0].id == "a"
    assert precision_of(again.encoder_) == made
    other = Choosing()
    other.precision = "float32" if made == "int8" else "int8"
    with pytest.raises(InputError, match="was indexed with the encoder"):
        Searcher.load(tmp_path, encoder=other).search("at 4")


def test_an_index_of_an_encoder_that_was_an_object_says_so(tmp_path: Path) -> None:
    Searcher(tmp_path, encoder=Angles(), language="none").fit([{"id": "a", "text": "at 3"}])
    with pytest.raises(InputError, match="given as an object, Angles; load it with encoder="):
        Searcher.load(tmp_path).search("at 4")
    with pytest.raises(UnknownName, match="transformr"):
        Searcher.load(tmp_path, encoder="transformr").search("at 4")
