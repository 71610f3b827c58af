"""Agreement against published values and scikit-learn; conflicts, settling, gold questions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from dovetail.errors import InputError, UnknownName
from dovetail.labels.agree import agreement, cohen_kappa, conflicts, gold_scores, krippendorff_alpha, settled
from dovetail.labels.said import Event, Label, classes, group, judgement, pair

_ = None
# Krippendorff (2011), "Computing Krippendorff's alpha-reliability", example C: four people, twelve units.
FOUR_PEOPLE = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3),
    (_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _),
)


@pytest.mark.parametrize(("level", "value"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_the_published_example(level: str, value: float) -> None:
    found = krippendorff_alpha(FOUR_PEOPLE, level=level)
    assert found.value == pytest.approx(value, abs=5e-4)
    assert found.low < found.value < found.high <= 1


@pytest.mark.parametrize(("weights", "theirs"), [("equal", None), ("linear", "linear"), ("quadratic", "quadratic")])
def test_kappa_is_that_of_scikit_learn(weights: str, theirs: str | None) -> None:
    rng = np.random.default_rng(0)
    a = rng.integers(0, 4, 300)
    b = np.where(rng.uniform(size=300) < 0.7, a, rng.integers(0, 4, 300))
    found = cohen_kappa(a.tolist(), b.tolist(), weights=weights)
    assert found.value == pytest.approx(cohen_kappa_score(a, b, weights=theirs), abs=1e-9)
    assert found.low < found.value < found.high


def test_the_interval_holds_the_truth_nineteen_times_of_twenty() -> None:
    rng = np.random.default_rng(1)
    inside = 0
    for trial in range(100):
        a = rng.integers(0, 2, 150)
        b = np.where(rng.uniform(size=150) < 0.8, a, 1 - a)  # kappa 0.6
        found = cohen_kappa(a.tolist(), b.tolist(), seed=trial)
        inside += found.low <= 0.6 <= found.high
    assert 88 <= inside <= 99


def test_chance_is_zero_and_one_answer_tells_nothing() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 3, 4_000), rng.integers(0, 3, 4_000)
    assert krippendorff_alpha([a.tolist(), b.tolist()]).value == pytest.approx(0, abs=0.04)
    assert krippendorff_alpha([["x", "y"], ["x", "y"]]).value == 1
    assert math.isnan(krippendorff_alpha([["x", "x"], ["x", "x"]]).value)
    assert math.isnan(krippendorff_alpha([["x", None], [None, "y"]]).value)
    assert math.isnan(cohen_kappa(["x"], ["x"]).value)


def test_sets_are_compared_by_overlap() -> None:
    people = [[frozenset("ab"), frozenset("c"), frozenset("d")], [frozenset("a"), frozenset("c"), frozenset("d")]]
    found = krippendorff_alpha(people, level="sets").value
    assert krippendorff_alpha(people).value < found < 1


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(InputError, match="2 and 1 answers"):
        cohen_kappa([1, 2], [1])
    with pytest.raises(InputError, match="grades as numbers"):
        cohen_kappa(["a", "b"], ["b", "a"], weights="linear")
    with pytest.raises(UnknownName, match="'ordinal'"):
        krippendorff_alpha(FOUR_PEOPLE, level="ordnal")


def said(*lines: tuple[str, Label], gold: tuple[int, ...] = ()) -> list[Event]:
    return [Event(i, "", person, "", label, gold=i in gold) for i, (person, label) in enumerate(lines)]


PAIRS = said(
    ("Ann", pair("a", "x", "match")),
    ("Ben", pair("x", "a", "not")),
    ("Cat", pair("a", "x", "match")),
    ("Ann", pair("b", "x", "match")),
    ("Ben", pair("b", "x", "not")),
    ("Ann", pair("c", "x", "unsure")),
    ("Ben", pair("c", "x", "not")),
    ("Ann", pair("d", "x", "unsure")),
    ("Gold", pair("b", "x", "not")),
    gold=(8,),
)


def test_conflicts_stand_with_the_most_even_first() -> None:
    found = conflicts(PAIRS)
    assert [c.label.rows[0].id for c in found] == ["b", "a"]
    assert found[0].gold == "not"
    assert found[0].said == {"Ann": "match", "Ben": "not"}
    assert found[1].split == 0.5


def test_settled_by_gold_then_by_most() -> None:
    found = {label.rows[0].id if label.rows[0].id != "x" else label.rows[1].id: label.value for label in settled(PAIRS)}
    assert found == {"a": "match", "b": "not", "c": "not", "d": "unsure"}
    assert settled(said(("Ann", pair("a", "x", "match")), ("Ben", pair("a", "x", "not")))) == []


def test_gold_questions_measure_people() -> None:
    found = {s.person: (s.right, s.asked) for s in gold_scores(PAIRS)}
    assert found == {"Ann": (0, 1), "Ben": (1, 1)}


def test_agreement_by_shape_and_task() -> None:
    found = agreement(PAIRS)
    assert len(found) == 1
    assert found[0].subjects == 2
    assert found[0].shared == {("Ann", "Ben"): 2, ("Ann", "Cat"): 1, ("Ben", "Cat"): 1}
    assert found[0].kappa["Ann", "Ben"].value == 0, "one always says match, the other never: no better than chance"
    both = agreement(
        [
            *said(("Ann", judgement("q", "d", 2)), ("Ben", judgement("q", "d", 2)), ("Ann", judgement("q", "e", 0))),
            *said(
                ("Ben", judgement("q", "e", 0)), ("Ann", classes("1", ["a", "b"])), ("Ben", classes("1", ["b", "a"]))
            ),
        ]
    )
    assert [(a.shape, a.subjects) for a in both] == [("class", 1), ("judgement", 2)]
    assert both[1].alpha.value == 1


def test_groups_agree_whatever_they_are_called() -> None:
    rows = ["a", "b", "c", "d"]
    same = said(("Ann", group(rows, ["1", "1", "2", "2"])), ("Ben", group(rows[::-1], ["x", "x", "y", "y"])))
    assert conflicts(same) == []
    assert len(conflicts(said(("Ann", group(rows)), ("Ben", group(rows, ["1", "1", "1", ""]))))) == 1
