"""Which column names the rows, where nobody said."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from dovetail.types import Table


def with_plain_id(table: Table, asked: str | None = None) -> Table:
    """Take a column plainly called `id` as the row id where a person named none and its values are unique."""
    if asked is not None or table.id_column is not None:
        return table
    column = plain_id_column(table)
    if column is None:
        return table
    ids = pc.cast(table.data[column], pa.string()).combine_chunks()
    if ids.null_count or pc.count_distinct(ids).as_py() < len(table):
        return table
    return replace(table, ids=ids, id_column=column)


def plain_id_column(table: Table) -> str | None:
    """The column that is plainly called an id, whether its values are unique or not."""
    return next((c for c in table.columns if c.casefold() in ("id", "_id", "record_id", "row_id")), None)
