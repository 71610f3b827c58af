"""The transformer encoder: pooled token states of a small pre-trained network."""

from __future__ import annotations

import contextlib
import hashlib
import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dovetail.encoders.pretrained import (
    PACKAGED,
    backbone,
    fast_bfloat16,
    fast_int8,
    folder_of,
    tokenizer_of,
    weights_of,
)
from dovetail.encoders.recipe import pooled, recipe_of
from dovetail.errors import InputError, MissingExtra, UnknownName

if TYPE_CHECKING:
    import torch

    from dovetail.encoders.flat import FlatBert
    from dovetail.encoders.int8 import Int8Bert, Kept

_TOKENS_A_BATCH = 4_096
_TOKENS_A_BATCH_GPU = 65_536
PRECISIONS = ("auto", "float32", "bfloat16", "int8")
_BOTH = ("float32", "int8")

Vectors = npt.NDArray[np.float32]


class TransformerEncoder:
    """Unit vectors of texts by a BERT-like network. Method: sentence-BERT (Reimers and Gurevych, 2019).

    `name` is the packaged model, a folder of sentence-transformers or Hugging Face, or a name on the hub; how token
    states are pooled and how much is read stands in the folder, and `max_tokens` can set the latter. `precision` is
    `float32`, `bfloat16`, `int8` (needs the extra of that name; float32 where its vectors would not agree by a cosine
    of 0.99) or `auto`: bfloat16 on a GPU or a processor that multiplies in it, else int8 on a processor with VNNI where
    the extra is there, else float32.
    """

    def __init__(self, name: str | Path = PACKAGED, *, max_tokens: int | None = None, precision: str = "auto") -> None:
        if precision not in PRECISIONS:
            raise UnknownName("precision", precision, PRECISIONS)
        self.folder = folder_of(name)
        self.recipe = recipe_of(self.folder)
        self.max_tokens = max_tokens or self.recipe.max_tokens
        self.precision = precision
        if self.max_tokens < 3:
            raise InputError(f"max_tokens is {max_tokens}; expected 3 or more, since two marks stand around a text")

    @property
    def dimensions(self) -> int:
        """Length of each vector."""
        return self.recipe.dimensions

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the weights and of how they are read.

        float32 and bfloat16 agree closely, and their vectors may stand side by side; those of int8 may not.
        """
        plain = self.weights_mark
        return plain if self.eight is None else hashlib.blake2b(f"{plain}int8".encode(), digest_size=16).hexdigest()

    @cached_property
    def weights_mark(self) -> str:
        """A hash of the weights and of how they are read, whatever the precision."""
        found = hashlib.blake2b(digest_size=16)
        for path in weights_of(self.folder):
            found.update(path.read_bytes())
        found.update(f"{self.max_tokens}{self.recipe.mark}".encode())
        return found.hexdigest()

    @cached_property
    def tokenizer(self) -> Any:
        """The fast tokenizer."""
        return tokenizer_of(self.folder)

    @cached_property
    def marks(self) -> tuple[list[int], list[int]]:
        """Token numbers that stand before and after every text."""
        bare = self.tokenizer.encode("a", add_special_tokens=False).ids
        whole = self.tokenizer.encode("a", add_special_tokens=True).ids
        start = next((i for i in range(len(whole)) if whole[i : i + len(bare)] == bare), 0)
        return whole[:start], whole[start + len(bare) :]

    @cached_property
    def model(self) -> Any:
        """The network, on a GPU if there is one, in bfloat16 where that is quicker."""
        model = backbone(self.folder)
        if _torch().cuda.is_available():
            model = model.to("cuda")
        return model.to(_torch().bfloat16) if self._chosen == "bfloat16" else model

    @property
    def _chosen(self) -> str:
        if self.precision != "auto":
            return self.precision
        if _torch().cuda.is_available() or fast_bfloat16():
            return "bfloat16"
        return "int8" if fast_int8() else "float32"

    @cached_property
    def eight(self) -> Int8Bert | None:
        """The network in int8; None where another precision is meant, or where its vectors would not agree."""
        from dovetail.encoders.cache import default_folder
        from dovetail.encoders.int8 import LEAST, Int8Bert, Kept, can_int8

        never = self.precision == "auto" and (fast_bfloat16() or not fast_int8() or not can_int8())
        if never or self.precision not in ("auto", "int8") or self._chosen != "int8":
            return None
        if not can_int8():
            raise MissingExtra("an encoder in int8", "int8")
        kept = Kept(default_folder(), self.weights_mark)
        agreed = kept.agreement()
        if agreed is None:
            return self._exported(kept)
        if agreed >= LEAST:
            return Int8Bert(kept.file, _torch().get_num_threads())
        self._refuse(agreed)
        return None

    def _exported(self, kept: Kept) -> Int8Bert | None:
        """The first network that agrees with float32 on the probes; kept on disk where that can be written."""
        from dovetail.encoders.flat import flat_reads
        from dovetail.encoders.int8 import LEAST, PROBES, Int8Bert, least_cosine, models

        exact, trial = (TransformerEncoder(self.folder, max_tokens=self.max_tokens, precision=p) for p in _BOTH)
        network: Any = exact.model
        if not flat_reads(network.config):
            self._refuse(0.0)
            return None
        wanted, least, model = exact.encode(PROBES), 0.0, b""
        for model in models(network.config, {k: v.cpu().numpy() for k, v in network.state_dict().items()}):
            trial.__dict__["eight"] = Int8Bert(model, _torch().get_num_threads())
            least = least_cosine(wanted, trial.encode(PROBES))
            if least >= LEAST:
                break
        with contextlib.suppress(OSError):
            kept.write(model, least)
        if least < LEAST:
            self._refuse(least)
            return None
        found: Int8Bert = trial.__dict__["eight"]
        return found

    def _refuse(self, least: float) -> None:
        if self.precision == "int8":
            why = f"a cosine of {least:.3f} to float32" if least else "an architecture that is not BERT"
            warnings.warn(f"{self.folder.name} is computed in float32: int8 was refused for {why}", stacklevel=4)

    @cached_property
    def flat(self) -> FlatBert | None:
        """The network laid out for the processor; none on a GPU or for an architecture other than BERT."""
        if _torch().cuda.is_available():
            return None
        from dovetail.encoders.flat import FlatBert, flat_reads

        model: Any = backbone(self.folder)
        if flat_reads(model.config):
            with _torch().inference_mode():
                precision = "bfloat16" if self._chosen == "bfloat16" else "float32"
                return FlatBert(model.config, model.state_dict(), precision)
        return None

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, dimensions); an empty text gives the zero vector."""
        first: dict[str, int] = {}
        place = np.fromiter((first.setdefault(text, len(first)) for text in texts), np.int64, len(texts))
        return self._of_different(list(first))[place]

    def _of_different(self, texts: Sequence[str]) -> Vectors:
        ids = self.tokens(texts)
        found = np.zeros((len(ids), self.dimensions), np.float32)
        rows = self.not_empty(ids)
        for part, tokens in batches([ids[i] for i in rows], self._most):
            found[rows[part]] = self._vectors(tokens)
        return found

    @property
    def _most(self) -> int:
        return _TOKENS_A_BATCH_GPU if _torch().cuda.is_available() else _TOKENS_A_BATCH

    def not_empty(self, ids: Sequence[Sequence[int]]) -> npt.NDArray[np.int64]:
        """Rows of token numbers that hold more than the marks."""
        marks = sum(map(len, self.marks))
        return np.array([i for i, one in enumerate(ids) if len(one) > marks], np.int64)

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Token numbers of each text with the marks at both ends, cut to `max_tokens`."""
        before, after = self.marks
        most = self.max_tokens - len(before) - len(after)
        cut = [t[: most * 12] for t in texts]
        if self.recipe.lower:
            cut = [t.lower() for t in cut]
        if self.recipe.prompt:
            cut = [self.recipe.prompt + t if t.strip() else "" for t in cut]
        parts = self.tokenizer.encode_batch_fast(cut, add_special_tokens=False)
        return [[*before, *one.ids[:most], *after] for one in parts]

    def _vectors(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        torch, ways = _torch(), self.recipe.pooling
        with torch.inference_mode():
            if self.eight is not None:
                ids, mask = padded(tokens)
                states = torch.from_numpy(self.eight.states(ids.numpy(), mask.numpy()))
                return np.asarray(pooled(states, mask, ways).numpy(), np.float32)
            if self.flat is not None:
                states = self.flat.states(tokens)
                return np.asarray(torch.cat([pooled(s, None, ways) for _, s in states]).numpy(), np.float32)
            ids, mask = padded(tokens, self.model.device)
            whole = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
            return np.asarray(pooled(whole, mask, ways).cpu().numpy(), np.float32)


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


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise MissingExtra("a transformer encoder", "train") from None
    return torch
