"""`dovetail predict` and `dovetail evaluate` with a similarity space."""

from __future__ import annotations

import json
import sys

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dovetail.cli.fit_embed import grades_in, texts_of_side
from dovetail.cli.models import Asked, only_table, write_pages
from dovetail.cli.models_classify import labels_in, texts_in
from dovetail.errors import InputError
from dovetail.measure.percent import percent
from dovetail.reports.space import render_space
from dovetail.tables.write import write
from dovetail.tasks.embed import Embedder
from dovetail.tasks.embed_scores import FAR
from dovetail.types import Table
from dovetail.workspace import as_json_text

_AT_ONCE = 1_024
_FEWEST = 3  # texts of which a map can be made


def predict_places(asked: Asked) -> None:
    """Write a table with the place of each text on a map and its nearest label, or with the cosine of each pair."""
    table, space = only_table(asked, "a space"), Embedder.load(asked.folder)
    if asked.out is None:
        raise InputError("predict needs a file to write; name it with --out map.csv")
    data = table.data
    for name, values in _columns(space, table).items():
        while name in data.column_names:
            name += "_"
        data = data.append_column(name, pa.array(values))
    write(Table(table.name, data, table.ids), asked.out, guard_formulas=asked.guard)
    if asked.as_json:
        sys.stdout.write(json.dumps({"rows": len(table), "out": asked.out}) + "\n")
    elif not asked.quiet:
        sys.stdout.write(f"{len(table):,} rows placed\n{asked.out}\n")


def evaluate_space(asked: Asked) -> None:
    """Measure a space on a table with a column of labels; with a folder, write figures and the report there."""
    table, space = only_table(asked, "a space"), Embedder.load(asked.folder)
    if "pairs" in space.facts_:
        _evaluate_pairs(asked, table, space)
        return
    column = asked.labels or space.facts_.get("label")
    if column is None:
        raise InputError("evaluate needs the column of the labels; name it with --labels")
    every = labels_in(table, column, None)
    known = [place for place, label in enumerate(every) if label not in (None, "")]
    texts = texts_in(table, space.facts_.get("columns"))
    texts, labels = [texts[i] for i in known], [every[i] for i in known]
    scores = space.evaluate(texts, labels)
    if asked.out is not None:
        prices, points = space.prices(texts, labels), space.project(texts, labels, method="classes")
        pages = {
            "evaluation.json": as_json_text({name: one.to_dict() for name, one in scores.items()}),
            "evaluation.html": render_space(space.facts_["why"], scores, points, labels, prices=prices),
        }
        write_pages(asked.out, pages)
    seen = set(space.labelled_[0])
    again = sum(text in seen for text in texts)
    if asked.as_json:
        found = {name: one.to_dict() for name, one in scores.items()}
        sys.stdout.write(as_json_text({**found, "learnt_from": again}) + "\n")
    elif not asked.quiet:
        said = [f"{len(texts):,} labelled texts, {again:,} of them learnt from"]
        shares = {"top_25": "nearest 25", "top_1k": "nearest 1,000", "r_precision": "R-precision"}
        if len(texts) <= FAR:
            del shares["top_1k"]  # all there are
        for name, shown in shares.items():
            before, after = (getattr(scores[one], name).value for one in ("before", "after"))
            said.append(f"  {shown:<14} {percent(before)} before, {percent(after)} after")
        probes = [percent(scores[one].probe) for one in ("before", "after")]
        sys.stdout.write("\n".join([*said, f"  {'linear probe':<14} {probes[0]} before, {probes[1]} after"]) + "\n")


def _evaluate_pairs(asked: Asked, table: Table, space: Embedder) -> None:
    """Rank correlation of cosines and grades, before and after; with a folder, write it there."""
    one, other, grade = space.facts_["pairs"]
    grades = grades_in(table, asked.labels or grade)
    scores = space.evaluate_pairs(texts_of_side(table, one), texts_of_side(table, other), grades)
    said = as_json_text({"pairs": len(grades), "spearman": scores})
    if asked.out is not None:
        write_pages(asked.out, {"evaluation.json": said})
    if asked.as_json:
        sys.stdout.write(said + "\n")
    elif not asked.quiet:
        shown = f"{scores['before']:.3f} before, {scores['after']:.3f} after"
        sys.stdout.write(f"{len(grades):,} pairs\n  rank correlation {shown}\n")


def _columns(space: Embedder, table: Table) -> dict[str, list[object]]:
    """What the space says of each row."""
    if "pairs" in space.facts_:
        one, other, _ = space.facts_["pairs"]
        left, right = (space.encode(texts_of_side(table, column)) for column in (one, other))
        return {"cosine": [*(left * right).sum(axis=1).astype(float).round(4).tolist()]}
    texts = texts_in(table, space.facts_.get("columns"))
    points = _map(space, texts).round(5)
    return {"map_x": [*points[:, 0].tolist()], "map_y": [*points[:, 1].tolist()], **_nearest(space, texts)}


def _map(space: Embedder, texts: list[str]) -> npt.NDArray[np.float64]:
    """Points (n, 2) on the map of the labelled texts, which stays from call to call; without those on their own."""
    known, labels = space.labelled_
    if len(known) < _FEWEST:
        return space.project(texts)
    space.project(known, labels, method="classes")
    return space.project(texts, method="classes")


def _nearest(space: Embedder, texts: list[str]) -> dict[str, list[object]]:
    """The label of the nearest labelled text of each, and the cosine; nothing where the space has no classes."""
    known, labels = space.labelled_
    if not known:
        return {}
    kept, asked = space.encode(known), space.encode(texts)
    best = np.zeros(len(texts), np.int64)
    cosine = np.zeros(len(texts))
    for start in range(0, len(texts), _AT_ONCE):
        near = asked[start : start + _AT_ONCE] @ kept.T
        best[start : start + _AT_ONCE], cosine[start : start + _AT_ONCE] = near.argmax(axis=1), near.max(axis=1)
    said = [labels[place] if text else None for place, text in zip(best.tolist(), texts, strict=True)]
    return {"nearest_label": [*said], "nearest_cosine": [*cosine.round(4).tolist()]}
