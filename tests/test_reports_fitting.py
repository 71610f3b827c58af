"""The page of a training: figures, stages, what mattered in a search; escaped, and nothing from elsewhere."""

from __future__ import annotations

from typing import Any

from dovetail.reports.fitting import render_fit
from dovetail.tasks.card import DataCard, ModelCard

FIGURES = {
    "held_out_pairs": 400,
    "ece": 0.012,
    "how": "cross-fitted: …",
    "review_from": 0.2,
    "review_to": 0.8,
}
for _name, _value in (("precision", 0.91), ("recall", 0.88), ("f1", 0.895), ("review_share", 0.06)):
    FIGURES |= {_name: _value, f"{_name}_low": _value - 0.03, f"{_name}_high": _value + 0.03}
for _name in ("right_outside_review", "matches_lost_outside_review"):
    FIGURES |= {_name: 0.5, f"{_name}_low": 0.4, f"{_name}_high": 0.6}


def made(figures: dict[str, Any] | None = None) -> ModelCard:
    return ModelCard(
        task="match",
        summary="trees <b>&",
        data=(DataCard("north", 70, ("id", "<title>"), "abc"),),
        labels={"match": 60, "not": 340},
        settings={"effort": "best"},
        figures=FIGURES if figures is None else figures,
        intended_use="Deciding.",
        limits=("Other tables.",),
        warnings=("3 labels & <i>more</i>",),
        seconds=61.0,
        made="2026-11-21T00:00:00+00:00",
    )


def searched(adopted: bool) -> dict[str, Any]:
    trial = {"number": 0, "state": "finished", "value": 0.2, "seconds": 3.0, "chosen": {"leaves": 15}}
    return {
        "adopted": adopted,
        "seconds": 90.0,
        "defaults": {"leaves": 15},
        "best": {"leaves": 7},
        "importance": {"leaves": 0.8, "learning_rate": 0.2},
        "trials": [trial, trial | {"number": 1, "value": 0.19, "chosen": {"leaves": 7}}, trial | {"state": "pruned"}],
        "log_loss_defaults": 0.2,
        "log_loss_searched": 0.19,
        "f1_defaults": 0.9,
        "f1_searched": 0.91,
    }


FACTS = {
    "f1_start": 0.8,
    "f1_fitted": 0.93,
    "experts": {
        "reader": {
            "kept": True,
            "seconds": 140.2,
            "log_loss_before": 0.12,
            "log_loss": 0.11,
            "f1_before": 0.92,
            "f1": 0.93,
        }
    },
    "search": {"trees": searched(True), "reader": searched(False)},
}


def test_the_page_shows_stages_search_and_review_and_escapes() -> None:
    page = render_fit(made(), FACTS)
    assert "Trees &lt;b&gt;&amp;" in page
    assert "3 labels &amp; &lt;i&gt;more&lt;/i&gt;" in page
    assert "&lt;title&gt;" in page
    assert "Network: reader" in page
    assert "2 min 20 s" in page
    assert "Settings of the trees" in page
    assert "are not used: held-out labels are decided no better by them" in page
    assert "learning rate" in page
    assert "leaves 7" in page
    assert "2 finished, 1 pruned" in page
    assert "What goes to a person" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert "<script" not in page


def test_few_labels_have_no_figures_and_that_is_said() -> None:
    few = {"labels": 16, "adopted": True, "log_loss_before": 0.5, "log_loss": 0.4, "f1_before": 0.7, "f1": 0.8}
    page = render_fit(made({"held_out_pairs": 0}), {"few": few})
    assert "Too few labels to hold some out" in page
    assert "Scores moved by 16 labels" in page
    assert "What goes to a person" not in page
