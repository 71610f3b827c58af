"""Charts as SVG text for a page: colours are the page's CSS variables, so one drawing serves light and dark."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import altair as alt

    from dovetail.reports.data import Curve
    from dovetail.types import Floats, Ints

WIDE, NARROW = 620, 300  # pixels of the plotting area; the page shows the one that fits
_HEIGHT = 210

# The drawing library knows fixed colours only: each stands for a variable of the page and is put back in the SVG.
_COLOURS = {
    "#0a0001": "var(--muted)",
    "#0a0002": "var(--line)",
    "#0a0003": "var(--match)",
    "#0a0004": "var(--review)",
    "#0a0005": "var(--refuse)",
    "#0a0006": "var(--ink)",
    "#0a0007": "var(--against)",
}
_MUTED, _LINE, _MATCH, _REVIEW, _REFUSE, _INK, _AGAINST = _COLOURS


def score_histogram(
    edges: Floats, counts: Ints, threshold: float, review: tuple[float, float], width: int = WIDE
) -> str:
    """How many candidate pairs have which score, on a scale that shows few beside many.

    `edges` is (b + 1,), `counts` (b,); scores are probabilities in [0, 1].
    """
    import altair as alt

    rows = [
        {"from": float(a), "to": float(b), "pairs": int(c), "verdict": _verdict((a + b) / 2, threshold, review)}
        for a, b, c in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    top = int(max(counts, default=0))
    ticks = [0, *[10**e for e in range(max(1, len(str(top))))]]
    names = ["refused", "uncertain", "matched"]
    bars = (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar(binSpacing=1)
        .encode(
            x=alt.X("from:Q", bin="binned", title="score", scale=alt.Scale(domain=[0, 1]), axis=_tenths()),
            x2="to:Q",
            y=alt.Y(
                "pairs:Q",
                title="pairs (scale grows tenfold)",
                scale=alt.Scale(type="symlog", domain=[0, max(top, 1)], nice=False),
                axis=alt.Axis(values=ticks, format=",d"),
            ),
            color=alt.Color(
                "verdict:N", scale=alt.Scale(domain=names, range=[_REFUSE, _REVIEW, _MATCH]), legend=_legend()
            ),
        )
    )
    return _svg(alt.layer(bars, _line_at(threshold)), width, "hist")


def quality_curve(curve: Curve, threshold: float, width: int = WIDE) -> str:
    """Precision and recall against the threshold, each with its band."""
    import altair as alt

    base = alt.Chart(alt.InlineData(values=_curve_rows(curve)))
    colour = alt.Color("measure:N", scale=alt.Scale(domain=["precision", "recall"], range=[_MATCH, _AGAINST]))
    axis = alt.X("threshold:Q", title="threshold", scale=alt.Scale(domain=[0, 1]), axis=_tenths())
    tall = alt.Scale(domain=[0, 1])
    percent = alt.Axis(format="%", tickCount=5)
    band = base.mark_area(fillOpacity=0.18).encode(
        x=axis, y=alt.Y("low:Q", title=None, scale=tall, axis=percent), y2="high:Q", color=colour
    )
    named = colour.legend(title=None, orient="top", symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1)
    line = base.mark_line(strokeWidth=2.5).encode(x=axis, y=alt.Y("value:Q", title=None, scale=tall), color=named)
    return _svg(alt.layer(band, line, _line_at(threshold, _HEIGHT - 18)), width, "curve")


def _curve_rows(curve: Curve) -> list[dict[str, Any]]:
    rows = []
    for name in ("precision", "recall"):
        columns = (curve.threshold, *(getattr(curve, name + part) for part in ("", "_low", "_high")))
        known = np.isfinite(np.column_stack(columns)).all(axis=1)
        for at, value, low, high in zip(*(c[known] for c in columns), strict=True):
            rows.append(
                {"measure": name, "threshold": float(at), "value": float(value), "low": float(low), "high": float(high)}
            )
    return rows


def _verdict(score: float, threshold: float, review: tuple[float, float]) -> str:
    if review[0] <= score <= review[1] and review[1] > review[0]:
        return "uncertain"
    return "matched" if score >= threshold else "refused"


def _tenths() -> alt.Axis:
    import altair as alt

    return alt.Axis(values=[0, 0.2, 0.4, 0.6, 0.8, 1], format=".1f", labelFlush=False)


def _legend() -> alt.Legend:
    import altair as alt

    return alt.Legend(title=None, orient="top", direction="horizontal", symbolType="square", symbolOpacity=1)


def _line_at(threshold: float, height: int = 2) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    at = alt.Chart(alt.InlineData(values=[{"at": threshold, "text": f"threshold {threshold:.2f}"}]))
    rule = at.mark_rule(color=_INK, strokeDash=[4, 3], strokeWidth=1.5).encode(x="at:Q")
    words = at.mark_text(
        color=_INK,
        baseline="top",
        fontSize=12,
        fontWeight=600,
        align="left" if threshold < 0.6 else "right",
        dx=6 if threshold < 0.6 else -6,
    )
    return alt.layer(rule, words.encode(x="at:Q", y=alt.value(height), text="text:N"))


def _svg(chart: alt.LayerChart | alt.FacetChart, width: int, name: str) -> str:
    import vl_convert

    spec = chart.properties(width=width, height=_HEIGHT).configure(**_config()).to_dict()
    svg = str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))
    for fixed, variable in _COLOURS.items():
        svg = svg.replace(fixed, variable)
    return re.sub(r"(?<=[\"#])(clip|gradient_)(?=\d)", f"{name}{width}-\\1", svg)


def _config() -> dict[str, Any]:
    font = "system-ui, -apple-system, Segoe UI, Roboto, sans-serif"
    axis = {
        "labelColor": _MUTED, "titleColor": _MUTED, "gridColor": _LINE, "domainColor": _LINE, "tickColor": _LINE,
        "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "titlePadding": 10,
    }  # fmt: skip
    return {
        "background": "transparent",
        "font": font,
        "aria": False,
        "axis": axis,
        "axisX": {"grid": False},
        "view": {"stroke": None},
        "legend": {"labelColor": _INK, "labelFontSize": 12, "symbolSize": 110, "offset": 6},
    }
