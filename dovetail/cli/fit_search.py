"""`dovetail fit search`: index documents, and fit what joins words and meaning on judged queries."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

Documents = Annotated[str, typer.Argument(help="A table with a row for each document.", show_default=False)]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for the model; made if absent.", show_default=False)]
Judged = Annotated[str | None, typer.Option("--judgements", help="Judged answers: query, document, grade.")]
Queries = Annotated[str | None, typer.Option(help="Text of the queries, where judgements name them by id: id, text.")]
Id = Annotated[str | None, typer.Option("--id", help="Column that names the documents.")]
Title = Annotated[str | None, typer.Option(help="Column of the titles.")]
Text = Annotated[list[str] | None, typer.Option(help="Column of the texts. Repeatable: then one below the other.")]
Language = Annotated[str, typer.Option(help="Language of the texts; auto looks at their commonest words.")]
Encoder = Annotated[str, typer.Option(help="auto, static, transformer, or the folder of one.")]
Store = Annotated[str, typer.Option(help="Where the vectors are searched: auto, exact, lists, usearch, or a URL.")]
Synonyms = Annotated[str | None, typer.Option(help="Words that mean the same: word, synonym.")]
Tuning = Annotated[str, typer.Option(help="What judgements may change: weights, queries, encoder, reader, all.")]
Alone = Annotated[bool, typer.Option("--adapt", help="Tune the encoder on the documents alone, behind the same gate.")]
Ask = Annotated[
    str | None,
    typer.Option(help="What makes questions of passages for --adapt: file.py:function, or a network's folder."),
]
Minutes = Annotated[float | None, typer.Option(help="Most minutes that tuning a network may take.")]
Seed = Annotated[int, typer.Option(help="Seed of all randomness.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def search(
    documents: Documents,
    out: Out,
    judged: Judged = None,
    queries: Queries = None,
    row_id: Id = None,
    title: Title = None,
    text: Text = None,
    language: Language = "auto",
    encoder: Encoder = "auto",
    synonyms: Synonyms = None,
    store: Store = "auto",
    tuning: Tuning = "queries",
    adapt: Alone = False,
    ask: Ask = None,
    minutes: Minutes = None,
    seed: Seed = 0,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Index documents for search by words and meaning, and learn from judged answers where that proves better."""
    from dovetail.cli.documents import say_left_out
    from dovetail.cli.progress import shown
    from dovetail.reports.search import render_search
    from dovetail.tables.atomic import replace_file
    from dovetail.tasks.search import Searcher
    from dovetail.tasks.search_documents import DocumentColumns
    from dovetail.tasks.search_sources import read_judgements
    from dovetail.tasks.search_tuning import tuning_of
    from dovetail.tasks.search_words import read_synonyms
    from dovetail.workspace import as_json_text

    asks = None if ask is None else _asking(ask)
    adapt = adapt or ask is not None
    tried = tuning_of(tuning)
    tried = tried if minutes is None else replace(tried, minutes=minutes)
    judgements = None if judged is None else read_judgements(judged, queries=queries)
    words = None if synonyms is None else read_synonyms(synonyms)
    made = Searcher(out, encoder=encoder, language=language, synonyms=words, store=store)
    with shown(quiet or as_json) as show:
        columns = DocumentColumns(row_id, title, text or None)
        made.fit(documents, None if adapt else judgements, columns=columns, tuning=tried, seed=seed, on_progress=show)
        if adapt:
            made.adapt(asks, tuning=tried, seed=seed, on_progress=show)
            if judgements is not None:
                made.learn(judgements, tuning=tried, seed=seed)
    say_left_out(made)
    page = render_search(made.describe())
    with replace_file(out / "report.html") as beside:
        beside.write_text(page, encoding="utf-8")
    if as_json:
        sys.stdout.write(as_json_text(made.describe()) + "\n")
    elif not quiet:
        sys.stdout.write("\n".join([*made.to_lines(), f"model: {out}", f"report: {out / 'report.html'}"]) + "\n")


def _asking(wish: str) -> Any:
    """The function that is named as `file.py:function`, or the only one of a file; or the folder of a network."""
    from dovetail.cli.functions import functions_of
    from dovetail.errors import InputError, UnknownName
    from dovetail.tasks.search_ask import asking

    file, _, name = wish.partition(".py:")
    if not name and not wish.endswith(".py"):
        return asking(wish)
    found = functions_of(wish if not name else f"{file}.py")
    if name and name not in found:
        raise UnknownName("function", name, list(found), f"{file}.py")
    if not name and len(found) > 1:
        raise InputError(
            f"{wish} holds {len(found)} functions, {', '.join(found)}; name one: {wish}:{next(iter(found))}"
        )
    return found[name] if name else next(iter(found.values()))
