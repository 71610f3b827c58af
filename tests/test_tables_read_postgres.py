"""Reading and writing a real PostgreSQL server, started for the test and thrown away."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from dovetail.errors import InputError, UnknownName
from dovetail.tables.read import read
from dovetail.tables.write import write


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[4].split(".")[0]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


def _as_user() -> list[str]:
    """The server refuses to run as root; the user that its package brings does."""
    if os.geteuid() != 0:
        return []
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("running as root and there is no user postgres to run the server")
    return ["runuser", "-u", "postgres", "--"]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'dovetail[postgres]'")
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed: apt-get install postgresql")
    user = _as_user()
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    if user:
        shutil.chown(folder, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = str(folder / "data")
    settings = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    try:
        _run([*user, programs / "initdb", "-D", data, "-U", "dove", "-A", "trust", "-E", "UTF8"], folder)
        _run([*user, programs / "pg_ctl", "-D", data, "-w", "-l", f"{folder}/log", "-o", settings, "start"], folder)
        yield f"postgresql://dove:secret@127.0.0.1:{port}/postgres"
    finally:
        _run([*user, programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], folder, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str | Path], folder: Path, *, check: bool = True) -> None:
    nowhere = subprocess.DEVNULL
    subprocess.run(command, check=check, cwd=folder, stdout=nowhere, stderr=nowhere, timeout=60)


def test_a_table_survives_and_types_stay(server: str) -> None:
    data = pa.table(
        {"sku": ["007", "NA", 'Ünï, "q"\n'], "n": [2**60, None, -1], "x": [0.1, 1e300, None], "ok": [True, None, False]}
    )
    said = write(data, f"{server}?table=Goods in")
    assert said == f"{server}?table=Goods in".replace("secret", "***")
    back = read(f"{server}?table=Goods in", id="sku")
    assert back.data.to_pylist() == data.to_pylist()
    assert back.ids.to_pylist() == data["sku"].to_pylist()


def test_a_query_and_exact_numbers(server: str) -> None:
    found = read(
        server, query="select 12345678901234567890.10::numeric as money, date '2020-01-02' as day, '{a,b}'::text[] as t"
    )
    row = found.data.to_pylist()[0]
    assert Decimal(row["money"]) == Decimal("12345678901234567890.10")
    assert str(row["money"]) == "12345678901234567890.10"
    assert str(row["day"]) == "2020-01-02"


def test_a_query_in_the_url_and_a_table_of_another_schema(server: str) -> None:
    write(pa.table({"a": ["x%", "12:30"]}), f"{server}?table=pairs")
    found = read(f"{server}?query=select a from pairs where a like '%:%'")
    assert found.data.to_pylist() == [{"a": "12:30"}]
    views = read(f"{server}?table=pg_catalog.pg_views")
    assert "pg_views" in views.data["viewname"].to_pylist()


@pytest.mark.parametrize(
    "query",
    ["drop table kept", "delete from kept returning a", "select 1; commit; drop table kept", "select nextval('turn')"],
)
def test_reading_changes_nothing(server: str, query: str) -> None:
    import psycopg

    write(pa.table({"a": [1, 2]}), f"{server}?table=kept")
    with psycopg.connect(server) as held:
        held.execute("create sequence if not exists turn")
    with pytest.raises(InputError, match="would change" if "nextval" in query else "cannot be read|would change"):
        read(server, query=query)
    assert len(read(f"{server}?table=kept")) == 2


def test_writing_replaces_whole_or_not_at_all(server: str) -> None:
    url = f"{server}?table=swap"
    write(pa.table({"a": ["old"]}), url)
    with pytest.raises(InputError, match="cannot be written"):
        write(pa.table({"a": ["new", "zero\0byte"]}), url)
    assert read(url).data.to_pylist() == [{"a": "old"}]
    write(pa.table({"b": ["new"]}), url)
    assert read(url).data.to_pylist() == [{"b": "new"}]


def test_errors_name_the_database_without_its_password(server: str) -> None:
    write(pa.table({"a": [1]}), f"{server}?table=here")
    with pytest.raises(UnknownName, match=r"did you mean 'here'"):
        read(f"{server}?table=heer")
    with pytest.raises(InputError, match=r"\*\*\*") as refused:
        read(server, query="select nothing from nowhere")
    assert "secret" not in str(refused.value)
