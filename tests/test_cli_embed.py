"""The console with a similarity space: fit, evaluate, predict, from classes and from pairs."""

from __future__ import annotations

import csv
import importlib.util
import json
from pathlib import Path

import pytest
from conftest import Said

TOPICS = {"travel": "a flight to Rome in spring, row {}", "money": "my card was declined again, case {}"}
TRAIN = importlib.util.find_spec("torch") is not None


def written(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as lines:
        table = csv.DictWriter(lines, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def texts(start: int, count: int) -> list[dict[str, object]]:
    names = ["travel", "money"] * count
    return [{"id": start + i, "body": TOPICS[n].format(start + i), "queue": n} for i, n in enumerate(names[:count])]


@pytest.fixture
def model(tmp_path: Path, said: Said) -> Path:
    rows = [*texts(0, 40), {"id": 900, "body": "a hotel by the sea", "queue": ""}]
    source, out = written(tmp_path / "tickets.csv", rows), tmp_path / "topics"
    command = ("fit", "embed", source, "--text", "body", "--label", "queue", "--encoder", "static", "--out", out)
    code, shown, _ = said(*command)
    assert code == 0
    assert "too few to check on" in shown
    assert str(out) in shown
    return out


def test_evaluate_says_before_and_after(model: Path, tmp_path: Path, said: Said) -> None:
    more = written(tmp_path / "more.csv", [*texts(34, 60), {"id": 901, "body": "nobody knows", "queue": ""}])
    code, out, _ = said("evaluate", model, more, "--out", tmp_path / "page")
    assert code == 0
    assert "60 labelled texts, 6 of them learnt from" in out
    assert "R-precision" in out
    assert "nearest 1,000" not in out
    page = (tmp_path / "page" / "evaluation.html").read_text(encoding="utf-8")
    assert "A similarity space of 60 texts" in page
    code, out, _ = said("evaluate", model, more, "--json")
    assert json.loads(out)["learnt_from"] == 6
    code, _, err = said("evaluate", model, more, "--out", more)
    assert code == 2
    assert "cannot be a folder" in err
    code, _, err = said("evaluate", model, more, "--labels", "que")
    assert code == 2
    assert "did you mean 'queue'" in err


def test_predict_places_texts_and_names_the_nearest_label(model: Path, tmp_path: Path, said: Said) -> None:
    rows = [{"id": 1, "body": "a train to Rome", "map_x": "kept"}, {"id": 2, "body": "", "map_x": ""}]
    code, _, _ = said("predict", model, written(tmp_path / "new.csv", rows), "--out", tmp_path / "map.csv")
    assert code == 0
    found = rows_of(tmp_path / "map.csv")
    assert found[0]["nearest_label"] == "travel"
    assert found[0]["map_x"] == "kept"
    assert found[1]["nearest_label"] == ""
    code, _, _ = said("predict", model, written(tmp_path / "new.csv", rows[:1]), "--out", tmp_path / "again.csv")
    assert code == 0
    again = rows_of(tmp_path / "again.csv")[0]
    assert float(again["map_x_"]) == pytest.approx(float(found[0]["map_x_"]), rel=1e-4)  # one map for all


def test_options_that_do_not_belong_together(tmp_path: Path, said: Said) -> None:
    source = written(tmp_path / "tickets.csv", texts(0, 4))
    cases = {
        (): "give --text and --label",
        ("--text", "body"): "missing: --label",
        ("--left", "body", "--grade", "id"): "missing: --right",
        ("--text", "body", "--label", "queue", "--left", "body"): "give --text and --label",
        ("--text", "queue", "--label", "queue"): "cannot be the text",
        ("--left", "body", "--right", "queue", "--grade", "body"): "is no number",
    }
    for options, wanted in cases.items():
        code, _, err = said("fit", "embed", source, *options, "--encoder", "static", "--out", tmp_path / "x")
        assert code == 2
        assert wanted in " ".join(err.split())
        assert not (tmp_path / "x").exists()


@pytest.mark.skipif(not TRAIN, reason="torch is not installed: pip install 'dovetail[train]'")
def test_pairs_with_grades(tmp_path: Path, said: Said) -> None:
    one, other = TOPICS.values()
    pairs = [(one, one, 5), (other, other, 4.5), (one, other, 0), (other, one, 1)]
    rows = [{"one": a.format(i), "two": b.format(i + 7), "alike": g} for i in range(20) for a, b, g in pairs]
    source, out = written(tmp_path / "pairs.csv", rows), tmp_path / "alike"
    columns = ("--left", "one", "--right", "two", "--grade", "alike")
    code, shown, _ = said("fit", "embed", source, *columns, "--encoder", "static", "--out", out, "--json")
    assert code == 0
    assert json.loads(shown)["pairs"] == ["one", "two", "alike"]
    code, shown, _ = said("evaluate", out, source)
    assert code == 0
    assert "80 pairs" in shown
    code, _, _ = said("predict", out, source, "--out", tmp_path / "cosines.csv")
    found = rows_of(tmp_path / "cosines.csv")
    assert float(found[0]["cosine"]) > float(found[2]["cosine"])
