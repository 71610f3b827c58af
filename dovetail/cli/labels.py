"""`dovetail labels …`: bring labels in and out, and see how far people agree."""

from __future__ import annotations

from typing import Annotated

import typer

from dovetail.cli.heuristics import app as heuristics

app = typer.Typer(
    help="Bring labels in and out, and see how far people agree.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(heuristics, name="heuristics")

Workspace = Annotated[str, typer.Argument(help="Folder of the workspace, or a PostgreSQL URL.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


@app.command("import")
def bring_in(
    workspace: Workspace,
    file: Annotated[str, typer.Argument(help="csv, jsonl, parquet, or JSON of Label Studio or Argilla.")],
    person: Annotated[str, typer.Option(help="Who gave the labels, where the file does not say.")] = "",
    session: Annotated[str, typer.Option(help="Session that they belong to, where the file does not say.")] = "",
    table: Annotated[str, typer.Option(help="Table that they are about, where the file has no column task.")] = "",
    as_json: AsJson = False,
) -> None:
    """Keep the labels of a file. Those that say nothing new are passed over; rows that no table has are named."""
    from dovetail.cli.label_files import Whose, import_labels

    import_labels(workspace, file, Whose(person, session, table), as_json=as_json)


@app.command("export")
def bring_out(
    workspace: Workspace,
    out: Annotated[str, typer.Option("--out", "-o", help="File to write: csv, jsonl, parquet, xlsx or json.")],
    shape: Annotated[
        str | None, typer.Option(help="pair, class, group or judgement; needed where several are kept.")
    ] = None,
    form: Annotated[
        str, typer.Option("--as", help="table, label-studio or argilla; the latter two write json.")
    ] = "table",
    settled: Annotated[bool, typer.Option("--settled", help="One label a subject: gold, else what most say.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the labels that count now into a file."""
    from dovetail.cli.label_files import Wish, export_labels

    export_labels(workspace, Wish(out, shape, form, settled), as_json=as_json)


@app.command("agreement")
def show_agreement(workspace: Workspace, as_json: AsJson = False) -> None:
    """Say how far people agree beyond chance, and how they do on gold questions."""
    from dovetail.cli.label_files import say_agreement

    say_agreement(workspace, as_json=as_json)


@app.command("conflicts")
def show_conflicts(workspace: Workspace, as_json: AsJson = False) -> None:
    """List what people label differently, the most evenly split first."""
    from dovetail.cli.label_files import say_conflicts

    say_conflicts(workspace, as_json=as_json)


@app.command("check")
def look_over(workspace: Workspace, as_json: AsJson = False) -> None:
    """Name labels whose rows are in no table, and classes whose names differ only in spelling."""
    from dovetail.cli.label_files import check_labels

    check_labels(workspace, as_json=as_json)


@app.command("rename")
def rename(
    workspace: Workspace,
    new: Annotated[str, typer.Argument(help="The name as it shall be.")] = "",
    old: Annotated[
        list[str] | None,
        typer.Option("--from", help="A name to replace; by default all that differ only in spelling. Repeatable."),
    ] = None,
    table: Annotated[str | None, typer.Option(help="Only in the labels of this table; of all by default.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take the last renaming back.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make one class of several names, in everybody's labels; nothing that was said is lost."""
    from dovetail.cli.label_files import rename_labels

    rename_labels(workspace, new, tuple(old or ()), table, undo=undo, as_json=as_json)
