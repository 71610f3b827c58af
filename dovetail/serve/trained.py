"""What background training left of one table: the tuned space, and the classes that a classifier sees."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.serve.state import State, now

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.serve.tables import View

    Vectors = npt.NDArray[np.float32]

KEPT = 5  # trainings whose files are kept, so that a person can go back to them


@dataclass(frozen=True)
class Classes:
    """What a classifier says of some rows."""

    version: int
    classes: tuple[str, ...]
    rows: npt.NDArray[np.int64]  # (m,)
    probability: Vectors  # (m, c)
    folder: Path


@dataclass(frozen=True)
class Space:
    """Where every row lies in the tuned space."""

    version: int
    vectors: npt.NDArray[np.float16]  # (n, d) unit vectors
    groups: dict[int, int]  # labelled row: its group


def latest(state: State, about: str) -> tuple[int, str, dict[str, Any]] | None:
    """Version, time and facts of the latest training."""
    row = state.row("SELECT * FROM trained WHERE about = ? ORDER BY version DESC LIMIT 1", (about,))
    return None if row is None else (int(row["version"]), str(row["at"]), json.loads(row["facts"]))


def in_use(state: State, about: str) -> tuple[int, str, dict[str, Any]] | None:
    """The same of the training that is used: the latest, or that to which a person went back; None: none of them."""
    pinned = state.noted(_pin(about))
    if pinned is None:
        return latest(state, about)
    return next((run for run in runs(state, about, most=10_000) if run[0] == int(pinned)), None)


def use(state: State, about: str, version: int) -> None:
    """Use an earlier training, or none (0), until the next one ends."""
    state.note(_pin(about), str(version))


def runs(state: State, about: str, most: int = 20) -> list[tuple[int, str, dict[str, Any]]]:
    """The latest trainings, the latest first."""
    query = "SELECT * FROM trained WHERE about = ? ORDER BY version DESC LIMIT ?"
    return [(int(r["version"]), str(r["at"]), json.loads(r["facts"])) for r in state.rows(query, (about, most))]


def keep(state: State, about: str, facts: dict[str, Any]) -> int:
    """Note a training; gives its version."""
    with state.writing() as file:
        query = "SELECT coalesce(max(version), 0) + 1 FROM trained WHERE about = ?"
        version = int(file.execute(query, (about,)).fetchone()[0])
        file.execute("INSERT INTO trained VALUES (?, ?, ?, ?)", (about, version, now(), json.dumps(facts)))
        file.execute("DELETE FROM noted WHERE name = ?", (_pin(about),))
    return version


def keep_none(state: State, about: str, facts: dict[str, Any]) -> int:
    """Note a training that had too little to learn from; what was used before stays in use."""
    used = in_use(state, about)
    version = keep(state, about, facts)
    if used is not None and "folder" in used[2]:
        use(state, about, used[0])
    return version


def let_go(state: State, home: Path, about: str) -> None:
    """Remove the files of old trainings; what is known of them stays, and so does the one that is used."""
    used = in_use(state, about)
    for version, _, facts in runs(state, about, most=1_000)[KEPT:]:
        place = place_of(home, about, version, facts)
        if place is not None and place.is_dir() and (used is None or used[0] != version):
            shutil.rmtree(place, ignore_errors=True)


def place_of(home: Path, about: str, version: int, facts: dict[str, Any]) -> Path | None:
    """Where the files of a training lie, or lay; None for one that had nothing to learn from."""
    if about == "pairs":
        return home / "pairs" / f"v{version:04}"
    return folder_of(home, about, str(facts["folder"])) if "folder" in facts else None


def _pin(about: str) -> str:
    return f"in use {about}"


def folder_of(home: Path, about: str, number: str) -> Path:
    """Where a training keeps its files; `number` is its own, so that a newer one never overwrites it."""
    key = hashlib.blake2b(about.encode(), digest_size=8).hexdigest()
    return home / "trained" / key / number


def classes_of(state: State, home: Path, view: View) -> Classes | None:
    """What the classifier in use says of a table as it is now; None where there is none."""
    found = in_use(state, f"class {view.name}")
    if found is None or found[2].get("table") != view.version:
        return None
    place = folder_of(home, f"class {view.name}", str(found[2]["folder"]))
    try:
        rows = np.load(place / "rows.npy", mmap_mode="r", allow_pickle=False)
        probability = np.load(place / "probability.npy", mmap_mode="r", allow_pickle=False)
    except OSError:
        return None
    return Classes(found[0], tuple(found[2]["classes"]), np.asarray(rows), np.asarray(probability), place)


def space_of(state: State, home: Path, view: View) -> Space | None:
    """The tuned space of a table as it is now; None where there is none."""
    found = in_use(state, f"space {view.name}")
    if found is None or found[2].get("table") != view.version or "folder" not in found[2]:
        return None
    place = folder_of(home, f"space {view.name}", str(found[2]["folder"]))
    try:
        vectors = np.load(place / "vectors.npy", mmap_mode="r", allow_pickle=False)
        groups = np.load(place / "groups.npy", allow_pickle=False)
    except OSError:
        return None
    return Space(found[0], np.asarray(vectors), dict(map(tuple, groups.tolist())))
