"""Estimates with their 95 % intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.errors import InputError
from dovetail.types import Interval

if TYPE_CHECKING:
    import numpy.typing as npt

_Z = 1.959963984540054  # two-sided 95 % of the normal distribution


def wilson(hits: float, n: float) -> Interval:
    """The share `hits` / `n` with Wilson's score interval; with n = 0 nothing is known: value 0, from 0 to 1.

    Holds its 95 % well from about ten trials on, and never leaves [0, 1].
    """
    _check_counts(hits, n)
    if n == 0:
        return Interval(0.0, 0.0, 1.0)
    share, z2 = hits / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * float(np.sqrt(share * (1 - share) / n + z2 / (4 * n * n)))
    return Interval(share, min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half)))


def exact(hits: float, n: float) -> Interval:
    """The share with the interval of Clopper and Pearson: never less than 95 % sure, so rather wide for small n."""
    from scipy.stats import beta

    _check_counts(hits, n)
    if n == 0:
        return Interval(0.0, 0.0, 1.0)
    low = float(beta.ppf(0.025, hits, n - hits + 1)) if hits > 0 else 0.0
    high = float(beta.ppf(0.975, hits + 1, n - hits)) if hits < n else 1.0
    return Interval(hits / n, low, high)


def f1_interval(hits: float, wrong: float, missed: float) -> Interval:
    """F1 from the counts of true positives, false positives and false negatives.

    F1 = 2J / (1 + J) where J = hits / (hits + wrong + missed) is a share, so Wilson's interval of J carries over.
    """
    j = wilson(hits, hits + wrong + missed)
    return Interval(*(2 * x / (1 + x) for x in (j.value, j.low, j.high)))


def bootstrap(
    statistic: Callable[[npt.NDArray[np.intp]], float], n: int, *, seed: int = 0, rounds: int = 1000
) -> Interval:
    """A statistic of n samples with its percentile interval over resamples.

    `statistic` takes positions (n,) into the samples, with repetition, and gives a number.
    """
    if n < 1:
        raise InputError("a bootstrap needs at least one sample")
    random = np.random.default_rng(seed)
    values = [statistic(random.integers(0, n, n)) for _ in range(rounds)]
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(statistic(np.arange(n)), float(low), float(high))


def paired_bootstrap(
    first: npt.NDArray[Any], second: npt.NDArray[Any], *, seed: int = 0, rounds: int = 1000
) -> Interval:
    """Mean of `first` − `second`, measured on the same n samples, with its interval.

    An interval that holds 0 says that the samples cannot tell the two apart.
    """
    if len(first) != len(second):
        raise InputError(f"paired samples differ in number: {len(first)} and {len(second)}")
    gap = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    return bootstrap(lambda at: float(gap[at].mean()), len(gap), seed=seed, rounds=rounds)


def _check_counts(hits: float, n: float) -> None:
    if not 0 <= hits <= n:
        raise InputError(f"{hits} hits of {n} trials cannot be; expected 0 ≤ hits ≤ trials")
