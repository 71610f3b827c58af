"""The seam of all encoders: texts in, unit vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from dovetail.errors import UnknownName

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Encoder(Protocol):
    """Turns texts into vectors."""

    dimensions: int
    fingerprint: str  # changes with the weights, so that cached vectors are never mixed

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors (n, dimensions); a text without known words gives the zero vector."""


ENCODERS = {
    "static": "dovetail.encoders.static:StaticEncoder",
    "transformer": "dovetail.encoders.transformer:TransformerEncoder",
    "layered": "dovetail.encoders.layered:LayeredEncoder",
}


def load_encoder(name: str = "static") -> Encoder:
    """An encoder of the family by name."""
    if name not in ENCODERS:
        raise UnknownName("encoder", name, ENCODERS)
    module, attribute = ENCODERS[name].split(":")
    encoder: Encoder = getattr(import_module(module), attribute)()
    return encoder
