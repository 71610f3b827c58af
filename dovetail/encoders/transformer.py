"""The transformer encoder: mean-pooled token states of a small pre-trained network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dovetail.encoders.pretrained import PACKAGED, backbone, fast_bfloat16, folder_of, tokenizer_of

if TYPE_CHECKING:
    import torch

_CLS, _SEP = 101, 102
_TOKENS_A_BATCH = 4_096


class TransformerEncoder:
    """Unit vectors of texts by a BERT-like network. Method: sentence-BERT (Reimers and Gurevych, 2019)."""

    def __init__(self, name: str | Path = PACKAGED, *, max_tokens: int = 256) -> None:
        self.folder = folder_of(name)
        self.max_tokens = max_tokens

    @property
    def dimensions(self) -> int:
        """Length of each vector."""
        return int(self.model.config.hidden_size)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the weights and of how they are read."""
        weights = (self.folder / "model.safetensors").read_bytes()
        return hashlib.blake2b(weights + str(self.max_tokens).encode(), digest_size=16).hexdigest()

    @cached_property
    def tokenizer(self) -> Any:
        """The fast tokenizer."""
        return tokenizer_of(self.folder)

    @cached_property
    def model(self) -> Any:
        """The network, in bfloat16 where that is quicker."""
        import torch

        model = backbone(self.folder)
        if torch.cuda.is_available():
            return model.to("cuda", torch.bfloat16)
        return model.to(torch.bfloat16) if fast_bfloat16() else model

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors (n, dimensions); an empty text gives the zero vector."""
        ids = self.tokens(texts)
        found = np.zeros((len(ids), self.dimensions), np.float32)
        for rows, tokens in batches(ids):
            found[rows] = mean_pooled(self.model, tokens)
        found[[i for i, one in enumerate(ids) if len(one) <= 2]] = 0
        return found

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Token numbers of each text with the marks at both ends, cut to `max_tokens`."""
        most = self.max_tokens - 2
        parts = self.tokenizer.encode_batch_fast([t[: most * 12] for t in texts], add_special_tokens=False)
        return [[_CLS, *one.ids[:most], _SEP] for one in parts]


def batches(ids: Sequence[Sequence[int]], most: int = _TOKENS_A_BATCH) -> Iterator[tuple[npt.NDArray[np.int64], Any]]:
    """Rows of like length together, so that hardly anything is padded: their positions, and their tokens as a list."""
    order = np.argsort([len(one) for one in ids], kind="stable")[::-1]
    start = 0
    while start < len(order):
        rows = order[start : start + max(1, most // max(1, len(ids[order[start]])))]
        yield rows, [ids[i] for i in rows]
        start += len(rows)


def padded(tokens: Sequence[Sequence[int]], device: Any = "cpu") -> tuple[torch.Tensor, torch.Tensor]:
    """Token numbers (b, t) filled with 0, and the mask (b, t) of what is no filling."""
    import torch

    width = max(len(one) for one in tokens)
    ids = np.zeros((len(tokens), width), np.int64)
    mask = np.zeros((len(tokens), width), np.int64)
    for row, one in enumerate(tokens):
        ids[row, : len(one)] = one
        mask[row, : len(one)] = 1
    return torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device)


def mean_pooled(model: Any, tokens: Sequence[Sequence[int]]) -> npt.NDArray[np.float32]:
    """Unit vectors (b, d) of token lists."""
    import torch

    with torch.inference_mode():
        ids, mask = padded(tokens, model.device)
        states = model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        weight = mask[..., None].float()
        vectors = (states * weight).sum(1) / weight.sum(1)
        return torch.nn.functional.normalize(vectors, dim=1).cpu().numpy()
