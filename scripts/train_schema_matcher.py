"""Learn what the signs of two columns weigh, from published mappings, and write it into the package.

Usage: python scripts/train_schema_matcher.py [--leave-out]

Log-odds are a sum of signs with weights of zero or more, so the fit carries over to tables unlike these. Each family
of cases weighs the same. Every case is also seen in small cut-outs, where most columns have no partner, and with some
names taken away. With `--leave-out` nothing is written: each family is mapped with weights learnt on the others, and
its F1 is printed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment, minimize

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.schema import SETS, cases
from bench.sets import FAMILIES, data_folder, load
from dovetail.tables.atomic import replace_file
from dovetail.tables.read import read
from dovetail.tasks.schema import WEIGHTS, WEIGHTS_FORMAT, lead, signs
from dovetail.tasks.schema_values import Column
from dovetail.types import Table

SIGNS = (
    "name equal", "name short", "name bare", "name letters", "name meaning", "anonymous", "same cells", "same words",
    "same shapes", "same meaning", "same kind", "empty", "distinct", "name", "values", "name lead", "values lead",
    "values alone", "values lead alone",
)  # fmt: skip
FREE = {"anonymous", "empty"}  # whether these speak for or against is open
CUTS, MOST = 6, 5  # cut-outs a case, and their columns a side
MOST_WEB = 300  # pairs of web tables
RIDGE, WEIGHT = 0.3, 4_500.0
RENAMED = 0.4  # share of the columns that lose their name in one more copy of each case

Matrix = npt.NDArray[np.float64]
Example = tuple[dict[str, Matrix], Matrix]  # the signs and the truth (1, 0, or NaN where unknown), each (left, right)


def compared(left: Table, right: Table) -> dict[str, Matrix]:
    """The signs of every pair of columns."""
    return signs([Column(c, left.data[c]) for c in left.columns], [Column(c, right.data[c]) for c in right.columns])


def families() -> dict[str, list[Example]]:
    """All cases by family: published mappings, and record tables whose columns have the same names."""
    found = {name: list(_mapped(name)) for name in SETS}
    return found | {"records": list(_records()), "web": list(_web(data_folder() / "schema" / "sotab-sm" / "train"))}


def _mapped(family: str) -> Iterator[Example]:
    for case in cases(family):
        truth = [[float((a, b) in case.truth) for b in case.right.columns] for a in case.left.columns]
        yield compared(case.left, case.right), np.array(truth)


def _records() -> Iterator[Example]:
    for name in FAMILIES:
        gold = load(name, data_folder())
        if len(gold.tables) == 2:
            left, right = gold.tables
            same = np.array([[float(a == b) for b in right.columns] for a in left.columns])
            # Columns without a namesake may still have a partner: what is not known is not taught.
            known = same.any(axis=1, keepdims=True) | same.any(axis=0, keepdims=True)
            yield compared(left, right), np.where(known, same, np.nan)


def _web(folder: Path) -> Iterator[Example]:
    """Tables of the web without column names, judged for some pairs of columns."""
    rows = read(folder / "pairs.csv.gz").data.to_pylist()
    by_tables: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows:
        by_tables.setdefault((row["source_table"], row["target_table"]), []).append(row)
    for (left_name, right_name), said in list(by_tables.items())[:: max(1, len(by_tables) // MOST_WEB)]:
        left, right = (read(next((folder / "tables").glob(f"{name}.csv*"))) for name in (left_name, right_name))
        truth = np.full((len(left.columns), len(right.columns)), np.nan)
        for row in said:
            place = left.columns.index(row["source_column"]), right.columns.index(row["target_column"])
            truth[place] = float(row["label"])
        yield compared(left, right), truth


def cut_outs(example: Example, rng: np.random.Generator) -> Iterator[Example]:
    """The same case with a few of its columns only."""
    found, truth = example
    for _ in range(CUTS):
        rows, columns = (np.sort(rng.permutation(n)[: rng.integers(1, MOST + 1)]) for n in truth.shape)
        part = {sign: matrix[np.ix_(rows, columns)] for sign, matrix in found.items()}
        part["name lead"], part["values lead"] = lead(part["name"]), lead(part["values"])
        part["values lead alone"] = part["anonymous"] * part["values lead"]
        yield part, truth[np.ix_(rows, columns)]


def renamed(example: Example, rng: np.random.Generator) -> Example:
    """The same case where some left columns have names that say nothing about their partners."""
    found, truth = example
    kept = np.where(rng.random(len(truth)) < RENAMED, 0.1, 1.0)[:, None]
    part = {s: m * kept if s == "name" or (s.startswith("name ") and "lead" not in s) else m for s, m in found.items()}
    return part | {"name lead": lead(part["name"])}, truth


def learn(by_family: dict[str, list[Example]]) -> tuple[dict[str, float], float]:
    """Weights and base: logistic regression with a ridge, weights bounded below by zero."""
    parts = [_flat(examples) for examples in by_family.values()]
    x, y = (np.concatenate([p[i] for p in parts]) for i in (0, 1))
    w = np.concatenate([np.full(len(p[1]), 1.0 / max(1.0, p[1].sum())) for p in parts])
    w *= WEIGHT / w.sum()

    def loss(beta: Matrix) -> tuple[float, Matrix]:
        z = x @ beta[:-1] + beta[-1]
        wrong = w * (1.0 / (1.0 + np.exp(-z)) - y)
        cost = float((w * (np.logaddexp(0.0, z) - y * z)).sum() + RIDGE / 2 * (beta[:-1] ** 2).sum())
        return cost, np.append(x.T @ wrong + RIDGE * beta[:-1], wrong.sum())

    bounds = [(None if s in FREE else 0.0, None) for s in SIGNS] + [(None, None)]
    beta = minimize(loss, np.zeros(len(SIGNS) + 1), jac=True, method="L-BFGS-B", bounds=bounds).x
    return {s: round(float(b), 4) for s, b in zip(SIGNS, beta, strict=False)}, round(float(beta[-1]), 4)


def _flat(examples: list[Example]) -> tuple[Matrix, Matrix]:
    x = np.concatenate([np.stack([f[s] for s in SIGNS], axis=-1).reshape(-1, len(SIGNS)) for f, _ in examples])
    y = np.concatenate([truth.ravel() for _, truth in examples])
    return x[~np.isnan(y)], y[~np.isnan(y)]


def f1(examples: list[Example], weights: dict[str, float], base: float) -> float:
    """F1 over all column pairs of these cases."""
    found = right = true = 0.0
    for compared_signs, truth in examples:
        odds = base + np.sum([w * compared_signs[s] for s, w in weights.items()], axis=0)
        rows, columns = linear_sum_assignment(-np.maximum(odds, 0.0))
        said = truth[rows, columns][odds[rows, columns] > 0]
        found, right, true = found + (~np.isnan(said)).sum(), right + np.nansum(said), true + np.nansum(truth)
    return float(2 * right / max(found + true, 1.0))


def main() -> None:
    """Learn on all families and write the weights, or report each family without itself."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--leave-out", action="store_true", help="print F1 of each family, learnt on the others")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    whole = families()
    parts = {name: [c for e in examples for c in cut_outs(e, rng)] for name, examples in whole.items() if name != "web"}
    anew = {name: [renamed(e, rng) for e in whole[name]] for name in parts}
    taught = {name: whole[name] + parts.get(name, []) + anew.get(name, []) for name in whole}
    if options.leave_out:
        for name in parts:
            weights, base = learn({n: e for n, e in taught.items() if n != name})
            tested = {"f1": whole, "f1_cut_outs": parts, "f1_renamed": anew}
            figures = {key: f1(examples[name], weights, base) for key, examples in tested.items()}
            print(json.dumps({"set": name, **{k: round(v, 4) for k, v in figures.items()}}))
        return
    weights, base = learn(taught)
    with replace_file(WEIGHTS) as beside:
        said = {"format": WEIGHTS_FORMAT, "base": base, "weights": weights}
        Path(beside).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
