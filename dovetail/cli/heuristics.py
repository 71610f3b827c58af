"""`dovetail labels heuristics …`: rules of thumb that name classes, kept in a file of the workspace."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    help="Rules of thumb that name classes: a pattern, a list of words, names of classes, a Python function.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Workspace = Annotated[str, typer.Argument(help="Folder of the workspace.", show_default=False)]
Table = Annotated[
    str | None, typer.Option(help="A table of the workspace, or a file to add as one; needed where there are several.")
]
Functions = Annotated[
    str | None, typer.Option(help="Python file; each function takes a text and gives a class or None. It is run.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


@app.command("add")
def add(
    workspace: Workspace,
    name: Annotated[str, typer.Argument(help="What the heuristic is called; one of that name is replaced.")],
    gives: Annotated[str | None, typer.Option("--class", help="Class that it gives.")] = None,
    words: Annotated[str | None, typer.Option(help="Words and phrases with commas between; whole words count.")] = None,
    pattern: Annotated[str | None, typer.Option(help="Regular expression (RE2), upper and lower case alike.")] = None,
    names: Annotated[
        list[str] | None, typer.Option("--means", help="CLASS=what it means; texts are compared. Repeatable.")
    ] = None,
    table: Table = None,
    column: Annotated[
        str | None, typer.Option(help="Column that is read; by default all but ids and those that hold the classes.")
    ] = None,
    only_try: Annotated[bool, typer.Option("--try", help="Show what it would do, and keep nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Keep a heuristic, and show what it catches and how often it is right."""
    from dovetail.cli.heuristics_said import Given, add_one

    given = Given(name, gives or "", words or "", pattern or "", tuple(names or ()), column or "")
    add_one(workspace, table, given, keep=not only_try, as_json=as_json)


@app.command("list")
def show(workspace: Workspace, table: Table = None, functions: Functions = None, as_json: AsJson = False) -> None:
    """List heuristics with coverage, conflicts, and accuracy on what people labelled."""
    from dovetail.cli.heuristics_said import list_all

    list_all(workspace, table, functions, as_json=as_json)


@app.command("remove")
def remove(
    workspace: Workspace,
    name: Annotated[str, typer.Argument(help="The heuristic to take out.")],
    table: Table = None,
) -> None:
    """Take a heuristic out of the file."""
    from dovetail.cli.heuristics_said import remove_one

    remove_one(workspace, table, name)


@app.command("join")
def join(
    workspace: Workspace,
    table: Table = None,
    functions: Functions = None,
    sure: Annotated[float, typer.Option(help="Least probability of a class that is said.", min=0.0, max=1.0)] = 0.6,
    keep: Annotated[bool, typer.Option("--keep", help="Keep it as labels; without it only counts are shown.")] = False,
    out: Annotated[str | None, typer.Option("--out", "-o", help="File to write the labels to: csv, parquet …")] = None,
    as_json: AsJson = False,
) -> None:
    """Say which rows all heuristics together would label; keep the labels only when told to."""
    from dovetail.cli.heuristics_said import Joining, join_all

    join_all(workspace, table, functions, Joining(sure, keep, out), as_json=as_json)


@app.command("undo")
def undo(workspace: Workspace, table: Table = None) -> None:
    """Take the last joining back; once more brings it back."""
    from dovetail.cli.heuristics_said import undo_last

    undo_last(workspace, table)
