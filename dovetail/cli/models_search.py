"""`dovetail predict` and `dovetail evaluate` with a searcher."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa

from dovetail.cli.models import Asked, write_pages
from dovetail.errors import InputError
from dovetail.reports.search import render_search
from dovetail.tables.read import read
from dovetail.tables.write import write
from dovetail.tasks.search import Searcher
from dovetail.tasks.search_answers import RUNS, answers_table, write_run
from dovetail.tasks.search_sources import query_column, query_ids
from dovetail.workspace import as_json_text


def predict_answers(asked: Asked) -> None:
    """Answer every query of a table and write query, rank, document and relevance."""
    if len(asked.sources) != 1:
        raise InputError(f"a searcher takes one table of queries; {len(asked.sources)} were given")
    if asked.out is None:
        raise InputError("predict needs a file to write; name it with --out answers.csv")
    searcher = Searcher.load(asked.folder)
    table = read(asked.sources[0])
    queries = query_column(table)
    answers = searcher.answers(queries, asked.k)
    if asked.out.endswith(RUNS):
        write_run(asked.out, query_ids(table), answers)
    else:
        write(answers_table(queries, answers), asked.out, guard_formulas=asked.guard)
    facts = {"queries": len(queries), "answers": sum(map(len, answers)), "out": asked.out}
    if asked.as_json:
        sys.stdout.write(json.dumps(facts) + "\n")
    elif not asked.quiet:
        sys.stdout.write(f"{len(queries):,} queries answered\n{asked.out}\n")


def ask_queries(folder: Path, source: str | None, out: str, size: int, *, quiet: bool) -> None:
    """Write the queries to judge next with some answers each and an empty column `grade`; `update` takes it back."""
    if source is None:
        raise InputError(f"a searcher asks about queries; name a table of them: dovetail ask {folder} queries.csv")
    searcher = Searcher.load(folder)
    asked = searcher.questions(query_column(read(source)), size)
    rows = [(one.query, name, round(one.doubt, 3), None) for one in asked for name in one.documents]
    titles = searcher.titles([name for _, name, *_ in rows])
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    kinds = (pa.string(), pa.string(), pa.float64(), pa.string())
    query, document, doubt, grade = (pa.array(c, k) for c, k in zip(columns, kinds, strict=True))
    shown = pa.array([titles.get(name, "") for name in columns[1]], pa.string())
    write(pa.table({"query": query, "document": document, "title": shown, "doubt": doubt, "grade": grade}), out)
    if not quiet:
        said = f"{len(rows):,} answers to {len(asked):,} queries; write a grade from 0, or good and bad, beside them"
        sys.stdout.write(f"{said}, then: dovetail update {folder} {out}\nquestions: {out}\n")


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
        write_pages(asked.out, files)
    if asked.as_json:
        sys.stdout.write(as_json_text(found.to_dict()) + "\n")
    elif not asked.quiet:
        sys.stdout.write("\n".join(found.to_lines()) + "\n")
