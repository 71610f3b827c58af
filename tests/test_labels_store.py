"""The label store: nothing acknowledged is lost or doubled, nothing is overwritten, and old files open."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from dovetail.errors import InputError, UnknownName, WorkspaceError
from dovetail.labels import migrations
from dovetail.labels.said import Answer, Label, Row, Suggestion, classes, group, judgement, make, pair
from dovetail.labels.store import LabelStore, Wanted

EVERY_SHAPE = (
    pair(Row("a1", "abt"), Row("b1", "buy"), "match"),
    classes("t1", ["billing", "ürgent"], task="queue"),
    group(["a", "b", "c"], ["1", "1", ""]),
    judgement("gene therapy", "d7", 2),
)


@pytest.fixture
def store(tmp_path: Path) -> LabelStore:
    return LabelStore(tmp_path / "labels.sqlite")


def test_every_shape_comes_back_as_it_was_said(store: LabelStore) -> None:
    thought = Suggestion(("billing",), 0.75, "queues v3")
    said = store.say([Answer(label, thought) for label in EVERY_SHAPE], person="Ann", session="s1")
    assert [e.label for e in store.current()] == list(EVERY_SHAPE)
    assert store.current() == said == list(store.history())
    assert {e.suggestion for e in said} == {thought}
    assert {(e.person, e.session) for e in said} == {("Ann", "s1")}
    assert store.count() == dict.fromkeys(("pair", "class", "group", "judgement"), 1)
    assert store.version == 4


def test_a_later_label_corrects_and_the_history_stays(store: LabelStore) -> None:
    store.say([pair("a", "b", "match")], person="Ann")
    before = store.version
    store.say([pair("b", "a", "not")], person="Ann")
    store.say([pair("a", "b", "match"), pair("a", "b", "unsure", task="same maker")], person="Ben")
    assert [(e.person, e.label.value) for e in store.current(Wanted(task=""))] == [("Ann", "not"), ("Ben", "match")]
    assert len(list(store.history())) == 4
    assert [e.label.value for e in store.current(Wanted(upto=before))] == ["match"]


def test_undo_is_an_event_and_brings_back_what_was_said_before(store: LabelStore) -> None:
    store.say([pair("a", "b", "match")], person="Ann", session="1")
    store.say([pair("a", "b", "not")], person="Ann", session="1")
    before = store.version
    undone = store.undo(person="Ann")
    assert undone is not None
    assert undone.undoes == 2
    assert [e.label.value for e in store.current()] == ["match"]
    assert [e.label.value for e in store.current(Wanted(upto=before))] == ["not"]
    assert store.undo(person="Ann", session="2") is None
    assert store.undo(person="Ann", session="1").undoes == 1  # type: ignore[union-attr]
    assert store.current() == []
    assert store.undo(person="Ann") is None
    assert len(list(store.history())) == 4


def test_undo_of_a_named_event_and_what_cannot_be_undone(store: LabelStore) -> None:
    first, second = store.say([pair("a", "b", "match"), pair("c", "d", "not")], person="Ann")
    undone = store.undo(person="Ann", event=first.id)
    assert store.undo(person="Ann", event=first.id) == undone, "taking back twice is taking back once"
    assert [e.id for e in store.current()] == [second.id]
    with pytest.raises(InputError, match="Ben can contradict it"):
        store.undo(person="Ben", event=second.id)
    for wrong in (undone.id, 99):  # type: ignore[union-attr]
        with pytest.raises(InputError, match="no label that could be taken back"):
            store.undo(person="Ann", event=wrong)


def test_a_key_is_kept_once(store: LabelStore) -> None:
    answer = Answer(pair("a", "b", "match"), key="tab-1:7")
    first = store.say([answer], person="Ann")
    assert store.say([answer, Answer(pair("c", "d", "not"), key="tab-1:8")], person="Ann")[0] == first[0]
    assert len(list(store.history())) == 2
    with pytest.raises(InputError, match="'tab-1:7' was used for another label"):
        store.say([pair("x", "y", "not"), Answer(pair("a", "b", "not"), key="tab-1:7")], person="Ann")
    assert len(store.current()) == 2, "the label beside the refused one is not kept either"
    undone = store.undo(person="Ann", key="tab-1:9")
    assert store.undo(person="Ann", key="tab-1:9") == undone
    assert len(store.current()) == 1


def test_gold_stands_beside_what_the_same_person_said(store: LabelStore) -> None:
    store.say([pair("a", "b", "not")], person="Ann")
    store.say([Answer(pair("a", "b", "match"), gold=True)], person="Ann")
    assert [(e.gold, e.label.value) for e in store.current()] == [(False, "not"), (True, "match")]


def test_only_what_is_wanted(store: LabelStore) -> None:
    store.say(EVERY_SHAPE, person="Ann", session="s1")
    store.say([pair("x", "y", "not")], person="Ben", session="s2")
    assert [e.label.shape for e in store.current(Wanted(shape="judgement"))] == ["judgement"]
    assert [e.person for e in store.current(Wanted(session="s2"))] == ["Ben"]
    assert store.count(Wanted(person="Ann", shape="pair")) == {"pair": 1}
    assert [e.label.task for e in store.history(Wanted(task="queue"))] == ["queue"]


def test_a_label_corrected_in_another_session_left_the_first(store: LabelStore) -> None:
    store.say([pair("a", "b", "match")], person="Ann", session="s1")
    store.say([pair("a", "b", "not")], person="Ann", session="s2")
    assert store.current(Wanted(session="s1")) == []


def test_many_at_once_and_all_or_none(store: LabelStore) -> None:
    labels = [pair(f"a{i}", f"b{i}", "not") for i in range(12_000)]
    assert len(store.say(labels, person="Ann")) == 12_000
    assert sum(1 for _ in store.history()) == 12_000
    assert store.say([], person="Ann") == []


def test_threads_wait_for_one_another(store: LabelStore) -> None:
    def work(name: str) -> None:
        for i in range(25):
            store.say([Answer(pair(f"{name}{i}", "z", "match"), key=f"{name}:{i}")], person=name)

    threads = [threading.Thread(target=work, args=(f"p{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.count() == {"pair": 150}


WRITER = """
import sys
from dovetail.labels.said import Answer, pair
from dovetail.labels.store import LabelStore
store, name = LabelStore(sys.argv[1]), sys.argv[2]
for i in range(int(sys.argv[3]), 100_000):
    store.say([Answer(pair(f"{name}{i}", "z", "match"), key=f"{name}:{i}")], person=name)
    print(i, flush=True)
"""


def test_killed_writers_lose_and_double_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path, done = tmp_path / "labels.sqlite", {"p0": -1, "p1": -1, "p2": -1}
    for _ in range(2):
        # What was under way when the writer was killed is sent again, as a browser would.
        said = [(tmp_path / f"{name}.txt").open("wb+") for name in done]
        running = [
            subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, str(last + 1)], stdout=out)
            for (name, last), out in zip(done.items(), said, strict=True)
        ]
        until = time.monotonic() + 120  # a busy machine takes long to start three of them
        while min(out.seek(0, os.SEEK_END) for out in said) < 60 and time.monotonic() < until:
            time.sleep(0.05)
        for process in running:
            process.send_signal(signal.SIGKILL)
            process.wait()
        for name, out in zip(done, said, strict=True):
            out.seek(0)
            told = out.read().rpartition(b"\n")[0].split()
            done[name] = int(told[-1]) if told else done[name]
            out.close()
    assert min(done.values()) > 0
    events = list(LabelStore(path).history())
    keys = [e.key for e in events]
    assert len(keys) == len(set(keys))
    assert {f"{name}:{i}" for name, last in done.items() for i in range(last + 1)} <= set(keys)
    assert len(keys) <= sum(last + 1 for last in done.values()) + len(done), "at most one more each was under way"
    assert [e.id for e in events] == sorted(e.id for e in events)


def test_an_older_file_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "labels.sqlite"
    with monkeypatch.context() as old:
        old.setattr(migrations, "MIGRATIONS", dict(list(migrations.MIGRATIONS.items())[:1]))
        old.setattr("dovetail.labels.connect.MIGRATIONS", migrations.MIGRATIONS)
        with LabelStore(path) as store:
            store.say([pair("a", "b", "match")], person="Ann")
    assert _names(path) == ["1 events"]
    with LabelStore(path) as store:
        assert [e.label.value for e in store.current()] == ["match"]
    assert _names(path) == ["1 events", "2 indexes"]


def _names(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT name FROM dovetail_label_migration ORDER BY name").fetchall()
    connection.close()
    return [name for (name,) in found]


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(connection: sa.Connection) -> None:
        connection.execute(sa.text("CREATE TABLE half (a int)"))
        connection.execute(sa.text("nonsense"))

    path = tmp_path / "labels.sqlite"
    with LabelStore(path) as store:
        store.say([pair("a", "b", "match")], person="Ann")
    with monkeypatch.context() as patch:
        patch.setitem(migrations.MIGRATIONS, "3 broken", broken)
        with pytest.raises(WorkspaceError, match="nothing of the last step was kept"):
            LabelStore(path).current()
    with LabelStore(path) as store:
        assert store.version == 1


def test_newer_foreign_and_broken_files_are_refused(tmp_path: Path) -> None:
    newer, foreign, broken = (tmp_path / name for name in ("newer.sqlite", "foreign.sqlite", "broken.sqlite"))
    with LabelStore(newer) as store:
        store.say([pair("a", "b", "match")], person="Ann")
    for path, query in (
        (newer, "INSERT INTO dovetail_label_migration VALUES ('9 colours', 'dovetail 9')"),
        (foreign, "CREATE TABLE goods (a int)"),
    ):
        connection = sqlite3.connect(path)
        connection.execute(query)
        connection.commit()
        connection.close()
    broken.write_bytes(b"this is no database" * 100)
    for path, words in ((newer, "newer format"), (foreign, "database of something else"), (broken, "not a database")):
        with pytest.raises(WorkspaceError, match=words):
            LabelStore(path).current()
    with pytest.raises(InputError, match="there is no folder"):
        LabelStore(tmp_path / "nowhere" / "labels.sqlite").current()
    with pytest.raises(InputError, match="not in mysql"):
        LabelStore("mysql://host/db").current()


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: pair("a", "a", "match"), "twice"),
        (lambda: pair("", "b", "match"), "not empty"),
        (lambda: classes("a", ["x", " "]), "empty name"),
        (lambda: group(["a"]), "two rows or more"),
        (lambda: group(["a", "b"], ["1"]), "1 groups for 2 rows"),
        (lambda: judgement(" ", "d", 1), "empty query"),
        (lambda: judgement("q", "d", -1), "from 0 upwards"),
        (lambda: judgement("q", "d", float("nan")), "from 0 upwards"),
        (lambda: make("pair", ["a"], "match"), "2 rows, not of 1"),
    ],
)
def test_labels_that_make_no_sense_are_refused(build: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        build()  # type: ignore[operator]


def test_names_that_make_no_sense_are_refused(store: LabelStore) -> None:
    with pytest.raises(UnknownName, match="did you mean 'match'"):
        pair("a", "b", "matched")
    with pytest.raises(InputError, match="name of the person"):
        store.say([pair("a", "b", "match")], person=" ")
    for person in ("x" * 300, "a\0b", "\ud800"):
        with pytest.raises(InputError, match="cannot be kept"):
            store.say([pair("a", "b", "match")], person=person)
    with pytest.raises(InputError, match="is not understood"):
        store.say([Answer(pair("a", "b", "match"), at="yesterday")], person="Ann")


def test_values_from_hostile_data_stay_values(store: LabelStore) -> None:
    label: Label = pair(Row("'; DROP TABLE x; --\0\ud800", "ünï"), Row("<script>", "b"), "unsure")
    store.say([label], person="Robert'); --")
    assert store.current()[0].label == label


def test_times_are_kept_in_utc(store: LabelStore) -> None:
    store.say([Answer(pair("a", "b", "match"), at="2026-05-01T12:00:00+02:00")], person="Ann")
    assert store.current()[0].at == "2026-05-01T10:00:00.000000+00:00"
