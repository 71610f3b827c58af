"""Records as one text a row, for encoders and for words."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from dovetail.types import Kind, Records


def row_texts(records: Records) -> list[str]:
    """All comparable values of each record, joined by blanks in the order of the attributes. Length n."""
    columns = [
        pc.fill_null(records.text[a.name].combine_chunks(), "")
        for a in records.attributes
        if a.kind not in (Kind.ID, Kind.EMPTY)
    ]
    if not columns:
        return [""] * len(records)
    joined = pc.binary_join_element_wise(*columns, pa.scalar(" "))
    return list(pc.utf8_trim_whitespace(joined).to_pylist())
