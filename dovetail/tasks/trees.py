"""Gradient-boosted trees over comparisons, with calibrated probabilities and exact attributions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]
THREADS = 2


@dataclass(frozen=True)
class TreeSettings:
    """How trees are grown. With `base` they mend what the last column says already: that many times it is added."""

    rounds: int = 300
    leaves: int = 15
    learning_rate: float = 0.05
    least_rows: int = 20
    row_share: float = 0.8
    column_share: float = 0.5
    l2: float = 5.0
    seed: int = 0
    threads: int = THREADS
    base: float = 0.0

    def parameters(self, monotone: Sequence[int] | None) -> dict[str, Any]:
        """As LightGBM names them; two runs with one seed agree."""
        found: dict[str, Any] = {
            "objective": "binary",
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": self.least_rows,
            "bagging_fraction": self.row_share,
            "bagging_freq": 1,
            "feature_fraction": self.column_share,
            "lambda_l2": self.l2,
            "seed": self.seed,
            "num_threads": self.threads,
            "deterministic": True,
            "force_row_wise": True,
            "max_bin": 63,
            "verbosity": -1,
        }
        if monotone is not None and any(monotone):
            found |= {"monotone_constraints": list(monotone), "monotone_constraints_method": "basic"}
        return found


@dataclass(frozen=True)
class Trees:
    """A trained booster as text, and the straight line that calibrates its log-odds (Platt 1999).

    Its raw log-odds are those of the booster and `base` times the last column.
    """

    text: str
    names: tuple[str, ...]
    slope: float = 1.0
    offset: float = 0.0
    base: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def _booster(self) -> Any:
        import lightgbm as lgb

        return lgb.Booster(model_str=self.text)

    def log_odds(self, values: Matrix) -> Vector:
        """Calibrated log-odds of a match, (m,)."""
        if not len(values):
            return np.zeros(0)
        raw = np.asarray(self._booster.predict(values, raw_score=True, num_threads=THREADS), dtype=np.float64)
        if self.base:
            raw = raw + self.base * values[:, -1]
        return raw * self.slope + self.offset

    def contributions(self, values: Matrix) -> tuple[Vector, float]:
        """What each comparison adds to the calibrated log-odds (m, f), and the base; together they are the log-odds.

        Exact Shapley values of the trees (Lundberg et al. 2020). Calibration is a straight line, so it scales them.
        """
        raw = np.asarray(self._booster.predict(values, pred_contrib=True, num_threads=THREADS), dtype=np.float64)
        if self.base:
            raw[:, -2] += self.base * values[:, -1]
        return raw[:, :-1] * self.slope, float(raw[0, -1] * self.slope + self.offset)

    def gains(self) -> Vector:
        """How much each comparison lowered the loss wherever trees split by it, (f,)."""
        return np.asarray(self._booster.feature_importance("gain"), dtype=np.float64)

    def to_note(self) -> dict[str, Any]:
        """What is kept beside the text, as plain data; `read_trees` puts both together again."""
        note = {"names": self.names, "slope": self.slope, "offset": self.offset, "facts": self.facts}
        note["blake2b"] = _digest(self.text)
        return note | ({"base": self.base} if self.base else {})

    def calibrated(self, slope: float, offset: float) -> Trees:
        """The same trees with another line."""
        return replace(self, slope=slope, offset=offset)


def is_whole(text: str) -> bool:
    """Whether a booster's text holds every tree that its head announces.

    LightGBM ends the whole process where a tree is cut short, so this must be known before it reads the text.
    """
    head, first, _ = text.partition("Tree=0")
    sizes = re.search(r"^tree_sizes=([\d ]+)$", head, re.MULTILINE)
    if not first or sizes is None:
        return False
    end = len(head) + sum(map(int, sizes[1].split()))
    return text.startswith("end of trees", end)


def read_trees(path: Path, note: dict[str, Any]) -> Trees:
    """The trees whose text lies at `path`; raises `ValueError` where it is not what was saved."""
    text = _text(str(path), path.stat().st_mtime_ns)
    if note.get("blake2b", _digest(text)) != _digest(text):
        raise ValueError(f"{path.name} is not what was saved")
    return Trees(text, tuple(note["names"]), note["slope"], note["offset"], note.get("base", 0.0), note["facts"])


@lru_cache(maxsize=4)
def _text(path: str, changed: int) -> str:
    del changed
    text = Path(path).read_text(encoding="utf-8")
    if not is_whole(text):
        raise ValueError(f"{Path(path).name} is cut short")
    return text


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


def grow(
    values: Matrix,
    label: npt.NDArray[Any],
    names: Sequence[str],
    settings: TreeSettings,
    *,
    weight: Vector | None = None,
    monotone: Sequence[int] | None = None,
) -> Trees:
    """Train trees on comparisons (m, f) and labels (m,) of 0 and 1."""
    import lightgbm as lgb

    plain = [f"c{i}" for i in range(len(names))]  # LightGBM allows few characters in a name
    truth = label.astype(np.float64)
    start = settings.base * values[:, -1].astype(np.float64) if settings.base else None
    data = lgb.Dataset(values, label=truth, weight=weight, init_score=start, feature_name=plain, free_raw_data=True)
    booster = lgb.train(settings.parameters(monotone), data, num_boost_round=settings.rounds)
    return Trees(booster.model_to_string(), tuple(names), base=settings.base)


def probabilities(log_odds: Vector) -> Vector:
    """Log-odds as probabilities in [0, 1]."""
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -30, 30))))
