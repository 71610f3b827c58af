"""Judgements from whatever people have: rows, tables, clicks, TREC files, the folders of public benchmarks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dovetail.errors import InputError
from dovetail.tables.read import read
from dovetail.tasks.search_clicks import click_model, has_clicks, read_clicks
from dovetail.tasks.search_documents import DocumentColumns, corpus_in, id_of
from dovetail.tasks.search_judgements import Judgements, judgements_of
from dovetail.types import Table

_IDS = ("query-id", "query_id", "qid")  # names of columns that hold no words, but ids of queries
_NAMES = {
    "query": ("query", "query_text", "user_query", "q", "question", "search", *_IDS),
    "document": ("document", "document_id", "doc", "doc_id", "corpus-id", "corpus_id", "product_id", "id", "docid"),
    "grade": (
        *("grade", "relevance", "score", "rating", "gain", "label", "judgement", "judgment"),
        *("clicked", "click", "clicks"),
    ),
}
_WORDS = {"good": 1.0, "bad": 0.0, "yes": 1.0, "no": 0.0, "true": 1.0, "false": 0.0, "relevant": 1.0, "not": 0.0}
_QRELS = 4  # values of a line of TREC: query, round, document, grade

Row = tuple[str, str, float]


def read_judgements(source: Any, *, queries: Any = None) -> Judgements:
    """Judgements from a file or table with the columns query, document and grade, from rows, or from a mapping.

    Without a column of grades every row is a good answer. A table of showings (query, document, rank, clicked) becomes
    judgements that are freed of what the rank did. Lines of TREC (query, round, document, grade, without a header) are
    understood. `queries` (a file or table, or a mapping from id to text) gives the words where queries are named by
    ids; for a file in a folder `qrels` it is `queries.jsonl` beside that folder.
    """
    if isinstance(source, Judgements):
        return source
    words = _query_texts(queries_beside(source) if queries is None else queries)
    if isinstance(source, Mapping):
        rows: Iterable[Row] = [row for q, found in source.items() for row in _answers(q, found)]
        return judgements_of(_worded(rows, words, "the mapping of judgements"))
    if isinstance(source, list | tuple):
        return judgements_of(_worded(map(_triple, source), words, "the list of judgements"))
    trec = _trec(source)
    if trec is not None:
        return judgements_of(_by_id(trec, words, str(source)))
    table = read(source)
    if has_clicks(table) and _column(table, _NAMES["grade"][:-3]) is None:
        found = click_model(read_clicks(table)).judgements
        return judgements_of(_worded(_rows_of(found), words, table.name))
    return judgements_of(_of_table(table, words))


def has_judgements(source: str | Path, columns: DocumentColumns) -> bool:
    """Whether a file tells of queries and their answers, rather than of documents with these columns."""
    if _trec(source) is not None:
        return True
    table = read(corpus_in(source))
    query, document = (_column(table, _NAMES[key]) for key in ("query", "document"))
    is_document = document == columns.id and all(name in table.columns for name in columns.texts)
    return query is not None and document is not None and not is_document


def queries_beside(source: Any) -> Path | None:
    """The texts of the queries that a file of judgements speaks of, where both lie as public benchmarks have them."""
    if not isinstance(source, str | Path) or Path(source).parent.name != "qrels":
        return None
    home = Path(source).parent.parent
    return next((file for file in (home / "queries.jsonl", home / "queries.jsonl.gz") if file.is_file()), None)


def query_column(table: Table) -> list[str]:
    """The queries of a table: its column of queries, or the text of each row."""
    column = _column(table, ("query", "query_text", "user_query", "question", "text", "search"))
    if column is None:
        raise InputError(f"{table.name} has no column query; found {', '.join(table.columns)}")
    return [str(value) for value in table.data[column].to_pylist() if value not in (None, "")]


def query_ids(table: Table) -> list[str]:
    """What the queries of `query_column` are called: by a column of ids, or by their number from 1."""
    names, asked = _column(table, ("_id", "id", *_IDS)), _column(table, ("query", "query_text", "user_query", "text"))
    if names is None or asked is None or names == asked:
        return [str(n) for n in range(1, len(query_column(table)) + 1)]
    pairs = zip(table.data[names].to_pylist(), table.data[asked].to_pylist(), strict=True)
    return [id_of(name) for name, value in pairs if value not in (None, "")]


def _of_table(table: Table, words: Mapping[str, str]) -> Iterator[Row]:
    columns = {key: _column(table, names) for key, names in _NAMES.items()}
    for key in ("query", "document"):
        if columns[key] is None:
            raise InputError(
                f"{table.name} has no column {key}; expected query, document and grade, "
                f"found {', '.join(table.columns)}"
            )
    by_id = str(columns["query"]).casefold() in _IDS
    rows = _rows(table, columns)
    return _by_id(rows, words, table.name) if by_id else _worded(rows, words, table.name)


def _rows(table: Table, columns: Mapping[str, str | None]) -> Iterator[Row]:
    asked = table.data[columns["query"]].to_pylist()
    found = table.data[columns["document"]].to_pylist()
    grades = table.data[columns["grade"]].to_pylist() if columns["grade"] else [1.0] * len(table)
    for query, document, grade in zip(asked, found, grades, strict=True):
        if query is not None and document is not None and grade not in (None, ""):
            yield id_of(query), id_of(document), _grade(grade, table.name)


def _by_id(rows: Iterable[Row], words: Mapping[str, str], name: str) -> Iterator[Row]:
    """Rows whose queries are ids for sure: without their words nothing could be learned."""
    if not words:
        raise InputError(
            f"{name} names its queries by ids; give the file with their texts, of the columns id and text, too "
            f"(queries=, on the console --queries)"
        )
    return _worded(rows, words, name)


def _worded(rows: Iterable[Row], words: Mapping[str, str], name: str) -> Iterator[Row]:
    for query, document, grade in rows:
        if words and query not in words:
            raise InputError(f"{name} judges the query {query!r}, which the list of queries does not have")
        yield words.get(query, query), document, grade


def _rows_of(judged: Judgements) -> Iterator[Row]:
    for query, document, grade in zip(judged.query.tolist(), judged.documents, judged.grades.tolist(), strict=True):
        yield judged.queries[query], document, grade


def _trec(source: Any) -> list[Row] | None:
    """The rows of a file of TREC, or None where it is none: four values a line, the last one a whole number."""
    if not isinstance(source, str | Path) or not Path(source).is_file():
        return None
    with Path(source).open("rb") as file:
        first = file.readline(10_000).split()
    if len(first) != _QRELS or not all(_whole(first[at]) for at in (1, 3)):
        return None
    lines = Path(source).read_text(encoding="utf-8-sig", errors="replace").splitlines()
    return [_qrel(line.split(), place, source) for place, line in enumerate(lines, 1) if line.strip()]


def _qrel(values: list[str], place: int, source: Any) -> Row:
    if len(values) != _QRELS:
        raise InputError(
            f"{source}, line {place}: expected query, round, document and grade, found {len(values)} values"
        )
    return values[0], values[2], max(0.0, _grade(values[3], str(source)))  # below 0: spam, which is no answer either


def _whole(value: bytes) -> bool:
    return value.lstrip(b"-").isdigit()


def _answers(query: Any, found: Any) -> Iterable[Row]:
    """The rows of one query of a mapping: documents with their grades, or a list of good ones."""
    pairs = found.items() if isinstance(found, Mapping) else [(document, 1.0) for document in found]
    return [_triple((query, document, grade)) for document, grade in pairs]


def _triple(row: Any) -> Row:
    if not isinstance(row, list | tuple) or len(row) not in (2, 3):
        raise InputError(f"the judgement {row!r} is not understood; expected (query, id of a document, grade)")
    query, document, grade = (*row, 1.0)[:3]
    return id_of(query), id_of(document), _grade(grade, "the judgements")


def _column(table: Table, names: Iterable[str]) -> str | None:
    known = {c.casefold(): c for c in table.columns}
    return next((known[n] for n in names if n in known), None)


def _grade(value: Any, name: str) -> float:
    word = str(value).strip().casefold()
    if word in _WORDS:
        return _WORDS[word]
    try:
        return float(word)
    except ValueError:
        raise InputError(f"the grade {value!r} in {name} is not understood; write a number, or good and bad") from None


def _query_texts(queries: Any) -> dict[str, str]:
    if queries is None:
        return {}
    if isinstance(queries, Mapping):
        return {id_of(k): str(v) for k, v in queries.items()}
    table = read(queries)
    key = _column(table, ("_id", "id", *_IDS))
    text = _column(table, ("text", "query", "user_query", "question", "title"))
    if key is None or text is None:
        raise InputError(
            f"{Path(table.name).name} needs the columns id and text of each query; found {', '.join(table.columns)}"
        )
    pairs = zip(table.data[key].to_pylist(), table.data[text].to_pylist(), strict=True)
    return {id_of(k): str(v) for k, v in pairs if k is not None and v is not None}
