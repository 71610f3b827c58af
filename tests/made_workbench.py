"""A small workspace with an integration, made once and copied for each test, and a client of its server."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
from fastapi.testclient import TestClient

import dovetail
from dovetail.serve.app import make_app
from dovetail.serve.guard import Rules
from dovetail.serve.workbench import Workbench
from dovetail.types import Table

QUICK = Rules(rate=10_000, burst=10_000, login_rate=1_000, login_burst=1_000)
EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "products"


@lru_cache(maxsize=1)
def _integrated() -> Path:
    home = Path(tempfile.mkdtemp(prefix="workbench-"))
    tables = [_some(EXAMPLE / f"{name}.csv", name) for name in ("north", "south")]
    dovetail.integrate(*tables, out=home / "ws")
    return home / "ws"


def _some(path: Path, name: str) -> Table:
    whole = dovetail.read(path)
    return Table(name, whole.data.slice(0, 120), whole.ids.slice(0, 120))


def workspace(folder: Path) -> Path:
    """A copy of the workspace in a folder of its own."""
    target = folder / "ws"
    shutil.copytree(_integrated(), target)
    return target


def tickets(rows: int = 60) -> Table:
    """Short texts of three classes."""
    words = {
        "money": "refund invoice payment card",
        "post": "parcel delivery late courier",
        "login": "password reset account",
    }
    texts = [f"{list(words.values())[n % 3]} number {n} please help" for n in range(rows)]
    data = pa.table({"body": pa.array(texts), "queue": pa.array([list(words)[n % 3] for n in range(rows)])})
    return Table("tickets", data, pa.array([f"t{n}" for n in range(rows)]))


@contextlib.contextmanager
def served(folder: Path, *, rules: Rules = QUICK, work: bool = False) -> Iterator[tuple[TestClient, Workbench]]:
    """A client with an admin's token, and the workbench behind it."""
    bench = Workbench(folder, work=work)
    token = bench.people.ensure_admin("ada")
    headers = {"authorization": f"Bearer {token}"}
    try:
        with TestClient(make_app(bench, rules), base_url="http://127.0.0.1", headers=headers) as client:
            yield client, bench
    finally:
        bench.close()


class Process:
    """A server in a process of its own, which can be killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.process: subprocess.Popen[str] | None = None
        self.token = ""

    def start(self, patience: float = 60) -> str:
        """Start, wait until it answers, and give the address."""
        command = [sys.executable, "-m", "dovetail.cli.main", "serve", str(self.folder), "--port", str(self.port)]
        quiet = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen([*command, "--as", "ada"], stderr=subprocess.PIPE, text=True, env=quiet)
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        found = re.search(r"(http://\S+)/#token=(\S+)", line)
        assert found, line + (self.process.stderr.read() if self.process.poll() is not None else "")
        self.token = found[2]
        end = time.monotonic() + patience
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return found[1]
            time.sleep(0.05)
        raise AssertionError("the server does not answer")

    def kill(self) -> None:
        """As pulling the plug would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)
        assert self.process.stderr is not None
        self.process.stderr.close()


def key(n: Any) -> str:
    """A key of an answer."""
    return f"key-{n}"
