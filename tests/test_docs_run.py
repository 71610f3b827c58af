"""README and docs cannot lie: every block of Python and every dovetail command in them runs."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_BLOCK = re.compile(r"(<!-- not run: (?P<why>.+?) -->\n)?```(?P<kind>python|console)\n(?P<text>.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\(([^)#:]+?)(#[^)]*)?\)")


@dataclass(frozen=True)
class Block:
    kind: str
    text: str
    why_not: str | None


def blocks(page: Path) -> list[Block]:
    return [Block(m["kind"], m["text"], m["why"]) for m in _BLOCK.finditer(page.read_text(encoding="utf-8"))]


def commands(text: str) -> list[list[str]]:
    """The dovetail and python commands of a block; make, git and pip are other tests' work."""
    lines = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
    parsed = [shlex.split(line, comments=True) for line in lines]
    return [words for words in parsed if words and words[0] in ("dovetail", "python")]


def run(words: list[str], folder: Path) -> None:
    start = [sys.executable, "-m", "dovetail.cli.main"] if words[0] == "dovetail" else [sys.executable]
    done = subprocess.run([*start, *words[1:]], cwd=folder, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, f"$ {shlex.join(words)}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr


def needed(page: Path) -> list[str]:
    """The optional packages without which a page cannot run: `<!-- needs: torch -->`."""
    found = re.search(r"<!-- needs: (.+?) -->", page.read_text(encoding="utf-8"))
    return found[1].split() if found else []


def to_run(page: Path) -> bool:
    return any(b.why_not is None and (b.kind == "python" or commands(b.text)) for b in blocks(page))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all pages: a command that two of them show is then finished sooner the second time."""
    folder = tmp_path_factory.mktemp("docs")
    shutil.copytree(ROOT / "examples", folder / "examples")
    return folder


@pytest.mark.parametrize("page", [p for p in PAGES if to_run(p)], ids=lambda p: p.name)
def test_every_block_runs(page: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in needed(page):
        pytest.importorskip(module)
    monkeypatch.chdir(place)
    names: dict[str, object] = {"__name__": page.stem}
    for block in blocks(page):
        if block.why_not:
            continue
        if block.kind == "python":
            exec(compile(block.text, str(page), "exec"), names)
        else:
            for words in commands(block.text):
                run(words, place)


def test_few_blocks_are_not_run() -> None:
    assert sum(b.why_not is not None for page in PAGES for b in blocks(page)) <= 4


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, _ in _LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"


def test_make_targets_in_the_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in (*PAGES, ROOT / "CONTRIBUTING.md"):
        used = set(re.findall(r"^\$ make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
        assert used <= targets, f"{page.name} names make targets that do not exist: {used - targets}"


def test_rows_that_the_documents_name_exist() -> None:
    catalogues = (ROOT / "examples" / "products" / f"{side}.csv" for side in ("north", "south"))
    known = "".join(path.read_text("latin-1") for path in catalogues)
    for page in PAGES:
        for row in re.findall(r"\b(?:N\d{4}|S-\d{5})\b", page.read_text(encoding="utf-8")):
            assert f"\n{row}" in known, f"{page.name} names {row}; the example tables have no such row"
