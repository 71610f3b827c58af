"""The report as one HTML page that needs nothing but itself: no script, no request, light and dark."""

from __future__ import annotations

from dovetail.reports.data import ReportData, report_json
from dovetail.reports.evidence import examples
from dovetail.reports.frame import card, framed
from dovetail.reports.sections import blocking, came_in, came_out, entities, made, quality, warnings
from dovetail.reports.words import between, count, escaped, estimate, plural, share

__all__ = ["render", "report_json"]


def render(data: ReportData) -> str:
    """The whole page as text that encodes as UTF-8. Values of data are escaped, cut, and never interpreted."""
    return framed(f"{data.title} · Dovetail report", _header(data) + _cards(data), _parts(data), _footer(data))


def _parts(data: ReportData) -> list[tuple[str, str, str]]:
    """Anchor, title and content of each section; one without content is left out."""
    return [
        ("warnings", "Please look at", warnings(data)),
        ("sure", "How sure it is", quality(data)),
        ("examples", "Why pairs were matched or not", examples(data)),
        ("in", "What came in", came_in(data)),
        ("out", "What came out", came_out(data)),
        ("entities", "Entities", entities(data)),
        ("blocking", "Which pairs were compared", blocking(data)),
        ("made", "How it was made", made(data)),
    ]


def _header(data: ReportData) -> str:
    names = [f"<bdi>{escaped(s.name)}</bdi>" for s in data.sources]
    listed = " and ".join(([", ".join(names[:-1])] if names[1:] else []) + names[-1:])
    tables = plural(len(data.sources), "table")
    return (
        f'<header><div class="eyebrow"><b>Dovetail report</b><span>{_of(data)}</span></div>'
        f"<h1>{count(data.rows)} rows from {tables} are {count(data.entities)} different things</h1>"
        f'<p class="lead">The rows of {listed} were compared, and those that mean the same thing '
        "were merged into one. What was decided, and why, stands below.</p></header>"
    )


def _of(data: ReportData) -> str:
    return " · ".join(f"<bdi>{escaped(part)}</bdi>" for part in (data.title, data.made) if part)


def _cards(data: ReportData) -> str:
    return f'<div class="cards">{_in_card(data)}{_out_card(data)}{_sure_card(data)}{_review_card(data)}</div>'


def _in_card(data: ReportData) -> str:
    shown = [f"{plural(s.rows, 'row')} from <b><bdi>{escaped(s.name)}</bdi></b>" for s in data.sources[:3]]
    more = f" and {len(data.sources) - 3} more tables" if len(data.sources) > 3 else ""
    rejects = sum(s.rejects for s in data.sources)
    unread = f"{plural(rejects, 'row')} could not be read: see rejects.csv." if rejects else "Every row could be read."
    return card("Rows in", count(data.rows), f"{', '.join(shown)}{more}.", unread)


def _out_card(data: ReportData) -> str:
    merged = data.rows - data.entities
    part = f", {share(merged / data.rows)} of all rows" if merged else ""
    said = f"<b>{plural(merged, 'duplicate')}</b> found{part}: each was merged into the row it repeats."
    return card("Rows out", count(data.entities), said)


def _sure_card(data: ReportData) -> str:
    known = data.quality
    badge = f'How sure <span class="badge {known.basis}">{known.basis}</span>'
    if not known.pairs:
        return card(badge, "–", "No rows were merged, so there is nothing to be right or wrong about.")
    right = f"<b>of the merged pairs are right</b> ({between(known.precision)})."
    found = f"<b>{estimate(known.recall)} of all true pairs were found</b> ({between(known.recall)})."
    return card(badge, estimate(known.precision), right, found)


def _review_card(data: ReportData) -> str:
    if not data.uncertain:
        return card("To review", "0", "No pair is uncertain enough to ask a person.")
    said = "The most useful ones come first in review.csv. Judge some, run again with them, and it gets better."
    pairs = "<b>uncertain pair waits</b>" if data.uncertain == 1 else "<b>uncertain pairs wait</b>"
    return card("To review", count(data.uncertain), f"{pairs} for a person.", said)


def _footer(data: ReportData) -> str:
    version = data.versions.get("dovetail", "")
    return (
        f"Made by Dovetail {escaped(version)}. This page holds everything that it shows and loads nothing from "
        "elsewhere; it contains rows of the tables, so share it as you would share them."
    )
