"""Every chooser keeps the same promises; choosing beats chance; the forecast of a learning curve holds."""

from __future__ import annotations

import numpy as np
import pytest

from dovetail.errors import InputError, UnknownName
from dovetail.labels.choose import CHOOSERS, choose
from dovetail.labels.pool import Pool


def problem(m: int = 3_000, share: float = 0.08, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features (m, 6) and labels: matches are rare, and two features of six decide."""
    rng = np.random.default_rng(seed)
    label = (rng.uniform(size=m) < share).astype(np.int8)
    features = rng.normal(size=(m, 6)).astype(np.float32)
    features[:, 0] += 2.2 * label
    features[:, 1] += 2.2 * label
    return features, label


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(x, -30, 30)))


def pool_of(m: int = 400, **more: object) -> Pool:
    features, _ = problem(m)
    rng = np.random.default_rng(1)
    shares = rng.dirichlet(np.ones(4), size=m)
    given: dict[str, object] = {
        "score": sigmoid(features[:, 0] * 2 - 3),
        "features": features,
        "asked": np.array([3, 5, 8, 13, 21, 34]),
        "said": np.array([1, 0, 1, 0, 1, 0]),
        "classes": None,
        "committee": np.stack([sigmoid(features[:, 0] - 2), sigmoid(features[:, 1] - 2), shares[:, 0]]),
        "records": np.stack([np.arange(m) % 50, 1_000 + np.arange(m) % 70], axis=1),
        "around": 7,
    }
    return Pool(**{**given, **more})  # type: ignore[arg-type]


@pytest.fixture(params=sorted(CHOOSERS))
def strategy(request: pytest.FixtureRequest) -> str:
    return request.param


def test_positions_are_new_and_each_once(strategy: str) -> None:
    pool = pool_of()
    chosen = choose(pool, 25, strategy=strategy)
    assert len(chosen) == len(chosen.why) == 25
    assert len(set(chosen.position.tolist())) == 25
    assert not set(chosen.position.tolist()) & set(pool.asked.tolist())  # type: ignore[union-attr]
    assert all(chosen.why)


def test_the_same_seed_chooses_the_same(strategy: str) -> None:
    first, second = (choose(pool_of(), 12, strategy=strategy, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.position, second.position)
    assert first.why == second.why


def test_what_is_left_is_given_and_then_nothing(strategy: str) -> None:
    left = 4
    pool = pool_of(60, asked=np.arange(60 - left), said=np.arange(60 - left) % 2, around=57 % 50)
    chosen = choose(pool, 25, strategy=strategy)
    assert sorted(chosen.position.tolist()) == [56, 57, 58, 59]
    assert len(choose(pool_of(60, asked=np.arange(60), said=np.arange(60) % 2), 25, strategy=strategy)) == 0


def test_classes_and_bare_scores_will_do(strategy: str) -> None:
    shares = np.random.default_rng(3).dirichlet(np.ones(4), size=80)
    pool = pool_of(80, classes=shares, committee=np.stack([shares, shares[::-1]]), score=shares.max(axis=1))
    assert len(choose(pool, 10, strategy=strategy)) == 10
    bare = Pool(np.linspace(0, 1, 80), committee=np.random.default_rng(0).uniform(size=(3, 80)), around=4)
    assert len(choose(bare, 10, strategy=strategy)) == 10


def test_missing_and_constant_features_do_no_harm(strategy: str) -> None:
    features, _ = problem(400)
    features[::3, 2] = np.nan
    features[:, 3], features[:, 4] = np.nan, 7.0
    assert len(choose(pool_of(features=features), 25, strategy=strategy)) == 25


def test_uncertain_lies_on_the_threshold() -> None:
    pool = pool_of(threshold=0.3)
    chosen = choose(pool, 10, strategy="uncertain")
    outside = np.setdiff1d(np.arange(400), np.r_[chosen.position, pool.asked])
    odds = np.log(pool.score / (1 - pool.score)) - np.log(0.3 / 0.7)
    assert np.abs(odds[chosen.position]).max() <= np.abs(odds[outside]).min()


def test_diverse_reaches_every_corner() -> None:
    corners = np.array([[0, 0], [0, 9], [9, 0], [9, 9]], np.float32)
    features = np.repeat(corners, [200, 5, 5, 5], axis=0) + np.random.default_rng(0).normal(0, 0.1, (215, 2))
    chosen = choose(Pool(np.full(215, 0.5), features.astype(np.float32)), 6, strategy="diverse")
    assert len({tuple((features[i] > 4).tolist()) for i in chosen.position}) == 4


def test_the_first_batch_spans_the_range() -> None:
    features, _ = problem()
    score = sigmoid(3 * features[:, 0] - 6)
    chosen = choose(Pool(score, features), 25)
    found = np.sort(score[chosen.position])
    assert found[0] < 0.01
    assert found[-1] > 0.9
    assert (found > 0.2).sum() >= 6, "a plain random draw would bring about two"
    assert set(chosen.why) == {"to see the whole range of scores"}


def test_both_keeps_matches_and_a_control_among_the_questions() -> None:
    pool = pool_of(score=sigmoid(problem(400)[0][:, 0] * 2 - 5))
    chosen = choose(pool, 30)
    reasons = {why: chosen.why.count(why) for why in chosen.why}
    assert reasons["drawn at random, as a control"] == 3
    assert pool.score[chosen.position].sum() > 0.2 * 30


def test_disagreement_prefers_split_models() -> None:
    committee = np.array([[0.9, 0.5, 0.9, 0.1], [0.1, 0.5, 0.9, 0.1]])
    chosen = choose(Pool(np.full(4, 0.5), committee=committee), 4, strategy="disagreement")
    assert chosen.position[0] == 0
    with pytest.raises(InputError, match="committee"):
        choose(Pool(np.full(4, 0.5)), 2, strategy="disagreement")


def test_rare_goes_to_the_class_without_labels() -> None:
    shares = np.full((30, 3), 0.02)
    shares[np.arange(30), np.repeat([0, 1, 2], 10)] = 0.96
    pool = Pool(shares.max(axis=1), classes=shares, asked=np.arange(8), said=np.array([0] * 6 + [1] * 2))
    chosen = choose(pool, 3, strategy="rare")
    assert (chosen.position >= 20).sum() >= 2


def test_around_starts_with_the_record() -> None:
    pool = pool_of()
    chosen = choose(pool, 25, strategy="around")
    about = (pool.records[chosen.position] == 7).any(axis=1)  # type: ignore[index]
    assert about[:8].all()
    assert not about[8:].any()
    assert (np.diff(pool.score[chosen.position[:8]]) <= 0).all()
    with pytest.raises(InputError, match="no candidate is about record 99"):
        choose(pool_of(around=99), 5, strategy="around")


def logistic(features: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Weights (f + 1,) of a ridge logistic regression, by Newton's method."""
    x = np.c_[features, np.ones(len(features))]
    w = np.zeros(x.shape[1])
    for _ in range(12):
        p = sigmoid(x @ w)
        bend = (x * (p * (1 - p))[:, None]).T @ x + np.eye(len(w))
        w += np.linalg.solve(bend, x.T @ (label - p) - w)
    return w


def f1_after(strategy: str, seed: int, answers: int = 75) -> float:
    """F1 on fresh data after so many answers, from a start that looks at one feature of two."""
    features, label = problem(seed=seed)
    test, truth = problem(seed=seed + 1_000)
    score, asked = sigmoid(features[:, 0] - 1), np.zeros(0, np.int64)
    w = np.zeros(7)
    while len(asked) < answers:
        pool = Pool(score, features, asked, label[asked])
        asked = np.r_[asked, choose(pool, 25, strategy=strategy, seed=seed).position]
        w = logistic(features[asked], label[asked])
        score = sigmoid(np.c_[features, np.ones(len(features))] @ w)
    found = np.c_[test, np.ones(len(test))] @ w > 0
    return 2 * (found & (truth == 1)).sum() / max(found.sum() + truth.sum(), 1)


def test_choosing_beats_chance_by_five_points() -> None:
    chosen = np.mean([f1_after("both", seed) for seed in range(8)])
    chance = np.mean([f1_after("random", seed) for seed in range(8)])
    assert chosen > chance + 0.05, (chosen, chance)
    assert chosen > 0.6


def test_large_pools_answer_within_a_page_turn() -> None:
    features, _ = problem(50_000)
    pool = Pool(sigmoid(features[:, 0] * 3 - 5), features, np.arange(40), np.arange(40) % 2)
    assert len(choose(pool, 25)) == 25
    assert len(choose(pool, 25, strategy="diverse")) == 25


@pytest.mark.parametrize(
    ("pool", "words"),
    [
        (Pool(np.array([0.1, 1.2])), "probabilities"),
        (Pool(np.array([0.1, np.nan])), "without NaN"),
        (Pool(np.array([0.1, 0.2]), np.zeros((3, 2), np.float32)), "features speaks of 3"),
        (Pool(np.array([0.1, 0.2]), asked=np.array([5])), "position 5 of 2"),
        (Pool(np.array([0.1, 0.2]), asked=np.array([1]), said=np.array([1, 0])), "2 answers for 1"),
    ],
)
def test_what_does_not_fit_is_refused(pool: Pool, words: str) -> None:
    with pytest.raises(InputError, match=words):
        choose(pool, 2)


def test_unknown_ways_and_empty_batches_are_refused() -> None:
    with pytest.raises(UnknownName, match="did you mean 'uncertain'"):
        choose(pool_of(), 5, strategy="uncertian")
    with pytest.raises(InputError, match="batch of 0"):
        choose(pool_of(), 0)
