"""The encoder of a space tuned itself, where a head on its vectors is not enough: judged on labels it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dovetail.errors import MissingExtra
from dovetail.tasks.embed_classes import held_out_classes, taught_by_classes
from dovetail.tasks.embed_head import Head, PlainHead
from dovetail.tasks.embed_pairs import agreement, held_out_pairs
from dovetail.tasks.embed_scores import same_class
from dovetail.types import Job

if TYPE_CHECKING:
    from dovetail.training.encoding import TunableEncoder
    from dovetail.training.settings import TuneSettings

_MAX_TOKENS = 128
_MIXES = (0.6, 0.3)  # shares of the tuned weights that are tried beside all of them

Vectors = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def tuned_by_pairs(
    name: str | Path, left: Sequence[str], right: Sequence[str], grades: Floats, settings: TuneSettings
) -> Job[tuple[TunableEncoder, float]]:
    """An encoder tuned on four fifths of graded pairs (CoSENT), and its rank correlation on the others."""
    encoding = _encoding()
    asked, taught = held_out_pairs(len(grades), settings.seed)
    encoder = encoding.TunableEncoder(name, max_tokens=_MAX_TOKENS)
    lesson = encoding.agree(taught, taught + len(left), grades[taught] - grades.min(), settings)
    yield from encoding.tune_encoder(encoder, [*left, *right], lesson, settings)

    def agreed() -> float:
        one, other = (encoder.encode([side[i] for i in asked.tolist()]) for side in (left, right))
        return agreement(PlainHead(), one, other, grades[asked])

    return encoder, mixed(encoder, agreed)


def tuned_by_classes(
    name: str | Path, texts: Sequence[str], labels: Ints, settings: TuneSettings
) -> Job[tuple[TunableEncoder, float]]:
    """An encoder tuned on four fifths of the classes (n,), and how well a head on it keeps the others together."""
    encoding = _encoding()
    from dovetail.training.sampling import from_classes

    asked = held_out_classes(labels, settings.seed)
    seen = labels.copy()
    seen[asked] = -1
    encoder = encoding.TunableEncoder(name, max_tokens=_MAX_TOKENS)
    lesson = encoding.contrast(from_classes(seen.tolist()), settings, classes=True)
    yield from encoding.tune_encoder(encoder, texts, lesson, settings)
    return encoder, mixed(encoder, lambda: kept_together(encoder.encode(texts), labels, asked, settings.seed))


def mixed(encoder: TunableEncoder, score: Callable[[], float]) -> float:
    """Leave the best mean of the start's and the tuned weights in an encoder, and give its score.

    A little way towards what a few labels teach often does better than the whole way (Wortsman et al., Robust
    fine-tuning of zero-shot models, 2022).
    """
    tuned = {name: value.clone() for name, value in encoder.network.state_dict().items()}
    start = _encoding().backbone(encoder.start.folder).state_dict()
    best, kept = score(), tuned
    for share in _MIXES:
        mean = {k: v.lerp(start[k].to(v), 1 - share) if v.is_floating_point() else v for k, v in tuned.items()}
        encoder.network.load_state_dict(mean)
        found = score()
        if found > best:
            best, kept = found, mean
    encoder.network.load_state_dict(kept)
    return best


def kept_together(vectors: Vectors, labels: Ints, asked: Ints, seed: int) -> float:
    """R-precision among held-out texts under the head that the other labels teach on vectors (n, d)."""
    seen = labels.copy()
    seen[asked] = -1
    head: Head = taught_by_classes(vectors, seen, seed=seed).head
    return float(same_class(head(vectors[asked]), labels[asked], np.arange(len(asked)), None).mean())


def _encoding() -> ModuleType:
    try:
        from dovetail.training import encoding
    except ImportError:
        raise MissingExtra("tuning the encoder of a space", "train") from None
    return encoding
