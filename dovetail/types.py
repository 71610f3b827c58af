"""The nouns: small frozen data classes of arrays that every room of the house shares.

Shapes are written at each field; n is the number of records, m the number of pairs.
A `score` is always a probability in [0, 1]; a `cosine` is in [-1, 1]; the two never share a name.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    Ints = npt.NDArray[np.int32]
    Floats = npt.NDArray[np.float64]

T = TypeVar("T")


class Kind(StrEnum):
    """What the values of a column are, as far as comparing and fusing them goes."""

    NAME = "name"  # people, companies, products, titles: short and identifying
    TEXT = "text"  # free text, sentences
    CODE = "code"  # model numbers, SKUs, catalogue numbers
    CATEGORY = "category"  # few distinct values, shared by many rows
    NUMBER = "number"  # a plain number
    QUANTITY = "quantity"  # a number with a unit
    MONEY = "money"
    DATE = "date"  # dates and years
    PHONE = "phone"
    EMAIL = "email"
    URL = "url"
    ADDRESS = "address"
    ID = "id"  # identifies the row within its own source only
    EMPTY = "empty"  # no value at all


@dataclass(frozen=True)
class Progress:
    """How far a long job is. `done` and `total` count `unit`s of one step."""

    step: str
    done: int
    total: int
    note: str = ""


Job = Generator[Progress, None, T]
"""A long job: yields `Progress`, returns its result. Library, console and browser drive the same one."""


def finish(job: Job[T], on_progress: Callable[[Progress], None] | None = None) -> T:
    """Run a job to its end, hand each `Progress` to `on_progress`, and give its result."""
    while True:
        try:
            progress = next(job)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        if on_progress is not None:
            on_progress(progress)


@dataclass(frozen=True)
class Reject:
    """A row that could not be read: where it stood, why it was refused, and the row itself."""

    file: str
    line: int
    reason: str
    text: str = ""  # to look at: its first 500 characters
    raw: bytes = b""  # as it stood in the file, unpacked, line ends included; of a workbook its cells as CSV
    header: bytes = b""  # what stood above the first row of that file, in the same form


@dataclass(frozen=True)
class Table:
    """The rows of one source.

    `data` keeps the values exactly as they were read (text stays text), `ids` names each row:
    the values of a named column, or `file:line`.
    """

    name: str
    data: pa.Table  # n rows
    ids: pa.Array  # (n,) string, unique, no nulls
    rejects: tuple[Reject, ...] = ()
    id_column: str | None = None  # the column that gave the ids, if any
    notes: tuple[str, ...] = ()  # what a person should know of the reading: cells without a value, parts not read

    def __len__(self) -> int:
        return int(self.data.num_rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self.data.column_names)


PAIR_WORDS = {  # what people write for match (1), not (0) and unsure (-1); in files any case will do
    1: ("1", "1.0", "true", "t", "yes", "y", "match", "m", "same", "positive", "duplicate",
        # what spreadsheets of other languages write for true, and people for yes
        "wahr", "ja", "j", "vrai", "oui", "o", "verdadero", "sí", "si", "s", "vero", "sì", "verdadeiro", "sim", "waar"),
    0: ("0", "0.0", "false", "f", "no", "n", "not", "non-match", "nonmatch", "no match", "different",
        "negative", "distinct", "falsch", "nein", "faux", "non", "falso", "não", "nao", "onwaar", "nee"),
    -1: ("-1", "unsure", "u", "maybe", "unknown", "?"),
}  # fmt: skip


@dataclass(frozen=True)
class Pairs:
    """Pairs of rows by id, as a person exchanges them. `left_source` and `right_source` may be None
    where ids alone are unambiguous."""

    left_ids: pa.Array  # (m,) string
    right_ids: pa.Array  # (m,) string
    score: Floats | None = None  # (m,) probability of a match in [0, 1]
    label: npt.NDArray[np.int8] | None = None  # (m,) 1 match, 0 not, -1 unsure
    left_source: pa.Array | None = None  # (m,) string
    right_source: pa.Array | None = None  # (m,) string
    verdict: pa.Array | None = None  # (m,) string: match, review (a person should look) or not
    name: str = ""  # of the file or table that they were read from

    def __len__(self) -> int:
        return len(self.left_ids)


@dataclass(frozen=True)
class Attribute:
    """One aligned column: its name, its kind, and what it is called in each source (None: the source lacks it)."""

    name: str
    kind: Kind
    columns: tuple[str | None, ...]

    @property
    def shared(self) -> bool:
        """Whether at least two sources have it, or the only source does."""
        return sum(c is not None for c in self.columns) >= min(2, len(self.columns))


@dataclass(frozen=True)
class Records:
    """The rows of one or several aligned tables, one table under the other: what every later step works on.

    A record is named by its position 0 … n-1. `original` holds the values as they were read, `text` the
    same cells as cleaned, case-folded, comparable text (null where missing). Both have one string column
    an attribute, under the attribute's name.
    """

    sources: tuple[str, ...]
    source: npt.NDArray[np.uint16]  # (n,) index into `sources`; sorted
    ids: pa.Array  # (n,) string, unique within a source
    attributes: tuple[Attribute, ...]
    original: pa.Table
    text: pa.Table

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Candidates:
    """Pairs of records by position that blocking proposes: left < right, sorted, each pair once."""

    left: Ints  # (m,)
    right: Ints  # (m,)

    def __len__(self) -> int:
        return len(self.left)


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def unknown(self) -> bool:
        """Nothing was counted: a share of none lies anywhere from 0 to 1."""
        return self.low <= 0.0 and self.high >= 1.0


@dataclass(frozen=True)
class BlockPlan:
    """What blocking promises before it runs."""

    k_lexical: int  # nearest neighbours a record by shared words and character grams
    k_encoder: int  # nearest neighbours a record by the encoder's cosine
    pairs: int  # estimated number of candidate pairs
    recall: Interval  # estimated share of the true matches among the candidates
    memory_bytes: int  # estimated peak while blocking and scoring
    why: str  # one sentence: what settled the choice
    settings: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Decisions:
    """Scored candidate pairs and where the line is drawn. Pairs from `review_low` to `review_high` are uncertain."""

    candidates: Candidates
    score: Floats  # (m,) calibrated probability of a match in [0, 1]
    threshold: float
    review_low: float
    review_high: float
    matcher: str  # which matcher decided, in words
    shift: float = 0.0  # log-odds that were added to every score to fit it to these tables


@dataclass(frozen=True)
class Clusters:
    """Which records are one entity.

    `cluster` numbers the entities 0 … c-1 in the order of their first record, so the same decisions
    give the same numbers. `names` are ids that stay the same from run to run.
    """

    cluster: Ints  # (n,)
    names: pa.Array  # (c,) string
    method: str
    why: str  # one sentence: what in the data settled the method


@dataclass(frozen=True)
class Fused:
    """One record an entity, and for each cell where it came from.

    `provenance` has one row for each cell of `table`: cluster_id, column, value, rule, source, row_id,
    agreeing, disagreeing (counts), others (all distinct values that lost, " | " between) and reasons (of those that no
    rule weighed, since they count as missing or are no number: each with the reason).
    """

    table: pa.Table  # c rows; first column cluster_id
    provenance: pa.Table
    conflicts: dict[str, int]  # column: how many entities had more than one distinct value


@dataclass(frozen=True)
class AttributeEvidence:
    """One line of an explanation."""

    name: str
    left: str | None
    right: str | None
    similarity: float | None  # in [0, 1]; None where a side is missing
    importance: float  # signed, in log-odds


@dataclass(frozen=True)
class Explanation:
    """Why a pair got its score: base + the sum of the importances = the log-odds of the score."""

    left: int  # record positions
    right: int
    score: float  # probability in [0, 1]
    base: float  # log-odds
    evidence: tuple[AttributeEvidence, ...]
