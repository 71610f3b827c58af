"""What a killed run needs to go on: weights, optimizer, averages, random state and the step."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dovetail.tables.atomic import replace_file

if TYPE_CHECKING:
    import torch

FORMAT = 1


class Checkpoint:
    """One file in a folder, replaced whole. `recipe` names settings and data: another recipe starts anew."""

    def __init__(self, folder: str | Path, recipe: str = "") -> None:
        self.folder = Path(folder)
        self.recipe = recipe

    @property
    def _file(self) -> Path:
        return self.folder / "checkpoint.safetensors"

    def save(self, model: torch.nn.Module, optimizer: Any, average: list[torch.Tensor], step: int) -> None:
        """Write all of it, whole or not at all."""
        import torch
        from safetensors.torch import save

        self.folder.mkdir(parents=True, exist_ok=True)
        kept = {f"model.{k}": v.contiguous() for k, v in model.state_dict().items()}
        kept |= {f"average.{i}": v for i, v in enumerate(average)}
        for number, state in optimizer.state_dict()["state"].items():
            kept |= {f"optimizer.{number}.{k}": torch.as_tensor(v).contiguous() for k, v in state.items()}
        kept["random"] = torch.get_rng_state()
        note = {"format": str(FORMAT), "recipe": self.recipe, "step": str(step)}
        with replace_file(self._file) as beside:
            beside.write_bytes(save({k: v.clone() for k, v in kept.items()}, metadata=note))

    def resume(self, model: torch.nn.Module, optimizer: Any, average: list[torch.Tensor]) -> int:
        """Load what was saved under the same recipe; the step it stood at, or 0."""
        import torch
        from safetensors.torch import load

        note = self._note()
        if note.get("recipe") != self.recipe or note.get("format") != str(FORMAT):
            return 0
        kept = load(self._file.read_bytes())
        model.load_state_dict({k.removeprefix("model."): v for k, v in kept.items() if k.startswith("model.")})
        for i, mean in enumerate(average):
            mean.copy_(kept[f"average.{i}"])
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in kept.items():
            if name.startswith("optimizer."):
                _, number, part = name.split(".", 2)
                state.setdefault(int(number), {})[part] = value
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
        torch.set_rng_state(kept["random"])
        return int(note["step"])

    def clear(self) -> None:
        """Remove the folder: the run has ended well."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _note(self) -> dict[str, str]:
        if not self._file.is_file():
            return {}
        with self._file.open("rb") as file:
            head = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        return dict(head.get("__metadata__", {}))
