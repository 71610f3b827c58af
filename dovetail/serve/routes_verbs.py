"""Routes: match, classify and search, one or many at once."""

from __future__ import annotations

from fastapi import APIRouter

from dovetail.serve import verbs
from dovetail.serve.asked import Bench, Labeller
from dovetail.serve.wire_model import (
    ClassifyAsked,
    ClassifyGiven,
    EmbedAsked,
    EmbedGiven,
    MatchAsked,
    MatchGiven,
    SearchAsked,
    SearchGiven,
)

router = APIRouter()


@router.post("/match")
def match(given: MatchAsked, bench: Bench, who: Labeller) -> MatchGiven:
    """Whether two records are the same: a probability for each pair, and why, if asked."""
    del who
    return verbs.match(bench, given)


@router.post("/classify")
def classify(given: ClassifyAsked, bench: Bench, who: Labeller) -> ClassifyGiven:
    """The class of each text."""
    del who
    return verbs.classify(bench, given)


@router.post("/embed")
def embed(given: EmbedAsked, bench: Bench, who: Labeller) -> EmbedGiven:
    """Unit vectors of texts in a tuned space: their products are cosines."""
    del who
    return verbs.embed(bench, given)


@router.post("/search")
def search(given: SearchAsked, bench: Bench, who: Labeller) -> SearchGiven:
    """The best answers to each query, from a trained searcher or from the rows of a table."""
    del who
    return verbs.search(bench, given)
