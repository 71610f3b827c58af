"""`dovetail fit match`, `predict` and `evaluate` from files to files."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.csv as pc_csv
import pytest
from conftest import Said
from made_catalogues import catalogues

from dovetail.cli.progress import shown
from dovetail.errors import InputError
from dovetail.tables.read import read
from dovetail.tasks.match import Matcher
from dovetail.types import Progress

NORTH, SOUTH, PAIRS = catalogues(24)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """north.csv, south.csv, few.csv (judged pairs to learn from) and test.csv, with ids that are found without help."""
    pc_csv.write_csv(NORTH.data, tmp_path / "north.csv")
    pc_csv.write_csv(SOUTH.data.rename_columns(["id", "product", "brand", "cost"]), tmp_path / "south.csv")
    assert PAIRS.label is not None
    rows = list(zip(PAIRS.left_ids.to_pylist(), PAIRS.right_ids.to_pylist(), PAIRS.label.tolist(), strict=True))
    for name, some in (("few", rows[::4]), ("test", rows[1::4])):
        lines = [f"{a},{b},{'match' if label else 'not'}" for a, b, label in some]
        (tmp_path / f"{name}.csv").write_text("\n".join(["left_id,right_id,label", *lines]) + "\n")
    return tmp_path


def test_from_labels_to_a_model_to_figures_to_scores(shop: Path, said: Said) -> None:
    north, south, model = shop / "north.csv", shop / "south.csv", shop / "model"
    code, out, _ = said("fit", "match", north, south, "--labels", shop / "few.csv", "--out", model, "--quiet", "--json")
    assert code == 0
    assert json.loads(out)["task"] == "match"
    assert (model / "card.md").is_file()
    code, out, _ = said("evaluate", model, north, south, "--labels", shop / "test.csv", "--out", shop / "r", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["overall"]["pairs"] == len((shop / "test.csv").read_text().splitlines()) - 1
    assert json.loads((shop / "r" / "evaluation.json").read_text())["threshold"] == found["threshold"]
    assert "<h1>" in (shop / "r" / "evaluation.html").read_text(encoding="utf-8")
    code, out, _ = said("predict", model, north, south, "--out", shop / "scored.csv", "--quiet")
    assert (code, out) == (0, "")
    scored = read(shop / "scored.csv")
    assert scored.columns == ("left_source", "left_id", "right_source", "right_id", "score", "verdict")
    scores = [float(s) for s in scored.data["score"].to_pylist()]
    assert scores == sorted(scores, reverse=True)
    code, out, _ = said("predict", model, north, south, "--pairs", shop / "test.csv", "--out", shop / "some.csv")
    assert code == 0
    assert "pairs scored" in out
    assert len(read(shop / "some.csv")) == found["overall"]["pairs"]


def test_what_cannot_be_done_is_said(shop: Path, said: Said) -> None:
    north, south = shop / "north.csv", shop / "south.csv"
    code, _, err = said("predict", shop, north, south, "--out", shop / "x.csv")
    assert (code, "holds no model" in err) == (2, True)
    (shop / "one.csv").write_text("left_id,right_id,label\nn1,s1,match\nn2,s2,match\nn3,s3,match\nn4,s4,match\n")
    code, _, err = said("fit", "match", north, south, "--labels", shop / "one.csv", "--out", shop / "m", "--quiet")
    assert (code, "all 4 labels say 'match'" in err) == (2, True)
    assert not (shop / "m").exists()
    code, _, err = said(
        "fit", "match", north, south, "--labels", shop / "few.csv", "--out", shop / "m", "--precision", "1.5", "-q"
    )
    assert (code, "setting precision" in err) == (2, True)


def test_places_to_write_to_are_checked_before_the_work(shop: Path, said: Said) -> None:
    north, south, few = shop / "north.csv", shop / "south.csv", shop / "few.csv"
    before = south.read_bytes()
    code, _, err = said("predict", shop / "model", north, south, "--out", south, "--quiet")
    assert (code, south.read_bytes()) == (2, before)
    assert "never written over" in err
    code, _, err = said("ask", north, south, "--out", north, "--quiet")
    assert (code, "never written over" in err) == (2, True)
    code, _, err = said("predict", shop / "model", north, south, "--out", shop, "--quiet")
    assert (code, "expected one of .csv" in err) == (
        2,
        True,
    )  # the model, which is not there, comes later
    for out in (few, few / "model"):
        code, _, err = said("fit", "match", north, south, "--labels", shop / "none.csv", "--out", out, "--quiet")
        assert (code, f"cannot be a folder, since {few} is a file" in err) == (2, True)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_trees_that_are_cut_short_are_refused_and_do_not_end_the_process(
    share: float, shop: Path, said: Said, tmp_path: Path
) -> None:
    model = Matcher.shipped().save(tmp_path / "cut")
    path = model / "portable.txt"
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: int(text.index("end of trees") * share)], encoding="utf-8")
    with pytest.raises(InputError, match=r"is damaged \(portable.txt is cut short\)"):
        Matcher.load(model)


def test_trees_with_a_changed_number_are_refused(tmp_path: Path) -> None:
    model = Matcher.shipped().save(tmp_path / "changed")
    path = model / "portable.txt"
    text = path.read_text(encoding="utf-8")
    at = text.index("leaf_value=") + len("leaf_value=")
    digit = next(i for i in range(at, len(text)) if text[i] in "12345678")
    path.write_text(f"{text[:digit]}{int(text[digit]) + 1}{text[digit + 1 :]}", encoding="utf-8")
    with pytest.raises(InputError, match=r"portable.txt is not what was saved"):
        Matcher.load(model)


def test_a_folder_that_cannot_be_written_is_refused_before_the_work(
    monkeypatch: pytest.MonkeyPatch, shop: Path, said: Said
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != shop)
    north, south = shop / "north.csv", shop / "south.csv"
    code, _, err = said("fit", "match", north, south, "--labels", shop / "none.csv", "--out", shop / "m", "--quiet")
    assert (code, f"nothing may be written to {shop}" in err) == (2, True)


def test_a_long_note_leaves_room_for_the_step_and_its_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with shown(quiet=False) as show:
        assert show is not None
        show(Progress("describe", 2, 2, "trees trained on 360 labelled pairs " * 4))
    line = capsys.readouterr().err
    assert line.startswith("describe ━━━")
    assert "100 %" in line
    assert "trees trained" in line
