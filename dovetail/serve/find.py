"""Rows that answer a query, by words and by meaning together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dovetail.encoders.base import load_encoder
from dovetail.errors import WorkspaceError
from dovetail.serve.nearest import ENCODER

if TYPE_CHECKING:
    from dovetail.serve.room import Room
    from dovetail.serve.tables import View

_DEPTH = 100
_RANK = 60.0  # reciprocal rank fusion (Cormack et al. 2009)


def search(room: Room, view: View, query: str, k: int) -> list[tuple[int, float]]:
    """The k best rows of a table, and how good they are, in (0, 1]; by words alone while meaning is being indexed."""
    score: dict[int, float] = {}
    for rank, row in enumerate(room.indexes.of(view).best(query, _DEPTH)):
        score[row] = score.get(row, 0.0) + 1 / (_RANK + rank)
    near = room.nearest.of(view)
    try:
        near.ensure()
    except WorkspaceError:
        pass
    else:
        vector = load_encoder(ENCODER).encode([query])[0]
        rows, cosine = near.rows_near(np.asarray(vector, np.float32), _DEPTH)
        for rank, (row, like) in enumerate(zip(rows.tolist(), cosine.tolist(), strict=True)):
            if like > 0:
                score[row] = score.get(row, 0.0) + 1 / (_RANK + rank)
    best = sorted(score, key=lambda row: (-score[row], row))[:k]
    return [(row, min(1.0, score[row] * _RANK / 2)) for row in best]
