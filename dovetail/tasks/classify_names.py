"""Class names as evidence: a text that means what a name means is likely of that class."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.encoders.base import Encoder
from dovetail.tasks.classify_head import Head
from dovetail.tasks.classify_labels import STEP

_SCALE = 20.0  # log-odds for one unit of cosine: what sentence encoders are commonly trained with
_GENTLY = np.float32(0.2)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def in_words(name: str) -> str:
    """A class name as a person would say it: `card_arrival` is "card arrival", `A > B` is "B, A"."""
    steps = [_CAMEL.sub(" ", step) for step in reversed(name.split(STEP))]
    return ", ".join(re.sub(r"[_\-/.:]+", " ", step).strip() for step in steps).lower()


def telling(classes: Sequence[str], described: Mapping[str, str]) -> bool:
    """Whether the names can mean anything: most of them have a word of three letters, or are described."""
    spoken = [c for c in classes if c in described or re.search(r"[^\W\d_]{3}", c)]
    return len(spoken) > 0.9 * len(classes)


def upper_layers(vectors: npt.NDArray[np.float32], reader: Any) -> npt.NDArray[np.float32]:
    """Vectors whose lower half of layers is nothing, where the encoder reads several side by side.

    Few labels cannot tell what matters among so many numbers, and what upper layers say is mostly what matters.
    """
    for _ in range(4):
        if hasattr(reader, "halves") or reader is None:
            break
        reader = getattr(reader, "reader", None) or getattr(reader, "encoder", None)
    if reader is None:
        return vectors
    found = vectors.copy()
    found[:, : vectors.shape[1] // 2] = 0
    return found


def name_head(reader: Encoder, classes: Sequence[str], described: Mapping[str, str]) -> Head:
    """A head from the names alone: the cosine of text and name, less the mean of all names, which says nothing.

    Source: zero-shot classification by embeddings, as in Yin et al. 2019 and Radford et al. 2021.
    """
    said = reader.encode([described.get(c) or in_words(c) for c in classes])
    vectors = upper_layers(said, reader).astype(np.float64)
    vectors -= vectors.mean(axis=0)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    weight = _SCALE * vectors / np.where(lengths == 0, 1, lengths)
    bias: npt.NDArray[np.float32] = np.zeros(len(classes), np.float32)
    return Head(np.ascontiguousarray(weight.T.astype(np.float32)), bias)


def gently(names: Head) -> Head:
    """What the head of a few labels is pulled to: a fifth of what the names say, and no class likelier than another."""
    return Head(_GENTLY * names.weight, np.zeros_like(names.bias))
