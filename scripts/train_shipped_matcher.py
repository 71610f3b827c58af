"""Train the matcher that ships in the package, on public sets; or one without some families, for honest figures.

    python -m scripts.train_shipped_matcher [--without FAMILY …]

Every set gives candidate pairs from the blocker's nets with portable comparisons. Sets with complete gold give all of
them a label, sets with labelled pairs only those of their train and valid parts; no test part is ever read. Families
weigh alike. Calibration is fitted on families that were left out of the trees.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.sets import FAMILIES, ONE, GoldSet, data_folder, load
from dovetail.encoders.base import load_encoder
from dovetail.measure.calibrate import platt
from dovetail.tasks.block_nets import Nets
from dovetail.tasks.compare import Comparer
from dovetail.tasks.match import SHIPPED, Matcher
from dovetail.tasks.records import as_one_source, records_of
from dovetail.tasks.trees import Trees, TreeSettings, grow
from dovetail.types import Candidates

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache" / "shipped"
PAIRS_A_SET = 5_000
SKIP = ("machamp-rel-text", "pydi-games-dbpedia-sales")  # no shared attribute; most of its labels name lost rows
AUTOFJ = ("Amphibian", "Artwork", "Award", "BasketballTeam", "Case", "Country", "Drug", "Election", "Monarch", "Song")
SETTINGS = TreeSettings(rounds=180, leaves=15, learning_rate=0.07, least_rows=40, column_share=0.3, l2=10.0)


@dataclass(frozen=True)
class Lesson:
    """What one set teaches: comparisons (m, f), labels (m,), its family."""

    name: str
    family: str
    names: tuple[str, ...]
    monotone: tuple[int, ...]
    values: npt.NDArray[np.float32]
    label: npt.NDArray[np.int8]


def lesson(name: str) -> Lesson:
    """The comparisons of a set, from the cache where the code that makes them has not changed."""
    path = CACHE / f"{name.replace('/', '-')}-{_code_hash()}.npz"
    if path.is_file():
        kept = np.load(path)
        names, monotone = tuple(kept["names"].tolist()), tuple(kept["monotone"].tolist())
        return Lesson(name, str(kept["family"]), names, monotone, kept["values"], kept["label"])
    made = _make(load(name))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **{k: v for k, v in vars(made).items() if k != "name"})
    sys.stderr.write(f"{name}: {len(made.label):,} pairs, {int(made.label.sum()):,} matches\n")
    return made


def _make(gold: GoldSet) -> Lesson:
    records = records_of(gold.tables)
    if gold.name.endswith("@one"):
        records = as_one_source(records)
    known, label = _labelled(gold)
    net = candidates_of(Nets(records, load_encoder()))
    context = union(net, known) if known is not None else net
    if known is None:
        left, right = gold.pair_positions()
        label = np.isin(_keys(context), _keys(Candidates(left, right))).astype(np.int8)
        known = context
    chosen = _some(label)
    pairs = Candidates(known.left[chosen], known.right[chosen])
    comparer = Comparer(records, context, load_encoder())
    found = comparer.portable(pairs)
    return Lesson(gold.name, gold.family, found.names, tuple(comparer.monotone()), found.values, label[chosen])


def candidates_of(nets: Nets, lexical: int = 10, encoder: int = 3) -> Candidates:
    """The blocker's nets at their usual width, across sources or inside the only one."""
    source, keys = nets.records.source, []
    for s in range(len(nets.records.sources)):
        queries = np.flatnonzero(source == s).astype(np.int32)
        among = np.flatnonzero(source != s).astype(np.int32) if len(nets.records.sources) > 1 else queries
        for net, k in ((nets.near_lexical, lexical), (nets.near_encoder, encoder)):
            for near in net(queries, among, k):
                low, high = np.minimum(near.query, near.found), np.maximum(near.query, near.found)
                keys.append(low.astype(np.int64) << 32 | high)
    return _from_keys(np.unique(np.concatenate(keys)))


def _labelled(gold: GoldSet) -> tuple[Candidates | None, npt.NDArray[np.int8]]:
    if gold.complete:
        return None, np.zeros(0, np.int8)
    parts = [gold.labelled[p] for p in ("train", "valid") if p in gold.labelled]
    if not parts:
        return Candidates(np.zeros(0, np.int32), np.zeros(0, np.int32)), np.zeros(0, np.int8)
    keys = np.concatenate([_keys(pairs) for pairs, _ in parts])
    label = np.concatenate([label for _, label in parts])
    unique, first = np.unique(keys, return_index=True)
    return _from_keys(unique), label[first]


def _some(label: npt.NDArray[np.int8]) -> npt.NDArray[np.int64]:
    if len(label) <= PAIRS_A_SET:
        return np.arange(len(label))
    return np.sort(np.random.default_rng(0).choice(len(label), PAIRS_A_SET, replace=False))


def union(a: Candidates, b: Candidates) -> Candidates:
    """All pairs of both, each once, sorted."""
    return _from_keys(np.union1d(_keys(a), _keys(b)))


def _keys(pairs: Candidates) -> npt.NDArray[np.int64]:
    return pairs.left.astype(np.int64) << 32 | pairs.right


def _from_keys(keys: npt.NDArray[np.int64]) -> Candidates:
    return Candidates((keys >> 32).astype(np.int32), (keys & 0xFFFFFFFF).astype(np.int32))


def _code_hash() -> str:
    files = sorted((ROOT / "dovetail" / "tasks").glob("compare*.py"))
    files += [ROOT / "dovetail" / "tasks" / f for f in ("records.py", "schema.py")]
    files += [ROOT / "dovetail" / "tables" / f for f in ("words.py", "text.py", "kinds.py", "normalise.py")]
    files += [ROOT / "dovetail" / "tasks" / "block_nets.py", ROOT / "bench" / "sets.py"]
    found = hashlib.blake2b(digest_size=6)
    for file in files:
        found.update(file.read_bytes())
    return found.hexdigest()


def lessons(exclude_families: tuple[str, ...] = ()) -> list[Lesson]:
    """All sets to learn from, without some families."""
    families = FAMILIES | {name: FAMILIES[name.removesuffix("@one")] for name in ONE}
    names = [n for n, family in families.items() if family not in exclude_families and n not in SKIP]
    if "autofj" not in exclude_families:
        names += [f"autofj/{d}" for d in AUTOFJ if (data_folder() / "er" / "autofj" / d).is_dir()]
    return [found for found in map(lesson, names) if len(found.label)]


def fit(taught: list[Lesson], seed: int = 0, *, calibrate: bool = True) -> Trees:
    """Trees over the portable comparisons; calibrated on families left out."""
    trees = _grow(taught, seed)
    if not calibrate:
        return trees
    families = sorted({t.family for t in taught})
    raw, label, weight = [], [], []
    for part in range(3):
        out = set(families[part::3])
        held = [t for t in taught if t.family in out]
        without = _grow([t for t in taught if t.family not in out], seed)
        weights = _weights(held)
        for one, w in zip(held, weights, strict=True):
            raw.append(without.log_odds(one.values))
            label.append(one.label)
            weight.append(w)
    slope, offset = platt(np.concatenate(raw), np.concatenate(label), np.concatenate(weight))
    return trees.calibrated(slope, offset)


def _grow(taught: list[Lesson], seed: int) -> Trees:
    values = np.concatenate([t.values for t in taught])
    label = np.concatenate([t.label for t in taught])
    weight = np.concatenate(_weights(taught))
    settings = replace(SETTINGS, seed=seed)
    return grow(values, label, taught[0].names, settings, weight=weight, monotone=taught[0].monotone)


def _weights(taught: list[Lesson]) -> list[npt.NDArray[np.float64]]:
    """Families weigh alike, up to a point: a family of few pairs cannot carry as much as one of many."""
    total = {t.family: sum(len(o.label) for o in taught if o.family == t.family) for t in taught}
    mass = {f: min(n, 4_000) for f, n in total.items()}
    scale = sum(total.values()) / sum(mass.values())
    return [np.full(len(t.label), scale * mass[t.family] / total[t.family]) for t in taught]


def train(exclude_families: tuple[str, ...] = (), seed: int = 0) -> Matcher:
    """A matcher for unlabelled tables, trained without these families; from the cache where nothing has changed."""
    without = "-".join(sorted(exclude_families)) or "all"
    grower = [(ROOT / "dovetail" / f).read_bytes() for f in ("tasks/trees.py", "measure/calibrate.py")]
    recipe = hashlib.blake2b(f"{SETTINGS}{seed}{_code_hash()}{grower}".encode(), digest_size=6).hexdigest()
    kept = CACHE / "models" / f"{without}-{recipe}"
    if (kept / "matcher.json").is_file():
        return Matcher.load(kept)
    taught = lessons(exclude_families)
    trees = fit(taught, seed)
    facts = {"sets": [t.name for t in taught], "pairs": int(sum(len(t.label) for t in taught)), "seed": seed}
    made = Matcher.from_trees(replace(trees, facts=facts))
    made.save(kept)
    return made


def main() -> None:
    """Parse the arguments, train, and write the shipped matcher."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without", nargs="*", default=(), help="families to leave out")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    given = parser.parse_args()
    train(tuple(given.without)).save(given.out)
    sys.stderr.write(f"{given.out}: {sum(f.stat().st_size for f in given.out.iterdir()) / 1e6:.2f} MB\n")


if __name__ == "__main__":
    main()
