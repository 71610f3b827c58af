"""The folder on disk: finished steps, results and a lock. It is all that a person has to back up."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.ipc as ipc

from dovetail.errors import DovetailError, WorkspaceError
from dovetail.integrate.align import Alignment
from dovetail.tables.atomic import replace_file
from dovetail.tasks.match import Matcher
from dovetail.tasks.schema import ColumnMapping, ColumnMatch
from dovetail.types import Attribute, BlockPlan, Candidates, Clusters, Decisions, Fused, Interval, Kind, Records
from dovetail.version import __version__

FORMAT = 1
_MARK = "workspace.json"
_BROKEN = (OSError, ValueError, KeyError, TypeError, DovetailError)  # what damaged files raise when they are loaded
# what a run that was killed leaves of a result that it was writing
_HALF_WRITTEN = re.compile(r"\.(merged|matches|clusters|provenance|review|report|run|rejects|workspace)-\w{8}\.")


class Workspace:
    """A folder that Dovetail owns: made on first use; one that holds other files is refused."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def open(self) -> Workspace:
        """Make the folder, or check that it is one of ours and not of a newer version."""
        if self.folder.exists() and not self.folder.is_dir():
            raise WorkspaceError(f"{self.folder} is a file; give a folder with --out")
        mark = self.folder / _MARK
        if mark.is_file():
            self._check(mark)
            return self
        if self.folder.is_dir() and any(not _HALF_WRITTEN.match(p.name) for p in self.folder.iterdir()):
            raise WorkspaceError(
                f"{self.folder} holds files that are not Dovetail's, and results would mix with them; "
                f"give a new or empty folder with --out"
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_json(mark, {"format": FORMAT, "made_by": f"dovetail {__version__}"})
        except OSError as error:
            raise WorkspaceError(
                f"the folder {self.folder} cannot be made or written to: {error.strerror}; give another with --out"
            ) from None
        return self

    def _check(self, mark: Path) -> None:
        try:
            found = json.loads(mark.read_text(encoding="utf-8"))["format"]
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise WorkspaceError(
                f"{mark} cannot be read ({error}); move the folder away or give another --out"
            ) from error
        if not isinstance(found, int) or found > FORMAT:
            raise WorkspaceError(
                f"{self.folder} was written in format {found}, this version reads up to {FORMAT}; update dovetail"
            )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for writing; a second process is refused in plain words, never made to wait."""
        self.open()
        with self._lock() as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise WorkspaceError(
                    f"another dovetail is writing into {self.folder}; wait for it or give another --out"
                ) from None
            for left in self.folder.glob(".*-*"):
                if _HALF_WRITTEN.match(left.name):
                    left.unlink(missing_ok=True)
            yield

    def _lock(self) -> TextIO:
        try:
            return (self.folder / ".lock").open("w")
        except OSError as error:
            raise WorkspaceError(
                f"the folder {self.folder} cannot be written to: {error.strerror}; give another with --out"
            ) from None

    def steps(self, inputs: Mapping[str, object]) -> SavedSteps:
        """The finished steps of a run; `inputs` says for each step what goes into it beside the steps before."""
        return SavedSteps(self.folder / "steps", inputs)

    def latest(self, step: str) -> object | None:
        """The result of a step of the last run, whatever went into it; None where there is none.

        A step that cannot be read raises `WorkspaceError`.
        """
        home = self.folder / "steps" / step
        if not (home / "step.json").is_file():
            return None
        try:
            return _load_step(home)
        except _BROKEN:
            raise WorkspaceError(
                f"the step {step} in {self.folder} is damaged; type the same integrate or dedupe again, which mends it"
            ) from None


def open_workspace(folder: str | Path) -> Workspace:
    """Open or make a workspace folder."""
    return Workspace(folder).open()


@dataclass
class SavedSteps:
    """The steps of one run on disk: each is a folder that appears whole or not at all.

    A step is kept under a key that hashes its own inputs and those of every step before it, so it is recalled
    only where all that went into it is the same: other fusion rules do not block and match again.
    """

    folder: Path
    inputs: Mapping[str, object]
    key: str = __version__

    def recall(self, step: str) -> object | None:
        """The kept result of a step, or None where there is none, or none that fits."""
        home, self.key = self.folder / step, digest(self.key, step, self.inputs.get(step))
        try:
            return _load_step(home, self.key)
        except _BROKEN:
            return None  # a broken step is simply done again

    def keep(self, step: str, result: object) -> None:
        """Write the result beside, then move it into place."""
        self.folder.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{step}-", dir=self.folder))
        name = type(result).__name__
        meta = _CODECS[name].dump(beside, result)
        note = {"format": FORMAT, "key": self.key, "type": name, "meta": meta}
        write_json(beside / "step.json", note)
        home = self.folder / step
        if home.exists():
            shutil.rmtree(home)
        beside.replace(home)

    def drop(self, step: str) -> None:
        """Remove a step that the run will not take, so that nobody takes it for one of this run."""
        shutil.rmtree(self.folder / step, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what an interrupted run left half-written."""
        for left in self.folder.glob(".*-*"):
            shutil.rmtree(left, ignore_errors=True)


def _load_step(home: Path, key: str | None = None) -> object | None:
    note = json.loads((home / "step.json").read_text(encoding="utf-8"))
    if note["format"] != FORMAT or (key is not None and note["key"] != key):
        return None
    found: object = _CODECS[note["type"]].load(home, note["meta"])
    return found


def digest(*parts: object) -> str:
    """A short hash of texts, numbers and JSON-like values."""
    text = json.dumps(parts, sort_keys=True, default=_plain, ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def as_json_text(value: object) -> str:
    """Data classes, arrays and paths as JSON text."""
    return json.dumps(value, indent=1, ensure_ascii=False, default=_plain)


def write_json(path: Path, value: object) -> None:
    """Write JSON atomically, for people and programs alike."""
    with replace_file(path) as beside:
        Path(beside).write_text(as_json_text(value) + "\n", encoding="utf-8")


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return str(value)


@dataclass(frozen=True)
class _Codec:
    dump: Callable[[Path, Any], dict[str, Any]]  # writes arrays into the folder, returns what goes into the JSON
    load: Callable[[Path, dict[str, Any]], Any]


def _save(path: Path, table: pa.Table) -> None:
    feather.write_feather(table, str(path), compression="lz4")


def _open(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as handle:
        return ipc.open_file(handle).read_all()


def _dump_alignment(home: Path, value: Alignment) -> dict[str, Any]:
    records = value.records
    _save(home / "original.arrow", records.original)
    _save(home / "text.arrow", records.text)
    _save(home / "rows.arrow", pa.table({"id": records.ids, "source": pa.array(records.source)}))
    return {
        "sources": records.sources,
        "attributes": [dataclasses.asdict(a) for a in records.attributes],
        "mappings": [dataclasses.asdict(m) for m in value.mappings],
    }


def _load_alignment(home: Path, meta: dict[str, Any]) -> Alignment:
    rows = _open(home / "rows.arrow")
    attributes = (Attribute(a["name"], Kind(a["kind"]), tuple(a["columns"])) for a in meta["attributes"])
    records = Records(
        sources=tuple(meta["sources"]),
        source=rows["source"].to_numpy(),
        ids=rows["id"].combine_chunks(),
        attributes=tuple(attributes),
        original=_open(home / "original.arrow"),
        text=_open(home / "text.arrow"),
    )
    mappings = (
        ColumnMapping(
            tuple(ColumnMatch(**m) for m in one["matches"]), tuple(one["left_alone"]), tuple(one["right_alone"])
        )
        for one in meta["mappings"]
    )
    return Alignment(records, tuple(mappings))


def _dump_plan(home: Path, value: BlockPlan) -> dict[str, Any]:
    del home
    return dataclasses.asdict(value)


def _load_plan(home: Path, meta: dict[str, Any]) -> BlockPlan:
    del home
    return BlockPlan(**{**meta, "recall": Interval(**meta["recall"])})


def _dump_candidates(home: Path, value: Candidates) -> dict[str, Any]:
    _save(home / "pairs.arrow", pa.table({"left": pa.array(value.left), "right": pa.array(value.right)}))
    return {}


def _load_candidates(home: Path, meta: dict[str, Any]) -> Candidates:
    del meta
    pairs = _open(home / "pairs.arrow")
    return Candidates(pairs["left"].to_numpy(), pairs["right"].to_numpy())


def _dump_decisions(home: Path, value: Decisions) -> dict[str, Any]:
    _dump_candidates(home, value.candidates)
    _save(home / "scores.arrow", pa.table({"score": pa.array(value.score)}))
    names = ("threshold", "review_low", "review_high", "matcher", "shift")
    return {name: getattr(value, name) for name in names}


def _load_decisions(home: Path, meta: dict[str, Any]) -> Decisions:
    score = _open(home / "scores.arrow")["score"].to_numpy()
    return Decisions(_load_candidates(home, meta), score, **meta)


def _dump_clusters(home: Path, value: Clusters) -> dict[str, Any]:
    _save(home / "cluster.arrow", pa.table({"cluster": pa.array(value.cluster)}))
    _save(home / "names.arrow", pa.table({"name": value.names}))
    return {"method": value.method, "why": value.why}


def _load_clusters(home: Path, meta: dict[str, Any]) -> Clusters:
    cluster = _open(home / "cluster.arrow")["cluster"].to_numpy()
    return Clusters(cluster, _open(home / "names.arrow")["name"].combine_chunks(), **meta)


def _dump_fused(home: Path, value: Fused) -> dict[str, Any]:
    _save(home / "table.arrow", value.table)
    _save(home / "provenance.arrow", value.provenance)
    return {"conflicts": value.conflicts}


def _load_fused(home: Path, meta: dict[str, Any]) -> Fused:
    return Fused(_open(home / "table.arrow"), _open(home / "provenance.arrow"), meta["conflicts"])


def _dump_matcher(home: Path, value: Matcher) -> dict[str, Any]:
    value.save(home / "matcher")
    return {}


def _load_matcher(home: Path, meta: dict[str, Any]) -> Matcher:
    del meta
    return Matcher.load(home / "matcher")


_CODECS: Mapping[str, _Codec] = {
    "Alignment": _Codec(_dump_alignment, _load_alignment),
    "BlockPlan": _Codec(_dump_plan, _load_plan),
    "Candidates": _Codec(_dump_candidates, _load_candidates),
    "Decisions": _Codec(_dump_decisions, _load_decisions),
    "Clusters": _Codec(_dump_clusters, _load_clusters),
    "Fused": _Codec(_dump_fused, _load_fused),
    "Matcher": _Codec(_dump_matcher, _load_matcher),
}
