"""One form of a share, wherever people read one."""

from __future__ import annotations

import re
from pathlib import Path

from dovetail.measure.percent import percent, within
from dovetail.tables.faults import percent as percent_of_tables
from dovetail.types import Interval

ROOMS = ("labels", "serve", "jobs", "tables", "integrate", "training")


def test_tables_write_the_same() -> None:
    assert [percent_of_tables(x, d) for x, d in ((0.924, 1), (0.5, 0))] == ["92.4 %", "50 %"]


def test_one_form() -> None:
    assert (percent(0.924), percent(0.5, 0), percent(-0.012), percent(float("nan"))) == (
        "92.4 %",
        "50 %",
        "-1.2 %",
        "unknown",
    )
    assert within(Interval(0.924, 0.9, 0.94), 0) == "92 % (90 to 94 %)"
    assert within(Interval(*[float("nan")] * 3)) == "unknown"


def test_no_other_form_is_written_by_these_rooms() -> None:
    home = Path(__file__).resolve().parent.parent / "dovetail"
    files = [f for room in ROOMS for f in (home / room).glob("*.py")]
    files += [f for f in (home / "tasks").glob("*.py") if not f.name.startswith("search")]
    files += [*(home / "cli").glob("*classify*.py"), home / "cli" / "merge.py"]
    assert len(files) > 170
    glued = re.compile(r":\.\d%\}|\d%[ ,.;)\"]")
    assert [f.name for f in files if glued.search(f.read_text(encoding="utf-8"))] == []
