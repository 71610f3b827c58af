"""Puts the built page of the workbench (web/dist, made by `make web`) into the wheel, where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebHook(BuildHookInterface):  # type: ignore[type-arg]
    """web/dist -> dovetail/data/web. An editable install reads web/dist where it lies."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the folder; without it the package works, and its server says that the page is missing."""
        built = Path(self.root) / "web" / "dist"
        if version != "editable" and (built / "index.html").is_file():
            build_data["force_include"][str(built)] = "dovetail/data/web"
