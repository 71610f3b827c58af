"""Heuristics as a file, patterns that cannot hang, and labels of heuristics that never stand above those of people."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from dovetail.errors import InputError
from dovetail.labels.agree import agreement, conflicts, gold_scores, settled
from dovetail.labels.heuristics import ByPattern, ByWords, join, proof
from dovetail.labels.rules import Rule, check, parse, rewritten, written
from dovetail.labels.said import HEURISTICS, Answer, Suggestion, classes
from dovetail.labels.store import LabelStore, Wanted

FILE = r"""# ours
format = 1

# found by Ann
[[heuristic]]
name = "charges"
table = "tickets"
class = "billing"
pattern = 'charge[ds]?\b'

[[heuristic]]
name = "parcels"   # whole words
table = "tickets"
column = "body"
class = "shipping"
words = ["parcel", "lost post"]
on = false
"""
NAMES = Rule("names", "tickets", names={"billing": "money", "a 'b' \"c\"": "x\ty\\"}, sure=0.5)


def test_a_file_is_read_and_what_did_not_change_stays_with_its_comments() -> None:
    charges, parcels = parse(FILE, "file")
    assert (charges.kind, charges.pattern, charges.on) == ("pattern", r"charge[ds]?\b", True)
    assert (parcels.words, parcels.column, parcels.on) == (("parcel", "lost post"), "body", False)
    more = rewritten(FILE, (charges, parcels, NAMES))
    assert more.startswith(FILE)
    assert parse(more, "file") == (charges, parcels, NAMES)
    less = rewritten(more, (parcels, NAMES))
    assert "# whole words" in less
    assert "# ours" in less
    assert "found by Ann" not in less
    turned = rewritten(FILE, (charges, Rule(**{**vars(parcels), "on": True})))
    assert "# found by Ann" in turned
    assert "on = false" not in turned


def test_blocks_that_are_indented_keep_their_comments() -> None:
    indented = "".join(f"    {line}\n" if line else "\n" for line in FILE.splitlines()).replace("[[h", "[[ h")
    charges, parcels = parse(indented, "file")
    more = rewritten(indented, (charges, parcels, NAMES))
    assert more.startswith(indented)
    less = rewritten(more, (charges, NAMES))
    assert "    # found by Ann" in less
    assert "whole words" not in less


def test_what_cannot_be_kept_line_by_line_is_written_anew() -> None:
    rule = Rule("x", "t", "c", words=("[[heuristic]]", "\n[[heuristic]]\n"))
    assert parse(rewritten(FILE, (rule,)), "file") == (rule,)
    assert parse(rewritten("", (rule,)), "file") == (rule,)
    assert written(Rule("x", "t", "c", pattern=r"\d")).count("pattern = '\\d'") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[heuristic]]\nname = 3", "name of heuristic '3' is 3, which is no text"),
        ("[[heuristic]]\nname = 'a'\ntable = 't'\nclass = 'c'", "has none of them; give it one of pattern, words"),
        ("[[heuristic]]\nname = 'a'\ntable = 't'\nwords = ['x']", "no class to give"),
        ("[[heuristic]]\nname = 'a'\nevil = 't'", "has evil, which means nothing"),
        ("[[heuristic]]\nname = 'a'\ntable = 't'\nnames = { b = 'c' }", "names 1 class"),
        ("[[heuristic]\n", "not understood"),
        ("format = 9", "of the format 9"),
        ("heuristic = 1", "no list"),
        ("[[heuristics]]\nname = 'a'", r"holds heuristics, which means nothing; .* begins with \[\[heuristic\]\]"),
        (FILE + FILE.replace("format = 1", ""), "two heuristics named 'charges'"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse(text, "heuristics.toml")


def test_limits() -> None:
    with pytest.raises(InputError, match="more than 500 characters"):
        check(Rule("a", "t", "c", pattern="x" * 501))
    with pytest.raises(InputError, match="more than 1,000 words"):
        check(Rule("a", "t", "c", words=("w",) * 1_001))


def test_patterns_and_words_in_all_alphabets() -> None:
    texts = ["Die GRÖSSE passt", "größe!", "Vergrößerung", "a parcel", "parcels", "the  lost post", "c++ (new)", ""]
    assert ByPattern("p", "größe", "x").found(texts).tolist() == [0, 1, 1, 0, 0, 0, 0, 0]
    assert ByWords("w", ("Größe", "parcel", "c++"), "x").found(texts).tolist() == [0, 1, 0, 1, 0, 0, 1, 0]
    assert ByWords("w", ("b a",), "x").marks("b A, xb a, b a") == [(0, 3), (11, 14)]
    assert ByPattern("p", "ö.|p", "x").marks("größe post") == [(2, 4), (6, 7)]
    assert ByPattern("p", "a", "x").marks("a\ue000a") == []


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(.*)*x", r"([a-z]+)*[0-9]", r"^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_patterns_that_would_go_back_and_forth_for_ever_are_quick(pattern: str) -> None:
    found = ByPattern("p", pattern, "x").found(["a" * 5_000 + "!"] * 20)
    assert len(found) == 20, "this ends at all"


def test_patterns_that_are_not_understood_or_take_too_long() -> None:
    for pattern, said in {
        "(": "not understood",
        "(?=a)b": "no look-around",
        r"(a)\1": "no back-references",
        "a*": "found in an empty text",
        " ": "has no pattern",
        r"café\b": "list of words",
        r"x\C": "a dot stands for any character",
        r"(\pL{1000}|x)y": "too large",
    }.items():
        with pytest.raises(InputError, match=said):
            ByPattern("p", pattern, "x").found(["a"])
    with pytest.raises(InputError, match=r"too long: \d+ of 2,000 rows in 0 seconds"):
        ByPattern("p", "x", "x", seconds=0).found(["a"] * 2_000)


def test_rules_that_never_meet_do_not_talk_each_other_down() -> None:
    votes = np.full((300, 3), -1)
    votes[:90, 0], votes[90:220, 1], votes[220:280, 2] = 0, 1, 2
    joined = join(votes, ("billing", "shipping", "login"))
    np.testing.assert_allclose(joined.probability[[0, 100, 230]], 0.55 * np.eye(3) + 0.15)
    assert [s.trust for s in joined.scores] == pytest.approx([0.7] * 3)
    hand = np.full(300, -1)
    hand[:40], hand[90:130], hand[220:230] = 0, 0, 2
    taught = join(votes, ("billing", "shipping", "login"), label=hand)
    assert taught.scores[0].trust > 0.9
    assert taught.scores[1].trust < 0.2
    assert taught.probability[150].argmax() == 0


def test_proof_is_of_hand_labels_that_did_not_judge_themselves() -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 2, 400)
    votes = np.where(rng.uniform(size=400) < 0.6, true, 1 - true)[:, None]
    right, checked = proof(votes, ("a", "b"), true)
    assert checked == 400
    assert right / checked == pytest.approx(0.6, abs=0.06)
    assert proof(votes, ("a", "b"), np.full(400, -1)) == (0, 0)
    assert proof(np.full((3, 1), -1), ("a", "b"), np.array([0, 1, 0])) == (0, 0)


def test_many_texts_are_joined() -> None:
    rng = np.random.default_rng(0)
    votes = rng.integers(-1, 4, (50_000, 5))
    joined = join(votes, tuple("abcd"))
    assert joined.probability.shape == (50_000, 4)
    slow = join(np.concatenate([votes[:300]] * 2), tuple("abcd")).probability
    np.testing.assert_allclose(slow[:300], slow[300:])


def test_the_most_probable_class_is_known_without_all_of_them() -> None:
    rng = np.random.default_rng(0)
    votes = np.where(rng.uniform(size=(2_000, 6)) < 0.4, rng.integers(0, 5, (2_000, 6)), -1)
    hand = np.where(rng.uniform(size=2_000) < 0.1, rng.integers(0, 5, 2_000), -1)
    for label in (None, hand):
        joined = join(votes, tuple("abcde"), label=label)
        np.testing.assert_allclose(joined.probability.sum(axis=1), 1)
        assert (joined.best == joined.probability.argmax(axis=1)).all()
        np.testing.assert_array_equal(joined.surest, joined.probability.max(axis=1))
    assert (joined.best[hand >= 0] == hand[hand >= 0]).all()


def test_many_classes_need_no_more_memory_than_votes() -> None:
    rng = np.random.default_rng(0)
    classes_ = tuple(map(str, range(1_000)))
    votes = np.where(rng.uniform(size=(20_000, 4)) < 0.1, rng.integers(0, 1_000, (20_000, 4)), -1)
    hand = np.where(rng.uniform(size=20_000) < 0.01, votes.max(axis=1), -1)
    tracemalloc.start()
    joined = join(votes, classes_, label=hand)
    right, checked = proof(votes, classes_, hand)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert joined.best.shape == (20_000,)
    assert 0 < right <= checked == (hand >= 0).sum()
    assert peak < 40e6, "all classes of all texts alone would take 160 MB"


def answers(values: dict[str, str]) -> list[Answer]:
    return [Answer(classes(row, v, task="t"), Suggestion((v,), 0.9, "heuristics")) for row, v in values.items()]


def test_labels_of_heuristics_are_replaced_and_taken_back_whole(tmp_path: Path) -> None:
    wanted = Wanted("class", "t", HEURISTICS)
    with LabelStore(tmp_path / "labels.sqlite") as store:
        store.say([classes("a", "mine", task="t")], person="Ann")
        assert store.replace(answers({"a": "x", "b": "x"}), wanted, session="one") == (2, 0)
        before = store.current(wanted)
        assert store.replace(answers({"b": "y", "c": "x"}), wanted, session="two") == (2, 1)
        assert {e.label.rows[0].id: e.label.value for e in store.current(wanted)} == {"b": ("y",), "c": ("x",)}
        assert store.replace(answers({"b": "y", "c": "x"}), wanted, session="two") == (0, 0)
        store.replace([Answer(e.label, e.suggestion) for e in before], wanted, session="three")
        now = {e.label.rows[0].id: (e.label.value, e.suggestion) for e in store.current(wanted)}
        assert now == {e.label.rows[0].id: (e.label.value, e.suggestion) for e in before}
        assert store.replace([], wanted, session="four")[0] == 0
        assert store.current(wanted) == []
        assert [e.person for e in store.current()] == ["Ann"]


def test_people_go_before_heuristics(tmp_path: Path) -> None:
    with LabelStore(tmp_path / "labels.sqlite") as store:
        store.say([classes("a", "mine", task="t")], person="Ann")
        store.replace(answers({"a": "x", "b": "x"}), Wanted("class", "t", HEURISTICS), session="one")
        store.say([Answer(classes("b", "y", task="t"), gold=True)], person="Bo")
        store.replace(answers({"a": "x", "b": "x", "c": "x"}), Wanted("class", "t", HEURISTICS), session="two")
        events = store.current()
    found = {label.rows[0].id: label.value for label in settled(events)}
    assert found == {"a": ("mine",), "b": ("y",), "c": ("x",)}
    assert conflicts([e for e in events if not e.gold]) == []
    assert [a.subjects for a in agreement(events)] == [0]
    assert gold_scores(events) == []
