"""Which cells of an entity say the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dovetail.tables.normalise import plain_text
from dovetail.tables.numbers import parse_money
from dovetail.types import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from dovetail.types import Attribute, Ints, Records

_EXTENSION = re.compile(r"(?:x|ext\.?|extension)\s*(\d{1,6})\s*$")


def value_codes(records: Records, attribute: Attribute, entity: Ints) -> Ints:
    """(n,) equal numbers for values that are the same, -1 where missing; comparable only within an entity.

    Comparable texts decide. They know neither the currency of an amount nor the extension of a phone number: where an
    entity (n,) names two of them, its values differ; where one is left out, it is the same as the other's.
    """
    code = _coded(records.text[attribute.name].combine_chunks())
    reader = _DETAILS.get(attribute.kind)
    if reader is None:
        return code
    detail = _details(records.original[attribute.name].combine_chunks(), reader)
    if detail.max(initial=0) < 2:  # all say the same, or nothing
        return code
    claim = np.unique(entity.astype(np.int64) * (int(code.max()) + 2) + code + 1, return_inverse=True)[1].reshape(-1)
    first = np.full(int(claim.max()) + 1, np.iinfo(np.int64).max)
    said = detail > 0
    np.minimum.at(first, claim[said], detail[said])
    detail = np.where(said | (first[claim] == np.iinfo(np.int64).max), detail, first[claim])
    joined = np.unique(code.astype(np.int64) * (int(detail.max()) + 1) + detail, return_inverse=True)[1].reshape(-1)
    return np.where(code < 0, -1, joined).astype(np.int32)


def _coded(texts: pa.Array) -> Ints:
    indices = pc.fill_null(texts.dictionary_encode().indices, -1)
    return np.asarray(indices.to_numpy(zero_copy_only=False), np.int32)


def _details(values: pa.Array, reader: Callable[[str], str]) -> npt.NDArray[np.int64]:
    """(n,) equal numbers from 1 on for equal details, 0 where a value gives none."""
    coded = pc.cast(values, pa.string()).dictionary_encode()
    found = [reader(plain_text(text)) for text in coded.dictionary.to_pylist()] + [""]
    number = {name: place for place, name in enumerate(sorted({*found} - {""}), start=1)} | {"": 0}
    indices = pc.fill_null(coded.indices, len(found) - 1).to_numpy(zero_copy_only=False)
    return np.asarray(np.array([number[name] for name in found], np.int64)[indices])


def _currency(text: str) -> str:
    money = parse_money(text)
    return money[1] if money else ""


def _extension(text: str) -> str:
    found = _EXTENSION.search(text)
    return found[1] if found else ""


_DETAILS: dict[Kind, Callable[[str], str]] = {Kind.MONEY: _currency, Kind.PHONE: _extension}
