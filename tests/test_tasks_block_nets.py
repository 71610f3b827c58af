"""The two nets of blocking, each beside a slow exact twin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pytest

from dovetail.tables.words import grams_of, words_of
from dovetail.tasks import block_nets
from dovetail.tasks.block_nets import Near, Nets
from dovetail.types import Attribute, Kind, Records

NAMES = ["anna", "bert", "carl", "dora", "emil", "fritz", "greta", "hans", "ida", "josef"]


class LetterEncoder:
    """A vector of letter counts: enough of an encoder to have neighbours."""

    dimensions = 26
    fingerprint = "letters"

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        counts = np.zeros((len(texts), 26), np.float32)
        for row, text in enumerate(texts):
            for letter in text:
                if "a" <= letter <= "z":
                    counts[row, ord(letter) - 97] += 1
        norms = np.linalg.norm(counts, axis=1, keepdims=True)
        return counts / np.where(norms == 0, 1, norms)


def _records(texts: Sequence[str | None], sources: Sequence[int] | None = None) -> Records:
    column = pa.table({"name": pa.array(texts, pa.string())})
    source = np.asarray(sources if sources is not None else [0] * len(texts), np.uint16)
    names = tuple(f"s{i}" for i in range(int(source.max(initial=0)) + 1))
    attribute = Attribute("name", Kind.NAME, ("name",) * len(names))
    return Records(names, source, pa.array([str(i) for i in range(len(texts))]), (attribute,), column, column)


def _people(n: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [
        f"{NAMES[rng.integers(10)]} {NAMES[rng.integers(10)]}{NAMES[rng.integers(10)]} {rng.integers(1900, 1999)}"
        for _ in range(n)
    ]


def _all(found: Iterator[Near]) -> Near:
    parts = list(found)
    return Near(
        "all", *(np.concatenate([getattr(p, f) for p in parts]) for f in ("query", "found", "similarity", "place"))
    )


def _rows(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.int32)


def _slow_lexical(texts: list[str]) -> np.ndarray:
    """The joint cosine of words and grams, term by term, without leaving any term out but those that stand alone."""
    total = np.zeros((len(texts), len(texts)))
    bags = [words_of(t) for t in texts]
    for share, cut in ((0.55, bags), (0.45, [sorted({g for w in b for g in grams_of(w)}) for b in bags])):
        frequency: dict[str, int] = {}
        for bag in cut:
            for term in bag:
                frequency[term] = frequency.get(term, 0) + 1
        weight = {t: np.log((len(texts) + 1) / (f + 0.5)) for t, f in frequency.items()}
        norms = [np.sqrt(sum(weight[t] ** 2 for t in bag)) for bag in cut]
        for i, a in enumerate(cut):
            for j, b in enumerate(cut):
                total[i, j] += share * sum(weight[t] ** 2 for t in set(a) & set(b)) / (norms[i] * norms[j] or 1)
    return total


def test_lexical_similarities_are_those_of_the_slow_twin() -> None:
    texts = _people(60)
    near = _all(Nets(_records(texts), LetterEncoder()).near_lexical(_rows(60), _rows(60), 5))
    slow = _slow_lexical(texts)
    np.fill_diagonal(slow, -1)
    np.testing.assert_allclose(near.similarity, slow[near.query, near.found], atol=1e-5)
    best = -np.sort(-slow, axis=1)[:, :5].ravel()
    np.testing.assert_allclose(near.similarity, best, atol=1e-5)


def test_encoder_similarities_are_those_of_the_slow_twin() -> None:
    texts = _people(60)
    near = _all(Nets(_records(texts), LetterEncoder()).near_encoder(_rows(60), _rows(60), 5))
    vectors = LetterEncoder().encode(texts)
    slow = vectors @ vectors.T
    np.fill_diagonal(slow, -1)
    np.testing.assert_allclose(near.similarity, -np.sort(-slow, axis=1)[:, :5].ravel(), atol=1e-5)


@pytest.mark.parametrize("net", ["near_lexical", "near_encoder"])
def test_places_count_from_the_best_and_no_row_finds_itself(net: str) -> None:
    near = _all(getattr(Nets(_records(_people(80)), LetterEncoder()), net)(_rows(80), _rows(80), 7))
    assert (near.query != near.found).all()
    for row in range(80):
        mine = near.query == row
        np.testing.assert_array_equal(near.place[mine], np.arange(mine.sum()))
        assert mine.sum() <= 7
        assert (np.diff(near.similarity[mine]) <= 0).all()


@pytest.mark.parametrize("net", ["near_lexical", "near_encoder"])
def test_only_the_rows_asked_for_are_found(net: str) -> None:
    records = _records(_people(40), [0] * 15 + [1] * 25)
    near = _all(getattr(Nets(records, LetterEncoder()), net)(_rows(15), _rows(40)[15:], 4))
    assert set(near.query.tolist()) <= set(range(15))
    assert set(near.found.tolist()) <= set(range(15, 40))
    for field in ("query", "found", "place"):
        assert getattr(near, field).dtype == np.int32
    assert near.similarity.dtype == np.float32


@pytest.mark.parametrize("net", ["near_lexical", "near_encoder"])
def test_chunks_do_not_change_the_neighbours(net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nets = Nets(_records(_people(70)), LetterEncoder())
    whole = _all(getattr(nets, net)(_rows(70), _rows(70), 5))
    monkeypatch.setattr(block_nets, "_CHUNK", 9)
    parts = list(getattr(nets, net)(_rows(70), _rows(70), 5))
    assert len(parts) == 8
    joined = _all(iter(parts))
    np.testing.assert_array_equal(whole.query, joined.query)
    np.testing.assert_allclose(whole.similarity, joined.similarity, atol=1e-6)


@pytest.mark.parametrize("net", ["near_lexical", "near_encoder"])
def test_a_row_without_text_has_no_neighbours_and_is_nobodys(net: str) -> None:
    texts = ["anna berg", None, "anna berg", "", "anna bergs", "..."]
    near = _all(getattr(Nets(_records(texts), LetterEncoder()), net)(_rows(6), _rows(6), 4))
    assert {1, 3, 5}.isdisjoint(near.query.tolist())
    assert {1, 3, 5}.isdisjoint(near.found.tolist())
    assert (near.similarity > 0).all()


@pytest.mark.parametrize("net", ["near_lexical", "near_encoder"])
@pytest.mark.parametrize(("queries", "among"), [(0, 5), (5, 0), (0, 0)])
def test_nobody_to_ask_or_to_find(net: str, queries: int, among: int) -> None:
    nets = Nets(_records(_people(10)), LetterEncoder())
    for near in getattr(nets, net)(_rows(queries), _rows(10)[10 - among :], 3):
        assert len(near.query) == 0


@pytest.mark.parametrize("texts", [["a"], ["", ""], ["x", "y"], []])
def test_tables_with_nothing_in_common(texts: list[str]) -> None:
    nets = Nets(_records(texts), LetterEncoder())
    rows = _rows(len(texts))
    assert sum(len(near.query) for near in nets.near_lexical(rows, rows, 3)) == 0


def test_typing_errors_and_codes_are_found() -> None:
    texts = [*_people(200), "sony ps-lx350h", "sony pslx350h belt drive", "josefine maierhuber", "josfine meierhuber"]
    near = _all(Nets(_records(texts), LetterEncoder()).near_lexical(_rows(204), _rows(204), 1))
    best = dict(zip(near.query.tolist(), near.found.tolist(), strict=True))
    assert best[200] == 201
    assert best[201] == 200
    assert best[202] == 203


def test_too_frequent_words_are_left_out_to_keep_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"common w{i // 2}" for i in range(400)]
    monkeypatch.setattr(block_nets, "GRAM_ROWS", 0)
    with_common = Nets(_records(texts), LetterEncoder()).lexical
    monkeypatch.setattr(block_nets, "WORK", 2 * 400**2 - 1)
    without = Nets(_records(texts), LetterEncoder())
    assert with_common.shape[1] == 201
    assert without.lexical.shape[1] == 200
    frequency = np.bincount(without.lexical.indices)
    assert (frequency.astype(float) ** 2).sum() <= block_nets.WORK / 2
    near = _all(without.near_lexical(_rows(400), _rows(400), 3))
    np.testing.assert_array_equal(near.found, near.query ^ 1)


def test_run_for_run_the_same() -> None:
    runs = [_all(Nets(_records(_people(300)), LetterEncoder()).near_lexical(_rows(300), _rows(300), 8)) for _ in "ab"]
    np.testing.assert_array_equal(runs[0].found, runs[1].found)
    np.testing.assert_array_equal(runs[0].similarity, runs[1].similarity)
