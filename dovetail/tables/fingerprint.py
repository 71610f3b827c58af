"""Hashes of what tables hold: did data change, was a record seen before; without keeping what they say."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from dovetail.types import Kind, Records, Table

if TYPE_CHECKING:
    import numpy.typing as npt

    Hashes = npt.NDArray[np.uint64]

_MIX = np.uint64(0x9E3779B97F4A7C15)  # odd, so that multiplying loses nothing


def data_hash(table: Table) -> str:
    """A hash of names, ids and every value of a table."""
    found = hashlib.blake2b(digest_size=16)
    found.update(repr((table.columns, table.id_column)).encode("utf-8", "surrogatepass"))
    sink = pa.BufferOutputStream()
    data = table.data.append_column("\0id", table.ids).combine_chunks()
    with pa.ipc.new_stream(sink, data.schema) as writer:
        writer.write_table(data)
    found.update(sink.getvalue())
    return found.hexdigest()


def record_hashes(records: Records) -> Hashes:
    """One hash a record (n,) of its comparable text: equal where two records say the same, whatever their ids."""
    names = [a.name for a in records.attributes if a.kind not in (Kind.ID, Kind.EMPTY)]
    cells = [records.text[name].to_pylist() for name in names]
    rows: Iterable[tuple[str | None, ...]] = zip(*cells, strict=True) if cells else (() for _ in range(len(records)))
    found = (hashlib.blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=8).digest() for row in rows)
    return np.frombuffer(b"".join(found), np.uint64)


def pair_hashes(left: Hashes, right: Hashes) -> Hashes:
    """One hash a pair (m,) from the hashes of its records, whichever way round they stand."""
    low, high = np.minimum(left, right), np.maximum(left, right)
    return np.asarray((low * _MIX) ^ (high + (high >> np.uint64(29))), np.uint64)
