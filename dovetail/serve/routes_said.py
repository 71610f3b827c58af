"""Routes: the labels at large: history, agreement, conflicts, files, and what programs send."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from dovetail.labels.agree import Conflict, agreement, gold_scores
from dovetail.labels.exchange import to_table
from dovetail.labels.said import Answer, Event, Row, make
from dovetail.labels.spelling import rename, undo_rename
from dovetail.labels.store import Wanted
from dovetail.serve import settle
from dovetail.serve.asked import Bench, Curator, Labeller
from dovetail.serve.wire import Nothing, Span
from dovetail.serve.wire_label import Kind, Thought
from dovetail.serve.wire_said import (
    AgreementLine,
    AlikeNames,
    ConflictLine,
    EventRow,
    GoldLine,
    KappaLine,
    LabelEvent,
    LabelGiven,
    LabelPage,
    LabelsAsked,
    LabelsGiven,
    LabelsTaken,
    LabelSummary,
    NameCount,
    Renamed,
    RenamedLabels,
    TakenKey,
    Unsettled,
)
from dovetail.serve.workbench import plain
from dovetail.tables.write import as_text
from dovetail.types import Interval

router = APIRouter()
_CONFLICTS = 50  # that are sent at once


@router.get("/labels")
def labels(asked: Annotated[LabelsAsked, Query()], bench: Bench) -> LabelPage:
    """What was said, the latest first; corrected and undone labels, too."""
    wanted = Wanted(shape=asked.shape, person=asked.person, session=asked.session)
    events, total = bench.ledger.store.latest(wanted, asked.offset, asked.limit)
    return LabelPage(events=[_event(e) for e in events], total=total)


@router.get("/labels/summary")
def summary(bench: Bench) -> LabelSummary:
    """Labels at a glance: how many, how far people agree, what is to be settled, who does well on gold questions."""
    bench.ledger.refresh()
    events = bench.ledger.current()
    golden, split = [*events, *bench.ledger.golden()], settle.open_conflicts(bench.ledger)
    counts = {"pair": 0, "class": 0, "group": 0, "judgement": 0}
    for (shape, _), number in bench.ledger.counts.items():
        counts[shape] += number
    return LabelSummary(
        counts=counts,
        people=bench.ledger.people(),
        agreement=[_agreement(a) for a in agreement(events)],
        conflicts=[_conflict(bench, c) for c in split[:_CONFLICTS]],
        unsettled=len(split),
        gold=[GoldLine(person=g.person, right=g.right, asked=g.asked) for g in gold_scores(golden)],
        notes=bench.odd().notes,
        alike=[
            AlikeNames(task=a.task, names=[NameCount(name=n, labels=k) for n, k in a.names], sentence=a.in_words())
            for a in bench.odd().alike
        ],
    )


@router.get("/labels/export", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
def export(bench: Bench, shape: Kind, format: Literal["csv", "jsonl"] = "csv") -> Response:  # noqa: A002
    """The labels of one shape that count now, as a file that `dovetail labels import` and `--labels` read."""
    import pyarrow as pa
    import pyarrow.csv as pacsv

    events = bench.ledger.store.current(Wanted(shape=shape))
    table = to_table(events, shape)
    table = pa.table([as_text(column) for column in table.columns], names=table.column_names)
    if format == "csv":
        sink = pa.BufferOutputStream()
        pacsv.write_csv(table, sink)
        content, kind = sink.getvalue().to_pybytes(), "text/csv"
    else:
        content, kind = as_lines(table).encode("utf-8", "surrogatepass"), "application/x-ndjson"
    name = f'attachment; filename="labels-{shape}.{format}"'
    return Response(content, media_type=kind, headers={"content-disposition": name})


@router.post("/label")
def label(given: LabelsGiven, bench: Bench, who: Labeller) -> LabelsTaken:
    """Keep labels of any shape, all or none; a key sent again is kept once. A model by itself keeps none."""
    bench.check_kept()
    said = [
        Answer(make(g.shape, [Row(r.id, r.source) for r in g.rows], g.value, query=g.query, task=g.task), key=g.key)
        for g in given.labels
    ]
    events = bench.ledger.store.say(said, person=who.person, session="program")
    bench.ledger.refresh()
    notes = bench.strays([e.label for e in events]).in_words()
    return LabelsTaken(taken=[TakenKey(event=e.id, key=e.key) for e in events], notes=notes)


@router.post("/labels/settle")
def settled(given: LabelGiven, bench: Bench, who: Curator) -> TakenKey:
    """Settle what people label differently: this answer counts from now on, and people are measured against it."""
    bench.check_kept()
    event = settle.settle(bench.room, given, who.person)
    bench.people.audit(who.person, "settle", str(event.id), event.label.text()[:500])
    return TakenKey(event=event.id, key=event.key)


@router.post("/labels/unsettle")
def unsettled(given: Unsettled, bench: Bench, who: Curator) -> TakenKey:
    """Take back what one settled; what people said counts again."""
    event = settle.unsettle(bench.room, given.event, who.person, given.key)
    bench.people.audit(who.person, "unsettle", str(given.event))
    return TakenKey(event=event.id, key=event.key)


@router.post("/labels/rename")
def renamed(given: Renamed, bench: Bench, who: Curator) -> RenamedLabels:
    """Make one class of several names, in everybody's labels of a table; what was said stays in the history."""
    bench.check_kept()
    store = bench.ledger.store
    done = rename(store, given.new, given.old, Wanted(task=given.task))
    bench.ledger.refresh()
    bench.people.audit(who.person, "rename", given.new, ", ".join(given.old)[:500])
    return RenamedLabels(labels=len(done))


@router.post("/labels/unrename")
def unrenamed(given: Nothing, bench: Bench, who: Curator) -> RenamedLabels:
    """Take the last renaming back; the former names count again."""
    del given
    number = undo_rename(bench.ledger.store)
    bench.ledger.refresh()
    bench.people.audit(who.person, "undo rename", str(number))
    return RenamedLabels(labels=number)


def as_lines(table: Any) -> str:
    """A table as JSON lines."""
    import json

    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_pylist())


def _event(e: Event) -> LabelEvent:
    thought = None
    if e.suggestion is not None:
        thought = Thought(value=str(plain(e.suggestion.value)), score=e.suggestion.score)
    return LabelEvent(
        event=e.id,
        at=e.at,
        person=e.person,
        session=e.session,
        shape=e.label.shape,
        rows=[EventRow(id=r.id, source=r.source) for r in e.label.rows],
        value=plain(e.label.value),
        query=e.label.query,
        task=e.label.task,
        gold=e.gold,
        undoes=e.undoes,
        suggestion=thought,
    )


def _span(found: Interval) -> Span:
    value, low, high = (x if math.isfinite(x) else None for x in (found.value, found.low, found.high))
    return Span(value=value, low=low, high=high)


def _agreement(found: Any) -> AgreementLine:
    kappa = [KappaLine(people=list(p), kappa=_span(k), subjects=found.shared[p]) for p, k in found.kappa.items()]
    return AgreementLine(
        shape=found.shape, task=found.task, alpha=_span(found.alpha), subjects=found.subjects, kappa=kappa
    )


def _conflict(bench: Bench, found: Conflict) -> ConflictLine:
    return ConflictLine(
        shape=found.label.shape,
        task=found.label.task,
        rows=[EventRow(id=r.id, source=r.source) for r in found.label.rows],
        query=found.label.query,
        said={person: plain(v) for person, v in found.said.items()},
        choices=settle.choices(found),
        records=settle.records(bench.room, found),
    )
