"""Labels as people really give them: some name rows that are not there, some are unsure, all are accounted for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from dovetail.errors import InputError
from dovetail.tables.pairs import read_pairs
from dovetail.tasks.judged import Judged, judged_pairs, look_up, positions
from dovetail.types import Pairs, Records

if TYPE_CHECKING:
    import numpy.typing as npt

FEWEST = 4  # labels, with both answers among them
MOST_UNKNOWN = 0.5  # share of labels that may name rows which are not there; above, the ids are of other tables
_SHOWN = 8  # row numbers that a message lists


@dataclass(frozen=True)
class Labelled:
    """Labels that found their rows. `set_aside` counts from 0 in the pairs that were given."""

    judged: Judged
    given: int  # labels that were given
    set_aside: tuple[int, ...]  # labels that name unknown rows
    warnings: tuple[str, ...]


def labelled_pairs(records: Records, labels: Pairs) -> Labelled:
    """The labels of these records, unknown rows set aside where they are few.

    Raises `InputError` where most rows are unknown, labels contradict each other, or carry no label.
    """
    known, unknown = known_pairs(records, labels)
    judged = judged_pairs(records, known)
    warnings = [_unknown_in_words(records, labels, unknown)] if len(unknown) else []
    if judged.unsure:
        warnings.append(f"{judged.unsure:,} labels say unsure and teach nothing")
    repeated = len(known) - judged.unsure - len(judged.label)
    if repeated:
        warnings.append(f"{repeated:,} labels repeat others and count once")
    return Labelled(judged, len(labels), tuple(unknown.tolist()), tuple(warnings))


def with_valid(records: Records, labels: Pairs, valid: Any = None) -> tuple[Labelled, npt.NDArray[np.bool_] | None]:
    """All labels of these records, and which of them (m,) are held out; None where no valid part is given."""
    if valid is None:
        return labelled_pairs(records, labels), None
    apart = read_pairs(valid, labelled=True)
    labelled = labelled_pairs(records, _joined(labels, apart))
    held = labelled_pairs(records, apart).judged.pairs
    keys, held_keys = (p.left.astype(np.int64) << 32 | p.right for p in (labelled.judged.pairs, held))
    return labelled, np.isin(keys, held_keys)


def _joined(a: Pairs, b: Pairs) -> Pairs:
    """All pairs of both, one under the other."""
    if a.label is None or b.label is None:
        raise InputError("labels are missing; both the pairs to learn from and the valid ones need match or not")

    def sources(side: str) -> pa.Array | None:
        parts = [getattr(p, side) for p in (a, b)]
        if all(part is None for part in parts):
            return None
        sizes = zip(parts, (len(a), len(b)), strict=True)
        return pa.concat_arrays([pa.nulls(n, pa.string()) if part is None else _plain(part) for part, n in sizes])

    ends = {side: pa.concat_arrays([_plain(getattr(p, side)) for p in (a, b)]) for side in ("left_ids", "right_ids")}
    label = np.concatenate([a.label, b.label])
    return Pairs(**ends, label=label, left_source=sources("left_source"), right_source=sources("right_source"))


def _plain(ids: pa.Array) -> pa.Array:
    return ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids


def known_pairs(records: Records, pairs: Pairs) -> tuple[Pairs, npt.NDArray[np.intp]]:
    """The pairs whose rows are both there, and which ones (from 0) are not; most of them missing is an error."""
    left, right = look_up(records, pairs)
    unknown = np.flatnonzero((left < 0) | (right < 0))
    if not len(unknown):
        return pairs, unknown
    if len(unknown) > MOST_UNKNOWN * len(pairs):
        positions(records, pairs)  # raises, and shows what ids look like
    return some_pairs(pairs, np.flatnonzero((left >= 0) & (right >= 0))), unknown


def some_pairs(pairs: Pairs, rows: npt.NDArray[np.intp]) -> Pairs:
    """The pairs in these rows."""
    at = pa.array(rows, pa.int64())
    return replace(
        pairs,
        left_ids=pairs.left_ids.take(at),
        right_ids=pairs.right_ids.take(at),
        score=None if pairs.score is None else pairs.score[rows],
        label=None if pairs.label is None else pairs.label[rows],
        left_source=None if pairs.left_source is None else pairs.left_source.take(at),
        right_source=None if pairs.right_source is None else pairs.right_source.take(at),
        verdict=None if pairs.verdict is None else pairs.verdict.take(at),
    )


def check_enough(labelled: Labelled) -> None:
    """Raise `InputError` where there is too little to learn from."""
    label = labelled.judged.label
    but = f" ({len(labelled.set_aside):,} more name unknown rows)" if labelled.set_aside else ""
    if len(label) < FEWEST:
        raise InputError(
            f"{len(label)} labelled pairs are too few{but}; give at least {FEWEST}, matches and others, "
            f"or leave labels out: the matcher that ships needs none"
        )
    if len(np.unique(label)) < 2:
        said = "match" if label[0] == 1 else "not"
        other = "not" if label[0] == 1 else "match"
        raise InputError(
            f"all {len(label):,} labels say {said!r}{but}; both answers are needed to learn from them: "
            f"add pairs labelled {other!r}"
        )


def _unknown_in_words(records: Records, labels: Pairs, unknown: npt.NDArray[np.intp]) -> str:
    first = int(unknown[0])
    ends = f"{labels.left_ids[first].as_py()!r}, {labels.right_ids[first].as_py()!r}"
    one = len(unknown) == 1
    return (
        f"{len(unknown):,} of {len(labels):,} labels{f' in {labels.name}' if labels.name else ''} "
        f"{'names a row that is' if one else 'name rows that are'} not in {' and '.join(records.sources)} "
        f"and {'was' if one else 'were'} set aside: {listed(unknown.tolist())}; "
        f"{'it' if one else 'the first'} names {ends}"
    )


def listed(rows: Sequence[int]) -> str:
    """Row numbers as people count, from 1: `rows 3, 8 and 4 more`."""
    shown = ", ".join(f"{row + 1:,}" for row in rows[:_SHOWN])
    more = f" and {len(rows) - _SHOWN:,} more" if len(rows) > _SHOWN else ""
    return f"{'row' if len(rows) == 1 else 'rows'} {shown}{more}"
