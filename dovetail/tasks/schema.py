"""Which columns of two tables mean the same: from their names, kinds and values, as a 1-to-1 assignment."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dovetail.encoders.base import load_encoder
from dovetail.errors import InputError, UnknownName
from dovetail.tasks.schema_names import compare_names
from dovetail.tasks.schema_values import Column, compare_values
from dovetail.types import Table

if TYPE_CHECKING:
    Matrix = npt.NDArray[np.float64]

# What the signs of two columns weigh in log-odds; learnt by scripts/train_schema_matcher.py.
WEIGHTS = Path(__file__).parent.parent / "data" / "schema_matcher.json"
WEIGHTS_FORMAT = 1


@dataclass(frozen=True)
class ColumnMatch:
    """Two columns that correspond. `score` is in [0, 1]; `name` and `values` say what it rests on, each in [0, 1]."""

    left: str
    right: str
    score: float
    name: float
    values: float
    given: bool = False  # a person said so


@dataclass(frozen=True)
class ColumnMapping:
    """The corresponding columns of two tables, and those that stayed alone."""

    matches: tuple[ColumnMatch, ...]
    left_alone: tuple[str, ...]
    right_alone: tuple[str, ...]

    def right_of(self, left: str) -> str | None:
        """The right column that corresponds to a left one, if any."""
        return next((m.right for m in self.matches if m.left == left), None)


class SchemaMatcher:
    """Finds the corresponding columns of two tables.

    A pair is proposed where its score exceeds `threshold`, a probability; the assignment as a whole is the likeliest.
    """

    def __init__(self, *, threshold: float = 0.5) -> None:
        self.threshold = threshold

    def predict(self, left: Table, right: Table, *, given: Mapping[str, str] | None = None) -> ColumnMapping:
        """The mapping from left to right columns; pairs in `given` (left name: right name) are taken as said."""
        given = _checked(given or {}, left, right)
        a = [c for c in left.columns if c not in given and c != left.id_column]
        b = [c for c in right.columns if c not in given.values() and c != right.id_column]
        found = [ColumnMatch(x, y, 1.0, 1.0, 1.0, given=True) for x, y in given.items()]
        found += _assign([Column(c, left.data[c]) for c in a], [Column(c, right.data[c]) for c in b], self.threshold)
        order = {c: i for i, c in enumerate(left.columns)}
        found.sort(key=lambda m: order[m.left])
        used_left, used_right = {m.left for m in found}, {m.right for m in found}
        return ColumnMapping(
            tuple(found),
            tuple(c for c in left.columns if c not in used_left),
            tuple(c for c in right.columns if c not in used_right),
        )

    def save(self, folder: str | Path) -> Path:
        """Write the settings into `folder`; there is no learned state."""
        path = Path(folder) / "schema.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"format": 1, "threshold": self.threshold}), encoding="utf-8")
        return path

    @classmethod
    def load(cls, folder: str | Path) -> SchemaMatcher:
        """Read what `save` wrote."""
        path = Path(folder) / "schema.json"
        if not path.is_file():
            raise InputError(f"{folder} holds no schema matcher; expected a file schema.json that `save` wrote")
        return cls(threshold=float(json.loads(path.read_text(encoding="utf-8"))["threshold"]))


def _checked(given: Mapping[str, str], left: Table, right: Table) -> dict[str, str]:
    for a, b in given.items():
        if a not in left.columns:
            raise UnknownName("column", a, left.columns, left.name)
        if b not in right.columns:
            raise UnknownName("column", b, right.columns, right.name)
    twice = [b for b, times in Counter(given.values()).items() if times > 1]
    if twice:
        raise InputError(f"column {twice[0]!r} of {right.name} is mapped twice; map each column to one other")
    return dict(given)


def _assign(left: Sequence[Column], right: Sequence[Column], threshold: float) -> list[ColumnMatch]:
    from scipy.optimize import linear_sum_assignment

    if not left or not right:
        return []
    found = signs(left, right)
    names, values = found["name"], found["values"]
    odds = _log_odds(found)
    scores = 1.0 / (1.0 + np.exp(-odds))
    gain = np.maximum(odds - np.log(threshold / (1.0 - threshold)), 0.0)
    rows, columns = linear_sum_assignment(-gain)
    return [
        ColumnMatch(left[i].name, right[j].name, float(scores[i, j]), float(names[i, j]), float(values[i, j]))
        for i, j in zip(rows, columns, strict=True)
        if gain[i, j] > 0
    ]


def signs(left: Sequence[Column], right: Sequence[Column]) -> dict[str, Matrix]:
    """All that is compared of each left and right column: matrices (left, right), most in [0, 1].

    `name` and `values` sum up either side; a lead says by how much a pair is ahead of its best rival, in [-1, 1].
    """
    encoder = load_encoder()
    names = compare_names([c.name for c in left], [c.name for c in right], encoder)
    values = compare_values(left, right, encoder)
    found = names | values | {"name": _name_in_all(names), "values": _values_in_all(values)}
    leads = {"name lead": lead(found["name"]), "values lead": lead(found["values"])}
    speechless = {
        "values alone": found["anonymous"] * found["values"],
        "values lead alone": found["anonymous"] * leads["values lead"],
    }
    return found | leads | speechless


def _name_in_all(names: Mapping[str, Matrix]) -> Matrix:
    shares = {"equal": 1.0, "words": 0.95, "short": 0.9, "bare": 0.8, "letters": 0.8, "meaning": 0.7}
    return np.asarray(np.maximum.reduce([share * names[f"name {sign}"] for sign, share in shares.items()]))


def _values_in_all(values: Mapping[str, Matrix]) -> Matrix:
    spread = np.where(values["numbers"] > 0, values["same spread"], values["same words"])
    parts = [values[f"same {sign}"] for sign in ("cells", "words", "shapes", "meaning", "kind")]
    return np.asarray(np.mean([*parts, spread], axis=0))


def lead(matrix: Matrix) -> Matrix:
    """By how much each cell is above the best other cell of its row and of its column (0 where there is none)."""
    return np.asarray(matrix - np.maximum(_best_other(matrix), _best_other(matrix.T).T))


def _best_other(matrix: Matrix) -> Matrix:
    if matrix.shape[1] < 2:
        return np.zeros_like(matrix)
    ordered = np.sort(matrix, axis=1)
    first, second = ordered[:, -1:], ordered[:, -2:-1]
    return np.asarray(np.where(matrix == first, second, first))


def _log_odds(found: Mapping[str, Matrix]) -> Matrix:
    weights, base = _weights()
    total = np.full_like(found["name"], base)
    for sign, weight in weights.items():
        total += weight * found[sign]
    return total


@cache
def _weights() -> tuple[dict[str, float], float]:
    said = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    if said["format"] != WEIGHTS_FORMAT:
        raise InputError(f"{WEIGHTS} has format {said['format']}, expected {WEIGHTS_FORMAT}; install dovetail again")
    return said["weights"], said["base"]
