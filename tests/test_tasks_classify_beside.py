"""What stands beside the ladder: varied texts, searched settings, forecasts, students, and the price of fairness."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_tasks_classify import FRAMES, tickets

from dovetail.encoders.base import load_encoder
from dovetail.errors import InputError, UnknownName
from dovetail.reports.classes import render_classes
from dovetail.tasks.classify import Classifier
from dovetail.tasks.classify_augment import blended, near_words, swap_near, varied_texts
from dovetail.tasks.classify_forecast import forecast
from dovetail.tasks.classify_ladder import Rung, simplest_of_the_best
from dovetail.types import Progress, finish


def test_words_are_swapped_for_near_ones_only() -> None:
    texts = ["the car is red", "the automobile is blue", "the weather is not good", "an apple"]
    near = near_words(texts, load_encoder("static"))
    assert near["car"] == ("automobile",)
    assert "not" not in near
    assert "apple" not in near
    assert swap_near("My Car, please", np.random.default_rng(0), near) == "My automobile, please"
    assert swap_near("an apple", np.random.default_rng(0), near) == "an apple"


def test_varied_texts_know_what_they_were_made_from() -> None:
    texts, _ = tickets(4)
    made, of = finish(varied_texts(texts, ("typo", "delete-words"), None, seed=3))
    assert len(made) == len(of) > len(texts)
    assert not set(made) & set(texts)
    again, _ = finish(varied_texts(texts, ("typo", "delete-words"), None, seed=3))
    assert again == made
    said, rows = finish(varied_texts(texts, (), lambda given: [f"I mean: {t}" for t in given], seed=0))
    assert all(new == f"I mean: {texts[row]}" for new, row in zip(said, rows.tolist(), strict=True))
    with pytest.raises(InputError, match="one for each"):
        finish(varied_texts(texts, (), lambda given: given[1:], seed=0))


def test_blends_keep_what_labels_add_up_to() -> None:
    vectors, targets = np.eye(4, dtype=np.float32), np.eye(4, dtype=np.float32)
    mixed, shares = blended(vectors, targets, 1)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(mixed, shares)
    assert (np.diag(shares) >= 0.5).all()


def test_augmentation_is_a_rung_behind_the_gate() -> None:
    made = Classifier("static").fit(*tickets(2), augment=("neighbours", "mix"))
    names = [r["name"] for r in made.card["rungs"]]
    assert names == ["words", "vectors", "joined", "augmented"]
    assert made.card["chosen"] in names
    assert Classifier("static").fit(*tickets(4), rewrite=lambda t: [f"well, {x}" for x in t]).rungs_[-1].score > 0.8
    with pytest.raises(UnknownName, match="did you mean 'neighbours'"):
        Classifier("static").fit(*tickets(4), augment="neighbors")


def test_an_augmented_rung_predicts_as_it_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    from dovetail.tasks import classify_fit

    monkeypatch.setattr(classify_fit, "simplest_of_the_best", lambda rungs, few=False: (rungs[-1], "as asked"))
    made = Classifier("static").fit(*tickets(2), augment=("mix", "typo"))
    assert made.card["chosen"] == "augmented"
    texts, labels = tickets(2, start=1)
    assert made.evaluate(texts, labels).accuracy.value > 0.85


def test_settings_are_searched_and_what_mattered_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("optuna")
    from dovetail.tasks import classify_search

    real = classify_search.search
    monkeypatch.setattr(classify_search, "search", lambda *a, **k: real(*a, **{**k, "trials": 11}))
    made = Classifier("static").fit(*tickets(2), search=1.0, search_folder=str(tmp_path), folds=3)
    told = made.card["search"]
    assert len(told["trials"]) == 11
    assert told["trials"][0]["chosen"] == told["defaults"]
    assert set(told["importance"]) == {"words strength", "vectors strength", "balance", "smoothing", "mix"}
    assert "searched" in [r["name"] for r in made.card["rungs"]]
    assert (tmp_path / "search.sqlite").is_file()
    page = render_classes(made.evaluate(*tickets(3)), made.card)
    assert "Which settings mattered" in page
    assert "vectors strength" in page


def test_the_first_word_of_progress_is_a_forecast() -> None:
    texts, labels = tickets(2)
    seen: list[Progress] = []
    made = Classifier("static").fit(texts, labels, on_progress=seen.append)
    assert seen[0].step == "forecast"
    assert "reading the texts" in seen[0].note
    assert made.card["forecast"]["read"] > 0
    found = forecast(texts, 3, load_encoder("static"))
    assert found.seconds == found.read + found.heads
    assert found.tuned(100, 2.0, 3) == pytest.approx(6 * found.pace * 600)
    assert "min" in str(type(found)(600.0, 1.0, 0.1))


class Slow:
    """An encoder that says it would take an hour."""

    def __init__(self) -> None:
        self.inner = load_encoder("static")
        self.dimensions, self.fingerprint = self.inner.dimensions, self.inner.fingerprint

    def encode(self, texts: list[str]) -> np.ndarray:
        return self.inner.encode(texts)


def test_too_few_minutes_take_the_static_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    from dovetail.tasks import classify
    from dovetail.tasks.classify_forecast import Forecast

    monkeypatch.setattr(classify, "forecast", lambda *_: Forecast(3_600.0, 1.0, 10.0))
    made = Classifier(Slow()).fit(*tickets(2), minutes=1)
    assert made.model.encoder == "static"
    assert any("static encoder took its place" in note for note in made.card["notes"])


def test_a_student_learns_what_its_teacher_says(tmp_path: Path) -> None:
    texts, labels = tickets(2)
    teacher = Classifier("static").fit(texts, labels)
    student, done = teacher.distil([f.format("refund of my parcel") for f in FRAMES] + ["", texts[0]])
    assert done.agree > 0.8
    assert done.right > 0.8
    assert done.per_second > 500
    assert student.classes == teacher.classes
    assert student.card["chosen"] == "student"
    assert ("price" in done.to_lines()[0]) == (done.teacher > done.right)
    student.save(tmp_path / "s")
    more, right = tickets(2, start=1)
    again = Classifier.load(tmp_path / "s")
    assert again.predict(more) == student.predict(more)
    assert again.evaluate(more, right).accuracy.value > 0.85
    with pytest.raises(InputError, match="keep_texts"):
        Classifier("static").fit(texts, labels, keep_texts=False).distil()


def test_a_student_of_several_labels_a_text() -> None:
    texts, labels = tickets(2)
    teacher = Classifier("static").fit(texts, [[x] if i % 5 else [x, "odd"] for i, x in enumerate(labels)])
    student, done = teacher.distil()
    assert student.model.kind == "many"
    assert done.right > 0.7


def test_groups_get_thresholds_and_a_price() -> None:
    texts, labels = tickets(2)
    made = Classifier("static").fit(texts, labels)
    found = made.evaluate(*tickets(2, start=1), groups=["north", "south"] * 30)
    assert found.mitigation is not None
    assert set(found.mitigation.thresholds) == {"north", "south"}
    assert found.mitigated in made.classes
    assert any("at a price of" in line for line in found.to_lines())
    assert "at a price of" in render_classes(found, made.card)
    assert made.evaluate(*tickets(2, start=1), groups=["all"] * 60).mitigation is None


def test_the_confusion_leads_to_its_texts() -> None:
    texts, labels = tickets(2)
    made = Classifier("static").fit(texts, labels)
    wrong = ["delivery" if i == 0 else x for i, x in enumerate(labels)]
    found = made.evaluate(texts, wrong)
    assert sum(map(sum, found.confusion)) == found.n
    cell = found.cells[0]
    page = render_classes(found, made.card)
    anchor = f"cell-{found.names.index(cell.true)}-{found.names.index(cell.predicted)}"
    assert f'id="{anchor}"' in page
    assert f'href="#{anchor}"' in page
    assert "Probabilities said and met" in page


def test_the_loss_has_a_say_in_which_rung_is_kept() -> None:
    random = np.random.default_rng(0)
    right = (random.random(400) < 0.8).astype(np.float64)

    def rung(name: str, loss: float) -> Rung:
        losses = loss + 0.2 * random.random(400)
        return Rung(name, (name,), (1.0,), np.zeros((400, 2), np.float32), right, losses, 1.0)

    assert simplest_of_the_best([rung("words", 0.500), rung("joined", 0.499)])[0].name == "words"
    assert simplest_of_the_best([rung("words", 0.540), rung("joined", 0.499)])[0].name == "joined"
