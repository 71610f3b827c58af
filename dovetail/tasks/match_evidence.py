"""Contributions of columns as explanations: gathered by attribute, beside the values that they come from."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dovetail.tasks.match_trees import with_column
from dovetail.tasks.trees import Trees, probabilities
from dovetail.types import AttributeEvidence, Candidates, Explanation

if TYPE_CHECKING:
    from dovetail.tasks.compare import Comparer
    from dovetail.types import Floats


def tree_contributions(portable: Trees, own: Trees | None, values: npt.NDArray[np.float32]) -> tuple[Floats, float]:
    """What each comparison (m, f) adds to the log-odds, (m, f), or (m, f + 1) with what the shipped score adds.

    Where trees only mend the shipped score, it is taken apart into the comparisons that it comes from.
    """
    shipped = values[:, : len(portable.names)]
    if own is None:
        return portable.contributions(shipped)
    start = portable.log_odds(shipped)
    added, base = own.contributions(with_column(values, start))
    if own.base:
        parts, ground = portable.contributions(shipped)
        share = own.base * own.slope
        added[:, : parts.shape[1]] += share * parts
        added[:, -1] -= share * start
        base += share * ground
    return added, base


def explanations(
    comparer: Comparer,
    pairs: Candidates,
    similarity: npt.NDArray[np.float32],
    groups: tuple[str, ...],
    added: Floats,
    base: float | Floats,
) -> list[Explanation]:
    """What each attribute added to the log-odds (m, f) of each pair, with the values that it was read from.

    `groups` (f,) names the attribute of each column, `similarity` (m, attributes) goes as the comparer's attributes.
    """
    columns: dict[str, list[int]] = defaultdict(list)
    for column, group in enumerate(groups):
        columns[group].append(column)
    by_group = {group: added[:, chosen].sum(axis=1) for group, chosen in columns.items()}
    score = probabilities(added.sum(axis=1) + base)
    bases = np.broadcast_to(np.asarray(base, dtype=np.float64), (len(pairs),))
    order = {c.attribute.name: i for i, c in enumerate(comparer.attributes)}
    cells = {name: _cells(comparer.records.original[name], pairs) for name in order}
    found = []
    for row in range(len(pairs)):
        a, b = int(pairs.left[row]), int(pairs.right[row])
        evidence = [
            _evidence(group, values[row], cells, order, similarity[row], row) for group, values in by_group.items()
        ]
        silent = [name for name in order if name not in by_group]
        evidence += [_evidence(name, 0.0, cells, order, similarity[row], row) for name in silent]
        found.append(Explanation(a, b, float(score[row]), float(bases[row]), tuple(evidence)))
    return found


def _evidence(
    group: str,
    importance: float,
    cells: dict[str, tuple[list[str | None], list[str | None]]],
    order: dict[str, int],
    similarity: npt.NDArray[np.float32],
    row: int,
) -> AttributeEvidence:
    if group not in order:
        return AttributeEvidence(group, None, None, None, float(importance))
    alike = similarity[order[group]]
    left, right = (side[row] for side in cells[group])
    return AttributeEvidence(group, left, right, None if np.isnan(alike) else float(alike), float(importance))


def _cells(column: pa.ChunkedArray, pairs: Candidates) -> tuple[list[str | None], list[str | None]]:
    left, right = (column.take(pa.array(rows)).to_pylist() for rows in (pairs.left, pairs.right))
    return left, right
