"""Why a matcher decided as it did: what each attribute says, the labelled pairs most alike, what would turn it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.errors import InputError
from dovetail.tables.atomic import replace_file
from dovetail.tasks.explained import Change, smallest_change, to_dict, to_lines
from dovetail.types import Explanation

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.tasks.judged import Judged
    from dovetail.types import Records

FILE = "precedents.json"
VALUES = "precedents.safetensors"
MOST = 10_000  # labelled pairs that are kept to be shown as precedents


@dataclass(frozen=True)
class Precedent:
    """A labelled pair that the matcher weighs much like the one in question."""

    left_id: str
    right_id: str
    label: int  # 1 match, 0 not
    distance: float  # root mean square difference of what the attributes say, in log-odds; 0 for the same


@dataclass(frozen=True)
class Precedents:
    """What the attributes of labelled pairs say, to find those that resemble another pair.

    Pairs are near where the trees decide them for the same reasons: distances are taken between attributions, so an
    attribute counts as much as it moves the score (as in the supervised clustering of Lundberg et al. 2018).
    """

    groups: tuple[str, ...]  # the attributes, g of them
    importance: npt.NDArray[np.float32]  # (k, g) in log-odds
    label: npt.NDArray[np.int8]  # (k,)
    left_ids: tuple[str, ...]
    right_ids: tuple[str, ...]

    @classmethod
    def none(cls) -> Precedents:
        """Of a model that was trained on no labels of its own."""
        return cls((), np.zeros((0, 0), np.float32), np.zeros(0, np.int8), (), ())

    @classmethod
    def of(
        cls, records: Records, judged: Judged, rows: npt.NDArray[np.intp], found: Sequence[Explanation]
    ) -> Precedents:
        """The labelled pairs in these rows, each with its explanation."""
        groups = tuple(e.name for e in found[0].evidence) if found else ()
        left, right = judged.pairs.left[rows], judged.pairs.right[rows]
        names = records.ids.to_pylist()
        return cls(
            groups,
            _importances(found, groups),
            judged.label[rows],
            tuple(names[i] for i in left.tolist()),
            tuple(names[i] for i in right.tolist()),
        )

    def nearest(self, asked: Sequence[Explanation], k: int = 3) -> list[tuple[Precedent, ...]]:
        """For each explained pair the `k` labelled pairs most alike, the nearest first."""
        if not len(self.label) or not asked:
            return [()] * len(asked)
        wanted = _importances(asked, self.groups)
        square = (wanted**2).sum(1)[:, None] + (self.importance**2).sum(1)[None, :] - 2 * wanted @ self.importance.T
        distance = np.sqrt(np.maximum(square, 0) / max(1, len(self.groups)))
        k = min(k, len(self.label))
        near = np.argpartition(distance, k - 1, axis=1)[:, :k]
        order = np.take_along_axis(near, np.argsort(np.take_along_axis(distance, near, 1), 1, kind="stable"), 1)
        return [
            tuple(self._at(int(i), float(row[i])) for i in places) for row, places in zip(distance, order, strict=True)
        ]

    def _at(self, place: int, distance: float) -> Precedent:
        return Precedent(self.left_ids[place], self.right_ids[place], int(self.label[place]), distance)

    def save(self, folder: Path) -> None:
        """Write ids and attributions; no value of a row is among them."""
        from safetensors.numpy import save

        with replace_file(folder / VALUES) as beside:
            beside.write_bytes(save({"importance": self.importance, "label": self.label}, {"format": "1"}))
        note = {"format": 1, "groups": self.groups, "left_ids": self.left_ids, "right_ids": self.right_ids}
        with replace_file(folder / FILE) as beside:
            beside.write_text(json.dumps(note, ensure_ascii=False) + "\n", encoding="utf-8", errors="surrogatepass")

    @classmethod
    def load(cls, folder: Path) -> Precedents:
        """Read what `save` wrote."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            note = json.loads((folder / FILE).read_text(encoding="utf-8", errors="surrogatepass"))
            values = load((folder / VALUES).read_bytes())
            ids = (tuple(note[side]) for side in ("left_ids", "right_ids"))
            return cls(tuple(note["groups"]), values["importance"], values["label"], *ids)
        except (OSError, ValueError, SafetensorError, KeyError) as error:
            raise InputError(f"the precedents in {folder} are missing or damaged ({error}); train it again") from None


@dataclass(frozen=True)
class Explained:
    """One pair: what each attribute says, the nearest labelled pairs, and the smallest change that turns it."""

    left_id: str
    right_id: str
    match: bool
    explanation: Explanation
    precedents: tuple[Precedent, ...]
    change: Change | None  # None where no single attribute would turn it

    def to_lines(self) -> list[str]:
        """For a console."""
        lines = to_lines(self.explanation)
        if self.change is not None:
            lines.append(self.change.sentence)
        said = {1: "match", 0: "not"}
        for one in self.precedents:
            lines.append(
                f"like {one.left_id} · {one.right_id}, labelled {said[one.label]} (distance {one.distance:.2f})"
            )
        return lines

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON."""
        change = None if self.change is None else vars(self.change)
        near = [vars(p) for p in self.precedents]
        ends = {"left_id": self.left_id, "right_id": self.right_id, "match": self.match}
        return {**ends, **to_dict(self.explanation), "precedents": near, "change": change}

    def __str__(self) -> str:
        return "\n".join(self.to_lines())


@dataclass(frozen=True)
class Explanations:
    """Explained pairs in the order in which they were asked about."""

    pairs: tuple[Explained, ...]
    threshold: float

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[Explained]:
        return iter(self.pairs)

    def __getitem__(self, place: int) -> Explained:
        return self.pairs[place]

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return {"threshold": self.threshold, "pairs": [one.to_dict() for one in self.pairs]}

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.pairs))


def explained(
    ids: Sequence[tuple[str, str]],
    found: Sequence[Explanation],
    changes: Sequence[Change | None],
    threshold: float,
    precedents: Precedents,
) -> Explanations:
    """Explanations of pairs, completed by precedents and by what would turn them: as tried, or else as estimated."""
    near = precedents.nearest(found)
    made = [
        Explained(left, right, one.score >= threshold, one, alike, change or smallest_change(one, threshold))
        for (left, right), one, change, alike in zip(ids, found, changes, near, strict=True)
    ]
    return Explanations(tuple(made), threshold)


def precedent_rows(judged: Judged, seed: int) -> npt.NDArray[np.intp]:
    """Which labelled pairs to keep as precedents: all, or as many of each answer as there is room for."""
    if len(judged.label) <= MOST:
        return np.arange(len(judged.label))
    random = np.random.default_rng(seed)
    yes, no = (random.permutation(np.flatnonzero(judged.label == answer)) for answer in (1, 0))
    fewer = min(len(yes), len(no), MOST // 2)
    room = MOST - fewer
    chosen = (yes[:fewer], no[:room]) if len(yes) < len(no) else (yes[:room], no[:fewer])
    return np.sort(np.concatenate(chosen))


def _importances(found: Sequence[Explanation], groups: Sequence[str]) -> npt.NDArray[np.float32]:
    place = {name: column for column, name in enumerate(groups)}
    values = np.zeros((len(found), len(groups)), np.float32)
    for row, one in enumerate(found):
        for evidence in one.evidence:
            column = place.get(evidence.name)
            if column is not None:
                values[row, column] = evidence.importance
    return values
