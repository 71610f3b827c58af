"""What a search gives where nothing is near: filled up in the way that all stores promise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def empty_answers(queries: int, k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Keys -1 and cosines -inf, (queries, k) each."""
    return np.full((queries, k), -1, np.int64), np.full((queries, k), -np.inf, np.float32)
