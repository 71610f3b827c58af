"""`Pool`: what there is to ask about, what is known of it, and how unsure and how unlike its members are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.types import Floats

_SURE = 1e-6  # scores are read as no surer than this
_FAR = 3.0  # spreads: a feature further out counts as this far
_SPREAD = 1.4826  # from the median distance to the standard deviation of a normal column


@dataclass(frozen=True)
class Pool:
    """m candidates (pairs, texts, hits) by position 0 … m-1, and all that helps to choose among them.

    `score` is the calibrated probability in [0, 1] of a match (or of the class asked about); `classes` holds the
    probability of every class instead, where there are several. What is not known stays None.
    """

    score: Floats  # (m,) in [0, 1]
    features: npt.NDArray[np.float32] | None = None  # (m, f); NaN: missing
    asked: npt.NDArray[Any] | None = None  # (a,) positions that were asked about already
    said: npt.NDArray[Any] | None = None  # (a,) their answers: 1 match, 0 not, -1 unsure; or the class, by number
    threshold: float = 0.5  # score from which a candidate counts as a match
    classes: Floats | None = None  # (m, c) probabilities, each row summing to 1
    committee: Floats | None = None  # (k, m) or (k, m, c): what k models say
    records: npt.NDArray[Any] | None = None  # (m,) or (m, 2): the records that a candidate is about; default: itself
    around: int | None = None  # the record to ask about

    def __len__(self) -> int:
        return len(self.score)

    def check(self) -> Pool:
        """This pool, with arrays of one length; an `InputError` says which one differs."""
        m = len(self.score)
        sizes = {"features": 0, "classes": 0, "records": 0, "committee": 1}
        for name, axis in sizes.items():
            value = getattr(self, name)
            if value is not None and np.shape(value)[axis] != m:
                raise InputError(f"{name} speaks of {np.shape(value)[axis]} candidates, score of {m}; give one length")
        score = np.asarray(self.score, np.float64)
        if not np.isfinite(score).all() or (m and (score.min() < 0 or score.max() > 1)):
            raise InputError("scores to choose by must be probabilities in [0, 1], without NaN")
        asked = np.zeros(0, np.int64) if self.asked is None else np.asarray(self.asked, np.int64)
        if len(asked) and (asked.min() < 0 or asked.max() >= m):
            raise InputError(f"asked names position {int(asked.max())} of {m} candidates")
        if self.said is not None and len(self.said) != len(asked):
            raise InputError(f"{len(self.said)} answers for {len(asked)} asked candidates; give one for each")
        return replace(self, score=score, asked=asked)

    @cached_property
    def open(self) -> npt.NDArray[np.int64]:
        """Positions that nobody has been asked about yet, ascending."""
        free = np.ones(len(self), bool)
        if self.asked is not None:
            free[self.asked] = False
        return np.flatnonzero(free)

    @cached_property
    def uncertainty(self) -> Floats:
        """(m,) in [0, 1]: 1 on the threshold, or where the two best classes are equally likely."""
        if self.classes is not None and self.classes.shape[1] > 1:
            best = np.partition(self.classes, -2, axis=1)
            return 1 - (best[:, -1] - best[:, -2])
        return 1 / np.cosh(self.log_odds / 2) ** 2

    @cached_property
    def log_odds(self) -> Floats:
        """(m,) log-odds of the scores, 0 at the threshold."""
        return _log_odds(self.score) - float(_log_odds(np.array([self.threshold]))[0])

    @cached_property
    def place(self) -> npt.NDArray[np.float32]:
        """(m, f) features on one scale, missing ones in the middle; without features the log-odds stand in."""
        if self.features is None or not self.features.shape[1]:
            return _scaled(self.log_odds[:, None].astype(np.float32))
        return _scaled(np.asarray(self.features, np.float32))

    @property
    def answers(self) -> tuple[int, int]:
        """How many were called a match, and how many not."""
        said = np.zeros(0) if self.said is None else np.asarray(self.said)
        return int((said == 1).sum()), int((said == 0).sum())


def far_from(place: npt.NDArray[np.float32], these: npt.NDArray[np.float32]) -> Floats:
    """(n,) distance of each place (n, f) to the nearest of `these` (k, f); infinite where there are none."""
    if not len(these):
        return np.full(len(place), np.inf)
    square = (place**2).sum(axis=1)[:, None] - 2 * (place @ these.T) + (these**2).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(square.min(axis=1), 0)), np.float64)


def _log_odds(score: Floats) -> Floats:
    p = np.clip(score, _SURE, 1 - _SURE)
    return np.log(p / (1 - p))


def _scaled(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Columns from their median, in spreads, cut off at three, so that no column decides alone."""
    kept = np.isfinite(values)
    known = np.where(kept, values, np.nan)
    known[:, ~kept.any(axis=0)] = 0
    if not len(known):
        return known
    middle = np.nanmedian(known, axis=0)
    spread = _SPREAD * np.nanmedian(np.abs(known - middle), axis=0)
    spread = np.where(spread > 0, spread, np.nanstd(known, axis=0))
    scaled = np.clip((known - middle) / np.where(spread > 0, spread, 1), -_FAR, _FAR)
    return np.asarray(np.where(kept, scaled, 0) / np.sqrt(values.shape[1]), np.float32)
