"""Which columns of two tables mean the same: from their names, kinds and values, as a 1-to-1 assignment."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz.distance import JaroWinkler

from dovetail.errors import InputError, UnknownName
from dovetail.tables.kinds import kind_of
from dovetail.tables.normalise import as_numbers, comparable
from dovetail.types import Kind, Table

SAMPLE_ROWS = 3_000

# Words that head the same kind of column in many tables; the first word of a group stands for all of it.
_SYNONYMS = (
    "phone tel telephone mobile cell fon",
    "postcode zip zipcode postal plz pcode",
    "address addr street road anschrift",
    "name title label designation item",
    "surname lastname last family lname sname",
    "forename firstname first given fname gname",
    "birth dob birthday birthdate born",
    "price cost amount msrp list",
    "maker manufacturer brand vendor producer make mfr",
    "description desc details info notes text abstract summary",
    "city town suburb locality municipality place",
    "sex gender",
    "company organisation organization firm employer",
    "code number no nr num sku model mpn partno ref reference",
    "date day",
    "year yr",
    "weight mass wt",
    "email mail e-mail",
    "url website web homepage link site",
    "category type group class genre department",
    "author authors writer creator",
    "venue journal booktitle conference publication",
    "country nation land",
    "quantity qty count",
)
_CANONICAL = {word: group.split()[0] for group in _SYNONYMS for word in group.split()}

# Kinds that often stand for each other; all other differing kinds speak against a match.
_NEAR_KINDS = (
    {Kind.NAME, Kind.TEXT, Kind.ADDRESS, Kind.CATEGORY},
    {Kind.CODE, Kind.ID, Kind.NUMBER, Kind.PHONE},
    {Kind.NUMBER, Kind.MONEY, Kind.QUANTITY},
    {Kind.NUMBER, Kind.DATE},
    {Kind.NAME, Kind.CODE},
    {Kind.CATEGORY, Kind.CODE, Kind.NUMBER},
)
_NUMERIC = {Kind.NUMBER, Kind.MONEY, Kind.QUANTITY}


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


def name_words(column: str) -> list[str]:
    """The words of a column name: `http://x.org/ontology/birthYear` gives birth, year; known synonyms are united."""
    tail = re.split(r"[/#]", column.rstrip("/#"))[-1] if "://" in column else column
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Za-z])(?=[0-9])", " ", tail)
    words = [w.casefold() for w in re.split(r"[^0-9A-Za-z\u00c0-\uffff]+", spaced) if w]
    return [_CANONICAL.get(w, w) for w in words]


def _skeleton(word: str) -> str:
    return word[:1] + re.sub(r"[aeiou]", "", word[1:])


def _word_similarity(a: str, b: str) -> float:
    if a == b:
        return 1.0
    short, long = sorted((a, b), key=len)
    if len(short) >= 3 and long.startswith(short):
        return 0.85
    if len(short) >= 2 and _skeleton(short) == _skeleton(long):
        return 0.9
    if len(short) >= 3 and _skeleton(long).startswith(_skeleton(short)) and len(_skeleton(short)) >= 2:
        return 0.7
    similarity = JaroWinkler.similarity(a, b)
    return similarity * 0.8 if similarity > 0.85 else 0.0


def name_similarity(left: str, right: str) -> float:
    """How alike two column names are, in [0, 1]: soft overlap of their words, abbreviations and synonyms included."""
    a, b = name_words(left), name_words(right)
    if not a or not b:
        return 0.0
    if a == b:
        return 1.0
    best = np.array([[_word_similarity(x, y) for y in b] for x in a])
    overlap = (best.max(axis=1).sum() + best.max(axis=0).sum()) / (len(a) + len(b))
    whole = _word_similarity("".join(a), "".join(b))
    return float(max(overlap, whole))


class _Column:
    """What is compared of one column: kind, distinct values, words, shapes and numbers of a sample of its cells."""

    def __init__(self, name: str, values: pa.ChunkedArray) -> None:
        step = max(1, len(values) // SAMPLE_ROWS)
        sample = values.take(pa.array(range(0, len(values), step)[:SAMPLE_ROWS], pa.int64())) if step > 1 else values
        self.name = name
        self.raw = pc.cast(sample.combine_chunks(), pa.string(), safe=False)
        self.kind = kind_of(self.raw, name)

    @cached_property
    def cells(self) -> list[str]:
        return list(comparable(self.raw, self.kind).drop_null().to_pylist())

    @cached_property
    def distinct(self) -> set[str]:
        return set(self.cells)

    @cached_property
    def words(self) -> Counter[str]:
        return Counter(w for cell in self.distinct for w in set(re.findall(r"\w+", cell)))

    @cached_property
    def shapes(self) -> Counter[str]:
        return Counter(_shape(str(cell)) for cell in self.raw.drop_null().to_pylist())

    @cached_property
    def numbers(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        numbers = as_numbers(self.raw)
        return np.asarray(numbers[~np.isnan(numbers)])


def _shape(value: str) -> str:
    return re.sub(r"(.)\1+", r"\1", re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", value)))[:24]


def _cosine(a: Counter[str], b: Counter[str]) -> float:
    if not a or not b:
        return 0.0
    dot = sum(a[k] * b[k] for k in a.keys() & b.keys())
    return float(dot / np.sqrt(sum(v * v for v in a.values()) * sum(v * v for v in b.values())))


def _containment(a: set[str], b: set[str]) -> float:
    return len(a & b) / min(len(a), len(b)) if a and b else 0.0


def _number_overlap(a: _Column, b: _Column) -> float:
    if min(len(a.numbers), len(b.numbers)) < 5:
        return 0.0
    grid = np.sort(np.concatenate([a.numbers, b.numbers]))
    ranks_a = np.searchsorted(np.sort(a.numbers), grid, side="right") / len(a.numbers)
    ranks_b = np.searchsorted(np.sort(b.numbers), grid, side="right") / len(b.numbers)
    return float(1 - np.abs(ranks_a - ranks_b).max())


def _same_kind(a: Kind, b: Kind) -> float:
    if a == b:
        return 1.0
    if Kind.EMPTY in (a, b):
        return 0.3
    return 0.6 if any(a in near and b in near for near in _NEAR_KINDS) else 0.0


def _value_similarity(a: _Column, b: _Column) -> float:
    """How alike the cells of two columns are, in [0, 1]: shared values and words, shapes, spread of the numbers."""
    same = _containment(a.distinct, b.distinct)
    # A handful of shared values (male, female) says less than hundreds of them.
    same *= min(1.0, np.log1p(min(len(a.distinct), len(b.distinct))) / np.log(20))
    words = _cosine(Counter({k: int(10 * np.log1p(v)) for k, v in a.words.items()}), b.words)
    shapes = _cosine(a.shapes, b.shapes)
    kind = _same_kind(a.kind, b.kind)
    if a.kind in _NUMERIC and b.kind in _NUMERIC:
        return 0.35 * same + 0.3 * _number_overlap(a, b) + 0.15 * shapes + 0.2 * kind
    return 0.4 * same + 0.25 * words + 0.15 * shapes + 0.2 * kind




class SchemaMatcher:
    """Finds the corresponding columns of two tables.

    A pair is proposed where its score reaches `threshold`; the assignment as a whole has the highest sum of scores.
    """

    def __init__(self, *, threshold: float = 0.55) -> None:
        self.threshold = threshold

    def predict(self, left: Table, right: Table, *, given: Mapping[str, str] | None = None) -> ColumnMapping:
        """The mapping from left to right columns; pairs in `given` (left name: right name) are taken as said."""
        given = _checked(given or {}, left, right)
        a = [c for c in left.columns if c not in given and c != left.id_column]
        b = [c for c in right.columns if c not in given.values() and c != right.id_column]
        found = [ColumnMatch(x, y, 1.0, 1.0, 1.0, given=True) for x, y in given.items()]
        found += _assign([_Column(c, left.data[c]) for c in a], [_Column(c, right.data[c]) for c in b], self.threshold)
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


def _assign(left: Sequence[_Column], right: Sequence[_Column], threshold: float) -> list[ColumnMatch]:
    from scipy.optimize import linear_sum_assignment

    if not left or not right:
        return []
    names = np.array([[name_similarity(a.name, b.name) for b in right] for a in left])
    values = np.array([[_value_similarity(a, b) for b in right] for a in left])
    kinds = np.array([[_same_kind(a.kind, b.kind) for b in right] for a in left])
    scores = _score_matrix(names, values, kinds)
    rows, columns = linear_sum_assignment(-np.where(scores >= threshold, scores, 0.0))
    return [
        ColumnMatch(left[i].name, right[j].name, float(scores[i, j]), float(names[i, j]), float(values[i, j]))
        for i, j in zip(rows, columns, strict=True)
        if scores[i, j] >= threshold
    ]


def _score_matrix(
    names: np.ndarray[Any, np.dtype[np.float64]],
    values: np.ndarray[Any, np.dtype[np.float64]],
    kinds: np.ndarray[Any, np.dtype[np.float64]],
) -> np.ndarray[Any, np.dtype[np.float64]]:
    joined = 1 - (1 - 0.85 * names**1.5) * (1 - 0.85 * values**1.2)
    return np.asarray(joined * (0.55 + 0.45 * kinds))
