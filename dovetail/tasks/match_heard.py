"""What the networks said of pairs lately: a decision that is explained is not read a second time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from dovetail.tasks.match_experts import Expert
from dovetail.types import Candidates, Job, Records

Said = npt.NDArray[np.float64]


class Heard:
    """Asks experts about pairs, and keeps the last answers."""

    def __init__(self) -> None:
        self._kept: tuple[Records, tuple[Expert, ...], npt.NDArray[np.int64], Said] | None = None

    def said(self, records: Records, experts: Mapping[str, Expert], pairs: Candidates) -> Job[Said]:
        """Log-odds of each expert, (m, k)."""
        found = self.known(records, experts, pairs)
        fresh = np.flatnonzero(np.isnan(found).any(axis=1))
        if not len(fresh):
            return found
        some = Candidates(pairs.left[fresh], pairs.right[fresh])
        for column, expert in enumerate(experts.values()):
            found[fresh, column] = yield from expert.log_odds(records, some)
        keys = _keys(pairs)
        order = np.argsort(keys, kind="stable")
        self._kept = records, tuple(experts.values()), keys[order], found[order]
        return found

    def known(self, records: Records, experts: Mapping[str, Expert], pairs: Candidates) -> Said:
        """What was said lately, (m, k); NaN where nothing was."""
        found = np.full((len(pairs), len(experts)), np.nan)
        kept = self._kept
        if kept is None or kept[0] is not records or not _same(kept[1], tuple(experts.values())):
            return found
        keys = _keys(pairs)
        place = np.minimum(np.searchsorted(kept[2], keys), len(kept[2]) - 1)
        there = kept[2][place] == keys
        found[there] = kept[3][place[there]]
        return found


def _same(before: tuple[Expert, ...], now: tuple[Expert, ...]) -> bool:
    return len(before) == len(now) and all(a is b for a, b in zip(before, now, strict=True))


def _keys(pairs: Candidates) -> npt.NDArray[np.int64]:
    return pairs.left.astype(np.int64) << 32 | pairs.right
