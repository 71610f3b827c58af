"""The page of the workbench: carried by packages that were built after it, and missed in plain words elsewhere."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from dovetail.serve import assets

ROOT = Path(__file__).resolve().parent.parent


class Told:
    """A builder that remembers what it was told to say."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def display_warning(self, sentence: str) -> None:
        """Remember."""
        self.warnings.append(sentence)


def built(root: Path, version: str) -> tuple[dict[str, Any], list[str]]:
    """What the hook adds to a package, and what it says."""
    pytest.importorskip("hatchling")
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    told, data = Told(), {"force_include": {}}
    hook = module.WebHook(str(root), {}, None, None, str(root), "wheel", told)
    hook.initialize(version, data)
    return data["force_include"], told.warnings


def test_a_package_carries_the_page_that_was_built(tmp_path: Path) -> None:
    (tmp_path / "web" / "dist").mkdir(parents=True)
    (tmp_path / "web" / "dist" / "index.html").write_text("<!doctype html>")
    assert built(tmp_path, "standard") == ({str(tmp_path / "web" / "dist"): "dovetail/data/web"}, [])
    assert built(tmp_path, "editable") == ({}, [])


def test_a_package_without_the_page_says_so_when_it_is_built(tmp_path: Path) -> None:
    carried, said = built(tmp_path, "standard")
    assert carried == {}
    assert len(said) == 1
    assert "make web" in said[0]
    assert built(tmp_path, "editable") == ({}, [])


def test_the_server_says_how_to_come_by_the_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(assets, "_PACKAGE", tmp_path / "dovetail")
    assert "Install one that brings it along" in assets.absent()
    (tmp_path / "web").mkdir()
    assert "This is a source checkout" in assets.absent()
