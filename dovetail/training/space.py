"""What a search may choose: ranges with their defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dovetail.errors import InputError


@dataclass(frozen=True)
class Real:
    """A number from `low` to `high`; `log`: its order of magnitude is searched."""

    low: float
    high: float
    default: float
    log: bool = False

    def distribution(self) -> Any:
        """As Optuna names it."""
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, log=self.log)

    def holds(self, value: Any) -> bool:
        """Whether a value lies in the range."""
        return bool(self.low <= value <= self.high)


@dataclass(frozen=True)
class Whole:
    """A whole number from `low` to `high`, both included."""

    low: int
    high: int
    default: int
    log: bool = False

    def distribution(self) -> Any:
        """As Optuna names it."""
        from optuna.distributions import IntDistribution

        return IntDistribution(self.low, self.high, log=self.log)

    def holds(self, value: Any) -> bool:
        """Whether a value lies in the range."""
        return isinstance(value, int) and self.low <= value <= self.high


@dataclass(frozen=True)
class OneOf:
    """One of a few values."""

    values: tuple[str | int | float | bool | None, ...]
    default: str | int | float | bool | None

    def distribution(self) -> Any:
        """As Optuna names it."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)

    def holds(self, value: Any) -> bool:
        """Whether it is one of them."""
        return value in self.values


@dataclass(frozen=True)
class Space:
    """Ranges by name. `recipe` says what else settles a loss (data, other settings): another one is another search."""

    ranges: Mapping[str, Real | Whole | OneOf]
    recipe: str = ""

    def __post_init__(self) -> None:
        if not self.ranges:
            raise InputError("there is nothing to search: no range was given")
        for name, one in self.ranges.items():
            if not one.holds(one.default):
                raise InputError(f"the default of {name} is {one.default}, which is outside of its range {one}")

    @property
    def defaults(self) -> dict[str, Any]:
        """The default of each."""
        return {name: one.default for name, one in self.ranges.items()}

    def distributions(self) -> dict[str, Any]:
        """As Optuna names them."""
        return {name: one.distribution() for name, one in self.ranges.items()}


def listed(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as lines of text: the first column to the left, the others to the right."""
    wide = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(w) if not i else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, wide, strict=True)))
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)
