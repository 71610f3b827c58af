"""The build hook: the page goes into the wheel where it was built, and nothing breaks where it was not."""

from __future__ import annotations

import json
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(p for p in (ROOT / "web" / "src").rglob("*") if p.suffix in (".ts", ".tsx", ".css"))


def added(root: Path, version: str) -> dict[str, str]:
    spec = spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    data: dict[str, Any] = {"force_include": {}}
    module.WebHook(str(root), {}, None, None, "", "wheel").initialize(version, data)
    return data["force_include"]


def test_a_built_page_goes_into_the_wheel(tmp_path: Path) -> None:
    (tmp_path / "web" / "dist").mkdir(parents=True)
    (tmp_path / "web" / "dist" / "index.html").write_text("<!doctype html>", encoding="utf-8")
    assert added(tmp_path, "standard") == {str(tmp_path / "web" / "dist"): "dovetail/data/web"}


def test_an_editable_install_reads_it_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "web" / "dist").mkdir(parents=True)
    (tmp_path / "web" / "dist" / "index.html").write_text("<!doctype html>", encoding="utf-8")
    assert added(tmp_path, "editable") == {}


def test_without_a_page_the_wheel_is_built_all_the_same(tmp_path: Path) -> None:
    assert added(tmp_path, "standard") == {}


def test_the_client_is_typed_from_the_document_of_the_server() -> None:
    pytest.importorskip("fastapi")
    from dovetail.serve.openapi import document

    kept = json.loads((ROOT / "web" / "openapi.json").read_text(encoding="utf-8"))
    again = "run python -m dovetail.serve.openapi > web/openapi.json, then make web"
    assert kept == json.loads(document()), again


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_of_the_page_stay_small(path: Path) -> None:
    if path.name != "schema.d.ts":
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= (800 if path.name.startswith("texts.") else 400)
        assert not re.search(r"https?://(?!www\.w3\.org)", text), "the page reaches nothing but its own server"
        assert "dangerouslySetInnerHTML" not in text
        assert "innerHTML" not in text
