"""From scored pairs to entities: the contract of every method, and what each is for."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail.errors import InputError, UnknownName
from dovetail.integrate.cluster import CLUSTERERS, cluster
from dovetail.integrate.cluster_assign import best_assignment
from dovetail.integrate.cluster_graph import components, in_order
from dovetail.integrate.cluster_repeats import repeats
from dovetail.measure.clusters import pairwise
from dovetail.types import Candidates, Decisions, Records

METHODS = ("auto", *CLUSTERERS)


def records_of(*sources: str) -> Records:
    names = tuple(dict.fromkeys(sources))
    source = np.array([names.index(s) for s in sources], np.uint16)
    nothing = pa.table({"name": pa.nulls(len(sources), pa.string())})
    return Records(names, source, pa.array([f"r{i}" for i in range(len(sources))], pa.string()), (), nothing, nothing)


def pairs_of(pairs: list[tuple[int, int]]) -> Candidates:
    ends = np.array(sorted({(min(p), max(p)) for p in pairs}), np.int32).reshape(-1, 2)
    return Candidates(ends[:, 0].copy(), ends[:, 1].copy())


def decided(scored: dict[tuple[int, int], float], threshold: float = 0.5) -> Decisions:
    ends = sorted(scored)
    return Decisions(pairs_of(ends), np.array([scored[e] for e in ends], np.float64), threshold, 0.3, 0.7, "made up")


@st.composite
def problems(draw):
    n = draw(st.integers(1, 12))
    names = sorted(draw(st.lists(st.sampled_from("abc"), min_size=n, max_size=n)))
    possible = list(combinations(range(n), 2))
    chosen = draw(st.lists(st.sampled_from(possible), unique=True, max_size=30)) if possible else []
    scores = draw(st.lists(st.floats(0, 1), min_size=len(chosen), max_size=len(chosen)))
    refused = draw(st.lists(st.sampled_from(possible), unique=True, max_size=4)) if possible else []
    return records_of(*names), decided(dict(zip(chosen, scores, strict=True))), pairs_of(refused)


@pytest.mark.parametrize("method", METHODS)
@given(problem=problems())
@settings(max_examples=40, deadline=None)
def test_contract(method, problem):
    records, decisions, refused = problem
    found = cluster(records, decisions, method=method, cannot_link=refused)
    label = found.cluster
    assert label.dtype == np.int32
    assert len(label) == len(records)
    first = np.unique(label, return_index=True)[1]
    assert (np.diff(first) > 0).all()
    assert label[first].tolist() == list(range(len(found.names)))
    assert len(set(found.names.to_pylist())) == len(found.names)
    assert not (label[refused.left] == label[refused.right]).any()
    assert found.method in CLUSTERERS
    again = cluster(records, decisions, method=method, cannot_link=refused)
    assert again.cluster.tolist() == label.tolist()
    assert again.names.equals(found.names)
    reach = components(
        len(label), *(e[decisions.score >= 0.5] for e in (decisions.candidates.left, decisions.candidates.right))
    )
    for group in range(len(found.names)):  # no entity without a chain of matches
        assert len(set(reach[label == group])) == 1


@pytest.mark.parametrize("method", METHODS)
def test_nothing_to_cluster(method):
    for n in (0, 1, 3):
        found = cluster(records_of(*["a"] * n) if n else records_of(), decided({}), method=method)
        assert found.cluster.tolist() == list(range(n))
        assert len(found.names) == n


@pytest.mark.parametrize("method", METHODS)
def test_a_person_has_the_last_word(method):
    records = records_of("a", "a", "b", "b")
    scored = decided({(0, 2): 0.95, (0, 3): 0.1, (1, 3): 0.9})
    found = cluster(records, scored, method=method, must_link=pairs_of([(0, 3)]), cannot_link=pairs_of([(0, 2)]))
    assert found.cluster[0] == found.cluster[3]
    assert found.cluster[0] != found.cluster[2]
    with pytest.raises(InputError, match=r"'r0' of 'a' and 'r2' of 'b' are labelled as different"):
        cluster(records, scored, method=method, must_link=pairs_of([(0, 1), (1, 2)]), cannot_link=pairs_of([(0, 2)]))


def test_unknown_method_names_the_near_one():
    with pytest.raises(UnknownName, match="did you mean 'correlation'"):
        cluster(records_of("a"), decided({}), method="corelation")


def test_correlation_does_not_chain():
    """Two tight groups with one doubtful bridge stay two; connected components make one of them."""
    scored = {p: 0.95 for group in (range(4), range(4, 8)) for p in combinations(group, 2)}
    scored |= {(a, b): 0.03 for a in range(4) for b in range(4, 8)} | {(3, 4): 0.7}
    records = records_of(*["a"] * 8)
    assert cluster(records, decided(scored), method="connected").cluster.tolist() == [0] * 8
    assert cluster(records, decided(scored), method="correlation").cluster.tolist() == [0] * 4 + [1] * 4


def test_correlation_splits_a_long_chain_of_doubtful_links():
    scored = {(i, i + 1): 0.55 for i in range(99)} | {(i, i + 2): 0.1 for i in range(98)}
    found = cluster(records_of(*["a"] * 100), decided(scored), method="auto")
    assert found.method == "correlation"
    assert np.bincount(found.cluster).max() <= 2


def test_correlation_is_close_to_the_best_of_all_groupings():
    """On small graphs the objective reaches at least 98 % of what trying every grouping gives, on average."""
    random = np.random.default_rng(0)
    reached, best = 0.0, 0.0
    for _ in range(40):
        weight = {p: float(random.normal(0, 2)) for p in combinations(range(6), 2)}
        scored = decided({p: 1 / (1 + np.exp(-w)) for p, w in weight.items()})

        def value(label, weight=weight):
            return sum(w for (i, j), w in weight.items() if label[i] == label[j])

        reached += value(cluster(records_of(*["a"] * 6), scored, method="correlation").cluster)
        best += max(value(label) for label in growths(6))
    assert reached / best >= 0.98


def growths(n: int, so_far: tuple[int, ...] = ()):
    """All groupings of n things."""
    if len(so_far) == n:
        yield so_far
        return
    for group in range(max(so_far, default=-1) + 2):
        yield from growths(n, (*so_far, group))


def test_star_is_a_sorted_walk():
    random = np.random.default_rng(5)
    scored = {p: float(random.random()) for p in combinations(range(30), 2) if random.random() < 0.2}
    found = cluster(records_of(*["a"] * 30), decided(scored), method="star").cluster
    strong = {p: s for p, s in scored.items() if s >= 0.5}
    near = {i: {(a + b - i): s for (a, b), s in strong.items() if i in (a, b)} for i in range(30)}
    strength = {i: sum(np.log(s / (1 - s)) for s in near[i].values()) for i in near}
    centres: list[int] = []
    for i in sorted(near, key=lambda i: (-strength[i], i)):
        if not any(c in near[i] for c in centres):
            centres.append(i)
    home = [
        i if i in centres else max((c for c in centres if c in near[i]), key=near[i].__getitem__) for i in range(30)
    ]
    assert found.tolist() == in_order(np.array(home)).tolist()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(4, 7), st.integers(1, 50)), min_size=1, max_size=10))
@settings(max_examples=80, deadline=None)
def test_assignment_is_worth_as_much_as_the_best_of_all(edges):
    worth = {(a, b): w for a, b, w in edges}
    left, right = (np.array([e[i] for e in worth], np.int32) for i in (0, 1))
    weight = np.array(list(worth.values()), np.float64)
    chosen = best_assignment(8, left, right, weight)
    assert len(set(left[chosen])) == len(set(right[chosen])) == chosen.sum()
    best = max(sum(worth.get((a, b), 0) for a, b in enumerate(order)) for order in permutations(range(4, 8)))
    assert weight[chosen].sum() == best


def test_one_to_one_gives_up_the_best_pair_for_two_good_ones():
    scored = decided({(0, 2): 0.9, (0, 3): 0.85, (1, 2): 0.85, (0, 1): 0.2, (2, 3): 0.2})
    found = cluster(records_of("a", "a", "b", "b"), scored, method="one-to-one")
    assert found.cluster.tolist() == [0, 1, 1, 0]


def test_three_sources_hold_one_record_of_each():
    scored = {(0, 2): 0.9, (0, 4): 0.9, (2, 4): 0.9, (1, 2): 0.6, (1, 3): 0.9, (3, 4): 0.6, (1, 4): 0.6}
    found = cluster(records_of("a", "a", "b", "b", "c"), decided(scored), method="one-to-one")
    assert found.cluster.tolist() == [0, 1, 0, 1, 0]


def clean_pair(random: np.random.Generator, twins: int, noise: float) -> tuple[Records, Decisions, np.ndarray]:
    """Two sources of 200 records; the first `twins` records of the second source are there twice."""
    truth = np.r_[np.arange(200), np.arange(200), np.arange(twins)]
    records = records_of(*["a"] * 200, *["b"] * (200 + twins))
    pairs = {
        (i, j): 3.0 for i in range(400 + twins) for j in (i + 200, i + 400) if j < 400 + twins and truth[i] == truth[j]
    }
    rivals = {tuple(sorted(p)): -3.0 for p in random.integers(0, 400 + twins, (1500, 2)).tolist() if p[0] != p[1]}
    score = {p: float(1 / (1 + np.exp(-(z + random.normal(0, noise))))) for p, z in (rivals | pairs).items()}
    return records, decided(score), truth


def test_auto_sees_that_no_source_repeats_itself():
    records, decisions, truth = clean_pair(np.random.default_rng(0), 0, 1.5)
    found = cluster(records, decisions)
    assert found.method == "one-to-one"
    assert "No source seems to repeat itself" in found.why
    f1 = {
        m: pairwise(cluster(records, decisions, method=m).cluster, truth).f1.value for m in ("one-to-one", "connected")
    }
    assert f1["one-to-one"] > f1["connected"]
    assert f1["one-to-one"] > 0.95


def test_auto_sees_that_a_source_repeats_itself():
    records, decisions, _ = clean_pair(np.random.default_rng(0), 80, 0.7)
    found = cluster(records, decisions)
    assert found.method == "correlation"
    assert "'b' repeats itself" in found.why
    share = repeats(records, decisions).share
    assert share[0] < 0.01
    assert share[1] >= 0.2


def test_one_source_may_repeat_itself():
    found = cluster(records_of("a", "a"), decided({(0, 1): 0.9}))
    assert (found.method, found.cluster.tolist()) == ("correlation", [0, 0])


def test_names_stay_when_other_records_come_and_the_order_changes():
    scored = decided({(0, 2): 0.9})
    before = cluster(records_of("a", "a", "b"), scored).names.to_pylist()
    records = records_of("b", "a", "a")
    turned = Records(("b", "a"), records.source, pa.array(["r2", "r0", "r1"]), (), records.original, records.text)
    after = cluster(turned, decided({(0, 1): 0.9})).names.to_pylist()
    assert after == before
    assert all(name.startswith("e-") and len(name) == 12 for name in before)


def test_a_crowd_of_equals_and_noise_is_quick():
    random = np.random.default_rng(1)
    n, m = 30_000, 200_000
    truth = random.integers(0, n // 4, n)
    order = np.argsort(truth, kind="stable")
    near = [np.stack([order[:-d], order[d:]], 1)[truth[order][:-d] == truth[order][d:]] for d in range(1, 8)]
    ends = np.unique(np.sort(np.concatenate([*near, random.integers(0, n, (m, 2))]), axis=1), axis=0)
    ends = ends[ends[:, 0] < ends[:, 1]].astype(np.int32)
    same = truth[ends[:, 0]] == truth[ends[:, 1]]
    score = np.where(
        same,
        random.choice([0.4, 0.9, 0.99], len(ends)),
        random.choice([0.01, 0.05, 0.6], len(ends), p=[0.8, 0.19, 0.01]),
    )
    decisions = Decisions(Candidates(ends[:, 0].copy(), ends[:, 1].copy()), score, 0.5, 0.3, 0.7, "made up")
    found = cluster(records_of(*["a"] * n), decisions)
    assert pairwise(found.cluster, truth).f1.value > 0.97


def test_a_large_entity_whose_lists_of_candidates_were_full_stays_whole():
    """200 records of one entity, each scored with 20 others only: what was never scored does not tell them apart."""
    scored = {(i, j): 0.8 for i in range(200) for j in range(i + 1, min(i + 11, 200))}
    assert set(cluster(records_of(*["a"] * 200), decided(scored)).cluster) == {0}
    weak = {(i, j): 0.02 for i in range(200) for j in range(200, 240)}  # now blocking looked further, and saw no more
    found = cluster(records_of(*["a"] * 240), decided(scored | weak)).cluster
    assert len(set(found[:200])) > 3
