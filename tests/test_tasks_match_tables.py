"""The matcher's verbs on tables: fit, predict, evaluate, explain, save, load."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from made_catalogues import catalogues, judged, some

import dovetail as dt
from dovetail.errors import InputError
from dovetail.tasks.base import load_model, task_of
from dovetail.tasks.exposure import Seen, both_ways
from dovetail.tasks.judged import judged_pairs
from dovetail.tasks.labelled import labelled_pairs
from dovetail.tasks.match_tables import Matcher
from dovetail.tasks.records import records_of
from dovetail.types import Candidates, Pairs, Table

NORTH, SOUTH, PAIRS = catalogues()
LABEL = PAIRS.label
assert LABEL is not None
TAUGHT = np.arange(len(PAIRS)) % 4 != 3
TRAIN, TEST = some(PAIRS, TAUGHT), some(PAIRS, ~TAUGHT)


@pytest.fixture(scope="module")
def fitted() -> Matcher:
    return Matcher().fit(NORTH, SOUTH, TRAIN, effort="quick")


def test_given_pairs_are_scored_in_their_order(fitted: Matcher) -> None:
    scored = fitted.predict(NORTH, SOUTH, TEST)
    assert scored.left_ids.equals(TEST.left_ids)
    assert scored.score is not None
    assert TEST.label is not None
    assert scored.score[TEST.label == 1].mean() > 0.8
    assert scored.score[TEST.label == 0].mean() < 0.2
    turned = fitted.predict(NORTH, SOUTH, some(TEST, np.arange(len(TEST))[::-1]))
    assert turned.score == pytest.approx(scored.score[::-1])


def test_without_pairs_it_finds_its_own(fitted: Matcher) -> None:
    found = fitted.predict(NORTH, SOUTH)
    assert found.score is not None
    assert found.left_source is not None
    assert set(found.left_source.to_pylist()) == {"north"}
    matches = {
        (a, b)
        for a, b, s in zip(found.left_ids.to_pylist(), found.right_ids.to_pylist(), found.score, strict=True)
        if s >= fitted.threshold
    }
    true = {(f"n{i}", f"s{i}") for i in range(len(NORTH))}
    assert len(matches & true) > 0.85 * len(true)
    assert len(matches - true) < 0.15 * len(true)


def test_evaluation_has_intervals_and_parts_by_exposure(fitted: Matcher) -> None:
    found = fitted.evaluate(NORTH, SOUTH, TEST)
    assert found.overall.pairs == len(TEST)
    assert 0.8 < found.f1.value <= 1
    assert found.f1.low < found.f1.value <= found.f1.high
    assert 0 <= found.calibration_error < 0.2
    assert sum(part.pairs for part in found.by_exposure.values()) == len(TEST)
    assert [line.threshold for line in found.at] == sorted(line.threshold for line in found.at)
    assert found.at[0].recall.value >= found.at[-1].recall.value
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["overall"]["f1"]["value"] == pytest.approx(found.f1.value)
    assert "no record seen" in str(found) or "both records seen" in str(found)


def test_evaluation_on_training_labels_warns(fitted: Matcher) -> None:
    found = fitted.evaluate(NORTH, SOUTH, TRAIN)
    assert set(found.by_exposure) == {"seen"}
    assert any("word for word what a pair of the training labels" in w for w in found.warnings)


def test_explanations_add_up_and_show_precedents(fitted: Matcher) -> None:
    found = fitted.explain(NORTH, SOUTH, some(TEST, np.arange(20)))
    scored = fitted.predict(NORTH, SOUTH, some(TEST, np.arange(20)))
    assert len(found) == 20
    assert scored.score is not None
    for one, score in zip(found, scored.score, strict=True):
        odds = one.explanation.base + sum(e.importance for e in one.explanation.evidence)
        assert 1 / (1 + np.exp(-odds)) == pytest.approx(score, abs=1e-6)
        assert one.match == (score >= found.threshold)
        assert len(one.precedents) == 3
        assert [p.distance for p in one.precedents] == sorted(p.distance for p in one.precedents)
    alike = [p.label == one.match for one in found for p in one.precedents]
    assert np.mean(alike) > 0.8
    assert "labelled" in str(found[0])


def test_a_changed_value_turns_the_decision_as_said(fitted: Matcher) -> None:
    asked = some(TEST, np.arange(20))
    found = fitted.explain(NORTH, SOUTH, asked)
    tried = [one for one in found if one.change is not None and one.change.side == "right"]
    assert tried
    for one in tried[:3]:
        change = one.change
        assert change is not None
        column = {"title": "product", "maker": "brand", "price": "cost"}[change.name]
        cells = SOUTH.data[column].to_pylist()
        row = SOUTH.ids.to_pylist().index(one.right_id)
        assert cells[row] == change.before
        cells[row] = change.after
        place = SOUTH.data.column_names.index(column)
        other = replace(SOUTH, data=SOUTH.data.set_column(place, column, pa.array(cells, pa.string())))
        again = fitted.predict(NORTH, other, judged([(one.left_id, one.right_id, 1)]))
        assert again.score is not None
        assert (again.score[0] >= found.threshold) != one.match
        assert again.score[0] == pytest.approx(change.score, abs=0.1)
        assert change.name in change.sentence


def test_a_labelled_pair_is_its_own_nearest_precedent(fitted: Matcher) -> None:
    found = fitted.explain(NORTH, SOUTH, some(TRAIN, np.arange(5)))
    for one in found:
        assert one.precedents[0].distance == pytest.approx(0, abs=1e-2)


def test_save_and_load_agree_and_write_no_values(fitted: Matcher, tmp_path: Path) -> None:
    folder = fitted.save(tmp_path / "model")
    again = Matcher.load(folder)
    first, second = fitted.predict(NORTH, SOUTH, TEST), again.predict(NORTH, SOUTH, TEST)
    assert first.score == pytest.approx(second.score)
    assert again.threshold == fitted.threshold
    assert again.card == fitted.card
    assert task_of(folder) == "match"
    assert isinstance(load_model(folder), Matcher)
    assert (again.explain(NORTH, SOUTH, TEST)[0].precedents) == fitted.explain(NORTH, SOUTH, TEST)[0].precedents
    for file in folder.rglob("*"):
        if file.is_file():
            assert b"Kestrel" not in file.read_bytes(), file


def test_the_card_says_what_it_rests_on(fitted: Matcher, tmp_path: Path) -> None:
    card = fitted.card
    assert card.labels["match"] == int((TRAIN.label == 1).sum())  # type: ignore[union-attr]
    assert [d.rows for d in card.data] == [70, 70]
    assert card.figures["held_out_pairs"] > 0
    assert 0 < card.figures["f1_low"] <= card.figures["f1"] <= card.figures["f1_high"] <= 1
    assert card.settings["seed"] == 0
    assert card.versions["dovetail"] == dt.__version__
    page = (fitted.save(tmp_path / "m") / "card.md").read_text(encoding="utf-8")
    for heading in ("Intended use", "Limits", "Figures", "Labels", "Data", "Settings"):
        assert f"## {heading}" in page


def test_a_wish_draws_the_line_and_says_why(fitted: Matcher) -> None:
    loose = Matcher().fit(NORTH, SOUTH, TRAIN, effort="quick", costs={"false_match": 1, "missed_match": 50})
    assert loose.threshold is not None
    assert fitted.threshold is not None
    assert loose.threshold <= fitted.threshold
    assert "lowest cost" in loose.card.figures["why"]


def test_progress_reaches_the_watcher() -> None:
    steps: list[str] = []
    Matcher().predict(NORTH, SOUTH, TEST, on_progress=lambda p: steps.append(p.step))
    assert {"align", "block", "match"} <= set(steps)


def test_the_matcher_in_the_box_needs_no_labels() -> None:
    matcher = dt.Matcher()
    assert matcher.threshold is None
    found = matcher.evaluate(NORTH, SOUTH, TEST)
    assert found.f1.value > 0.6
    assert set(found.by_exposure) == {"unseen"}
    assert matcher.threshold is not None
    assert matcher.explain(NORTH, SOUTH, some(TEST, np.arange(3)))[0].precedents == ()
    with pytest.raises(InputError, match="nothing to save"):
        matcher.save("nowhere")


def test_few_labels_are_kept_but_draw_no_line() -> None:
    few = some(PAIRS, np.array([0, 1, 2, 71, 72, 73]))
    matcher = Matcher().fit(NORTH, SOUTH, few)
    assert matcher.threshold is None
    assert "6 labelled pairs are kept as judged and move no score" in matcher.card.summary
    assert matcher.evaluate(NORTH, SOUTH, TEST).f1.value > 0.6


def test_one_table(people: Table) -> None:
    labels = judged([("p1", "p2", 1), ("p3", "p4", 1), ("p5", "p6", 1), ("p1", "p3", 0), ("p2", "p5", 0)])
    matcher = Matcher().fit(people, labels)
    assert len(matcher.predict(people, labels)) == 5
    found = matcher.predict(people)
    assert found.score is not None
    best = int(np.argmax(found.score))
    assert {found.left_ids[best].as_py(), found.right_ids[best].as_py()} in ({"p1", "p2"}, {"p3", "p4"}, {"p5", "p6"})


# What people do wrong


def test_few_unknown_rows_are_set_aside_and_listed() -> None:
    known = [(a, b, int(v)) for a, b, v in _rows(some(TRAIN, np.arange(30, 130)))]
    labels = judged([*known[:5], ("n999", "s1", 1), *known[5:50], ("n1", "s998", 0), *known[50:]])
    found = labelled_pairs(records_of([NORTH, SOUTH]), labels)
    assert found.set_aside == (5, 51)
    assert "rows 6, 52" in found.warnings[0]
    assert "n999" in found.warnings[0]
    assert len(found.judged.label) == 100


def test_mostly_unknown_rows_are_an_error() -> None:
    labels = judged([("a", "b", 1), ("c", "d", 0), ("n1", "s1", 1)])
    with pytest.raises(InputError, match=r"name no row of north, south.*ids there look like"):
        Matcher().fit(NORTH, SOUTH, labels)


def test_contradictions_name_the_labels() -> None:
    labels = judged([("n1", "s1", 1), ("n2", "s2", 1), ("n3", "s4", 0), ("s1", "n1", 0), ("n5", "s5", 1)])
    with pytest.raises(InputError, match=r"'n1' and 's1' \(labels 1, 4\)"):
        Matcher().fit(NORTH, SOUTH, labels)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("n1", "s1", 1), ("n2", "s1", 0), ("n3", "s3", 1)], "3 labelled pairs are too few"),
        ([(f"n{i}", f"s{i}", 1) for i in range(6)], "all 6 labels say 'match'"),
        ([(f"n{i}", f"s{i + 1}", 0) for i in range(6)], "add pairs labelled 'match'"),
        ([("n1", "s1", 1), ("n2", "s1", 0), ("n3", "s3", 1), ("n4", "s4", -1)], "3 labelled pairs are too few"),
    ],
)
def test_too_little_to_learn_from(rows: list[tuple[str, str, int]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Matcher().fit(NORTH, SOUTH, judged(rows))


def test_options_are_checked() -> None:
    with pytest.raises(InputError, match="effort"):
        Matcher().fit(NORTH, SOUTH, TRAIN, effort="huge")
    with pytest.raises(InputError, match="setting minuts"):
        Matcher().fit(NORTH, SOUTH, TRAIN, minuts=3)
    with pytest.raises(InputError, match="either a precision or costs"):
        Matcher().fit(NORTH, SOUTH, TRAIN, precision=0.9, costs={"false_match": 2})
    with pytest.raises(InputError, match="fit needs pairs"):
        Matcher().fit(NORTH, None)


def test_other_columns_are_refused_with_a_hint(fitted: Matcher) -> None:
    bare = Table("south", SOUTH.data.drop_columns(["product"]), SOUTH.ids, id_column="sku")
    with pytest.raises(InputError, match="south has no column 'product'"):
        fitted.predict(NORTH, bare)
    with pytest.raises(InputError, match="the other way round"):
        fitted.predict(SOUTH, NORTH)
    with pytest.raises(InputError, match="trained on 2 tables"):
        fitted.predict(NORTH)


def test_pairs_that_name_rows_by_a_column_with_repeats() -> None:
    twice = pa.table({"id": ["n1", "n1", "n2"], "name": ["oak lamp", "oak lamp", "iron fork"]})
    with pytest.raises(InputError, match=r"by the column id, which cannot tell its rows apart: 'n1' stands in 2 of"):
        Matcher().predict(twice, judged([("n1", "n2", 1), ("n2", "n1", 1)]))


def test_a_column_that_gives_labels_away_is_named() -> None:
    left = NORTH.data.append_column("key", pa.array([str(i + 1000) for i in range(70)]))
    right = SOUTH.data.append_column("key", pa.array([str(i + 1000) for i in range(70)]))
    leaky = Matcher().fit(replace(NORTH, data=left), replace(SOUTH, data=right), TRAIN, effort="quick")
    assert any("'key' equal to 'key'" in warning for warning in leaky.card.warnings)


def test_damaged_and_foreign_folders(fitted: Matcher, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no model"):
        Matcher.load(tmp_path)
    folder = fitted.save(tmp_path / "m")
    (folder / "seen.safetensors").write_bytes(b"no")
    with pytest.raises(InputError, match=r"seen\.safetensors is missing or damaged"):
        Matcher.load(folder)
    (folder / "model.json").write_text('{"format": 99, "task": "match"}')
    with pytest.raises(InputError, match="newer version"):
        load_model(folder)
    (folder / "model.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        load_model(folder)


def test_exposure_counts_records_by_what_they_say() -> None:
    records = records_of([NORTH, SOUTH])
    seen = Seen.of(records, Candidates(np.array([0, 1], np.int32), np.array([70, 71], np.int32)))
    asked = Candidates(np.array([0, 0, 5], np.int32), np.array([71, 90, 91], np.int32))
    assert seen.exposure(records, asked).tolist() == [2, 1, 0]
    assert seen.repeats(records, Candidates(np.array([0, 0], np.int32), np.array([70, 71], np.int32))).tolist() == [
        True,
        False,
    ]


def test_pairs_that_say_the_same_and_differ_in_label_are_counted() -> None:
    twice = Table("north", pa.concat_tables([NORTH.data, NORTH.data]), pa.array([f"r{i}" for i in range(140)]))
    records = records_of([twice, SOUTH])
    judged_ = judged_pairs(records, judged([("r0", "s0", 1), ("r70", "s0", 0), ("r1", "s1", 1)]))
    assert both_ways(records, judged_.pairs, judged_.label) == 2


def _rows(pairs: Pairs) -> list[tuple[str, str, int]]:
    assert pairs.label is not None
    return list(zip(pairs.left_ids.to_pylist(), pairs.right_ids.to_pylist(), pairs.label.tolist(), strict=True))
