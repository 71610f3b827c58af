"""A quick start: the public names, and what importing and `--help` may load."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

import dovetail

ROOT = Path(__file__).resolve().parent.parent
PUBLIC = {
    "__version__",
    "DovetailError",
    "Embedder",
    "Matcher",
    "Pairs",
    "SchemaMatcher",
    "Classifier",
    "Searcher",
    "Table",
    "clean",
    "dedupe",
    "integrate",
    "normalise",
    "open_workspace",
    "profile",
    "read",
    "read_pairs",
    "write",
}
_HEAVY = (
    "torch transformers sentence_transformers model2vec tokenizers pandas polars sklearn scipy numpy pyarrow duckdb "
    "lightgbm altair vl_convert rapidfuzz usearch numkong sqlalchemy openpyxl pydantic ftfy"
)
HEAVY = _HEAVY.split()


def run_python(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_by(code: str) -> set[str]:
    """The heavy packages in memory after a piece of code ran in a fresh interpreter."""
    end = f"; import json, sys; sys.stderr.write(''); print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    return set(json.loads(run_python("-c", code + end).splitlines()[-1]))


def test_public_names_are_these() -> None:
    assert set(dovetail.__all__) == PUBLIC
    assert len(PUBLIC) <= 24
    assert set(dir(dovetail)) == PUBLIC


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_public_name_exists_and_is_documented(name: str) -> None:
    assert getattr(dovetail, name) is not None
    if name != "__version__":
        assert f"`{name}" in (ROOT / "docs" / "library.md").read_text(encoding="utf-8")


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        dovetail.nonsense  # noqa: B018


def test_import_loads_nothing_heavy() -> None:
    assert loaded_by("import dovetail") == set()


def test_help_loads_nothing_heavy() -> None:
    code = "from dovetail.cli.main import app; app(['--help'], standalone_mode=False)"
    assert loaded_by(code) == set()


def test_reading_loads_no_torch(examples: Path) -> None:
    path = examples / "products" / "north.csv"
    # Arrow itself loads pandas where that is installed.
    assert not {"torch", "polars", "sklearn"} & loaded_by(f"import dovetail; dovetail.read({str(path)!r})")


def best_seconds(*arguments: str, times: int = 5) -> float:
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        run_python(*arguments)
        best = min(best, time.perf_counter() - start)
    return best


def test_help_answers_within_a_third_of_a_second() -> None:
    """Measured against a bare start of the interpreter where the machine is busy (a free one takes about 25 ms)."""
    bare = best_seconds("-c", "pass")
    allowed = 0.3 * max(1.0, bare / 0.025)
    assert best_seconds("-m", "dovetail.cli.main", "--help") < allowed
