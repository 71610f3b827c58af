"""Everything a person can type stands in the documents: commands, options, settings, families, benchmarks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from bench.__main__ import BENCHES
from dovetail.cli.main import app
from dovetail.integrate.cluster import CLUSTERERS
from dovetail.integrate.fuse_rules import FUSERS
from dovetail.integrate.settings import IntegrateSettings
from dovetail.types import Kind

DOCS = Path(__file__).resolve().parent.parent / "docs"


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def commands(group: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by all its words: `integrate`, `fit match`."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{above}{name} ")
        else:
            yield f"{above}{name}", command


def options() -> Iterator[tuple[str, str]]:
    """Every option of every command as the console knows it."""
    for name, command in commands(typer.main.get_command(app)):
        for parameter in command.params:
            for option in (*parameter.opts, *parameter.secondary_opts):
                if option.startswith("--"):
                    yield name, option


def section(command: str) -> str:
    found = re.search(rf"^## `dovetail {command}\b.*?(?=^## |\Z)", page("cli"), re.MULTILINE | re.DOTALL)
    assert found, f"docs/cli.md has no section for dovetail {command}"
    return found[0]


def test_there_are_options() -> None:
    assert len(list(options())) > 30


@pytest.mark.parametrize(("command", "option"), list(options()))
def test_every_option_is_documented(command: str, option: str) -> None:
    assert f"`{option}`" in section(command), f"docs/cli.md does not explain {option} of dovetail {command}"


@pytest.mark.parametrize("command", sorted({c for c, _ in options()}))
def test_no_option_is_documented_that_does_not_exist(command: str) -> None:
    known = {option for name, option in options() if name == command}
    assert set(re.findall(r"`(--[a-z-]+)`", section(command))) <= known


@pytest.mark.parametrize("setting", IntegrateSettings.model_fields)
def test_every_setting_is_documented(setting: str) -> None:
    assert f"`{setting}`" in page("library")


@pytest.mark.parametrize("clusterer", CLUSTERERS)
def test_every_clusterer_is_documented(clusterer: str) -> None:
    assert f"`{clusterer}`" in page("integrate")


@pytest.mark.parametrize("rule", FUSERS)
def test_every_rule_of_fusion_is_documented(rule: str) -> None:
    assert f"`{rule}`" in page("integrate")


@pytest.mark.parametrize("kind", [k for k in Kind if k is not Kind.EMPTY])
def test_every_kind_is_documented(kind: Kind) -> None:
    assert str(kind) in page("tables")


@pytest.mark.parametrize("name", BENCHES)
def test_every_benchmark_is_documented_and_exists(name: str) -> None:
    assert f"`{name}`" in page("benchmarks")
    module, function = BENCHES[name].split(":")
    assert callable(getattr(import_module(module), function))


def test_every_exit_code_is_documented() -> None:
    import dovetail.errors as errors

    codes = {e.exit_code for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.DovetailError)}
    for code in codes:
        assert re.search(rf"^\| {code} \|", page("cli"), re.MULTILINE)


@pytest.mark.parametrize("command", sorted({c for c, _ in options()}))
def test_every_command_explains_itself(command: str) -> None:
    from typer.testing import CliRunner

    shown = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    for name, option in options():
        if name == command:
            assert option in shown.output
