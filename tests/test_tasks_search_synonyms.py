"""Synonyms that judgements teach, and the gate that keeps them only where they help."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dovetail.tasks.search import Searcher
from dovetail.tasks.search_judgements import judgements_of
from dovetail.tasks.search_synonyms import joined, learned_synonyms, likelihood_ratio, usage_of

TOPICS = [f"topic{chr(97 + i)}{chr(97 + j)}" for i in range(10) for j in range(10)]
DOCUMENTS = [{"id": t, "text": f"{'myocardial' if i % 2 else 'renal'} study {t} of note"} for i, t in enumerate(TOPICS)]
ASKED = [(f"{'heart' if i % 2 else 'kidney'} trouble", t, 1) for i, t in enumerate(TOPICS)]


class Blind:
    """An encoder to which all texts are alike: what is found is found by words."""

    dimensions, fingerprint = 4, "blind"

    def encode(self, texts: list[str]) -> np.ndarray:
        return np.full((len(texts), 4), 0.5, np.float32)


def test_words_of_answers_are_taken_for_words_of_queries() -> None:
    searcher = Searcher(encoder=Blind(), language="english").fit(DOCUMENTS)
    judged = judgements_of((f"{q} {d[-1]}{d[-2]}x", d, g) for q, d, g in ASKED)
    usage = usage_of(searcher._index, judged.queries, searcher.truth(judged))
    found = learned_synonyms(usage)
    assert found["heart"] == ["myocardial"]
    assert found["kidney"] == ["renal"]
    assert "trouble" not in found  # stands beside both alike
    assert learned_synonyms(usage, range(2)) == {}
    one = judgements_of((f"heart trouble {i}", TOPICS[1], 1) for i in range(60))  # tells of one answer, not of words
    assert learned_synonyms(usage_of(searcher._index, one.queries, searcher.truth(one))) == {}


def test_synonyms_are_kept_where_they_prove_themselves(tmp_path: Path) -> None:
    letters = "abcdefghij"
    documents = [
        {"id": f"{kind}{i}", "text": f"{word} number{letters[i]} report"}
        for kind, word in (("m", "myocardial"), ("r", "renal"), ("g", "gastric"), ("h", "hepatic"))
        for i in range(10)
    ]
    queries = {"m": "heart", "r": "kidney", "g": "stomach", "h": "liver"}
    judged = [
        (f"{queries[kind]} {form} number{letters[i]}", f"{kind}{i}", 1)
        for kind in queries
        for i in range(10)
        for form in ("ailment", "illness")
    ]
    searcher = Searcher(tmp_path / "m", encoder=Blind(), language="english").fit(documents, judged, tuning="weights")
    assert searcher.gate_ is not None
    ways = {way.name: way for way in searcher.gate_.ways}
    assert ways["synonyms"].gap.low > 0
    assert searcher.gate_.kept == "synonyms"
    assert searcher.words_["heart"] == ["myocardial"]
    assert searcher.search("heart numberc")[0].id == "m2"
    again = Searcher.load(tmp_path / "m", encoder=Blind())
    assert again.search("heart numberc") == searcher.search("heart numberc")
    why = again.explain("heart numberc", "m2")
    assert {(w.word, w.found) for w in why.words} >= {("heart", "myocardi")}
    assert why.before is not None
    assert any("synonyms that judgements taught" in line for line in again.to_lines())


def test_both_kinds_of_synonyms_are_joined() -> None:
    assert joined({"cf": ["a b"], "x": ["y"]}, {"cf": ["a b", "c"]}) == {"cf": ["a b", "c"], "x": ["y"]}


def test_the_likelihood_ratio_by_hand() -> None:
    found = likelihood_ratio(np.array([10.0, 1.0]), np.array([10.0, 10.0]), np.array([10.0, 10.0]), 100)
    entropy = -2 * (10 * np.log(0.1) + 90 * np.log(0.9))
    assert found == pytest.approx([entropy, 0.0])
