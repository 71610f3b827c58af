"""Heuristics from the console: what `dovetail labels heuristics` does and prints."""

from __future__ import annotations

import getpass
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from dovetail.cli.functions import functions_of
from dovetail.cli.given import split_pairs
from dovetail.cli.inputs import check_out, remember
from dovetail.cli.tables import harmless
from dovetail.errors import InputError
from dovetail.labels.exchange import as_cell
from dovetail.labels.rules import Rule, check
from dovetail.labels.store import LabelStore
from dovetail.measure.intervals import wilson
from dovetail.measure.percent import percent
from dovetail.tables.read import read
from dovetail.tables.write import write
from dovetail.types import Table
from dovetail.workspace import as_json_text, open_workspace

_SHOWN = 5  # rows that are shown of what a heuristic catches


@dataclass(frozen=True)
class Given:
    """A heuristic as it was typed."""

    name: str
    gives: str
    words: str
    pattern: str
    names: tuple[str, ...]
    column: str

    def rule(self, table: str) -> Rule:
        """The same, checked."""
        words = tuple(w.strip() for w in self.words.replace("\n", ",").split(",") if w.strip())
        names = split_pairs(self.names, "--means")
        if not (words or self.pattern or names):
            raise InputError(f"heuristic {self.name!r} has nothing to go by; give --words, --pattern or --means")
        if not names and not self.gives:
            raise InputError(f"heuristic {self.name!r} has no class to give; name one with --class")
        return check(Rule(self.name, table, self.gives, self.pattern, words, names, self.column))


@dataclass(frozen=True)
class Joining:
    """How sure to be, and what to do with what is said."""

    sure: float
    keep: bool
    out: str | None


def add_one(workspace: str, table: str | None, given: Given, *, keep: bool, as_json: bool) -> None:
    """Try a heuristic, show it, and keep it."""
    rules, shown = _open(workspace)
    rule = given.rule(_table(rules, table))
    found = shown.tried(rules, rule, 0)
    before = next((r for r in rules.all(rule.table) if r.place == rule.place), None)
    if keep:
        rules.keep(rule)
    if as_json:
        sys.stdout.write(
            as_json_text({"kept": keep, "replaced": keep and before is not None, **found.model_dump()}) + "\n"
        )
        return
    lines = [_in_words(found.line, found.asked)]
    lines += _rows(found.caught, "caught, for example:")
    lines += _rows(found.against_hand, "people say otherwise:")
    lines += _rows(found.against_others, "other heuristics say otherwise:")
    lines += [f"! {found.notice}"] if found.notice else []
    lines += [f"replaced {rule.name}, which was: {_was(before)}"] if keep and before is not None else []
    end = f"kept in {rules.path}" if keep else "only tried, nothing was kept: leave out --try to keep it"
    _say([*lines, end])


def _was(rule: Rule) -> str:
    """A heuristic in one line, as it would be typed again."""
    means = [f"{name}={said}" for name, said in rule.names.items()]
    told = [f"--class {shlex.quote(rule.gives)}"] if rule.gives else []
    told += [f"--pattern {shlex.quote(rule.pattern)}"] if rule.pattern else []
    told += [f"--words {shlex.quote(', '.join(rule.words))}"] if rule.words else []
    told += [f"--means {shlex.quote(one)}" for one in means]
    told += [f"--column {shlex.quote(rule.column)}"] if rule.column else []
    return " ".join(told) + ("" if rule.on else " (off)")


def list_all(workspace: str, table: str | None, functions: str | None, *, as_json: bool) -> None:
    """Every heuristic with its figures."""
    rules, shown = _open(workspace)
    name = _table(rules, table)
    if functions is None:
        found = shown.page(rules, name, 0.6)
        lines, asked, notes = found.rules, found.asked, [found.notice] if found.notice else []
    else:
        kept = rules.all(name)
        looked = rules.look(name, kept, functions_of(functions))
        asked, lines, notes = len(looked.ground.rows), shown.lines(looked, kept), shown.about_answers(looked)
    if as_json:
        sys.stdout.write(as_json_text({"table": name, "rules": [line.model_dump() for line in lines]}) + "\n")
        return
    told = [_in_words(line, asked) for line in lines]
    hint = f"no heuristics for {name} yet; add one: dovetail labels heuristics add {workspace} NAME --class … --words …"
    _say([*(told or [hint]), *(f"! {note}" for note in notes if told)])


def remove_one(workspace: str, table: str | None, name: str) -> None:
    """Take one out."""
    rules, _ = _open(workspace)
    rule = rules.remove(_table(rules, table), name)
    sys.stdout.write(f"{rule.name} is out of {rules.path}\n")


def join_all(workspace: str, table: str | None, functions: str | None, how: Joining, *, as_json: bool) -> None:
    """What all say together: counts, a file, or labels."""
    rules, shown = _open(workspace)
    name = _table(rules, table)
    if how.out:
        check_out(how.out, rules.path.parent, (functions,))
    some = {} if functions is None else functions_of(functions)
    looked = rules.look(name, [r for r in rules.all(name) if r.on], some)
    would = rules.would(looked, how.sure)
    facts: dict[str, Any] = {
        "table": name,
        "rows": len(would.rows),
        "labels": would.counts,
        "kept_of_people": would.hand,
    }
    facts |= {"right": would.right, "checked": would.checked, "faults": dict(looked.faults)}
    if how.out:
        facts["file"] = str(write(_labels(looked, would), how.out))
    if how.keep:
        facts["new"], facts["taken_back"] = rules.apply(looked, would, _user())
    if as_json:
        sys.stdout.write(as_json_text(facts) + "\n")
    else:
        _say([*_joined(facts, how), *(f"! {note}" for note in shown.about_answers(looked))])


def _say(lines: Sequence[str]) -> None:
    """Print lines without what would steer the terminal: texts of tables and names may come from anybody."""
    sys.stdout.write("\n".join(harmless(one) for line in lines for one in line.split("\n")) + "\n")


def undo_last(workspace: str, table: str | None) -> None:
    """Take the last joining back."""
    rules, _ = _open(workspace)
    new, taken = rules.undo(_table(rules, table), _user())
    sys.stdout.write(f"{taken:,} {'label' if taken == 1 else 'labels'} of heuristics taken back, {new:,} count again\n")


def _open(workspace: str) -> tuple[Any, Any]:
    """The heuristics of a workspace, and how they are shown; by name, since console and server stand side by side."""
    if "://" in workspace:
        raise InputError("heuristics are kept in the folder of a workspace; name that, not a database")
    folder = open_workspace(workspace).folder
    rules, tables = import_module("dovetail.serve.rules"), import_module("dovetail.serve.tables")
    store = LabelStore(folder / "labels.sqlite")
    return rules.Rules(folder, tables.Tables(folder), store), import_module("dovetail.serve.rules_shown")


def _table(rules: Any, named: str | None) -> str:
    """The table that is meant; a file is added to the workspace first."""
    known = rules.tables.all()
    if named is None:
        own = [v.name for v in known.values() if v.origin == "added"] or [n for n in known if n == "records"]
        if len(own) != 1:
            listed = f"there are {', '.join(own)}" if own else "there is none yet"
            raise InputError(f"name the table with --table; {listed}. A file will do, too: it is added")
        return str(own[0])
    if named not in known and Path(named).is_file():
        remember(rules.path.parent, named)
        return str(rules.tables.add(read(named)))
    return str(rules.tables.get(named).name)


def _labels(looked: Any, would: Any) -> Table:
    view, names = looked.ground.view, looked.ground.classes
    ids = view.ids.take(pa.array(would.rows))
    columns = {"id": ids, "label": pa.array([as_cell((names[n],)) for n in would.said])}
    if view.sources is not None:
        columns = {"source": view.sources.take(pa.array(would.rows)), **columns}
    columns["probability"] = pa.array(np.round(would.probability, 4))
    columns["task"] = pa.array([view.name] * len(ids))
    columns["person"] = pa.array(["(heuristics)"] * len(ids))
    return Table("labels", pa.table(columns), ids)


def _in_words(line: Any, asked: int) -> str:
    """One heuristic in two lines."""
    what = {"pattern": line.pattern, "words": ", ".join(line.words), "names": ", ".join(line.names)}.get(line.kind, "")
    off = "" if line.on else " (off)"
    if line.fault:
        return f"{line.name}{off}: {line.fault}"
    gives = line.gives or "a class"
    said = f"{line.rows:,} of {asked:,} rows ({percent(line.coverage)})"
    others = f"overlap {percent(line.overlap)}, conflict {percent(line.conflict)}"
    if line.checked:
        right = wilson(line.right, line.checked)
        span = f"{100 * right.low:.0f} to {percent(right.high, 0)}"
        judged = f"right on {line.right:,} of {line.checked:,} hand labels ({percent(right.value, 0)}, {span})"
    else:
        judged = "no hand label to judge it by"
    if line.kind == "function":
        return f"{line.name}: a Python function\n  {said}, {others}, {judged}"
    shortened = what if len(what) <= 60 else what[:57] + "…"
    return f"{line.name}{off}: {gives} where {shortened}\n  {said}, {others}, {judged}"


def _rows(examples: Sequence[Any], title: str) -> list[str]:
    if not examples:
        return []
    told = []
    for one in examples[:_SHOWN]:
        text = "".join(f"[{p.text}]" if p.marked else p.text for p in one.pieces)
        says = [f"people say {one.hand}"] if one.hand not in (None, one.value) else []
        says += [f"{other.name} says {other.value}" for other in one.others if other.value != one.value]
        told.append(f"    {one.id}: {' '.join(text.split())}" + (f" ({'; '.join(says)})" if says else ""))
    return [f"  {title}", *told]


def _joined(facts: dict[str, Any], how: Joining) -> list[str]:
    lines = [f"{facts['rows']:,} rows of {facts['table']} would get a label, at least {percent(how.sure, 0)} sure:"]
    lines += [f"  {name}: {rows:,}" for name, rows in sorted(facts["labels"].items(), key=lambda x: -x[1])]
    if facts["checked"]:
        right = wilson(facts["right"], facts["checked"])
        span = f"{100 * right.low:.0f} to {percent(right.high, 0)}"
        said = f"right on {facts['right']:,} of {facts['checked']:,} hand labels that did not help to judge themselves"
        lines.append(f"{said} ({percent(right.value, 0)}, {span})")
    else:
        lines.append("no hand labels to judge this by: label some rows first, to know how far to trust it")
    if facts["kept_of_people"]:
        lines.append(f"{facts['kept_of_people']:,} rows that people labelled stay as they are")
    lines += [f"left out: {fault}" for fault in facts["faults"].values()]
    lines += [f"written to {facts['file']}"] if how.out else []
    if how.keep:
        return [*lines, f"kept as labels of heuristics: {facts['new']:,} new, {facts['taken_back']:,} taken back"]
    return lines if how.out else [*lines, "nothing was kept: --keep keeps them as labels, --out writes them to a file"]


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return os.environ.get("USER", "somebody")
