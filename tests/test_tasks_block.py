"""Blocking keeps its promises: pairs, memory, recall, and an estimate that can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from dovetail.encoders.base import load_encoder
from dovetail.errors import BudgetError
from dovetail.tasks import block_estimate
from dovetail.tasks.block import (
    BlockSettings,
    block,
    candidates_per_row,
    memory_needed,
    neighbours,
    plan,
)
from dovetail.tasks.block_estimate import LADDER
from dovetail.tasks.block_nets import Nets
from dovetail.types import Attribute, BlockPlan, Candidates, Kind, Progress, Records, finish

FIRST = ["anna", "bert", "carla", "dora", "emil", "fritz", "greta", "hans", "ida", "josef", "karl", "lena", "maria"]
LAST = ["ahrens", "berg", "claus", "dietz", "engel", "frank", "gross", "hahn", "imhof", "jung", "keller", "lang"]
TOWNS = ["bonn", "celle", "dachau", "essen", "fulda", "goslar", "hamm", "jena", "kiel", "lindau", "mainz", "nauen"]


def _typo(text: str, rng: np.random.Generator) -> str:
    at = int(rng.integers(1, len(text) - 1))
    return text[:at] + text[at + 1 :] if rng.random() < 0.5 else text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _people(n: int, seed: int, sources: int = 1) -> tuple[Records, np.ndarray]:
    """Records (2 n) of n people, each twice and the second time with typos, and the true entity of each."""
    rng = np.random.default_rng(seed)
    first, last = rng.choice(FIRST, n), rng.choice(LAST, n)
    town, born = rng.choice(TOWNS, n), rng.integers(1930, 2005, n)
    rows = [
        (f"{f} {s}", t, f"{b}-{d:02d}")
        for f, s, t, b, d in zip(first, last, town, born, rng.integers(1, 366, n), strict=True)
    ]
    rows += [(_typo(a, rng), None if rng.random() < 0.3 else b, c) for a, b, c in rows]
    entity = np.tile(np.arange(n), 2)
    order = np.arange(2 * n) if sources > 1 else rng.permutation(2 * n)
    columns = list(zip(*[rows[i] for i in order], strict=True))
    source = np.repeat([0, 1], n) if sources > 1 else np.zeros(2 * n)
    return _records(columns, source.astype(np.uint16)), entity[order]


def _records(columns: Sequence[Sequence[str | None]], source: np.ndarray) -> Records:
    names = ["name", "town", "born"][: len(columns)]
    table = pa.table({n: pa.array(c, pa.string()) for n, c in zip(names, columns, strict=True)})
    sources = tuple("ab"[: int(source.max(initial=0)) + 1])
    attributes = tuple(Attribute(n, Kind.NAME, (n,) * len(sources)) for n in names)
    return Records(sources, source, pa.array([str(i) for i in range(len(source))]), attributes, table, table)


def _gold_score(entity: np.ndarray):
    return lambda records, pairs: np.where(entity[pairs.left] == entity[pairs.right], 0.97, 0.01)


def _kept(entity: np.ndarray, pairs: Candidates) -> float:
    return float((entity[pairs.left] == entity[pairs.right]).sum() / (len(entity) / 2))


def _planned(records: Records, settings: BlockSettings, entity: np.ndarray) -> BlockPlan:
    return finish(plan(records, settings, _gold_score(entity), load_encoder()))


@pytest.mark.parametrize("sources", [1, 2])
def test_pairs_are_sorted_unique_and_of_two_records(sources: int) -> None:
    records, entity = _people(150, 1, sources)
    planned = _planned(records, BlockSettings(), entity)
    pairs = finish(block(records, planned, load_encoder()))
    assert pairs.left.dtype == pairs.right.dtype == np.int32
    assert (pairs.left < pairs.right).all()
    keys = pairs.left.astype(np.int64) << 32 | pairs.right
    assert (np.diff(keys) > 0).all()
    assert pairs.right.max() < len(records)


@pytest.mark.parametrize("sources", [1, 2])
def test_the_candidates_are_the_neighbours_of_the_plan(sources: int) -> None:
    records, entity = _people(60, 2, sources)
    planned = _planned(records, BlockSettings(), entity)
    nets = Nets(records, load_encoder())
    slow = set()
    for near in neighbours(nets, np.arange(120, dtype=np.int32), planned.k_lexical, planned.k_encoder, True):
        slow |= {(min(a, b), max(a, b)) for a, b in zip(near.query.tolist(), near.found.tolist(), strict=True)}
    pairs = finish(block(records, planned, load_encoder()))
    assert slow == set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))


def test_without_pairs_inside_a_source_all_cross() -> None:
    records, entity = _people(100, 3, 2)
    pairs = finish(block(records, _planned(records, BlockSettings(within=False), entity), load_encoder()))
    assert (records.source[pairs.left] != records.source[pairs.right]).all()
    both = finish(block(records, _planned(records, BlockSettings(within=True), entity), load_encoder()))
    assert (records.source[both.left] == records.source[both.right]).any()
    assert len(both) > len(pairs)


@pytest.mark.parametrize("seed", range(6))
def test_the_stated_interval_contains_the_truth(seed: int) -> None:
    records, entity = _people(800, 10 + seed)
    planned = _planned(records, BlockSettings(seed=seed, max_pairs=6_000), entity)
    truth = _kept(entity, finish(block(records, planned, load_encoder())))
    assert planned.recall.low <= truth <= planned.recall.high
    assert 0 <= planned.recall.low <= planned.recall.value <= planned.recall.high <= 1


def test_the_number_of_pairs_is_about_what_was_planned() -> None:
    records, entity = _people(700, 4)
    planned = _planned(records, BlockSettings(), entity)
    pairs = len(finish(block(records, planned, load_encoder())))
    assert 0.75 * planned.pairs <= pairs <= 1.35 * planned.pairs


def test_never_more_pairs_than_promised() -> None:
    records, entity = _people(300, 5)
    planned = _planned(records, BlockSettings(max_pairs=1_000), entity)
    pairs = finish(block(records, planned, load_encoder()))
    assert len(pairs) <= 1_000
    keys = pairs.left.astype(np.int64) << 32 | pairs.right
    assert (np.diff(keys) > 0).all()
    assert _kept(entity, pairs) >= 0.8


def test_a_wish_for_recall_is_kept() -> None:
    records, entity = _people(500, 6)
    narrow = _planned(records, BlockSettings(recall=0.7), entity)
    wide = _planned(records, BlockSettings(recall=0.99), entity)
    assert narrow.recall.value >= 0.7
    assert wide.recall.value >= 0.99
    assert wide.pairs >= narrow.pairs
    assert _kept(entity, finish(block(records, wide, load_encoder()))) >= 0.98


def test_a_recall_that_does_not_fit_says_what_would() -> None:
    records, entity = _people(500, 7)
    with pytest.raises(BudgetError, match=r"99\.9.*cannot be promised.*--recall.*--max-pairs"):
        _planned(records, BlockSettings(recall=0.999, max_pairs=600), entity)


def test_pairs_cut_short_lower_the_stated_recall() -> None:
    records, entity = _people(500, 7)
    planned = _planned(records, BlockSettings(max_pairs=300), entity)
    truth = _kept(entity, finish(block(records, planned, load_encoder())))
    assert planned.pairs == 300
    assert planned.recall.low <= truth <= planned.recall.high
    assert planned.recall.low < 0.3
    assert "closest 300" in planned.why


def test_memory_that_does_not_suffice_is_refused() -> None:
    records, entity = _people(100, 8)
    with pytest.raises(BudgetError, match=r"0\.1 GB were promised"):
        _planned(records, BlockSettings(memory_bytes=100_000_000), entity)


def test_memory_is_planned_for() -> None:
    records, entity = _people(100, 8)
    enough = memory_needed(Nets(records, load_encoder()), 3_000)
    planned = _planned(records, BlockSettings(memory_bytes=enough), entity)
    assert planned.memory_bytes <= enough


@pytest.mark.parametrize("texts", [[], ["anna berg"], ["anna berg", "anna berg"], ["", "", ""], ["x", "y"]])
def test_tiny_tables(texts: list[str]) -> None:
    records = _records([texts], np.zeros(len(texts), np.uint16))
    planned = finish(plan(records, BlockSettings(), None, load_encoder()))
    pairs = finish(block(records, planned, load_encoder()))
    assert len(pairs) == 1 if texts == ["anna berg"] * 2 else len(pairs) <= 1


def test_one_source_may_be_empty() -> None:
    records, _ = _people(20, 9)
    records = replace(records, sources=("a", "b"))
    planned = finish(plan(records, BlockSettings(within=False), None, load_encoder()))
    assert len(finish(block(records, planned, load_encoder()))) == 0


def test_without_a_matcher_there_is_an_estimate_too() -> None:
    records, entity = _people(400, 12)
    planned = finish(plan(records, BlockSettings(), None, load_encoder()))
    truth = _kept(entity, finish(block(records, planned, load_encoder())))
    assert planned.recall.low <= truth <= planned.recall.high


def test_run_for_run_the_same() -> None:
    records, entity = _people(300, 13)
    plans = [_planned(records, BlockSettings(seed=3), entity) for _ in range(2)]
    assert plans[0] == plans[1]
    runs = [finish(block(records, plans[0], load_encoder())) for _ in range(2)]
    np.testing.assert_array_equal(runs[0].left, runs[1].left)
    np.testing.assert_array_equal(runs[0].right, runs[1].right)


def test_progress_ends_where_it_should() -> None:
    records, entity = _people(100, 14)
    seen: list[Progress] = []
    planned = finish(plan(records, BlockSettings(), _gold_score(entity), load_encoder()), seen.append)
    finish(block(records, planned, load_encoder()), seen.append)
    for step in ("plan", "block"):
        mine = [p for p in seen if p.step == step]
        assert mine[-1].done == mine[-1].total
        assert [p.done for p in mine] == sorted(p.done for p in mine)


def test_candidates_per_row_counts_as_written() -> None:
    one, _ = _people(50, 15)
    two, _ = _people(50, 15, 2)
    assert candidates_per_row(one, 300) == 6.0
    assert candidates_per_row(two, 300) == 6.0


def test_the_ladder_widens() -> None:
    assert all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(LADDER))


def test_of_too_many_likely_pairs_a_fair_part_is_looked_at() -> None:
    judged = np.random.default_rng(0).random(60_000) ** 3
    kept, weight = block_estimate._suspects(judged)
    likely = judged >= 0.05
    assert len(kept) <= 4_001
    assert (weight >= 1).all()
    assert weight.sum() == pytest.approx(likely.sum(), rel=0.05)
    assert (judged[kept] * weight).sum() == pytest.approx(judged[likely].sum(), rel=0.01)
    few, ones = block_estimate._suspects(judged[:500])
    np.testing.assert_array_equal(few, np.flatnonzero(judged[:500] >= 0.05))
    assert (ones == 1).all()
