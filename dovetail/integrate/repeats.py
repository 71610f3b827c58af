"""Does a source repeat itself? Asked before blocking: a clean source is matched better without looking inside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from dovetail.tasks.block_nets import Nets
from dovetail.tasks.compare import Comparer
from dovetail.types import Candidates, Kind

if TYPE_CHECKING:
    from dovetail.types import Ints, Records

# Share of records with a near-identical neighbour in their own source from which a source counts as repeating itself.
# Catalogues without duplicates hold up to 1 % (variants of one product); one with duplicates several times that.
REPEATING = 0.03
_SAMPLE = 2_000
_ALIKE, _LEAST = 0.98, 0.8  # mean and least agreement of the columns that both records fill


def sources_that_repeat(nets: Nets) -> list[str]:
    """The sources in which enough records have a neighbour that agrees in everything both of them state."""
    source = nets.records.source
    found = []
    for position, name in enumerate(nets.records.sources):
        own = np.flatnonzero(source == position).astype(np.int32)
        asked = own[:: max(1, len(own) // _SAMPLE)][:_SAMPLE]
        if len(own) > 1 and repeated_share(nets, asked, own) >= REPEATING:
            found.append(name)
    return found


def identical_rows(records: Records) -> Candidates:
    """Neighbours in the lists of records that agree in every column but ids, what is missing included.

    Such rows need no matcher. At least two columns must be filled, or the only one there is.
    """
    columns = [records.text[a.name] for a in records.attributes if a.kind not in (Kind.ID, Kind.EMPTY)]
    if not columns or len(records) < 2:
        return Candidates(np.zeros(0, np.int32), np.zeros(0, np.int32))
    plain = [pc.fill_null(c.combine_chunks(), "\x00") for c in columns]
    filled = np.sum([~np.asarray(c.is_null()) for c in columns], axis=0)
    code = np.asarray(pc.binary_join_element_wise(*plain, "\x1f").dictionary_encode().indices)
    order = np.argsort(code, kind="stable")
    same = (code[order][1:] == code[order][:-1]) & (filled[order][1:] >= min(2, len(columns)))
    return Candidates(order[:-1][same].astype(np.int32), order[1:][same].astype(np.int32))


def repeated_share(nets: Nets, asked: Ints, own: Ints) -> float:
    """The share of the asked records with a near-identical neighbour among `own`."""
    near = list(nets.near_lexical(asked, own, 2))
    query, other = (np.concatenate([getattr(n, end) for n in near]) for end in ("query", "found"))
    pairs = Candidates(np.minimum(query, other), np.maximum(query, other))
    alike = _near_identical(nets.records, pairs)
    return len(np.unique(query[alike])) / max(len(asked), 1)


def _near_identical(records: Records, pairs: Candidates) -> Ints:
    attributes = Comparer(records, pairs).attributes
    if not attributes or not len(pairs):
        return np.zeros(0, np.int32)
    similarity = np.stack([a.compare(pairs.left, pairs.right).similarity for a in attributes], axis=1)
    weight = np.array([a.information for a in attributes])
    present = ~np.isnan(similarity)
    mean = (np.where(present, similarity, 0) @ weight) / np.maximum(present @ weight, 1e-9)
    least = np.where(present, similarity, 1).min(axis=1)
    enough = present.sum(axis=1) >= min(2, len(attributes))
    return np.flatnonzero((mean >= _ALIKE) & (least >= _LEAST) & enough).astype(np.int32)
