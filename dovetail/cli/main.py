"""The command line: thin verbs over the same jobs that the library runs."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from dovetail.cli.ask import ask
from dovetail.cli.distil import distil
from dovetail.cli.documents import delete
from dovetail.cli.fit import app as fit_app
from dovetail.cli.given import split_pairs
from dovetail.cli.labels import app as labels_app
from dovetail.cli.said import speak
from dovetail.cli.serve import label, serve, share
from dovetail.cli.why_classify import suspects
from dovetail.errors import DovetailError, InputError
from dovetail.version import __version__

_MISUSED, _STOPPED = 2, 130  # exit codes: options that cannot be parsed, the keyboard

app = typer.Typer(
    name="dovetail",
    help="Fit tables together: match schemas and records, merge them, and see why.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(fit_app, name="fit")
app.command()(ask)
app.command()(distil)
app.command()(delete)
app.command()(suspects)
app.add_typer(labels_app, name="labels")
app.command()(label)
app.command()(serve)
app.command()(share)

Sources = Annotated[list[str], typer.Argument(help="Files, folders, globs, or database URLs.", show_default=False)]
MaybeSources = Annotated[
    list[str] | None,
    typer.Argument(help="Files, folders, globs, or database URLs; a searcher needs none.", show_default=False),
]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the results; made if absent.")]
Labels = Annotated[str | None, typer.Option(help="Judged pairs to learn from: left_id, right_id, label.")]
Truth = Annotated[str | None, typer.Option(help="Complete list of true matches to measure against.")]
Id = Annotated[str | None, typer.Option("--id", help="Column that names the rows.")]
Recall = Annotated[float | None, typer.Option(help="Share of the true matches that blocking must keep.")]
MaxPairs = Annotated[int | None, typer.Option(help="Most candidate pairs.")]
Memory = Annotated[str | None, typer.Option(help="Most memory, for example 4GB.")]
Threshold = Annotated[float | None, typer.Option(help="Score from which a pair is a match.")]
Precision = Annotated[float | None, typer.Option(help="Precision that the threshold must promise.")]
Cluster = Annotated[str, typer.Option(help="How matches become entities.")]
Rule = Annotated[list[str] | None, typer.Option(help="How a column is fused: column=rule. Repeatable.")]
Trust = Annotated[list[str] | None, typer.Option(help="A source, the most trusted first. Repeatable.")]
Seed = Annotated[int, typer.Option(help="Seed of all randomness.")]
Guard = Annotated[bool, typer.Option("--guard-formulas", help="Keep spreadsheets from running cells.")]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at the first row that cannot be read.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Model = Annotated[Path, typer.Argument(help="Folder that `dovetail fit` wrote.", show_default=False)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Columns = Annotated[
    list[str] | None,
    typer.Option("--map", help="Columns that correspond: left=right; `left=` keeps one alone. Repeatable."),
]
Within = Annotated[
    bool | None, typer.Option("--within/--no-within", help="Look for duplicates inside one source, too.")
]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"dovetail {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
) -> None:
    del version


@app.command()
def integrate(
    sources: Sources,
    out: Out,
    labels: Labels = None,
    truth: Truth = None,
    row_id: Id = None,
    columns: Columns = None,
    within: Within = None,
    recall: Recall = None,
    max_pairs: MaxPairs = None,
    memory: Memory = None,
    threshold: Threshold = None,
    precision: Precision = None,
    cluster: Cluster = "auto",
    rule: Rule = None,
    trust: Trust = None,
    guard_formulas: Guard = False,
    seed: Seed = 0,
    strict: Strict = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Match and merge the rows of several tables into one clean table."""
    from dovetail.cli.merge import run_merge

    if len(sources) < 2:
        raise InputError(
            f"integrate needs two tables or more; for the duplicates of one, type: dovetail dedupe {sources[0]}"
        )
    settings = _settings(locals())
    run_merge(sources, settings, labels, truth, out, as_json=as_json, quiet=quiet)


@app.command()
def dedupe(
    source: Annotated[str, typer.Argument(help="A file, folder, glob, or database URL.", show_default=False)],
    out: Out,
    labels: Labels = None,
    truth: Truth = None,
    row_id: Id = None,
    recall: Recall = None,
    max_pairs: MaxPairs = None,
    memory: Memory = None,
    threshold: Threshold = None,
    precision: Precision = None,
    cluster: Cluster = "auto",
    rule: Rule = None,
    guard_formulas: Guard = False,
    seed: Seed = 0,
    strict: Strict = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find and merge the duplicates inside one table."""
    from dovetail.cli.merge import run_merge

    settings = _settings(locals())
    run_merge([source], settings, labels, truth, out, as_json=as_json, quiet=quiet)


@app.command()
def predict(
    model: Model,
    sources: Sources,
    out: Annotated[str, typer.Option("--out", "-o", help="File to write: csv, tsv, jsonl, parquet, xlsx; run.")],
    pairs: Annotated[str | None, typer.Option(help="The pairs to score: left_id, right_id.")] = None,
    row_id: Id = None,
    k: Annotated[int, typer.Option("--k", "-k", help="For a searcher: most answers to each query.")] = 10,
    as_json: AsJson = False,
    quiet: Quiet = False,
    guard_formulas: Guard = False,
) -> None:
    """Apply a model to tables, and write what it says; the page on the console explains the columns it adds."""
    from dovetail.cli.models import Asked, run_predict

    run_predict(Asked(model, sources, out, pairs, None, row_id, as_json, quiet, guard=guard_formulas, k=k))


@app.command()
def evaluate(
    model: Model,
    sources: MaybeSources = None,
    labels: Annotated[
        str | None, typer.Option(help="Judged pairs to measure against; for texts the column, if not that of training.")
    ] = None,
    out: Annotated[str | None, typer.Option("--out", "-o", help="Folder for the report and its figures.")] = None,
    groups: Annotated[str | None, typer.Option(help="Column of groups of people: figures for each.")] = None,
    row_id: Id = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Measure a model against labels that it has not seen, with 95 % intervals."""
    from dovetail.cli.models import Asked, run_evaluate

    run_evaluate(Asked(model, sources or [], out, None, labels, row_id, as_json, quiet, groups))


@app.command()
def monitor(
    model: Model,
    source: Annotated[str, typer.Argument(help="A table with new texts.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Say whether new texts drifted away from a classifier, which classes suffer, and which rows to label."""
    from dovetail.cli.models_classify import monitor_classes

    monitor_classes(model, source, as_json=as_json)


@app.command()
def update(
    model: Model,
    source: Annotated[
        str, typer.Argument(help="A table with newly labelled texts, documents or judged answers.", show_default=False)
    ],
    label: Annotated[str | None, typer.Option(help="Column of the labels; the one of training if absent.")] = None,
    queries: Annotated[str | None, typer.Option(help="Text of the queries that judgements name by id.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Let a classifier learn from new labels, or a searcher from new documents or judged answers; worse is not kept."""
    from dovetail.cli.documents import run_update

    run_update(model, source, label, queries, as_json=as_json, quiet=quiet)


@app.command()
def profile(
    source: Annotated[str, typer.Argument(help="A file, folder, glob, or database URL.", show_default=False)],
    labels: Labels = None,
    other: Annotated[str | None, typer.Option(help="The second table that the labels speak of.")] = None,
    row_id: Id = None,
    as_json: AsJson = False,
    strict: Strict = False,
) -> None:
    """Say what each column holds, and what looks wrong with it; with labels, whether a column gives them away."""
    from dovetail.cli.tables import show_profile

    show_profile(source, labels, other, row_id, strict=strict, as_json=as_json)


@app.command()
def clean(
    source: Annotated[str, typer.Argument(help="A file, folder, glob, or database URL.", show_default=False)],
    out: Annotated[str, typer.Option("--out", "-o", help="File to write: csv, tsv, jsonl, parquet or xlsx.")],
    normalise: Annotated[bool, typer.Option("--normalise", help="Add comparable values beside the originals.")] = False,
    guard: Guard = False,
    strict: Strict = False,
) -> None:
    """Repair Unicode, white space and entities, and write the table in any format."""
    from dovetail.cli.tables import clean_table

    clean_table(source, out, normalise=normalise, guard=guard, strict=strict)


@app.command()
def columns(
    left: Annotated[str, typer.Argument(help="The first table.", show_default=False)],
    right: Annotated[str, typer.Argument(help="The second table.", show_default=False)],
    mapping: Columns = None,
    as_json: AsJson = False,
) -> None:
    """Say which columns of two tables correspond."""
    from dovetail.cli.tables import show_columns

    show_columns(left, right, split_pairs(mapping, "--map"), as_json=as_json)


@app.command()
def search(
    model: Model,
    query: Annotated[str, typer.Argument(help="What to look for, in words.", show_default=False)],
    k: Annotated[int, typer.Option("--k", "-k", help="Most answers.")] = 10,
    where: Annotated[
        list[str] | None, typer.Option(help="Filter: column=value, also != >= <= > < and ~ (contains). Repeatable.")
    ] = None,
    start: Annotated[int, typer.Option(help="Leave out that many of the first answers: the next page.")] = 0,
    profile: Annotated[Path | None, typer.Option(help="File of a profile: somebody's interests.")] = None,
    why: Annotated[bool, typer.Option("--why", help="Say which words and passages carried each answer.")] = False,
    as_json: AsJson = False,
) -> None:
    """Find documents by words and meaning in an index that fit search wrote."""
    from dovetail.cli.search import SearchAsked, run_search

    run_search(SearchAsked(model, query, k, start, where or (), profile, why, as_json))


@app.command()
def explain(
    folder: Annotated[
        Path, typer.Argument(help="A folder of integrate or dedupe, a classifier or a searcher.", show_default=False)
    ],
    left: Annotated[str, typer.Argument(help="Row id, the text to explain, or the query.", show_default=False)],
    right: Annotated[str | None, typer.Argument(help="Row id, the class, or the document.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Say why two rows were matched, or were not; why a text is of its class; why a document answers a query."""
    from dovetail.cli.explain import show

    show(folder, left, right, as_json=as_json)


def _settings(given: dict[str, object]) -> dict[str, object]:
    names = ("within", "recall", "max_pairs", "memory", "threshold", "precision", "guard_formulas", "seed", "strict")
    settings = {n: given[n] for n in names if given.get(n) is not None}
    if given.get("row_id") is not None:
        settings["id"] = given["row_id"]
    settings["clusterer"] = given["cluster"]
    settings["mapping"] = split_pairs(given.get("columns"), "--map")  # type: ignore[arg-type]
    settings["rules"] = split_pairs(given.get("rule"), "--rule")  # type: ignore[arg-type]
    settings["trust"] = tuple(given.get("trust") or ())  # type: ignore[arg-type]
    return settings


def main() -> None:
    """Run the command line; errors that a person can mend end in one sentence and an exit code."""
    speak()
    try:
        code = _run()
    except DovetailError as error:
        code = _said(str(error), type(error).__name__, error.exit_code)
    except KeyboardInterrupt:
        code = _STOPPED
    except BrokenPipeError:
        code = 141
    except (MemoryError, OSError) as error:
        code = _said(_in_words(error), type(error).__name__, 1)
    if code == _STOPPED:
        sys.stderr.write("\ndovetail: stopped; the same command goes on from the last finished step\n")
    if code in (1, 141):  # what still waits for a full disk or a closed pipe would fail once more at the very end
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(code)


def _run() -> int:
    """The exit code; options that cannot be parsed have been explained on standard error."""
    try:
        app()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
        if code == _MISUSED and "--json" in sys.argv:
            message = "the command line is not understood; standard error says why"
            sys.stdout.write(json.dumps({"error": message, "type": "UsageError"}) + "\n")
        sys.stdout.flush()
        return code
    return 0


def _said(message: str, kind: str, code: int) -> int:
    with contextlib.suppress(OSError):  # standard output may be what failed
        if "--json" in sys.argv:
            sys.stdout.write(json.dumps({"error": message, "type": kind}) + "\n")
            sys.stdout.flush()
    sys.stderr.write(f"dovetail: {message}\n")
    return code


def _in_words(error: MemoryError | OSError) -> str:
    if isinstance(error, MemoryError):
        return "the memory of this machine does not suffice; give less with --memory or --max-pairs"
    where = f"{error.filename} cannot be read or written" if error.filename else "reading or writing failed"
    return f"{where}: {error.strerror or error}; see that there is room and permission, then type the same command"


if __name__ == "__main__":
    main()
