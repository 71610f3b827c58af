"""The classifier on made-up tickets: every verb, every kind of labels, and input as people give it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from dovetail.errors import InputError, UnknownName
from dovetail.tasks.base import load_model
from dovetail.tasks.classify import Classifier
from dovetail.tasks.classify_folds import judgeable, loosened
from dovetail.tasks.classify_labels import targets_of
from dovetail.tasks.classify_ladder import Task, calibrated_rung
from dovetail.tasks.classify_model import Examples

THINGS = {
    "billing": ("invoice", "refund", "payment", "charged twice", "credit card bill"),
    "delivery": ("parcel", "courier", "shipment", "tracking number", "late delivery"),
    "account": ("password", "login", "username", "profile picture", "two factor code"),
}
FRAMES = (
    "please help with my {}",
    "there is a problem with the {}",
    "I have a question about a {}",
    "what happened to the {} yesterday",
    "the {} is wrong again",
    "nobody answers about my {}",
    "can you check the {} for me",
    "why is the {} missing",
)


WORDS = [
    "lamp", "desk", "chair", "couch", "stove", "oven", "fridge", "shelf", "door", "window", "roof", "floor", "wall",
    "tub", "stair", "garage", "fence", "gate", "pipe", "sink", "carpet", "curtain", "mirror",
    "ladder", "hammer", "bucket",
]  # fmt: skip


def tickets(every: int = 1, start: int = 0) -> tuple[list[str], list[str]]:
    rows = [(f.format(t), c) for c, things in THINGS.items() for f in FRAMES for t in things][start::every]
    return [t for t, _ in rows], [c for _, c in rows]


@pytest.fixture(scope="module")
def fitted() -> Classifier:
    return Classifier("static").fit(*tickets(2))


def test_learns_and_says_how_well(fitted: Classifier) -> None:
    texts, labels = tickets(2, start=1)
    found = fitted.evaluate(texts, labels)
    assert found.accuracy.value > 0.9
    assert found.accuracy.low < found.accuracy.value <= found.accuracy.high <= 1
    assert found.ece < 0.15
    assert found.n == len(texts) == 60
    assert fitted.card["chosen"] in ("words", "vectors", "joined")
    assert [r["name"] for r in fitted.card["rungs"]] == ["words", "vectors", "joined"]
    assert any("accuracy" in line for line in found.to_lines())


def test_probabilities_add_up_and_agree_with_predictions(fitted: Classifier) -> None:
    texts, _ = tickets(5)
    p = fitted.predict_proba(texts)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-9)
    assert fitted.predict(texts) == [fitted.classes[i] for i in p.argmax(axis=1)]
    assert fitted.classes == ("account", "billing", "delivery")


def test_abstains_when_not_sure_and_on_empty_texts(fitted: Classifier) -> None:
    assert fitted.predict(["", "   ", "my invoice"]) == [None, None, "billing"]
    assert fitted.predict(["hello there"], sure=0.999) == [None]
    assert fitted.predict([]) == []
    promised = fitted.sure_for(0.9)
    assert promised is not None
    assert 0 <= promised[0] <= 1
    assert 0 < promised[1] <= 1


def test_same_seed_same_model() -> None:
    one, two = (Classifier("static").fit(*tickets(4)) for _ in range(2))
    np.testing.assert_array_equal(one.predict_proba(["a refund"]), two.predict_proba(["a refund"]))


def test_saves_and_loads_without_pickle(fitted: Classifier, tmp_path: Path) -> None:
    texts, _ = tickets(7)
    fitted.save(tmp_path / "queues")
    again = Classifier.load(tmp_path / "queues")
    np.testing.assert_allclose(again.predict_proba(texts), fitted.predict_proba(texts), atol=1e-6)
    assert again.card == fitted.card
    assert isinstance(load_model(tmp_path / "queues"), Classifier)
    assert {p.suffix for p in (tmp_path / "queues").iterdir()} == {".json", ".npz"}


def test_a_damaged_folder_is_said(fitted: Classifier, tmp_path: Path) -> None:
    fitted.save(tmp_path / "m")
    whole = (tmp_path / "m" / "arrays.npz").read_bytes()
    (tmp_path / "m" / "arrays.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="damaged"):
        Classifier.load(tmp_path / "m")
    (tmp_path / "m" / "arrays.npz").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="damaged"):
        Classifier.load(tmp_path / "m")
    with pytest.raises(InputError, match="holds no model"):
        Classifier.load(tmp_path / "nothing")


def test_explains_by_deletion(fitted: Classifier) -> None:
    found = fitted.explain("there is a problem with the invoice")
    assert found.label == "billing"
    assert found.top(1)[0].word == "invoice"
    assert found.top(1)[0].importance > 0
    assert [w.word for w in found.words] == ["there", "is", "a", "problem", "with", "the", "invoice"]
    assert found.precedents[0].label == "billing"
    against = fitted.explain("there is a problem with the invoice", "delivery")
    assert {w.word: w for w in against.words}["invoice"].importance < 0
    with pytest.raises(UnknownName, match="did you mean 'delivery'"):
        fitted.explain("a text", "delivry")
    with pytest.raises(InputError, match="empty text"):
        fitted.explain("  ")


def test_says_what_separates_two_classes(fitted: Classifier) -> None:
    found = fitted.separates("billing", "delivery")
    assert {"invoice", "refund", "payment"} & {w for w, _ in found.words_first}
    assert {"parcel", "courier", "shipment"} & {w for w, _ in found.words_second}
    assert all(z > 0 for _, z in (*found.words_first, *found.words_second))


def test_wrong_labels_come_first() -> None:
    texts, labels = tickets()
    wrong = [3, 47, 92]
    for row in wrong:
        labels[row] = "account" if labels[row] != "account" else "billing"
    found = Classifier("static").fit(texts, labels).suspects(6)
    assert set(wrong) <= {s.row for s in found}
    assert all(s.odds > 0 for s in found[:3])


def test_a_class_with_one_example_makes_no_other_label_look_wrong() -> None:
    texts, labels = tickets(2)
    plain = Classifier("static").fit(texts, labels)
    lonely = Classifier("static").fit([*texts, "the roof leaks"], [*labels, "building"])
    found, before = lonely.suspects(), plain.suspects()
    assert lonely.not_judged() == {"building": 1}
    assert plain.not_judged() == {}
    assert len(texts) not in {s.row for s in found}
    assert sum(s.odds > 0 for s in found) <= sum(s.odds > 0 for s in before) + 2
    assert max(s.odds for s in found) < 3


def test_a_class_with_one_example_does_not_spoil_the_calibration_of_the_others() -> None:
    random = np.random.default_rng(0)
    code, fold = np.r_[np.arange(60) % 2, 2], np.arange(61) % 3
    targets = np.eye(3, dtype=np.float32)[code]
    raw = (4 * targets + random.normal(0, 1, (61, 3))).astype(np.float32)
    raw[:, 2] -= 8
    raw[60] = [8, 0, -60]
    rung = calibrated_rung(Task({}, targets, fold, False), "words", ("words",), (1.0,), [raw], 0.0)
    alone = calibrated_rung(Task({}, targets[:60], fold[:60], False), "words", ("words",), (1.0,), [raw[:60]], 0.0)
    np.testing.assert_allclose(rung.weights, alone.weights)
    np.testing.assert_allclose(rung.scores[:60], alone.scores)


def test_figures_on_texts_that_were_learnt_from_are_said(fitted: Classifier, tmp_path: Path) -> None:
    (texts, labels), (new, truth) = tickets(2), tickets(2, start=1)
    every = fitted.evaluate(texts, labels)
    assert (every.learnt_from, every.others) == (60, None)
    assert "60 of 60 texts were learnt from; figures on them say nothing about new texts" in every.notes[0]
    assert fitted.evaluate(new, truth).learnt_from == 0
    fitted.save(tmp_path / "model")
    loaded = Classifier.load(tmp_path / "model")
    some = loaded.evaluate([texts[0].upper(), *new], [labels[0], *truth])
    alone = fitted.evaluate(new, truth).accuracy
    assert (some.learnt_from, some.others) == (1, alone)
    assert any("1 of 61 texts was learnt from" in line and "on the other 60" in line for line in some.to_lines())
    old = Classifier("static")
    old.model_ = replace(fitted.model, seen=np.zeros(0, np.uint64), examples=Examples())
    assert old.evaluate(texts, labels).learnt_from == 0


def test_rows_that_no_other_fold_knows_the_class_of() -> None:
    targets = np.eye(3, dtype=np.float32)[[0, 0, 1, 2, 2]]
    assert judgeable(targets, np.array([0, 1, 1, 3, 3])).tolist() == [True, True, False, False, False]


def test_few_labels_use_the_names_of_the_classes() -> None:
    texts, labels = tickets(15)
    few = Classifier("static").fit(texts, labels)
    assert [r["name"] for r in few.card["rungs"]] == ["names", "vectors", "joined"]
    many = [f"{frame} {noun}" for noun in WORDS for frame in FRAMES]
    wide = Classifier("static").fit(many, [noun for noun in WORDS for _ in FRAMES], folds=3)
    assert [r["name"] for r in wide.card["rungs"]] == ["names", "words", "vectors", "joined"]


def test_no_labels_at_all() -> None:
    named = Classifier.from_names(
        {"billing": "invoice, payment, refund", "delivery": "parcel, shipment, courier"}, encoder="static"
    )
    assert named.predict(["where is my parcel", "the invoice is wrong"]) == ["delivery", "billing"]
    with pytest.raises(InputError, match="two classes"):
        Classifier.from_names(["one"])


def test_several_labels_a_text(tmp_path: Path) -> None:
    texts, labels = tickets()
    both = [f"{a} and {b}" for a, b in zip(texts[:40], texts[40:80], strict=True)]
    given = [[x] for x in labels] + [sorted({a, b}) for a, b in zip(labels[:40], labels[40:80], strict=True)]
    many = Classifier("static").fit([*texts, *both], given)
    assert many.model.kind == "many"
    assert many.predict(["please help with my invoice and the parcel is wrong again"]) == [("billing", "delivery")]
    found = many.evaluate([*texts, *both], given)
    assert found.accuracy.value > 0.8
    many.save(tmp_path / "m")
    assert Classifier.load(tmp_path / "m").model.line == many.model.line


def test_a_hierarchy_is_measured_by_level() -> None:
    texts, labels = tickets()
    deep = [f"{'money' if label == 'billing' else 'service'} > {label}" for label in labels]
    tree = Classifier("static").fit(texts[::2], deep[::2])
    found = tree.evaluate(texts[1::2], deep[1::2])
    assert tree.model.kind == "tree"
    assert len(found.levels) == 2
    assert found.levels[0].value >= found.levels[1].value == found.accuracy.value


def test_texts_outside_of_all_classes() -> None:
    texts, labels = tickets()
    odd = ["the weather in Lisbon", "who won the football match", "a recipe for lentil soup", "tell me a joke"]
    queues = Classifier("static").fit([*texts, *odd * 2], [*labels, *["none"] * 8], outside="none")
    assert "none" not in queues.classes
    assert queues.predict(["please help with my invoice", "a recipe for soup"]) == ["billing", "none"]
    measured = queues.evaluate([*texts[:30], "who won the match", "tell me jokes"], [*labels[:30], "none", "none"])
    assert measured.auroc is not None
    assert measured.auroc > 0.9


def test_update_learns_new_classes_and_refuses_to_get_worse() -> None:
    texts, labels = tickets(2)
    queues = Classifier("static").fit(texts, labels)
    legal = [f.format(t) for f in FRAMES for t in ("contract", "lawsuit", "privacy notice")]
    done = queues.update(legal, ["legal"] * len(legal))
    assert done.kept
    assert queues.predict(["a question about the lawsuit"]) == ["legal"]
    assert done.before.classes == ("account", "billing", "delivery")
    more, right = tickets(2, start=1)
    turned = [{"billing": "delivery", "delivery": "account", "account": "billing"}[x] for x in right]
    refused = queues.update(more * 3, turned * 3)
    assert not refused.kept
    assert refused.after is refused.before
    assert "kept as it was" in refused.why
    assert queues.predict(["please help with my invoice"]) == ["billing"]


def test_models_whose_classes_are_4_0_are_asked_and_taught_on() -> None:
    texts, labels = tickets(2)
    number = {"billing": "1.0", "delivery": "2.0", "account": "3.0"}  # as older versions called a column with gaps
    queues = Classifier("static").fit(texts, [number[x] for x in labels])
    floats = [float(number[x]) for x in labels]
    assert queues.evaluate(texts, floats).n == len(texts)
    assert targets_of([1.0, 4, "1.0"], known=("1.0", "4")).codes.tolist() == [0, 1, 0]
    done = queues.update(["a letter from a lawyer", *texts[:3]], [7.0, *floats[:3]])
    assert set(done.after.classes) <= {"1.0", "2.0", "3.0", "7"}
    assert len(done.after.classes) >= 3


def test_monitor_tells_drift_from_more_of_the_same(fitted: Classifier) -> None:
    same = fitted.monitor(tickets(2, start=1)[0])
    assert not same.drifted
    other = fitted.monitor(["the weather in Lisbon is fine", "lentil soup with bread", "a long walk"] * 20, count=3)
    assert other.drifted
    assert other.unknown_words > 0.3
    assert len(other.to_label) == 3
    assert "differ from" in other.to_lines()[0]
    with pytest.raises(InputError, match="empty"):
        fitted.monitor(["", ""])


def test_input_as_people_give_it() -> None:
    texts, labels = tickets(2)
    table = pa.table({"subject": [t[:9] for t in texts], "body": texts})
    joined = Classifier("static").fit(table, pa.array(labels))
    assert joined.predict(table)[:5] == labels[:5]
    messy = [label.upper() if i % 7 == 0 else f" {label} " for i, label in enumerate(labels)]
    given = [None if i == 5 else m for i, m in enumerate(messy)]
    noted = Classifier("static").fit([*texts, "", "x" * 60_000], [*given, "billing", "account"])
    assert noted.predict(["\ud800 my invoice", "parcel \x00"]) == ["billing", "delivery"]
    assert noted.predict({"text": ["where is my parcel"]}) == ["delivery"]
    assert noted.classes == ("account", "billing", "delivery")
    notes = " | ".join(noted.card["notes"])
    for said in ("counted as 'billing'", "1 text is empty", "1 text has no label", "1 text is longer"):
        assert said in notes


def test_a_class_with_one_example_is_learnt_from_and_said() -> None:
    texts, labels = tickets(2)
    lonely = Classifier("static").fit([*texts, "the roof leaks"], [*labels, "building"])
    assert "building" in lonely.classes
    assert "one example only ('building')" in " ".join(lonely.card["notes"])


def test_a_class_of_near_duplicates_is_still_measured() -> None:
    texts = [f"connection {i} to the server lost" for i in range(8)] + [f"disk {i} is full now" for i in range(8)]
    made = Classifier("static").fit(texts, ["network"] * 8 + ["disk"] * 8)
    assert made.card["held_out"] == 1.0
    assert loosened(np.zeros(4, np.int64), ["a", "a", "b", "c"], np.array([0, 0, 0, 1])).tolist() == [1, 1, 2, 0]


def test_bad_input_is_said_in_words() -> None:
    texts, labels = tickets(10)
    fresh = Classifier("static")
    with pytest.raises(InputError, match="two classes"):
        fresh.fit(texts, ["same"] * len(texts))
    with pytest.raises(InputError, match="no label"):
        fresh.fit(texts, [None] * len(texts))
    with pytest.raises(InputError, match="one label a text"):
        fresh.fit(texts, labels[:-1])
    with pytest.raises(InputError, match="put it into a list"):
        fresh.fit("one text", ["a"])
    with pytest.raises(InputError, match="learnt nothing"):
        fresh.predict(texts)
    with pytest.raises(InputError, match="folds"):
        fresh.fit(texts, labels, folds=1)
    with pytest.raises(InputError, match="probability from 0 to 1"):
        Classifier.from_names(["a", "b"], encoder="static").predict(texts, sure=2.0)
    with pytest.raises(InputError, match="instead of texts"):
        fresh.fit(None, labels)
    with pytest.raises(UnknownName, match="did you mean 'words'"):
        fresh.fit(texts, labels, rungs=("wordz",))
    with pytest.raises(UnknownName, match="did you mean 'billing'"):
        fresh.fit(texts, labels, class_weights={"biling": 3.0})
    with pytest.raises(InputError, match="above 0"):
        fresh.fit(texts, labels, class_weights={"billing": -1.0})
    for weight in ("much", None, [3]):
        with pytest.raises(InputError, match="above 0"):
            fresh.fit(texts, labels, class_weights={"billing": weight})
    assert targets_of([4.0, 5.5, None, 4]).classes == ("4", "5.5")
    with pytest.raises(UnknownName, match="no encoder"):
        Classifier("no-such-folder").fit(texts, labels)


def test_texts_that_are_all_alike_and_groups_that_are_too_few(fitted: Classifier) -> None:
    texts, labels = tickets(5)
    assert Classifier("static").fit(["same"] * 8, ["a", "b"] * 4).contradictions() == [("same", {"a": 4, "b": 4})]
    with pytest.raises(InputError, match="one group a text"):
        fitted.evaluate(texts, labels, groups=["north"])
    with pytest.raises(InputError, match="no new text"):
        fitted.update([], [])
