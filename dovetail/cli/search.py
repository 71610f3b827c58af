"""`dovetail search`: ask an index that `dovetail fit search` wrote."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dovetail.workspace import as_json_text

if TYPE_CHECKING:
    from dovetail.tasks.search import Searcher
    from dovetail.tasks.search_find import Hit

_WIDTH = 110
_BOLD = ("\x1b[1m", "\x1b[0m")


@dataclass(frozen=True)
class SearchAsked:
    """What a person asked of an index. `start` answers are left out; `profile` is a file of somebody's interests."""

    folder: Path
    query: str
    k: int = 10
    start: int = 0
    where: Sequence[str] = ()
    profile: Path | None = None
    explain: bool = False
    as_json: bool = False


def run_search(asked: SearchAsked) -> None:
    """Print the answers to a query, best first."""
    from dovetail.tasks.search import Searcher
    from dovetail.tasks.search_profile import Profile
    from dovetail.tasks.search_where import parse_where

    searcher, query = Searcher.load(asked.folder), asked.query
    profile = None if asked.profile is None else Profile.load(asked.profile)
    where = parse_where(asked.where)
    hits = searcher.search(query, asked.k, where=where, profile=profile, start=asked.start)
    if asked.as_json:
        found = [_told(searcher, asked, hit, profile) for hit in hits]
        sys.stdout.write(as_json_text({"query": query, "start": asked.start, "hits": found}) + "\n")
        return
    first = asked.start + 1
    lines = [line for rank, hit in enumerate(hits, first) for line in _shown(searcher, asked, rank, hit, profile)]
    sys.stdout.write("\n".join(lines or [_nothing(asked)]) + "\n")


def explain_answer(folder: Path, query: str, name: str | None, *, as_json: bool) -> None:
    """Say why a document is an answer to a query, or is none."""
    from dovetail.errors import InputError
    from dovetail.tasks.search import Searcher

    if name is None:
        raise InputError(
            f'a searcher explains a query and the id of a document: dovetail explain {folder} "{query}" ID'
        )
    found = Searcher.load(folder).explain(query, name)
    lines = [printable(line) for line in found.to_lines()]
    sys.stdout.write((as_json_text(found.to_dict()) if as_json else "\n".join(lines)) + "\n")


def printable(text: str) -> str:
    """A text that steers no terminal: control characters become visible signs."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _nothing(asked: SearchAsked) -> str:
    if asked.start:
        return f"there are no answers after the first {asked.start:,}"
    return "nothing was found" + (" that fits the filters; leave one out" if asked.where else "")


def _told(searcher: Searcher, asked: SearchAsked, hit: Hit, profile: Any) -> dict[str, Any]:
    found = asdict(hit) | {"marks": searcher.marked(asked.query, hit.passage)}
    return found | ({"why": searcher.explain(asked.query, hit.id, profile=profile).to_dict()} if asked.explain else {})


def _shown(searcher: Searcher, asked: SearchAsked, rank: int, hit: Hit, profile: Any) -> list[str]:
    from dovetail.tasks.search_marks import shown

    lines = [printable(f"{rank:>3}  {hit.relevance:.3f}  {hit.id}  {' '.join(hit.title.split())}".rstrip())]
    if asked.explain:
        why = searcher.explain(asked.query, hit.id, profile=profile).to_lines()[2:]
        return lines + [printable(f"     {line}") for line in why]
    clean = "".join(sign if sign.isprintable() or sign.isspace() else " " for sign in hit.passage)  # of the same length
    around = _BOLD if sys.stdout.isatty() else ("", "")
    said = shown(clean, searcher.marked(asked.query, clean), _WIDTH, around)
    return [*lines, f"            {said}"] if said else lines
