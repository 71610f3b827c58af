"""The forecast of a learning curve: true gains lie in its interval, and flat curves say stop."""

from __future__ import annotations

import numpy as np
import pytest

from dovetail.errors import InputError
from dovetail.labels.stop import forecast
from dovetail.types import Interval


def measured(values: np.ndarray, spread: float) -> list[Interval]:
    return [Interval(v, v - 1.96 * spread, v + 1.96 * spread) for v in values.tolist()]


def curve(n: np.ndarray, start: float = 0.55, end: float = 0.9, rate: float = 0.6) -> np.ndarray:
    return end - (end - start) * ((n[0] + 25) / (n + 25)) ** rate


def test_the_gain_of_the_next_labels_lies_in_the_interval() -> None:
    rng = np.random.default_rng(0)
    inside, off = [], []
    for _ in range(100):
        end, rate = rng.uniform(0.75, 0.97), rng.uniform(0.3, 1.2)
        n = np.arange(0, 176, 25)
        truth = curve(n.astype(float), end - rng.uniform(0.05, 0.4), end, rate)
        said = forecast(n[:-1].tolist(), measured(truth[:-1] + rng.normal(0, 0.01, len(n) - 1), 0.01))
        gain = truth[-1] - truth[-2]
        inside.append(said.gain.low <= gain <= said.gain.high)
        off.append(abs(said.gain.value - gain))
    assert np.mean(inside) > 0.93
    assert np.mean(off) < 0.006


def test_labels_for_a_point_are_about_right() -> None:
    n = np.arange(0, 301, 25).astype(float)
    said = forecast(n.astype(int).tolist(), measured(curve(n), 0.003))
    fine = np.r_[0.0, np.arange(300, 900)]
    needed = int(np.argmax(curve(fine)[1:] > curve(fine)[1] + 0.01))
    assert said.for_a_point is not None
    assert 0.6 * needed < said.for_a_point < 1.6 * needed
    assert not said.stop
    assert said.advice.startswith("about ")
    assert "more labels for one more point" in said.advice


def test_a_flat_curve_says_that_labels_no_longer_pay() -> None:
    said = forecast([50, 100, 150, 200, 250], measured(np.full(5, 0.9), 0.005))
    assert said.stop
    assert said.gain.value < 0.003
    assert said.advice.startswith("more labels of this kind no longer pay")
    assert said.now.value == pytest.approx(0.9, abs=0.01)


def test_a_rising_curve_does_not() -> None:
    said = forecast([0, 25, 50, 75], measured(np.array([0.5, 0.6, 0.67, 0.72]), 0.03))
    assert not said.stop
    assert said.gain.low >= 0
    assert said.gain.value > 0.01


def test_a_falling_curve_is_taken_for_flat() -> None:
    said = forecast(list(range(0, 500, 50)), measured(np.linspace(0.9, 0.5, 10), 0.004))
    assert said.stop
    assert said.gain.value == pytest.approx(0, abs=1e-3)
    assert said.for_a_point is None


def test_one_measurement_is_too_early_and_wide() -> None:
    said = forecast([20], measured(np.array([0.6]), 0.05))
    assert not said.stop
    assert "too early" in said.advice
    assert said.gain.high - said.gain.low > 0.05


def test_noise_alone_never_stops_early() -> None:
    said = forecast([25, 50, 75], measured(np.array([0.7, 0.69, 0.7]), 0.05))
    assert not said.stop, "intervals of ten points cannot tell that the curve is flat"


def test_order_does_not_matter_and_repeats_count() -> None:
    one = forecast([0, 25, 50], measured(np.array([0.5, 0.6, 0.65]), 0.02))
    other = forecast([50, 0, 25], measured(np.array([0.65, 0.5, 0.6]), 0.02))
    assert one == other


@pytest.mark.parametrize("labels", [[], [1, 2]])
def test_lengths_that_differ_are_refused(labels: list[int]) -> None:
    with pytest.raises(InputError, match="for each number of labels"):
        forecast(labels, measured(np.array([0.5]), 0.1))
