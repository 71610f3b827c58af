"""Personalisation: what somebody clicked moves the ranking a little, by a vector that can be turned down and reset.

A profile is the mean of the vectors of the clicked documents, less the mean of all documents: what sets this person's
interests apart. Nothing is kept unless it is saved.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError
from dovetail.tables.atomic import replace_file

FORMAT = 1
_SHY = 3.0  # clicks after which a profile has half of its force

Vector = npt.NDArray[np.float32]


@dataclass
class Profile:
    """The interests of a person or a group. `dial` in [0, 1]: how much of the query's vector they may replace."""

    dial: float = 0.2
    clicked: list[str] = field(default_factory=list)  # ids of documents
    total: Vector | None = None  # (d,) sum of their vectors, each less the mean of all documents

    def __post_init__(self) -> None:
        if not 0 <= self.dial <= 1:
            raise InputError(f"the dial of a profile is {self.dial}; expected a number from 0 to 1")

    @property
    def strength(self) -> float:
        """How much of the query is replaced, from 0 up to the dial: few clicks say little."""
        return self.dial * len(self.clicked) / (len(self.clicked) + _SHY)

    def click(self, document: str, vector: Vector) -> None:
        """Take in one clicked document with its centred vector (d,)."""
        self.total = vector.copy() if self.total is None else self.total + vector
        self.clicked.append(document)

    def reset(self) -> None:
        """Forget everything."""
        self.clicked, self.total = [], None

    def moved(self, query: Vector) -> Vector:
        """The query's vector (d,) moved towards the interests; unit length."""
        if self.total is None or not self.strength or not self.total.any():
            return query
        if len(self.total) != len(query):
            raise InputError(
                f"this profile was made with vectors of {len(self.total)} dimensions, and the searcher has "
                f"{len(query)}; start a new profile"
            )
        interest = self.total / np.linalg.norm(self.total)
        mixed = (1 - self.strength) * query + self.strength * interest
        return np.asarray(mixed / max(float(np.linalg.norm(mixed)), 1e-9), np.float32)

    def describe(self) -> str:
        """What it does to the ranking, in words."""
        if not self.clicked:
            return "no profile: nobody's clicks move this ranking"
        return f"{len(self.clicked)} clicked documents replace {self.strength:.0%} of the meaning of the query"

    def save(self, path: str | Path) -> Path:
        """Write the profile to a file."""
        total = None if self.total is None else [round(float(v), 6) for v in self.total]
        note = {"format": FORMAT, "dial": self.dial, "clicked": self.clicked, "total": total}
        with replace_file(path) as beside:
            beside.write_text(json.dumps(note, ensure_ascii=False) + "\n", encoding="utf-8")
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> Profile:
        """Read what `save` wrote."""
        try:
            note = json.loads(Path(path).read_text(encoding="utf-8"))
            if note["format"] > FORMAT:
                raise InputError(f"{path} is of a newer format ({note['format']}); update dovetail")
            total = None if note["total"] is None else np.array(note["total"], np.float32)
            return cls(float(note["dial"]), list(note["clicked"]), total)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} holds no profile: {error}") from None
