"""Whether sources repeat themselves: what settles how pairs become entities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dovetail.integrate.cluster_graph import log_odds
from dovetail.measure.percent import percent

if TYPE_CHECKING:
    from dovetail.types import Decisions, Floats, Records

_REPEATS = 0.2  # share of matched records with a twin from which a source counts as repeating itself
_SLACK = 1.0  # log-odds: how much weaker than the match itself the ties to a twin may be


@dataclass(frozen=True)
class Repeats:
    """What was found about each source.

    A twin of a matched record is its closest record in its own source, if that is about as close to it as the match
    is, and about as close to the match as it is itself. Three records of one entity look like that; two similar
    goods and their match do not.
    """

    share: Floats  # (sources,) of the matched records, how many have a twin
    matched: npt.NDArray[np.int64]  # (sources,) records whose best partner in another source has them as its best
    compared_within: bool  # whether pairs inside one source were scored


def repeats(records: Records, decisions: Decisions) -> Repeats:
    """Look for records of one source that share their match in another one."""
    n, sources = len(records), len(records.sources)
    line = log_odds(np.array([decisions.threshold]))[0]
    odds = log_odds(decisions.score)
    source = records.source
    across = source[decisions.candidates.left] != source[decisions.candidates.right]
    compared = bool((~across).any())
    kept = odds >= line - _SLACK
    left, right, odds, across = (x[kept] for x in (decisions.candidates.left, decisions.candidates.right, odds, across))
    partner, tie = _closest(n, left[across], right[across], odds[across])
    twin, pull = _closest(n, left[~across], right[~across], odds[~across])
    here = np.flatnonzero((partner >= 0) & (partner[partner] == np.arange(n)) & (tie >= line))
    doubtful = here[(twin[here] >= 0) & (pull[here] >= tie[here] - _SLACK)]
    third = _between(n, left, right, odds, partner[doubtful], twin[doubtful])
    doubled = doubtful[third >= tie[doubtful] - _SLACK]
    matched = np.bincount(source[here], minlength=sources)
    share = np.bincount(source[doubled], minlength=sources) / np.maximum(matched, 1)
    return Repeats(share, matched, compared)


def choose(evidence: Repeats, records: Records) -> tuple[str, str]:
    """The way of clustering that fits, and one sentence why."""
    if len(records.sources) < 2:
        return "correlation", (
            "One source, so any number of its records may be one entity: correlation clustering, which weighs all "
            "scored pairs of a group against each other."
        )
    worst = int(np.argmax(evidence.share))
    share, name = float(evidence.share[worst]), records.sources[worst]
    if not evidence.compared_within:
        return (
            "one-to-one",
            "No source was searched for duplicates of its own: an entity holds one record of each source.",
        )
    if share < _REPEATS:
        return "one-to-one", (
            f"No source seems to repeat itself ({percent(share, 0)} of the matched records of {name!r}, at most, have "
            "a twin there): an entity holds one record of each source."
        )
    return "correlation", (
        f"{name!r} repeats itself ({percent(share, 0)} of its matched records have a twin there): correlation "
        "clustering, which lets an entity hold several records of one source."
    )


def _closest(
    n: int, left: npt.NDArray[Any], right: npt.NDArray[Any], odds: Floats
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Each record's closest partner (n,), -1 where it has none, and how close it is."""
    node, other, close = np.concatenate([left, right]), np.concatenate([right, left]), np.concatenate([odds, odds])
    order = np.lexsort((-other, close))  # the last one written stays: the closest, among equals the first
    partner, tie = np.full(n, -1, np.int64), np.full(n, -np.inf)
    partner[node[order]] = other[order]
    tie[node[order]] = close[order]
    return partner, tie


def _between(
    n: int,
    left: npt.NDArray[Any],
    right: npt.NDArray[Any],
    odds: Floats,
    a: npt.NDArray[np.int64],
    b: npt.NDArray[np.int64],
) -> Floats:
    """(k,) how close the records a and b are; minus infinity where they were not scored. Pairs are sorted."""
    wanted = np.minimum(a, b) * n + np.maximum(a, b)
    keys = left.astype(np.int64) * n + right
    at = np.searchsorted(keys, wanted)
    found = at < len(keys)
    found[found] = keys[at[found]] == wanted[found]
    close = np.full(len(a), -np.inf)
    close[found] = odds[at[found]]
    return close
