"""What a killed run needs to go on, in one file: tensors, and facts about them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dovetail.tables.atomic import replace_file

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 2


class Checkpoint:
    """One file in a folder, replaced whole. `recipe` names settings and data: another recipe starts anew."""

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
