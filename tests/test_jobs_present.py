from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from dovetail.integrate.quality import Quality
from dovetail.jobs.present import estimated_curve, report_data
from dovetail.reports.page import render
from dovetail.types import (
    Attribute,
    AttributeEvidence,
    BlockPlan,
    Candidates,
    Clusters,
    Decisions,
    Explanation,
    Fused,
    Interval,
    Kind,
    Records,
    Reject,
    Table,
)

PLAN = BlockPlan(4, 3, 5, Interval(0.9, 0.8, 0.95), 1_000, "few rows")


class Explainer:
    """Gives each pair one line of evidence that makes up its score."""

    def contributions(self, records, candidates, context, shift):
        made = []
        for left, right in zip(candidates.left.tolist(), candidates.right.tolist(), strict=True):
            row = np.flatnonzero((context.left == left) & (context.right == right))[0]
            score = (0.97, 0.1, 0.55, 0.9, 0.99)[row]
            line = AttributeEvidence("name", "a", "b", 0.5, float(np.log(score / (1 - score))))
            made.append(Explanation(left, right, score, 0.0, (line,)))
        return tuple(made)


@pytest.fixture
def integration():
    """Two tight pairs, 0-1 and 2-3, joined by the doubtful 1-2; 4-5 sure; 6 alone; 0-6 refused."""
    names = pa.array(["a", "b", "c", "d", "e", "f", "g"])
    cells = pa.table({"name": names})
    source = np.array([0, 0, 0, 1, 1, 1, 1], np.uint16)
    attribute = Attribute("name", Kind.NAME, ("name", "title"))
    records = Records(("left", "right"), source, pa.array(list("1234567")), (attribute,), cells, cells)
    pairs = Candidates(np.array([0, 0, 1, 2, 4], np.int32), np.array([1, 6, 2, 3, 5], np.int32))
    clusters = Clusters(np.array([0, 0, 0, 0, 1, 1, 2], np.int32), pa.array(["x", "y", "z"]), "connected", "why")
    table = pa.table({"cluster_id": clusters.names, "name": pa.array(["a", "e", "g"])})
    provenance = pa.table({"column": ["name", "name"], "rule": ["longest", "longest"]})
    return SimpleNamespace(
        alignment=SimpleNamespace(records=records),
        compared=records,
        plan=PLAN,
        candidates=pairs,
        decisions=Decisions(pairs, np.array([0.97, 0.1, 0.55, 0.9, 0.99]), 0.5, 0.3, 0.7, "a test"),
        clusters=clusters,
        fused=Fused(table, provenance, {"name": 2}),
        matcher=Explainer(),
        seconds={"match": 1.0},
        judged=None,
    )


def test_everything_the_page_needs(integration):
    tables = [
        Table("left", pa.table({"name": ["a", "b", "c"]}), pa.array(list("123"))),
        Table("right", pa.table({"title": list("defg")}), pa.array(list("4567")), (Reject("r.csv", 3, "torn"),)),
    ]
    known = Quality(Interval(0.9, 0.8, 0.95), Interval(0.8, 0.7, 0.9), Interval(0.85, 0.75, 0.92), "estimated", 4)
    run = {"review_pairs": 1, "settings": {"seed": 3}, "seed": 3, "dovetail": "0", "packages": {"numpy": "2"}}
    data = report_data(tables, integration, known, run)
    assert (data.rows, data.entities, data.matches, data.uncertain) == (7, 3, 4, 1)
    assert data.cluster_sizes == {1: 1, 2: 1, 4: 1}
    assert data.fuse_rules == {"name": "longest"}
    assert data.sample == (("x", "a"), ("y", "e"))
    assert int(data.score_counts.sum()) == 5
    assert [(e.verdict, e.left_name, e.right_name) for e in data.examples] == [
        ("matched", "right:5", "right:6"),
        ("matched", "left:1", "left:2"),
        ("matched", "left:3", "right:4"),
        ("uncertain", "left:2", "left:3"),
        ("refused", "left:1", "right:7"),
    ]
    assert [(w.name, w.left_name, w.right_name, w.parts) for w in data.weak] == [("x", "left:2", "left:3", (2, 2))]
    assert data.versions == {"dovetail": "0", "numpy": "2"}
    assert "7 rows from 2 tables are 3 different things" in render(data)


def test_the_curve_promises_what_the_scores_say(integration):
    curve = estimated_curve(integration.decisions, PLAN)
    at = int(np.argmin(np.abs(curve.threshold - 0.5)))
    assert curve.precision[at] == pytest.approx((0.97 + 0.55 + 0.9 + 0.99) / 4)
    assert curve.recall[at] == pytest.approx(0.9 * (0.97 + 0.55 + 0.9 + 0.99) / (0.97 + 0.1 + 0.55 + 0.9 + 0.99))
    assert np.isnan(curve.precision[-1])
    assert curve.recall[-1] == 0.0
    for low, value, high in (("precision_low", "precision", "precision_high"), ("recall_low", "recall", "recall_high")):
        known = np.isfinite(getattr(curve, value))
        assert (getattr(curve, low)[known] <= getattr(curve, value)[known] + 1e-12).all()
        assert (getattr(curve, value)[known] <= getattr(curve, high)[known] + 1e-12).all()


def test_no_pairs_no_curve():
    none = np.zeros(0, np.int32)
    assert estimated_curve(Decisions(Candidates(none, none), np.zeros(0), 0.5, 0.3, 0.7, "a test"), PLAN) is None
