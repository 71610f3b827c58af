"""Imports point down: the order of the rooms, and no cycle inside one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "dovetail"

LAYERS = (
    ("errors", "types", "version"),
    ("tables", "measure", "labels", "vectors"),
    ("encoders",),
    ("training",),
    ("tasks",),
    ("integrate", "explain"),
    ("reports",),
    ("workspace",),
    ("jobs",),
    ("scale",),
    ("serve", "cli"),
)
HEIGHT = {room: height for height, layer in enumerate(LAYERS) for room in layer}
_NEVER = {"pickle", "cPickle", "dill", "shelve", "marshal", "joblib", "cloudpickle", "igraph", "snorkel"}
_VAGUE = {"utils", "util", "helpers", "helper", "common", "core", "misc", "tools"}


def modules() -> dict[str, Path]:
    """Every module of the package by dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a file imports, at any depth and under any condition, with the line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno} imports relatively; write the full name"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield (full if full in MODULES else str(node.module)), node.lineno


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("module", [m for m in MODULES if m != "dovetail"])
def test_imports_point_down(module: str) -> None:
    assert room(module) in HEIGHT, f"{module} stands in no known room; add it to LAYERS and docs/architecture.md"
    for name, line in imported(MODULES[module]):
        if name.split(".")[0] != "dovetail" or room(name) == room(module):
            continue
        place = f"{MODULES[module].relative_to(PACKAGE.parent)}:{line}"
        assert room(name), f"{place} imports the package itself; import the module that holds the name"
        assert HEIGHT[room(name)] < HEIGHT[room(module)], f"{place}: {module} must not import {name}"


@pytest.mark.parametrize("name", sorted({room(m) for m in MODULES} - {""}))
def test_a_room_has_no_cycle(name: str) -> None:
    inside = [m for m in MODULES if room(m) == name]
    graph = {m: {n for n, _ in imported(MODULES[m]) if room(n) == name and n != m} for m in inside}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"these modules import one another in a circle: {' → '.join(error.args[1])}")


@pytest.mark.parametrize("module", MODULES)
def test_nothing_forbidden_is_imported(module: str) -> None:
    roots = {name.split(".")[0] for name, _ in imported(MODULES[module])}
    assert not roots & _NEVER, f"{module} imports {sorted(roots & _NEVER)}"


def test_no_vague_names_and_two_levels() -> None:
    for module, path in MODULES.items():
        assert not set(module.split(".")) & _VAGUE, f"{module}: say what it is about instead"
        assert len(path.relative_to(PACKAGE).parts) <= 2, f"{module} lies more than two levels deep"


def test_relative_order_of_doc_and_test() -> None:
    page = PACKAGE.parent / "docs" / "architecture.md"
    order = "errors types version → tables measure labels vectors → encoders → training → tasks"
    assert order in " ".join(page.read_text(encoding="utf-8").split())
