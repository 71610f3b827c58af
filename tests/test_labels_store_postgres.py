"""The label store on a real PostgreSQL server keeps the promises that it keeps on SQLite."""

from __future__ import annotations

import threading
import time

import pytest
import sqlalchemy as sa
from test_labels_store import EVERY_SHAPE
from test_tables_read_postgres import server as server

from dovetail.errors import InputError, WorkspaceError
from dovetail.labels.said import Answer, Row, pair
from dovetail.labels.store import LabelStore, Wanted


@pytest.fixture
def store(server: str) -> LabelStore:
    engine = sa.create_engine(server.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE IF EXISTS dovetail_label_event, dovetail_label_migration"))
    engine.dispose()
    return LabelStore(server)


def test_every_shape_corrections_and_undo(store: LabelStore) -> None:
    with store:
        said = store.say(EVERY_SHAPE, person="Ann", session="s1")
        assert store.current() == said == list(store.history())
        store.say([pair(Row("b1", "buy"), Row("a1", "abt"), "not")], person="Ann")
        assert [e.label.value for e in store.current(Wanted(shape="pair"))] == ["not"]
        store.undo(person="Ann")
        assert [e.label.value for e in store.current(Wanted(shape="pair"))] == ["match"]
        assert store.count()["pair"] == 1
        odd = pair(Row("'; DROP TABLE x; --\0\ud800", "ünï"), "b", "unsure")
        assert store.say([odd], person="Robert'); --")[0].label == odd


def test_a_key_is_kept_once_whoever_comes_first(store: LabelStore) -> None:
    def work() -> None:
        for i in range(20):
            store.say([Answer(pair(f"a{i}", "z", "match"), key=f"key:{i}")], person="Ann")

    with store:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        events = list(store.history())
        assert sorted(e.key for e in events) == sorted(f"key:{i}" for i in range(20))
        with pytest.raises(InputError, match="used for another label"):
            store.say([Answer(pair("x", "z", "not"), key="key:3")], person="Ann")


def test_two_that_open_at_once_make_the_tables_once(server: str, store: LabelStore) -> None:
    stores = [LabelStore(server) for _ in range(4)]
    faults: list[Exception] = []

    def work(one: LabelStore) -> None:
        try:
            one.say([pair("a", "b", "match")], person="Ann")
        except WorkspaceError as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(one,)) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert len(list(store.history())) == 4
    for one in (*stores, store):
        one.close()


def test_faults_name_the_server_without_its_password(server: str) -> None:
    start = time.monotonic()
    with pytest.raises(WorkspaceError, match=r"\*\*\*") as refused:
        LabelStore(server.replace("/postgres", "/nowhere")).current()
    assert "secret" not in str(refused.value)
    assert time.monotonic() - start < 20
