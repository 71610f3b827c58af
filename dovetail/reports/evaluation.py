"""The evaluation of a matcher as one HTML page."""

from __future__ import annotations

import numpy as np

from dovetail.reports.charts import NARROW, WIDE, quality_curve
from dovetail.reports.data import Curve
from dovetail.reports.frame import card, framed
from dovetail.reports.sections import figure, table
from dovetail.reports.words import between, count, escaped, estimate, plural, share
from dovetail.tasks.match_evaluate import Evaluation, Figures
from dovetail.version import __version__

_NAMES = {
    "seen": "Both records were seen in training",
    "half_seen": "One record was seen",
    "unseen": "No record was seen",
}
_HEAD = ("Judged pairs", "Pairs", "Matches", "Precision", "Recall", "F1", "Calibration")


def render_evaluation(found: Evaluation) -> str:
    """The whole page; it holds figures only, no row of a table."""
    parts = [
        ("warnings", "Please look at", _warnings(found)),
        ("exposure", "By what training saw", _by_exposure(found)),
        ("review", "What a person would see", _review(found)),
        ("thresholds", "What other thresholds would give", _thresholds(found)),
    ]
    footer = f"Made by Dovetail {escaped(__version__)}. This page holds figures only and loads nothing from elsewhere."
    return framed("Evaluation of a matcher · Dovetail report", _header(found) + _cards(found), parts, footer)


def _header(found: Evaluation) -> str:
    pairs = plural(found.overall.pairs, "judged pair")
    return (
        '<header><div class="eyebrow"><b>Dovetail evaluation</b></div>'
        f"<h1>A matcher against {pairs}</h1>"
        f'<p class="lead">{escaped(found.model)}. From a score of {found.threshold:.3f} on, a pair is a match. '
        "Ranges are 95 % intervals.</p></header>"
    )


def _cards(found: Evaluation) -> str:
    error = share(found.calibration_error)
    cards = (
        card(
            "Precision",
            estimate(found.precision),
            f"of the pairs called a match are one ({between(found.precision)}).",
        ),
        card("Recall", estimate(found.recall), f"of the matches were found ({between(found.recall)})."),
        card("F1", estimate(found.f1), f"both in one figure ({between(found.f1)})."),
        card("Calibration error", error, "how far scores are from the share of matches, on average."),
    )
    return f'<div class="cards">{"".join(cards)}</div>'


def _warnings(found: Evaluation) -> str:
    items = "".join(f"<li>{escaped(warning)}</li>" for warning in found.warnings)
    return f'<ul class="warn">{items}</ul>' if items else ""


def _by_exposure(found: Evaluation) -> str:
    rows = [_row("All", found.overall)] + [_row(_NAMES[name], part) for name, part in found.by_exposure.items()]
    said = "Rows that come in tomorrow were not seen: the last line says what to expect of them."
    return f'<p class="note">{said}</p>' + table(_HEAD, rows, numbers=tuple(range(1, 7)), label="Figures by exposure")


def _row(name: str, part: Figures) -> list[str]:
    shares = [f"{estimate(i)}<br><small>{between(i)}</small>" for i in (part.precision, part.recall, part.f1)]
    return [name, count(part.pairs), count(part.matches), *shares, share(part.calibration_error)]


def _review(found: Evaluation) -> str:
    """The band of review on these pairs, and how right the surest pairs are decided."""
    if found.review is None:
        return ""
    said = (
        f"Scores from {found.review_from:.3f} to below {found.review_to:.3f} are for a person: "
        f"{share(found.review.review.value)} of these pairs ({between(found.review.review)}). Of the others "
        f"{share(found.review.right.value)} are decided right ({between(found.review.right)}), and "
        f"{share(found.review.lost.value)} of all matches are lost ({between(found.review.lost)})."
    )
    rows = [
        [
            share(a.decided),
            *(f"{estimate(i)}<br><small>{between(i)}</small>" for i in (a.right, a.precision, a.lost)),
        ]
        for a in found.coverage
    ]
    head = ("Decided without a person", "Decided right", "Precision", "Matches lost")
    more = "The surest pairs first: what deciding only so many of them would give."
    shown = table(head, rows, numbers=(0, 1, 2, 3), label="Coverage against accuracy")
    return f'<p class="note">{said} {more}</p>{shown}'


def _thresholds(found: Evaluation) -> str:
    columns = {"precision": [a.precision for a in found.at], "recall": [a.recall for a in found.at]}
    bands = {
        f"{name}{ending}": np.array([getattr(i, end) for i in intervals])
        for name, intervals in columns.items()
        for end, ending in (("value", ""), ("low", "_low"), ("high", "_high"))
    }
    curve = Curve(threshold=np.array([a.threshold for a in found.at]), basis="measured", **bands)
    drawn = [quality_curve(curve, found.threshold, width) for width in (WIDE, NARROW)]
    said = "A higher threshold makes fewer mistakes and finds less."
    alt = f"Precision and recall against the threshold, {count(found.overall.pairs)} judged pairs"
    rows = [[f"{a.threshold:.2f}", *(share(i.value) for i in (a.precision, a.recall, a.f1))] for a in found.at]
    lines = table(("Threshold", "Precision", "Recall", "F1"), rows, numbers=(0, 1, 2, 3), label="Thresholds")
    return figure("Precision and recall", said, alt, drawn) + lines
