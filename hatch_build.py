"""Puts the built page of the workbench (web/dist, made by `make web`) into the wheel, where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_MISSING = (
    "web/dist is not there, so this package comes without the page of the workbench (dovetail label). "
    "Type `make web` (Node 20 or newer), then build again."
)


class WebHook(BuildHookInterface):  # type: ignore[type-arg]
    """web/dist -> dovetail/data/web. An editable install reads web/dist where it lies."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the folder; without it the package works, and this build and its server say that the page is missing."""
        built = Path(self.root) / "web" / "dist"
        if version == "editable":
            return
        if (built / "index.html").is_file():
            build_data["force_include"][str(built)] = "dovetail/data/web"
        else:
            self.app.display_warning(_MISSING)
