"""The evaluation page: figures, warnings, no row of a table, nothing from elsewhere."""

from __future__ import annotations

import numpy as np

from dovetail.reports.evaluation import render_evaluation
from dovetail.tasks.match_evaluate import AtThreshold, Evaluation, figures
from dovetail.types import Interval


def made() -> Evaluation:
    random = np.random.default_rng(0)
    score = random.random(400)
    label = (random.random(400) < score).astype(np.int8)
    part = Interval(0.5, 0.4, 0.6)
    lines = tuple(AtThreshold(t, part, part, part) for t in (0.25, 0.5, 0.75))
    parts = {"seen": figures(score[:300], label[:300], 0.5), "unseen": figures(score[300:], label[300:], 0.5)}
    return Evaluation("trees <b>&", 0.5, figures(score, label, 0.5), parts, lines, ("3 labels & <i>more</i>",))


def test_figures_of_calibrated_scores() -> None:
    found = made().overall
    assert found.pairs == 400
    assert found.calibration_error < 0.08
    assert found.precision.low < found.precision.value < found.precision.high
    assert abs(found.precision.value - 0.75) < 0.08
    assert 0.7 < found.average_precision < 0.95


def test_the_page_shows_parts_and_escapes() -> None:
    page = render_evaluation(made())
    assert "trees &lt;b&gt;&amp;" in page
    assert "3 labels &amp; &lt;i&gt;more&lt;/i&gt;" in page
    assert "Both records were seen in training" in page
    assert "One record was seen" not in page
    assert page.count("<svg") == 2
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert "<script" not in page


def test_lines_for_the_console() -> None:
    lines = made().to_lines()
    assert lines[0] == "trees <b>&; threshold 0.500"
    assert any(line.startswith("no record seen") for line in lines)
    assert lines[-1] == "! 3 labels & <i>more</i>"


def test_a_share_of_none_is_a_dash() -> None:
    found = Evaluation("m", 0.5, figures(np.array([0.1, 0.2, 0.3]), np.array([0, 1, 0]), 0.5), {}, ())
    page = render_evaluation(found)
    assert "–</b>" in page or ">–<" in page
    assert "none counted" in page
