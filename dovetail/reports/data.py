"""What a report is made of: numbers, texts and explanations only, so that it can be built and tested alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from dovetail.types import Attribute, Explanation, Interval

if TYPE_CHECKING:
    from dovetail.types import Floats, Ints

Basis = Literal["measured", "estimated"]
Verdict = Literal["matched", "uncertain", "refused"]


@dataclass(frozen=True)
class SourceFacts:
    """One table that came in."""

    name: str
    rows: int
    columns: int
    rejects: int = 0  # rows that could not be read
    hash: str = ""


@dataclass(frozen=True)
class BlockingFacts:
    """How candidate pairs were chosen and what that keeps."""

    k_lexical: int
    k_encoder: int
    pairs: int
    recall: Interval  # share of the true matches among the candidates
    basis: Basis
    why: str


@dataclass(frozen=True)
class QualityFacts:
    """How good the result is, and whether that was measured or only estimated from the scores."""

    precision: Interval
    recall: Interval
    f1: Interval
    basis: Basis
    pairs: int  # true pairs (measured) or accepted pairs (estimated) that the figures rest on


@dataclass(frozen=True)
class Curve:
    """Precision and recall against the threshold; each array is (t,), each value in [0, 1]."""

    threshold: Floats
    precision: Floats
    recall: Floats
    precision_low: Floats
    precision_high: Floats
    recall_low: Floats
    recall_high: Floats
    basis: Basis


@dataclass(frozen=True)
class Example:
    """One pair to look at; the names say where its rows come from (`source:id`)."""

    verdict: Verdict
    left_name: str
    right_name: str
    explanation: Explanation


@dataclass(frozen=True)
class WeakEntity:
    """An entity that one doubtful pair holds together: a good place to look for a wrong merge."""

    name: str
    records: int
    mean_score: float
    left_name: str
    right_name: str
    score: float  # of the pair that joins the two parts
    parts: tuple[int, int]  # records on each side of that pair


@dataclass(frozen=True)
class ReportData:
    """All that the page shows. Values of data (`sample`, examples) are shown escaped and cut, never interpreted."""

    title: str
    sources: Sequence[SourceFacts]
    attributes: Sequence[Attribute]  # their `columns` are in the order of `sources`
    blocking: BlockingFacts
    matcher: str
    threshold: float
    review_low: float
    review_high: float
    quality: QualityFacts
    score_edges: Floats  # (b + 1,) edges of the histogram of scores, from 0 to 1
    score_counts: Ints  # (b,) candidate pairs in each bin
    curve: Curve | None
    matches: int  # accepted pairs
    uncertain: int  # pairs in the review queue
    entities: int
    cluster_method: str
    cluster_why: str
    cluster_sizes: Mapping[int, int]  # records in an entity: how many such entities
    conflicts: Mapping[str, int]  # column: entities with more than one distinct value
    fuse_rules: Mapping[str, str] = field(default_factory=dict)  # column: rule
    sample_columns: Sequence[str] = ()
    sample: Sequence[Sequence[str | None]] = ()  # rows of the merged table, cells as text
    examples: Sequence[Example] = ()
    weak: Sequence[WeakEntity] = ()
    warnings: Sequence[str] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)  # step: seconds
    settings: Mapping[str, object] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    peak_mb: float | None = None
    made: str = ""  # date and time, as it shall be shown

    @property
    def rows(self) -> int:
        """Rows of all sources together."""
        return sum(s.rows for s in self.sources)


def report_json(data: ReportData) -> dict[str, object]:
    """The report for programs: the same figures as plain data; what is not a finite number becomes None."""
    return {"format": 1, **{f.name: _plain(getattr(data, f.name)) for f in fields(data)}, "rows": data.rows}


def _plain(value: object) -> object:
    if isinstance(value, np.generic | np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, bool | int | str) else str(value)
