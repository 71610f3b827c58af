"""Parquet and Arrow files."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa

from dovetail.errors import InputError
from dovetail.tables.delimited import Part, column_names


def read_parquet(raw: bytes, file: str) -> Part:
    """Read a Parquet file with its own column types. Row numbers stand for lines."""
    import pyarrow.parquet as pq

    try:
        data = pq.read_table(io.BytesIO(raw))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{file} looks like Parquet but cannot be read: {brief(error)}; write it again") from None
    return _numbered(data, file, "parquet")


def read_arrow(raw: bytes, file: str) -> Part:
    """Read an Arrow IPC (Feather) file with its own column types."""
    try:
        data = pa.ipc.open_file(pa.BufferReader(raw)).read_all()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{file} looks like Arrow but cannot be read: {brief(error)}; write it again") from None
    return _numbered(data, file, "arrow")


def _numbered(data: pa.Table, file: str, encoding: str) -> Part:
    column_names([str(n) for n in data.column_names], file)
    return Part(file, data, np.arange(1, data.num_rows + 1), [], encoding)


def brief(error: BaseException) -> str:
    """The first line of an error."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
