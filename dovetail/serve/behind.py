"""The models that learn in the background: their versions, why each came out as it did, and going back to one."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from dovetail.errors import InputError, UnknownName, WorkspaceError
from dovetail.serve.pool import run_key
from dovetail.serve.trained import in_use, place_of, runs, use
from dovetail.serve.wire_model import ModelDetail, ModelInfo, Quality, VersionInfo

if TYPE_CHECKING:
    from dovetail.serve.room import Room
    from dovetail.serve.state import State

_MARK = " (behind)"
_TASKS = {"pairs": "match", "class": "classify", "space": "embed"}
_FIRST = {
    "pairs": "before any answer: pairs as the integration scored them",
    "class": "before any answer: no class is suggested",
    "space": "before any answer: rows as the encoder sees them",
}
_SHOWN = ("rows", "before", "guess", "threshold")

Run = tuple[int, str, dict[str, Any]]


def about_of(name: str) -> str | None:
    """What such a model is about; None for a model that was trained to be kept."""
    return name.removesuffix(_MARK) if name.endswith(_MARK) else None


def listed(state: State) -> list[ModelInfo]:
    """All of them, as they are used now."""
    rows = state.rows("SELECT DISTINCT about FROM trained ORDER BY about")
    return [info(state, str(row["about"])) for row in rows]


def info(state: State, about: str) -> ModelInfo:
    """One of them, as it is used now."""
    known = runs(state, about, most=10_000)
    version, at, facts = in_use(state, about) or (0, known[-1][1], {})
    return ModelInfo(
        model=f"{about}{_MARK}",
        task=_TASKS[about.split(" ")[0]],
        version=version,
        made=at,
        age_days=age(at),
        labels=_labels(facts),
        quality=_quality(facts),
        versions=len(known),
        summary=_summary(about, facts),
    )


def detail(room: Room, about: str) -> ModelDetail:
    """All versions, the latest first; the last is what there was before any answer."""
    known = _known(room, about)
    used = (in_use(room.state, about) or (0,))[0]
    first: Run = (0, known[-1][1], {})
    versions = [_version(room, about, run, used) for run in (*known, first)]
    return ModelDetail(model=f"{about}{_MARK}", task=_TASKS[about.split(" ")[0]], current=used, versions=versions)


def roll_back(room: Room, about: str, version: int) -> ModelInfo:
    """Use an earlier version, until the next training ends."""
    known = detail(room, about).versions
    there = [str(v.version) for v in known if v.there]
    facts = next((facts for number, _, facts in _known(room, about) if number == version), None)
    if str(version) not in there and facts is not None and (why := _past(room, about, facts)):
        raise InputError(f"version {version} of {about} cannot be used: {why}; there is: {', '.join(there)}")
    if str(version) not in there:
        raise UnknownName("version", str(version), there, f"{about}; the files of older ones were let go")
    use(room.state, about, version)
    return info(room.state, about)


def card(room: Room, about: str, version: int | None) -> dict[str, Any]:
    """What is known of a version."""
    found = detail(room, about)
    number = found.current if version is None else version
    one = next((v for v in found.versions if v.version == number), None)
    if one is None:
        raise UnknownName("version", str(number), [str(v.version) for v in found.versions], about)
    facts = next((facts for n, _, facts in _known(room, about) if n == number), {})
    hidden = ("folder", "table", "run", "summary", "why")
    told = {k: v for k, v in facts.items() if k not in hidden}
    return {"task": found.task, "version": number, "made": one.made, "summary": one.summary, **told}


def age(made: str) -> float:
    """Days since a moment."""
    try:
        then = dt.datetime.fromisoformat(made)
    except ValueError:
        return 0.0
    then = then if then.tzinfo else then.replace(tzinfo=dt.UTC)
    return round(max(0.0, (dt.datetime.now(dt.UTC) - then).total_seconds() / 86_400), 3)


def _known(room: Room, about: str) -> list[Run]:
    known = runs(room.state, about, most=10_000)
    if not known:
        rows = room.state.rows("SELECT DISTINCT about FROM trained ORDER BY about")
        raise UnknownName("model", f"{about}{_MARK}", [f"{row['about']}{_MARK}" for row in rows], "this workspace")
    return known


def _version(room: Room, about: str, run: Run, used: int) -> VersionInfo:
    number, at, facts = run
    place = place_of(room.home, about, number, facts)
    return VersionInfo(
        version=number,
        made=at,
        labels=_labels(facts),
        quality=_quality(facts),
        figures={k: _alone(facts[k]) for k in _SHOWN if facts.get(k) is not None},
        settings={},
        summary=_summary(about, facts),
        current=number == used,
        there=number == 0 or (place is not None and place.is_dir() and not _past(room, about, facts)),
    )


def _past(room: Room, about: str, facts: dict[str, Any]) -> str:
    """Why a training says nothing of what is there now; empty where it does."""
    kind, _, table = about.partition(" ")
    if kind == "pairs":
        try:
            return "" if facts.get("run") == run_key(room.folder) else "an integration was run since"
        except WorkspaceError:
            return "the integration that it learned from is gone"
    view = room.tables.all().get(table)
    if view is None:
        return f"the table {table} is gone"
    return "" if "folder" not in facts or facts.get("table") == view.version else f"the table {table} changed since"


def _alone(value: Any) -> Any:
    """A figure without its interval."""
    return value.get("value") if isinstance(value, dict) else value


def _labels(facts: dict[str, Any]) -> int:
    return int(facts.get("labels", facts.get("judged", 0)))


def _summary(about: str, facts: dict[str, Any]) -> str:
    return str(facts.get("summary") or facts.get("why", "")) if facts else _FIRST[about.split(" ")[0]]


def _quality(facts: dict[str, Any]) -> Quality | None:
    figure, after = str(facts.get("figure", "accuracy")), facts.get("after", facts.get("right"))
    if isinstance(after, float):
        after = {"value": after, "low": None, "high": None}
    return Quality(figure=figure, **after) if after else None
