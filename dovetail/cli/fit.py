"""`dovetail fit TASK`: one command for each task, each in a file of its own."""

from __future__ import annotations

import typer

from dovetail.cli.fit_classify import classify
from dovetail.cli.fit_embed import embed
from dovetail.cli.fit_match import match
from dovetail.cli.fit_search import search

app = typer.Typer(
    help="Train a model on labels, and write it into a folder.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("match")(match)
app.command("classify")(classify)
app.command("search")(search)
app.command("embed")(embed)
