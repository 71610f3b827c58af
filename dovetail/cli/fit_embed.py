"""`dovetail fit embed`: a similarity space shaped by class labels, or by pairs of texts with grades."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from dovetail.types import Table

Source = Annotated[str, typer.Argument(help="A table with a row for each text or pair.", show_default=False)]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the space; made if absent.", show_default=False)]
Text = Annotated[list[str] | None, typer.Option(help="Column of the text; several are joined. Repeatable.")]
Label = Annotated[str | None, typer.Option(help="Column of the class; rows without one help, too.")]
Left = Annotated[str | None, typer.Option(help="Column of one text of each pair.")]
Right = Annotated[str | None, typer.Option(help="Column of the other text.")]
Grade = Annotated[str | None, typer.Option(help="Column of numbers: how alike the two are.")]
Encoder = Annotated[str, typer.Option(help="auto, static, layered, transformer, or the folder of one.")]
Dimensions = Annotated[int | None, typer.Option(help="Cut the vectors to so many leading directions.")]
Layers = Annotated[str | None, typer.Option(help="Tune the encoder, too: all, top-2 (any number), lora.")]
Minutes = Annotated[float, typer.Option(help="Most minutes that tuning the encoder may take.")]
Seed = Annotated[int, typer.Option(help="Seed of all randomness.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]

_RATE, _PASSES = 5e-5, 2.0  # of a tuned encoder; chosen on valid pairs of stsb


def embed(
    source: Source,
    out: Out,
    text: Text = None,
    label: Label = None,
    left: Left = None,
    right: Right = None,
    grade: Grade = None,
    encoder: Encoder = "auto",
    dimensions: Dimensions = None,
    layers: Layers = None,
    minutes: Minutes = 10.0,
    seed: Seed = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Shape a similarity space by class labels, or by pairs of texts with grades."""
    from dovetail.cli.given import check_folder
    from dovetail.cli.progress import shown
    from dovetail.tables.read import read
    from dovetail.tasks.embed import Embedder

    columns = _columns({"--text": text, "--label": label}, {"--left": left, "--right": right, "--grade": grade})
    check_folder(out)
    tuning = None
    if layers is not None:
        from dovetail.training.settings import TuneSettings

        tuning = TuneSettings(layers=layers, minutes=minutes, learning_rate=_RATE, epochs=_PASSES, seed=seed)
    made, table = Embedder(encoder=encoder, dimensions=dimensions, tuning=tuning), read(source)
    with shown(quiet or as_json) as show:
        if grade is None:
            from dovetail.cli.models_classify import labels_in, texts_in

            made.fit(texts_in(table, text), labels_in(table, str(label), None), seed=seed, on_progress=show)
        else:
            one, other = (texts_of_side(table, str(column)) for column in (left, right))
            made.fit_pairs(one, other, grades_in(table, grade), seed=seed, on_progress=show)
    made.facts_ |= columns
    made.save(out)
    if as_json:
        from dovetail.workspace import as_json_text

        sys.stdout.write(as_json_text({"model": str(out), "head": made.kind_, **made.facts_}) + "\n")
    elif not quiet:
        sys.stdout.write(f"{made.facts_['why']}\nmodel: {out}\n")


def _columns(classes: dict[str, Any], pairs: dict[str, Any]) -> dict[str, Any]:
    """The columns to learn from under their own names; classes or pairs, whole and not both."""
    from dovetail.errors import InputError

    given = [kind for kind in (classes, pairs) if any(kind.values())]
    if len(given) != 1:
        raise InputError("give --text and --label for classes, or --left, --right and --grade for pairs")
    missing = [name for name, value in given[0].items() if not value]
    if missing:
        raise InputError(f"{', '.join(given[0])} belong together; missing: {', '.join(missing)}")
    label = classes["--label"]
    if label in (classes["--text"] or []):
        raise InputError(f"the column {label} holds the labels, so it cannot be the text")
    return {"pairs": list(pairs.values())} if given[0] is pairs else {"columns": classes["--text"], "label": label}


def texts_of_side(table: Table, column: str) -> list[str]:
    """The texts of a column; none where there is nothing."""
    from dovetail.cli.models_classify import labels_in

    return ["" if value is None else str(value) for value in labels_in(table, column, None)]


def grades_in(table: Table, column: str) -> list[float]:
    """The numbers of a column; a row without one is named."""
    from dovetail.cli.models_classify import labels_in
    from dovetail.errors import InputError

    found = []
    for place, value in enumerate(labels_in(table, column, None)):
        try:
            found.append(float(value))
        except (TypeError, ValueError):
            raise InputError(
                f"{table.name}, row {table.ids[place]}: {value!r} in {column} is no number; grade each pair by one"
            ) from None
    return found
