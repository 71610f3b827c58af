"""`dovetail update` and `dovetail delete` with a searcher: documents and judgements that came later."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from dovetail.tasks.search import Searcher

Model = Annotated[Path, typer.Argument(help="Folder that `dovetail fit search` wrote.", show_default=False)]
Ids = Annotated[list[str], typer.Argument(help="Ids of documents.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def delete(model: Model, ids: Ids, as_json: AsJson = False) -> None:
    """Take documents out of an index; no search finds them any more."""
    from dovetail.tasks.search import Searcher

    searcher = Searcher.load(model)
    searcher.delete(ids)
    _say({"deleted": len(set(ids)), "documents": len(searcher)}, as_json=as_json, quiet=False)


def run_update(
    folder: Path, source: str, label: str | None, queries: str | None, *, as_json: bool, quiet: bool
) -> None:
    """Let whatever model the folder holds take in what is new."""
    from dovetail.tasks.base import task_of

    if task_of(folder) == "search":
        update_searcher(folder, source, queries, as_json=as_json, quiet=quiet)
        return
    from dovetail.cli.models_classify import update_classes

    update_classes(folder, source, label, as_json=as_json, quiet=quiet)


def update_searcher(folder: Path, source: str, queries: str | None, *, as_json: bool, quiet: bool) -> None:
    """Take in documents, each in place of the one of its id; or learn from judged answers, behind the gate."""
    from dovetail.tasks.search import Searcher
    from dovetail.tasks.search_sources import has_judgements

    searcher = Searcher.load(folder)
    store = _store_in(source)
    if store is None and not has_judgements(source, searcher.columns_):
        before = len(searcher)
        searcher.update(source)
        say_left_out(searcher)
        facts = {"added": len(searcher) - before, "documents": len(searcher), "rejects": len(searcher.rejects_)}
        _say(facts, as_json=as_json, quiet=quiet)
        return
    gate = searcher.learn(source if store is None else store, queries=queries)
    told = {"kept": gate.kept, "why": gate.why, "queries": gate.queries}
    _say(told, as_json=as_json, quiet=quiet, lines=gate.to_lines())


def say_left_out(searcher: Searcher) -> None:
    """Say on standard error which documents hold no text; rows that cannot be read are said as they are read."""
    if searcher.silent_:
        sys.stderr.write(f"{searcher.silent_}\n")


def _store_in(source: str) -> Any:
    """The label store of a workspace, or in a file of its own; None where the source is none."""
    place = Path(source) / "labels.sqlite" if Path(source).is_dir() else Path(source)
    if place.suffix != ".sqlite" or not place.is_file():
        return None
    from dovetail.labels.store import LabelStore

    return LabelStore(place)


def _say(facts: dict[str, Any], *, as_json: bool, quiet: bool, lines: Sequence[str] = ()) -> None:
    if as_json:
        from dovetail.workspace import as_json_text

        sys.stdout.write(as_json_text(facts) + "\n")
    elif not quiet:
        said = lines or [f"{value:,} {name}" for name, value in facts.items() if value or name != "rejects"]
        sys.stdout.write("\n".join(said) + "\n")
