"""Flipped labels are found; labelling functions joined do better than a vote."""

from __future__ import annotations

import numpy as np
import pytest

from dovetail.errors import InputError, UnknownName
from dovetail.labels.heuristics import HEURISTICS, ByFunction, ByModel, ByPattern, ByWords, join, votes_of
from dovetail.labels.noise import likely_mistakes

CLASSES = ("billing", "shipping", "other")
TEXTS = ["I was charged twice", "Where is my parcel?", "hello", "refund my CHARGE please", "parcel charged"]


def flipped(n: int = 3_000, share: float = 0.1, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Out-of-fold probabilities (n, 3) of an honest model, labels of which some are wrong, and which."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 3, n)
    logits = rng.normal(size=(n, 3))
    logits[np.arange(n), true] += 3
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    wrong = rng.uniform(size=n) < share
    return p, np.where(wrong, (true + rng.integers(1, 3, n)) % 3, true), wrong


def test_flipped_labels_are_found_and_counted() -> None:
    p, label, wrong = flipped()
    found = likely_mistakes(p, label)
    hit = wrong[found.position]
    assert hit.mean() > 0.7
    assert hit.sum() / wrong.sum() > 0.7
    assert hit[:100].mean() > 0.95, "the most suspicious are mistakes nearly always"
    assert found.share == pytest.approx(0.1, abs=0.05)
    assert found.joint.sum() == pytest.approx(1)
    assert (np.diff(found.doubt) <= 0).all()


def test_pairs_take_one_column_and_unsure_is_passed_over() -> None:
    found = likely_mistakes(np.array([0.95, 0.9, 0.92, 0.08, 0.94, 0.05, 0.5]), np.array([1, 1, 1, 0, 0, 0, -1]))
    assert found.position.tolist() == [4]
    assert (found.said[0], found.likely[0]) == (0, 1)
    assert found.doubt[0] == pytest.approx(0.88)


def test_clean_labels_and_no_labels() -> None:
    p, label, _ = flipped(share=0.0)
    assert likely_mistakes(p, label).share < 0.08
    assert len(likely_mistakes(np.zeros((0, 2)), np.zeros(0, int))) == 0


def test_shapes_that_differ_are_refused() -> None:
    with pytest.raises(InputError, match="3 probabilities for 2 labels"):
        likely_mistakes(np.full(3, 0.5), np.array([0, 1]))
    with pytest.raises(InputError, match="label 2 has no column"):
        likely_mistakes(np.full(3, 0.5), np.array([0, 1, 2]))


def shouting(text: str) -> str | None:
    return "other" if text == "hello" else None


def every_kind() -> list[object]:
    def model(texts: object, classes: object) -> np.ndarray:
        return np.array([[0.9, 0.05, 0.05], [0.3, 0.4, 0.3], [0, 0, 1], [0.5, 0.5, 0], [0, 1, 0]])

    return [
        ByPattern("charges", r"charge[ds]?\b", "billing"),
        ByWords("parcels", ("parcel", "lost post"), "shipping"),
        ByFunction("greetings", shouting),
        ByModel("zero shot", model),
    ]


def test_every_kind_votes() -> None:
    kinds = every_kind()
    assert {type(k).__name__ for k in kinds} == {place.split(":")[1] for place in HEURISTICS.values()}
    votes = votes_of(kinds, TEXTS, CLASSES)  # type: ignore[arg-type]
    assert votes.T.tolist() == [[0, -1, -1, 0, 0], [-1, 1, -1, -1, 1], [-1, -1, 2, -1, -1], [0, -1, 2, -1, 1]]


@pytest.mark.parametrize("place", HEURISTICS.values())
def test_every_kind_promises_numbers_of_classes_or_minus_one(place: str) -> None:
    kind = next(k for k in every_kind() if type(k).__name__ == place.split(":")[1])
    votes = kind.vote(TEXTS, CLASSES)  # type: ignore[attr-defined]
    assert votes.shape == (5,)
    assert votes.dtype == np.int64
    assert set(votes.tolist()) <= {-1, 0, 1, 2}


def test_heuristics_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean 'billing'"):
        votes_of([ByPattern("p", "x", "biling")], TEXTS, CLASSES)
    with pytest.raises(UnknownName, match="heuristic f"):
        votes_of([ByFunction("f", lambda text: "nothing")], TEXTS, CLASSES)
    with pytest.raises(InputError, match="not understood"):
        votes_of([ByPattern("p", "(", "billing")], TEXTS, CLASSES)
    with pytest.raises(InputError, match="no words"):
        votes_of([ByWords("w", (), "billing")], TEXTS, CLASSES)
    with pytest.raises(InputError, match="one name"):
        votes_of([ByWords("w", ("a",), "billing")] * 2, TEXTS, CLASSES)
    with pytest.raises(InputError, match="of shape"):
        votes_of([ByModel("m", lambda texts, classes: np.ones((2, 2)))], TEXTS, CLASSES)
    with pytest.raises(InputError, match="two classes"):
        join(np.zeros((3, 1), int), ("one",))


def cast_votes(n: int = 2_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two good heuristics, and three that are wrong together more often than not; each abstains often."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 3, n)
    columns = []
    for right in (0.93, 0.9, 0.45, 0.42, 0.4):
        vote = np.where(rng.uniform(size=n) < right, true, (true + rng.integers(1, 3, n)) % 3)
        columns.append(np.where(rng.uniform(size=n) < 0.7, vote, -1))
    return np.stack(columns, axis=1), true


def test_joined_votes_beat_the_majority_and_know_whom_to_trust() -> None:
    votes, true = cast_votes()
    joined = join(votes, CLASSES)
    some = joined.voted
    counts = (votes[:, :, None] == np.arange(3)).sum(axis=1) + np.random.default_rng(0).uniform(0, 0.1, (len(true), 3))
    majority = (counts.argmax(axis=1) == true)[some].mean()
    ours = (joined.probability.argmax(axis=1) == true)[some].mean()
    assert ours > majority + 0.05
    np.testing.assert_allclose([s.trust for s in joined.scores], [0.93, 0.9, 0.45, 0.42, 0.4], atol=0.06)
    np.testing.assert_allclose(joined.probability.sum(axis=1), 1)
    said = joined.probability.max(axis=1)[some]
    assert abs(said.mean() - ours) < 0.03, "probabilities mean what they say"


def test_coverage_conflicts_and_hand_labels() -> None:
    votes = np.array([[0, 0], [0, 1], [-1, 1], [-1, -1]])
    joined = join(votes, ("a", "b"), names=("one", "two"), label=np.array([0, 0, 1, -1]))
    one, two = joined.scores
    assert (one.name, one.coverage, one.overlap, one.conflict) == ("one", 0.5, 0.5, 0.25)
    assert (one.right, one.checked) == (2, 2)
    assert (two.right, two.checked) == (2, 3)
    assert joined.coverage == 0.75
    np.testing.assert_array_equal(joined.probability[:3], [[1, 0], [1, 0], [0, 1]])


def test_nothing_said_is_nothing_known() -> None:
    joined = join(np.full((4, 2), -1), ("a", "b"))
    assert joined.coverage == 0
    np.testing.assert_allclose(joined.probability, 0.5)
    assert join(np.zeros((0, 2), int), ("a", "b")).coverage == 0
