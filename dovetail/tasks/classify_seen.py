"""Which texts a classifier learnt from: figures on those say nothing about new ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from dovetail.measure.intervals import wilson
from dovetail.measure.percent import within
from dovetail.tasks.classify_evaluate import Evaluated
from dovetail.tasks.classify_model import Model

Marks = npt.NDArray[np.uint64]


def marks_of(texts: Iterable[str]) -> Marks:
    """A number for each text (n,), the same for texts that are equal but for case and blanks."""
    digests = (blake2b(" ".join(t.split()).casefold().encode("utf-8", "replace"), digest_size=8) for t in texts)
    return np.frombuffer(b"".join(d.digest() for d in digests), dtype="<u8").astype(np.uint64)


def learnt_from(model: Model, texts: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which texts (n,) the model learnt from, as far as it knows: a model of an older version may keep only texts."""
    known = model.seen if len(model.seen) else marks_of(model.examples.texts)
    return np.isin(marks_of(texts), known)


def with_learnt(
    found: Evaluated, model: Model, texts: Sequence[str], truth: npt.NDArray[np.float32], p: npt.NDArray[np.float64]
) -> Evaluated:
    """The figures of probabilities `p` (n, c) against `truth` (n, c), and how many texts were learnt from; where some
    were, the accuracy on the others, too."""
    seen = learnt_from(model, texts)
    count, total = int(seen.sum()), len(seen)
    if not count:
        return found
    many = model.sigmoid
    right = ((p >= model.line) == (truth > 0.5)).all(axis=1) if many else p.argmax(axis=1) == truth.argmax(axis=1)
    verb = "was" if count == 1 else "were"
    said = f"{count:,} of {total:,} texts {verb} learnt from; figures on them say nothing about new texts"
    if count == total:
        return replace(found, learnt_from=count, notes=(said, *found.notes))
    others = wilson(int(right[~seen].sum()), total - count)
    shown = within(others)
    said = f"{said}; accuracy on the other {total - count:,}: {shown}"
    return replace(found, learnt_from=count, others=others, notes=(said, *found.notes))
