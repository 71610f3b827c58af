"""A similarity space as one HTML page: how well classes lie together before and after, what cuts cost, and a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.reports.frame import card, framed
from dovetail.reports.sections import table
from dovetail.reports.words import between, count, escaped, plural, share
from dovetail.tasks.embed_scores import FAR, SpaceScores
from dovetail.version import __version__

_WIDE, _HIGH, _EDGE = 720, 460, 12
_MOST_POINTS = 5_000
_MOST_COLOURS = 8  # classes with a colour of their own; the rest are grey

Points = npt.NDArray[np.float64]


def render_space(
    why: str,
    scores: Mapping[str, SpaceScores],
    points: Points,
    labels: Sequence[Any],
    *,
    prices: Mapping[int, SpaceScores] | None = None,
) -> str:
    """The whole page from what `Embedder` gives: `facts_["why"]`, `evaluate`, `project` and `prices`."""
    parts = [
        ("map", "Map in two dimensions", _map(points, labels)),
        ("scores", "Before and after", _scores(scores, far=len(labels) > FAR)),
        ("prices", "What cut dimensions cost", _prices(prices or {})),
    ]
    after = scores["after"]
    cards = [
        card("Nearest 25", share(after.top_25.value), f"are of the same class ({between(after.top_25)})."),
        card("Nearest 1,000", share(after.top_1k.value), f"are of the same class ({between(after.top_1k)})."),
        card("Linear probe", share(after.probe), "of the classes are told right across folds."),
    ]
    if len(labels) <= FAR:  # the nearest thousand are all there are
        del cards[1]
    top = (
        '<header><div class="eyebrow"><b>Dovetail space</b></div>'
        f"<h1>A similarity space of {plural(len(labels), 'text')}</h1>"
        f'<p class="lead">{escaped(why[:1].upper() + why[1:])}. Ranges are 95 % intervals.</p></header>'
        f'<div class="cards">{"".join(cards)}</div>'
    )
    footer = (
        f"Made by Dovetail {escaped(__version__)}. This page holds names of classes and no texts, and loads nothing."
    )
    return framed("A similarity space · Dovetail report", top, parts, footer)


def _map(points: Points, labels: Sequence[Any]) -> str:
    """A dot a text, coloured by class; the commonest classes have a colour each."""
    shown = [str(label) if label not in (None, "") else "" for label in labels]
    names, sizes = np.unique([name for name in shown if name] or [""], return_counts=True)
    common = names[np.argsort(-sizes, kind="stable")][:_MOST_COLOURS].tolist()
    some = np.arange(len(points))[:: max(1, -(-len(points) // _MOST_POINTS))]
    low, high = points.min(axis=0), points.max(axis=0)
    at = (points[some] - low) / np.where(high > low, high - low, 1) * (_WIDE - 2 * _EDGE, _HIGH - 2 * _EDGE) + _EDGE
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{_HIGH - y:.1f}" r="3" fill="{_colour(common, shown[i])}" fill-opacity=".7"/>'
        for i, (x, y) in zip(some.tolist(), at, strict=True)
    )
    keys = "".join(
        f'<span style="margin-right:1rem"><svg width="12" height="12" aria-hidden="true"><circle cx="6" cy="6" r="5" '
        f'fill="{_colour(common, name)}"/></svg> <bdi>{escaped(name)}</bdi></span>'
        for name in common
    )
    said = f"A map of {plural(len(some), 'text')} in {plural(len(names), 'class', 'classes')}"
    return (
        f'<div class="panel" style="padding:1rem"><svg viewBox="0 0 {_WIDE} {_HIGH}" role="img" '
        f'aria-label="{escaped(said)}" style="width:100%;height:auto">{dots}</svg><p class="note">{keys}</p></div>'
    )


def _colour(common: Sequence[str], name: str) -> str:
    if name not in common:
        return "#8a929c"
    return f"hsl({360 * common.index(name) / len(common):.0f} 60% 48%)"


def _scores(scores: Mapping[str, SpaceScores], *, far: bool) -> str:
    head = ("Measure", *(name.capitalize() for name in scores))
    told = {
        "top_25": "Same class among the nearest 25",
        "top_1k": "Among the nearest 1,000",
        "r_precision": "R-precision",
    }
    if not far:
        del told["top_1k"]
    rows = [
        [said, *(f"{share(getattr(s, key).value)} ({between(getattr(s, key))})" for s in scores.values())]
        for key, said in told.items()
    ]
    rows.append(["Linear probe", *(share(s.probe) for s in scores.values())])
    rows.append(["Separation on a map, −1 to 1", *(f"{s.separation:.3f}" for s in scores.values())])
    return table(head, rows, numbers=range(1, len(head)), label="Scores of the space")


def _prices(prices: Mapping[int, SpaceScores]) -> str:
    if not prices:
        return ""
    head = ("Dimensions", "Nearest 25", "R-precision", "Linear probe")
    rows = [[count(d), share(s.top_25.value), share(s.r_precision.value), share(s.probe)] for d, s in prices.items()]
    return table(head, rows, numbers=range(4), label="What cut dimensions cost")
