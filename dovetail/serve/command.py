"""What `dovetail label` and `dovetail serve` start."""

from __future__ import annotations

import getpass
import sys
import threading
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import uvicorn

from dovetail.errors import InputError, WorkspaceError
from dovetail.serve.app import make_app
from dovetail.serve.bare import around, is_model
from dovetail.serve.guard import Rules
from dovetail.serve.workbench import Workbench
from dovetail.tables.read import read
from dovetail.types import Table
from dovetail.workspace import open_workspace

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Wish:
    """How to serve a workspace."""

    folder: Path
    host: str = "127.0.0.1"
    port: int = 8765
    host_names: Sequence[str] = ()
    add: Sequence[str] = ()
    id: str | None = None
    browser: bool = False
    person: str | None = None
    quiet: bool = False
    label: bool = False  # people are to answer questions


def run(wish: Wish) -> None:
    """Serve until the keyboard says stop; a model folder is served by itself."""
    if is_model(wish.folder):
        _refuse_labels(wish)
        with around(wish.folder) as home:
            _run(replace(wish, folder=home), str(wish.folder), bare=True)
    else:
        _run(wish, str(wish.folder))


def _refuse_labels(wish: Wish) -> None:
    """A model by itself lies in a workspace that is gone at the end: nothing that is to stay may be put there."""
    if wish.label or wish.add:
        verb, what = ("label", "labels") if wish.label else ("serve", "tables and labels")
        files = " ".join(f"--add {source}" for source in wish.add) or "--add FILE"
        files += f" --id {wish.id}" if wish.id else ""
        raise InputError(
            f"{wish.folder} is a model, and {what} would be lost when the server stops; "
            f"name a workspace to keep them in: dovetail {verb} WORKSPACE {files}"
        )


def _run(wish: Wish, name: str, *, bare: bool = False) -> None:
    if not wish.folder.exists():
        if not wish.add:
            raise WorkspaceError(
                f"there is no folder {wish.folder}; make a workspace: dovetail integrate … --out {wish.folder}, "
                f"or begin with a table: --add FILE"
            )
        open_workspace(wish.folder)
    bench = Workbench(wish.folder)
    bench.bare = bare
    try:
        for source in wish.add:
            table = read(source, id=wish.id)
            bench.add(table)
            if table.id_column is None and not wish.quiet:
                sys.stderr.write(_named_by_line(table))
        token = bench.people.ensure_admin(wish.person or _user())
        _serve(bench, wish, token, name)
    finally:
        bench.close()


def _named_by_line(table: Table) -> str:
    """What to do where rows have no names of their own, since files of labels name rows."""
    example = f", such as {table.ids[0].as_py()!r}" if len(table) else ""
    return (
        f"rows of {table.name} are named by file and line{example}; files of labels that name them otherwise will not "
        f"find them: say which column names them, --id COLUMN (columns: {', '.join(table.columns)})\n"
    )


def rules_of(wish: Wish) -> Rules:
    """What such a server lets through."""
    loopback = wish.host in _LOOPBACK
    names = {"127.0.0.1", "localhost", "[::1]", *(n.lower() for n in wish.host_names)}
    if wish.host not in ("0.0.0.0", "::"):
        names.add(wish.host.lower())
    return Rules(loopback=loopback and not wish.host_names, hosts=frozenset(names))


def _serve(bench: Workbench, wish: Wish, token: str, name: str) -> None:
    shown = "127.0.0.1" if wish.host in ("0.0.0.0", "::") else wish.host
    address = f"http://{f'[{shown}]' if ':' in shown else shown}:{wish.port}/#token={token}"
    settings = uvicorn.Config(
        make_app(bench, rules_of(wish)),
        host=wish.host,
        port=wish.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=3,
    )
    server = uvicorn.Server(settings)
    if not wish.quiet:
        sys.stderr.write(f"workbench of {name}: {address}\nstop it with Ctrl+C\n")
        sys.stderr.flush()
    if wish.browser:
        threading.Timer(1.0, webbrowser.open, (address,)).start()
    try:
        server.run()
    except SystemExit:
        raise InputError(
            f"port {wish.port} of {wish.host} cannot be used; another program may hold it: give another with --port"
        ) from None


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "admin"
