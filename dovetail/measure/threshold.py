"""Where to draw the line through scored pairs that carry labels: by F1, by a promised precision, or by costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.errors import InputError, UnknownName
from dovetail.measure.calibrate import best_f1_threshold
from dovetail.measure.pairs import Curve, curve

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.types import Floats

COSTS = ("false_match", "missed_match")


@dataclass(frozen=True)
class Wish:
    """What the line shall serve: the best F1, or at least this `precision`, or the lowest cost. One of them."""

    precision: float | None = None  # in (0, 1)
    costs: Mapping[str, float] | None = None  # what one error costs, by the names of COSTS; any unit

    def __post_init__(self) -> None:
        if self.precision is not None and self.costs:
            raise InputError("give either a precision or costs: each draws the line on its own")
        if self.precision is not None and not 0 < self.precision < 1:
            raise InputError(f"the precision is {self.precision}; expected a share between 0 and 1, both excluded")
        for name, cost in (self.costs or {}).items():
            if name not in COSTS:
                raise UnknownName("cost", name, COSTS)
            if not (np.isfinite(cost) and cost > 0):
                raise InputError(f"the cost of {name} is {cost}; expected a number above 0")


@dataclass(frozen=True)
class Choice:
    """A threshold, a probability in (0, 1), why it lies there, and whether the wish was met."""

    threshold: float
    why: str
    met: bool = True


def choose_threshold(score: Floats, label: npt.NDArray[Any], wish: Wish) -> Choice:
    """The threshold that serves the wish best on held-out labelled pairs: `score` (m,) in [0, 1], `label` (m,)."""
    if wish.precision is not None:
        return _for_precision(curve(score, label), wish.precision)
    if wish.costs:
        return _for_costs(score, label, wish.costs)
    threshold, f1 = best_f1_threshold(score, label)
    return Choice(_inside(threshold), f"best F1 ({f1:.3f}) on {len(label):,} held-out labelled pairs")


def cost_threshold(costs: Mapping[str, float]) -> float:
    """The best line through calibrated probabilities: a match pays where p times a missed one outweighs the rest.

    A pair is called a match where (1 − p) · false match < p · missed match, hence from f / (f + m) on (Elkan 2001).
    """
    wrong, missed = (float(costs.get(name, 1.0)) for name in COSTS)
    return wrong / (wrong + missed)


def _for_precision(found: Curve, precision: float) -> Choice:
    enough = np.flatnonzero(found.precision >= precision)
    if len(enough):
        at = int(enough[0])
        below = found.threshold[at - 1] if at else 0.0
        said = f"precision {found.precision[at]:.3f} and recall {found.recall[at]:.3f} on held-out labelled pairs"
        return Choice(_inside((found.threshold[at] + below) / 2), f"{said}; at least {precision:g} was asked for")
    if not len(found.threshold):
        return Choice(0.999, "no labelled pair was held out", met=False)
    best = int(np.flatnonzero(found.precision == found.precision.max())[0])
    said = (
        f"precision {precision:g} is not reached on held-out labelled pairs: the highest is "
        f"{found.precision[best]:.3f}, at a recall of {found.recall[best]:.3f}, and was taken instead"
    )
    return Choice(_inside(float(found.threshold[best])), said, met=False)


def _for_costs(score: Floats, label: npt.NDArray[Any], costs: Mapping[str, float]) -> Choice:
    wrong, missed = (float(costs.get(name, 1.0)) for name in COSTS)
    order = np.argsort(-score, kind="stable")
    ranked, hit = score[order], np.asarray(label)[order] == 1
    price = np.r_[hit.sum() * missed, hit.sum() * missed + np.cumsum(np.where(hit, -missed, wrong))]
    last = np.r_[True, np.r_[ranked[1:] != ranked[:-1], True]] if len(ranked) else np.ones(1, bool)
    price = np.where(last, price, np.inf)
    tied = np.flatnonzero(price <= price.min() + 1e-9)
    lines = (np.r_[1.0, ranked][tied] + np.r_[ranked, 0.0][tied]) / 2
    line = float(lines[np.argmin(np.abs(lines - cost_threshold(costs)))])
    said = f"lowest cost on {len(label):,} held-out labelled pairs: {price.min():g}"
    return Choice(_inside(line), f"{said} (a false match costs {wrong:g}, a missed one {missed:g})")


def _inside(threshold: float) -> float:
    return float(np.clip(threshold, 0.001, 0.999))
