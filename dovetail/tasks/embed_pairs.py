"""A head from graded pairs: cosines as great as the grades, checked on pairs that it has not seen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dovetail.errors import MissingExtra
from dovetail.tasks.embed_classes import Taught
from dovetail.tasks.embed_head import Head, PlainHead, SkipSettings, skip_head

_HELD_OUT, _ENOUGH = 0.2, 800  # a share, and the most pairs
_FEWEST = 50  # pairs
_BATCH = 256
_HIDDEN = 128

Vectors = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def taught_by_pairs(left: Vectors, right: Vectors, grades: Floats, *, seed: int = 0) -> Taught:
    """A head from pairs of vectors (m, d) and grades (m,); the identity where it does not prove better."""
    if len(grades) < _FEWEST:
        why = f"{len(grades)} pairs are too few to learn from; expected {_FEWEST} or more"
        return Taught(PlainHead(), float("nan"), float("nan"), why)
    asked, taught = held_out_pairs(len(grades), seed)
    head = trained(left[taught], right[taught], grades[taught], seed)
    before = agreement(PlainHead(), left[asked], right[asked], grades[asked])
    after = agreement(head, left[asked], right[asked], grades[asked])
    if not after > before:  # also where they are not known
        why = f"the head did not beat the plain vectors on held-out pairs ({after:.3f} against {before:.3f})"
        return Taught(PlainHead(), before, before, why)
    why = f"rank correlation on held-out pairs: {before:.3f} before, {after:.3f} after"
    return Taught(trained(left, right, grades, seed), before, after, why)


def held_out_pairs(pairs: int, seed: int) -> tuple[Ints, Ints]:
    """Which pairs are asked, and which teach."""
    order = np.random.default_rng(seed).permutation(pairs)
    asked, taught = np.split(order, [min(_ENOUGH, int(pairs * _HELD_OUT))])
    return asked, taught


def shares(grades: Floats) -> Vectors:
    """Grades (m,) as shares from 0 to 1; the highest and the lowest hundredth count as 1 and 0, lest a slip rule."""
    low, high = np.quantile(grades, [0.01, 0.99], method="nearest")
    if high <= low:
        low, high = float(grades.min()), float(grades.max())
    return np.asarray(np.clip((grades - low) / max(high - low, 1e-9), 0, 1), np.float32)


def agreement(head: Head, left: Vectors, right: Vectors, grades: Floats) -> float:
    """Spearman's correlation of cosines and grades, in [-1, 1]; NaN where all grades are one."""
    from scipy.stats import spearmanr

    if np.ptp(grades) == 0:
        return float("nan")
    return float(spearmanr((head(left) * head(right)).sum(axis=1), grades).statistic)


def trained(left: Vectors, right: Vectors, grades: Floats, seed: int) -> Head:
    """A head from pairs of vectors (m, d) and grades (m,), without a check."""
    try:
        import torch
    except ImportError:
        raise MissingExtra("a head from graded pairs", "train") from None
    from dovetail.training.losses import regression

    grade, m = torch.from_numpy(shares(grades)), len(grades)

    def loss(moved: torch.Tensor, rows: npt.NDArray[np.int64]) -> torch.Tensor:
        one, other = moved.chunk(2)
        return regression((one * other).sum(dim=1), grade[torch.from_numpy(rows[: len(rows) // 2])])

    def draw(rng: np.random.Generator) -> npt.NDArray[np.int64]:
        pairs = rng.permutation(m)[:_BATCH]
        return np.concatenate([pairs, pairs + m])

    vectors = np.concatenate([left, right])
    return skip_head(vectors, loss, SkipSettings(hidden=_HIDDEN, steps=300), draw=draw, seed=seed)
