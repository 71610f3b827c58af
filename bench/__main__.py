"""Run benchmarks: `python -m bench NAME SET… [options]` prints one JSON object a line, progress goes to standard error.

Every set and seed runs in a process of its own, so that its peak memory is its own. A benchmark is a function
`run(set_name, seed, options)` that gives one dict or several; its module may offer `SETS`, the sets of a run that names
none, and `add_options(parser)`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from statistics import fmean
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BENCHES = {
    "integrate": "bench.integrate:run",
    "block": "bench.block:run",
    "schema": "bench.schema:run",
    "shipped": "bench.shipped:run",
    "match": "bench.match:run",
    "label": "bench.label:run",
    "compare": "bench.compare:run",
    "transfer": "bench.transfer:run",
    "people": "bench.people:run",
    "encode": "bench.encode:run",
    "explain": "bench.explain:run",
    "search": "bench.search:run",
    "similarity": "bench.similarity:run",
    "classify": "bench.classify:run",
    "serve": "bench.serve:run",
    "choose": "bench.choose:run",
}
Figures = dict[str, Any]


def module_of(name: str) -> ModuleType:
    """The module of a benchmark."""
    return import_module(BENCHES[name].split(":")[0])


def parser_for(name: str) -> argparse.ArgumentParser:
    """The options that every benchmark has, and those of this one."""
    parser = argparse.ArgumentParser(prog=f"python -m bench {name}", description=module_of(name).__doc__)
    parser.add_argument("sets", nargs="*", metavar="SET", help="sets to run; all of the benchmark's if none is named")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first run")
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds; adds a line with the means")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    if hasattr(module_of(name), "add_options"):
        module_of(name).add_options(parser)
    return parser


def commit() -> str:
    """The short hash of the checkout, with a plus where files differ from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if git("status", "--porcelain", "-uno") else "")


def peak_mb() -> int:
    """The most memory that this process, or one that it started, has held."""
    own = next((line for line in _status() if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return round(max(int(own.split()[1]), children) / 1024)


def _status() -> Sequence[str]:
    path = Path("/proc/self/status")
    return path.read_text(encoding="ascii", errors="replace").splitlines() if path.exists() else ()


def run_here(name: str, set_name: str, options: argparse.Namespace) -> Iterator[Figures]:
    """Run one set in this process and complete its figures."""
    function = getattr(module_of(name), BENCHES[name].split(":")[1])
    start = time.perf_counter()
    found = function(set_name, options.seed, options)
    for figures in [found] if isinstance(found, dict) else found:
        head = {"bench": name, "set": set_name, "seed": options.seed, "system": "dovetail", "commit": commit()}
        tail = {"seconds": round(time.perf_counter() - start, 2), "peak_mb": peak_mb()}
        yield {**head, **figures, **{key: value for key, value in tail.items() if key not in figures}}


def run_apart(name: str, set_name: str, seed: int, rest: Sequence[str]) -> Iterator[Figures]:
    """Run one set in a process of its own."""
    command = [sys.executable, "-m", "bench", name, set_name, *rest, "--seed", str(seed), "--seeds", "1", "--child"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield json.loads(line)
    if process.returncode:
        raise SystemExit(f"bench {name} {set_name} with seed {seed} ended with code {process.returncode}")


def means(runs: Iterable[Figures]) -> Iterator[Figures]:
    """One object a system with the mean of every number over the seeds."""
    by_system: dict[str, list[Figures]] = {}
    for figures in runs:
        by_system.setdefault(str(figures.get("system")), []).append(figures)
    for group in by_system.values():
        yield {key: _mean([g.get(key) for g in group]) for key in group[0]} | {"seed": "mean"}


def _mean(values: Sequence[Any]) -> Any:
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return round(fmean(values), 4)
    if all(isinstance(v, dict) for v in values):
        return {key: _mean([v.get(key) for v in values]) for key in values[0]}
    return values[0]


def _usual(name: str, options: argparse.Namespace) -> list[str]:
    """The sets of a run that names none: what the module's `chosen_sets` says, or its `SETS`."""
    module = module_of(name)
    return list(module.chosen_sets(options) if hasattr(module, "chosen_sets") else getattr(module, "SETS", ()))


def main(arguments: Sequence[str]) -> None:
    """Parse, run every set with every seed, print."""
    if not arguments or arguments[0] not in BENCHES:
        raise SystemExit(f"usage: python -m bench NAME SET… [options]; NAME is one of {', '.join(BENCHES)}")
    name, rest = arguments[0], list(arguments[1:])
    options = parser_for(name).parse_args(rest)
    sets = options.sets or _usual(name, options)
    if options.child:
        for figures in run_here(name, sets[0], options):
            print(json.dumps(figures, ensure_ascii=False, default=str), flush=True)
        return
    flags = [r for r in rest if r not in options.sets]
    for set_name in sets:
        runs = []
        for seed in range(options.seed, options.seed + options.seeds):
            print(f"{name} {set_name}, seed {seed}", file=sys.stderr, flush=True)
            for figures in run_apart(name, set_name, seed, flags):
                print(json.dumps(figures, ensure_ascii=False), flush=True)
                runs.append(figures)
        if options.seeds > 1:
            for figures in means(runs):
                print(json.dumps(figures, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
