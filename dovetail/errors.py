"""What can go wrong, as a person meets it.

    DovetailError
    ├── InputError          a file, table, value or argument that cannot be used
    │   ├── UnknownName     a column, option, id or family member that does not exist (names the near ones)
    │   └── BadRows         rows that could not be read, under `strict`
    ├── BudgetError         a promise (memory, pairs, recall) that cannot be kept
    ├── MissingExtra        a verb that needs an optional package, with the command that installs it
    └── WorkspaceError      a folder on disk that is broken, foreign, newer, or in use

Every message says what happened, what was expected, and how to mend it, with the user's own names in it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any


class DovetailError(Exception):
    """The root of all errors that Dovetail raises on purpose."""

    exit_code = 1


class InputError(DovetailError):
    """A file, table, value or argument that cannot be used as it is."""

    exit_code = 2


class UnknownName(InputError):
    """A name that does not exist.

    `what` says what kind of thing was named ("column"), `known` lists the names that exist.
    """

    def __init__(self, what: str, name: str, known: Iterable[str], where: str = "") -> None:
        self.what, self.name, self.known = what, name, tuple(known)
        near = difflib.get_close_matches(name.casefold(), [k.casefold() for k in self.known], n=3, cutoff=0.5)
        shown = [k for k in self.known if k.casefold() in near] or list(self.known[:12])
        place = f" in {where}" if where else ""
        if not self.known:
            hint = f"there is no {what} at all{place}"
        elif near:
            hint = "did you mean " + " or ".join(repr(k) for k in shown) + "?"
        else:
            more = f" and {len(self.known) - 12} more" if len(self.known) > 12 else ""
            hint = "known: " + ", ".join(repr(k) for k in shown) + more
        super().__init__(f"no {what} {name!r}{place}; {hint}")


class BadRows(InputError):
    """Rows that could not be read, raised instead of setting them aside when `strict` was asked for."""

    exit_code = 3


class BudgetError(DovetailError):
    """A promise that cannot be kept: says which one, what it would take, and what would be possible."""

    exit_code = 4


class MissingExtra(DovetailError):
    """A verb that needs an optional package."""

    exit_code = 5

    def __init__(self, verb: str, extra: str) -> None:
        super().__init__(
            f"{verb} needs the extra [{extra}], which is not installed; type: pip install 'dovetail[{extra}]'"
        )


class WorkspaceError(DovetailError):
    """A workspace folder that is broken, written by a newer version, foreign, or in use by another process."""

    exit_code = 6


def faults_in_words(faults: Iterable[Mapping[str, Any]]) -> str:
    """What pydantic found wrong with settings, as one sentence: each field that does not fit, and why."""
    lines = []
    for fault in faults:
        place = ".".join(str(p) for p in fault["loc"])
        said = fault["msg"].removeprefix("Value error, ")
        given = "" if fault["type"] in ("value_error", "extra_forbidden") else f" (given: {fault['input']!r})"
        lines.append(f"setting {place}: {said}{given}" if place else said)
    return "; ".join(lines)
