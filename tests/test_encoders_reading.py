"""Records as token lists: budgets are fair, and marks say what both sides share."""

from __future__ import annotations

import numpy as np
import pytest

from dovetail.encoders.pretrained import tokenizer_of
from dovetail.encoders.reading import MARKS, Passage, passages, sheet
from dovetail.encoders.static import SHIPPED
from dovetail.tables.read import read
from dovetail.tasks.records import records_of
from dovetail.types import Records


def _records(rows: list[dict[str, str]]) -> Records:
    return records_of([read(rows, name="goods")])


@pytest.fixture(scope="module")
def read_two() -> list[Passage]:
    long = "a very long description of a machine that grinds " * 20
    rows = [{"title": f"mixer kx{i}", "text": long, "price": f"{i}.50"} for i in range(30)]
    return passages(_records(rows), tokenizer_of(SHIPPED), 32)


def test_short_values_stay_whole_and_the_long_one_is_cut(read_two: list[Passage]) -> None:
    assert {len(p.tokens) for p in read_two} == {32}
    tokenizer = tokenizer_of(SHIPPED)
    said = tokenizer.decode(read_two[7].tokens.tolist())
    assert "mixer" in said
    assert "7" in said


def test_a_word_of_one_record_is_rarer_than_one_of_all() -> None:
    rows = [{"title": f"mixer {name}"} for name in ("anna", "berta", "clara", "dora", "emma", "frida", "gerda")]
    found = passages(_records(rows), tokenizer_of(SHIPPED), 32)[0]
    by_word = dict(zip(found.words.tolist(), found.rare.tolist(), strict=True))
    assert sorted(by_word.values()) == [0, 2]


def test_marks_part_shared_words_from_others() -> None:
    rows = [{"title": "mixer kx9 red"}, {"title": "mixer kx7 red"}]
    a, b = passages(_records(rows), tokenizer_of(SHIPPED), 32)
    found = sheet([a], [b])
    width = found.tokens.shape[1]
    assert width == len(a.tokens) + len(b.tokens) + 3
    assert found.mask.sum() == width
    assert found.mark.max() < MARKS
    shared = (found.mark - 1) // 3
    inside = found.mark > 0
    assert set(shared[inside].tolist()) >= {0, 2}  # kx9 against kx7, and mixer against mixer
    assert found.mark[0, 0] == 0


def test_an_empty_record_is_read_as_nothing() -> None:
    rows = [{"title": "mixer", "note": "x"}, {"title": "", "note": ""}]
    found = passages(_records(rows), tokenizer_of(SHIPPED), 16)
    assert len(found[1].tokens) == 0
    assert np.isfinite(sheet([found[0]], [found[1]]).tokens).all()
