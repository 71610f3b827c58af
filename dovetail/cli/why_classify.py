"""`dovetail explain MODEL TEXT` and `dovetail suspects MODEL`: why a text is of its class, which labels look wrong."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from dovetail.errors import InputError
from dovetail.measure.percent import percent

_COLUMNS = ("text", "given", "likely", "odds")
_CUT = 110  # characters of a text that are shown in a line

Model = Annotated[Path, typer.Argument(help="Folder of a classifier.", show_default=False)]
Out = Annotated[str | None, typer.Option("--out", "-o", help="File to write: csv, jsonl, parquet, xlsx.")]
Guard = Annotated[bool, typer.Option("--guard-formulas", help="Keep spreadsheets from running cells.")]
Most = Annotated[int, typer.Option(help="Most rows to show.", min=1)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


def show_why(folder: Path, text: str, label: str | None, *, as_json: bool) -> None:
    """Print why a text is of its class, or how far it is of another."""
    from dovetail.tasks.classify import Classifier
    from dovetail.workspace import as_json_text

    found = Classifier.load(folder).explain(text, label)
    if as_json:
        sys.stdout.write(as_json_text(asdict(found)) + "\n")
        return
    lines = [
        f"{found.label}, {percent(found.probability)} likely; next {found.rival}",
        "what the text loses, in log-odds:",
    ]
    lines += [f"  {w.importance:+6.2f}  {w.word}" for w in found.top()]
    if found.becomes is not None:
        lines.append(f"without {', '.join(map(repr, found.without))} it would be {found.becomes}")
    lines += ["nearest labelled texts:"] * bool(found.precedents)
    lines += [f"  {p.cosine:5.2f}  {p.label}: {_short(p.text)}" for p in found.precedents]
    sys.stdout.write("\n".join(lines) + "\n")


def suspects(
    model: Model, most: Most = 20, out: Out = None, guard_formulas: Guard = False, as_json: AsJson = False
) -> None:
    """List the labels that are likely wrong among those a classifier learnt from, the likeliest first."""
    from dovetail.cli.given import check_file
    from dovetail.tasks.base import load_model
    from dovetail.tasks.classify import Classifier
    from dovetail.workspace import as_json_text

    if out is not None:
        check_file(out, ())
        _check_own(out)
    made = load_model(model)
    if not isinstance(made, Classifier):
        raise InputError(f"{model} is no classifier; only classifiers rank their labels")
    found = made.suspects(most)
    clashes, left = made.contradictions(), made.not_judged()
    if out is not None:
        _write(out, [asdict(s) for s in found], guard=guard_formulas)
    if as_json:
        told = {"suspects": [asdict(s) for s in found], "contradictions": [[t, c] for t, c in clashes], "out": out}
        told["not_judged"] = left
        sys.stdout.write(as_json_text(told) + "\n")
        return
    lines = [f"{s.odds:+6.2f}  {s.given}, likelier {s.likely}: {_short(s.text)}" for s in found if s.odds > 0]
    lines = ["log-odds that another class fits better:", *lines] if lines else ["no label looks wrong"]
    lines += [f"not judged, for lack of another example: {name!r} ({n})" for name, n in left.items()]
    for text, counts in clashes[:most]:
        said = ", ".join(f"{name} ({times})" for name, times in counts.items())
        lines.append(f"equal texts, different labels: {said}: {_short(text)}")
    sys.stdout.write("\n".join(lines + ([out] if out else [])) + "\n")


def _write(out: str, rows: list[dict[str, object]], *, guard: bool) -> None:
    import pyarrow as pa

    from dovetail.tables.write import write

    write(pa.table({name: [row[name] for row in rows] for name in _COLUMNS}), out, guard_formulas=guard)


def _check_own(out: str) -> None:
    """Refuse a file that holds anything else, such as the table that was learnt from; an older list may go."""
    from dovetail.tables.read import read

    if not Path(out).is_file() or not Path(out).stat().st_size:
        return
    try:
        own = set(read(out).columns) == set(_COLUMNS)
    except InputError:
        own = False
    if not own:
        raise InputError(f"{out} is no list of suspects, and is not written over; name another file with --out")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _CUT else line[: _CUT - 1] + "…"
