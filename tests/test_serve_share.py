"""The shared folder: one page and its cards, no script, no request, and what changed since the last time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from made_workbench import served, workspace

from dovetail.errors import InputError
from dovetail.labels.said import Answer as Said
from dovetail.labels.said import Row, Suggestion, pair
from dovetail.serve.share import share


def test_a_workspace_is_shared_and_shared_again(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    first = share(folder, tmp_path / "out")
    page = (first / "index.html").read_text()
    assert "first time" in page
    assert (first / "report.html").is_file()
    with served(folder) as (_, bench):
        view = bench.tables.get("records")
        rows = [Row(str(view.ids[n].as_py()), view.source(n)) for n in (0, 130)]
        label = Said(pair(rows[0], rows[1], "not"), Suggestion("match", 0.9, "pairs 0"))
        bench.ledger.store.say([label], person="<b>ada</b>")
    page = (share(folder, tmp_path / "out") / "index.html").read_text()
    assert re.search(r"labels</td>.*?0.*?1.*?\+1", page, re.DOTALL)
    assert "the model thought otherwise" in page
    assert "<b>ada" not in page
    assert "<script" not in page
    assert not re.search(r'(src|href)="(https?:)?//', page)


def test_a_folder_of_others_is_left_alone(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(InputError, match="not of a shared folder"):
        share(folder, tmp_path / "mine")
