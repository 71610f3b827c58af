"""The model card: what a model was trained on, how, how good it is, what it is for and where it ends."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from dovetail.errors import InputError
from dovetail.tables.atomic import replace_file
from dovetail.tables.fingerprint import data_hash
from dovetail.types import Table
from dovetail.version import __version__

FORMAT = 1
_PACKAGES = ("numpy", "pyarrow", "lightgbm", "rapidfuzz", "torch", "transformers")


@dataclass(frozen=True)
class DataCard:
    """A table that a model was trained on: its size and hash, never its values."""

    name: str
    rows: int
    columns: tuple[str, ...]
    hash: str

    @classmethod
    def of(cls, table: Table) -> DataCard:
        """The card of one table."""
        return cls(table.name, len(table), table.columns, data_hash(table))


@dataclass(frozen=True)
class ModelCard:
    """All that a stranger must know of a model. Figures are plain numbers by name; shares are in [0, 1]."""

    task: str
    summary: str
    data: tuple[DataCard, ...]
    labels: Mapping[str, Any]
    settings: Mapping[str, Any]
    figures: Mapping[str, Any]
    intended_use: str
    limits: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    made: str = ""  # ISO 8601, UTC
    versions: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return {"format": FORMAT, **asdict(self)}

    def to_lines(self) -> list[str]:
        """The card in a few lines for a console."""
        lines = [self.summary, *(f"{d.name}: {d.rows:,} rows" for d in self.data)]
        lines += [f"{_words(n)}: {_shown(v)}" for n, v in with_intervals(self.figures).items() if v is not None]
        return [*lines, *(f"! {warning}" for warning in self.warnings)]

    def to_markdown(self) -> str:
        """The card as a page that a person reads."""
        parts = [f"# Model card: {self.task}", self.summary, "## Intended use", self.intended_use]
        parts += ["## Limits", _bullets(self.limits)]
        if self.warnings:
            parts += ["## Please note", _bullets(self.warnings)]
        parts += ["## Figures", _table(with_intervals(self.figures)), "## Labels", _table(self.labels)]
        parts += [
            "## Data",
            _bullets([f"{d.name}: {d.rows:,} rows, columns {', '.join(d.columns)}; hash {d.hash}" for d in self.data]),
        ]
        parts += [
            "## Settings",
            _table(self.settings),
            "## Made",
            _table({"on": self.made, "seconds": self.seconds, **self.versions}),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def write(self, folder: Path) -> None:
        """`card.json` for programs and `card.md` for people."""
        for name, text in (
            ("card.json", json.dumps(self.to_dict(), indent=1, ensure_ascii=False)),
            ("card.md", self.to_markdown()),
        ):
            with replace_file(folder / name) as beside:
                beside.write_text(text.rstrip() + "\n", encoding="utf-8", errors="backslashreplace")

    @classmethod
    def read(cls, folder: Path) -> ModelCard:
        """What `write` wrote."""
        path = folder / "card.json"
        try:
            note = json.loads(path.read_text(encoding="utf-8"))
            if note.pop("format") > FORMAT:
                raise InputError(f"{path} is of a newer format; update dovetail")
            note["data"] = tuple(DataCard(**d | {"columns": tuple(d["columns"])}) for d in note["data"])
            return cls(**note | {name: tuple(note[name]) for name in ("limits", "warnings")})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is missing or damaged ({error}); train the model again") from None


def with_intervals(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures whose ends stand beside them as `_low` and `_high`, in one text each: `0.912 (0.88 to 0.94)`."""
    found: dict[str, Any] = {}
    for name, value in figures.items():
        ends = [figures.get(f"{name}{end}") for end in ("_low", "_high")]
        if name.endswith(("_low", "_high")) and name.rpartition("_")[0] in figures:
            continue
        bare = value is None or None in ends
        found[name] = value if bare else f"{_shown(value)} ({_shown(ends[0])} to {_shown(ends[1])})"
    return found


def now() -> str:
    """The time as ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    """Versions of Dovetail, Python and the packages that models rest on, those that are installed."""
    found = {"dovetail": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {_cell(line)}" for line in lines)


def _table(rows: Mapping[str, Any]) -> str:
    if not rows:
        return ""
    body = "\n".join(f"| {_cell(_words(name))} | {_cell(_shown(value))} |" for name, value in rows.items())
    return f"| | |\n|---|---|\n{body}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{_words(str(k))} {_shown(v)}" for k, v in value.items()) or "–"
    if isinstance(value, list | tuple):
        return ", ".join(map(_shown, value)) or "–"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
