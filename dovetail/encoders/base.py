"""The seam of all encoders: texts in, unit vectors out."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from dovetail.encoders.protocol import Encoder
from dovetail.errors import UnknownName

if TYPE_CHECKING:
    pass


__all__ = ["ENCODERS", "Encoder", "load_encoder"]

ENCODERS = {
    "static": "dovetail.encoders.static:StaticEncoder",
    "transformer": "dovetail.encoders.transformer:TransformerEncoder",
    "layered": "dovetail.encoders.layered:LayeredEncoder",
}


def load_encoder(name: str | Path = "static", *, cache: str | Path | None = None) -> Encoder:
    """An encoder: a member of the family, a folder of one, or a name on the Hugging Face hub such as `owner/model`.

    With `cache`, a folder, vectors are kept there and no text is encoded twice.
    """
    encoder = _encoder(name)
    if cache is None:
        return encoder
    from dovetail.encoders.cache import CachedEncoder

    return CachedEncoder(encoder, cache)


def _encoder(name: str | Path) -> Encoder:
    if str(name) in ENCODERS:
        module, attribute = ENCODERS[str(name)].split(":")
        member: Encoder = getattr(import_module(module), attribute)()
        return member
    folder = Path(name)
    if (folder / "format.json").is_file():
        from dovetail.encoders.static import StaticEncoder

        return cast("Encoder", StaticEncoder(folder))
    if not folder.is_dir() and "/" not in str(name):
        raise UnknownName("encoder", str(name), ENCODERS)
    from dovetail.encoders.transformer import TransformerEncoder

    return cast("Encoder", TransformerEncoder(name))
