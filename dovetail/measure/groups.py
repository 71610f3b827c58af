"""Fairness: how often each group of people is given a class, and how often wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.errors import InputError
from dovetail.measure.intervals import wilson
from dovetail.types import Interval

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class GroupRates:
    """One group: how many texts, how often right, and for the class asked about the rates that fairness speaks of."""

    group: str
    n: int
    accuracy: Interval
    selected: Interval  # share that is given the class
    found: Interval  # share of those who are of the class that are given it (true positive rate)
    wrong: Interval  # share of the others that are given it (false positive rate)


def group_rates(
    given: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_], right: npt.NDArray[np.bool_], groups: Sequence[str]
) -> list[GroupRates]:
    """Rates of each group, the largest group first. All arrays (n,): given the class, of the class, predicted right."""
    names = np.asarray([str(g) for g in groups])
    if not len(names) == len(given) == len(true) == len(right):
        raise InputError(f"{len(given)} predictions and {len(names)} groups; expected one group a row")
    found = []
    for name in sorted(set(names.tolist()), key=lambda g: (-int((names == g).sum()), g)):
        here = names == name
        of, not_of = here & true, here & ~true
        found.append(
            GroupRates(
                name,
                int(here.sum()),
                wilson(int(right[here].sum()), int(here.sum())),
                wilson(int(given[here].sum()), int(here.sum())),
                wilson(int(given[of].sum()), int(of.sum())),
                wilson(int(given[not_of].sum()), int(not_of.sum())),
            )
        )
    return found


@dataclass(frozen=True)
class Mitigation:
    """Thresholds that make one rate alike in all groups, and what that costs."""

    thresholds: dict[str, float]  # group: probability from which the class is given
    gap_before: float  # largest difference of the rate between two groups
    gap_after: float
    accuracy_before: float  # of the yes-no question whether a row is of the class
    accuracy_after: float

    @property
    def price(self) -> float:
        """Accuracy that is given up."""
        return self.accuracy_before - self.accuracy_after


def equal_opportunity(
    score: Floats, true: npt.NDArray[np.bool_], groups: Sequence[str], threshold: float = 0.5
) -> Mitigation:
    """A threshold for each group so that all find the same share of those who are of the class (Hardt et al. 2016).

    The share aimed at is the one that all rows together reach at `threshold`. Choose on rows that are not reported on.
    """
    names = np.asarray([str(g) for g in groups])
    target = float((score[true] >= threshold).mean()) if true.any() else 0.0
    lines: dict[str, float] = {}
    for name in sorted(set(names.tolist())):
        held = np.sort(score[(names == name) & true])[::-1]
        if not len(held):
            lines[name] = threshold
            continue
        at = int(np.clip(round(target * len(held)), 1, len(held)))
        lines[name] = float(held[at - 1])
    before = score >= threshold
    after = score >= np.array([lines[n] for n in names.tolist()])
    return Mitigation(
        lines,
        rate_gap(before, true, names),
        rate_gap(after, true, names),
        float((before == true).mean()),
        float((after == true).mean()),
    )


def rate_gap(given: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_], groups: npt.NDArray[Any]) -> float:
    """The largest difference between two groups in the share of those of the class that are given it."""
    rates = [float(given[(groups == g) & true].mean()) for g in np.unique(groups) if ((groups == g) & true).any()]
    return max(rates) - min(rates) if rates else 0.0
