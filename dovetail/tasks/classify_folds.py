"""Parts of the labelled texts that do not leak: near duplicates always stand on one side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.tasks.classify_words import tokens_of, word_rows

Ints = npt.NDArray[np.int64]
NEAR = 0.9  # cosine of the weighted words from which two texts count as one
_NEIGHBOURS = 8
_MOST_COMPARED = 40_000
_LARGEST = 0.05  # share of all texts: a larger group hangs together by chance, and only equal texts stay joined


def near_groups(texts: Sequence[str]) -> Ints:
    """A number for each text (n,), the same for texts that say the same in nearly the same words.

    Beyond 40,000 texts only those with equal words are joined.
    """
    plain = [" ".join(tokens_of(t)) for t in texts]
    index: dict[str, int] = {}
    same = np.array([index.setdefault(text, len(index)) for text in plain], np.int64)
    if not 1 < len(plain) <= _MOST_COMPARED:
        return same
    joined = _components(list(index))
    sizes = np.bincount(joined[same])
    large = sizes[joined[same]] > max(4, _LARGEST * len(plain))
    group = np.where(large, len(index) + same, joined[same])
    return np.asarray(np.unique(group, return_inverse=True)[1], np.int64)


def loosened(group: Ints, texts: Sequence[str], code: Ints) -> Ints:
    """Groups (n,) in which every class can be held out in part: one that is a single group of near duplicates, as
    messages of a program are, falls apart into its different texts."""
    found, fresh = group.copy(), int(group.max(initial=0)) + 1
    for name in np.unique(code[code >= 0]).tolist():
        rows = np.flatnonzero(code == name)
        if len(rows) > 1 and (group[rows] == group[rows[0]]).all():
            same: dict[str, int] = {}
            found[rows] = [fresh + same.setdefault(texts[i], len(same)) for i in rows.tolist()]
            fresh += len(same)
    return found


def _components(texts: list[str]) -> Ints:
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components
    from sparse_dot_topn import sp_matmul_topn

    rows = csr_matrix(word_rows(texts))
    alike = sp_matmul_topn(rows, rows.T.tocsr(), top_n=_NEIGHBOURS, threshold=NEAR, sort=False)
    return np.asarray(connected_components(alike, directed=False)[1], np.int64)


def folds_of(group: Ints, code: Ints, count: int, seed: int = 0) -> Ints:
    """A fold 0 … count-1 for each row (n,): groups stay whole, and each class is spread as evenly as can be."""
    random = np.random.default_rng(seed)
    _, first, group = np.unique(group, return_index=True, return_inverse=True)
    kind, sizes = code[first], np.bincount(group)
    fold = np.zeros(len(first), np.int64)
    filled = np.zeros(count, np.int64)
    for name in np.unique(kind).tolist():
        members = random.permutation(np.flatnonzero(kind == name))
        members = members[np.argsort(-sizes[members], kind="stable")]
        held = np.zeros(count, np.int64)
        for one in members.tolist():
            at = int(np.lexsort((filled, held))[0])
            fold[one] = at
            held[at] += sizes[one]
            filled[at] += sizes[one]
    return np.asarray(fold[group], np.int64)


def judgeable(targets: npt.NDArray[np.float32], fold: Ints) -> npt.NDArray[np.bool_]:
    """Which rows (n,) of targets (n, c) held-out scores can judge: each of their classes stands in another fold, too.

    What learns from the other folds does not know the class of any other row, so it says nothing about its label.
    """
    if not len(fold):
        return np.zeros(0, bool)
    place, of = np.unique(fold, return_inverse=True)[1], targets > 0
    within = np.stack([of[place == one].sum(axis=0) for one in range(int(place.max()) + 1)])
    lonely = within == within.sum(axis=0)  # (folds, c): the class stands in this fold only
    return np.asarray(~(of & lonely[place]).any(axis=1))


def how_many(code: Ints) -> int:
    """How many folds: more where labels are few, so that each is judged by nearly all others."""
    if len(code) < 400:
        smallest = int(np.bincount(code[code >= 0])[np.unique(code[code >= 0])].min()) if (code >= 0).any() else 2
        return int(np.clip(smallest, 3, 8))
    return 5 if len(code) < 5_000 else 4


def contradictions(texts: Sequence[str], names: Sequence[Any]) -> list[tuple[str, dict[str, int]]]:
    """Equal texts (but for case, blanks and signs) with different labels: the text, and how often each label."""
    seen: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        seen.setdefault(" ".join(tokens_of(text)), []).append(row)
    found = []
    for rows in seen.values():
        counts: dict[str, int] = {}
        for row in rows:
            counts[str(names[row])] = counts.get(str(names[row]), 0) + 1
        if len(counts) > 1:
            found.append((texts[rows[0]], counts))
    return found
