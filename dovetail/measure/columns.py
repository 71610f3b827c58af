"""How good a mapping between columns is."""

from __future__ import annotations

from collections.abc import Iterable

from dovetail.measure.pairs import PairScores, from_counts


def mapping_scores(found: Iterable[tuple[str, str]], true: Iterable[tuple[str, str]]) -> PairScores:
    """Precision, recall and F1 of corresponding columns, each given as (column on the left, column on the right)."""
    ours, theirs = set(found), set(true)
    return from_counts(len(ours & theirs), len(ours), len(theirs))


def recall_at_truth(ranked: Iterable[tuple[str, str]], true: Iterable[tuple[str, str]]) -> float:
    """Share of the true correspondences among the first g ranked ones, g being how many are true (Valentine's measure).

    0 where nothing is true.
    """
    theirs = set(true)
    first = [pair for pair, _ in zip(ranked, range(len(theirs)), strict=False)]
    return len(theirs & set(first)) / len(theirs) if theirs else 0.0
