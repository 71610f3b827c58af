"""Rows by meaning: a vector for each row of a table, kept in the workspace, and the rows nearest to one.

Two files a table: all dimensions at half precision, and the leading ones at full precision, by which the nearest are
looked for before all dimensions decide.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dovetail.encoders.base import load_encoder
from dovetail.errors import WorkspaceError
from dovetail.tables.atomic import replace_file
from dovetail.tasks.embed import leading
from dovetail.tasks.embed_head import unit
from dovetail.types import Job, Progress

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.encoders.base import Encoder
    from dovetail.serve.tables import View

    Vectors = npt.NDArray[np.float32]

FORMAT = 1
ENCODER = "static"
AT_ONCE = 10_000  # rows encoded in one go
SMALL = 5_000  # rows up to which vectors are made at once, when they are asked for
_SHORT = 64  # leading dimensions
_AXES_FROM = 20_000  # rows that settle which directions lead
_SHORTLIST = 2_000
_OPEN = 4


class Nearest:
    """The vectors of one version of one table."""

    def __init__(self, view: View, folder: Path) -> None:
        self.view = view
        self.folder = folder / "vectors"
        self.stem = f"{FORMAT}-{ENCODER}-{view.version}"

    @property
    def whole_file(self) -> Path:
        """All dimensions, (n, d) at half precision. Written last."""
        return self.folder / f"{self.stem}.npy"

    @property
    def short_file(self) -> Path:
        """The leading dimensions, (n, 64)."""
        return self.folder / f"{self.stem}.short.npy"

    @property
    def axes_file(self) -> Path:
        """The leading directions, (d, 64)."""
        return self.folder / f"{self.stem}.axes.npy"

    @property
    def ready(self) -> bool:
        """Whether there are vectors."""
        return self.whole_file.is_file()

    @cached_property
    def whole(self) -> npt.NDArray[np.float16]:
        """(n, d), read from disk as it is needed."""
        return np.asarray(np.load(self.whole_file, mmap_mode="r", allow_pickle=False))

    @cached_property
    def short(self) -> Vectors:
        """(n, 64)."""
        return np.asarray(np.load(self.short_file, mmap_mode="r", allow_pickle=False))

    @cached_property
    def axes(self) -> Vectors:
        """(d, 64)."""
        return np.asarray(np.load(self.axes_file, allow_pickle=False))

    def ensure(self) -> None:
        """Make the vectors of a small table now; a large one must wait for its job."""
        if self.ready:
            return
        if len(self.view) > SMALL:
            raise WorkspaceError(
                f"{self.view.name} is being indexed; rows alike can be found in a minute or so; see its job"
            )
        for _ in self.build():
            pass

    def build(self) -> Job[None]:
        """Encode every row; the files appear whole."""
        if self.ready:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        encoder, total = load_encoder(ENCODER), len(self.view)
        axes = self._axes(encoder)
        with replace_file(self.whole_file) as whole, replace_file(self.short_file) as short:
            size = (total, axes.shape[0])
            every = np.lib.format.open_memmap(whole, "w+", np.float16, size) if total else None
            lead = np.lib.format.open_memmap(short, "w+", np.float32, (total, axes.shape[1])) if total else None
            for at in range(0, total, AT_ONCE):
                yield Progress("vectors", at, total, f"{at:,} of {total:,} rows")
                rows = np.arange(at, min(at + AT_ONCE, total))
                vectors = encoder.encode(self.view.texts(rows))
                assert every is not None
                assert lead is not None
                every[rows], lead[rows] = vectors, vectors @ axes
            if every is None or lead is None:
                np.save(whole, np.zeros(size, np.float16))
                np.save(short, np.zeros((0, axes.shape[1]), np.float32))
            else:
                every.flush()
                lead.flush()
        yield Progress("vectors", total, total)

    def rows_near(
        self, vector: Vectors, k: int, among: npt.NDArray[np.int64] | None = None
    ) -> tuple[npt.NDArray[np.int64], Vectors]:
        """The k rows nearest to a vector (d,), nearest first, and their cosines; `among` some rows only."""
        short = self.short if among is None else self.short[among]
        rough = short @ (vector @ self.axes)
        many = min(len(rough), max(_SHORTLIST, 2 * k))
        some = np.argpartition(-rough, many - 1)[:many] if many < len(rough) else np.arange(len(rough))
        rows = np.sort(some if among is None else among[some])
        cosine = self.whole[rows].astype(np.float32) @ vector
        order = np.argsort(-cosine, kind="stable")[:k]
        return rows[order], cosine[order]

    def vectors(self, rows: npt.NDArray[np.int64]) -> Vectors:
        """Unit vectors (m, d) of some rows."""
        return np.asarray(self.whole[rows], np.float32)

    def _axes(self, encoder: Encoder) -> Vectors:
        total = len(self.view)
        rows = np.arange(0, total, max(1, total // _AXES_FROM))
        vectors = encoder.encode(self.view.texts(rows)) if total else encoder.encode([""])
        axes = leading(unit(vectors), min(_SHORT, vectors.shape[1]))
        with replace_file(self.axes_file) as beside:
            np.save(beside, axes, allow_pickle=False)
        return axes


class NearestRows:
    """The vectors that are open, the least recently used closed first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: OrderedDict[str, Nearest] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, view: View) -> Nearest:
        """The vectors of a table as it is now."""
        with self._lock:
            key = f"{view.name}\0{view.version}"
            if key not in self._open:
                self._open[key] = Nearest(view, self.folder)
            self._open.move_to_end(key)
            while len(self._open) > _OPEN:
                self._open.popitem(last=False)
            return self._open[key]
