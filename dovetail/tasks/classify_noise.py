"""Labels that are likely wrong, and what they likely should be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError
from dovetail.measure.wrong import wrong_odds
from dovetail.tasks.classify_folds import judgeable
from dovetail.tasks.classify_mix import probabilities
from dovetail.tasks.classify_model import Examples, Model


@dataclass(frozen=True)
class Suspect:
    """A labelled text whose label is doubted. `odds` is in log-odds; above 0 another class fits better."""

    row: int  # its place among the labelled texts
    text: str
    given: str
    likely: str
    odds: float


def suspects(model: Model, count: int) -> list[Suspect]:
    """Labelled texts by how likely their label is wrong, from held-out scores; without those of `not_judged`."""
    kept = _examples(model)
    order, odds = ranked_wrong(model)
    p, given = probabilities(kept.held_out, sigmoid=False), kept.matrix.argmax(axis=1)
    found = []
    for row, odd in zip(order[:count].tolist(), odds[:count].tolist(), strict=True):
        rival = p[row].copy()
        rival[given[row]] = -1
        likely = model.classes[int(rival.argmax())]
        found.append(Suspect(row, kept.texts[row], model.classes[int(given[row])], likely, odd))
    return found


def not_judged(model: Model) -> dict[str, int]:
    """Classes none of whose examples could be held out with another one left to learn from, and how many they have."""
    kept = _examples(model)
    rows = np.flatnonzero(~judgeable(kept.matrix, kept.fold))
    codes, counts = np.unique(kept.matrix[rows].argmax(axis=1), return_counts=True)
    return {model.classes[c]: n for c, n in zip(codes.tolist(), counts.tolist(), strict=True)}


def ranked_wrong(model: Model) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The labelled rows that can be judged, the likeliest wrong first, and the log-odds of each of them.

    A class that only its own fold knows gets next to no probability where it is true; measured against that, it would
    be likelier than the label of every other row.
    """
    kept = model.examples
    rows = np.flatnonzero(judgeable(kept.matrix, kept.fold))
    p = probabilities(kept.held_out[rows], sigmoid=False)
    odds = wrong_odds(p, kept.matrix[rows].argmax(axis=1))
    order = np.argsort(-odds, kind="stable")
    return rows[order], odds[order]


def _examples(model: Model) -> Examples:
    """The labelled texts that a model keeps; refused where there are none, or a text has several labels."""
    if model.sigmoid:
        raise InputError("wrong labels are only looked for where a text has one label")
    if not len(model.examples.texts):
        raise InputError("this model keeps no labelled texts; train it with keep_texts=True")
    return model.examples
