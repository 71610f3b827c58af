"""Pictures of the page about a classifier: the confusion, how far probabilities hold, and what a search found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dovetail.reports.sections import bars, table
from dovetail.reports.words import between, count, duration, escaped, plural, share
from dovetail.tasks.classify_evaluate import Evaluated

_MOST_SHOWN = 20  # classes of the picture of confusion
_SIDE = 260  # pixels of a drawing


def cell_name(found: Evaluated, true: str, predicted: str) -> str:
    """The anchor of a cell of the confusion."""
    return f"cell-{found.names.index(true)}-{found.names.index(predicted)}"


def confusion(found: Evaluated) -> str:
    """Counts of what texts are against what they were called; a wrong cell leads to its texts.

    Of many classes only those are shown that are confused the most.
    """
    if not found.confusion:
        return ""
    counts = np.asarray(found.confusion)
    wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * np.diag(counts)
    shown = np.sort(np.argsort(-wrong, kind="stable")[:_MOST_SHOWN]).tolist()
    held = {(c.true, c.predicted) for c in found.cells}
    rows = [
        [f"<b><bdi>{escaped(found.names[i])}</bdi></b>", *(_cell(found, counts, (i, j), held) for j in shown)]
        for i in shown
    ]
    more = "" if len(shown) == len(counts) else f" The {len(shown)} most confused of {len(counts)} classes."
    said = f"Rows: what a text is. Columns: what it was called. The darker, the larger the share of its row.{more}"
    head = ("", *(f"<bdi>{escaped(found.names[j])}</bdi>" for j in shown))
    picture = table(head, rows, numbers=range(1, len(head)), label="Confusion of classes")
    return f'<p class="note">{said}</p>{picture}'


def _cell(found: Evaluated, counts: Any, at: tuple[int, int], held: set[tuple[str, str]]) -> str:
    i, j = at
    number = int(counts[i, j])
    if not number:
        return '<span class="none">·</span>'
    part = number / max(int(counts[i].sum()), 1)
    colour = "match" if i == j else "against"
    style = f"background:color-mix(in srgb,var(--{colour}) {20 + 60 * part:.0f}%,transparent);padding:.15rem .45rem"
    text = f'<span style="{style};border-radius:6px">{count(number)}</span>'
    pair = (found.names[i], found.names[j])
    return f'<a href="#{cell_name(found, *pair)}">{text}</a>' if pair in held else text


def reliability(found: Evaluated) -> str:
    """What was said against what was right, with 95 % intervals; on the line the two agree."""
    if not found.reliability:
        return ""
    marks = []
    for said, is_, n in found.reliability:
        x, low, high, y = (_SIDE * v for v in (said, 1 - is_.low, 1 - is_.high, 1 - is_.value))
        title = f"<title>said {share(said)}, right {share(is_.value)} ({between(is_)}), {plural(n, 'text')}</title>"
        line = (
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="var(--match)" stroke-width="2"/>'
        )
        marks.append(f'<g>{title}{line}<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="var(--match)"/></g>')
    frame = f'<rect width="{_SIDE}" height="{_SIDE}" fill="none" stroke="var(--line)"/>'
    even = f'<line x1="0" y1="{_SIDE}" x2="{_SIDE}" y2="0" stroke="var(--muted)" stroke-dasharray="4 3"/>'
    words = (
        f'<text x="{_SIDE / 2}" y="{_SIDE + 18}" text-anchor="middle">said, 0 to 100 %</text>'
        f'<text x="-10" y="{_SIDE / 2}" text-anchor="middle" transform="rotate(-90 -10 {_SIDE / 2})">was right</text>'
    )
    return (
        f'<svg role="img" aria-label="Probabilities said and met" viewBox="-28 -8 {_SIDE + 40} {_SIDE + 34}" '
        f'width="{_SIDE + 40}" style="max-width:100%;font-size:12px;fill:var(--muted)">{frame}{even}'
        f"{''.join(marks)}{words}</svg>"
    )


def what_mattered(about: Mapping[str, Any]) -> str:
    """The settings that a search tried: what had to do with being better, and what was found."""
    told = about.get("search")
    if not told:
        return ""
    best, defaults = told["best"], told["defaults"]
    rows = [[escaped(name), f"{defaults[name]:.3g}", f"{best[name]:.3g}"] for name in defaults]
    loss = ""
    if told["value"] is not None and told["default_value"] is not None:
        loss = f" Loss {told['default_value']:.4f} with the defaults, {told['value']:.4f} at best."
    head = f"{plural(len(told['trials']), 'trial')} in {duration(told['seconds'])}.{loss}"
    ordered = sorted(told["importance"].items(), key=lambda item: -item[1])
    drawn = bars([(escaped(name), part) for name, part in ordered], share) if ordered else ""
    few = "" if ordered else " Too few to say what mattered."
    settings = table(("Setting", "Default", "Best found"), rows, numbers=(1, 2), label="Settings searched")
    return f'<p class="note">{head}{few}</p>{drawn}{settings}'
