"""`dovetail search`: ask an index that `dovetail fit search` wrote."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from dovetail.workspace import as_json_text

if TYPE_CHECKING:
    from dovetail.tasks.search import Searcher
    from dovetail.tasks.search_find import Hit

_WIDTH = 110


def run_search(folder: Path, query: str, k: int, where: Sequence[str], *, explain: bool, as_json: bool) -> None:
    """Print the answers to a query, best first."""
    from dovetail.tasks.search import Searcher
    from dovetail.tasks.search_where import parse_where

    searcher = Searcher.load(folder)
    hits = searcher.search(query, k, where=parse_where(where))
    if as_json:
        found = [asdict(h) | ({"why": searcher.explain(query, h.id).to_dict()} if explain else {}) for h in hits]
        sys.stdout.write(as_json_text({"query": query, "hits": found}) + "\n")
        return
    lines = [line for rank, hit in enumerate(hits, 1) for line in _shown(searcher, query, rank, hit, explain)]
    sys.stdout.write("\n".join(lines or ["nothing was found"]) + "\n")


def _shown(searcher: Searcher, query: str, rank: int, hit: Hit, explain: bool) -> list[str]:
    lines = [f"{rank:>3}  {hit.relevance:.3f}  {hit.id}  {hit.title}".rstrip()]
    if explain:
        return lines + [f"     {line}" for line in searcher.explain(query, hit.id).to_lines()[2:]]
    flat = " ".join(hit.passage.split())
    return [*lines, f"            {flat[:_WIDTH]}{'…' if len(flat) > _WIDTH else ''}"]
