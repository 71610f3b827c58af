"""A share as people read it: `92.4 %`, the one form of the console, the reports and the page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dovetail.types import Interval


def percent(share: float, digits: int = 1) -> str:
    """A share in [0, 1], or a difference of two, with a blank before the sign; `unknown` for NaN."""
    return "unknown" if math.isnan(share) else f"{100 * share:.{digits}f} %"


def within(found: Interval, digits: int = 1) -> str:
    """A share with its interval: `92.4 % (90.1 to 94.0 %)`; `unknown` where nothing is known of it."""
    if math.isnan(found.value):
        return "unknown"
    return f"{percent(found.value, digits)} ({100 * found.low:.{digits}f} to {percent(found.high, digits)})"
