"""Answers to many queries as a table, or as the run file that TREC's tools read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from dovetail.errors import InputError
from dovetail.tables.atomic import replace_file
from dovetail.tasks.search_find import Hit

RUNS = (".run", ".trec")  # endings of run files
_NAMES = ("query", "rank", "document", "relevance", "title")
_KINDS = (pa.string(), pa.int64(), pa.string(), pa.float64(), pa.string())


def answers_table(queries: Sequence[str], answers: Sequence[Sequence[Hit]]) -> pa.Table:
    """A row an answer: query, rank from 1, document, relevance, title."""
    rows = [
        (query, rank, hit.id, hit.relevance, hit.title)
        for query, hits in zip(queries, answers, strict=True)
        for rank, hit in enumerate(hits, 1)
    ]
    columns = list(zip(*rows, strict=True)) or [()] * len(_NAMES)
    return pa.table({n: pa.array(c, k) for n, c, k in zip(_NAMES, columns, _KINDS, strict=True)})


def write_run(path: str | Path, ids: Sequence[str], answers: Sequence[Sequence[Hit]], tag: str = "dovetail") -> Path:
    """A line an answer: id of the query, Q0, id of the document, rank, relevance, tag. Ids may hold no blanks there."""
    lines = []
    for query, hits in zip(ids, answers, strict=True):
        for rank, hit in enumerate(hits, 1):
            odd = next((name for name in (query, hit.id) if re.search(r"\s", name) or not name), None)
            if odd is not None:
                raise InputError(
                    f"the id {odd!r} has blanks, which a run file cannot hold; write a .csv or .jsonl file"
                )
            lines.append(f"{query} Q0 {hit.id} {rank} {hit.relevance:.6f} {tag}\n")
    with replace_file(path) as beside:
        beside.write_text("".join(lines), encoding="utf-8")
    return Path(path)
