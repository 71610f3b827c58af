"""What is packaged: the data in the wheel, honest dependencies, pins for each."""

from __future__ import annotations

import re
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder
from test_house_imports import MODULES, imported

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(requirements: list[str]) -> set[str]:
    return {plain(re.split(r"[\[<>=~! ]", r)[0]) for r in requirements}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_core_needs_exactly_what_it_imports() -> None:
    roots = {name.split(".")[0] for path in MODULES.values() for name, _ in imported(path)}
    known = packages_distributions()
    used = {plain(known[r][0]) for r in roots - set(sys.stdlib_module_names) - {"dovetail"} if r in known}
    extras = names([r for group in PROJECT["optional-dependencies"].values() for r in group])
    declared = names(PROJECT["dependencies"])
    assert not declared - used, "declared, and imported nowhere"
    assert used - declared <= extras, "imported, and not declared"


def test_the_core_has_no_torch() -> None:
    assert not names(PROJECT["dependencies"]) & {"torch", "transformers", "sentence-transformers", "pandas", "polars"}


def test_every_dependency_of_core_and_development_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert pins["torch"] == "2.13.0"
    wanted = names(
        PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"] + PROJECT["optional-dependencies"]["train"]
    )
    assert wanted <= {plain(p) for p in pins}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_wheel_holds_the_learned_files_and_the_notices(tmp_path: Path) -> None:
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    for path in (ROOT / "dovetail" / "data").rglob("*"):
        if path.is_file():
            assert str(path.relative_to(ROOT)) in held
    assert "dovetail/py.typed" in held
    assert {n.rsplit("/", 1)[-1] for n in held} >= {"LICENSE", "NOTICE", "METADATA", "entry_points.txt"}
    assert not [n for n in held if n.split("/")[0] in ("tests", "bench", "scripts", "examples")]
