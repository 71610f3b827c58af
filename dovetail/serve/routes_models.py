"""Routes: models, their versions, cards and reports; and the integration."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from dovetail.errors import InputError, WorkspaceError
from dovetail.reports.models import render_model
from dovetail.serve.asked import Bench, Curator
from dovetail.serve.guard import REPORT_POLICY
from dovetail.serve.wire import Job, Name
from dovetail.serve.wire_model import FitAsked, ForecastGiven, IntegrateAsked, ModelDetail, ModelInfo, RollbackAsked

router = APIRouter()
Version = Annotated[int | None, Query(ge=0, le=1_000_000)]
_HEADERS = {"content-security-policy": REPORT_POLICY}


@router.get("/models")
def models(bench: Bench) -> list[ModelInfo]:
    """The models in use; those that background training keeps up to date stand last."""
    return bench.models.listed()


@router.post("/models/forecast")
def forecast(given: FitAsked, bench: Bench, who: Curator) -> ForecastGiven:
    """How many minutes and how much memory a training will probably take."""
    del who
    return bench.models.forecast(given)


@router.post("/models/fit", status_code=202)
def fit(given: FitAsked, bench: Bench, who: Curator) -> Job:
    """Train a model, in the background; its progress is that of the job."""
    bench.models.check(given)
    guess = 60 * bench.models.forecast(given).minutes
    bench.people.audit(who.person, "fit", given.name, given.model_dump_json(exclude_defaults=True))
    return bench.jobs.add("fit", {**given.model_dump(mode="json"), "guess": guess}, who.person, same="active")


@router.get("/models/{model}")
def model(model: Name, bench: Bench) -> ModelDetail:
    """All versions of a model, side by side."""
    return bench.models.detail(model)


@router.post("/models/{model}/rollback")
def roll_back(model: Name, given: RollbackAsked, bench: Bench, who: Curator) -> ModelInfo:
    """Use another version from now on."""
    found = bench.models.roll_back(model, given.version)
    bench.people.audit(who.person, "roll back", model, str(given.version))
    return found


@router.get("/models/{model}/card")
def card(model: Name, bench: Bench, version: Version = None) -> dict[str, Any]:
    """The model card: data, labels, settings, figures, what it is for, and its limits."""
    return bench.models.card(model, version)


@router.get("/models/{model}/report", response_class=HTMLResponse)
def report(model: Name, bench: Bench, version: Version = None) -> HTMLResponse:
    """The card as a page."""
    return HTMLResponse(render_model(model, bench.models.card(model, version)), headers=_HEADERS)


@router.post("/integrate", status_code=202)
def integrate(given: IntegrateAsked, bench: Bench, who: Curator) -> Job:
    """Match, cluster and fuse in the background: added tables, or those of the last run again with all labels."""
    if not given.tables and bench.tables.records is None:
        raise WorkspaceError("no integration was run into this workspace yet; name the added tables to integrate")
    for name in given.tables:
        if bench.tables.get(name).origin != "added":
            raise InputError(f"{name} is no table that was added; those of the last run need not be named")
    bench.people.audit(who.person, "integrate", ", ".join(given.tables))
    return bench.jobs.add("integrate", {"tables": given.tables}, who.person, same="active")


@router.get("/report", response_class=HTMLResponse)
def whole_report(bench: Bench) -> HTMLResponse:
    """The report of the integration."""
    path = bench.folder / "report.html"
    if not path.is_file():
        raise WorkspaceError("there is no report yet; it is made with an integration")
    return HTMLResponse(path.read_text(encoding="utf-8"), headers=_HEADERS)


@router.get("/run")
def run(bench: Bench) -> dict[str, Any]:
    """The facts of the last integration: settings, versions, data hashes, timings, numbers."""
    path = bench.folder / "run.json"
    if not path.is_file():
        raise WorkspaceError("no integration was run into this workspace yet")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
