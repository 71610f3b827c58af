"""Names of classes that differ only in spelling: found, counted, and made one when a person says so."""

from __future__ import annotations

import unicodedata
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from dovetail.errors import InputError
from dovetail.labels.said import Answer, Event, Said
from dovetail.labels.store import LabelStore, Wanted

KEY = "rename-"  # how the keys of labels begin that a renaming wrote


@dataclass(frozen=True)
class Alike:
    """Names of one question (`task`) that differ only in case, blanks or Unicode form, and how often each was said."""

    task: str
    names: tuple[tuple[str, int], ...]  # the most frequent first; 0 for one that only a heuristic gives

    def in_words(self) -> str:
        """Which they are. Blanks and letters that look the same are told apart."""
        shown = ", ".join(f"{name!r} ({number:,})" for name, number in self.names)
        plain = len({name for name, _ in self.names}) == len({_drawn(name) for name, _ in self.names})
        how = "" if plain else ", which look the same and are written with different Unicode signs"
        about = f" of {self.task}" if self.task else ""
        return f"the classes{about} {shown} differ only in spelling{how}, and count as different ones"


def folded(name: str) -> str:
    """A name without what spelling alone makes of it: case, blanks, invisible signs, Unicode forms."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return " ".join("".join(c for c in plain if unicodedata.category(c) != "Cf").split())


def alike(events: Iterable[Event], given: Mapping[str, Sequence[str]] | None = None) -> list[Alike]:
    """The names that differ only in spelling, in what counts now and in what heuristics of a task may give."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for event in events:
        if event.label.shape == "class" and isinstance(event.label.value, tuple):
            counts[event.label.task].update(event.label.value)
    for task, names in (given or {}).items():
        counts[task].update(dict.fromkeys(names, 0))
    return [found for task, said in sorted(counts.items()) for found in _alike(task, said)]


def rename(store: LabelStore, new: str, old: Sequence[str], wanted: Wanted) -> list[Event]:
    """Say again every label that counts and names one of `old`, with the name `new`: of the same person and session.

    What was said stays in the history; `undo_rename` brings it back. An empty name raises `InputError`.
    """
    if not new.strip():
        raise InputError("the new name is empty; give a class a name")
    mark = f"{KEY}{uuid.uuid4().hex}"
    said = []
    for event in store.current(replace(wanted, shape="class")):
        value = event.label.value
        if isinstance(value, tuple) and set(value) & set(old):
            names = tuple(dict.fromkeys(new if name in old else name for name in value))
            key = f"{mark}-{event.id}"
            answer = Answer(replace(event.label, value=names), event.suggestion, key, gold=event.gold)
            said.append(Said(answer, event.person, event.session))
    return store.take(said)


def undo_rename(store: LabelStore) -> int:
    """Take back the last renaming that counts; gives how many labels have their former names again, 0 for none."""
    found: dict[str, list[Event]] = {}
    gone = set()
    for event in store.history():
        if event.undoes is not None:
            gone.add(event.undoes)
        elif event.key.startswith(KEY):
            found.setdefault(event.key.rpartition("-")[0], []).append(event)
    live = [[e for e in events if e.id not in gone] for events in found.values()]
    last = next((events for events in reversed(live) if events), [])
    return store.undo_all(last)


def _alike(task: str, counts: Counter[str]) -> list[Alike]:
    groups: dict[str, list[str]] = {}
    for name in sorted(counts, key=lambda n: (-counts[n], n)):
        groups.setdefault(folded(name), []).append(name)
    return [Alike(task, tuple((n, counts[n]) for n in names)) for names in groups.values() if len(names) > 1]


def _drawn(name: str) -> str:
    return unicodedata.normalize("NFC", "".join(c for c in name if unicodedata.category(c) != "Cf"))
