"""Labels that are likely wrong, and what they likely should be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError
from dovetail.measure.wrong import wrong_odds
from dovetail.tasks.classify_mix import probabilities
from dovetail.tasks.classify_model import Model


@dataclass(frozen=True)
class Suspect:
    """A labelled text whose label is doubted. `odds` is in log-odds; above 0 another class fits better."""

    row: int  # its place among the labelled texts
    text: str
    given: str
    likely: str
    odds: float


def suspects(model: Model, count: int) -> list[Suspect]:
    """Labelled texts by how likely their label is wrong, from held-out scores."""
    kept = model.examples
    if model.sigmoid:
        raise InputError("wrong labels are only looked for where a text has one label")
    if not len(kept.texts):
        raise InputError("this model keeps no labelled texts; train it with keep_texts=True")
    order, odds = ranked_wrong(model)
    p, given = probabilities(kept.held_out, sigmoid=False), kept.matrix.argmax(axis=1)
    found = []
    for row in order[:count].tolist():
        rival = p[row].copy()
        rival[given[row]] = -1
        likely = model.classes[int(rival.argmax())]
        found.append(Suspect(row, kept.texts[row], model.classes[int(given[row])], likely, float(odds[row])))
    return found


def ranked_wrong(model: Model) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """All labelled rows, the likeliest wrong first, and the log-odds of each row."""
    p = probabilities(model.examples.held_out, sigmoid=False)
    odds = wrong_odds(p, model.examples.matrix.argmax(axis=1))
    return np.argsort(-odds, kind="stable"), odds
