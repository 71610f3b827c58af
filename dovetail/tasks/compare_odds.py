"""Agreement weighed by rarity: a Fellegi–Sunter model fitted to the tables at hand, without labels.

Each attribute's similarity falls into a level. How often true matches (m) and other pairs (u) show each level is
learned by expectation maximisation over the candidates (Fellegi and Sunter 1969; Winkler 1988). An exact agreement
counts by the frequency of its value: two records that share a rare name say more than two that share a common one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

EDGES = (0.3, 0.6, 0.8, 0.92, 0.999)  # levels: below each edge, and from the last one on: the same
_ROUNDS = 60
_FLOOR = 1e-3


@dataclass(frozen=True)
class Odds:
    """The fitted model: log-odds of each level (attributes, levels), the share of matches among the candidates."""

    weights: npt.NDArray[np.float64]
    u_exact: npt.NDArray[np.float64]  # (attributes,) how often other pairs agree exactly
    share: float

    def total(self, similarity: npt.NDArray[np.float32], frequency: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Summed log-odds of m pairs: similarity and frequency of the agreeing value are (m, attributes)."""
        return np.asarray(self.by_attribute(similarity, frequency).sum(axis=1))

    def by_attribute(
        self, similarity: npt.NDArray[np.float32], frequency: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float64]:
        """Log-odds of each attribute, (m, attributes); 0 where a side is missing."""
        level = levels(similarity)
        weights = np.where(level >= 0, np.take_along_axis(self.weights.T, np.maximum(level, 0), axis=0), 0.0)
        exact = (level == len(EDGES)) & (frequency > 0)
        rarer = np.log(np.maximum(self.u_exact, 1e-9) / np.maximum(frequency, 1e-7))
        return np.where(exact, weights + np.clip(rarer, -3.0, 4.0), weights)


def levels(similarity: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """The level of each similarity, 0 (different) to 5 (the same); -1 where missing."""
    found = np.searchsorted(np.array(EDGES), np.nan_to_num(similarity, nan=0.0), side="right")
    return np.where(np.isnan(similarity), -1, found)


def fit_odds(similarity: npt.NDArray[np.float32], start: npt.NDArray[Any]) -> Odds:
    """Fit the model to candidates: similarity (m, attributes), `start` a first guess at each match probability (m,)."""
    level = levels(similarity)
    attributes = similarity.shape[1]
    shown = [[(level[:, a] == v) for v in range(len(EDGES) + 1)] for a in range(attributes)]
    p = np.clip(start.astype(np.float64), 0.001, 0.999)
    weights = np.zeros((attributes, len(EDGES) + 1))
    u_exact = np.full(attributes, 0.1)
    share = float(p.mean())
    for _ in range(_ROUNDS):
        for a in range(attributes):
            match = np.array([p[s].sum() for s in shown[a]]) + _FLOOR * 10
            other = np.array([(1 - p[s]).sum() for s in shown[a]]) + _FLOOR * 10
            m, u = match / match.sum(), other / other.sum()
            weights[a] = np.clip(np.log(np.maximum(m, _FLOOR) / np.maximum(u, _FLOOR)), -6, 6)
            u_exact[a] = u[-1]
        odds = np.where(level >= 0, np.take_along_axis(weights.T, np.maximum(level, 0), axis=0), 0.0).sum(axis=1)
        share = float(np.clip(p.mean(), 1e-4, 0.6))
        moved = 1 / (1 + np.exp(-np.clip(odds + np.log(share / (1 - share)), -40, 40)))
        if np.abs(moved - p).max() < 1e-4:
            break
        p = moved
    return Odds(_rising(weights), u_exact, share)


def _rising(weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """More alike never counts for less: EM on few pairs may find otherwise."""
    return np.maximum.accumulate(weights, axis=1)
