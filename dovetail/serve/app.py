"""The server as an application: routes, errors in words, the guard around all, and the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from dovetail.errors import DovetailError, InputError, MissingExtra, UnknownName, faults_in_words
from dovetail.serve import (
    routes_clusters,
    routes_data,
    routes_home,
    routes_label,
    routes_map,
    routes_models,
    routes_rules,
    routes_said,
    routes_verbs,
)
from dovetail.serve.assets import page_routes
from dovetail.serve.guard import Guard, Refused, Rules
from dovetail.serve.wire import Problem
from dovetail.version import __version__

if TYPE_CHECKING:
    from dovetail.serve.workbench import Workbench

_PARTS = (
    routes_home,
    routes_data,
    routes_label,
    routes_clusters,
    routes_map,
    routes_models,
    routes_rules,
    routes_said,
    routes_verbs,
)
_WRONG: dict[int | str, dict[str, Any]] = {"4XX": {"model": Problem, "description": "what is wrong, in one sentence"}}


def make_app(bench: Workbench, rules: Rules | None = None) -> FastAPI:
    """The application that serves one workbench."""
    rules = rules or Rules()
    app = FastAPI(
        title="Dovetail",
        version=__version__,
        description="Tables, labels, entities, models and the verbs of one workspace.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.bench, app.state.rules = bench, rules
    api = APIRouter(prefix="/api", responses=_WRONG)
    for part in _PARTS:
        api.include_router(part.router)
    app.include_router(api)
    app.add_exception_handler(DovetailError, _in_words)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _plain)
    page_routes(app)
    app.add_middleware(Guard, people=bench.people, rules=rules)
    return app


def _said(status: int, sentence: str, kind: str, headers: dict[str, str] | None = None) -> JSONResponse:
    clean = sentence.encode("utf-8", "replace").decode()
    return JSONResponse({"error": clean, "type": kind}, status, headers=headers)


async def _in_words(request: Request, error: Exception) -> JSONResponse:
    del request
    status = 404 if isinstance(error, UnknownName) else 422 if isinstance(error, InputError) else 409
    kind = "MissingExtra" if isinstance(error, MissingExtra) else type(error).__name__
    return _said(status, str(error), kind)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, Refused)
    return _said(error.status, str(error), error.kind, {k.decode(): v.decode() for k, v in error.headers})


async def _not_understood(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, RequestValidationError)
    faults = [{**fault, "loc": fault["loc"][1:] or fault["loc"]} for fault in error.errors()]
    return _said(422, faults_in_words(faults)[:2_000], "InputError")


async def _plain(request: Request, error: Exception) -> JSONResponse:
    del request
    assert isinstance(error, HTTPException)
    headers = dict(error.headers) if error.headers else None
    return _said(error.status_code, str(error.detail), "HTTPError", headers)
