"""The heuristics of a workspace: kept in a file, tried on a table, joined, and said as labels.

What they say is kept in the label store under a name of its own, and counts only where no person spoke. The labels
that a person gave are never written to; a joining replaces what heuristics said before, and can be taken back.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.errors import InputError, UnknownName
from dovetail.labels.agree import settled
from dovetail.labels.heuristics import ByPattern, ByWords, HeuristicScore, Joined, join, proof
from dovetail.labels.rules import MOST, Rule, check, parse, rewritten
from dovetail.labels.said import HEURISTICS, Answer, Event, Row, Suggestion, classes
from dovetail.labels.store import LabelStore, Wanted
from dovetail.serve.state import now
from dovetail.tables.atomic import alone, replace_file

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.serve.tables import Tables, View

    Numbers = npt.NDArray[np.int64]

FILE = "heuristics.toml"
LARGEST = 200_000  # rows that heuristics are asked about; of larger tables evenly so many
SECONDS = 5.0  # that one heuristic may take on a page
_MOST_HAND = 20_000  # rows that people labelled, read beside the even ones
_KEPT = 4 * MOST  # votes that are remembered: every heuristic of a page, each on the even rows and on those of people
_TEXTS = 2  # columns of texts that are remembered: those of the even rows, and of others
_MODEL = "heuristics"


@dataclass(frozen=True)
class Ground:
    """One table as heuristics see it: its rows by number, and what people say of them."""

    view: View
    rows: Numbers  # (n,) row numbers: those evenly spread, then others of which people spoke
    classes: tuple[str, ...]
    hand: Numbers  # (n,) the class that people settled on, by number; -1 where they did not
    spoken: npt.NDArray[np.bool_]  # (n,) whether any person said anything, settled or not
    even: int  # how many of the rows are evenly spread

    @cached_property
    def answers(self) -> tuple[str, ...]:
        """The columns that hold the classes already: a heuristic that names no column does not read them."""
        found = self.view.answers(self.classes)
        return found if len(found) < len(self.view.telling) else ()

    @cached_property
    def read(self) -> tuple[str, ...]:
        """The columns that a heuristic reads which names none."""
        return tuple(name for name in self.view.telling if name not in self.answers)

    @cached_property
    def parts(self) -> tuple[tuple[str, Numbers], ...]:
        """The even rows, which stay the same for a table, and the others with a name that changes with them."""
        even, others = self.rows[: self.even], self.rows[self.even :]
        named = (("even", even), (hashlib.blake2b(others.tobytes(), digest_size=16).hexdigest(), others))
        return tuple((name, rows) for name, rows in named if len(rows))


@dataclass(frozen=True)
class Looked:
    """What heuristics say of a table. `rules`, `votes` and `scores` go together; `faults`: what could not be asked."""

    ground: Ground
    rules: tuple[Rule, ...]
    votes: Numbers  # (n, h)
    scores: tuple[HeuristicScore, ...]
    joined: Joined | None  # None where there are fewer than two classes, or nothing is on
    faults: Mapping[str, str]


@dataclass(frozen=True)
class Would:
    """What joining would say: of which rows, which class, how surely; and how often that is right on hand labels."""

    rows: Numbers  # row numbers
    said: Numbers  # (m,) class by number
    probability: npt.NDArray[np.float64]
    counts: dict[str, int]
    hand: int  # rows of which heuristics speak, but people do, too, whether they agree or not: those stay as they are
    right: int
    checked: int


def rules_in(folder: Path) -> tuple[Rule, ...]:
    """What the file in a workspace holds now; it may have been edited by hand."""
    path = folder / FILE
    return parse(path.read_text(encoding="utf-8"), path.name) if path.is_file() else ()


class Rules:
    """The file, and what its heuristics say of the tables. Asked by pages and by the console."""

    def __init__(self, folder: Path, tables: Tables, store: LabelStore) -> None:
        self.path, self.tables, self.store = folder / FILE, tables, store
        self._lock = threading.RLock()
        self._votes: OrderedDict[tuple[Any, ...], Numbers] = OrderedDict()
        self._texts: OrderedDict[tuple[Any, ...], pa.Array] = OrderedDict()

    def all(self, table: str | None = None) -> tuple[Rule, ...]:
        """What the file holds now; it may have been edited by hand."""
        return tuple(r for r in rules_in(self.path.parent) if table in (None, r.table))

    def keep(self, rule: Rule) -> None:
        """Add a rule, or put it in the place of the one that has its name."""
        check(rule)
        self.tables.get(rule.table)
        with self._lock, alone(self.path.parent):
            rules = {r.place: r for r in self.all()} | {rule.place: rule}
            if len(rules) > MOST:
                raise InputError(f"a workspace keeps {MOST} heuristics at most; remove some first")
            self._write(tuple(rules.values()))

    def remove(self, table: str, name: str) -> Rule:
        """Take a rule out of the file and give it, so that it can be put back."""
        with self._lock, alone(self.path.parent):
            rules = self.all()
            found = next((r for r in rules if r.place == (table, name)), None)
            if found is None:
                known = [r.name for r in rules if r.table == table]
                raise UnknownName("heuristic", name, known, f"the table {table}")
            self._write(tuple(r for r in rules if r is not found))
        return found

    def ground(self, table: str, rules: Sequence[Rule] = (), more: Sequence[str] = ()) -> Ground:
        """A table with its classes and hand labels."""
        view = self.tables.get(table)
        rows = np.unique(np.linspace(0, max(len(view) - 1, 0), min(len(view), LARGEST)).astype(np.int64))
        spoken, said = _said_by_people(self.store, view)
        beside = np.setdiff1d(np.array(sorted(spoken), np.int64), rows)
        beside = beside[:: -(-len(beside) // _MOST_HAND) or 1]
        even, rows = len(rows), np.concatenate([rows, beside])
        names = [*(c for r in rules for c in r.classes), *more, *said.values()]
        known = tuple(dict.fromkeys(n for n in names if n))
        number = {name: n for n, name in enumerate(known)}
        hand = np.array([number[said[n]] if n in said else -1 for n in rows.tolist()], np.int64)
        return Ground(view, rows, known, hand, np.isin(rows, list(spoken)), even)

    def votes(self, ground: Ground, rule: Rule, seconds: float = SECONDS) -> Numbers:
        """What one rule says of each row (n,), by number of class, -1 where it abstains."""
        asked = [self._remembered(ground, part, rule, seconds) for part in ground.parts]
        found = np.concatenate(asked) if asked else np.zeros(0, np.int16)
        number = np.array([-1, *(ground.classes.index(c) for c in rule.classes)], np.int64)
        return number[found.astype(np.int64) + 1]

    def look(self, table: str, rules: Sequence[Rule], functions: Mapping[str, Callable[[str], str | None]]) -> Looked:
        """What these rules, and Python functions, say of a table together."""
        faults: dict[str, str] = {}
        ground = self.ground(table, rules)
        columns, asked = [], []
        spoken = self._spoken(ground, functions)
        named = self.ground(table, rules, [said for one in spoken for said in set(one) if said is not None])
        if named.read != ground.read:  # what they said shows which columns hold the answers
            spoken = self._spoken(named, functions)
        ground = named
        number: dict[str | None, int] = {None: -1, **{c: n for n, c in enumerate(ground.classes)}}
        for rule in rules:
            try:
                columns.append(self.votes(ground, rule))
                asked.append(rule)
            except InputError as error:
                faults[rule.name] = str(error)
        for one, name in zip(spoken, functions, strict=True):
            columns.append(np.array([number.get(said, -1) for said in one], np.int64))
            asked.append(Rule(name, table))
        votes = np.stack(columns, axis=1) if columns else np.zeros((len(ground.rows), 0), np.int64)
        return _looked(ground, tuple(asked), votes, faults)

    def _spoken(self, ground: Ground, functions: Mapping[str, Callable[[str], str | None]]) -> list[list[str | None]]:
        """What each function says of each row."""
        texts = self.texts(ground, "").to_pylist() if functions else []
        return [_called(name, function, texts) for name, function in functions.items()]

    def would(self, looked: Looked, sure: float) -> Would:
        """What joining says of the rows that no person labelled, where it is sure."""
        ground, joined = looked.ground, looked.joined
        if joined is None:
            raise InputError("heuristics of two classes are needed before they can be joined; add one of another class")
        on = [n for n, r in enumerate(looked.rules) if r.on]
        voted = (looked.votes[:, on] >= 0).any(axis=1)
        sure_of = voted & (joined.surest >= sure)
        at = np.flatnonzero(sure_of & ~ground.spoken)
        said, surest = joined.best[at], joined.surest[at]
        counts = {c: int((said == n).sum()) for n, c in enumerate(ground.classes)}
        right, checked = proof(looked.votes[:, on], ground.classes, ground.hand, sure=sure)
        kept = int((voted & ground.spoken).sum())
        return Would(ground.rows[at], said, surest, {c: n for c, n in counts.items() if n}, kept, right, checked)

    def apply(self, looked: Looked, would: Would, person: str) -> tuple[int, int]:
        """Say it as labels, in the place of what heuristics said before: how many are new, how many were taken back."""
        view, names = looked.ground.view, looked.ground.classes
        ids = view.ids.take(pa.array(would.rows)).to_pylist()
        answers = []
        for row, id_, number, p in zip(would.rows.tolist(), ids, would.said, would.probability, strict=True):
            label = classes(Row(str(id_), view.source(row)), names[number], task=view.name)
            answers.append(Answer(label, Suggestion((names[number],), round(float(p), 4), _MODEL)))
        return self.store.replace(answers, _wanted(view.name), session=f"heuristics of {person} {now()}"[:200])

    def undo(self, table: str, person: str) -> tuple[int, int]:
        """Take the last joining back, so that what was before counts again; once more brings it back."""
        last = next(iter(self.store.latest(_wanted(table), limit=1)[0]), None)
        if last is None:
            raise InputError(f"heuristics never said anything about {table}, so there is nothing to take back")
        first = min(e.id for e in self.store.history(Wanted(session=last.session, person=HEURISTICS)))
        wanted = _wanted(table)
        before = self.store.current(Wanted(wanted.shape, wanted.task, wanted.person, upto=first - 1))
        answers = [Answer(e.label, e.suggestion) for e in before]
        return self.store.replace(answers, wanted, session=f"heuristics undone by {person} {now()}"[:200])

    def said(self, table: str) -> list[Event]:
        """What heuristics say of a table as labels now."""
        return self.store.current(_wanted(table))

    def texts(self, ground: Ground, column: str) -> pa.ChunkedArray:
        """The texts that heuristics read, (n,): of one column, or of all that say something."""
        return pa.chunked_array([self._read(ground, part, column) for part in ground.parts], pa.string())

    def _read(self, ground: Ground, part: tuple[str, Numbers], column: str) -> pa.Array:
        view, (name, rows) = ground.view, part
        if column and column not in view.columns:
            raise UnknownName("column", column, view.columns, view.name)
        columns = (column,) if column else ground.read
        key = (view.name, view.version, columns, name)
        with self._lock:
            if key not in self._texts:
                some = view.data.select(list(columns)).take(pa.array(rows))
                parts = [pc.fill_null(c, "") for c in some.columns]
                whole = pc.binary_join_element_wise(*parts, " ") if parts else pa.array([""] * len(rows))
                self._texts[key] = whole.combine_chunks() if isinstance(whole, pa.ChunkedArray) else whole
                while len(self._texts) > _TEXTS:
                    self._texts.popitem(last=False)
            return self._texts[key]

    def _remembered(self, ground: Ground, part: tuple[str, Numbers], rule: Rule, seconds: float) -> Numbers:
        columns = (rule.column,) if rule.column else ground.read
        what = (rule.kind, columns, rule.pattern, rule.words, tuple(rule.names.items()), rule.sure)
        key = (ground.view.name, ground.view.version, part[0], *what)
        with self._lock:
            found = self._votes.get(key)
        if found is None:
            found = _asked(self._read(ground, part, rule.column), rule, seconds)
            with self._lock:
                self._votes[key] = found
                while len(self._votes) > _KEPT:
                    self._votes.popitem(last=False)
        return found

    def _write(self, rules: tuple[Rule, ...]) -> None:
        before = self.path.read_text(encoding="utf-8") if self.path.is_file() else ""
        with replace_file(self.path) as beside:
            beside.write_text(rewritten(before, rules), encoding="utf-8")


def _asked(texts: pa.Array, rule: Rule, seconds: float) -> Numbers:
    if rule.kind == "names":
        return _by_names(rule, texts)
    found = heuristic_of(rule, seconds).found(texts)
    return np.where(found, 0, -1).astype(np.int16)


def heuristic_of(rule: Rule, seconds: float = SECONDS) -> ByPattern | ByWords:
    """A pattern or a list of words, ready to be asked."""
    if rule.kind == "pattern":
        return ByPattern(rule.name, rule.pattern, rule.gives, seconds)
    return ByWords(rule.name, rule.words, rule.gives, seconds)


def _by_names(rule: Rule, texts: pa.Array) -> Numbers:
    """A model that needs no labels: texts compared with the names of the classes, or with what is said of them."""
    from dovetail.serve.nearest import ENCODER
    from dovetail.tasks.classify import Classifier

    model = Classifier.from_names(dict(rule.names), encoder=ENCODER)
    order = [model.classes.index(name) for name in rule.names]
    parts = []
    for at in range(0, len(texts), 5_000):
        p = model.predict_proba(texts.slice(at, 5_000).to_pylist())[:, order]
        parts.append(np.where(p.max(axis=1) >= rule.sure, p.argmax(axis=1), -1))
    return np.concatenate(parts).astype(np.int16) if parts else np.zeros(0, np.int16)


def _called(name: str, function: Callable[[str], str | None], texts: list[str]) -> list[str | None]:
    """What a Python function says; the classes are whatever it names."""
    said = [function(text) for text in texts]
    odd = next((one for one in said if one is not None and not isinstance(one, str)), None)
    if odd is not None:
        raise InputError(f"the function {name} gave {odd!r}; it gives the name of a class, or None")
    return said


def _looked(ground: Ground, rules: tuple[Rule, ...], votes: Numbers, faults: Mapping[str, str]) -> Looked:
    on = [n for n, r in enumerate(rules) if r.on]
    if len(ground.classes) < 2 or not on:
        return Looked(ground, rules, votes, _alone(rules, votes, ground), None, faults)
    names = [r.name for r in rules]
    joined = join(votes[:, on], ground.classes, names=[names[n] for n in on], label=ground.hand)
    scored = {on[n]: score for n, score in enumerate(joined.scores)}
    spare = _alone(rules, votes, ground)
    return Looked(ground, rules, votes, tuple(scored.get(n, spare[n]) for n in range(len(rules))), joined, faults)


def _alone(rules: Sequence[Rule], votes: Numbers, ground: Ground) -> tuple[HeuristicScore, ...]:
    """What can be said of rules that are off, or before there are two classes: no trust, all else."""
    on = [n for n, r in enumerate(rules) if r.on]
    found = []
    for n, rule in enumerate(rules):
        mine, others = votes[:, n], votes[:, [m for m in on if m != n]]
        spoke, checked = mine >= 0, (mine >= 0) & (ground.hand >= 0)
        other = spoke & (others >= 0).any(axis=1)
        against = spoke & ((others >= 0) & (others != mine[:, None])).any(axis=1)
        share = 1 / max(len(mine), 1)
        right = int((mine[checked] == ground.hand[checked]).sum())
        covers, overlaps, differs = (float(x.sum() * share) for x in (spoke, other, against))
        rows = int(spoke.sum())
        found.append(
            HeuristicScore(rule.name, covers, overlaps, differs, float("nan"), right, int(checked.sum()), rows)
        )
    return tuple(found)


def _said_by_people(store: LabelStore, view: View) -> tuple[set[int], dict[int, str]]:
    """The rows of which any person spoke, and the class of those that people gave one class."""
    spoken: set[int] = set()
    said = {}
    for task in dict.fromkeys(("", view.name)):
        people = [e for e in store.current(Wanted(shape="class", task=task)) if e.by_person]
        spoken |= {row for e in people if (row := view.place(*e.label.rows[0])) is not None}
        for label in settled(people):
            row = view.place(*label.rows[0])
            if row is not None and isinstance(label.value, tuple) and len(label.value) == 1:
                said[row] = label.value[0]
    return spoken, said


def _wanted(table: str) -> Wanted:
    return Wanted("class", table, HEURISTICS)
