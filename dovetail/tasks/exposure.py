"""Which records and pairs a model has seen in training, by hashes of their text: their text itself is never kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dovetail.errors import InputError
from dovetail.tables.atomic import replace_file
from dovetail.tables.fingerprint import pair_hashes, record_hashes
from dovetail.types import Candidates, Records

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.tables.fingerprint import Hashes

FILE = "seen.safetensors"
EXPOSURES = {"seen": 2, "half_seen": 1, "unseen": 0}  # how many records of a pair were seen in training


@dataclass(frozen=True)
class Seen:
    """Hashes of the records and pairs that labels spoke of: sorted, each once."""

    records: Hashes
    pairs: Hashes

    @classmethod
    def of(cls, records: Records, pairs: Candidates) -> Seen:
        """What these labelled pairs show a model."""
        hashes = record_hashes(records)
        left, right = hashes[pairs.left], hashes[pairs.right]
        return cls(np.unique(np.concatenate([left, right])), np.unique(pair_hashes(left, right)))

    @classmethod
    def nothing(cls) -> Seen:
        """Of a model that was trained on no labels of its own."""
        return cls(np.zeros(0, np.uint64), np.zeros(0, np.uint64))

    def exposure(self, records: Records, pairs: Candidates) -> npt.NDArray[np.int8]:
        """How many records of each pair were seen, (m,) of 0, 1 or 2."""
        known = np.isin(record_hashes(records), self.records)
        return known[pairs.left].astype(np.int8) + known[pairs.right].astype(np.int8)

    def repeats(self, records: Records, pairs: Candidates) -> npt.NDArray[np.bool_]:
        """Whether each pair says what a labelled pair said, (m,)."""
        hashes = record_hashes(records)
        return np.isin(pair_hashes(hashes[pairs.left], hashes[pairs.right]), self.pairs)

    def save(self, folder: Path) -> None:
        """Write the hashes."""
        from safetensors.numpy import save

        with replace_file(folder / FILE) as beside:
            beside.write_bytes(save({"records": self.records, "pairs": self.pairs}, {"format": "1"}))

    @classmethod
    def load(cls, folder: Path) -> Seen:
        """Read what `save` wrote."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            found = load((folder / FILE).read_bytes())
            return cls(found["records"], found["pairs"])
        except (OSError, SafetensorError, KeyError) as error:
            raise InputError(f"{folder / FILE} is missing or damaged ({error}); train the model again") from None


def both_ways(records: Records, pairs: Candidates, label: npt.NDArray[np.int8]) -> int:
    """How many labelled pairs say the same as another pair that is labelled the other way."""
    hashes = record_hashes(records)
    _, same = np.unique(pair_hashes(hashes[pairs.left], hashes[pairs.right]), return_inverse=True)
    same = same.reshape(-1)
    yes, no = np.bincount(same, weights=label == 1), np.bincount(same, weights=label == 0)
    return int(((yes > 0) & (no > 0))[same].sum()) if len(label) else 0
