"""Held-out pairs are of entities that training has not matched; parts are balanced and repeat with their seed."""

from __future__ import annotations

import numpy as np
import pytest

from dovetail.errors import InputError
from dovetail.training.sampling import linked, numbered
from dovetail.training.splits import entity_disjoint_split, entity_folds


def labels(entities: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Entities of 2 to 4 records in a chain of matches, one of 40 records; eight times as many pairs that differ."""
    random = np.random.default_rng(seed)
    sizes = np.r_[random.integers(2, 5, entities - 1), 40]
    entity = np.repeat(np.arange(entities), sizes)
    left = np.flatnonzero(entity[:-1] == entity[1:])
    one, other = random.integers(0, len(entity), (2, 8 * len(left)))
    apart = entity[one] != entity[other]
    label = np.r_[np.ones(len(left), np.int8), np.zeros(int(apart.sum()), np.int8)]
    return np.r_[left, one[apart]], np.r_[left + 1, other[apart]], label


def entity_of(left: np.ndarray, right: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    item, one, other = numbered(left, right, label)
    _, entity = linked(one[label == 1], other[label == 1], len(item))
    return entity[one], entity[other]


def test_no_entity_is_torn_and_folds_are_balanced() -> None:
    left, right, label = labels()
    fold = entity_folds(left, right, label, 5, seed=3)
    assert set(fold.tolist()) == {0, 1, 2, 3, 4}
    of, _ = entity_of(left, right, label)
    match = label == 1
    assert all(len(set(fold[match & (of == e)].tolist())) == 1 for e in set(of[match].tolist()))
    counts = np.bincount(fold[match], minlength=5)
    assert counts.max() - counts.min() <= 3
    others = np.bincount(fold[~match], minlength=5)
    assert others.min() > 0.8 * others.mean()


def test_pairs_that_differ_follow_one_of_their_entities() -> None:
    left, right, label = labels()
    fold = entity_folds(left, right, label, 5)
    one, other = entity_of(left, right, label)
    home = dict(zip(one[label == 1].tolist(), fold[label == 1].tolist(), strict=True))
    apart = label == 0
    assert all(f in (home[a], home[b]) for a, b, f in zip(one[apart], other[apart], fold[apart], strict=True))


def test_folds_repeat_with_their_seed() -> None:
    given = labels(50)
    assert entity_folds(*given, 3, seed=1).tolist() == entity_folds(*given, 3, seed=1).tolist()
    assert entity_folds(*given, 3, seed=1).tolist() != entity_folds(*given, 3, seed=2).tolist()


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_no_held_out_match_is_of_a_trained_entity(share: float) -> None:
    left, right, label = labels()
    split = entity_disjoint_split(left, right, label, share, seed=1)
    parts = np.concatenate([split.train, split.validation, split.between])
    assert sorted(parts.tolist()) == list(range(len(label)))
    one, other = entity_of(left, right, label)
    trained = set(one[split.train].tolist()) | set(other[split.train].tolist())
    held = split.validation[label[split.validation] == 1]
    assert not trained & set(one[held].tolist())
    assert label[split.between].max() == 0
    assert len(held) / label.sum() == pytest.approx(share, abs=0.02)
    assert label[split.validation].mean() == pytest.approx(label.mean(), rel=0.02)


def test_few_labels_still_part() -> None:
    split = entity_disjoint_split(np.array([1, 2, 1, 2]), np.array([11, 12, 12, 11]), np.array([1, 1, 0, -1]))
    assert len(split.train) == 1
    assert split.validation.tolist() in ([0, 2], [1, 2])
    assert 3 in split.between.tolist()


@pytest.mark.parametrize("label", [[0, 0, 0], [1, 0, 0]])
def test_too_few_entities_are_refused_in_words(label: list[int]) -> None:
    left, right = np.array([1, 2, 3]), np.array([4, 5, 6])
    with pytest.raises(InputError, match="expected at least 2"):
        entity_disjoint_split(left, right, np.array(label))
    with pytest.raises(InputError, match="expected at least 3"):
        entity_folds(left, right, np.array(label), 3)


def test_impossible_numbers_are_refused() -> None:
    given = labels(10)
    with pytest.raises(InputError, match="at least 2 folds"):
        entity_folds(*given, 1)
    with pytest.raises(InputError, match="between 0 and 1"):
        entity_disjoint_split(*given, 1.0)
