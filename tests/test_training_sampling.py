"""Labels of every shape become samples; batches keep their promises, repeat with their seed, and stay linear."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from dovetail.errors import InputError
from dovetail.training import sampling
from dovetail.training.sampling import Judged, Samples


def pairs(*given: tuple[int, int, int]) -> Samples:
    left, right, label = np.array(given).T
    return sampling.from_pairs(left, right, label)


def many(groups: int = 60, seed: int = 0) -> Samples:
    """Groups of 1 to 5 items, and for each item another one known to differ."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), random.integers(1, 6, groups))
    one, other = np.arange(len(group)), random.integers(0, len(group), len(group))
    apart = group[one] != group[other]
    same = [(i, j, 1) for i, j in pairwise(range(len(group))) if group[i] == group[j]]
    return pairs(*same, *((int(i), int(j), 0) for i, j in zip(one[apart], other[apart], strict=True)))


def judged(queries: int = 40, seed: int = 0) -> Judged:
    random = np.random.default_rng(seed)
    query = np.repeat(np.arange(queries), 6)
    document = np.concatenate([random.choice(100, 6, replace=False) for _ in range(queries)])
    return sampling.from_judgements(query, document, np.tile([2, 1, 0, 0, 0, 0], queries))


# from labels to samples


def test_being_alike_is_transitive() -> None:
    found = pairs((10, 20, 1), (20, 30, 1), (40, 50, 1), (10, 40, 0), (60, 30, 0))
    assert found.item.tolist() == [10, 20, 30, 40, 50, 60]
    assert [found.group[:3].tolist().count(g) for g in found.group[:3]] == [3, 3, 3]
    assert len(set(found.group.tolist())) == 3
    assert found.unlike.tolist() == [[0, 3], [2, 5]]
    assert found.against.tolist() == []


def test_contradictions_are_found_and_set_aside() -> None:
    found = pairs((1, 2, 1), (2, 3, 1), (1, 3, 0), (1, 4, 0), (4, 1, 0))
    assert found.against.tolist() == [2]
    assert found.unlike.tolist() == [[0, 3]]


def test_unsure_is_passed_over() -> None:
    found = pairs((1, 2, -1), (2, 3, 1))
    assert found.group[0] != found.group[1]
    assert found.unlike.shape == (0, 2)


def test_items_may_be_named_by_words() -> None:
    found = sampling.from_pairs(np.array(["a", "b"]), np.array(["b", "c"]), np.array([1, 0]))
    assert found.item.tolist() == ["a", "b", "c"]
    assert found.unlike.tolist() == [[1, 2]]


@pytest.mark.parametrize(("label", "said"), [([1], "2 left items, 2 right ones, 1 labels"), ([1, 2], "label 2")])
def test_bad_pairs_are_refused(label: list[int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        sampling.from_pairs(np.array([1, 2]), np.array([3, 4]), np.array(label))


def test_classes_and_groups() -> None:
    found = sampling.from_groups(["x", None, "y", "x", "", -1, 0])
    assert found.item.tolist() == [0, 2, 3, 6]
    assert found.group.tolist() == [0, 1, 0, 2]
    assert sampling.from_classes(["x", "y", "x"]).group.tolist() == [0, 1, 0]
    with pytest.raises(InputError, match="one class"):
        sampling.from_classes(["x", "x"])


def test_judgements_of_one_pair_are_averaged() -> None:
    found = sampling.from_judgements(np.array(["q", "q", "p"]), np.array([7, 7, 7]), np.array([2, 1, 0]))
    assert list(zip(found.query.tolist(), found.document.tolist(), found.grade.tolist(), strict=True)) == [
        ("p", 7, 0),
        ("q", 7, 1.5),
    ]
    with pytest.raises(InputError, match="below 0"):
        sampling.from_judgements(np.array([1]), np.array([1]), np.array([-1]))
    with pytest.raises(InputError, match="1 queries, 2 documents"):
        sampling.from_judgements(np.array([1]), np.array([1, 2]), np.array([1]))


# batches


def test_same_seed_same_batches() -> None:
    samples = many()
    for make in (sampling.class_balanced, sampling.with_hard_negatives):
        one, same, other = ([b.tolist() for b in make(samples, 16, seed=s)] for s in ((3, 1), (3, 1), (3, 2)))
        assert one == same
        assert one != other


def test_classes_come_equally_often() -> None:
    labels = ["common"] * 900 + ["some"] * 90 + ["rare"] * 10
    samples = sampling.from_classes(labels)
    batches = list(sampling.class_balanced(samples, 30, per_group=10))
    assert len(batches) == 34
    for rows in batches:
        assert len(set(rows.tolist())) == len(rows) == 30
        assert Counter(samples.group[rows].tolist()) == {0: 10, 1: 10, 2: 10}
    seen = Counter(np.concatenate(batches).tolist())
    assert max(seen[i] for i in range(900)) == 1
    assert {seen[i] for i in range(990, 1000)} == {34}


def test_two_classes_fill_a_batch() -> None:
    samples = sampling.from_classes([0] * 100 + [1] * 100)
    assert {len(b) for b in sampling.class_balanced(samples, 32)} == {32}
    assert list(sampling.class_balanced(sampling.from_groups([]), 32)) == []


def test_many_classes_stand_in_turn() -> None:
    samples = sampling.from_classes(np.repeat(np.arange(150), 8))
    batches = list(sampling.class_balanced(samples, 32, per_group=4))
    assert {len(set(samples.group[b].tolist())) for b in batches[:18]} == {8}
    assert set(np.concatenate([samples.group[b] for b in batches]).tolist()) == set(range(150))


def test_batches_with_hard_negatives() -> None:
    samples = many()
    size = np.bincount(samples.group)
    unlike = {frozenset(p) for p in samples.unlike.tolist()}
    batches = list(sampling.with_hard_negatives(samples, 16, seed=1))
    seen = set(np.concatenate(batches).tolist())
    assert {i for i in range(len(samples)) if size[samples.group[i]] > 1} <= seen
    for rows in batches:
        assert len(set(rows.tolist())) == len(rows) <= 16
        here = set(rows.tolist())
        for i in here:
            partner = any(samples.group[i] == samples.group[j] for j in here - {i})
            assert partner or any(frozenset((i, j)) in unlike for j in here)


def test_hard_negatives_come_with_their_group() -> None:
    samples = pairs((1, 2, 1), (3, 4, 1), (1, 9, 0), (3, 8, 0))
    found = {frozenset(samples.item[b].tolist()) for b in sampling.with_hard_negatives(samples, 3, seed=0)}
    assert found == {frozenset({1, 2, 9}), frozenset({3, 4, 8})}
    without = {len(b) for b in sampling.with_hard_negatives(samples, 2, negatives=0)}
    assert without == {2}


def test_a_large_group_is_cut_and_nobody_is_alone() -> None:
    samples = sampling.from_groups([0] * 7)
    batches = list(sampling.with_hard_negatives(samples, 2))
    assert sorted(len(b) for b in batches) == [2, 2, 2, 2]
    assert set(np.concatenate(batches).tolist()) == set(range(7))


def test_pairs_once_an_epoch_and_the_rare_answer_more_often() -> None:
    label = np.array([1] * 10 + [0] * 90 + [-1] * 5)
    plain = np.concatenate(list(sampling.pair_batches(label, 8)))
    assert sorted(plain.tolist()) == list(range(100))
    richer = np.concatenate(list(sampling.pair_batches(label, 8, share=0.25)))
    assert Counter(label[richer].tolist()) == {1: 30, 0: 90}
    assert set(Counter(richer[label[richer] == 1].tolist()).values()) == {3}
    only = np.concatenate(list(sampling.pair_batches(np.zeros(9), 4, share=0.5)))
    assert sorted(only.tolist()) == list(range(9))


def test_like_lengths_come_together() -> None:
    lengths = np.random.default_rng(0).integers(5, 200, 4000)
    batches = list(sampling.by_length(lengths, 20, seed=1))
    assert sorted(np.concatenate(batches).tolist()) == list(range(4000))
    padded = sum(len(b) * lengths[b].max() for b in batches)
    assert padded < 1.03 * lengths.sum()
    firsts = [lengths[b].max() for b in batches[:50]]
    assert min(firsts) < 60 < 150 < max(firsts)
    bucketed = list(sampling.pair_batches(np.zeros(4000), 20, lengths=lengths))
    assert sum(len(b) * lengths[b].max() for b in bucketed) < 1.03 * lengths.sum()


def test_queries_with_worse_documents() -> None:
    given = judged()
    grade = {(q, d): g for q, d, g in zip(given.query, given.document, given.grade, strict=True)}
    asked: Counter[int] = Counter()
    for rows in sampling.query_batches(given, 8, negatives=3, seed=2):
        assert len(set(rows.query.tolist())) == len(rows.query) <= 8
        assert len(set(rows.positive.tolist())) == len(rows.positive)
        assert rows.negatives.shape == rows.known.shape == (len(rows.query), 3)
        asked.update(rows.query.tolist())
        for q, good, worse, known in zip(rows.query, rows.positive, rows.negatives, rows.known, strict=True):
            assert grade[q, good] > 0
            assert known.all()
            assert max(grade[q, d] for d in worse[known]) < grade[q, good]
    assert len(asked) == 40
    assert sum(asked.values()) >= 72


def test_a_query_with_very_many_answers_does_not_rule_the_epoch() -> None:
    query = np.array([0] * 5000 + list(range(1, 20)))
    given = sampling.from_judgements(query, np.arange(len(query)), np.ones(len(query)))
    asked = np.concatenate([rows.query for rows in sampling.query_batches(given, 8, per_query=2)])
    assert Counter(asked.tolist())[0] <= 2
    assert set(range(1, 20)) <= set(asked.tolist())


def test_filling_is_said() -> None:
    given = sampling.from_judgements(np.array([0, 0, 1]), np.array([5, 6, 7]), np.array([1, 0, 1]))
    (rows,) = sampling.query_batches(given, 4, negatives=2)
    of = dict(zip(rows.query.tolist(), rows.known.sum(1).tolist(), strict=True))
    assert of == {0: 1, 1: 0}
