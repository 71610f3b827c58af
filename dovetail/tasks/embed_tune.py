"""The encoder of a space tuned itself, where a head on its vectors is not enough: judged on labels it has not seen.

Every second held-out row says how much of the tuned weights is taken, and the others judge what came of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dovetail.errors import MissingExtra
from dovetail.tasks.embed_classes import (
    ClassSettings,
    held_out_classes,
    said_by_names,
    taught_by_classes,
    usual_settings,
)
from dovetail.tasks.embed_head import Head, PlainHead
from dovetail.tasks.embed_pairs import held_out_pairs, shares, trained
from dovetail.tasks.embed_scores import same_class
from dovetail.types import Job

if TYPE_CHECKING:
    from dovetail.training.encoding import TunableEncoder
    from dovetail.training.settings import TuneSettings

_MAX_TOKENS = 128
_SURE = 1.64  # standard errors by which a tuned encoder must be better
_RESAMPLES = 300
_MIXES = (0.6, 0.3)  # shares of the tuned weights that are tried beside all of them

Vectors = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Measure = Callable[[Floats, Ints], float]
"""From a value for each held-out row and the positions of some: how good these are, more is better."""


@dataclass(frozen=True)
class Proof:
    """What tuning did on held-out rows that chose nothing, and whether that is more than chance."""

    before: float
    after: float
    sure: bool


def proof_of(before: Floats, after: Floats, measure: Measure, seed: int) -> Proof:
    """Compare values of the same held-out rows (m,); sure is a gain of 1.64 standard errors, paired, by resampling."""
    rows = np.arange(1, len(before), 2)
    if len(rows) < 2:
        return Proof(float("nan"), float("nan"), False)
    random, gaps = np.random.default_rng(seed), []
    for _ in range(_RESAMPLES):
        some = random.choice(rows, len(rows))
        gaps.append(measure(after, some) - measure(before, some))
    was, now = measure(before, rows), measure(after, rows)
    return Proof(was, now, now - was > _SURE * float(np.std(gaps)))


def mean_on(values: Floats, rows: Ints) -> float:
    """The mean of some values."""
    return float(values[rows].mean())


def agreement_with(grades: Floats) -> Measure:
    """Spearman's correlation with the grades (m,) of the same rows."""
    from scipy.stats import rankdata

    def measure(values: Floats, rows: Ints) -> float:
        one, other = (rankdata(part[rows]) - (len(rows) + 1) / 2 for part in (values, grades))
        size = float(np.sqrt((one @ one) * (other @ other)))
        return float(one @ other) / size if size else 0.0

    return measure


def cosines_of_pairs(left: Vectors, right: Vectors, grades: Floats, head: Head, seed: int) -> Floats:
    """Cosines of the held-out pairs, by a head of the kind of this one that the other pairs teach."""
    asked, taught = held_out_pairs(len(grades), seed)
    if not isinstance(head, PlainHead):
        head = trained(left[taught], right[taught], grades[taught], seed)
    return np.asarray((head(left[asked]) * head(right[asked])).sum(axis=1), np.float64)


def tuned_by_pairs(
    name: str | Path, left: Sequence[str], right: Sequence[str], grades: Floats, settings: TuneSettings
) -> Job[tuple[TunableEncoder, Floats]]:
    """An encoder tuned on most of the graded pairs (m,), and its cosines of the others."""
    encoding = _encoding()
    asked, taught = held_out_pairs(len(grades), settings.seed)
    encoder = encoding.TunableEncoder(name, max_tokens=_MAX_TOKENS)
    lesson = encoding.agree(taught, taught + len(left), shares(grades)[taught], settings)
    yield from encoding.tune_encoder(encoder, [*left, *right], lesson, settings)

    def cosines() -> Floats:
        one, other = (encoder.encode([side[i] for i in asked.tolist()]) for side in (left, right))
        return np.asarray((one * other).sum(axis=1), np.float64)

    return encoder, mixed(encoder, cosines, agreement_with(grades[asked]))


def tuned_by_classes(
    name: str | Path, texts: Sequence[str], labels: Ints, settings: TuneSettings, names: Sequence[str]
) -> Job[tuple[TunableEncoder, Floats]]:
    """An encoder tuned on four fifths of the classes (n,), and how well a head on it keeps each of the others."""
    encoding = _encoding()
    from dovetail.training.sampling import from_classes

    asked = held_out_classes(labels, settings.seed)
    seen = labels.copy()
    seen[asked] = -1
    encoder = encoding.TunableEncoder(name, max_tokens=_MAX_TOKENS)
    lesson = encoding.contrast(from_classes(seen.tolist()), settings, classes=True)
    yield from encoding.tune_encoder(encoder, texts, lesson, settings)

    def kept() -> Floats:
        told = usual_settings(0, said_by_names(encoder, names))
        return kept_each(encoder.encode(texts), labels, asked, settings.seed, told)

    return encoder, mixed(encoder, kept, mean_on)


def mixed(encoder: TunableEncoder, told: Callable[[], Floats], measure: Measure) -> Floats:
    """Leave the mean of the start's and the tuned weights that is best on every second row, and give all its values.

    A little way towards what a few labels teach often does better than the whole way (Wortsman et al., Robust
    fine-tuning of zero-shot models, 2022).
    """
    tuned = {name: value.clone() for name, value in encoder.network.state_dict().items()}
    start = _encoding().backbone(encoder.start.folder).state_dict()
    best, kept = told(), tuned
    choosing = np.arange(0, len(best), 2)
    for share in _MIXES:
        mean = {k: v.lerp(start[k].to(v), 1 - share) if v.is_floating_point() else v for k, v in tuned.items()}
        encoder.network.load_state_dict(mean)
        found = told()
        if len(choosing) and measure(found, choosing) > measure(best, choosing):
            best, kept = found, mean
    encoder.network.load_state_dict(kept)
    return best


def kept_each(vectors: Vectors, labels: Ints, asked: Ints, seed: int, settings: ClassSettings) -> Floats:
    """R-precision of each held-out text among those under the head that the other labels teach on vectors (n, d)."""
    seen = labels.copy()
    seen[asked] = -1
    head: Head = taught_by_classes(vectors, seen, settings, seed=seed).head
    return np.asarray(same_class(head(vectors[asked]), labels[asked], np.arange(len(asked)), None), np.float64)


def _encoding() -> ModuleType:
    try:
        from dovetail.training import encoding
    except ImportError:
        raise MissingExtra("tuning the encoder of a space", "train") from None
    return encoding
