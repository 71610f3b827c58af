"""`dovetail predict`, `evaluate`, `monitor` and `update` with a classifier."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from dovetail.cli.models import Asked, only_table, write_pages
from dovetail.cli.progress import shown
from dovetail.errors import InputError, UnknownName
from dovetail.reports.classes import render_classes
from dovetail.tables.read import read
from dovetail.tables.write import write
from dovetail.tasks.classify import Classifier, Decided
from dovetail.tasks.classify_texts import texts_of
from dovetail.types import Table, finish
from dovetail.workspace import as_json_text

_OWN = ("label", "probability", "second", "outside")


def predict_classes(asked: Asked) -> None:
    """Classify the rows of a table and write it with the class, its probability and the next likely class."""
    table = only_table(asked, "a classifier")
    if asked.out is None:
        raise InputError("predict needs a file to write; name it with --out classified.csv")
    made = Classifier.load(asked.folder)
    texts = texts_in(table, made.card.get("columns"))
    with shown(asked.quiet or asked.as_json) as show:
        found = finish(made.decide_job(texts), show)
    classified = Table(table.name, _with_classes(table.data, found), table.ids)
    write(classified, asked.out, guard_formulas=asked.guard)
    unsure = sum(one is None for one in found.label)
    odd = 0 if found.outside is None else int((found.outside > 0.5)[[bool(text) for text in texts]].sum())
    if asked.as_json:
        counts = {"rows": len(texts), "unsure": unsure, "outside": odd, "out": asked.out}
        sys.stdout.write(json.dumps(counts) + "\n")
    elif not asked.quiet:
        sys.stdout.write("\n".join([*_classified(len(texts), unsure, odd), str(asked.out)]) + "\n")


def _classified(rows: int, unsure: int, odd: int) -> list[str]:
    """What was done, and what to look at."""
    lines = [f"{rows - unsure:,} {'text' if rows - unsure == 1 else 'texts'} classified"]
    if unsure:
        lines.append(f"{unsure:,} {'has' if unsure == 1 else 'have'} no class, since there is no text")
    if odd:
        said = "text seems to belong" if odd == 1 else "texts seem to belong"
        lines.append(f"{odd:,} {said} to none of the classes: look at those with more than 0.5 in the column outside")
    return lines


def evaluate_classes(asked: Asked) -> None:
    """Measure a classifier on a table with a column of labels; with a folder, write figures and the report there."""
    table, made = only_table(asked, "a classifier"), Classifier.load(asked.folder)
    column = asked.labels or made.card.get("label")
    if column is None:
        raise InputError("evaluate needs the column of the labels; name it with --labels")
    labels = labels_in(table, column, made.card.get("between"))
    with shown(asked.quiet or asked.as_json) as show:
        texts = texts_in(table, made.card.get("columns"))
        groups = None if asked.groups is None else labels_in(table, asked.groups, None)
        found = made.evaluate(texts, labels, groups=groups, on_progress=show)
    if asked.out is not None:
        pages = {"evaluation.json": as_json_text(found.to_dict()), "evaluation.html": render_classes(found, made.card)}
        write_pages(asked.out, pages)
    if asked.as_json:
        sys.stdout.write(as_json_text(found.to_dict()) + "\n")
    elif not asked.quiet:
        sys.stdout.write("\n".join(found.to_lines()) + "\n")


def monitor_classes(folder: Path, source: str, *, as_json: bool) -> None:
    """Say whether new texts drifted, which classes suffer, and which rows are worth a label."""
    made, table = Classifier.load(folder), read(source)
    found = made.monitor(texts_in(table, made.card.get("columns")))
    ids = [str(table.ids[i]) for i in found.to_label]
    if as_json:
        sys.stdout.write(as_json_text({**found.to_dict(), "to_label": ids}) + "\n")
        return
    lines = found.to_lines()
    kept = [line for line in lines if not line.startswith("worth a label")]
    sys.stdout.write("\n".join([*kept, "worth a label: " + ", ".join(ids)] if ids else kept) + "\n")


def update_classes(folder: Path, source: str, label: str | None, *, as_json: bool, quiet: bool) -> None:
    """Learn from new labels; the old model stays beside the new one, and in place where the new one is worse."""
    made, table = Classifier.load(folder), read(source)
    column = label or made.card.get("label")
    if column is None:
        raise InputError("update needs the column of the labels; name it with --label")
    kept = {name: made.card.get(name) for name in ("columns", "label", "between")}
    with shown(quiet or as_json) as show:
        done = made.update(
            texts_in(table, kept["columns"]), labels_in(table, column, kept["between"]), on_progress=show
        )
    before = folder.with_name(f"{folder.name}.before")
    if done.kept:
        old = Classifier.load(folder)
        old.save(before)
        made.remember(**kept)
        made.save(folder)
    said: dict[str, Any] = {"kept": done.kept, "why": done.why, "before": str(before) if done.kept else str(folder)}
    if as_json:
        sys.stdout.write(as_json_text(said) + "\n")
    elif not quiet:
        sys.stdout.write(done.why + (f"\nthe old model: {before}" if done.kept else "") + "\n")


def texts_in(table: Table, columns: Sequence[str] | None) -> list[str]:
    """One text a row from the named columns; from all of them where none is named."""
    return texts_of(table, columns or None)


def labels_in(table: Table, column: str, between: str | None) -> list[Any]:
    """The labels of a column, split where one row may have several."""
    if column not in table.columns:
        raise UnknownName("column", column, table.columns, table.name)
    values: list[Any] = table.data[column].to_pylist()
    if between is None:
        return values
    return [[part for part in str(v).split(between) if part.strip()] if v is not None else [] for v in values]


def _with_classes(data: pa.Table, found: Decided) -> pa.Table:
    """The table with what was decided; columns that have such a name already stay, and ours gets an underscore."""
    several = [" | ".join(one) if isinstance(one, tuple) else one for one in found.label]
    columns: list[Any] = [several, np.round(found.probability, 4).tolist(), list(found.second)]
    columns.append(None if found.outside is None else np.round(found.outside, 4).tolist())
    for name, values in zip(_OWN, columns, strict=True):
        if values is not None:
            free = "predicted" if name == "label" else name
            while free in data.column_names:
                free += "_"
            data = data.append_column(free, pa.array(values))
    return data
