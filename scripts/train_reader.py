"""Train the pair reader that cross-encoders start from, on labelled pairs of public sets; no test part is ever read.

    python -m scripts.train_reader [--without FAMILY …] --out FOLDER

A set with complete gold that shares records with the test part of a published split is left out altogether: its gold
would hold that test part's answers.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.sets import FAMILIES, GoldSet, data_folder, load
from dovetail.encoders.base import load_encoder
from dovetail.tasks.block_nets import Nets
from dovetail.tasks.records import records_of
from dovetail.types import Candidates, Progress, Records, finish
from scripts.train_shipped_matcher import AUTOFJ, SKIP, candidates_of

HOLD_TEST_ANSWERS = ("e2e-abt-buy", "e2e-dblp-acm", "dirty-dblp-acm", "machamp-rel-heter", "okkam-restaurants")
CACHE = Path(__file__).parent.parent / ".cache" / "reader"
BUDGET = 40  # tokens a record
MEGABYTES = 5.0  # of the file; as good as the whole reader of 21 MB on two valid parts
LARGE, USUAL, SMALL = 5_000, 1_200, 400
SIZE = {"wdc-products-80cc-half-unseen": LARGE, "abt-buy": LARGE, "amazon-google": LARGE, "dblp-scholar": LARGE}


@dataclass(frozen=True)
class Lesson:
    """Pairs of one set with labels (m,)."""

    name: str
    records: Records
    pairs: Candidates
    label: npt.NDArray[np.int8]


def lessons(without: tuple[str, ...], seed: int = 0) -> list[Lesson]:
    """All sets to read, without some families."""
    names = [n for n, f in FAMILIES.items() if f not in without and n not in (*SKIP, *HOLD_TEST_ANSWERS)]
    if "autofj" not in without:
        names += [f"autofj/{d}" for d in AUTOFJ if (data_folder() / "er" / "autofj" / d).is_dir()]
    found = []
    for name in names:
        one = lesson(name, seed)
        if len(one.label):
            sys.stderr.write(f"{name}: {len(one.label):,} pairs, {int(one.label.sum()):,} matches\n")
            found.append(one)
    return found


def lesson(name: str, seed: int = 0) -> Lesson:
    """Labelled pairs of the train part, or candidates with gold; at most so many, a third of them matches.

    Valid parts stay unread, so that they can still say whether a reader that starts from here pays.
    """
    gold = load(name)
    records = records_of(gold.tables)
    pairs, label = _pairs(gold, records)
    most = SMALL if name.startswith("autofj/") else SIZE.get(name, USUAL)
    chosen = _some(label, most, seed)
    return Lesson(name, records, Candidates(pairs.left[chosen], pairs.right[chosen]), label[chosen])


def _pairs(gold: GoldSet, records: Records) -> tuple[Candidates, npt.NDArray[np.int8]]:
    if not gold.complete:
        nothing = Candidates(np.zeros(0, np.int32), np.zeros(0, np.int32)), np.zeros(0, np.int8)
        return gold.labelled.get("train", nothing)
    path = CACHE / f"{gold.name.replace('/', '-')}.npz"
    if path.is_file():
        kept = np.load(path)
        return Candidates(kept["left"], kept["right"]), kept["label"]
    pairs = candidates_of(Nets(records, load_encoder()))
    left, right = gold.pair_positions()
    label = np.isin(_keys(pairs), _keys(Candidates(left, right))).astype(np.int8)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, left=pairs.left, right=pairs.right, label=label)
    return pairs, label


def _keys(pairs: Candidates) -> npt.NDArray[np.int64]:
    return pairs.left.astype(np.int64) << 32 | pairs.right


def _some(label: npt.NDArray[np.int8], most: int, seed: int) -> npt.NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    yes, no = (rng.permutation(np.flatnonzero(label == value)) for value in (1, 0))
    yes = yes[: most // 3]
    return rng.permutation(np.concatenate([yes, no[: most - len(yes)]]))


def reader_without(family: str) -> Path:
    """The folder of a reader that was trained without a family."""
    for path in sorted(CACHE.glob("without-*")):
        if family in path.name.removeprefix("without-").split("+") and (path / "difference.safetensors").is_file():
            return path
    raise SystemExit(f"no reader without {family}; type: python -m scripts.train_reader --without {family}")


def main() -> None:
    """Parse the arguments, train, and write the reader."""
    from dovetail.encoders.cross import CrossEncoder
    from dovetail.encoders.reading import passages
    from dovetail.training.reading import read_pairs_job
    from dovetail.training.settings import TuneSettings

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without", nargs="*", default=(), help="families to leave out")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--start", default=None, help="a reader to go on from")
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--rate", type=float, default=1e-4)
    given = parser.parse_args()
    out = given.out or CACHE / ("without-" + "+".join(sorted(given.without)) if given.without else "all")
    taught = lessons(tuple(given.without))
    cross = CrossEncoder(budget=BUDGET)
    if given.start:
        cross.restore(Path(given.start))
    left, right, label = [], [], []
    for one in taught:
        read = passages(one.records, cross.tokenizer, BUDGET)
        left += [read[i] for i in one.pairs.left]
        right += [read[i] for i in one.pairs.right]
        label.append(one.label)
    settings = TuneSettings(epochs=given.epochs, learning_rate=given.rate)
    job = read_pairs_job(cross, left, right, np.concatenate(label).astype(np.float32), settings)
    tuned = finish(job, _say)
    cross.keep_difference(out, megabytes=MEGABYTES)
    sys.stderr.write(f"{out}: {tuned.steps:,} steps in {tuned.seconds / 60:.1f} min\n")


def _say(progress: Progress) -> None:
    sys.stderr.write(f"{progress.done:,} of {progress.total:,}: {progress.note}\n")


if __name__ == "__main__":
    main()
