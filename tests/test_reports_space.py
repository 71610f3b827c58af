"""The page about a similarity space holds figures, a map and names of classes, all escaped, and no script."""

from __future__ import annotations

import numpy as np

from dovetail.reports.space import render_space
from dovetail.tasks.embed_scores import space_scores


def test_the_page_of_a_space() -> None:
    random = np.random.default_rng(0)
    labels = ["<b>fruit</b>", "traffic", "tool"] * 30
    centres = np.eye(3)[np.arange(90) % 3]
    vectors = centres + random.normal(scale=0.1, size=(90, 3))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    scores = space_scores(vectors, labels, queries=30)
    page = render_space(
        "why & how", {"before": scores, "after": scores}, vectors[:, :2], [*labels[:-1], None], prices={3: scores}
    )
    assert page.count("<circle") == 90 + 3
    assert "&lt;b&gt;fruit" in page
    assert "<b>fruit" not in page
    assert "Why &amp; how" in page
    assert "<script" not in page
    assert page.count("#8a929c") == 1
    assert "What cut dimensions cost" in page
    assert 'id="prices"' not in render_space("w", {"before": scores, "after": scores}, vectors[:, :2], labels)
    assert "1,000" not in page  # the nearest thousand of ninety are all of them
    many = render_space("w", {"before": scores, "after": scores}, np.zeros((1_200, 2)), ["a", "b"] * 600)
    assert many.count("1,000") == 2
