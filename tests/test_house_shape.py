"""Files, functions and parameter lists stay small; families resolve; examples in docstrings run."""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Iterator
from importlib import import_module, resources
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(p for room in ("dovetail", "bench", "scripts") for p in (ROOT / room).rglob("*.py"))
MOST_LINES, MOST_STATEMENTS, MOST_PARAMETERS = 400, 50, 6
# The console's commands take one parameter an option; everything else says why here.
MANY_PARAMETERS = {
    "dovetail/cli/main.py": "one parameter an option",
    "dovetail/cli/fit_": "one parameter an option",
    "dovetail/cli/ask.py": "one parameter an option",
    "dovetail/cli/heuristics.py": "one parameter an option",
    "dovetail/cli/serve.py": "one parameter an option",
    "dovetail/cli/merge.py": "hands the options of two commands on",
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[Function]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    yield from (node for node in ast.walk(tree) if isinstance(node, Function))


def statements(function: Function) -> int:
    return sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1


def parameters(function: Function) -> list[str]:
    given = function.args
    names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return [n for n in names if n not in ("self", "cls")]


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_and_functions_stay_small(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= MOST_LINES, f"{name_of(path)} has {lines} lines"
    for function in functions(path):
        place = f"{name_of(path)}:{function.lineno} {function.name}"
        assert statements(function) <= MOST_STATEMENTS, f"{place} has {statements(function)} statements"
        if not name_of(path).startswith(tuple(MANY_PARAMETERS)) and not function.name.startswith("_"):
            assert len(parameters(function)) <= MOST_PARAMETERS, f"{place} takes {parameters(function)}"


@pytest.mark.parametrize("path", [p for p in SOURCES if p.parts[len(ROOT.parts)] == "dovetail"], ids=name_of)
def test_no_catch_all_and_no_swallowing(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    bare = [n.lineno for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler) and n.type is None]
    assert not bare, f"{name_of(path)}: bare except in lines {bare}"


def families() -> Iterator[tuple[str, str, str]]:
    """Every member of every family: a module-level dict in capitals whose values are `module:attribute`."""
    for path in sorted((ROOT / "dovetail").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
            if isinstance(target, ast.Name) and isinstance(getattr(node, "value", None), ast.Dict):
                for key, value in zip(node.value.keys, node.value.values, strict=True):  # type: ignore[union-attr]
                    if isinstance(value, ast.Constant) and re.fullmatch(r"dovetail[\w.]+:\w+", str(value.value)):
                        assert isinstance(key, ast.Constant)
                        yield target.id, str(key.value), str(value.value)


MEMBERS = list(families())


def test_families_are_found() -> None:
    assert "ENCODERS" in {family for family, _, _ in MEMBERS}


@pytest.mark.parametrize(("family", "member", "place"), MEMBERS, ids=lambda v: v if ":" not in v else "")
def test_family_member_resolves(family: str, member: str, place: str) -> None:
    module, attribute = place.split(":")
    try:
        found = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] == "dovetail":
            raise
        pytest.skip(f"{family} {member} needs {error.name}, which is an extra")
    assert callable(found)
    assert found.__doc__, f"{place} of {family} has no docstring"


MODULES_WITH_EXAMPLES = [p for p in SOURCES if ">>> " in p.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", MODULES_WITH_EXAMPLES, ids=name_of)
def test_docstring_examples_run(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    failed, tried = doctest.testmod(import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert tried > 0
    assert failed == 0


def test_the_encoder_ships() -> None:
    folder = resources.files("dovetail") / "data" / "static_encoder"
    assert sum(len(f.read_bytes()) for f in folder.iterdir() if f.is_file()) < 8_500_000
