"""What a matcher's card says: figures that did not choose what they judge, the threshold, the band of review."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.measure.calibrate import calibration_error
from dovetail.measure.pairs import average_precision, curve, from_counts
from dovetail.measure.threshold import Choice, Wish, choose_threshold
from dovetail.tasks.card import DataCard, ModelCard, now, versions
from dovetail.tasks.match_evaluate import oddities
from dovetail.tasks.match_join import steady_threshold
from dovetail.tasks.match_review import Rates, Review, cross_fitted, review_of, trusted

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.tasks.labelled import Labelled
    from dovetail.tasks.match import Matcher as RecordMatcher
    from dovetail.tasks.match_options import MatchOptions
    from dovetail.tasks.match_prepare import Prepared
    from dovetail.types import Floats

_INTENDED = (
    "Deciding which rows of these tables, or of others with the same columns and the same kind of things, are the "
    "same. Scores are probabilities; pairs marked for review belong before a person."
)
_LIMITS = (
    "Figures were measured on labelled pairs held out of training; pairs of another kind may be decided worse.",
    "Tables with other columns need a model of their own.",
    "A score says how likely two rows are the same thing, not that both rows are right.",
)
_HOW = (
    "cross-fitted: each fifth of them is decided by the threshold and the band of review that the others chose; "
    "which stages were kept rests on all"
)


def choice_of(decider: RecordMatcher, wish: Wish) -> Choice | None:
    """The line that serves the wish on held-out labels; for the best F1 the steady one that fitting found."""
    if decider.held_out_ is None:
        return None
    chosen = choose_threshold(*decider.held_out_, wish)
    if wish.precision is not None or wish.costs or "threshold" not in decider.facts_:
        return chosen
    line = float(np.clip(decider.facts_["threshold"], 0.001, 0.999))
    return Choice(line, f"best F1 on {len(decider.held_out_[1]):,} held-out labelled pairs, over many draws of them")


def review_band(decider: RecordMatcher, choice: Choice | None, options: MatchOptions) -> Review | None:
    """Which scores go to a person, from held-out labels; None where there are none."""
    if decider.held_out_ is None or choice is None:
        return None
    return review_of(*decider.held_out_, choice.threshold, rates_of(options))


def rates_of(options: MatchOptions) -> Rates:
    """What must hold of decisions without a person."""
    wish = options.wish()
    return Rates.of(options.sure, wish.precision, wish.costs)


def card_of(
    prepared: Prepared,
    labelled: Labelled,
    options: MatchOptions,
    decider: RecordMatcher,
    choice: Choice | None,
    review: Review | None,
) -> ModelCard:
    """The card of a matcher that was just trained."""
    label = labelled.judged.label
    unmet = [choice.why] if choice is not None and not choice.met else []
    return ModelCard(
        task="match",
        summary=decider.describe(),
        data=tuple(DataCard.of(table) for table in prepared.tables),
        labels={
            "match": int((label == 1).sum()),
            "not": int((label == 0).sum()),
            "unsure": labelled.judged.unsure,
            "set_aside": len(labelled.set_aside),
        },
        settings=options.model_dump(),
        figures=held_out_figures(decider, choice, review, options),
        intended_use=_INTENDED,
        limits=_LIMITS,
        warnings=(*labelled.warnings, *unmet, *oddities(prepared, labelled)),
        made=now(),
        versions=versions(),
    )


def held_out_figures(
    decider: RecordMatcher, choice: Choice | None, review: Review | None, options: MatchOptions
) -> dict[str, Any]:
    """Figures on held-out labels that had no part in choosing the threshold and the band by which they are decided."""
    if decider.held_out_ is None or choice is None or review is None:
        few = decider.facts_.get("few")
        return {"held_out_pairs": 0} | ({"few_labels": few} if few else {})
    score, label = decider.held_out_
    fair = cross_fitted(score, label, _line(options), rates_of(options), options.seed)
    true = label == 1
    found = from_counts(int((fair.found & true).sum()), int(fair.found.sum()), int(true.sum()))
    shares: dict[str, Any] = {}
    for name in ("precision", "recall", "f1"):
        share = getattr(found, name)
        shares |= {name: share.value, f"{name}_low": share.low, f"{name}_high": share.high}
    said = trusted(fair.verdict, label)
    return {
        "held_out_pairs": len(label),
        "threshold": choice.threshold,
        "why": choice.why,
        **shares,
        "ece": calibration_error(fair.score, true.astype(np.float64)),
        "average_precision": average_precision(curve(score, label)),
        "review_from": review.low,
        "review_to": review.high,
        "review": f"{said.said} (95 % intervals; {review.why})",
        **said.to_dict(),
        "how": _HOW,
    }


def _line(options: MatchOptions) -> Callable[[Floats, npt.NDArray[Any]], float]:
    wish = options.wish()
    if wish.precision is not None or wish.costs:
        return lambda score, label: choose_threshold(score, label, wish).threshold
    return lambda score, label: float(np.clip(steady_threshold(score, label, options.seed), 0.001, 0.999))
