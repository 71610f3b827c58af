"""A second look at a folder: damage is said in a sentence, and a run without labels leaves no taught matcher behind."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest

import dovetail as dt
from dovetail.errors import InputError, WorkspaceError
from dovetail.jobs.look import explain_pair
from dovetail.workspace import Workspace

WORDS = ["red", "green", "blue", "iron", "oak", "steel", "lamp", "chair", "table", "fork", "spoon", "rope", "hook"]


def _table(letter: str) -> pa.Table:
    draw = random.Random(4)
    names = [" ".join(draw.sample(WORDS, 4)) for _ in range(24)]
    return pa.table({"id": [f"{letter}{i}" for i in range(24)], "name": names})


def _labels() -> pa.Table:
    pairs = [(f"a{i}", f"b{i}", "match") for i in range(10)] + [(f"a{i}", f"b{i + 9}", "not") for i in range(10)]
    return pa.table(dict(zip(("left_id", "right_id", "label"), map(list, zip(*pairs, strict=True)), strict=True)))


def test_a_run_without_labels_leaves_no_taught_matcher(tmp_path: Path) -> None:
    out = tmp_path / "out"
    dt.integrate(_table("a"), _table("b"), labels=_labels(), out=out)
    assert Workspace(out).latest("fit") is not None
    merged = dt.integrate(_table("a"), _table("b"), out=out)
    assert Workspace(out).latest("fit") is None
    best = {(m["left_id"], m["right_id"]): m["score"] for m in merged.matches.to_pylist()}
    assert explain_pair(out, "a1", "b1").score == pytest.approx(best["a1", "b1"], abs=1e-6)


@pytest.mark.parametrize("damaged", ["align/original.arrow", "block/step.json", "match/scores.arrow"])
def test_a_damaged_step_is_said_and_mended_by_the_same_command(tmp_path: Path, damaged: str) -> None:
    out = tmp_path / "out"
    dt.integrate(_table("a"), _table("b"), out=out)
    whole = explain_pair(out, "a1", "b1").score
    (out / "steps" / damaged).write_bytes(b"garbage")
    with pytest.raises(WorkspaceError, match=rf"the step {damaged.split('/')[0]} in .* is damaged; type the same"):
        explain_pair(out, "a1", "b1")
    dt.integrate(_table("a"), _table("b"), out=out)
    assert explain_pair(out, "a1", "b1").score == pytest.approx(whole, abs=1e-9)


def test_pairs_that_name_one_source_only_are_refused() -> None:
    half = {"left_source": ["table", None], "left_id": ["a1", "a2"], "right_source": ["table 2", "table 2"]}
    labels = pa.table(half | {"right_id": ["b1", "b2"], "label": ["match", "not"]})
    with pytest.raises(InputError, match="1 pairs name the source of one row only; fill in left_source"):
        dt.integrate(_table("a"), _table("b"), labels=labels)
