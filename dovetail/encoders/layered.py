"""Several layers of one transformer side by side: what the last layer forgets, the lower ones still hold.

A sentence encoder is trained so that its last layer tells topics apart; tone, question words and wording fade on the
way up. A linear head that reads the means of lower layers, too, gets them for the price of the one forward pass
(Peters et al. 2018 mix layers for the same reason).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dovetail.encoders.pretrained import PACKAGED
from dovetail.encoders.transformer import TransformerEncoder, batches, padded

if TYPE_CHECKING:
    import torch

DEPTHS = (0.0, 1 / 3, 2 / 3, 1.0)  # which layers are read: shares of the height of the network


class LayeredEncoder:
    """Means of the token states at several heights, each of unit length, side by side; the whole of unit length.

    The last part is the vector of the plain transformer encoder, up to its scale.
    """

    def __init__(
        self,
        name: str | Path | TransformerEncoder = PACKAGED,
        *,
        max_tokens: int = 256,
        depths: Sequence[float] = DEPTHS,
    ) -> None:
        self.base = name if isinstance(name, TransformerEncoder) else TransformerEncoder(name, max_tokens=max_tokens)
        self.depths = tuple(depths)

    halves = True  # the first half of each vector is of the lower layers

    @property
    def dimensions(self) -> int:
        """Length of each vector."""
        return self.base.recipe.hidden * len(self.depths)

    @property
    def plain(self) -> int:
        """Length of the last part of each vector: the plain vector of the network, up to its scale."""
        return self.base.recipe.hidden

    @property
    def max_tokens(self) -> int:
        """Tokens that are read of a text."""
        return self.base.max_tokens

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the weights and of which layers are read, on all processors the same: none is read in int8."""
        return hashlib.blake2b(f"{self.base.weights_mark}{self.depths}".encode(), digest_size=16).hexdigest()

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors (n, dimensions); an empty text gives the zero vector."""
        ids = self.base.tokens(texts)
        found = np.zeros((len(ids), self.dimensions), np.float32)
        rows = self.base.not_empty(ids)
        for part, tokens in batches([ids[i] for i in rows]):
            found[rows[part]] = self._pooled(tokens)
        return found

    def _pooled(self, tokens: Sequence[Sequence[int]]) -> npt.NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            means = [torch.nn.functional.normalize(m.float(), dim=1) for m in self._means(tokens)]
            return np.asarray((torch.cat(means, dim=1) / len(means) ** 0.5).cpu().numpy(), np.float32)

    def _means(self, tokens: Sequence[Sequence[int]]) -> list[torch.Tensor]:
        """The mean token state of each text at each height, (b, d) each."""
        import torch

        flat = self.base.flat
        if flat is not None:
            heights = [round(share * len(flat.layers)) for share in self.depths]
            found = [[s.float().mean(1) for s in states] for _, states in flat.heights(tokens, heights)]
            return [torch.cat(one) for one in zip(*found, strict=True)]
        model = self.base.model
        ids, mask = padded(tokens, model.device)
        states = model(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
        weight = mask[..., None].float()
        chosen = [states[round(share * (len(states) - 1))].float() for share in self.depths]
        return [(s * weight).sum(1) / weight.sum(1) for s in chosen]
