"""Which parameters of a pre-trained network are trained, and how fast each.

A network is a pre-trained stack of layers with, perhaps, something new on top of it: its head. `all` trains everything,
`top-2` the two upper layers (any number) and the head, `head` only what is new, `lora` small matrices beside the layers
(Hu et al., LoRA, 2021) and the head. Fewer trained layers take less memory and time, and forget less.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dovetail.errors import InputError, MissingExtra

if TYPE_CHECKING:
    from torch import nn

    from dovetail.training.settings import TuneSettings

LAYERS = "all, head, lora, or top-2 (any number)"
_BELOW = re.compile(r"embed|position|relative")  # parts of a stack that stand below its first layer


def prepared(model: nn.Module, settings: TuneSettings, *, layer_decay: float = 1.0) -> list[dict[str, Any]]:
    """The parameter groups to train under these settings; the network is made ready for them.

    Sets dropout, freezes what is not trained, and adds low-rank matrices for `lora`, which `merged` takes out again.
    """
    set_dropout(model, settings.dropout)
    choose_layers(model, settings.layers, seed=settings.seed)
    return parameter_groups(model, settings, layer_decay=layer_decay)


def choose_layers(model: nn.Module, layers: str, *, seed: int = 0) -> None:
    """Freeze all parameters but those named: `all`, `head`, `lora`, or `top-2` (any number)."""
    top = re.fullmatch(r"top-(\d+)", layers)
    if not top and layers not in ("all", "head", "lora"):
        raise InputError(f"layers is {layers!r}; expected {LAYERS}")
    merged(model)
    deepest = len(stack(model)) + 1
    if top and not 1 <= int(top[1]) < deepest:
        raise InputError(
            f"layers is {layers!r}, and the network has {deepest - 1} layers; expected top-1 to all of them"
        )
    depth = depths(model)
    if layers == "head" and deepest not in depth.values():
        raise InputError("layers is 'head', and the network has nothing new on top of it; choose top-1, say")
    lowest = {"all": 0, "head": deepest, "lora": deepest}.get(layers, deepest - int(top[1]) if top else 0)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(depth[name] >= lowest)
    if layers == "lora":
        add_lora(model, seed=seed)


def backbone(model: nn.Module) -> nn.Module:
    """The pre-trained part of a network."""
    for module in model.modules():
        if hasattr(module, "get_input_embeddings"):
            found: nn.Module = getattr(module, "base_model", module)
            return found
    raise InputError("the network holds no pre-trained transformer; expected one of Hugging Face's transformers")


def stack(model: nn.Module) -> nn.ModuleList:
    """The layers of the pre-trained part, the lowest first."""
    from torch.nn import ModuleList

    lists = [m for m in backbone(model).modules() if isinstance(m, ModuleList)]
    if not lists:
        raise InputError("the pre-trained network has no list of layers; train all of it")
    return max(lists, key=lambda m: sum(p.numel() for p in m.parameters()))


def depths(model: nn.Module) -> dict[str, int]:
    """How high each parameter stands: 0 for embeddings, 1 … n for the n layers, n + 1 for what is new on top."""
    layers = stack(model)
    height = {id(p): i for i, layer in enumerate(layers, 1) for p in layer.parameters()}
    for name, parameter in backbone(model).named_parameters():
        height.setdefault(id(parameter), 0 if _BELOW.search(name) else len(layers))
    return {name: height.get(id(p), len(layers) + 1) for name, p in model.named_parameters()}


def parameter_groups(model: nn.Module, settings: TuneSettings, *, layer_decay: float = 1.0) -> list[dict[str, Any]]:
    """The trained parameters in groups with their own `lr` and `weight_decay`, for an optimizer.

    Each layer learns `layer_decay` times as fast as the one above it, from `learning_rate` at the top (Howard and
    Ruder, ULMFiT, 2018); the head at `head_rate`. Biases and the gains of norms, all that is no matrix, do not decay.
    """
    if not 0 < layer_decay <= 1:
        raise InputError(f"layer_decay is {layer_decay}; expected a number above 0, up to 1")
    depth, top = depths(model), len(stack(model))
    found: dict[tuple[int, bool], list[Any]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            found.setdefault((depth[name], parameter.dim() > 1), []).append(parameter)
    if not found:
        raise InputError("no parameter of the network is trained; choose layers first")
    return [
        {
            "params": parameters,
            "lr": settings.head_rate if height > top else settings.learning_rate * layer_decay ** (top - height),
            "weight_decay": settings.weight_decay if matrix else 0.0,
        }
        for (height, matrix), parameters in sorted(found.items(), key=lambda item: item[0])
    ]


def set_dropout(model: nn.Module, share: float) -> None:
    """Drop this share of the activations in training, wherever the network drops any."""
    if not 0 <= share < 1:
        raise InputError(f"dropout is {share}; expected a share from 0 to below 1")
    from torch.nn import Dropout

    for module in model.modules():
        if isinstance(module, Dropout):
            module.p = share
        elif type(module).__name__ == "StableDropout":  # the one of DeBERTa
            module.drop_prob = share  # type: ignore[assignment]


def add_lora(model: nn.Module, *, rank: int = 16, scale: float = 2.0, seed: int = 0) -> None:
    """Put a trainable product of two matrices of this rank beside every linear map of the layers, and freeze those.

    The network computes the same as before until it is trained. `scale` multiplies the product (alpha / rank).
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError:
        raise MissingExtra("layers='lora'", "train") from None
    import torch

    body = backbone(model)
    inside = {id(m) for m in stack(model).modules() if isinstance(m, torch.nn.Linear)}
    names = [name for name, module in body.named_modules() if id(module) in inside]
    wanted = {name for name, p in model.named_parameters() if p.requires_grad}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=round(rank * scale), target_modules=names), body)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in wanted or ".lora_" in name)


def merged(model: nn.Module) -> None:
    """Add what `lora` learnt to the weights that it stands beside, in place, and remove it: the names are as before.

    Does nothing to a network without it.
    """
    if not any(".lora_" in name for name, _ in model.named_parameters()):
        return
    from peft.tuners.tuners_utils import BaseTunerLayer

    beside = [(name, module) for name, module in model.named_modules() if isinstance(module, BaseTunerLayer)]
    for name, module in beside:
        module.merge()
        where, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(where), attribute, module.get_base_layer())
    vars(backbone(model)).pop("peft_config", None)
