"""Labels of a workspace and files of them: what `dovetail labels` does."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dovetail.cli.inputs import check_out, remember
from dovetail.cli.label_look import check, odd, rename_class, tables_of, undo_renaming
from dovetail.errors import InputError, UnknownName
from dovetail.labels.agree import Conflict, agreement, conflicts, gold_scores, settled
from dovetail.labels.exchange import as_cell, from_table, to_table
from dovetail.labels.foreign import from_argilla, from_label_studio, to_argilla, to_label_studio
from dovetail.labels.said import SHAPES, Event, Said
from dovetail.labels.store import LabelStore
from dovetail.measure.intervals import wilson
from dovetail.tables.atomic import replace_file
from dovetail.tables.read import read
from dovetail.tables.write import write
from dovetail.types import Interval
from dovetail.workspace import as_json_text, open_workspace

FILE = "labels.sqlite"
_FORMS = {"label-studio": to_label_studio, "argilla": to_argilla}
_AGREED = "(settled)"  # stands for a person where a label is what several settled on


@dataclass(frozen=True)
class Wish:
    """What to write: where, labels of which shape, in which form, and whether one a subject."""

    out: str
    shape: str | None = None
    form: str = "table"
    settled: bool = False


@dataclass(frozen=True)
class Whose:
    """What a file of labels may leave open: who gave them, in which session, about which table."""

    person: str = ""
    session: str = ""
    table: str = ""


def import_labels(workspace: str, file: str, whose: Whose, *, as_json: bool) -> None:
    """Keep the labels of a file, whatever wrote it, and say what is odd about them."""
    said = [_filed(one, whose.table) for one in _read(file, whose.person, whose.session)]
    _check_table(workspace, whose.table)
    with _store(workspace) as store:
        kept = store.take_new(said)
        if "://" not in workspace:
            remember(Path(workspace), file)
        facts = {"kept": len(kept), "known": len(said) - len(kept), "labels": store.count()}
        found = odd(workspace, [one.answer.label for one in said], store.current())
    if as_json:
        sys.stdout.write(as_json_text({**facts, **found.facts()}) + "\n")
        return
    people = len({event.person for event in kept})
    lines = [
        f"{_many(len(kept), 'label')} of {_many(people, 'person', 'people')} kept; "
        f"{facts['known']:,} {'was' if facts['known'] == 1 else 'were'} known already"
    ]
    sys.stdout.write("\n".join([*lines, *(f"! {line}" for line in found.in_words())]) + "\n")


def check_labels(workspace: str, *, as_json: bool) -> None:
    """Print what is odd about the labels that count."""
    check(workspace, _current(workspace), as_json=as_json)


def rename_labels(
    workspace: str, new: str, old: Sequence[str], table: str | None, *, undo: bool, as_json: bool
) -> None:
    """Give classes another name, or take the last renaming back."""
    if not undo and not new:
        raise InputError("name the class as it shall be called, or take the last renaming back with --undo")
    _current(workspace)
    with _store(workspace) as store:
        if undo:
            undo_renaming(store, as_json=as_json)
        else:
            rename_class(workspace, store, new, old, table, as_json=as_json)


def _filed(one: Said, table: str) -> Said:
    """The same, said of a table where it does not say of which; pairs need none."""
    label = one.answer.label
    if label.task or label.shape == "pair":
        return one
    return replace(one, answer=replace(one.answer, label=replace(label, task=table)))


def _check_table(workspace: str, table: str) -> None:
    known = tables_of(workspace) if table else {}
    if known and table not in known:
        raise UnknownName("table", table, known, workspace)


def export_labels(workspace: str, wish: Wish, *, as_json: bool) -> None:
    """Write the labels that count now."""
    events = _current(workspace)
    if "://" not in workspace:
        check_out(wish.out, Path(workspace))
    if wish.settled:
        events = _agreed(events)
    path: Path | str = Path(wish.out)
    if wish.form == "table":
        chosen = _only(events, wish.shape)
        path = write(to_table(chosen, chosen[0].label.shape), wish.out)
    elif wish.form in _FORMS:
        chosen = [e for e in events if wish.shape in (None, e.label.shape)]
        with replace_file(wish.out) as beside:
            beside.write_text(as_json_text(_FORMS[wish.form](chosen)) + "\n", encoding="utf-8")
    else:
        raise UnknownName("form of labels", wish.form, ("table", *_FORMS))
    facts = {"written": len(chosen), "file": str(path)}
    sys.stdout.write((as_json_text(facts) if as_json else f"{_many(len(chosen), 'label')} written to {path}") + "\n")


def _agreed(events: Sequence[Event]) -> list[Event]:
    """What people settled on. What only heuristics named is left out: read again, nothing would tell it from that."""
    found = settled(e for e in events if e.by_person)
    if not found:
        raise InputError(
            "people settled on no label yet; leave out --settled to write what each said, heuristics with their mark"
        )
    return [Event(n, "", _AGREED, "", label) for n, label in enumerate(found, 1)]


def say_agreement(workspace: str, *, as_json: bool) -> None:
    """Print Krippendorff's alpha, Cohen's kappa of each two people, and the accuracy on gold questions."""
    events = _current(workspace)
    found, scores = agreement(events), gold_scores(events)
    gold = [(s.person, s.asked, wilson(s.right, s.asked)) for s in scores]
    if as_json:
        pairs = [
            {
                "shape": a.shape,
                "task": a.task,
                "alpha": _plain(a.alpha),
                "subjects": a.subjects,
                "kappa": [{"people": p, "kappa": _plain(k), "subjects": a.shared[p]} for p, k in a.kappa.items()],
            }
            for a in found
        ]
        told = [{"person": p, "asked": n, "accuracy": _plain(i)} for p, n, i in gold]
        sys.stdout.write(as_json_text({"agreement": pairs, "gold": told}) + "\n")
        return
    lines = []
    for a in found:
        name = f"{a.shape} {a.task}".strip()
        if not a.subjects:
            lines.append(f"{name}: nothing was labelled by two people yet")
            continue
        lines.append(f"{name}: alpha {_words(a.alpha)} over {a.subjects:,} subjects that two or more labelled")
        lines += [f"  {p} and {q}: kappa {_words(k)} over {a.shared[p, q]:,}" for (p, q), k in a.kappa.items()]
    lines += [f"gold questions: {p} right on {_words(i)} of {n:,}" for p, n, i in gold]
    sys.stdout.write("\n".join([*lines, *_spelling(workspace, events)]) + "\n")


def say_conflicts(workspace: str, *, as_json: bool) -> None:
    """Print what people label differently."""
    events = _current(workspace)
    found = conflicts(events)
    if as_json:
        listed = [
            {
                "shape": c.label.shape,
                "task": c.label.task,
                "query": c.label.query,
                "rows": [row._asdict() for row in c.label.rows],
                "said": dict(c.said),
                "gold": c.gold,
            }
            for c in found
        ]
        sys.stdout.write(as_json_text(listed) + "\n")
        return
    lines = [_conflict(c) for c in found] or ["nobody contradicts anybody"]
    sys.stdout.write("\n".join([*lines, *_spelling(workspace, events)]) + "\n")


def _spelling(workspace: str, events: Sequence[Event]) -> list[str]:
    """What of this may be spelling alone."""
    return [f"! {line}" for line in odd(workspace, (), events).in_words()]


def _store(workspace: str) -> LabelStore:
    if "://" in workspace:
        return LabelStore(workspace)
    return LabelStore(open_workspace(workspace).folder / FILE)


def _current(workspace: str) -> list[Event]:
    if "://" not in workspace and not (Path(workspace) / FILE).is_file():
        raise InputError(
            f"{workspace} holds no labels yet; bring some in with: dovetail labels import {workspace} FILE"
        )
    with _store(workspace) as store:
        events = store.current()
    if not events:
        raise InputError(f"no label counts in {workspace} yet; bring some in with: dovetail labels import")
    return events


def _only(events: Sequence[Event], shape: str | None) -> list[Event]:
    if shape is not None and shape not in SHAPES:
        raise UnknownName("shape of label", shape, SHAPES)
    kept = sorted({e.label.shape for e in events})
    if shape is None and len(kept) > 1:
        raise InputError(f"there are labels of several shapes ({', '.join(kept)}); say which with --shape")
    chosen = [e for e in events if shape in (None, e.label.shape)]
    if not chosen:
        raise InputError(f"no label of the shape {shape} counts; there are {', '.join(kept)}")
    return chosen


def _read(file: str, person: str, session: str) -> list[Said]:
    if Path(file).suffix.casefold() == ".json":
        found = _json(Path(file))
        if found and all(isinstance(one, dict) for one in found):
            first: dict[str, Any] = found[0]
            if "fields" in first:
                return from_argilla(found, person=person)
            if "data" in first or "annotator" in first:
                return from_label_studio(found, person=person)
    return from_table(read(file), person=person, session=session)


def _json(path: Path) -> list[Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}") from None
    return found if isinstance(found, list) else []


def _conflict(conflict: Conflict) -> str:
    label = conflict.label
    rows = " and ".join(f"{row.source}:{row.id}" if row.source else row.id for row in label.rows)
    about = f"{label.query!r}: {rows}" if label.query else rows
    said = ", ".join(f"{person} says {as_cell(value)}" for person, value in conflict.said.items())
    gold = "" if conflict.gold is None else f"; gold says {as_cell(conflict.gold)}"
    return f"{about}: {said}{gold}"


def _many(number: int, one: str, more: str = "") -> str:
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def _words(found: Interval) -> str:
    if math.isnan(found.value):
        return "unknown (everybody always gave one answer)"
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def _plain(found: Interval) -> dict[str, float | None]:
    numbers = {"value": found.value, "low": found.low, "high": found.high}
    return {name: None if math.isnan(x) else x for name, x in numbers.items()}
