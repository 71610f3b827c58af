"""A bare model folder, as `dovetail fit … --out` writes it, served by itself: a workspace that holds nothing else."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dovetail.serve.models import FOLDER, add_version
from dovetail.tasks.base import NOTE, task_of
from dovetail.workspace import open_workspace

_ODD = re.compile(r"[^a-z0-9_\-]+")


def is_model(folder: Path) -> bool:
    """Whether a folder holds a trained model rather than a workspace."""
    return (folder / NOTE).is_file()


@contextlib.contextmanager
def around(folder: Path) -> Iterator[Path]:
    """A workspace with this model in use, which is gone at the end; the model itself is not touched."""
    task = task_of(folder)
    with tempfile.TemporaryDirectory(prefix="dovetail-serve-") as place:
        home = Path(place) / name_of(folder)
        open_workspace(home)
        models = home / FOLDER / name_of(folder)
        models.mkdir(parents=True)
        (models / "v0001").symlink_to(folder.resolve(), target_is_directory=True)
        made = dt.datetime.fromtimestamp((folder / NOTE).stat().st_mtime, dt.UTC).isoformat(timespec="seconds")
        facts: dict[str, Any] = {
            "labels": 0,
            "quality": None,
            "figures": {},
            "settings": {},
            "summary": f"the model in {folder}",
        }
        add_version(home, models.name, task, {"version": 1, "made": made, **facts})
        yield home


def name_of(folder: Path) -> str:
    """What the model is called in addresses: the name of its folder in small letters."""
    plain = _ODD.sub("-", folder.resolve().name.lower()).strip("-_")
    return plain[:60] or "model"
