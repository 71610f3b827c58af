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
from dovetail.tasks.match_line import f1_at_even_odds, fit_line, lines

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.tasks.match_learn import Learned
    from dovetail.types import Floats

    Labels = npt.NDArray[np.int8]

LEAST = 0.05  # log loss, per label, that labels left out must gain
LEAST_SUM = 0.5  # and in all
SCORED = 20_000  # candidates that tell how scores fit the tables
_FOLDS = 40  # so many labels are left out one by one, more in so many parts


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
    found = lines(odds, label, (part[None, :] != np.arange(_FOLDS)[:, None]).astype(np.float64))
    return np.asarray(found[part, 0] * odds + found[part, 1])
