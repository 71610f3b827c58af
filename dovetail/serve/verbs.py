"""The verbs for programs: match, classify, search. Each asks a model of the workspace, or what ships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from dovetail.errors import InputError
from dovetail.serve.find import search as find
from dovetail.serve.wire import Line
from dovetail.serve.wire_model import (
    ClassifyAsked,
    ClassifyGiven,
    ClassScore,
    EmbedAsked,
    EmbedGiven,
    MatchAsked,
    MatchGiven,
    MatchScore,
    QueryHits,
    SearchAsked,
    SearchGiven,
    SearchHit,
)
from dovetail.tasks.match_tables import Matcher
from dovetail.tasks.search_find import PARTS, Hit
from dovetail.tasks.search_marks import Marks
from dovetail.tasks.search_where import parse_where
from dovetail.types import Pairs, Table, finish

if TYPE_CHECKING:
    from dovetail.serve.workbench import Workbench

_TEXT = 500  # characters of a row that an answer holds
_PASSAGE = 2_000  # characters of a passage
_CELLS, _CELL = 12, 200  # other columns of an answer, and characters of each


def match(bench: Workbench, asked: MatchAsked) -> MatchGiven:
    """The probability that two records are the same, for each pair."""
    found = bench.models.of_task("match", asked.model)
    name, matcher = found if found is not None else ("shipped", Matcher.shipped())
    left, right = (_table(side, [getattr(p, side) for p in asked.pairs]) for side in ("left", "right"))
    pairs = Pairs(left.ids, right.ids)
    scored = finish(matcher.predict_job(left, right, pairs))
    assert scored.score is not None
    line = float(matcher.threshold if matcher.threshold is not None else 0.5)
    why: list[list[Line] | None] = [None] * len(asked.pairs)
    if asked.explain:
        why = [_lines(one) for one in matcher.explain(left, right, pairs)]
    scores = [
        MatchScore(score=float(s), match=bool(s >= line), lines=w) for s, w in zip(scored.score, why, strict=True)
    ]
    return MatchGiven(model=name, threshold=line, pairs=scores)


def classify(bench: Workbench, asked: ClassifyAsked) -> ClassifyGiven:
    """The class of each text."""
    found = bench.models.of_task("classify", asked.model)
    if found is None:
        raise InputError("no classifier was trained in this workspace yet; train one under models")
    name, model = found
    decided = finish(model.decide_job(asked.texts))
    texts = [
        ClassScore(label=list(v) if isinstance(v, tuple) else v, score=float(p), second=s)
        for v, p, s in zip(decided.label, decided.probability, decided.second, strict=True)
    ]
    return ClassifyGiven(model=name, texts=texts)


def embed(bench: Workbench, asked: EmbedAsked) -> EmbedGiven:
    """Where each text lies in a tuned space."""
    found = bench.models.of_task("embed", asked.model)
    if found is None:
        raise InputError("no space was tuned in this workspace yet; tune one under models")
    name, space = found
    return EmbedGiven(model=name, vectors=np.round(space.encode(asked.texts), 6).astype(float).tolist())


def search(bench: Workbench, asked: SearchAsked) -> SearchGiven:
    """The best answers to each query, from a trained searcher, or from the rows of a table."""
    found = None if asked.table is not None else bench.models.of_task("search", asked.model)
    if found is not None:
        return SearchGiven(queries=[_by_model(found[1], query, asked) for query in asked.queries])
    if asked.where:
        raise InputError("filters need a searcher; rows of a table are filtered on the page of the data")
    known = bench.tables.all()
    if not known:
        raise InputError("this workspace has no table to search yet")
    view = bench.tables.get(asked.table or next(iter(known)))
    answers = []
    for query in asked.queries:
        rows = find(bench.room, view, query, asked.start + asked.k)[asked.start :]
        texts = view.texts(np.array([row for row, _ in rows], np.int64)) if rows else []
        hits = [
            SearchHit(row=row, id=str(view.ids[row].as_py()), score=round(score, 4), text=text[:_TEXT])
            for (row, score), text in zip(rows, texts, strict=True)
        ]
        answers.append(QueryHits(query=query, hits=hits))
    return SearchGiven(queries=answers)


def _by_model(searcher: Any, query: str, asked: SearchAsked) -> QueryHits:
    found = searcher.search(query, asked.k, where=parse_where(asked.where), start=asked.start)
    passages = [one.passage[:_PASSAGE] for one in found]
    marks = searcher.marks(query, passages)
    return QueryHits(query=query, hits=[_hit(*one) for one in zip(found, passages, marks, strict=True)])


def _hit(hit: Hit, passage: str, marks: Marks) -> SearchHit:
    return SearchHit(
        row=None,
        id=hit.id,
        score=float(hit.relevance),
        text=f"{hit.title} {hit.passage}".strip()[:_TEXT],
        title=hit.title[:_TEXT],
        passage=passage,
        marks=[[start, end] for start, end in marks],
        parts={name: float(getattr(hit, name)) for name in PARTS if getattr(hit, name)},
        fields={name: str(value)[:_CELL] for name, value in list(hit.fields.items())[:_CELLS]},
    )


def _table(name: str, rows: list[dict[str, str | None]]) -> Table:
    columns = list(dict.fromkeys(c for row in rows for c in row))
    if not columns:
        raise InputError(f"the {name} records have no values; give at least one, by the name of its column")
    data = pa.table({c: pa.array([row.get(c) for row in rows], pa.string()) for c in columns})
    return Table(name, data, pa.array([f"{name}{n}" for n in range(len(rows))], pa.string()))


def _lines(one: Any) -> list[Line]:
    return [
        Line(
            name=e.name,
            left=e.left,
            right=e.right,
            similarity=None if e.similarity is None or not np.isfinite(e.similarity) else float(e.similarity),
            importance=float(e.importance),
        )
        for e in one.explanation.evidence
    ]
