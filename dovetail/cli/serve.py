"""`dovetail label`, `dovetail serve` and `dovetail share`: the workbench in a browser, and what it leaves to show."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from dovetail.errors import MissingExtra

Folder = Annotated[Path, typer.Argument(help="A workspace, or a new folder with --add.")]
Served = Annotated[Path, typer.Argument(help="A workspace, a model that fit wrote, or a new folder with --add.")]
Host = Annotated[str, typer.Option(help="Address to listen at; this machine only by default.")]
Port = Annotated[int, typer.Option(help="Port to listen at.", min=1, max=65_535)]
HostName = Annotated[list[str] | None, typer.Option(help="A host name to answer to, behind a proxy. Repeatable.")]
Add = Annotated[list[str] | None, typer.Option(help="A file, folder or URL to add as a table. Repeatable.")]
Id = Annotated[str | None, typer.Option("--id", help="Column that names the rows of an added table.")]
Browser = Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")]
Who = Annotated[str | None, typer.Option("--as", help="Name of the admin who gets a token; the user by default.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def label(
    workspace: Folder,
    add: Add = None,
    row_id: Id = None,
    host: Host = "127.0.0.1",
    port: Port = 8765,
    host_name: HostName = None,
    browser: Browser = True,
    person: Who = None,
    quiet: Quiet = False,
) -> None:
    """Open the workbench: answer the most useful questions in a browser."""
    _run({**locals(), "label": True})


def serve(
    workspace: Served,
    add: Add = None,
    row_id: Id = None,
    host: Host = "127.0.0.1",
    port: Port = 8765,
    host_name: HostName = None,
    browser: Browser = False,
    person: Who = None,
    quiet: Quiet = False,
) -> None:
    """Serve the workbench of a workspace, or one model, and the verbs over HTTP."""
    _run({**locals(), "label": False})


def share(
    workspace: Annotated[Path, typer.Argument(help="A workspace.", show_default=False)],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder to write; share/ in the workspace.")] = None,
    quiet: Quiet = False,
) -> None:
    """Write one static folder to put on any web server: findings, model cards, labels, examples, changes."""
    written = import_module("dovetail.serve.share").share(workspace, out)
    if not quiet:
        sys.stdout.write(f"{written / 'index.html'}\n")


def _run(given: dict[str, Any]) -> None:
    if find_spec("fastapi") is None or find_spec("uvicorn") is None:
        raise MissingExtra("the workbench", "serve")
    command = import_module("dovetail.serve.command")  # by name, since console and server stand side by side
    command.run(
        command.Wish(
            folder=given["workspace"],
            host=given["host"],
            port=given["port"],
            host_names=tuple(given["host_name"] or ()),
            add=tuple(given["add"] or ()),
            id=given["row_id"],
            browser=given["browser"],
            person=given["person"],
            quiet=given["quiet"],
            label=given["label"],
        )
    )
