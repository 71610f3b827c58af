"""The static encoder: one vector a token, averaged. Needs no torch; ships in the package."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError

SHIPPED = Path(__file__).parent.parent / "data" / "static_encoder"
FORMAT = 1
_CHUNK = 8_192
_LONGEST = 1_500  # characters that are read of a text: a mean over more words says little more


class StaticEncoder:
    """Averages the vectors of a text's tokens. Method: model2vec (Minish Lab, 2024)."""

    def __init__(self, folder: str | Path = SHIPPED) -> None:
        self.folder = Path(folder)

    @cached_property
    def _note(self) -> dict[str, Any]:
        path = self.folder / "format.json"
        if not path.is_file():
            raise InputError(f"{self.folder} holds no static encoder; make one with scripts/distil_static_encoder.py")
        note: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if note["format"] > FORMAT:
            raise InputError(f"{self.folder} is of a newer format ({note['format']}); update dovetail")
        return note

    @property
    def dimensions(self) -> int:
        """Length of each vector."""
        return int(self._note["dimensions"])

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the weights."""
        return hashlib.blake2b((self.folder / "model.safetensors").read_bytes(), digest_size=16).hexdigest()

    @cached_property
    def _parts(self) -> tuple[Any, npt.NDArray[np.float32]]:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        tensors = load_file(self.folder / "model.safetensors")
        vectors = tensors["embeddings"].astype(np.float32)
        if "weights" in tensors:
            vectors = vectors * tensors["weights"].astype(np.float32)[:, None]
        tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return tokenizer, vectors / np.abs(vectors).max()

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors (n, dimensions); an empty text gives the zero vector."""
        found = np.zeros((len(texts), self.dimensions), np.float32)
        for start in range(0, len(texts), _CHUNK):
            found[start : start + _CHUNK] = self._chunk(texts[start : start + _CHUNK])
        return found

    def _chunk(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        from scipy.sparse import csr_array

        tokenizer, vectors = self._parts
        cut = [t[:_LONGEST] for t in texts]
        ids = [e.ids for e in tokenizer.encode_batch_fast(cut, add_special_tokens=False)]
        lengths = np.fromiter(map(len, ids), np.int64, len(ids))
        flat = np.fromiter((i for one in ids for i in one), np.int32, int(lengths.sum()))
        ends = np.concatenate([[0], np.cumsum(lengths)])
        counts = csr_array((np.ones(len(flat), np.float32), flat, ends), shape=(len(texts), len(vectors)))
        total = np.asarray(counts @ vectors)
        norms = np.linalg.norm(total, axis=1, keepdims=True)
        return np.asarray(total / np.where(norms == 0, 1, norms), dtype=np.float32)
