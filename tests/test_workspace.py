"""The folder on disk: steps come back as they were, broken and foreign things are met in plain words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dovetail.errors import WorkspaceError
from dovetail.integrate.align import Alignment, align
from dovetail.tasks.match import Matcher
from dovetail.types import BlockPlan, Candidates, Clusters, Decisions, Fused, Interval, Table, finish
from dovetail.workspace import Workspace, as_json_text, digest, open_workspace

PAIRS = Candidates(np.array([0, 0, 2], np.int32), np.array([1, 3, 3], np.int32))
PLAN = BlockPlan(4, 3, 3, Interval(0.9, 0.8, 0.95), 1_000, "few rows", {"seed": 0})
DECISIONS = Decisions(PAIRS, np.array([0.9, 0.1, 0.5]), 0.5, 0.3, 0.7, "the matcher that ships", True)
CLUSTERS = Clusters(np.array([0, 0, 1, 1], np.int32), pa.array(["e-1", "e-2"]), "components", "few pairs")
FUSED = Fused(
    pa.table({"cluster_id": ["e-1", "e-2"]}), pa.table({"column": ["name"], "rule": ["longest"]}), {"name": 1}
)


def _same(found: Any, kept: Any) -> None:
    """Equal field by field, arrays and tables included."""
    assert type(found) is type(kept)
    for name, value in vars(kept).items():
        other = getattr(found, name)
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(other, value)
            assert other.dtype == value.dtype
        elif isinstance(value, pa.Table | pa.Array):
            assert other.equals(value), name
        elif isinstance(value, Candidates):
            _same(other, value)
        else:
            assert other == value, name


@pytest.mark.parametrize("result", [PLAN, PAIRS, DECISIONS, CLUSTERS, FUSED], ids=lambda r: type(r).__name__)
def test_a_kept_step_comes_back_as_it_was(tmp_path: Path, result: object) -> None:
    steps = open_workspace(tmp_path / "out").steps({})
    assert steps.recall("some") is None
    steps.keep("some", result)
    _same(open_workspace(tmp_path / "out").steps({}).recall("some"), result)


def test_an_alignment_comes_back_as_it_was(tmp_path: Path, products: tuple[Table, Table]) -> None:
    kept = finish(align(products))
    workspace = open_workspace(tmp_path / "out")
    workspace.steps({}).keep("align", kept)
    found = workspace.latest("align")
    assert isinstance(found, Alignment)
    assert found.mappings == kept.mappings
    _same(found.records, kept.records)


def test_a_matcher_comes_back_and_scores_the_same(tmp_path: Path, people: Table) -> None:
    workspace = open_workspace(tmp_path / "out")
    workspace.steps({}).keep("fit", Matcher.shipped())
    found = workspace.latest("fit")
    assert isinstance(found, Matcher)
    records = finish(align([people])).records
    pairs = Candidates(np.array([0, 0], np.int32), np.array([1, 2], np.int32))
    expected = finish(Matcher.shipped().score(records, pairs))
    np.testing.assert_allclose(finish(found.score(records, pairs)), expected)


def test_a_step_is_recalled_only_where_all_before_it_is_the_same(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "out")

    def recalled(**inputs: object) -> list[bool]:
        steps = workspace.steps(inputs)
        return [steps.recall(name) is not None for name in ("plan", "block", "match")]

    steps = workspace.steps({"plan": 1, "match": 0.5})
    for name, result in (("plan", PLAN), ("block", PAIRS), ("match", DECISIONS)):
        steps.recall(name)
        steps.keep(name, result)
    assert recalled(plan=1, match=0.5) == [True, True, True]
    assert recalled(plan=1, match=0.6) == [True, True, False]
    assert recalled(plan=2, match=0.5) == [False, False, False]


@pytest.mark.parametrize(
    "damage", ["missing array", "broken json", "empty json", "newer format", "cut array", "strange type"]
)
def test_a_broken_step_is_done_again(tmp_path: Path, damage: str) -> None:
    workspace = open_workspace(tmp_path / "out")
    steps = workspace.steps({})
    steps.recall("block")
    steps.keep("block", PAIRS)
    home = workspace.folder / "steps" / "block"
    note, array = home / "step.json", home / "pairs.arrow"
    said = json.loads(note.read_text())
    if damage == "missing array":
        array.unlink()
    elif damage == "cut array":
        array.write_bytes(array.read_bytes()[:40])
    else:
        texts = {
            "broken json": "{",
            "empty json": "{}",
            "newer format": json.dumps(said | {"format": 99}),
            "strange type": json.dumps(said | {"type": "Unheard"}),
        }
        note.write_text(texts[damage])
    assert workspace.steps({}).recall("block") is None


def test_keeping_again_replaces_and_nothing_is_left_beside(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "out")
    for result in (PAIRS, Candidates(PAIRS.left[:1], PAIRS.right[:1])):
        workspace.steps({}).keep("block", result)
    found = workspace.latest("block")
    assert isinstance(found, Candidates)
    assert len(found) == 1
    assert [p.name for p in (workspace.folder / "steps").iterdir()] == ["block"]


def test_half_written_steps_are_swept(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "out")
    left = workspace.folder / "steps" / ".match-abc"
    left.mkdir(parents=True)
    (left / "scores.arrow").write_bytes(b"half")
    steps = workspace.steps({})
    steps.sweep()
    assert not left.exists()
    assert steps.recall("match") is None
    assert workspace.latest("match") is None


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("mine")
    with pytest.raises(WorkspaceError, match="not Dovetail's"):
        open_workspace(tmp_path)
    with pytest.raises(WorkspaceError, match="is a file"):
        open_workspace(tmp_path / "thesis.doc")
    assert (tmp_path / "thesis.doc").read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"format": 99}', "was written in format 99, this version reads up to 1"),
        ("{", "cannot be read"),
        ("[]", "cannot"),
    ],
)
def test_a_newer_or_broken_folder_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "workspace.json").write_text(text)
    with pytest.raises(WorkspaceError, match=message):
        open_workspace(tmp_path)


def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    mark = open_workspace(tmp_path / "out").folder / "workspace.json"
    before = mark.read_bytes()
    open_workspace(tmp_path / "out")
    assert mark.read_bytes() == before
    assert json.loads(before)["format"] == 1


def test_two_writers_never_share_a_folder(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "out")
    with (
        workspace.locked(),
        pytest.raises(WorkspaceError, match="another dovetail is writing"),
        Workspace(tmp_path / "out").locked(),
    ):
        pass
    with Workspace(tmp_path / "out").locked():
        pass  # free again


def test_a_killed_writer_leaves_no_lock(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom dovetail.workspace import Workspace\n"
        "with Workspace(sys.argv[1]).locked():\n    os.kill(os.getpid(), 9)\n"
    )
    died = subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")], check=False)
    assert died.returncode == -9
    with Workspace(tmp_path / "out").locked():
        pass


def test_digests_tell_inputs_apart() -> None:
    assert digest("a", 1) == digest("a", 1)
    assert digest({"x": 1, "y": 2}) == digest({"y": 2, "x": 1})
    assert len({digest("ab", ""), digest("a", "b"), digest("a", None), digest("a", "None")}) == 4
    assert len(digest("\ud800")) == 32


def test_digests_see_every_value_of_a_long_array() -> None:
    labels = np.zeros(5_000, np.int8)
    before = digest([labels])
    labels[2_500] = 1
    assert digest([labels]) != before


def test_results_become_json() -> None:
    found = json.loads(
        as_json_text({"i": Interval(0.5, 0.4, 0.6), "n": np.int32(3), "a": np.arange(2), "p": Path("x")})
    )
    assert found == {"i": {"value": 0.5, "low": 0.4, "high": 0.6}, "n": 3, "a": [0, 1], "p": "x"}
