"""What is odd about the labels of a workspace, and names made one: `dovetail labels check` and `rename`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dovetail.errors import InputError, UnknownName
from dovetail.labels.said import HEURISTICS, Event, Label
from dovetail.labels.spelling import Alike, alike, folded, rename, undo_rename
from dovetail.labels.store import LabelStore, Wanted
from dovetail.labels.strays import Ids, Strays, strays
from dovetail.workspace import as_json_text, open_workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROWS = 100  # rows that a list names


@dataclass(frozen=True)
class Oddities:
    """What to tell of labels: those that no table knows, and names that differ only in spelling."""

    workspace: str
    strays: Strays
    alike: tuple[Alike, ...]

    def in_words(self) -> list[str]:
        """A line for each, with the command that mends it."""
        return [*self.strays.in_words(), *(f"{a.in_words()}; {joining(self.workspace, a)}" for a in self.alike)]

    def facts(self) -> dict[str, Any]:
        """The same as JSON."""
        rows = [row._asdict() for row in self.strays.rows[:_ROWS]]
        told = {"missing": self.strays.labels, "rows": rows, "no_table": self.strays.unfiled}
        return {**told, "alike": [{"task": a.task, "names": dict(a.names)} for a in self.alike]}


def joining(workspace: str, found: Alike) -> str:
    """The command that makes the names one, the most frequent of them."""
    about = f" --table {shlex.quote(found.task)}" if found.task else ""
    return f"to make them one: dovetail labels rename {shlex.quote(workspace)} {shlex.quote(found.names[0][0])}{about}"


def odd(workspace: str, looked_at: Sequence[Label], current: Sequence[Event]) -> Oddities:
    """What is odd about some labels: rows that no table has; and about the names of classes among all that counts."""
    return Oddities(workspace, strays(looked_at, _ids(workspace)), tuple(alike(current, _given(workspace))))


def tables_of(workspace: str) -> Mapping[str, Any]:
    """The tables of a workspace by name; a database holds labels alone."""
    if "://" in workspace:
        return {}
    tables = import_module("dovetail.serve.tables")  # by name, since console and server stand side by side
    found: Mapping[str, Any] = tables.Tables(open_workspace(workspace).folder).all()
    return found


def check(workspace: str, events: Sequence[Event], *, as_json: bool) -> None:
    """Print what is odd about the labels that count."""
    found = odd(workspace, [e.label for e in events], events)
    if as_json:
        sys.stdout.write(as_json_text({"labels": len(events), **found.facts()}) + "\n")
        return
    none = "every label names rows of the tables, and no two names of classes differ only in spelling"
    if not found.strays.tables:
        none = "no two names of classes differ only in spelling; there are no tables here to look for the rows in"
    lines = found.in_words()
    lines += [f"  not found: {row.id}" + (f" of {row.source}" if row.source else "") for row in found.strays.rows[:20]]
    sys.stdout.write("\n".join(lines or [none]) + "\n")


def rename_class(
    workspace: str, store: LabelStore, new: str, old: Sequence[str], table: str | None, *, as_json: bool
) -> None:
    """Make names of classes one: those given, else all that differ from the new one only in spelling."""
    if not new.strip():
        raise InputError("the new name is empty; give a class a name")
    wanted = Wanted(shape="class", task=table)
    events = store.current(wanted)
    said = {name for e in events if isinstance(e.label.value, tuple) for name in e.label.value}
    for name in old:
        if name not in said:
            raise UnknownName("class", name, sorted(said), "the labels that count")
    names = sorted(set(old) or {name for name in said if folded(name) == folded(new)})
    names = [name for name in names if name != new]
    if not names:
        raise InputError(
            f"no class that counts differs from {new!r} only in spelling; name the one to rename with --from, "
            f"out of {', '.join(sorted(said)[:10]) or 'none yet'}"
        )
    done = rename(store, new, names, wanted)
    rules = [n for task, some in _given(workspace).items() for n in some if n in names and table in (None, task)]
    if as_json:
        sys.stdout.write(as_json_text({"renamed": len(done), "from": names, "to": new}) + "\n")
        return
    lines = [f"{len(done):,} {'label' if len(done) == 1 else 'labels'} renamed from {_quoted(names)} to {new!r}"]
    if any(e.person == HEURISTICS for e in done) or rules:
        lines.append(f"heuristics give {_quoted(names)} again when they are joined; change them in heuristics.toml")
    lines.append(f"to take it back: dovetail labels rename {shlex.quote(workspace)} --undo")
    sys.stdout.write("\n".join(lines) + "\n")


def undo_renaming(store: LabelStore, *, as_json: bool) -> None:
    """Bring back the names that the last renaming replaced."""
    number = undo_rename(store)
    if not number:
        raise InputError("no renaming counts, so there is nothing to take back")
    told = f"{number:,} {'label has its former name' if number == 1 else 'labels have their former names'} again"
    sys.stdout.write((as_json_text({"taken_back": number}) if as_json else told) + "\n")


def _ids(workspace: str) -> dict[str, Ids]:
    return {name: ids for view in tables_of(workspace).values() for name, ids in view.named.items()}


def _given(workspace: str) -> dict[str, list[str]]:
    """The classes that heuristics may name, by table."""
    if "://" in workspace:
        return {}
    rules = import_module("dovetail.serve.rules")
    found: dict[str, list[str]] = {}
    for rule in rules.rules_in(open_workspace(workspace).folder):
        found.setdefault(rule.table, []).extend(rule.classes)
    return found


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))
