"""The rungs beside the ladder: what texts without labels, varied texts and a search of settings add to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.encoders.base import Encoder
from dovetail.tasks.classify_augment import MIX, Varied, augmented_rung, varied_texts
from dovetail.tasks.classify_head import Head
from dovetail.tasks.classify_ladder import Rung, Task
from dovetail.tasks.classify_options import ClassifyOptions
from dovetail.tasks.classify_rewrite import Rewrite
from dovetail.tasks.classify_search import name_of, searched
from dovetail.tasks.classify_spare import spare_rung
from dovetail.tasks.classify_texts import encoded
from dovetail.types import Job

Matrix = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Beside:
    """Rungs, the heads of each that `learn` would not make again, and what a search found."""

    rungs: tuple[Rung, ...] = ()
    heads: dict[str, dict[str, Head]] = field(default_factory=dict)
    found: dict[str, Any] | None = None

    def and_(self, rung: Rung, heads: dict[str, Head], found: dict[str, Any] | None = None) -> Beside:
        """With another rung."""
        return Beside((*self.rungs, rung), {**self.heads, rung.name: heads}, found or self.found)


@dataclass(frozen=True)
class Plot:
    """What the rungs beside the ladder stand on.

    `basis` (d, k) turns vectors of the reader into those of the task; `spare` (m, k) are texts without a label; `fold`
    (n,) is another division of the rows than the task's own.
    """

    task: Task
    texts: Sequence[str]
    reader: Encoder
    basis: Matrix
    fold: Ints
    spare: Matrix | None = None
    rewrite: Rewrite | None = None


def beside(plot: Plot, rungs: Sequence[Rung], options: ClassifyOptions) -> Job[Beside]:
    """The rungs beside those of the ladder that the options and the data ask for."""
    made, task = Beside(), plot.task
    if plot.spare is not None:
        rung, head = spare_rung(task, rungs[-1], plot.spare)
        made = made.and_(rung, {"vectors": head})
    if (options.augment or plot.rewrite is not None) and "vectors" in task.learnt:
        varied = yield from _varied(plot, options)
        rung, head = augmented_rung(task, rungs, varied)
        made = made.and_(rung, {"vectors": head})
    if options.search is not None and not options.rungs:
        folder = _search_folder(options)
        data = "" if folder is None else name_of(plot.texts, plot.reader.fingerprint, options.names)
        done = yield from searched(task, plot.fold, minutes=options.search, folder=folder, seed=options.seed, data=data)
        made = made.and_(done.rung, done.heads, done.found.to_dict())
    return made


def _varied(plot: Plot, options: ClassifyOptions) -> Job[Varied]:
    made = varied_texts(plot.texts, options.augment, plot.rewrite, options.seed, options.checkpoint)
    texts, of = yield from made
    vectors = yield from encoded(plot.reader, texts, "read varied texts")
    return Varied(vectors @ plot.basis, of, MIX in options.augment, options.seed)


def _search_folder(options: ClassifyOptions) -> str | Path | None:
    """Where a search is kept: in the folder that was named for it, or beside what else goes on after a kill."""
    return options.search_folder or (options.checkpoint / "search" if options.checkpoint else None)
