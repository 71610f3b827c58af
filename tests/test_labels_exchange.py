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
        ({"left_id": ["a"], "right_id": ["b"], "label": ["same-ish"], "person": ["Ann"]}, "row 1 of the labels"),
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
    with LabelStore(tmp_path / "second.sqlite") as store:
        store.take(said)
        assert without_numbers(store.current()) == without_numbers(events)


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


def choices(name: str, *chosen: str) -> dict[str, object]:
    return {
        "id": "x1",
        "type": "choices",
        "origin": "manual",
        "to_name": "t",
        "from_name": name,
        "value": {"choices": [*chosen]},
    }


def annotation(who: object, at: str, *result: dict[str, object], **more: object) -> dict[str, object]:
    beside = {
        "was_cancelled": False,
        "ground_truth": False,
        "lead_time": 4.2,
        "parent_prediction": None,
        "prediction": {},
    }
    return {"id": 1, "completed_by": who, "created_at": at, "updated_at": at, "result": [*result], **beside, **more}


def test_several_annotations_of_one_person_the_last_counts_whatever_the_order(tmp_path: Path) -> None:
    late, early = "2026-05-02T10:00:00Z", "2026-05-01T10:00:00Z"
    task = {
        "id": 3,
        "data": {"id": "t1", "text": "x"},
        "annotations": [
            annotation(7, late, choices("topic", "b", "c")),
            annotation(7, early, choices("topic", "a")),
            annotation(8, early, choices("topic", "a"), updated_at=late),
            annotation(9, late, was_cancelled=True),
            annotation(10, late),
        ],
        "drafts": [annotation(11, late, choices("topic", "z"))],
    }
    with LabelStore(tmp_path / "l.sqlite") as store:
        store.take(from_label_studio([task]))
        counts = {e.person: (e.label.value, e.at[:10]) for e in store.current()}
    assert counts == {"7": (("b", "c"), "2026-05-02"), "8": (("a",), "2026-05-02")}


def test_what_each_person_saw_is_kept() -> None:
    seen = {"id": 5, "model_version": "two", "score": 0.7, "result": [choices("topic", "b")]}
    other = {"id": 4, "model_version": "one", "score": 0.2, "result": [choices("topic", "a")]}
    at = "2026-05-01T10:00:00Z"
    task = {
        "data": {"id": "t1"},
        "predictions": [other, seen],
        "annotations": [
            annotation("Ann", at, choices("topic", "b"), parent_prediction=5),
            annotation("Ben", at, choices("topic", "a"), prediction=seen),
            annotation("Cem", at, choices("topic", "a")),
            annotation("Dan", at, choices("topic", "a"), prediction=None),
        ],
    }
    thoughts = {s.person: s.answer.suggestion and s.answer.suggestion.model for s in from_label_studio([task])}
    assert thoughts == {"Ann": "two", "Ben": "two", "Cem": "one", "Dan": None}


def test_several_questions_are_several_labels_and_paths_stay_whole() -> None:
    at = "2026-05-01T10:00:00Z"
    tree = {"from_name": "place", "type": "taxonomy", "value": {"taxonomy": [["Asia", "Japan"], ["Europe"]]}}
    note = {"from_name": "why", "type": "textarea", "value": {"text": ["because"]}}
    task = {"data": {"id": "t1"}, "annotations": [annotation("Ann", at, choices("topic", "b"), tree, note)]}
    said = {s.answer.label.task: s.answer.label.value for s in from_label_studio([task])}
    assert said == {"topic": ("b",), "place": ("Asia > Japan", "Europe")}
    alone = {"data": {"id": "t1"}, "annotations": [annotation("Ann", at, choices("topic", "b"), note)]}
    assert [(s.answer.label.task, s.answer.label.value) for s in from_label_studio([alone])] == [("", ("b",))]


def test_a_question_has_one_task_however_many_were_answered() -> None:
    at = "2026-05-01T10:00:00Z"
    both = annotation("Ann", at, choices("topic", "a"), choices("place", "x"))
    note = {"from_name": "why", "type": "textarea", "value": {"text": ["because"]}}
    one, none = annotation("Ben", at, choices("topic", "b"), note), annotation("Cem", at, note)
    task = {"data": {"id": "t1"}, "annotations": [both, one, none]}
    other = {"data": {"id": "t2"}, "annotations": [annotation("Ann", at, choices("place", "y"))]}
    said = [(s.person, s.answer.label.task, s.answer.label.value) for s in from_label_studio([task, other])]
    expected = [("Ann", "topic", ("a",)), ("Ann", "place", ("x",)), ("Ben", "topic", ("b",)), ("Ann", "place", ("y",))]
    assert said == expected
    ours = {"data": {"id": "t3", "task": "t"}, "annotations": [annotation("Ann", at, choices("label", "z"))]}
    named = {s.answer.label.rows[0].id: s.answer.label.task for s in from_label_studio([ours, other])}
    assert named == {"t3": "t", "t2": "place"}


def test_a_file_with_several_annotations_of_one_person_can_be_handed_over_again(tmp_path: Path) -> None:
    early, late = "2026-05-01T10:00:00Z", "2026-05-02T10:00:00Z"
    first = {"data": {"id": "t1"}, "annotations": [annotation(7, late, choices("q", "b"))]}
    second = {
        "data": {"id": "t1"},
        "annotations": [annotation(7, early, choices("q", "a")), annotation(8, early, choices("q", "a"))],
    }
    with LabelStore(tmp_path / "l.sqlite") as store:
        assert [len(store.take_new(from_label_studio([first, second]))) for _ in range(3)] == [2, 0, 0]
        assert {e.person: e.label.value for e in store.current()} == {"7": ("b",), "8": ("a",)}
    twice = to_argilla([Event(n, at, "Ann", "", classes("t1", [at])) for n, at in enumerate((late, early), 1)])
    with LabelStore(tmp_path / "m.sqlite") as store:
        assert [len(store.take_new(from_argilla(twice))) for _ in range(2)] == [1, 0]
        assert store.current()[0].label.value == (late,)
        lines = from_table(pa.table({"id": ["t", "t"], "label": ["a", "b"]}), person="Ann")
        assert [len(store.take_new(lines)) for _ in range(3)] == [1, 0, 0]
        assert store.current()[-1].label.value == ("b",)


def test_groups_of_two_people_with_rows_in_another_order_come_back(tmp_path: Path) -> None:
    first, second = group(["a", "b", "c"], ["1", "1", ""]), group(["c", "b", "a"], ["1", "1", ""])
    at = "2026-05-01T10:00:00+00:00"
    events = [Event(1, at, "Ann", "", first), Event(2, at, "Ben", "", second)]
    for found in (from_label_studio(to_label_studio(events)), from_argilla(to_argilla(events))):
        sides = {
            s.person: dict(zip((r.id for r in s.answer.label.rows), s.answer.label.value, strict=True)) for s in found
        }
        assert sides == {"Ann": {"a": "1", "b": "1", "c": ""}, "Ben": {"c": "1", "b": "1", "a": ""}}


def test_argilla_records_hold_only_what_argilla_takes_and_tell_what_was_changed_there() -> None:
    at = "2026-05-01T10:00:00+00:00"
    events = [
        Event(1, at, "Ann", "", classes("t1", ["b"]), Suggestion(("a",), 0.4, "m")),
        Event(2, at, "Ben", "", classes("t1", ["b"])),
        Event(3, at, "Ann", "", classes("t1", ["a"]), gold=True),
    ]
    (record,) = to_argilla(events)
    assert all(set(r) == {"value", "user_id"} for r in record["responses"]["label"])
    assert all(len(r["user_id"]) == 36 for r in record["responses"]["label"])
    assert all(isinstance(v, str) for v in record["metadata"].values())
    record["responses"]["label"][1]["value"] = ["c"]
    record["responses"]["label"].append({"value": ["d"], "user_id": "3f1c", "status": "discarded"})
    record["responses"]["label"].append({"value": ["e"], "user_id": "4a2b", "status": "submitted"})
    found = [(s.person, s.answer.label.value, s.answer.at, s.answer.gold) for s in from_argilla([record])]
    assert found == [
        ("Ann", ("b",), at, False),
        ("Ben", ("c",), None, False),
        ("Ann", ("a",), at, True),
        ("4a2b", ("e",), None, False),
    ]
