"""`dovetail predict` and `dovetail evaluate` with a searcher."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa

from dovetail.cli.models import Asked
from dovetail.errors import InputError
from dovetail.reports.search import render_search
from dovetail.tables.atomic import replace_file
from dovetail.tables.read import read
from dovetail.tables.write import write
from dovetail.tasks.search import Searcher
from dovetail.tasks.search_judgements import query_column
from dovetail.workspace import as_json_text

_ANSWERS = 10


def predict_answers(asked: Asked) -> None:
    """Answer every query of a table and write query, rank, document and relevance."""
    if len(asked.sources) != 1:
        raise InputError(f"a searcher takes one table of queries; {len(asked.sources)} were given")
    if asked.out is None:
        raise InputError("predict needs a file to write; name it with --out answers.csv")
    searcher = Searcher.load(asked.folder)
    queries = query_column(read(asked.sources[0]))
    rows = [
        {"query": query, "rank": rank, "document": hit.id, "relevance": hit.relevance, "title": hit.title}
        for query in queries
        for rank, hit in enumerate(searcher.search(query, _ANSWERS), 1)
    ]
    names = ("query", "rank", "document", "relevance", "title")
    write(pa.table({name: [row[name] for row in rows] for name in names}), asked.out)
    facts = {"queries": len(queries), "answers": len(rows), "out": asked.out}
    if asked.as_json:
        sys.stdout.write(json.dumps(facts) + "\n")
    elif not asked.quiet:
        sys.stdout.write(f"{len(queries):,} queries answered\n{asked.out}\n")


def evaluate_answers(asked: Asked) -> None:
    """Measure a searcher on judged queries; with a folder, write the figures there."""
    if asked.labels is None:
        raise InputError("evaluate needs judged answers (query, document, grade); name the file with --labels")
    queries = asked.sources[0] if asked.sources else None
    searcher = Searcher.load(asked.folder)
    found = searcher.evaluate(asked.labels, queries=queries)
    if asked.out is not None:
        page = render_search(searcher.describe(), found)
        files = {"evaluation.json": as_json_text(found.to_dict()) + "\n", "evaluation.html": page}
        for name, text in files.items():
            with replace_file(Path(asked.out) / name) as beside:
                beside.write_text(text, encoding="utf-8")
    if asked.as_json:
        sys.stdout.write(as_json_text(found.to_dict()) + "\n")
    elif not asked.quiet:
        sys.stdout.write("\n".join(found.to_lines()) + "\n")
