"""Few labels: they move the scores of the matcher that ships along a line, where labels left out say that it pays.

The line, slope × log-odds + offset, is pulled strongly towards the identity, so that four labels hardly move it. Its
offset is the threshold at the same time: a pair is a match from even odds on, so none is fitted besides.

Labels are no random sample of the candidates. Where a tool chose them by what it sees of a pair, that does no harm:
among pairs of one score, the share of matches is what it is however often such pairs are asked about. Where a person
wrote them down, matches are usually too many: then the slope is still right, and the offset is too high by the log of
how much more often matches were written down than others (case-control sampling, Prentice and Pyke 1979), which labels
alone cannot tell from scores that are too low. Hence the pull on the offset, and a gate that asks for a noticeable
gain: easy pairs, which such lists are full of, are decided right already and bring none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.tasks.match_join import log_loss
from dovetail.tasks.trees import probabilities

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.tasks.match_learn import Learned
    from dovetail.types import Floats

    Labels = npt.NDArray[np.int8]

SLOPE, OFFSET = 0.25, 0.5  # standard deviations of the prior: how far the line may well lie from the identity
LEAST = 0.05  # log loss, per label, that labels left out must gain
LEAST_SUM = 0.5  # and in all
SCORED = 20_000  # candidates that tell how scores fit the tables
_FOLDS = 40  # so many labels are left out one by one, more in so many parts
_BOUNDS = ((0.3, -3.0), (3.0, 3.0))  # of slope and offset: the lowest, the highest
_STEPS = 50


@dataclass(frozen=True)
class FewLine:
    """A line over log-odds, what it does to labels that it was not fitted on, and whether it is used."""

    slope: float
    offset: float
    adopted: bool
    log_loss: tuple[float, float]  # before and after, mean over labels
    f1: tuple[float, float]

    @property
    def said(self) -> str:
        """Both figures, before and after, in words."""
        return (
            f"log loss {self.log_loss[0]:.3f} → {self.log_loss[1]:.3f} and F1 {self.f1[0]:.3f} → {self.f1[1]:.3f} "
            f"on labels left out"
        )


def fit_line(odds: Floats, label: Labels) -> tuple[float, float]:
    """Slope and offset of the likeliest line under the prior; log-odds (m,), labels (m,) of 0 and 1."""
    found = _lines(odds, label, np.ones((1, len(label))))[0]
    return float(found[0]), float(found[1])


def _lines(odds: Floats, label: Labels, weight: Floats) -> Floats:
    """The line (k, 2) of each weighting (k, m) of the labels, by Newton steps of at most 1 in log-odds."""
    ends = np.stack([odds, np.ones(len(odds))])
    pull, start = np.array([SLOPE, OFFSET]) ** -2.0, np.array([1.0, 0.0])
    at = np.tile(start, (len(weight), 1))
    for _ in range(_STEPS):
        p = probabilities(at @ ends)
        gradient = (weight * (p - label)) @ ends.T + pull * (at - start)
        bend = np.einsum("km,im,jm->kij", weight * p * (1 - p), ends, ends) + np.diag(pull)
        step = np.linalg.solve(bend, gradient[..., None])[..., 0]
        stuck = at[:, 0] - step[:, 0] <= _BOUNDS[0][0]  # a slope at its bound: then only the offset goes on
        step = np.where(
            stuck[:, None], np.stack([at[:, 0] - _BOUNDS[0][0], gradient[:, 1] / bend[:, 1, 1]], axis=1), step
        )
        step = np.clip(step, -1.0, 1.0)
        at = np.clip(at - step, *_BOUNDS)
        if np.abs(step).max() < 1e-8:
            break
    return np.asarray(at)


def line_of_few(odds: Floats, label: Labels, seed: int = 0) -> FewLine:
    """The line of these labels, used only if labels left out are decided noticeably better by it and F1 is no worse."""
    unseen = _left_out(odds, label, seed)
    loss = log_loss(odds, label), log_loss(unseen, label)
    f1 = f1_at_even_odds(odds, label), f1_at_even_odds(unseen, label)
    pays = (loss[0] - loss[1]) * len(label) >= max(LEAST_SUM, LEAST * len(label)) and f1[1] >= f1[0]
    return FewLine(*fit_line(odds, label), bool(pays), loss, f1)


def taught_by_few(learned: Learned, start: Floats, label: Labels, shift: float, seed: int = 0) -> Learned:
    """What was learned, with the line of the labels (m,) where it pays; `start` (m,) are the shipped log-odds.

    `shift` is what they hold that the tables themselves add without labels. A matcher that takes the line keeps both
    for good.
    """
    line = line_of_few(start, label, seed)
    told = {"labels": len(label), "slope": line.slope, "offset": line.offset, "shift": shift, "adopted": line.adopted}
    told |= {"log_loss_before": line.log_loss[0], "log_loss": line.log_loss[1]}
    told |= {"f1_before": line.f1[0], "f1": line.f1[1]}
    learned.facts = learned.facts | {"few": told, "chosen": _chosen(learned.facts, line, len(label))}
    if line.adopted:
        trees = learned.portable
        offset = line.slope * (trees.offset + shift) + line.offset
        learned.portable = trees.calibrated(line.slope * trees.slope, offset)
        learned.facts |= {"labels": len(label), "threshold": 0.5}
    return learned


def _chosen(facts: dict[str, Any], line: FewLine, labels: int) -> str:
    said = f"{labels:,} labelled pairs"
    if facts.get("trees_tried"):
        return f"{facts['chosen']}; its scores {'were moved by them' if line.adopted else 'stay'} ({line.said})"
    if line.adopted:
        return f"the matcher that ships, its scores moved by {said} ({line.said})"
    return (
        f"the matcher that ships; {said} are kept as judged and move no score, "
        f"which would have paid too little ({line.said})"
    )


def _left_out(odds: Floats, label: Labels, seed: int) -> Floats:
    """Log-odds (m,) of each label under the line of the others."""
    part = np.random.default_rng(seed).permutation(len(label)) % _FOLDS
    lines = _lines(odds, label, (part[None, :] != np.arange(_FOLDS)[:, None]).astype(np.float64))
    return np.asarray(lines[part, 0] * odds + lines[part, 1])


def f1_at_even_odds(odds: Floats, label: Labels) -> float:
    """F1 where a pair is a match from even odds on: log-odds (m,), labels (m,)."""
    found, true = odds >= 0, label == 1
    return float(2 * (found & true).sum() / max(found.sum() + true.sum(), 1))
