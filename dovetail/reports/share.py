"""The front page of a shared folder: what was found, how good it is, who said how much, and what changed since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dovetail.explain.pairs import differences
from dovetail.reports.frame import card, framed
from dovetail.reports.sections import table
from dovetail.reports.words import count, escaped, marked, plural, share, value


@dataclass(frozen=True)
class SharedExample:
    """A judged pair: what was said, what a model thought, and the values side by side."""

    said: str
    score: float | None
    why: str
    fields: Sequence[tuple[str, str | None, str | None]]  # attribute, left, right


@dataclass(frozen=True)
class Shared:
    """All that the page shows. `now` and `before` are the same facts by name; `before` is empty the first time."""

    title: str
    made: str
    now: Mapping[str, Any]
    before: Mapping[str, Any]
    before_made: str
    tables: Sequence[tuple[str, int, int]]  # name, rows, columns
    models: Sequence[Mapping[str, Any]]  # name, task, version, labels, quality (text), summary, page
    labels: Sequence[tuple[str, str, int]]  # shape, value, how many
    people: Sequence[tuple[str, int]]
    agreement: Sequence[str]
    examples: Sequence[SharedExample] = field(default=())
    has_report: bool = False


def render_share(data: Shared) -> str:
    """The whole page; every value of data is escaped."""
    parts = [
        ("changes", "Changes since the last", _changes(data)),
        ("tables", "Tables", _tables(data)),
        ("models", "Models", _models(data)),
        ("labels", "Labels", _labels(data)),
        ("examples", "Chosen examples", _examples(data.examples)),
    ]
    report = '<p><a href="report.html">The report of the integration</a></p>' if data.has_report else ""
    top = f"<header><h1>{escaped(data.title)}</h1><p>As of {escaped(data.made)}.</p>{report}</header>{_cards(data)}"
    return framed(f"{data.title} · Dovetail", top, parts, "Made by <code>dovetail share</code>; needs no network.")


def _cards(data: Shared) -> str:
    now = data.now
    shown = [card("Labels", count(int(now.get("labels", 0))), plural(int(now.get("people", 0)), "person", "people"))]
    if now.get("entities") is not None:
        merged = f"{plural(int(now.get('merged', 0)), 'entity', 'entities')} of several records"
        shown.insert(0, card("Entities", count(int(now["entities"])), merged))
    best = next((m for m in data.models if m.get("quality")), None)
    if best is not None:
        shown.append(card("Quality", escaped(best["quality"]), escaped(best["name"])))
    return f'<div class="cards">{"".join(shown)}</div>'


def _changes(data: Shared) -> str:
    if not data.before:
        return "<p>This is the first time that this workspace is shared.</p>"
    rows = []
    for name in dict.fromkeys([*data.before, *data.now]):
        old, new = data.before.get(name), data.now.get(name)
        if old != new:
            rows.append([escaped(name), _figure(old), _figure(new), _difference(old, new)])
    since = f"<p>Since {escaped(data.before_made)}.</p>"
    return since + (table(["what", "then", "now", "change"], rows, label="changes") if rows else "<p>Nothing.</p>")


def _figure(found: Any) -> str:
    if isinstance(found, float):
        return share(found) if 0 <= found <= 1 else escaped(f"{found:.3g}")
    return value(None if found is None else f"{found:,}" if isinstance(found, int) else str(found))


def _difference(old: Any, new: Any) -> str:
    numbers = all(isinstance(x, int | float) and not isinstance(x, bool) for x in (old, new))
    if not numbers:
        return ""
    if isinstance(old, float) or isinstance(new, float):
        return escaped(f"{100 * (new - old):+.1f} points")
    return escaped(f"{new - old:+,}")


def _tables(data: Shared) -> str:
    rows = [[escaped(name), count(n), count(columns)] for name, n, columns in data.tables]
    return table(["table", "rows", "columns"], rows, numbers=(1, 2), label="tables") if rows else ""


def _models(data: Shared) -> str:
    rows = []
    for one in data.models:
        name = escaped(one["name"])
        named = f'<a href="{escaped(one["page"])}">{name}</a>' if one.get("page") else name
        facts = [
            escaped(one["task"]),
            escaped(one["version"]),
            count(int(one["labels"])),
            escaped(one["quality"] or "–"),
        ]
        rows.append([named, *facts, value(str(one["summary"]))])
    heads = ["model", "task", "version", "labels", "quality", "in short"]
    return table(heads, rows, numbers=(2, 3), label="models") if rows else ""


def _labels(data: Shared) -> str:
    if not data.labels:
        return "<p>Nothing was labelled yet.</p>"
    by = [[escaped(shape), value(said), count(n)] for shape, said, n in data.labels]
    who = [[escaped(person), count(n)] for person, n in data.people]
    agreed = "".join(f"<li>{escaped(line)}</li>" for line in data.agreement)
    found = table(["kind", "label", "how often"], by, numbers=(2,), label="labels by value")
    found += table(["person", "labels"], who, numbers=(1,), label="labels by person")
    return found + (f"<ul>{agreed}</ul>" if agreed else "")


def _examples(examples: Sequence[SharedExample]) -> str:
    return "".join(_example(one) for one in examples)


def _example(one: SharedExample) -> str:
    thought = "" if one.score is None else f"; the model gave it {share(one.score)}"
    rows = []
    for name, left, right in one.fields:
        if left is not None and right is not None:
            sides = [marked(segments) for segments in differences(left, right)]
        else:
            sides = [value(left), value(right)]
        rows.append([escaped(name), *sides])
    head = f"<h3>Said: {escaped(one.said)}{thought}</h3><p>{escaped(one.why)}</p>"
    return head + table(["attribute", "left", "right"], rows, label="two records")
