"""Routes: log in, home, jobs, people, audit, and the stream of what changes."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from dovetail.serve import home as glance
from dovetail.serve.asked import Admin, Bench, Curator, RulesNow, Someone
from dovetail.serve.guard import COOKIE, Refused
from dovetail.serve.wire import (
    AuditEntry,
    AuditPage,
    Health,
    Job,
    Login,
    Me,
    Name,
    NewPerson,
    NewToken,
    Nothing,
    Person,
    PersonChange,
)
from dovetail.serve.wire_model import Home
from dovetail.version import __version__

router = APIRouter()
_LOOK = 0.5  # seconds between two looks at what changed
_QUIET = 15.0  # seconds without news after which a sign of life is sent


@router.get("/health")
def health() -> Health:
    """A sign of life."""
    return Health(ok=True, version=__version__)


@router.post("/login")
def login(given: Login, bench: Bench, rules: RulesNow, response: Response, request: Request) -> Me:
    """Exchange a token for a cookie."""
    found = bench.people.log_in(given.token)
    if found is None:
        raise Refused(401, "WrongToken", "this token is not known, or has ended")
    cookie, who = found
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, cookie, max_age=30 * 86_400, httponly=True, samesite="strict", secure=secure)
    bench.people.audit(who.person, "login")
    return _me(bench, rules, who)


@router.post("/logout")
def logout(given: Nothing, bench: Bench, rules: RulesNow, request: Request, response: Response) -> Me:
    """End this login."""
    del given
    bench.people.log_out(request.cookies.get(COOKIE, ""))
    response.delete_cookie(COOKIE)
    return _me(bench, rules, None)


@router.get("/me")
def me(bench: Bench, rules: RulesNow, who: Someone) -> Me:
    """Who asks, and what a page must show for every change."""
    return _me(bench, rules, who)


@router.get("/home")
def home(bench: Bench) -> Home:
    """The workspace at a glance, and what would help most now."""
    return glance.home(bench)


@router.get("/jobs")
def jobs(bench: Bench) -> list[Job]:
    """The latest jobs."""
    return bench.jobs.listed()


@router.get("/jobs/{job}")
def job(job: Name, bench: Bench) -> Job:
    """How a job stands."""
    return bench.jobs.get(job)


@router.post("/jobs/{job}/cancel")
def cancel(job: Name, given: Nothing, bench: Bench, who: Curator) -> Job:
    """Stop a job."""
    del given
    bench.people.audit(who.person, "cancel", job)
    return bench.jobs.cancel(job)


@router.get("/events", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
def events(bench: Bench, request: Request, once: bool = False) -> StreamingResponse:
    """What changes, as it changes: jobs, labels, entities, models, tables. `once` ends after the first look."""
    return StreamingResponse(_news(bench, request, once=once), media_type="text/event-stream")


@router.get("/people")
def people(bench: Bench, who: Admin) -> list[Person]:
    """Everybody who may use this workbench."""
    del who
    given = bench.ledger.given
    return [
        Person(**{**dict(row), "active": bool(row["active"])}, labels=given[row["person"]])
        for row in bench.people.listed()
    ]


@router.post("/people", status_code=201)
def add_person(given: NewPerson, bench: Bench, who: Admin) -> NewToken:
    """Let somebody in; the token is shown this once."""
    token = bench.people.add(given.person, given.role)
    bench.people.audit(who.person, "add person", given.person, given.role)
    return NewToken(person=given.person, role=given.role, token=token)


@router.post("/people/{person}/token")
def new_token(person: Name, given: Nothing, bench: Bench, who: Admin) -> NewToken:
    """A new token; the old one and all logins end."""
    del given
    token = bench.people.new_token(person)
    bench.people.audit(who.person, "new token", person)
    role = next(row["role"] for row in bench.people.listed() if row["person"] == person)
    return NewToken(person=person, role=role, token=token)


@router.patch("/people/{person}")
def change_person(person: Name, given: PersonChange, bench: Bench, who: Admin) -> Person:
    """Another role, or nobody by this name any more."""
    bench.people.change(person, given.role, given.active)
    bench.people.audit(who.person, "change person", person, given.model_dump_json(exclude_none=True))
    row = next(row for row in bench.people.listed() if row["person"] == person)
    return _person(bench, row)


@router.get("/audit")
def audit(
    bench: Bench,
    who: Admin,
    person: Name | None = None,
    offset: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> AuditPage:
    """Who did what, the latest first."""
    del who
    rows, total = bench.people.audited(person, offset, limit)
    return AuditPage(entries=[AuditEntry(**dict(row)) for row in rows], total=total)


def _person(bench: Bench, row: sqlite3.Row) -> Person:
    return Person(**{**dict(row), "active": bool(row["active"])}, labels=bench.ledger.given[row["person"]])


def _me(bench: Bench, rules: RulesNow, who: Someone) -> Me:
    known = who is not None or rules.loopback
    return Me(
        person=who.person if who else None,
        role=who.role if who else None,  # type: ignore[arg-type]
        csrf=who.csrf if who else None,
        loopback=rules.loopback,
        needs_token=who is None,
        version=__version__,
        workspace=bench.name if known else "",
    )


async def _news(bench: Bench, request: Request, *, once: bool) -> AsyncIterator[str]:
    """Jobs that changed and what else did; a comment now and then keeps the line open."""
    before: dict[str, str] = {}
    marks, quiet = bench.marks(), 0.0
    yield ": here\n\n"
    while not bench.closing and not await request.is_disconnected():
        found = {j.job: j.model_dump_json() for j in await asyncio.to_thread(bench.jobs.listed)}
        for name, text in found.items():
            if before.get(name, text if not before else "") != text:
                quiet = 0.0
                yield f"event: job\ndata: {text}\n\n"
        latest = await asyncio.to_thread(bench.marks)
        for what in (w for w, mark in latest.items() if marks[w] != mark):
            quiet = 0.0
            yield f"event: changed\ndata: {json.dumps({'what': what})}\n\n"
        before, marks = found, latest
        if once:
            return
        quiet += _LOOK
        if quiet >= _QUIET:
            quiet = 0.0
            yield ": ping\n\n"
        await asyncio.sleep(_LOOK)
