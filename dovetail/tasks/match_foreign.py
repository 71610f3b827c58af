"""Whether candidate pairs look like those that a matcher was trained among.

Trees decide by where comparisons fall beside the places that they learned to split at. Where the comparisons of other
tables are spread quite differently, those places mean something else, and a score is a guess however sure it looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dovetail.measure.percent import percent

if TYPE_CHECKING:
    from dovetail.tasks.trees import Trees

    Matrix = npt.NDArray[np.float32]
    Shares = npt.NDArray[np.float64]

FOREIGN = 0.2  # distance from which tables are said to be foreign
AGREED = 0.6  # agreement with the matcher that ships, below which that is worth a warning
LOOKED_AT = 5_000  # candidates
LEAST = 100  # candidates, below which their spread says nothing
_PARTS, _DIGITS = 10, 5


@dataclass(frozen=True)
class Foreign:
    """How candidates differ from those of training, both in [0, 1]."""

    distance: float  # of the spread of their comparisons; 0 alike
    shared: float  # agreement on matches with the matcher that ships, Dice's coefficient


@dataclass(frozen=True)
class Usual:
    """How the comparisons of candidates are spread where a matcher was trained.

    `edges` (f, 9) are deciles of what is not missing, `shares` (f, 11) of the candidates between them, the last
    missing, and `weight` (f,) how much the trees rest on each comparison, 1 in all.
    """

    names: tuple[str, ...]
    weight: Shares
    edges: Shares
    shares: Shares

    @classmethod
    def of(cls, trees: Trees, values: Matrix) -> Usual:
        """From comparisons (m, f) as the trees take them."""
        gain = trees.gains()
        edges = np.zeros((values.shape[1], _PARTS - 1))
        for column in np.flatnonzero(np.isfinite(values).any(axis=0)):
            here = values[:, column].astype(np.float64)
            edges[column] = np.quantile(here[np.isfinite(here)], np.arange(1, _PARTS) / _PARTS)
        edges = np.round(edges, _DIGITS)  # as they are kept
        return cls(trees.names, gain / max(float(gain.sum()), 1e-12), edges, _spread(values, edges))

    def distance(self, values: Matrix) -> float:
        """How differently other comparisons (m, f) are spread: 0 alike, 1 nothing in common.

        The total variation distance of each comparison, weighed by what the trees rest on it.
        """
        apart = np.abs(_spread(values, self.edges) - self.shares).sum(axis=1) / 2
        return float(apart @ self.weight)

    def to_note(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return {
            "names": list(self.names),
            "weight": np.round(self.weight, 5).tolist(),
            "edges": self.edges.tolist(),
            "shares": np.round(self.shares, 4).tolist(),
        }

    @classmethod
    def from_note(cls, note: dict[str, Any]) -> Usual:
        """What `to_note` gave."""
        numbers = (np.asarray(note[name], np.float64) for name in ("weight", "edges", "shares"))
        return cls(tuple(note["names"]), *numbers)


def _spread(values: Matrix, edges: Shares) -> Shares:
    """The share of the rows (m, f) in each part (f, 11), the last for what is missing."""
    found = np.zeros((len(edges), _PARTS + 1))
    for column, line in enumerate(edges):
        here = values[:, column]
        there = np.isfinite(here)
        part = np.where(there, np.searchsorted(line, np.round(here.astype(np.float64), _DIGITS), side="right"), _PARTS)
        found[column] = np.bincount(part, minlength=_PARTS + 1)
    return np.asarray(found / max(len(values), 1))


def dice(a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_]) -> float:
    """How far two choices agree: twice what both take over what each takes; 1 where neither takes any (Dice 1945)."""
    both = int(a.sum() + b.sum())
    return 2 * int((a & b).sum()) / both if both else 1.0


def said_of(found: Foreign | None) -> tuple[str, ...]:
    """A warning where tables are foreign and it shows in the decisions."""
    if found is None or found.distance < FOREIGN or found.shared >= AGREED:
        return ()
    return (
        f"these tables look unlike those that the matcher was trained on (distance {found.distance:.2f} of 1), and it "
        f"parts ways with the matcher that ships, which needs no labels: of what either calls a match, they agree on "
        f"{percent(found.shared, 0)}. Judge some pairs and evaluate both, or fit it on labels of these tables",
    )
