"""What a killed run needs to go on, in one file: tensors, and facts about them."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dovetail.tables.atomic import replace_file

if TYPE_CHECKING:
    from torch import Tensor

    from dovetail.training.settings import TuneSettings

FORMAT = 2


def recipe_of(settings: TuneSettings, *data: Any) -> str:
    """A name for settings and data: arrays, or what JSON can say.

    The minutes are left out: what is left of them differs from start to start, and does not change what is learnt.
    """
    found = hashlib.blake2b(repr(replace(settings, minutes=None)).encode(), digest_size=16)
    for one in data:
        found.update(one.tobytes() if hasattr(one, "tobytes") else json.dumps(one, sort_keys=True).encode())
        found.update(b"\x1e")
    return found.hexdigest()


class Checkpoint:
    """One file in a folder, replaced whole. `recipe` names settings and data (`recipe_of`): another one starts anew."""

    def __init__(self, folder: str | Path, recipe: str = "") -> None:
        self.folder = Path(folder)
        self.recipe = recipe

    @property
    def _file(self) -> Path:
        return self.folder / "checkpoint.safetensors"

    def save(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Write all of it, whole or not at all; facts are what JSON can say."""
        from safetensors.torch import save

        note = {"format": str(FORMAT), "recipe": self.recipe, "facts": json.dumps(facts)}
        kept = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
        self.folder.mkdir(parents=True, exist_ok=True)
        with replace_file(self._file) as beside:
            beside.write_bytes(save(kept, metadata=note))

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """What was saved under the same recipe; None where there is nothing, or nothing that can be read."""
        from safetensors import SafetensorError
        from safetensors.torch import load

        if not self._file.is_file():
            return None
        data = self._file.read_bytes()
        try:
            note = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
            if note["format"] != str(FORMAT) or note["recipe"] != self.recipe:
                return None
            return load(data), json.loads(note["facts"])
        except (ValueError, KeyError, SafetensorError):
            return None

    def clear(self) -> None:
        """Remove the file, and the folder with it where nothing else is in it: the run has ended well."""
        self._file.unlink(missing_ok=True)
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            shutil.rmtree(self.folder)
