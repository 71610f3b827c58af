"""What people do with answers: clicks, feedback, which queries to judge, personalisation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import spearmanr

from dovetail.encoders.base import load_encoder
from dovetail.errors import InputError, UnknownName
from dovetail.labels.store import LabelStore
from dovetail.tasks.search import Searcher
from dovetail.tasks.search_clicks import click_model, read_clicks
from dovetail.tasks.search_profile import Profile

ENCODER = load_encoder("static")
DOCUMENTS = [
    {"id": "python", "text": "The python is a large snake of the jungle that eats birds."},
    {"id": "code", "text": "Python is a programming language for software and data."},
    {"id": "java", "text": "Java is a programming language that compiles software."},
    {"id": "viper", "text": "Vipers are venomous snakes with long fangs."},
    {"id": "bread", "text": "Bread is baked of flour, water and yeast."},
]


@pytest.fixture(scope="module")
def searcher() -> Searcher:
    return Searcher(encoder=ENCODER).fit(DOCUMENTS)


def shown(queries: int = 60, rounds: int = 60, seed: int = 0) -> tuple[pa.Table, dict[tuple[str, str], float]]:
    """Simulated showings: ten documents a query in an order that favours half of them, looked at less further down."""
    random = np.random.default_rng(seed)
    rows: list[tuple[str, str, int, int]] = []
    liked: dict[tuple[str, str], float] = {}
    for q in range(queries):
        like = random.uniform(0.05, 0.9, 10)
        bias = np.arange(10) * 1.0
        liked |= {(f"q{q}", f"d{i}"): float(like[i]) for i in range(10)}
        for _ in range(rounds):
            order = np.argsort(bias + random.normal(scale=2, size=10))
            for rank, i in enumerate(order, 1):
                seen = random.random() < 1 / rank**0.8
                rows.append((f"q{q}", f"d{i}", rank, int(seen and random.random() < like[i])))
    names = ("query", "document", "rank", "clicked")
    return pa.table({n: [r[i] for r in rows] for i, n in enumerate(names)}), liked


def test_clicks_are_freed_from_their_places() -> None:
    table, liked = shown()
    model = click_model(read_clicks(table))
    judged = {
        (model.judgements.queries[q], d): g
        for q, d, g in zip(model.judgements.query, model.judgements.documents, model.judgements.grades, strict=True)
    }
    keys = sorted(judged)
    raw = {}
    for q, d, c in zip(*(table[n].to_pylist() for n in ("query", "document", "clicked")), strict=True):
        raw.setdefault((q, d), []).append(c)
    truth = [liked[k] for k in keys]
    corrected = spearmanr([judged[k] for k in keys], truth).statistic
    plain = spearmanr([np.mean(raw[k]) for k in keys], truth).statistic
    assert corrected > 0.84
    assert corrected > plain + 0.02
    assert model.look[0] == 1
    assert np.allclose(model.look[:6], 1 / np.arange(1, 7) ** 0.8, atol=0.12)


def test_clicks_that_cannot_be_read() -> None:
    with pytest.raises(InputError, match="no column rank"):
        read_clicks(pa.table({"query": ["a"], "document": ["d"], "clicked": [1]}))
    with pytest.raises(InputError, match="ranks start at 1"):
        read_clicks(pa.table({"query": ["a"], "document": ["d"], "clicked": [1], "rank": [0]}))
    with pytest.raises(InputError, match="nothing was clicked"):
        click_model(read_clicks(pa.table({"query": ["a"], "document": ["d"], "clicked": [0], "rank": [1]})))


def test_feedback_goes_to_the_label_store_and_teaches(searcher: Searcher, tmp_path: Path) -> None:
    with LabelStore(tmp_path / "labels.sqlite") as store:
        with pytest.raises(InputError, match="nothing was judged"):
            searcher.learn(store)
        searcher.feedback("snake", "python", "good", store=store, person="ann")
        searcher.feedback("snake", "code", "bad", store=store, person="ann")
        searcher.feedback("software", "java", "click", store=store, person="ben")
        searcher.feedback("software", "code", 2.0, store=store, person="ben")
        assert store.count() == {"judgement": 4}
        gate = searcher.learn(store)
        assert gate.kept == "start"
        assert "2 judged queries are too few" in gate.why
        with pytest.raises(UnknownName, match="no feedback 'fine'"):
            searcher.feedback("snake", "python", "fine", store=store, person="ann")
        with pytest.raises(UnknownName, match="no document 'cobra'"):
            searcher.feedback("snake", "cobra", "good", store=store, person="ann")


def test_queries_of_doubt_come_first(searcher: Searcher) -> None:
    asked = searcher.questions(["bread flour yeast", "dangerous animals", "bread flour yeast"], 5)
    assert len(asked) == 2
    assert asked[0].doubt >= asked[1].doubt
    assert set(asked[0].documents) <= {d["id"] for d in DOCUMENTS}


def test_a_profile_moves_the_ranking_and_can_be_turned_down(searcher: Searcher) -> None:
    assert searcher.search("python")[0].id in ("python", "code")
    snakes, coder = Profile(dial=0.8), Profile(dial=0.8)
    for _ in range(5):
        searcher.click(snakes, "viper")
        searcher.click(coder, "java")
    assert searcher.search("python", profile=snakes)[0].id == "python"
    assert searcher.search("python", profile=coder)[0].id == "code"
    assert searcher.explain("python", "code", profile=coder).profile.startswith("5 clicked documents replace 50%")
    assert "5 clicked" in searcher.explain("python", "code", profile=coder).to_lines()[-1]
    off = Profile(dial=0.0, clicked=coder.clicked, total=coder.total)
    assert searcher.search("python", profile=off) == searcher.search("python")
    coder.reset()
    assert searcher.search("python", profile=coder) == searcher.search("python")
    with pytest.raises(InputError, match="dial of a profile is 2"):
        Profile(dial=2)


def test_a_profile_is_kept_only_when_saved(searcher: Searcher, tmp_path: Path) -> None:
    profile = Profile()
    searcher.click(profile, "viper")
    again = Profile.load(profile.save(tmp_path / "ann.json"))
    assert again.clicked == ["viper"]
    assert again.strength == profile.strength == pytest.approx(0.05)
    assert np.allclose(again.total, profile.total, atol=1e-5)
    with pytest.raises(InputError, match="holds no profile"):
        Profile.load(tmp_path / "none.json")


class Turned:
    """An encoder that knows what documents are about, and mistakes what queries ask for: each for its neighbour."""

    dimensions, fingerprint = 12, "turned"

    def encode(self, texts: list[str]) -> np.ndarray:
        found = np.zeros((len(texts), 12), np.float32)
        for row, text in enumerate(texts):
            kind, number = text.split()
            place = int(number) % 6
            noise = np.random.default_rng(int(number)).normal(scale=0.2, size=6)
            found[row, (place + (kind == "ask")) % 6] = 1
            found[row, 6:] = noise
        return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_queries_are_moved_to_their_answers_and_the_gate_proves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="moving queries needs the extra [train]")
    monkeypatch.setattr("dovetail.tasks.search_learn._by_others", lambda teaching: teaching.candidates)
    documents = [{"id": str(i), "text": f"tell {i}"} for i in range(120)]
    judged = [(f"ask {1000 + q}", str(d), 1) for q in range(60) for d in range(120) if (1000 + q) % 6 == d % 6]
    searcher = Searcher(encoder=Turned(), language="none").fit(documents, judged)
    assert searcher.gate_ is not None
    assert searcher.gate_.kept == "tuned"
    assert {w.name: w.gap.low > 0 for w in searcher.gate_.ways}["tuned"]
    assert int(searcher.search("ask 1600")[0].id) % 6 == 1600 % 6
    why = searcher.explain("ask 1600", searcher.search("ask 1600")[0].id)
    assert why.before != 1
    searcher.save(tmp_path / "moved")
    again = Searcher.load(tmp_path / "moved", encoder=Turned())
    assert again.search("ask 1600") == searcher.search("ask 1600")
