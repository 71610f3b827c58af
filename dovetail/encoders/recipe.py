"""What a model folder says about itself: how token states become one vector, how much is read, what is put before.

sentence-transformers writes a chain of modules into `modules.json`; a plain Hugging Face folder has none and is read as
the mean of its token states.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dovetail.errors import InputError

if TYPE_CHECKING:
    import torch

_LEGACY = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_LONGEST = 512  # tokens, where the folder names no smaller number
_KNOWN = ("Transformer", "Pooling", "Normalize")


@dataclass(frozen=True)
class Recipe:
    """How a folder's network is used.

    `network` is the folder of configuration, weights and tokenizer; `pooling` names the ways of pooling whose results
    stand side by side; `hidden` is the width of a token state; `prompt` is put before every text.
    """

    network: Path
    pooling: tuple[str, ...] = ("mean",)
    max_tokens: int = 256
    hidden: int = 0
    prompt: str = ""
    lower: bool = False

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return self.hidden * len(self.pooling)

    @property
    def mark(self) -> str:
        """What a fingerprint has to say beside weights and length; nothing for plain means."""
        said = "" if self.pooling == ("mean",) else "+".join(self.pooling)
        return said + (f"|{self.prompt}" if self.prompt else "") + ("|lower" if self.lower else "")


def recipe_of(folder: Path) -> Recipe:
    """Read the recipe of a model folder; a module that cannot be followed raises InputError."""
    modules = _json(folder / "modules.json", [])
    kinds = [str(m.get("type", "")).rsplit(".", 1)[-1] for m in modules]
    if unknown := [k for k in kinds if k not in _KNOWN]:
        raise InputError(
            f"{folder} adds {', '.join(unknown)} to its network; an encoder here is a transformer with pooling: "
            "choose another model, or save this one without the added modules"
        )
    places = {kind: folder / str(module.get("path", "")) for kind, module in zip(kinds, modules, strict=True)}
    network = places.get("Transformer", folder)
    config = _json(network / "config.json", None)
    if config is None:
        raise InputError(
            f"{folder} is no folder of a pre-trained model; expected config.json and model.safetensors in it"
        )
    hidden = config.get("hidden_size") or config.get("dim") or config.get("d_model")
    if not isinstance(hidden, int):
        raise InputError(f"{network / 'config.json'} does not say how wide the network is; expected `hidden_size`")
    sentence = _json(network / "sentence_bert_config.json", {})
    return Recipe(
        network,
        _pooling(places.get("Pooling")),
        _most(sentence.get("max_seq_length"), config.get("max_position_embeddings")),
        hidden,
        _prompt(_json(folder / "config_sentence_transformers.json", {})),
        bool(sentence.get("do_lower_case")),
    )


def pooled(states: torch.Tensor, mask: torch.Tensor | None, ways: tuple[str, ...]) -> torch.Tensor:
    """Unit vectors (b, d · ways) of token states (b, t, d); `mask` (b, t) says which tokens are no filling."""
    import torch

    wide = states.float()
    if mask is None:
        mask = torch.ones(wide.shape[:2], dtype=torch.int64, device=wide.device)
    weight = mask[..., None].float()
    found = torch.cat([_by(way, wide, mask, weight) for way in ways], dim=1)
    return torch.nn.functional.normalize(found, dim=1)


def _by(way: str, states: torch.Tensor, mask: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    import torch

    if way == "cls":
        return states[:, 0]
    if way == "lasttoken":
        return states[torch.arange(len(states), device=states.device), mask.sum(1) - 1]
    if way == "max":
        return states.masked_fill(weight == 0, float("-inf")).amax(1)
    if way == "weightedmean":
        weight = weight * torch.arange(1, states.shape[1] + 1, device=states.device)[None, :, None]
    total = (states * weight).sum(1)
    return total / weight.sum(1).sqrt() if way == "mean_sqrt_len_tokens" else total / weight.sum(1)


def _pooling(folder: Path | None) -> tuple[str, ...]:
    said = _json(folder / "config.json", {}) if folder else {}
    modes = said.get("pooling_mode") or [way for name, way in _LEGACY.items() if said.get(name)] or "mean"
    found = (modes,) if isinstance(modes, str) else tuple(modes)
    if unknown := [m for m in found if m not in _LEGACY.values()]:
        raise InputError(
            f"{folder}/config.json asks for pooling by {unknown[0]!r}; known: {', '.join(_LEGACY.values())}"
        )
    return found


def _most(named: Any, positions: Any) -> int:
    numbers = [n for n in (named, positions) if isinstance(n, int) and n > 2]
    return min([*numbers, _LONGEST])


def _prompt(said: dict[str, Any]) -> str:
    name = said.get("default_prompt_name")
    return str((said.get("prompts") or {}).get(name) or "") if name else ""


def _json(path: Path, otherwise: Any) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return otherwise
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}; copy the model again") from None
