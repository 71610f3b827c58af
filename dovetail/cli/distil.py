"""`dovetail distil`: a small fast student of a classifier."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[Path, typer.Argument(help="Folder of a classifier.", show_default=False)]
Source = Annotated[str | None, typer.Argument(help="A table with more texts, which need no labels.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the student; made if absent.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def distil(model: Model, out: Out, source: Source = None, as_json: AsJson = False, quiet: Quiet = False) -> None:
    """Make a student of a classifier that classifies thousands of texts a second, and say what that costs."""
    from dovetail.cli.models_classify import texts_in
    from dovetail.cli.progress import shown
    from dovetail.errors import InputError
    from dovetail.tables.read import read
    from dovetail.tasks.base import load_model
    from dovetail.tasks.classify import Classifier
    from dovetail.workspace import as_json_text

    if out.resolve() == model.resolve():
        raise InputError(f"--out is the folder of the teacher, {model}; name another one for the student")
    made = load_model(model)
    if not isinstance(made, Classifier):
        raise InputError(f"{model} is no classifier; only classifiers have students")
    texts = [] if source is None else texts_in(read(source), made.card.get("columns"))
    with shown(quiet or as_json) as show:
        student, done = made.distil(texts, on_progress=show)
    student.save(out)
    figures = {"right": done.right, "teacher": done.teacher, "agree": done.agree, "per_second": done.per_second}
    if as_json:
        sys.stdout.write(as_json_text({**figures, "out": str(out)}) + "\n")
    elif not quiet:
        sys.stdout.write("\n".join([*done.to_lines(), f"model: {out}"]) + "\n")
