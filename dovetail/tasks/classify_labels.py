"""Labels as people give them, made into classes: one a text, several, or a path through a hierarchy."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError, UnknownName

STEP = " > "  # between the levels of a hierarchy
_MOST_CLASSES = 20_000
_WHOLE = re.compile(r"-?\d+\.0")  # a whole number as a class, from a column with gaps


@dataclass(frozen=True)
class Targets:
    """What each text shall be called.

    `kind` is `one` (a class a text), `many` (any number) or `tree` (a path `A > B > C`, of which the last step is the
    class). A row of `matrix` that adds up to nothing has no label.
    """

    kind: str
    classes: tuple[str, ...]  # sorted
    matrix: npt.NDArray[np.float32]  # (n, c) of 0 and 1
    notes: tuple[str, ...] = field(default=())

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Which rows have a label, (n,). Where a text may have several labels, none is one of the answers."""
        if self.kind == "many":
            return np.ones(len(self.matrix), np.bool_)
        return np.asarray(self.matrix.any(axis=1), np.bool_)

    @property
    def codes(self) -> npt.NDArray[np.int64]:
        """The class of each row as its place in `classes`, (n,); -1 without one. The first, where there are several."""
        return np.where(self.matrix.any(axis=1), self.matrix.argmax(axis=1), -1)

    def rows(self, chosen: npt.NDArray[Any]) -> Targets:
        """The same for some of the rows."""
        return Targets(self.kind, self.classes, self.matrix[chosen], self.notes)


def targets_of(labels: Sequence[Any], kind: str = "auto", known: Sequence[str] | None = None) -> Targets:
    """Classes from labels (n,): text, numbers, or lists of either; None or blank is no label.

    Spellings that differ in case or blanks are one class, called as most rows call it, and a note says so. With `known`
    only those classes exist, and another one is an error that names the near ones. Where they hold `4.0`, as models of
    older versions do, a 4 is that class.
    """
    listed, several = [_listed(label) for label in labels], any(_is_list(label) for label in labels)
    counts = Counter(name for names in listed for name in names)
    spelling, notes = _spellings(counts, known)
    classes = tuple(sorted(set(spelling.values()))) if known is None else tuple(known)
    if len(classes) > _MOST_CLASSES:
        raise InputError(
            f"the labels are {len(classes):,} different values; is it the right column? A class is shared by many rows"
        )
    place = {name: i for i, name in enumerate(classes)}
    matrix = np.zeros((len(listed), len(classes)), np.float32)
    for row, names in enumerate(listed):
        for name in names:
            matrix[row, place[spelling[name]]] = 1
    return Targets(_kind(kind, several, classes), classes, matrix, tuple(notes))


def whole_numbers(known: Sequence[str]) -> dict[str, str]:
    """From 4 to the class 4.0, for each such class."""
    return {k[:-2]: k for k in known if _WHOLE.fullmatch(k) and k[:-2] not in known}


def check_enough(targets: Targets) -> tuple[str, ...]:
    """Notes about thin classes; raises `InputError` where there is nothing to learn from."""
    sizes = targets.matrix.sum(axis=0)
    if len(targets.classes) < 2 and targets.kind != "many":
        said = f"all labels say {targets.classes[0]!r}" if targets.classes else "there is no label"
        raise InputError(f"{said}; a classifier needs at least two classes to learn the difference")
    if not sizes.any():
        raise InputError("there is no label in any row; name the column that holds them")
    lonely = [c for c, size in zip(targets.classes, sizes.tolist(), strict=True) if size == 1]
    if not lonely:
        return ()
    shown = ", ".join(repr(c) for c in lonely[:5]) + (" and more" if len(lonely) > 5 else "")
    verb = "class has" if len(lonely) == 1 else "classes have"
    return (f"{len(lonely)} {verb} one example only ({shown}): learnt from, but never measured",)


def levels_of(classes: Sequence[str]) -> list[list[str]]:
    """The path of each class at every depth: `A > B` gives ["A", "A > B"]; the last step repeats where paths end."""
    deepest = max((len(c.split(STEP)) for c in classes), default=1)
    found = []
    for name in classes:
        steps = name.split(STEP)
        paths = [STEP.join(steps[: i + 1]) for i in range(len(steps))]
        found.append(paths + [paths[-1]] * (deepest - len(paths)))
    return found


def _kind(asked: str, several: bool, classes: Sequence[str]) -> str:
    if asked not in ("auto", "one", "many", "tree"):
        raise UnknownName("kind of labels", asked, ("auto", "one", "many", "tree"))
    if several and asked in ("one", "tree"):
        raise InputError(f"kind is {asked!r}, and a text has a list of labels; use kind='many'")
    if asked != "auto":
        return asked
    if several:
        return "many"
    return "tree" if classes and sum(STEP in c for c in classes) > len(classes) / 2 else "one"


def _is_list(label: Any) -> bool:
    return isinstance(label, list | tuple | set | frozenset | np.ndarray)


def _listed(label: Any) -> list[str]:
    if _is_list(label):
        return [name for one in label for name in _listed(one)]
    if label is None or label != label:  # only what is no number differs from itself
        return []
    if isinstance(label, float | np.floating) and float(label).is_integer():
        label = int(label)  # a column of numbers with a gap holds 4.0 where 4 was meant
    text = " ".join(unicodedata.normalize("NFC", str(label)).split())
    return [text] if text else []


def _spellings(counts: Counter[str], known: Sequence[str] | None) -> tuple[dict[str, str], list[str]]:
    """Which name each spelling stands for, and what was merged."""
    groups: dict[str, list[str]] = {}
    for name in sorted(counts, key=lambda n: (-counts[n], n)):
        groups.setdefault(name.casefold(), []).append(name)
    if known is not None:
        folded = whole_numbers(known) | {k.casefold(): k for k in known} | {k: k for k in known}
        for name in counts:
            if name not in folded and name.casefold() not in folded:
                raise UnknownName("class", name, known)
        return {n: folded.get(n) or folded[n.casefold()] for n in counts}, []
    notes = [
        f"{', '.join(repr(n) for n in names[1:])} ({sum(counts[n] for n in names[1:]):,} rows) counted as {names[0]!r}"
        for names in groups.values()
        if len(names) > 1
    ]
    return {n: names[0] for names in groups.values() for n in names}, notes
