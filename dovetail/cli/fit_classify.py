"""`dovetail fit classify`: train a classifier on texts and labels, or make one from class names alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

Source = Annotated[str, typer.Argument(help="A table with a row for each text.", show_default=False)]
Text = Annotated[list[str], typer.Option(help="Column of the text; several are joined. Repeatable.")]
Label = Annotated[str | None, typer.Option(help="Column of the labels; without it the names alone must do.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the model; made if absent.", show_default=False)]
Minutes = Annotated[float | None, typer.Option(help="Most minutes to train.")]
Effort = Annotated[str, typer.Option(help="quick, normal or best.")]
Encoder = Annotated[str, typer.Option(help="auto, static, layered, transformer, or the folder of one.")]
Kind = Annotated[str, typer.Option(help="Labels a text: auto, one, many, or tree (A > B > C).")]
Between = Annotated[str | None, typer.Option(help="Sign between several labels of one text, for example |.")]
Name = Annotated[list[str] | None, typer.Option(help="What a class means: class=description. Repeatable.")]
Outside = Annotated[str | None, typer.Option(help="The label that means none of the classes.")]
Weights = Annotated[str, typer.Option("--class-weights", help="none, or balanced: rare classes count more.")]
Augment = Annotated[
    list[str] | None,
    typer.Option(help="How texts are varied: neighbours, mix, typo, delete-words, swap-words. Repeatable."),
]
Search = Annotated[float | None, typer.Option(help="Minutes in which settings are searched; goes on after a kill.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Any other option of training, as name=value: epochs=8, layers=top-2. Repeatable."),
]
Seed = Annotated[int, typer.Option(help="Seed of all randomness.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]

# What no one needs to name a folder for.
_KEPT = {"search_folder": "the search of --search", "checkpoint": "what a killed training goes on from"}


def classify(
    source: Source,
    text: Text,
    out: Out,
    label: Label = None,
    minutes: Minutes = None,
    effort: Effort = "normal",
    encoder: Encoder = "auto",
    kind: Kind = "auto",
    between: Between = None,
    name: Name = None,
    outside: Outside = None,
    class_weights: Weights = "none",
    augment: Augment = None,
    search: Search = None,
    settings: Set = None,
    seed: Seed = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a classifier on texts and labels, or make one from the names of the classes alone."""
    from dovetail.cli.fit_match import UNFINISHED
    from dovetail.cli.given import split_pairs
    from dovetail.errors import InputError
    from dovetail.tasks.classify import Classifier

    names = split_pairs(name, "--name")
    if label is not None and label in text:
        raise InputError(f"the column {label} holds the labels, so it cannot be the text; name others with --text")
    if label is None:
        if not names:
            raise InputError("give the column of the labels with --label, or what the classes mean with --name a=b")
        if settings:
            raise InputError("--set speaks of training, and without --label nothing is trained; leave one of them out")
        made = Classifier.from_names(names, encoder=encoder)
    else:
        asked: dict[str, Any] = {"minutes": minutes, "effort": effort, "kind": kind, "names": names, "seed": seed}
        asked |= {"outside": outside, "class_weights": class_weights, "augment": tuple(augment or ())}
        asked |= _more(split_pairs(settings, "--set"), asked)
        asked |= {"search": search, "search_folder": str(out / "search") if search else None}
        asked["checkpoint"] = out / UNFINISHED
        made = _fitted(source, (text, label, between), encoder, asked, quiet=quiet or as_json)
    made.remember(columns=text, label=label, between=between)
    made.save(out)
    _say(made.card, out, as_json=as_json, quiet=quiet)


def _more(given: dict[str, str], asked: dict[str, Any]) -> dict[str, Any]:
    """Options that have no word of their own on the console; a list is written with commas."""
    from dovetail.errors import InputError

    for name in given:
        if name in _KEPT:
            raise InputError(f"--set {name}={given[name]}: {_KEPT[name]} is kept in the folder of the model, see --out")
        if name in asked or name == "search":
            raise InputError(f"--set {name}={given[name]}: {name} has an option of its own, --{name.replace('_', '-')}")
    return {name: tuple(value.split(",")) if name == "rungs" else value for name, value in given.items()}


def _fitted(
    source: str, columns: tuple[list[str], str, str | None], encoder: str, asked: dict[str, Any], *, quiet: bool
) -> Any:
    from dovetail.cli.models_classify import labels_in, texts_in
    from dovetail.cli.progress import shown
    from dovetail.tables.read import read
    from dovetail.tasks.classify import Classifier

    text, label, between = columns
    table = read(source)
    with shown(quiet) as show:
        return Classifier(encoder).fit(
            texts_in(table, text), labels_in(table, label, between), on_progress=show, **asked
        )


def _say(card: dict[str, Any], out: Path, *, as_json: bool, quiet: bool) -> None:
    from dovetail.workspace import as_json_text

    if as_json:
        sys.stdout.write(as_json_text(card) + "\n")
        return
    if quiet:
        return
    lines = [f"{card['labels']:,} labels: {card['why']}"]
    lines += [f"  {r['name']:<10} {r['score']:.3f} right, {r['seconds']:.1f} s" for r in card.get("rungs", ())]
    if card.get("search"):
        lines.append(f"  settings searched: {len(card['search']['trials'])} trials, {card['search']['ended']}")
    lines += [f"! {note}" for note in card.get("notes", ())]
    sys.stdout.write("\n".join([*lines, f"model: {out}"]) + "\n")
