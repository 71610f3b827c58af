"""What routes need of a request: the workbench, and who asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, cast

from fastapi import Depends, Request

from dovetail.serve.guard import Refused, Rules
from dovetail.serve.people import Who
from dovetail.serve.workbench import Workbench


def bench_of(request: Request) -> Workbench:
    """The workbench that is served."""
    return cast(Workbench, request.app.state.bench)


def rules_of(request: Request) -> Rules:
    """What is let through."""
    return cast(Rules, request.app.state.rules)


def who_of(request: Request) -> Who | None:
    """Who asks, as far as is known."""
    found = request.scope.get("state", {}).get("who")
    return found if isinstance(found, Who) else None


def needs(role: str) -> Callable[[Request], Who]:
    """Somebody with a role, or one above it."""

    def check(request: Request) -> Who:
        who = who_of(request)
        if who is None:
            raise Refused(401, "NeedToken", "this needs a token: log in, or send it as Authorization: Bearer …")
        if not who.may(role):
            raise Refused(403, "NeedRole", f"this needs the role {role}; {who.person} has the role {who.role}")
        return who

    return check


Bench = Annotated[Workbench, Depends(bench_of)]
Someone = Annotated[Who | None, Depends(who_of)]
Labeller = Annotated[Who, Depends(needs("label"))]
Curator = Annotated[Who, Depends(needs("curate"))]
Admin = Annotated[Who, Depends(needs("admin"))]
RulesNow = Annotated[Rules, Depends(rules_of)]
