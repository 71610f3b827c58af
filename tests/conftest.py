"""What all tests share: the public data folder, small tables, and no network."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dovetail.types import Table

Said = Callable[..., tuple[int, str, str]]  # words of the command line to exit code, output, errors

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of public research data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("DOVETAIL_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no public data at {folder}; set DOVETAIL_DATA to the folder that holds er/ and schema/")
    return folder


@pytest.fixture(scope="session")
def examples() -> Path:
    """The example tables of the project."""
    return ROOT / "examples"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Said:
    """The command line in this process."""
    from dovetail.cli import main as console

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["dovetail", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            console.main()
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return run


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Torch with one thread: more cost tiny networks more than they bring."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _is_local(host: object) -> bool:
    if host in (None, "", "localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sockets reach this machine only: a test that needs more is a test that will fail elsewhere."""
    connect, connect_ex, resolve = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded(real: Any) -> Any:
        def call(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_local(address[0]):
                raise AssertionError(f"a test tried to reach the network at {address[0]}")
            return real(self, address)

        return call

    def guarded_resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not _is_local(host):
            raise AssertionError(f"a test tried to look up the network name {host}")
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded(connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(connect_ex))
    monkeypatch.setattr(socket, "getaddrinfo", guarded_resolve)


def table_of(name: str, rows: list[dict[str, str | None]], id_column: str | None = None) -> Table:
    """A small table of text columns; ids from a column or `name:line`."""
    columns = {key: pa.array([row.get(key) for row in rows], pa.string()) for key in rows[0]}
    ids = columns[id_column] if id_column else pa.array([f"{name}:{i + 2}" for i in range(len(rows))])
    return Table(name, pa.table(columns), ids, id_column=id_column)


@pytest.fixture
def people() -> Table:
    """Six rows of three people."""
    return table_of(
        "people",
        [
            {"id": "p1", "name": "Anna Lindqvist", "born": "1980-03-14", "phone": "0555 010 203", "town": "Marlow"},
            {"id": "p2", "name": "Lindqvist, Anna", "born": "14.03.1980", "phone": "0555010203", "town": "Marlow"},
            {"id": "p3", "name": "Bertram Okoye", "born": "1975-11-02", "phone": None, "town": "Selby"},
            {"id": "p4", "name": "Bertram Okoje", "born": "1975-11-02", "phone": "0555 777 001", "town": "Selby"},
            {"id": "p5", "name": "Carla Nunes", "born": "1991-07-30", "phone": "0555 120 119", "town": "Marlow"},
            {"id": "p6", "name": "C. Nunes", "born": "1991-07-30", "phone": "0555-120-119", "town": None},
        ],
        id_column="id",
    )


@pytest.fixture
def products() -> tuple[Table, Table]:
    """Two catalogues of four goods: the same entity stands on the same line."""
    left = [
        {"id": "n1", "title": "Kestrel KX-400 cordless drill 18 V", "maker": "Kestrel", "price": "89.99"},
        {"id": "n2", "title": "Alba A20 kettle 1.7 l white", "maker": "Alba", "price": "24.50"},
        {"id": "n3", "title": "Orbis OR-7 desk lamp", "maker": "Orbis", "price": "39"},
        {"id": "n4", "title": "Tamar garden hose 15 m", "maker": None, "price": "19.00"},
    ]
    right = [
        {"sku": "s1", "product": "KX400 drill, cordless", "brand": "KESTREL", "cost": "92,00"},
        {"sku": "s2", "product": "Alba kettle A-20 (white)", "brand": "Alba", "cost": "23,90"},
        {"sku": "s3", "product": "Orbis lamp OR7", "brand": "Orbis Ltd", "cost": None},
        {"sku": "s4", "product": "garden hose Tamar 50 ft", "brand": "Tamar", "cost": "18,50"},
    ]
    return table_of("north", left, "id"), table_of("south", right, "sku")
