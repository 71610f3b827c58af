"""Dovetail fits tables together: it matches schemas and records, merges them, and explains every decision.

The public names are listed in `_PUBLIC` and loaded on first use, so that `import dovetail` stays quick.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from dovetail.version import __version__

_PUBLIC = {
    "Table": "dovetail.types",
    "Pairs": "dovetail.types",
    "DovetailError": "dovetail.errors",
    "read": "dovetail.tables.read",
    "read_pairs": "dovetail.tables.pairs",
    "write": "dovetail.tables.write",
    "profile": "dovetail.tables.profile",
    "clean": "dovetail.tables.clean",
    "normalise": "dovetail.tables.normalise",
    "Matcher": "dovetail.tasks.match_tables",
    "SchemaMatcher": "dovetail.tasks.schema",
    "Classifier": "dovetail.tasks.classify",
    "Searcher": "dovetail.tasks.search",
    "Embedder": "dovetail.tasks.embed",
    "integrate": "dovetail.jobs.merge",
    "dedupe": "dovetail.jobs.merge",
    "open_workspace": "dovetail.workspace",
}

__all__ = ["__version__", *_PUBLIC]  # noqa: PLE0604

if TYPE_CHECKING:
    from dovetail.errors import DovetailError as DovetailError
    from dovetail.types import Pairs as Pairs
    from dovetail.types import Table as Table


def __getattr__(name: str) -> object:
    try:
        module = _PUBLIC[name]
    except KeyError:
        raise AttributeError(f"module 'dovetail' has no attribute {name!r}") from None
    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """Keeps a verb reachable where a folder has its name: importing `dovetail.integrate.…` must not hide it."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _PUBLIC and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
