"""Examples of a report: each pair with its explanation, a line an attribute, adding up to the score."""

from __future__ import annotations

from dovetail.explain.pairs import as_percent, differences, log_odds, signed, smallest_change
from dovetail.reports.data import Example, ReportData, Verdict
from dovetail.reports.words import escaped, marked, value
from dovetail.types import AttributeEvidence, Explanation

_GROUPS: tuple[tuple[Verdict, str, str], ...] = (
    ("matched", "Matched", "Judged to be the same thing, and merged."),
    ("uncertain", "Uncertain", "Close to the line: these wait in review.csv for a person."),
    ("refused", "Refused", "Alike enough to be looked at, judged to be different things."),
)


def examples(data: ReportData) -> str:
    """The section of examples, by verdict; empty text where there is none."""
    parts = []
    for verdict, title, said in _GROUPS:
        chosen = [e for e in data.examples if e.verdict == verdict]
        if chosen:
            shown = "".join(_pair(e, data.threshold, is_open=i == 0) for i, e in enumerate(chosen))
            parts.append(f'<h3>{title}</h3><p class="note">{said}</p>{shown}')
    return "".join(parts)


def _pair(example: Example, threshold: float, *, is_open: bool) -> str:
    explanation = example.explanation
    return (
        f"<details{' open' if is_open else ''}><summary>"
        f'<span class="who">{_title(explanation)}'
        f"<span>{value(example.left_name)} and {value(example.right_name)}</span></span>"
        f'<span class="badge {example.verdict}">{escaped(as_percent(explanation.score))}</span></summary>'
        f'<div class="inside">{_table(example)}{_sum(explanation)}{_turn(explanation, threshold)}</div></details>'
    )


def _title(explanation: Explanation) -> str:
    """The values of the first attribute that both sides have, else of any."""
    known = [e for e in explanation.evidence if e.left and e.right] or list(explanation.evidence)
    if not known:
        return "No attribute in common"
    shown = [v for v in (known[0].left, known[0].right) if v]
    return value((shown or ["no value"])[0])


def _table(example: Example) -> str:
    evidence = example.explanation.evidence
    strongest = max([abs(e.importance) for e in evidence] + [abs(example.explanation.base), 1e-9])
    rows = "".join(_row(e, strongest) for e in evidence)
    return (
        '<table class="why"><colgroup><col class="a"><col><col><col class="s"><col class="w"></colgroup>'
        "<thead><tr><th>Attribute</th><th>Left</th><th>Right</th><th>Alike</th>"
        f"<th>Speaks against · for</th></tr></thead><tbody>{rows}{_base_row(example, strongest)}</tbody></table>"
    )


def _row(one: AttributeEvidence, strongest: float) -> str:
    left, right = _sides(one)
    return (
        f'<tr><th scope="row">{escaped(one.name)}</th><td data-side="left">{left}</td>'
        f'<td data-side="right">{right}</td>'
        f"<td>{_alike(one.similarity)}</td><td>{_pull(one.importance, strongest)}</td></tr>"
    )


def _base_row(example: Example, strongest: float) -> str:
    said = '<span class="none">before any attribute is looked at</span>'
    pull = _pull(example.explanation.base, strongest)
    return f'<tr><th scope="row">base</th><td colspan="2">{said}</td><td></td><td>{pull}</td></tr>'


def _sides(one: AttributeEvidence) -> tuple[str, str]:
    if one.left is None or one.right is None:
        return value(one.left), value(one.right)
    if not one.left.strip() or not one.right.strip():
        return value(one.left), value(one.right)
    left, right = differences(one.left, one.right)
    return marked(left), marked(right)


def _alike(similarity: float | None) -> str:
    if similarity is None:
        return '<span class="none">–</span>'
    percent = round(100 * min(max(similarity, 0.0), 1.0))
    return (
        f'<span class="meter"><i aria-hidden="true"><b style="width:{percent}%"></b></i>'
        f"<span>{percent}\u202f%</span></span>"
    )


def _pull(importance: float, strongest: float) -> str:
    percent = round(100 * abs(importance) / strongest)
    side = "for" if importance >= 0 else "against"
    return (
        f'<span class="pull"><i aria-hidden="true"><b class="{side}" style="width:{percent}%"></b></i>'
        f"<span>{signed(importance)}</span></span>"
    )


def _sum(explanation: Explanation) -> str:
    terms = [f"base {signed(explanation.base)}", *(_term(e) for e in explanation.evidence)]
    return (
        f'<p class="sum">{" ".join(terms)} = <b>{signed(log_odds(explanation))}</b> log-odds → '
        f"<b>{escaped(as_percent(explanation.score))}</b></p>"
    )


def _term(one: AttributeEvidence) -> str:
    sign = "+" if one.importance >= 0 else "−"
    return f"{sign} {abs(one.importance):.1f} <bdi>{escaped(one.name)}</bdi>"


def _turn(explanation: Explanation, threshold: float) -> str:
    change = smallest_change(explanation, threshold)
    said = change.sentence if change else "No single attribute alone would turn this decision."
    return f'<p class="turn">{escaped(said)}</p>'
