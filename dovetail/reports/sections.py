"""The sections of a report, each from the same data to one piece of HTML; empty text where there is nothing to say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from dovetail.reports.charts import NARROW, WIDE, quality_curve, score_histogram
from dovetail.reports.data import ReportData, WeakEntity
from dovetail.reports.words import between, count, duration, escaped, plural, share, value
from dovetail.types import Interval

_MOST_SIZES = 12  # rows of the list of entity sizes


def warnings(data: ReportData) -> str:
    """What a person should know before trusting the rest."""
    unread = [
        f"{plural(s.rejects, 'row')} of {s.name} could not be read and took no part; rejects.csv lists them."
        for s in data.sources
        if s.rejects
    ]
    items = "".join(f"<li>{escaped(w)}</li>" for w in [*unread, *data.warnings])
    return f'<ul class="warn">{items}</ul>' if items else ""


def came_in(data: ReportData) -> str:
    """The sources and how their columns were aligned."""
    rows = [[value(s.name), count(s.rows), count(s.columns), count(s.rejects)] for s in data.sources]
    tables = table(["Table", "Rows", "Columns", "Not readable"], rows, numbers=(1, 2, 3), label="Tables")
    if len(data.sources) < 2 and not data.attributes:
        return tables
    columns = [
        [
            f'{value(a.name)}<br><span class="kind">{escaped(a.kind.value)}</span>',
            *(value(c) if c is not None else '<span class="none">not there</span>' for c in a.columns),
        ]
        for a in data.attributes
    ]
    head = ["Attribute", *(f"<bdi>{escaped(s.name)}</bdi>" for s in data.sources)]
    said = "Columns on one line were taken to mean the same. A wrong line can be put right with <code>--map</code>."
    return f'{tables}<h3>Columns that belong together</h3><p class="note">{said}</p>' + table(
        head, columns, label="Aligned columns"
    )


def quality(data: ReportData) -> str:
    """Precision, recall and F1 with what they rest on, the scores, and the curve."""
    known = data.quality
    if known.basis == "measured":
        said = f"Measured against {plural(known.pairs, 'true pair')} that were given. Ranges are 95 % intervals."
    else:
        said = (
            "<b>Estimated, not measured:</b> these figures follow from the matcher's own probabilities and from what "
            "blocking is thought to miss. Give judged pairs to have them measured. Ranges are 95 % intervals."
        )
    rates = "".join(_rate(*r) for r in _rates(known.precision, known.recall, known.f1))
    charts = _histogram(data) + _curve(data)
    badge = f'<span class="badge {known.basis}">{known.basis}</span>'
    return f'<p>{badge} {said}</p><dl class="pairs">{rates}</dl>{charts}'


def _rates(precision: Interval, recall: Interval, f1: Interval) -> Iterable[tuple[str, str, Interval]]:
    yield "Precision", "of the merged pairs are right", precision
    yield "Recall", "of the true pairs were found", recall
    yield "F1", "both in one figure", f1


def _rate(name: str, said: str, interval: Interval) -> str:
    return (
        f'<div class="panel"><dt>{name}</dt><dd>{share(interval.value)}'
        f"<small>{said}<br>{between(interval)}</small></dd></div>"
    )


def _histogram(data: ReportData) -> str:
    review = (data.review_low, data.review_high)
    drawn = [score_histogram(data.score_edges, data.score_counts, data.threshold, review, w) for w in (WIDE, NARROW)]
    said = (
        f"From {data.threshold:.2f} on, a pair is a match. Pairs between {data.review_low:.2f} and "
        f"{data.review_high:.2f} are uncertain. A clear valley between both ends is a good sign."
    )
    alt = f"Histogram of the scores of {count(data.blocking.pairs)} pairs, threshold {data.threshold:.2f}"
    return figure("How the scores are spread", said, alt, drawn)


def _curve(data: ReportData) -> str:
    if data.curve is None:
        return ""
    drawn = [quality_curve(data.curve, data.threshold, w) for w in (WIDE, NARROW)]
    said = "Measured, with 95 % bands: what another threshold would give, before pairs become entities."
    if data.curve.basis == "estimated":
        said = (
            "Estimated from the scores, not measured, with 95 % bands: what another threshold would give, "
            "before pairs become entities."
        )
    return figure("Precision and recall against the threshold", said, "Precision and recall by threshold", drawn)


def came_out(data: ReportData) -> str:
    """The first merged rows, and where sources disagreed."""
    rows = [[value(cell) for cell in row] for row in data.sample]
    shown = (
        table([escaped(c) for c in data.sample_columns], rows, label="First rows of the merged table") if rows else ""
    )
    conflicts = {c: n for c, n in data.conflicts.items() if n}
    if not conflicts:
        return shown
    ordered = sorted(conflicts.items(), key=lambda item: -item[1])
    labels = [(_ruled(column, data), number) for column, number in ordered]
    said = "Entities whose rows gave more than one value, and the rule that settled it. Each cell is in provenance."
    return f'{shown}<h3>Where rows disagreed</h3><p class="note">{said}</p><div class="panel">{bars(labels)}</div>'


def _ruled(column: str, data: ReportData) -> str:
    rule = data.fuse_rules.get(column)
    return f"<bdi>{escaped(column)}</bdi>" + (f' <span class="kind">{escaped(rule)}</span>' if rule else "")


def entities(data: ReportData) -> str:
    """How matches became entities, how large they are, and which hang by a thread."""
    sizes = sorted(data.cluster_sizes.items())
    if len(sizes) > _MOST_SIZES:
        rest = sizes[_MOST_SIZES - 1 :]
        shown = [(str(s), n) for s, n in sizes[: _MOST_SIZES - 1]]
        shown.append((f"{rest[0][0]} to {rest[-1][0]}", sum(n for _, n in rest)))
    else:
        shown = [(str(s), n) for s, n in sizes]
    labels = [(f"{name} {'row' if name == '1' else 'rows'}", number) for name, number in shown]
    said = f"Method: <b>{escaped(data.cluster_method)}</b>. {escaped(data.cluster_why)}"
    return f'<p>{said}</p><div class="panel">{bars(labels)}</div>{_weak(data.weak)}'


def _weak(weak: Sequence[WeakEntity]) -> str:
    if not weak:
        return ""
    rows = [
        [
            value(w.name),
            count(w.records),
            f"{value(w.left_name)} – {value(w.right_name)}",
            f"{w.parts[0]} + {w.parts[1]}",
            share(w.score),
        ]
        for w in weak
    ]
    said = "One doubtful pair joins the two parts of each of these: the first place to look for a wrong merge."
    head = ["Entity", "Rows", "Joined by", "Parts", "Score"]
    shown = table(head, rows, numbers=(1, 3, 4), label="Entities that hang by one pair")
    return f'<h3>Entities that hang by one pair</h3><p class="note">{said}</p>{shown}'


def blocking(data: ReportData) -> str:
    """What was compared at all, and what that keeps."""
    facts, possible = data.blocking, data.rows * (data.rows - 1) // 2
    part = f"<small>of {count(possible)} possible ones</small>"
    a_row = facts.pairs / max(data.rows, 1)
    known = f'<span class="badge {facts.basis}">{facts.basis}</span>'
    cells = (
        f'<div class="panel"><dt>Pairs compared</dt><dd>{count(facts.pairs)}{part}</dd></div>'
        f'<div class="panel"><dt>Pairs a row</dt><dd>{a_row:.1f}<small>{facts.k_lexical} nearest by words, '
        f"{facts.k_encoder} by meaning</small></dd></div>"
        f'<div class="panel"><dt>True pairs among them {known}</dt><dd>{share(facts.recall.value)}'
        f"<small>{between(facts.recall)}</small></dd></div>"
    )
    said = "Comparing every row with every other takes too long; only pairs that could be alike are compared."
    return f'<p>{said} {escaped(facts.why)}</p><dl class="pairs">{cells}</dl>'


def made(data: ReportData) -> str:
    """What an engineer needs to repeat the run."""
    memory = f", at most {data.peak_mb:,.0f} MB of memory" if data.peak_mb else ""
    total = duration(sum(data.seconds.values()))
    timed = bars([(escaped(step), s) for step, s in data.seconds.items()], show=duration) if data.seconds else ""
    hashes = {s.name: s.hash for s in data.sources if s.hash}
    facts = [
        ("Settings", json.dumps(data.settings, indent=1, ensure_ascii=False, default=str)),
        ("Versions", "\n".join(f"{k} {v}" for k, v in data.versions.items())),
        ("Hashes of the data", "\n".join(f"{k}: {v}" for k, v in hashes.items())),
    ]
    folded = "".join(
        f'<details><summary><span class="who">{title}</span></summary><div class="inside"><pre>{escaped_lines(text)}'
        "</pre></div></details>"
        for title, text in facts
        if text and text != "{}"
    )
    said = f"Matched by {escaped(data.matcher)}. {total} in all{memory}. Seed {data.seed}."
    return f'<p>{said}</p><div class="panel">{timed}</div>{folded}' if timed else f"<p>{said}</p>{folded}"


def escaped_lines(text: str) -> str:
    """Text of several lines, escaped line by line."""
    return "\n".join(escaped(line) for line in text.split("\n"))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int] = (), label: str) -> str:
    """A table in a box of its own that scrolls when it is wide; cells are HTML."""
    kinds = [' class="num"' if i in numbers else "" for i in range(len(head))]
    top = "".join(f"<th{k}>{h}</th>" for k, h in zip(kinds, head, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{k}>{c}</td>" for k, c in zip(kinds, row, strict=True)) + "</tr>" for row in rows
    )
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{label}">'
        f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def bars(rows: Sequence[tuple[str, float]], show: object = None) -> str:
    """Bars with a name before and a figure behind each; names are HTML."""
    most = max((n for _, n in rows), default=0) or 1
    said = show if callable(show) else (lambda n: count(int(n)))
    lines = "".join(
        f'<span>{name}</span><i aria-hidden="true" style="width:{max(100 * n / most, 0):.1f}%"></i>'
        f'<span class="num">{said(n)}</span>'
        for name, n in rows
    )
    return f'<div class="bars">{lines}</div>'


def figure(title: str, said: str, alt: str, drawn: Sequence[str]) -> str:
    """A picture with its words; `drawn` is the wide and the narrow drawing."""
    pictures = "".join(
        f'<div class="{name}" role="img" aria-label="{escaped(alt)}">{svg}</div>'
        for name, svg in zip(("wide", "narrow"), drawn, strict=True)
    )
    return f'<figure class="panel"><figcaption><b>{title}</b>{said}</figcaption>{pictures}</figure>'
