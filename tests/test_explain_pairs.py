from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_report import MATCHED, REFUSED, UNCERTAIN, explained

from dovetail.errors import InputError
from dovetail.explain.pairs import as_percent, differences, signed, smallest_change, to_dict, to_lines
from dovetail.tasks.match_explain import Precedents


def unshared(segments):
    return [s.text for s in segments if not s.shared]


def test_lines_name_each_attribute_and_add_up():
    lines = to_lines(MATCHED)
    assert len(lines) == 2 + 4 + 2
    assert lines[2].startswith("name ")
    assert lines[2].endswith(" 78 %    +3.9")
    assert lines[-1].startswith("base −2.1  name +3.9")
    assert lines[-1].endswith("=  +2.9  →  95 %")


def test_lines_carry_no_escape_codes():
    evil = explained(0.0, ("name", "\x1b[31mred\x07", "a\nb\tc", 0.0, 0.0))
    text = "\n".join(to_lines(evil))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "a b c" in text


def test_dict_is_json_and_sums_to_the_score():
    found = json.loads(json.dumps(to_dict(UNCERTAIN)))
    total = found["base"] + sum(e["importance"] for e in found["evidence"])
    assert total == pytest.approx(found["log_odds"], abs=1e-12)
    assert 1 / (1 + math.exp(-total)) == pytest.approx(found["score"], abs=1e-12)
    assert found["evidence"][1]["right"] is None


@pytest.mark.parametrize(
    ("score", "shown"),
    [(0.5, "50 %"), (0.995, "99.5 %"), (0.99999, "> 99.9 %"), (0.00001, "< 0.1 %"), (0.004, "0.4 %")],
)
def test_percent_never_claims_certainty(score, shown):
    assert as_percent(score) == shown


def test_signs():
    assert [signed(v) for v in (1.25, -0.31, 0.01, -0.04)] == ["+1.2", "−0.3", "0.0", "0.0"]


def test_differences_mark_numbers_whole():
    left, right = differences("Lumix DMC-FX35 10 MP", "lumix dmc FX33 8 mp")
    assert unshared(left) == ["35", "10"]
    assert unshared(right) == ["33", "8"]


def test_differences_mark_letters_of_near_words_and_ignore_order():
    left, right = differences("Smith, Jonathon", "Jonathan Smith")
    assert unshared(left) == ["o"]
    assert unshared(right) == ["a"]


def test_differences_keep_a_minus():
    left, right = differences("-5", "5")
    assert unshared(left) == ["-5"]
    assert unshared(right) == ["5"]


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_differences_join_to_the_values(a, b):
    left, right = differences(a, b)
    assert "".join(s.text for s in left) == a
    assert "".join(s.text for s in right) == b
    assert all(s.shared for s in differences(a, a)[0])


def test_differences_of_long_texts_do_not_hang():
    left, _ = differences("word " * 50_000, "other " * 50_000)
    assert [s.shared for s in left] == [False]


def test_smallest_change_is_the_least_that_turns_the_decision():
    change = smallest_change(UNCERTAIN, 0.52)
    assert change is not None
    assert change.name == "maker"
    assert change.score == pytest.approx(1 / (1 + math.exp(0.2)))
    assert change.score < 0.52
    assert smallest_change(REFUSED, 0.52) is None
    turned = smallest_change(explained(0.0, ("a", "x", "y", 0.0, -1.0), ("b", "x", "x", 1.0, 0.5)), 0.5)
    assert turned is not None
    assert turned.name == "a"
    assert turned.score > 0.5


@pytest.mark.parametrize("threshold", [0.0, 1.0, -2.0])
def test_smallest_change_refuses_what_is_no_threshold(threshold):
    with pytest.raises(InputError, match="between 0 and 1"):
        smallest_change(MATCHED, threshold)


def test_precedents_are_those_weighed_alike():
    known = [explained(0.0, ("a", "x", "y", 0.0, a), ("b", "x", "x", 1.0, b)) for a, b in ((2.0, 1.0), (-2.0, 0.5))]
    held = Precedents(
        ("a", "b"), np.array([[2, 1], [-2, 0.5]], np.float32), np.array([1, 0], np.int8), ("p", "q"), ("r", "s")
    )
    found = held.nearest(known, k=5)
    assert [[(p.left_id, p.right_id, p.label) for p in near] for near in found] == [
        [("p", "r", 1), ("q", "s", 0)],
        [("q", "s", 0), ("p", "r", 1)],
    ]
    assert found[0][0].distance == pytest.approx(0.0, abs=1e-6)
    assert found[0][1].distance == pytest.approx(math.sqrt((16 + 0.25) / 2))
    assert Precedents.none().nearest(known) == [(), ()]
