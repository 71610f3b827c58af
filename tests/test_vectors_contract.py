"""Every vector store of the family keeps the same promises; the approximate one is measured against the exact one."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dovetail.errors import InputError, UnknownName
from dovetail.vectors import exact
from dovetail.vectors.base import PLACED, STORES, make_store
from dovetail.vectors.graph import UsearchStore
from dovetail.vectors.lists import ListStore


def _unit(rows: int, dimensions: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, dimensions)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server with pgvector, from a package that brings both, for as long as the tests run."""
    pgserver = pytest.importorskip("pgserver", reason="no PostgreSQL with pgvector: pip install pgserver")
    server = pgserver.get_server(Path(tempfile.mkdtemp(prefix="pgvector")), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=sorted(STORES))
def name(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """How a test names an empty store of each member of the family."""
    kind = str(request.param)
    if kind == "lance":
        pytest.importorskip("lancedb", reason="LanceDB is not installed: pip install 'dovetail[lance]'")
        return f"lance:{tmp_path / 'lance'}"
    if kind == "qdrant":
        pytest.importorskip("qdrant_client", reason="Qdrant's client is not installed: pip install 'dovetail[qdrant]'")
    if kind == "postgresql":
        place = request.getfixturevalue("postgres")
        return f"{place}{'&' if '?' in place else '?'}table=t_{uuid.uuid4().hex[:12]}"
    return kind


def test_shapes_and_order(name: str) -> None:
    store = make_store(name, 8)
    vectors = _unit(50, 8, 0)
    store.add(np.arange(50), vectors)
    keys, cosines = store.search(vectors[:7], 5)
    assert keys.shape == cosines.shape == (7, 5)
    assert keys.dtype == np.int64
    assert cosines.dtype == np.float32
    assert (np.diff(cosines, axis=1) <= 0).all()
    np.testing.assert_array_equal(keys[:, 0], np.arange(7))
    np.testing.assert_allclose(cosines[:, 0], 1, atol=2e-3)


def test_keys_are_those_given(name: str) -> None:
    store = make_store(name, 8)
    vectors = _unit(20, 8, 1)
    store.add(np.arange(20) * 10 + 3, vectors)
    keys, _ = store.search(vectors[[4, 9]], 1)
    np.testing.assert_array_equal(keys.ravel(), [43, 93])


def test_adding_twice_keeps_both(name: str) -> None:
    store = make_store(name, 8)
    vectors = _unit(20, 8, 2)
    store.add(np.arange(10), vectors[:10])
    store.add(np.arange(10, 20), vectors[10:])
    keys, _ = store.search(vectors, 1)
    np.testing.assert_array_equal(keys.ravel(), np.arange(20))


def test_fewer_than_k_are_filled_up(name: str) -> None:
    store = make_store(name, 8)
    vectors = _unit(3, 8, 3)
    store.add(np.arange(3), vectors)
    keys, cosines = store.search(vectors[:2], 5)
    assert (keys[:, 3:] == -1).all()
    assert np.isneginf(cosines[:, 3:]).all()
    assert {int(k) for k in keys[0, :3]} == {0, 1, 2}


def test_an_empty_store_and_no_queries(name: str) -> None:
    store = make_store(name, 8)
    keys, cosines = store.search(_unit(2, 8, 4), 3)
    assert (keys == -1).all()
    assert np.isneginf(cosines).all()
    store.add(np.arange(2), _unit(2, 8, 4))
    assert store.search(np.zeros((0, 8), np.float32), 3)[0].shape == (0, 3)


def test_cosines_are_those_of_a_plain_product(name: str) -> None:
    store = make_store(name, 16)
    vectors, queries = _unit(40, 16, 5), _unit(6, 16, 6)
    store.add(np.arange(40), vectors)
    keys, cosines = store.search(queries, 4)
    plain = queries @ vectors.T
    np.testing.assert_allclose(cosines, np.take_along_axis(plain, keys, axis=1), atol=3e-3)


def test_recall_against_brute_force(name: str) -> None:
    rng = np.random.default_rng(7)
    centres = _unit(60, 32, 8)
    vectors = centres[rng.integers(0, 60, 2_000)] + rng.normal(scale=0.1, size=(2_000, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    store = make_store(name, 32)
    store.add(np.arange(2_000), vectors)
    found, _ = store.search(vectors[:200], 10)
    truth = np.argsort(-(vectors[:200] @ vectors.T), axis=1)[:, :10]
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.tolist(), truth.tolist(), strict=True)])
    assert recall >= (1.0 if name == "exact" else 0.95)


def test_what_is_removed_is_not_found(name: str) -> None:
    store = make_store(name, 8)
    vectors = _unit(30, 8, 12)
    store.add(np.arange(30), vectors)
    store.remove(np.array([3, 4, 99]))
    assert len(store) == 28
    keys, _ = store.search(vectors, 28)
    assert set(keys.ravel().tolist()) == set(range(30)) - {3, 4}
    store.add(np.array([3]), vectors[3:4])
    assert store.search(vectors[3:4], 1)[0].tolist() == [[3]]
    store.remove(np.zeros(0, np.int64))
    assert len(store) == 29


def test_a_store_with_a_place_keeps_what_it_has(name: str) -> None:
    if name.split(":")[0] not in PLACED or ":" not in name:
        pytest.skip(f"{name} lives in memory")
    vectors = _unit(20, 8, 13)
    make_store(name, 8).add(np.arange(20), vectors)
    again = make_store(name, 8)
    assert len(again) == 20
    np.testing.assert_array_equal(again.search(vectors, 1)[0].ravel(), np.arange(20))


@pytest.fixture(params=[UsearchStore, ListStore])
def measured(request: pytest.FixtureRequest) -> type[UsearchStore | ListStore]:
    """A store that measures how wide it has to look."""
    return request.param  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["exact", "usearch", "lists"], indirect=True)
def test_two_stores_agree_run_for_run(name: str) -> None:
    vectors = _unit(2_000, 16, 9)
    results = []
    for _ in range(2):
        store = make_store(name, 16)
        store.add(np.arange(2_000), vectors)
        results.append(store.search(vectors, 10))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


def test_a_search_widens_until_it_answers_as_a_plain_comparison_does(measured: type[UsearchStore | ListStore]) -> None:
    vectors = _unit(10_200, 64, 12)  # no clusters, many directions: the hardest case
    asked, kept = vectors[:200], vectors[200:]
    store = measured(64)
    store.add(np.arange(len(kept)), kept)
    truth = np.argsort(-(asked @ kept.T), axis=1)[:, :10]
    found = store.search(asked, 10)[0]
    assert np.mean([len(set(a) & set(b)) for a, b in zip(found.tolist(), truth.tolist(), strict=True)]) > 9.6
    assert store.recall is not None
    assert store.recall >= (0.98 if measured is UsearchStore else 0.97)


def test_a_store_that_grows_row_by_row_keeps_every_row(measured: type[UsearchStore | ListStore]) -> None:
    vectors = _unit(10_060, 8, 14)
    store = measured(8)
    store.add(np.arange(9_999), vectors[:9_999])
    for row in range(9_999, 10_020):
        store.add(np.array([row]), vectors[row : row + 1])
    assert len(store) == 10_020
    assert store.recall is None  # single rows would measure nothing
    store.add(np.arange(10_020, 10_060), vectors[10_020:])
    assert store.recall is not None
    np.testing.assert_array_equal(store.search(vectors[9_995:], 1)[0].ravel(), np.arange(9_995, 10_060))


def test_equal_and_empty_vectors_count_as_found_where_their_like_is(measured: type[UsearchStore | ListStore]) -> None:
    vectors = np.repeat(_unit(500, 32, 15), 21, axis=0)[:10_200]
    vectors[-64:] = 0
    store = measured(32)
    store.add(np.arange(10_200), vectors)
    assert store.recall is not None
    assert store.recall >= (0.98 if measured is UsearchStore else 0.97)


def test_groups_far_apart_do_not_defeat_lists() -> None:
    rng = np.random.default_rng(16)
    vectors = np.repeat(_unit(400, 64, 17), 50, axis=0) + rng.normal(scale=0.08, size=(20_000, 64)).astype(np.float32)
    vectors = rng.permutation(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    store = ListStore(64)
    store.add(np.arange(19_800), vectors[:19_800])
    truth = np.argsort(-(vectors[19_800:] @ vectors[:19_800].T), axis=1)[:, :10]
    found = store.search(vectors[19_800:], 10)[0]
    assert np.mean([len(set(a) & set(b)) for a, b in zip(found.tolist(), truth.tolist(), strict=True)]) > 9.8
    assert store.size < 20_000 * 64 * 3


def test_lists_are_made_anew_as_they_grow_and_lose_nothing() -> None:
    vectors = _unit(3_000, 16, 18)
    store = ListStore(16)
    for start, end in ((0, 1), (1, 60), (60, 700), (700, 3_000)):
        store.add(np.arange(start, end) + 10**12, vectors[start:end])
    store.remove(np.array([10**12 + 5]))
    kept = np.delete(np.arange(3_000), 5)
    np.testing.assert_array_equal(store.search(vectors[kept], 1)[0].ravel(), kept + 10**12)
    assert set(store.search(vectors[:1], 2_999)[0].ravel().tolist()) == set((kept + 10**12).tolist())


def test_exact_ties_go_to_the_first_added() -> None:
    store = make_store("exact", 4)
    same = np.tile(_unit(1, 4, 10), (100, 1))
    store.add(np.arange(100) + 500, same)
    keys, _ = store.search(same[:3], 5)
    np.testing.assert_array_equal(keys, np.tile(np.arange(500, 505), (3, 1)))


def test_exact_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_store("exact", 8)
    vectors = _unit(300, 8, 11)
    store.add(np.arange(300), vectors)
    whole = store.search(vectors, 6)
    monkeypatch.setattr(exact, "_BLOCK", 17)
    parts = store.search(vectors, 6)
    np.testing.assert_array_equal(whole[0], parts[0])
    np.testing.assert_allclose(whole[1], parts[1], atol=1e-6)


def test_unknown_store_names_the_near_one() -> None:
    with pytest.raises(UnknownName, match="did you mean 'usearch'"):
        make_store("usearh", 8)


def test_places_that_cannot_be() -> None:
    with pytest.raises(InputError, match="table of vectors"):
        make_store("postgresql://nobody@localhost/x?table=a;drop", 8).search(_unit(1, 8, 0), 1)
    with pytest.raises(InputError, match="needs a place"):
        len(make_store("postgresql", 8))
    with pytest.raises(InputError, match="cannot keep vectors"):
        len(make_store("postgresql://nobody:secret@127.0.0.1:1/x", 8))
    with pytest.raises(InputError, match="no place of a Qdrant server"):
        len(make_store("qdrant:nowhere", 8))
