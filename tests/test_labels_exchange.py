"""Labels leave and come back without losing anything: plain tables, Label Studio, Argilla."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from test_labels_store import EVERY_SHAPE

from dovetail.errors import InputError
from dovetail.labels.exchange import from_table, to_table
from dovetail.labels.foreign import from_argilla, from_label_studio, to_argilla, to_label_studio
from dovetail.labels.said import SHAPES, Answer, Event, Row, Suggestion, classes, group, judgement, pair
from dovetail.labels.store import LabelStore
from dovetail.tables.pairs import read_pairs
from dovetail.tables.read import read
from dovetail.tables.write import write

THOUGHTS = {
    "pair": Suggestion("not", 0.25, "m1"),
    "class": Suggestion(("billing",), 0.5, "m2"),
    "group": None,
    "judgement": Suggestion(1.0, None, "m3"),
}
MORE = (
    classes("t2", "[odd] name"),
    classes("t3", []),
    classes("t4", "a | b, c"),
    judgement('say "gene", twice', Row("d8", "papers"), 0.5),
    pair("a7", "b7", "unsure", task="same maker"),
    group(["d", "e"]),
)


@pytest.fixture
def events(tmp_path: Path) -> list[Event]:
    with LabelStore(tmp_path / "first.sqlite") as store:
        store.say([Answer(x, THOUGHTS[x.shape]) for x in EVERY_SHAPE], person="Ann", session="s1")
        store.say([Answer(x, gold=True) for x in MORE], person="Bén <b@x.org>", session="s2")
        return store.current()


def without_numbers(events: list[Event]) -> list[tuple[object, ...]]:
    found = [(e.label.subject(), e.label, e.person, e.suggestion, e.gold, e.at) for e in events]
    return sorted(found, key=lambda line: str(line[0]))


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_tables_come_back_whole(events: list[Event], tmp_path: Path, ending: str) -> None:
    with LabelStore(tmp_path / "second.sqlite") as store:
        for shape in SHAPES:
            path = write(to_table(events, shape), tmp_path / f"{shape}.{ending}")
            said = from_table(read(path).data)
            store.take(said)
            store.take(said)
        assert without_numbers(store.current()) == without_numbers(events)
        assert {(e.key, e.session) for e in store.current()} == {(e.key, e.session) for e in events}


def test_pairs_are_written_as_read_pairs_reads_them(events: list[Event], tmp_path: Path) -> None:
    found = read_pairs(write(to_table(events, "pair"), tmp_path / "pairs.csv"))
    assert found.left_ids.to_pylist() == ["a1", "a7"]
    assert found.label is not None
    assert found.label.tolist() == [1, -1]


def test_bare_tables_of_other_tools_are_taken() -> None:
    said = from_table(
        pa.table({"left_id": ["a", "b", "c"], "right_id": ["x", "y", "z"], "label": [1, 0, None]}), person="Ann"
    )
    assert [s.answer.label.value for s in said] == ["match", "not"]
    graded = from_table(pa.table({"query": ["q"], "id": ["d"], "label": [2]}), person="Ann")
    assert graded[0].answer.label.value == 2.0
    several = from_table(pa.table({"id": ["1"], "label": ['["x", "y"]']}), person="Ann")
    assert several[0].answer.label.value == ("x", "y")


def test_a_file_handed_over_twice_changes_nothing(tmp_path: Path) -> None:
    said = from_table(pa.table({"id": ["1", "2"], "label": ["x", "y"]}), person="Ann")
    with LabelStore(tmp_path / "l.sqlite") as store:
        assert len(store.take_new(said)) == 2
        assert store.take_new(said) == []
        store.say([classes("1", "z")], person="Ann")
        assert [e.label.value for e in store.take_new(said)] == [("x",)]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"left": ["a"]}, "hold no labels: left"),
        ({"id": ["a"], "label": ["x"]}, "do not say who"),
        ({"left_id": ["a"], "right_id": ["b"], "label": ["same-ish"], "person": ["Ann"]}, "line 1 of the labels"),
        ({"query": ["q"], "id": ["b"], "label": ["good"], "person": ["Ann"]}, "'good' is no number"),
        ({"set": ["1"], "id": ["b"], "label": ["g"], "person": ["Ann"]}, "two rows or more"),
    ],
)
def test_tables_that_hold_no_labels_are_refused(table: dict[str, list[str]], words: str) -> None:
    with pytest.raises(InputError, match=words):
        from_table(pa.table(table))


def test_label_studio_and_back(events: list[Event], tmp_path: Path) -> None:
    said = from_label_studio(json.loads(json.dumps(to_label_studio(events))))
    with LabelStore(tmp_path / "second.sqlite") as store:
        store.take(said)
        assert without_numbers(store.current()) == without_numbers(events)


def test_argilla_and_back(events: list[Event], tmp_path: Path) -> None:
    said = from_argilla(json.loads(json.dumps(to_argilla(events))))
    found = sorted(((s.answer.label.subject(), s.answer.label, s.person, s.answer.suggestion) for s in said), key=str)
    assert found == sorted(((e.label.subject(), e.label, e.person, e.suggestion) for e in events), key=str)


def test_two_people_stand_in_one_task() -> None:
    labels = [pair("a", "b", "match"), pair("b", "a", "not")]
    both = [Event(i, "2026-01-01T00:00:00+00:00", name, "", labels[i]) for i, name in enumerate(("Ann", "Ben"))]
    tasks, records = to_label_studio(both), to_argilla(both)
    assert len(tasks) == len(records) == 1
    assert [a["completed_by"]["email"] for a in tasks[0]["annotations"]] == ["Ann", "Ben"]
    assert [s.answer.label.value for s in from_argilla(records)] == ["match", "not"]


def test_texts_are_shown_to_those_who_label_elsewhere() -> None:
    event = Event(1, "2026-01-01T00:00:00+00:00", "Ann", "", pair("a", "b", "match"))
    texts = {Row("a"): "drill KX-400", Row("b"): "KX400 drill"}
    assert to_label_studio([event], texts)[0]["data"]["left"] == "drill KX-400"
    assert to_argilla([event], texts)[0]["fields"] == {"left": "drill KX-400", "right": "KX400 drill"}


STUDIO = [
    {
        "id": 7,
        "data": {"text": "my card was charged twice", "id": 12},
        "annotations": [
            {"result": [], "was_cancelled": True, "completed_by": 3},
            {
                "completed_by": {"id": 4, "email": "ann@x.org", "first_name": "Ann"},
                "created_at": "2026-03-09T22:16:08.728353Z",
                "result": [
                    {
                        "from_name": "topic",
                        "to_name": "text",
                        "type": "choices",
                        "value": {"choices": ["billing", "urgent"]},
                    }
                ],
            },
        ],
    }
]
MINIMAL = [{"text": "t", "left_id": "a", "right_id": "b", "label": "Match", "annotator": 2, "id": 5}]
ARGILLA_ONE = [
    {
        "fields": {"text": "t"},
        "metadata": {"id": "d1", "query": "gene"},
        "responses": [
            {"user_id": "u1", "values": {"relevance": {"value": 3}}, "status": "submitted"},
            {"user_id": "u2", "values": {"relevance": {"value": 1}}, "status": "draft"},
        ],
        "suggestions": [{"question_name": "relevance", "value": 2, "score": 0.5, "agent": "m"}],
    }
]


def test_files_as_the_tools_write_them() -> None:
    (full,) = from_label_studio(STUDIO)
    assert (full.answer.label, full.person) == (classes("12", ["billing", "urgent"]), "ann@x.org")
    assert full.answer.at == "2026-03-09T22:16:08.728353Z"
    (minimal,) = from_label_studio(MINIMAL)
    assert (minimal.answer.label, minimal.person) == (pair("a", "b", "match"), "2")
    (old,) = from_argilla(ARGILLA_ONE)
    assert (old.answer.label, old.person) == (judgement("gene", "d1", 3), "u1")
    assert old.answer.suggestion == Suggestion(2.0, 0.5, "m")


def test_tasks_without_rows_are_refused() -> None:
    task = {"data": {"text": "x"}, "annotations": STUDIO[0]["annotations"]}
    with pytest.raises(InputError, match="task 1 does not say which rows"):
        from_label_studio([task])
    with pytest.raises(InputError, match="record 1 does not say which rows"):
        from_argilla([{"fields": {"text": "x"}, "responses": {"q": [{"value": "a", "user_id": "u"}]}}])
