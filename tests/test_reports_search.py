"""The page about a searcher shows every way that was compared, escaped, and no script."""

from __future__ import annotations

from dovetail.reports.search import render_search
from dovetail.tasks.search_fusion import Fusion
from dovetail.tasks.search_gate import Gate, Way
from dovetail.tasks.search_scores import SearchScores
from dovetail.types import Interval

WAYS = (
    Way("start", 0.4, Interval(0.0, 0.0, 0.0), 112),
    Way("memory", 0.425, Interval(0.025, 0.001, 0.048), 112),
    Way("<odd>", 0.3, Interval(-0.1, -0.2, -0.05), 112),
)
FACTS = {
    "documents": 1400,
    "language": "english",
    "encoder": "transformer",
    "fingerprint": "abc",
    "fusion": {"meaning": 0.5, "known": "k", "reading": 0.0, "memory": 0.3, "neighbours": 0.0},
    "columns": {"id": "_id", "title": "<title>", "text": None},
    "gate": Gate(WAYS, 112, "memory", Fusion(memory=0.3), "memory: better & proven").to_dict(),
}


def test_the_page_of_a_searcher() -> None:
    scores = SearchScores(30, 10, {"ndcg_10": Interval(0.5, 0.4, 0.6)}, {"meaning": Interval(0.1, 0.0, 0.2)}, learned=3)
    page = render_search(FACTS, scores)
    assert page.count("<svg") == 2
    assert "<b>memory</b> (kept)" in page
    assert "better &amp; proven" in page
    assert "&lt;odd&gt;" in page
    assert "<odd>" not in page
    assert "35% words, 35% meaning and 30% like queries that were judged" in page
    assert "3 of them taught this searcher" in page
    assert "nDCG at 10" in page
    assert "3 of these queries taught it" in page
    assert "<script" not in page


def test_the_page_without_judgements() -> None:
    page = render_search({**FACTS, "gate": None})
    assert 'id="ways"' not in page
    assert 'id="figures"' not in page
    few = Gate((), 4, "start", Fusion(), "4 judged queries are too few to learn from").to_dict()
    assert "too few to learn from" in render_search({**FACTS, "gate": few})
