"""Sessions that ask how good the answers to a query are."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from dovetail.errors import InputError, UnknownName
from dovetail.labels.said import Label, Row, Suggestion, judgement
from dovetail.serve.desk import Found, Session
from dovetail.serve.find import search
from dovetail.serve.room import Room
from dovetail.serve.wire import Job, Why
from dovetail.serve.wire_label import HitLine, JudgementItem, JudgementValue, NextAsked

if TYPE_CHECKING:
    from dovetail.serve.tables import View

_HITS = 20
_KEPT = 10_000  # queries that are remembered by item
GRADES = (0, 1, 2, 3)


class JudgementDesk:
    """Shows answers to a query, and keeps the grades that people give them."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self._asked: OrderedDict[str, str] = OrderedDict()  # query by item

    def check(self, session: Session) -> None:
        """There must be a table with rows."""
        if not len(self._view(session)):
            raise InputError(f"{session.table} has no rows to search")

    def following(self, session: Session, person: str, asked: NextAsked) -> Found:
        """The query that was asked; else that of the session, until it was judged."""
        query = (asked.query or "").strip()
        if not query and session["query"] and not self._graded(session, str(session["query"]), person):
            query = str(session["query"]).strip()
        if not query:
            return Found([], None, "type a query to judge its answers")
        if person:  # who only looks changes nothing
            self._keep(query)
        return Found([self._note(query)], None)

    def item(self, session: Session, item: str, person: str) -> JudgementItem:
        """The best answers to a query, with the grades that this person gave before."""
        view, query = self._view(session), self._query(item)
        grades = self._graded(session, query, person)
        hits = [
            HitLine(record=view.rec(row), score=round(score, 4), grade=grades.get(row))
            for row, score in search(self.room, view, query, _HITS)
        ]
        return JudgementItem(item=item, query=query, hits=hits, grades=list(GRADES))

    def labels(self, session: Session, item: str, value: Any) -> list[tuple[Label, Suggestion | None]]:
        """A grade for each answer that was judged."""
        if not isinstance(value, JudgementValue):
            raise InputError("answers are judged by a grade each")
        view, query = self._view(session), value.query.strip()
        if _named(query) != item:
            raise InputError("the grades are of another query than the item")
        self._note(query)
        grades = {view.check(g.row): g.grade for g in value.grades}
        return [
            (judgement(query, Row(str(view.ids[row].as_py()), view.source(row)), grade, task=session.task), None)
            for row, grade in grades.items()
        ]

    def item_of(self, session: Session, label: Label) -> str | None:
        """The query of a label."""
        del session
        return self._note(label.query)

    def why(self, session: Session, item: str) -> Why:
        """How answers are found."""
        del session
        query = self._query(item)
        return Why(score=0.0, sentence=f"rows that share words with {query!r}, and rows whose meaning is near to it")

    def facts(self, session: Session) -> dict[str, Any]:
        """A searcher learns from judgements where one is trained, under models."""
        del session
        return {"work": "fit"}

    def answered(self, session: Session, person: str) -> None:
        """Nothing is trained behind."""
        del session, person

    def retrain(self, session: Session, person: str) -> Job:
        """Train a searcher with all judgements so far, as a model."""
        spec = {"task": "search", "name": "search", "table": session.table, "effort": "normal"}
        return self.room.jobs.add("fit", spec, person, same="waiting")

    def _view(self, session: Session) -> View:
        return self.room.tables.get(session.table)

    def _note(self, query: str) -> str:
        """The item of a query."""
        name = _named(query)
        self._asked[name] = query
        while len(self._asked) > _KEPT:
            self._asked.popitem(last=False)
        return name

    def _keep(self, query: str) -> None:
        """Remember a query for good."""
        add = "INSERT OR IGNORE INTO queries VALUES (?, ?)"
        self.room.state.write(add, (_named(query), query))

    def _query(self, item: str) -> str:
        if item in self._asked:
            return self._asked[item]
        row = self.room.state.row("SELECT query FROM queries WHERE item = ?", (item,))
        if row is None:
            raise UnknownName("query", item, ())
        return str(row["query"])

    def _graded(self, session: Session, query: str, person: str) -> dict[int, float]:
        view, found = self._view(session), {}
        for event in self.room.ledger.current("judgement", session.task):
            if event.label.query == query and event.person == person:
                row = view.place(event.label.rows[0].id, event.label.rows[0].source)
                if row is not None and isinstance(event.label.value, int | float):
                    found[row] = float(event.label.value)
        return found


def _named(query: str) -> str:
    return f"j-{hashlib.blake2b(query.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"
