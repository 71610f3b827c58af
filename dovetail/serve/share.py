"""`dovetail share`: one static folder that can be put on any web server: findings, model cards, labels, examples."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dovetail.errors import InputError
from dovetail.labels.agree import agreement
from dovetail.reports.models import render_model
from dovetail.reports.share import Shared, SharedExample, render_share
from dovetail.serve.ledger import counts_by_value
from dovetail.serve.state import now
from dovetail.serve.tables import RECORDS
from dovetail.serve.workbench import Workbench
from dovetail.tables.atomic import replace_file
from dovetail.workspace import write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dovetail.labels.said import Event

FACTS = "share.json"
_EXAMPLES = 6
_SHAPES = ("pair", "class", "group", "judgement")


def share(folder: Path, out: Path | None = None) -> Path:
    """Write the folder (`share` in the workspace by default) and give it. What stood there before is compared with.

    A folder that holds other files is refused.
    """
    bench = Workbench(folder, work=False)
    try:
        target = out or folder / "share"
        last = _last(target)
        facts = _facts(bench)
        models = _models(bench, target)
        data = _gathered(bench, facts, last, models)
        _write(target / "index.html", render_share(data))
        report = bench.folder / "report.html"
        if report.is_file():
            with replace_file(target / "report.html") as beside:
                shutil.copyfile(report, beside)
        older = [*last.get("older", []), {k: last[k] for k in ("made", "facts") if k in last}] if last else []
        write_json(target / FACTS, {"format": 1, "made": data.made, "facts": facts, "older": older[-50:]})
        return target
    finally:
        bench.close()


def _last(target: Path) -> dict[str, Any]:
    """The facts of the last time; nothing the first time."""
    path = target / FACTS
    if path.is_file():
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return found
        except ValueError as error:
            raise InputError(f"{path} is damaged ({error}); remove it, or give another folder with --out") from None
    if target.is_dir() and any(target.iterdir()):
        raise InputError(f"{target} holds files that are not of a shared folder; give a new or empty one with --out")
    target.mkdir(parents=True, exist_ok=True)
    return {}


def _facts(bench: Workbench) -> dict[str, Any]:
    counts = dict.fromkeys(_SHAPES, 0)
    for (shape, _), number in bench.ledger.counts.items():
        counts[shape] += number
    facts: dict[str, Any] = {"labels": sum(counts.values()), "people": bench.ledger.people()}
    facts |= {f"labels: {shape}": n for shape, n in counts.items() if n}
    if bench.decided()[0] is not None:
        sizes = [len(rows) for rows in bench.editor.entities.members.values()]
        facts |= {"entities": len(sizes), "merged": sum(n > 1 for n in sizes)}
        facts["entities that people changed"] = len(bench.editor.entities.changed)
    for view in bench.tables.all().values():
        facts[f"rows: {view.name}"] = len(view)
    for one in bench.models.listed():
        if one.quality is not None and one.quality.value is not None:
            facts[f"{one.model}: {one.quality.figure}"] = round(one.quality.value, 4)
        facts[f"{one.model}: version"] = one.version
    return facts


def _models(bench: Workbench, target: Path) -> list[dict[str, Any]]:
    found = []
    for one in bench.models.listed():
        quality, page = None, ""
        if one.quality is not None and one.quality.value is not None:
            quality = f"{one.quality.figure} {one.quality.value:.3f}"
            if one.quality.low is not None and one.quality.high is not None:
                quality += f" ({one.quality.low:.3f} to {one.quality.high:.3f})"
        if " " not in one.model:
            page = f"model-{one.model}.html"
            _write(target / page, render_model(one.model, bench.models.card(one.model)))
        facts = {"name": one.model, "task": one.task, "version": one.version, "labels": one.labels}
        found.append({**facts, "quality": quality, "summary": one.summary, "page": page})
    return found


def _gathered(bench: Workbench, facts: dict[str, Any], last: dict[str, Any], models: list[dict[str, Any]]) -> Shared:
    events = bench.ledger.current()
    labels = [
        (shape, said, n)
        for shape in _SHAPES
        for said, n in counts_by_value([e for e in events if e.label.shape == shape]).items()
    ]
    people = Counter(e.person for e in events).most_common()
    agreed = [
        f"{a.shape} {a.task}: alpha {a.alpha.value:.2f} over {a.subjects:,} that two or more labelled"
        for a in agreement(events)
        if a.subjects
    ]
    return Shared(
        title=bench.name,
        made=now()[:16].replace("T", " ") + " UTC",
        now=facts,
        before=last.get("facts", {}),
        before_made=str(last.get("made", "")),
        tables=[(v.name, len(v), len(v.columns)) for v in bench.tables.all().values() if v.origin != "source"],
        models=models,
        labels=labels[:60],
        people=people,
        agreement=agreed,
        examples=_examples(bench, events),
        has_report=(bench.folder / "report.html").is_file(),
    )


def _examples(bench: Workbench, events: Sequence[Event]) -> list[SharedExample]:
    """Judged pairs that tell most: where people and model were furthest apart, and of both answers."""
    view = bench.tables.all().get(RECORDS)
    if view is None:
        return []
    judged = [e for e in events if e.label.shape == "pair" and e.label.value in ("match", "not")]
    judged.sort(key=lambda e: -_surprise(e))
    chosen = [e for answer in ("match", "not") for e in judged if e.label.value == answer][: 10 * _EXAMPLES]
    half = [[e for e in chosen if e.label.value == answer][: _EXAMPLES // 2] for answer in ("match", "not")]
    found = []
    for event in [e for part in half for e in part]:
        rows = [view.place(row.id, row.source) for row in event.label.rows]
        if None in rows:
            continue
        left, right = (view.rec(row) for row in rows if row is not None)
        fields = [(name, a, b) for name, a, b in zip(left.columns, left.values, right.values, strict=True) if a or b]
        score = event.suggestion.score if event.suggestion is not None else None
        why = "the model thought otherwise" if _surprise(event) > 0.5 else "the model thought so, too"
        found.append(SharedExample(str(event.label.value), score, why if score is not None else "", fields))
    return found


def _surprise(event: Event) -> float:
    """How far the model was from the answer, in [0, 1]."""
    if event.suggestion is None or event.suggestion.score is None:
        return 0.0
    return abs(event.suggestion.score - (event.label.value == "match"))


def _write(path: Path, text: str) -> None:
    with replace_file(path) as beside:
        beside.write_text(text, encoding="utf-8")
