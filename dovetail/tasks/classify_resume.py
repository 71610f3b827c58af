"""What a killed training of a classifier leaves, so that the same call goes on: texts read, encoders tuned or begun.

All of it lies in a folder of its own inside the one that was named, and is called by what it was made from, so that
other texts, labels or options start anew. Only what a function of the user's said is called by the text alone: another
function wants another folder.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dovetail.encoders.base import Encoder
from dovetail.errors import InputError
from dovetail.tables.atomic import replace_file
from dovetail.tasks.classify_head import Head

if TYPE_CHECKING:
    from dovetail.training.checkpoint import Checkpoint

FORMAT = 1
_HOME, _MARK = "unfinished-classifier", "made-by-dovetail.txt"
_TUNED, _READ = "tuned-", "read-"
_WORTH = 1.0  # seconds of reading from which vectors are kept


def begun(folder: Path) -> Path:
    """The folder inside `folder` that is all ours, made and marked; one that was there without the mark is not."""
    home = folder / _HOME
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not any(home.iterdir()):
            (home / _MARK).write_text("An unfinished training. It goes once the model is saved.\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"the checkpoint {folder} is no folder to write into: {error.strerror or error}") from None
    return home


class Unfinished:
    """One tuning in a folder: a checkpoint while it runs, and encoder and head once it is done; nothing without one.

    One that is done is only taken again under the same `minutes`: fewer may have made it end early.
    """

    def __init__(self, folder: Path | None, recipe: str, minutes: float | None = None) -> None:
        self.home = None if folder is None else folder / f"{_TUNED}{recipe[:16]}"
        self.recipe = f"{FORMAT} {recipe}"
        self._done = "done" if minutes is None else f"done-{minutes:g}-minutes"

    @property
    def checkpoint(self) -> Checkpoint | None:
        """What a tuning that was killed goes on from."""
        from dovetail.training.checkpoint import Checkpoint

        return None if self.home is None else Checkpoint(self.home / "running", self.recipe)

    def load(self, home: Path) -> tuple[bool, Head | None]:
        """Whether this tuning was done before; its encoder is then in the folder `home`, and its head is given."""
        from safetensors.numpy import load_file

        done = None if self.home is None else self.home / self._done
        if done is None or not done.is_dir():
            return False, None
        shutil.copytree(done / "encoder", home)
        if not (done / "head.safetensors").is_file():
            return True, None
        found = load_file(done / "head.safetensors")
        return True, Head(found["weight"], found["bias"])

    def save(self, home: Path, head: Head | None) -> None:
        """Keep an encoder that is done, and its head: whole or not at all."""
        from safetensors.numpy import save_file

        if self.home is None:
            return
        beside, done = self.home / "saving", self.home / self._done
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(home, beside / "encoder")
        if head is not None:
            save_file({"weight": np.ascontiguousarray(head.weight), "bias": head.bias}, beside / "head.safetensors")
        shutil.rmtree(done, ignore_errors=True)
        beside.rename(done)


def read_again(reader: Encoder, texts: Sequence[str], folder: Path | None) -> npt.NDArray[np.float32]:
    """Vectors (n, d) of a portion of texts, from the folder where it was read before."""
    if folder is None:
        return reader.encode(texts)
    named = hashlib.blake2b(f"{FORMAT} {reader.fingerprint}".encode(), digest_size=16)
    for text in texts:
        named.update(b"\x1e" + text.encode("utf-8", "replace"))
    file = folder / f"{_READ}{named.hexdigest()}.npy"
    if file.is_file():
        found: npt.NDArray[np.float32] = np.load(file, allow_pickle=False)
        return found
    start = time.perf_counter()
    vectors = reader.encode(texts)
    if time.perf_counter() - start >= _WORTH:
        folder.mkdir(parents=True, exist_ok=True)
        with replace_file(file) as beside, beside.open("wb") as opened:
            np.save(opened, vectors, allow_pickle=False)
    return vectors


def forget(folder: Path) -> None:
    """Remove what training left in a folder, since the model is safe; and the folder where nothing else is in it."""
    if (folder / _HOME / _MARK).is_file():
        shutil.rmtree(folder / _HOME, ignore_errors=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
