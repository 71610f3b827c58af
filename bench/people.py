"""Made-up person rows in any number: how far one machine carries, and how a peer does on the same rows.

The set is the number of rows: `python -m bench people 1000000 --memory 6GB --peer splink`. About a fifth of the
rows are second or third records of a person, with typos, swapped and missing values, abbreviations, moves and new
surnames; families share surname, address and telephone. Everything follows from the seed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
import venv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from bench.people_rows import make

ROOT = Path(__file__).resolve().parent.parent
SETS = ("20000",)
SPLINK = ROOT / ".cache" / "splink-venv"


def add_options(parser: argparse.ArgumentParser) -> None:
    """What this benchmark can be told."""
    parser.add_argument("--memory", help="handed to dovetail dedupe, for example 6GB")
    parser.add_argument("--peer", choices=["splink"], help="run this program on the same rows, too")
    parser.add_argument("--peer-only", action="store_true", help="do not run dovetail")


def run(set_name: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One object for dovetail, one for the peer."""
    with tempfile.TemporaryDirectory(prefix="people-") as folder:
        place = Path(folder)
        start = time.perf_counter()
        write(place / "people.csv", int(set_name), seed)
        print(f"{int(set_name):,} rows made in {time.perf_counter() - start:.1f} s", file=sys.stderr)
        if not options.peer_only:
            yield dovetail_run(place, options.memory, seed)
        if options.peer:
            yield splink_run(place, options.memory)


def write(path: Path, rows: int, seed: int) -> None:
    """Write the rows to `path` and the gold (id, cluster_id) to `gold.csv` beside it."""
    table, entity = make(rows, seed)
    pacsv.write_csv(table, path)
    gold = pa.table({"id": table["id"], "cluster_id": pa.array(entity)})
    pacsv.write_csv(gold, path.with_name("gold.csv"))


def dovetail_run(place: Path, memory: str | None, seed: int) -> dict[str, Any]:
    """Run `dovetail dedupe` and measure its clusters."""
    command = [
        sys.executable,
        "-m",
        "dovetail.cli.main",
        "dedupe",
        str(place / "people.csv"),
        "--out",
        str(place / "out"),
    ]
    command += ["--seed", str(seed), *(["--memory", memory] if memory else [])]
    watched = watch(command)
    figures = scores(place / "gold.csv", place / "out" / "clusters.csv")
    return {"system": "dovetail", **figures, **_cost(watched), "memory": memory}


def splink_run(place: Path, memory: str | None) -> dict[str, Any]:
    """Run Splink in an environment of its own and measure its clusters.

    Of its thresholds the one with the best F1 on the gold is reported, which favours the peer.
    """
    python = SPLINK / "bin" / "python"
    if not python.exists():
        print(f"installing Splink into {SPLINK}", file=sys.stderr)
        venv.create(SPLINK, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "splink"], check=True, stdout=sys.stderr)
    command = [str(python), str(ROOT / "bench" / "peer_splink.py"), str(place / "people.csv"), str(place)]
    watched = watch(command + ([memory] if memory else []))
    found = {path: scores(place / "gold.csv", path) for path in place.glob("splink-*.csv")}
    best = max(found, key=lambda path: found[path]["f1"])
    threshold = float(best.stem.removeprefix("splink-"))
    cost = _cost(watched) | {"memory": memory, "threshold": threshold}
    return {"system": "splink", "version": _version(python), **found[best], **cost}


def _version(python: Path) -> str:
    asked = [python, "-c", "import importlib.metadata as m; print(m.version('splink'))"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()


@dataclass(frozen=True)
class Watched:
    """What a finished command took."""

    seconds: float
    peak_mb: float  # of the command and all that it started, together


def watch(command: Sequence[str]) -> Watched:
    """Run a command to its end, its output on standard error, and sample its memory."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=sys.stderr, cwd=ROOT)
    peak = [0.0]

    def sample() -> None:
        while process.poll() is None:
            peak[0] = max(peak[0], _tree_mb(process.pid))
            time.sleep(0.1)

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    code = process.wait()
    sampler.join()
    if code:
        raise SystemExit(f"{command[0]} {' '.join(command[1:4])} … ended with code {code}")
    return Watched(time.perf_counter() - start, peak[0])


def _tree_mb(pid: int) -> float:
    """Resident memory of a process and its descendants, in MB of 10**6 bytes."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    own = next((int(line.split()[1]) for line in status if line.startswith("VmRSS:")), 0)
    return own * 1024 / 1e6 + sum(_tree_mb(int(child)) for child in children)


def _cost(watched: Watched) -> dict[str, float]:
    return {"seconds": round(watched.seconds, 1), "peak_mb": round(watched.peak_mb)}


def scores(gold: Path, found: Path) -> dict[str, Any]:
    """Pairwise precision, recall and F1 of two clusterings of the same ids."""
    true, ours = _clusters(gold), _clusters(found)
    ids = pa.array(sorted(true))
    a = _codes([true[i] for i in ids.to_pylist()])
    b = _codes([ours.get(i, f"alone {i}") for i in ids.to_pylist()])
    both, in_true, in_ours = _pairs(a.astype(np.int64) << 32 | b), _pairs(a), _pairs(b)
    precision, recall = both / max(in_ours, 1), both / max(in_true, 1)
    f1 = 2 * both / max(in_ours + in_true, 1)
    shares = {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}
    return {"rows": len(ids), "true_pairs": in_true, **shares}


def _clusters(path: Path) -> dict[str, str]:
    text = pacsv.ConvertOptions(column_types={"id": pa.string(), "cluster_id": pa.string()})
    table = pacsv.read_csv(path, convert_options=text)
    return dict(zip(table["id"].to_pylist(), table["cluster_id"].to_pylist(), strict=True))


def _codes(values: Sequence[str]) -> npt.NDArray[np.int64]:
    return np.asarray(pa.array(values).dictionary_encode().indices).astype(np.int64)


def _pairs(codes: npt.NDArray[np.int64]) -> int:
    sizes = np.unique(codes, return_counts=True)[1].astype(np.int64)
    return int((sizes * (sizes - 1) // 2).sum())
