"""Background work: models to be kept, and the integration again with all labels so far."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from dovetail.errors import InputError
from dovetail.integrate.settings import IntegrateSettings
from dovetail.jobs.again import merge_again
from dovetail.jobs.merge import Request, merge_job
from dovetail.labels.agree import settled
from dovetail.labels.store import Wanted
from dovetail.labels.strays import left_out, strays
from dovetail.serve.models import FOLDER, add_version, next_version
from dovetail.serve.state import now
from dovetail.serve.tables import RECORDS
from dovetail.serve.work_classes import RULED, learned_from, right_of_people
from dovetail.serve.work_space import groups_of
from dovetail.types import Pairs, Table

if TYPE_CHECKING:
    from dovetail.serve.tables import View
    from dovetail.serve.worker import Work, Working

_SPARE = 5_000


def fit(work: Work) -> Working:
    """Train a model, and keep it as the next version of its name."""
    task, name = str(work.spec["task"]), str(work.spec["name"])
    number = next_version(work.folder, name, task)
    home = work.folder / FOLDER / name
    home.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".v-", dir=home))
    try:
        facts = yield from _FITS[task](work, beside)
        target = home / f"v{number:04}"
        shutil.rmtree(target, ignore_errors=True)
        beside.replace(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    settings = {k: v for k, v in work.spec.items() if v not in (None, [], "")}
    facts = {"version": number, "made": now(), "settings": settings, **facts}
    add_version(work.folder, name, task, facts)
    return {"model": name, "version": number, "quality": facts.get("quality"), "guess": work.spec.get("guess")}


def integrate(work: Work) -> Working:
    """Match, cluster and fuse again with what people settled on."""
    work.weights = {"read": 0.05, "fit": 0.35, "match": 0.25, "cluster": 0.1, "fuse": 0.1, "report": 0.15}
    pairs = pairs_of(work)
    names = work.spec.get("tables") or ()
    if names:
        tables = [_table(work.tables.get(str(name))) for name in names]
        merged = yield from merge_job(Request(tables, IntegrateSettings.checked(), out=work.folder))
    else:
        merged = yield from merge_again(work.folder, pairs)
    return {"labels": 0 if pairs is None else len(pairs), "entities": merged.run.get("entities")}


def pairs_of(work: Work) -> Pairs | None:
    """What people settled on of rows that are there, as pairs by id; None where nothing was said."""
    said = settled(work.labels.current(Wanted(shape="pair", task="")))
    view = work.tables.all().get(RECORDS)
    lost = set() if view is None else set(strays(said, view.named).rows)
    said = [label for label in said if lost.isdisjoint(label.rows)]
    if not said:
        return None
    number = {"match": 1, "not": 0, "unsure": -1}
    sides = [[label.rows[n] for label in said] for n in (0, 1)]
    named = all(row.source is not None for side in sides for row in side)
    ids = [pa.array([row.id for row in side], pa.string()) for side in sides]
    sources = [pa.array([row.source for row in side], pa.string()) if named else None for side in sides]
    label = np.array([number[str(one.value)] for one in said], np.int8)
    return Pairs(ids[0], ids[1], label=label, left_source=sources[0], right_source=sources[1])


def _match(work: Work, folder: Path) -> Working:
    from dovetail.tasks.match_tables import Matcher

    tables = [_table(v) for v in work.tables.all().values() if v.origin == "source"]
    pairs = pairs_of(work)
    if pairs is None or len(tables) not in (1, 2):
        raise InputError(f"a matcher learns from judged pairs of one or two tables; here are {len(tables)}")
    options = {"effort": work.spec.get("effort", "normal"), "minutes": work.spec.get("minutes")}
    right = (tables[1], pairs) if len(tables) == 2 else (pairs, None)
    matcher = yield from Matcher().fit_job(tables[0], *right, **options)
    matcher.save(folder)
    figures = dict(matcher.card.figures)
    quality = None
    if figures.get("f1") is not None:
        quality = {"figure": "f1", "value": figures["f1"], "low": figures["f1_low"], "high": figures["f1_high"]}
    labels = int(matcher.card.labels["match"]) + int(matcher.card.labels["not"])
    records = work.tables.all().get(RECORDS)
    said = settled(work.labels.current(Wanted(shape="pair", task="")))
    summary = matcher.card.summary + ("" if records is None else left_out(said, records.named))
    return {"labels": labels, "quality": quality, "figures": _plain(figures), "summary": summary}


def _classify(work: Work, folder: Path) -> Working:
    from dovetail.tasks.classify import Classifier

    view = work.tables.get(str(work.spec["table"]))
    rows, labels, mine = _labelled(work, view)
    several = any(isinstance(v, list) and len(v) > 1 for v in labels)
    given = labels if several else [v[0] if isinstance(v, list) else v for v in labels]
    read = tuple(work.spec.get("text") or (c for c in view.telling if c != work.spec.get("label")))
    texts = view.texts(np.array(rows, np.int64), read)
    model = Classifier(str(work.spec.get("encoder", "auto")))
    options = {"effort": work.spec.get("effort", "normal"), "minutes": work.spec.get("minutes")}
    yield from model.fit_job(texts, given, **options)
    model.remember(columns=list(read), table=view.name)
    model.save(folder)
    right = right_of_people(model, texts, mine)
    quality = None if right is None else {"figure": "accuracy", **right}
    figures = {k: model.card.get(k) for k in ("held_out", "ece", "chosen", "classes")}
    summary = str(model.card.get("why", "")) + ("" if all(mine) else RULED) + _left_out(work, view, "class")
    return {"labels": sum(mine), "quality": quality, "figures": figures, "summary": summary}


def _search(work: Work, folder: Path) -> Working:
    from dovetail.tasks.search import Searcher
    from dovetail.tasks.search_judgements import judgements_of

    view = work.tables.get(str(work.spec["table"]))
    said = settled(work.labels.current(Wanted(shape="judgement", task=view.name)))
    judged = judgements_of((one.query, one.rows[0].id, float(str(one.value))) for one in said) if said else None
    made = Searcher(folder, encoder="static")
    yield from made.fitting(_table(view), judged)
    made.save(folder)
    facts = made.describe()
    return {
        "labels": len(said),
        "quality": None,
        "figures": _plain(facts),
        "summary": "; ".join(made.to_lines()) + _left_out(work, view, "judgement"),
    }


def _embed(work: Work, folder: Path) -> Working:
    from dovetail.tasks.embed import Embedder

    view = work.tables.get(str(work.spec["table"]))
    events = [work.labels.current(Wanted(shape=shape, task=view.name)) for shape in ("group", "class")]
    groups = groups_of(view, *events)
    free = np.setdiff1d(np.arange(len(view)), np.array(list(groups), np.int64))
    spare = np.random.default_rng(0).permutation(free)[:_SPARE]
    rows = [*groups, *spare.tolist()]
    labels = [f"g{groups[row]}" if row in groups else None for row in rows]
    space = Embedder(encoder=str(work.spec.get("encoder", "auto")))
    texts = view.texts(np.array(rows, np.int64), tuple(work.spec.get("text") or ()))
    yield from space.fitting(texts, labels)
    space.save(folder)
    why = str(space.facts_.get("why", "")) + _left_out(work, view, "group", "class")
    return {"labels": len(groups), "quality": None, "figures": {"rows": len(groups)}, "summary": why}


_FITS = {"match": _match, "classify": _classify, "search": _search, "embed": _embed}


def _labelled(work: Work, view: View) -> tuple[list[int], list[Any], list[bool]]:
    """Rows, their classes, and whether that is no word of heuristics: of a column, or of what people settled on."""
    column = work.spec.get("label")
    if column:
        values = view.data[str(column)].to_pylist()
        rows = [n for n, v in enumerate(values) if v is not None and v.strip()]
        return rows, [values[n] for n in rows], [True] * len(rows)
    rows, labels, mine = learned_from(view, work.labels.current(Wanted(shape="class", task=view.name)))
    return rows, [list(value) for value in labels], mine


def _left_out(work: Work, view: View, *shapes: str) -> str:
    """How many labels of people name rows that this table does not have; nothing where a column holds the labels."""
    if work.spec.get("label"):
        return ""
    said = (e for shape in shapes for e in work.labels.current(Wanted(shape=shape, task=view.name)))
    return left_out((e.label for e in said if e.by_person), view.named)


def _table(view: View) -> Table:
    return Table(view.name, view.data, view.ids)


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    """Only what JSON has, and nothing long."""
    kinds = (str, int, float, bool, type(None))
    return {k: v for k, v in facts.items() if isinstance(v, kinds) and not (isinstance(v, float) and v != v)}
