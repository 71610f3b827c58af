"""When to stop: what the next labels will probably bring, read off the learning curve so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dovetail.errors import InputError
from dovetail.types import Interval

if TYPE_CHECKING:
    from dovetail.types import Floats

_EARLY = 25  # labels by which every curve is moved to the right, so that it is finite at none
_RATES = np.geomspace(0.2, 2.0, 12)  # how quickly curves of this kind flatten
_DRAWS = 500  # curves a rate
_END, _GAP = (0.85, 0.2), (0.2, 0.3)  # what is believed of the end and of the way there, before anything is measured
_NARROWEST = 0.003  # no measurement is taken for surer than this, in F1
_FEWEST = 3  # measurements, before stopping is advised
_Z = 1.959963984540054


@dataclass(frozen=True)
class Forecast:
    """What more labels will probably bring. F1 and gains are fractions: 0.01 is one point."""

    labels: int  # given so far
    now: Interval  # F1 with them, smoothed by the curve
    gain: Interval  # of the next `ahead` labels
    ahead: int
    ceiling: Interval  # where the curve ends
    for_a_point: int | None  # more labels for one more point of F1; None where it is not to be expected
    stop: bool  # whether more labels of this kind no longer pay
    advice: str  # the same in one sentence


def forecast(
    labels: Sequence[int], f1: Sequence[Interval], *, ahead: int = 25, worth: float = 0.0025, point: float = 0.01
) -> Forecast:
    """What the next `ahead` labels will probably bring, from F1 measured at several numbers of labels.

    Learning curves follow an inverse power law, F1(n) = end - gap * (n0 / n) ^ rate (Figueroa et al. 2012). Many such
    curves are drawn as the measurements and their intervals allow; the forecast is their mean, its interval holds
    95 % of them. Labels no longer pay where `ahead` of them are expected to bring less than `worth`, and hardly twice
    as much. `point` is what one point means.
    """
    n, value, spread = _measured(labels, f1)
    end, gap, rate, weight = _curves(n, value, spread)
    base, last = n[0] + _EARLY, n[-1] + _EARLY
    now, then = (end - gap * (base / x) ** rate for x in (last, last + ahead))
    room = end - now - point
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = np.where(room > 0, base * (gap / room) ** (1 / rate) - last, np.inf)
    gain = _weighted(then - now, weight)
    stop = len(n) >= _FEWEST and gain.value < worth and gain.high < 2 * worth
    more = float(_quantiles(needed, weight, (0.5,))[0])
    for_a_point = int(np.ceil(max(more, 1))) if more < 20 * last else None
    advice = _advice(len(n), for_a_point, gain, ahead, stop=stop)
    return Forecast(int(n[-1]), _weighted(now, weight), gain, ahead, _weighted(end, weight), for_a_point, stop, advice)


def _measured(labels: Sequence[int], f1: Sequence[Interval]) -> tuple[Floats, Floats, Floats]:
    if not len(labels) or len(labels) != len(f1):
        raise InputError(
            f"there are {len(f1)} measurements of F1 for {len(labels)} numbers of labels; give one for each number of "
            f"labels, and at least one"
        )
    order = np.argsort(np.asarray(labels), kind="stable")
    n = np.asarray(labels, np.float64)[order]
    bounds = np.array([(i.value, i.low, i.high) for i in f1], np.float64)[order]
    if n[0] < 0 or not np.isfinite(bounds).all():
        raise InputError("numbers of labels must be 0 or more, and each F1 a number with its interval")
    return n, bounds[:, 0], np.maximum((bounds[:, 2] - bounds[:, 1]) / (2 * _Z), _NARROWEST)


def _curves(n: Floats, value: Floats, spread: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """End, gap, rate and weight of many curves, (g,) each, drawn as likely as the measurements make them.

    For one rate the curve is linear in end and gap, so what is known of them is a normal distribution, exactly; rates
    weigh as they explain the measurements. Falling curves and those that pass 1 weigh nothing.
    """
    normal = np.random.default_rng(0).standard_normal((_DRAWS, 2))
    drawn, weights = [], []
    prior = np.diag([_END[1] ** -2, _GAP[1] ** -2])
    for rate in _RATES:
        design = np.stack([np.ones(len(n)), -(((n[0] + _EARLY) / (n + _EARLY)) ** rate)], axis=1)
        known = prior + (design / spread[:, None] ** 2).T @ design
        centre = np.linalg.solve(known, prior @ (_END[0], _GAP[0]) + design.T @ (value / spread**2))
        off = np.sum(((value - design @ centre) / spread) ** 2)
        off += (centre - (_END[0], _GAP[0])) @ prior @ (centre - (_END[0], _GAP[0]))
        weights.append(-0.5 * (off + np.linalg.slogdet(known)[1]))
        drawn.append(centre + np.linalg.solve(np.linalg.cholesky(known).T, normal.T).T)
    end, gap = np.concatenate(drawn).T
    weight = np.repeat(np.exp(np.array(weights) - max(weights)), _DRAWS)
    rises = (gap >= 0) & (end <= 1)
    if not rises.any():  # measurements that fall: the curve is taken for flat
        return np.minimum(end, 1), np.zeros(len(gap)), np.repeat(_RATES, _DRAWS), weight
    return end, gap, np.repeat(_RATES, _DRAWS), weight * rises


def _weighted(value: Floats, weight: Floats) -> Interval:
    low, high = _quantiles(value, weight, (0.025, 0.975))
    return Interval(float(value @ weight / weight.sum()), float(low), float(high))


def _quantiles(value: Floats, weight: Floats, shares: tuple[float, ...]) -> Floats:
    order = np.argsort(value, kind="stable")
    below = np.cumsum(weight[order])
    at = np.minimum(np.searchsorted(below, np.array(shares) * below[-1]), len(value) - 1)
    return np.asarray(value[order][at])


def _advice(measured: int, for_a_point: int | None, gain: Interval, ahead: int, *, stop: bool) -> str:
    bring = f"the next {ahead} should bring {_points(gain.value)} points ({_points(gain.low)} to {_points(gain.high)})"
    if measured < _FEWEST:
        return f"too early to say: measured {'once' if measured == 1 else f'{measured} times'} so far; {bring}"
    if stop:
        return f"more labels of this kind no longer pay: {bring}"
    if for_a_point is None:
        return f"one more point of F1 is not to be expected soon: {bring}"
    return f"about {_round(for_a_point):,} more labels for one more point of F1; {bring}"


def _points(share: float) -> str:
    return f"{100 * share:.1f}"


def _round(labels: int) -> int:
    """To what a person says: 7, 40, 250."""
    step = 1 if labels < 10 else 5 if labels < 50 else 10 if labels < 200 else 50
    return max(1, round(labels / step) * step)
