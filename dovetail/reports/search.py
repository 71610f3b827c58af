"""A searcher as one HTML page: what was compared on held-out queries, what was kept, and how good the answers are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dovetail.reports.frame import card, framed
from dovetail.reports.sections import table
from dovetail.reports.words import count, escaped, plural
from dovetail.tasks.search_fusion import Fusion
from dovetail.tasks.search_gate import Gate, Way
from dovetail.tasks.search_scores import SearchScores
from dovetail.types import Interval
from dovetail.version import __version__

_WIDE, _HIGH, _EDGE = 220, 18, 6
_MOST_WORDS = 30  # with synonyms that judgements taught
_SAID = {
    "start": "words and meaning alike, without judgements",
    "keyword": "words alone",
    "meaning": "meaning alone",
    "fitted": "another weight of words and meaning",
    "neighbours": "documents that mean about the same lift each other",
    "tuned": "the vectors of queries are moved",
    "tuned meaning": "the same without words, to compare",
    "encoder": "a tuned encoder",
    "encoder meaning": "the same without words, to compare",
    "reader": "a network reads query and passage",
    "memory": "judged queries are remembered",
    "synonyms": "the same, and words that answers have in place of those of queries are looked for",
}
_NAMES = {"mrr": "MRR", "map": "MAP", "f1": "F1", "ndcg": "nDCG"}


def render_search(facts: Mapping[str, Any], scores: SearchScores | None = None) -> str:
    """The whole page from what `Searcher.describe` gives, and from `evaluate` where queries were judged."""
    gate = Gate.from_dict(facts["gate"]) if facts.get("gate") else None
    parts = [
        ("figures", "How good the answers are", _figures(scores)),
        ("ways", "What was compared", _ways(gate)),
        ("made", "What it is made of", _made(facts)),
    ]
    cards = [card("Documents", count(facts["documents"]), f"in {escaped(facts['language'])}.")]
    if gate is not None:
        cards.append(card("Kept", escaped(gate.kept), escaped(gate.why) + "."))
    if scores is not None and scores.measures:
        name = f"ndcg_{scores.k}"
        said = [f"{_between(scores.measures[name])}."]
        said += [f"{count(scores.learned)} of these queries taught it: this flatters."] if scores.learned else []
        cards.append(card(_named(name), _three(scores.measures[name].value), *said))
    top = (
        '<header><div class="eyebrow"><b>Dovetail search</b></div>'
        f"<h1>A search over {plural(facts['documents'], 'document')}</h1>"
        f'<p class="lead">Relevance is {escaped(Fusion(**facts["fusion"]).shares())}. Ranges are 95 % intervals.</p>'
        f'</header><div class="cards">{"".join(cards)}</div>'
    )
    footer = f"Made by Dovetail {escaped(__version__)}. This page holds figures and no texts, and loads nothing."
    return framed("A search · Dovetail report", top, parts, footer)


def _figures(scores: SearchScores | None) -> str:
    if scores is None or not scores.measures:
        return ""
    rows = [[_named(name), _three(i.value), _between(i)] for name, i in scores.measures.items()]
    rows += [[f"nDCG gained over {escaped(k)} alone", f"{i.value:+.3f}", _between(i)] for k, i in scores.gaps.items()]
    said = f"On {plural(scores.queries, 'judged query', 'judged queries')}."
    if scores.learned:
        said += f" {count(scores.learned)} of them taught this searcher, so that the figures flatter it."
    cost = "".join(f"<p>{escaped(line[:1].upper() + line[1:])}.</p>" for line in scores.cost())
    return f"<p>{said}</p>" + table(("Measure", "Value", "95 % interval"), rows, numbers=(1, 2), label="Figures") + cost


def _ways(gate: Gate | None) -> str:
    if gate is None:
        return ""
    if not gate.ways:
        return f"<p>{escaped(gate.why)}.</p>"
    most = max(0.01, *(max(abs(w.gap.low), abs(w.gap.high)) for w in gate.ways))
    rows = [_way(way, most, way.name == gate.kept) for way in gate.ways]
    head = ("Way", "What it is", "nDCG@10", "Gain over the start", "Queries")
    said = (
        "Each way was measured on queries that did not teach it. A way is kept only where its gain is above 0 with its "
        "whole interval; the best one of those is used."
    )
    return f"<p>{said}</p>" + table(head, rows, numbers=(2, 4), label="Ways that were compared")


def _way(way: Way, most: float, kept: bool) -> list[str]:
    name = escaped(way.name)
    gain = "" if way.name == "start" else f"{_drawn(way.gap, most)}<br>{way.gap.value:+.3f} ({_between(way.gap)})"
    told = escaped(_SAID.get(way.name, ""))
    return [f"<b>{name}</b> (kept)" if kept else name, told, _three(way.ndcg_10), gain, count(way.queries)]


def _drawn(gap: Interval, most: float) -> str:
    """The interval as a line with a dot, and the place of no gain."""
    middle, y = _WIDE / 2, _HIGH / 2
    low, value, high = (middle + x / most * (middle - _EDGE) for x in (gap.low, gap.value, gap.high))
    said = f"a gain of {gap.value:+.3f}, from {gap.low:+.3f} to {gap.high:+.3f}"
    return (
        f'<svg viewBox="0 0 {_WIDE} {_HIGH}" width="{_WIDE}" height="{_HIGH}" role="img" aria-label="{said}" '
        f'stroke="currentColor" fill="currentColor"><path d="M{middle} 0V{_HIGH}" stroke-dasharray="2 2" opacity=".5"/>'
        f'<path d="M{low:.1f} {y}H{high:.1f}" stroke-width="2"/><circle cx="{value:.1f}" cy="{y}" r="4"/></svg>'
    )


def _made(facts: Mapping[str, Any]) -> str:
    shown = {"Encoder": facts["encoder"], "Its version": facts["fingerprint"], "Precision": facts.get("precision")}
    shown |= {f"Column of {k}": _named_columns(v) for k, v in facts.get("columns", {}).items()}
    shown |= {"Rows that could not be read": facts.get("rejects") or None}
    rows = [[escaped(name), escaped(value)] for name, value in shown.items() if value]
    return table(("What", "Value"), rows, label="What the searcher is made of") + _synonyms(facts.get("synonyms") or {})


def _synonyms(words: Mapping[str, Sequence[str]]) -> str:
    if not words:
        return ""
    rows = [[escaped(word), escaped(", ".join(others))] for word, others in list(words.items())[:_MOST_WORDS]]
    more = f"<p>And {count(len(words) - _MOST_WORDS)} more.</p>" if len(words) > _MOST_WORDS else ""
    return (
        table(("A word of queries", "What answers say instead"), rows, label="Synonyms that judgements taught") + more
    )


def _named_columns(columns: str | Sequence[str] | None) -> str | None:
    return columns if columns is None or isinstance(columns, str) else ", ".join(columns)


def _named(measure: str) -> str:
    name, _, k = measure.partition("_")
    shown = _NAMES.get(name, name.capitalize())
    return f"{shown} at {k}" if k else shown


def _three(value: float) -> str:
    return f"{value:.3f}"


def _between(interval: Interval) -> str:
    return f"{interval.low:.3f} to {interval.high:.3f}"
