"""Routes: labelling sessions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from dovetail.serve.asked import Bench, Labeller, Someone
from dovetail.serve.wire import Job, Name, Nothing, Why
from dovetail.serve.wire_label import (
    AnswerGiven,
    NewSession,
    NextAsked,
    NextItems,
    SessionChange,
    SessionInfo,
    SessionProgress,
    Taken,
    UndoAsked,
    Undone,
)

router = APIRouter()


@router.get("/sessions")
def sessions(bench: Bench) -> list[SessionInfo]:
    """Sessions, the latest first."""
    bench.ledger.refresh()
    return bench.sessions.listed()


@router.post("/sessions", status_code=201)
def make(given: NewSession, bench: Bench, who: Labeller) -> SessionInfo:
    """Begin a session."""
    made = bench.sessions.make(given, who.person)
    bench.people.audit(who.person, "new session", made.session, made.name)
    return made


@router.get("/sessions/{session}")
def session(session: Name, bench: Bench) -> SessionInfo:
    """One session."""
    return bench.sessions.info(bench.sessions.get(session))


@router.patch("/sessions/{session}")
def change(session: Name, given: SessionChange, bench: Bench, who: Labeller) -> SessionInfo:
    """Rename, open, close, or hide what the model thinks."""
    bench.people.audit(who.person, "change session", session, given.model_dump_json(exclude_none=True))
    return bench.sessions.change(session, given)


@router.get("/sessions/{session}/next")
def following(session: Name, asked: Annotated[NextAsked, Query()], bench: Bench, who: Someone) -> NextItems:
    """What to show next. Items are kept for who asked for two minutes."""
    return bench.sessions.following(session, who.person if who else "", asked)


@router.get("/sessions/{session}/items/{item}")
def item(session: Name, item: Name, bench: Bench, who: Someone) -> NextItems:
    """One item by its name, whether it was answered or not."""
    one = bench.sessions.get(session)
    found = bench.sessions.desk(one.kind).item(one, item, who.person if who else "")
    return NextItems(items=[found], left=None, progress=bench.sessions.progress(one), notice=None)


@router.get("/sessions/{session}/items/{item}/explain")
def explain(session: Name, item: Name, bench: Bench) -> Why:
    """Why the model thinks what it thinks of an item."""
    one = bench.sessions.get(session)
    return bench.sessions.desk(one.kind).why(one, item)


@router.post("/sessions/{session}/answers")
def answer(session: Name, given: AnswerGiven, bench: Bench, who: Labeller) -> Taken:
    """Keep an answer. Once this returns it is on disk; the same key sent again is kept once."""
    return bench.sessions.answer(session, who.person, given)


@router.post("/sessions/{session}/undo")
def undo(session: Name, given: UndoAsked, bench: Bench, who: Labeller) -> Undone:
    """Take back one's last answer in this session; what was said stays in the history."""
    return bench.sessions.undo(session, who.person, given.key)


@router.get("/sessions/{session}/progress")
def progress(session: Name, bench: Bench) -> SessionProgress:
    """How a session stands."""
    bench.ledger.refresh()
    return bench.sessions.progress(bench.sessions.get(session), fresh=True)


@router.post("/sessions/{session}/retrain", status_code=202)
def retrain(session: Name, given: Nothing, bench: Bench, who: Labeller) -> Job:
    """Train now, in the background, rather than after the next 25 answers."""
    del given
    bench.people.audit(who.person, "retrain", session)
    return bench.sessions.retrain(session, who.person)
