"""A BERT-like network over texts laid end to end: no filling, no mask, weights laid out once for the processor.

Every matrix product runs over all tokens of a batch at once, whatever text they belong to; attention runs over texts of
one length together. So nothing is computed for padding, and a vector does not depend on which texts stand beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import embedding, layer_norm, linear, scaled_dot_product_attention

Product = Callable[[Tensor], Tensor]
"""A layer's product: (t, in) to (t, out)."""


@dataclass(frozen=True)
class Group:
    """Texts of one length among the tokens of a batch: where they start and end, how many, how long."""

    start: int
    end: int
    texts: int
    length: int


@dataclass(frozen=True)
class _Layer:
    """One layer: three projections in one, what follows attention, and the two products of the wide part."""

    projected: Product
    attended: Product
    widened: Product
    narrowed: Product
    norms: tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]


class FlatBert:
    """The forward pass of BERT (Devlin et al., 2019) for inference; weights and configuration as transformers has them.

    `precision` is a member of PRODUCTS.
    """

    def __init__(self, config: Any, state: Mapping[str, Tensor], precision: str = "float32") -> None:
        self.heads, self.epsilon = int(config.num_attention_heads), float(config.layer_norm_eps)
        self.width = int(config.hidden_size)
        self.dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self._state, self._product = state, PRODUCTS[precision]
        kind = state["embeddings.token_type_embeddings.weight"][0]
        self.words = state["embeddings.word_embeddings.weight"].to(self.dtype)
        self.places = (state["embeddings.position_embeddings.weight"] + kind).to(self.dtype)
        self.first = self._norm("embeddings.LayerNorm")
        self.layers = [self._layer(f"encoder.layer.{i}.") for i in range(int(config.num_hidden_layers))]
        self._state = {}

    def states(self, tokens: Sequence[Sequence[int]]) -> list[tuple[Group, Tensor]]:
        """The last layer's token states of texts in order of length: one tensor (texts, length, width) a length."""
        return [(g, found[0]) for g, found in self.heights(tokens, (len(self.layers),))]

    def heights(self, tokens: Sequence[Sequence[int]], wanted: Sequence[int]) -> list[tuple[Group, list[Tensor]]]:
        """`states` after each of the `wanted` layers, in that order; 0 is what stands below the first layer."""
        groups = grouped([len(one) for one in tokens])
        numbers = torch.tensor([i for one in tokens for i in one])
        places = torch.cat([torch.arange(g.length).repeat(g.texts) for g in groups])
        x = self._normed(embedding(numbers, self.words) + embedding(places, self.places), self.first)
        kept = {0: x}
        for height, layer in enumerate(self.layers, 1):
            x = self._normed(layer.attended(self._attention(layer.projected(x), groups)).add_(x), layer.norms[0])
            x = self._normed(layer.narrowed(layer.widened(x)).add_(x), layer.norms[1])
            if height in wanted:
                kept[height] = x
        return [(g, [kept[h][g.start : g.end].view(g.texts, g.length, self.width) for h in wanted]) for g in groups]

    def _attention(self, projected: Tensor, groups: Sequence[Group]) -> Tensor:
        found = projected.new_empty(len(projected), self.width)
        for g in groups:
            shape = (g.texts, g.length, 3, self.heads, self.width // self.heads)
            query, key, value = projected[g.start : g.end].view(shape).permute(2, 0, 3, 1, 4)
            one = scaled_dot_product_attention(query, key, value).transpose(1, 2)
            found[g.start : g.end] = one.reshape(-1, self.width)
        return found

    def _normed(self, x: Tensor, norm: tuple[Tensor, Tensor]) -> Tensor:
        return layer_norm(x, (self.width,), *norm, self.epsilon)

    def _norm(self, name: str) -> tuple[Tensor, Tensor]:
        return self._state[f"{name}.weight"].to(self.dtype), self._state[f"{name}.bias"].to(self.dtype)

    def _layer(self, at: str) -> _Layer:
        three = [f"{at}attention.self.{name}" for name in ("query", "key", "value")]
        weight, bias = (torch.cat([self._state[f"{name}.{part}"] for name in three]) for part in ("weight", "bias"))
        norms = self._norm(f"{at}attention.output.LayerNorm"), self._norm(f"{at}output.LayerNorm")
        attended, narrowed = self._of(f"{at}attention.output.dense"), self._of(f"{at}output.dense")
        return _Layer(self._product(weight, bias), attended, self._of(f"{at}intermediate.dense", True), narrowed, norms)

    def _of(self, name: str, gelu: bool = False) -> Product:
        return self._product(self._state[f"{name}.weight"], self._state[f"{name}.bias"], gelu)


def flat_reads(config: Any) -> bool:
    """Whether a network of this configuration is one that `FlatBert` computes."""
    plain = getattr(config, "position_embedding_type", None) in (None, "absolute")
    return config.model_type == "bert" and config.hidden_act == "gelu" and plain and not config.is_decoder


def grouped(lengths: Sequence[int]) -> list[Group]:
    """Runs of equal length."""
    found, start = [], 0
    for length, run in groupby(lengths):
        texts = len(list(run))
        found.append(Group(start, start + texts * length, texts, length))
        start += texts * length
    return found


def wide(weight: Tensor, bias: Tensor, gelu: bool = False) -> Product:
    """A product in float32."""
    return _prepared(weight.float(), bias.float(), gelu)


def half(weight: Tensor, bias: Tensor, gelu: bool = False) -> Product:
    """A product in bfloat16, for processors that multiply in it."""
    return _prepared(weight.bfloat16(), bias.bfloat16(), gelu)


def _prepared(weight: Tensor, bias: Tensor, gelu: bool) -> Product:
    """The weight in the layout of oneDNN, which otherwise lays it out anew at every call; the activation joined."""
    if not _laid_out(weight.dtype):
        return _plain(weight, bias, gelu)
    packed = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous())
    activation, kind = ("gelu", "none") if gelu else ("none", "")

    def product(x: Tensor) -> Tensor:
        found: Tensor = torch.ops.mkldnn._linear_pointwise(x, packed, bias, activation, [], kind)
        return found

    return product


def _laid_out(dtype: torch.dtype) -> bool:
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    return dtype != torch.bfloat16 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _plain(weight: Tensor, bias: Tensor, gelu: bool) -> Product:
    def product(x: Tensor) -> Tensor:
        found = linear(x, weight, bias)
        return torch.nn.functional.gelu(found) if gelu else found

    return product


PRODUCTS: dict[str, Callable[..., Product]] = {"float32": wide, "bfloat16": half}
