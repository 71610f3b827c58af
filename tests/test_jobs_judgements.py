"""What a person wrote into review.csv is never lost to the next run, and not asked again."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pyarrow as pa
import pytest

import dovetail as dt
from dovetail.errors import InputError
from dovetail.jobs.judgements import judgements, with_judgements

WORDS = ["red", "green", "blue", "iron", "oak", "steel", "lamp", "chair", "table", "fork", "spoon", "rope", "hook"]


@pytest.fixture
def shops(tmp_path: Path) -> tuple[Path, Path]:
    draw = random.Random(4)
    names = [" ".join(draw.sample(WORDS, 4)) for _ in range(40)]
    left, right = tmp_path / "left.csv", tmp_path / "right.csv"
    left.write_text("id,name\n" + "".join(f"a{i},{n}\n" for i, n in enumerate(names)), encoding="utf-8")
    worn = [" ".join(n.split()[: 3 if i % 3 else 4]) for i, n in enumerate(names)]
    right.write_text("id,name\n" + "".join(f"b{i},{n}\n" for i, n in enumerate(worn)), encoding="utf-8")
    return left, right


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


def _pair(line: dict[str, str]) -> tuple[str, str]:
    return line["left_id"], line["right_id"]


def _judge(path: Path, most: int) -> dict[tuple[str, str], str]:
    """Fill in the first `most` labels, every other a match, with a remark in a column of one's own."""
    lines = _lines(path)
    for i, line in enumerate([line for line in lines if not line["label"]][:most]):
        line["label"] = ("match", "not")[i % 2]
        line["remark"] = "seen"
    with path.open("w", encoding="utf-8", newline="") as out:
        rows = csv.DictWriter(out, [*lines[0], *([] if "remark" in lines[0] else ["remark"])])
        rows.writeheader()
        rows.writerows(lines)
    return {_pair(line): line["label"] for line in lines if line["label"]}


def test_judgements_outlive_runs_and_add_up(shops: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    dt.integrate(*shops, out=out)
    review = out / "review.csv"
    assert len(_lines(review)) >= 10
    said = _judge(review, 6)
    again = dt.integrate(*shops, out=out)  # labels are not handed in, and stay all the same
    assert {_pair(x): x["label"] for x in _lines(review) if x["label"]} == said
    assert again.run["review_pairs"] == len(_lines(review)) - 6
    taught = dt.integrate(*shops, labels=review, out=out)
    lines = _lines(review)
    assert {_pair(x): x["label"] for x in lines if x["label"]} == said
    assert [bool(x["label"]) for x in lines] == [False] * (len(lines) - 6) + [True] * 6
    assert {x["remark"] for x in lines[-6:]} == {"seen"}
    assert taught.run["review_pairs"] == len(lines) - 6
    more = _judge(review, 2)
    dt.integrate(*shops, labels=review, out=out)
    assert {_pair(x): x["label"] for x in _lines(review) if x["label"]} == more
    assert len(more) == min(8, len(lines))


def test_a_broken_review_is_not_written_over(shops: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    dt.integrate(*shops, out=out)
    broken = (out / "review.csv").read_text(encoding="utf-8") + "left,a1,match\n"
    (out / "review.csv").write_text(broken, encoding="utf-8")
    with pytest.raises(InputError, match=r"review\.csv may hold judgements .* Mend it, or move it out of"):
        dt.integrate(*shops, out=out)
    assert (out / "review.csv").read_text(encoding="utf-8") == broken


def test_labels_return_to_their_pair_whichever_side_comes_first(tmp_path: Path) -> None:
    (tmp_path / "review.csv").write_text(
        "left_source;left_id;right_source;right_id;label\nr;2;l;1;not\nl;5;r;6;unsure\nl;7;r;8; \n", encoding="utf-8"
    )
    review = pa.table(
        {"left_source": ["l", "l"], "left_id": ["9", "1"], "right_source": ["r", "r"], "right_id": ["9", "2"],
         "score": [0.5, 0.4], "label": pa.nulls(2, pa.string())}
    )  # fmt: skip
    found = with_judgements(review, judgements(tmp_path))
    assert found["label"].to_pylist() == [None, "not", "unsure"]
    assert found["left_id"].to_pylist() == ["9", "1", "5"]
    assert found["score"].to_pylist() == ["0.5", "0.4", None]


def test_a_folder_without_judgements_changes_nothing(tmp_path: Path) -> None:
    review = pa.table({"label": pa.nulls(1, pa.string())})
    assert judgements(tmp_path) == {}
    (tmp_path / "review.csv").write_text("left_source,left_id,right_source,right_id,label\n", encoding="utf-8")
    assert judgements(tmp_path) == {}
    assert with_judgements(review, {}) is review
