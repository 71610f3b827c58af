"""`dovetail ask`: which pairs, or which answers of a searcher, to judge next."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

Left = Annotated[str, typer.Argument(help="The first table; or the folder of a searcher.", show_default=False)]
Right = Annotated[str | None, typer.Argument(help="The second table, none for duplicates inside one; or queries.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="File of questions: csv, xlsx, jsonl.", show_default=False)]
Labels = Annotated[str | None, typer.Option(help="Pairs judged so far.")]
Model = Annotated[str | None, typer.Option(help="Folder of a matcher; without, the one that ships.")]
Size = Annotated[int, typer.Option(help="How many pairs to ask about.")]
Strategy = Annotated[str, typer.Option(help="both, uncertain, diverse, likely, random, or another way to choose.")]
Id = Annotated[str | None, typer.Option("--id", help="Column that names the rows.")]
Seed = Annotated[int, typer.Option(help="Seed of all randomness.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def ask(
    left: Left,
    out: Out,
    right: Right = None,
    labels: Labels = None,
    model: Model = None,
    size: Size = 25,
    strategy: Strategy = "both",
    row_id: Id = None,
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Write the pairs to judge that teach most, with an empty column `label`; or a searcher's answers, with `grade`."""
    from dovetail.cli.given import check_file
    from dovetail.cli.progress import shown
    from dovetail.tables.pairs import read_pairs
    from dovetail.tables.read import read
    from dovetail.tables.write import write
    from dovetail.tasks.match_tables import Matcher

    check_file(out, [left, right, labels])
    if (Path(left) / "model.json").is_file():
        from dovetail.cli.models_search import ask_queries

        ask_queries(Path(left), right, str(out), size, quiet=quiet)
        return
    tables = [read(source, id=row_id) for source in (left, right) if source]
    given = read_pairs(labels) if labels else None
    matcher = Matcher.load(model) if model else Matcher.shipped()
    second = tables[1] if len(tables) > 1 else None
    with shown(quiet) as show:
        wanted: dict[str, Any] = {"size": size, "strategy": strategy, "seed": seed}
        found = matcher.ask(tables[0], second, given, on_progress=show, **wanted)
    write(found.sheet(), str(out))
    if not quiet:
        sys.stdout.write(f"{found}\nquestions: {out}\n")
