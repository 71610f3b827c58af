"""Background work on pairs: compare what is to be asked about, train on what was said, and say what that brought."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.errors import WorkspaceError
from dovetail.labels.agree import settled
from dovetail.labels.store import Wanted
from dovetail.labels.strays import left_out
from dovetail.measure.pairs import from_counts
from dovetail.serve.pool import ABOUT, LARGE, SEEN, Pool, features_file, pool_of, run_key
from dovetail.serve.tables import RECORDS
from dovetail.serve.trained import keep, latest, let_go
from dovetail.tables.atomic import replace_file
from dovetail.tasks.judged import look_up
from dovetail.tasks.match import Matcher
from dovetail.tasks.match_learn import FitPlan
from dovetail.tasks.match_next import Judgements, outlook
from dovetail.types import Candidates, Interval, Job, Pairs, Progress

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.serve.worker import Work, Working
    from dovetail.tasks.compare_rows import RowComparer
    from dovetail.types import Floats

_WEIGHTS = {"read": 0.05, "compare": 0.25, "fit": 0.4, "match": 0.15, "forecast": 0.15}


def train(work: Work) -> Working:
    """A matcher from all pair labels so far; the pool is scored with it, and it decides what is asked next."""
    work.weights = dict(_WEIGHTS)
    yield Progress("read", 0, 1, "reading records")
    seen = work.labels.count(Wanted(shape="pair", task="")).get("pair", 0)
    work.state.note(SEEN, str(seen))
    pool = pool_of(work.folder, work.state)
    given = judged(work, pool)
    start, context = Matcher.shipped(), _context(pool, given)
    yield from comparing(work, pool, start, context)
    if len(given.label) < 4 or len(np.unique(given.label)) < 2:
        return {"version": pool.version, "labels": len(given.label), "why": "both answers are needed to learn"}
    plan = FitPlan(effort="quick", seed=0)
    yield Progress("fit", 0, 1, f"learning from {len(given.label):,} answers")
    fitted = yield from start.fit(pool.records, given.pairs, given.label, context=context, plan=plan)
    fitted._kept = start._kept  # both compare alike, and most of the time goes into reading the records for it
    decisions = yield from fitted.decide(pool.records, pool.pairs, context=context)
    facts = _facts(work, pool, given, fitted, decisions.threshold, decisions.shift)
    version = _keep(work, fitted, decisions.score, facts)
    ahead = yield from outlook(start, pool.records, context, given, 0)
    if ahead is not None:
        facts |= {"gain": asdict(ahead)}
        _note(work, version, facts)
    return {"version": version, **facts}


def prepare(work: Work) -> Working:
    """What takes longest before the first training of a large workspace: vectors and comparisons, kept for all."""
    work.weights = {"read": 0.1, "compare": 0.9}
    yield Progress("read", 0, 1, "reading records")
    pool = pool_of(work.folder, work.state)
    yield from comparing(work, pool, Matcher.shipped(), pool.pairs)
    return {"pairs": len(pool.pairs)}


def judged(work: Work, pool: Pool) -> Judgements:
    """What people settled on: 1 match, 0 not, each pair once."""
    said = settled(work.labels.current(Wanted(shape="pair", task="")))
    sure = [one for one in said if one.value in ("match", "not")]
    ends = [[row for label in sure for row in (label.rows[side],)] for side in (0, 1)]
    sides = [_positions(pool, rows) for rows in ends]
    known = np.flatnonzero((sides[0] >= 0) & (sides[1] >= 0) & (sides[0] != sides[1])) if sure else np.zeros(0, int)
    left, right = np.minimum(*sides)[known], np.maximum(*sides)[known]
    label = np.array([one.value == "match" for one in sure], np.int8)[known]
    order = np.unique(left.astype(np.int64) << 32 | right, return_index=True)[1]
    return Judgements(Candidates(left[order], right[order]), label[order])


def comparing(work: Work, pool: Pool, start: Matcher, context: Candidates) -> Job[None]:
    """Write the comparisons of the pool, which say how unlike two questions are; vectors are read once for a run."""
    path, comparer = features_file(work.folder), start.comparer(pool.records, context)
    yield Progress("compare", 0, len(pool.pairs), "reading what records mean")
    _with_vectors(comparer.rows, path)
    if path.is_file():
        return
    parts = []
    for part, compared in comparer.chunks(pool.pairs):
        parts.append(compared.values)
        yield Progress("compare", part.stop, len(pool.pairs), "comparing candidates")
    with replace_file(path) as beside, beside.open("wb") as file:
        np.save(file, np.concatenate(parts), allow_pickle=False)


def _with_vectors(rows: RowComparer, beside_: Path) -> None:
    """Let the vectors of the records be those in a file, which is made where it is not there."""
    if len(rows.records) < LARGE or rows.encoder is None:
        return
    path = beside_.with_suffix(f".{rows.encoder.fingerprint[:12]}.npy")
    if path.is_file():
        kept = np.load(path, mmap_mode="r", allow_pickle=False)
        if len(kept) == len(rows.records):
            rows.__dict__["vectors"] = kept
            return
    if rows.vectors is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replace_file(path) as beside, beside.open("wb") as file:
            np.save(file, rows.vectors, allow_pickle=False)


def _positions(pool: Pool, rows: list[Any]) -> npt.NDArray[np.int32]:
    import pyarrow as pa

    ids = pa.array([row.id for row in rows], pa.string())
    named = all(row.source is not None for row in rows) and len(pool.records.sources) > 1
    sources = pa.array([row.source for row in rows], pa.string()) if named else None
    found, _ = look_up(pool.records, Pairs(ids, ids, left_source=sources, right_source=sources))
    return found


def _context(pool: Pool, given: Judgements) -> Candidates:
    """The pairs among which the labelled ones stand: those to choose from, and the labelled ones."""
    keys = np.concatenate([_keys(pool.pairs), _keys(given.pairs)])
    keys = np.unique(keys)
    return Candidates((keys >> 32).astype(np.int32), (keys & 0xFFFFFFFF).astype(np.int32))


def _keys(pairs: Candidates) -> npt.NDArray[np.int64]:
    return pairs.left.astype(np.int64) << 32 | pairs.right


def _facts(
    work: Work, pool: Pool, given: Judgements, fitted: Matcher, threshold: float, shift: float
) -> dict[str, Any]:
    after = None
    if fitted.held_out_ is not None:
        after = _f1(*fitted.held_out_, float(fitted.facts_.get("threshold", threshold)))
    before = _before(pool, given)
    return {
        "run": run_key(work.folder),
        "labels": len(given.label),
        "threshold": threshold,
        "shift": shift,
        "figure": "f1",
        "before": before,
        "after": after,
        "summary": fitted.describe() + _left_out(work),
    }


def _left_out(work: Work) -> str:
    said = settled(work.labels.current(Wanted(shape="pair", task="")))
    return left_out(said, work.tables.get(RECORDS).named)


def _before(pool: Pool, given: Judgements) -> Interval | None:
    """F1 of what decided before the first answer, on the same labels."""
    place = [pool.place.get(p) for p in zip(given.pairs.left.tolist(), given.pairs.right.tolist(), strict=True)]
    rows = np.array([n for n, p in enumerate(place) if p is not None], np.int64)
    if not len(rows):
        return None
    at = np.array([place[n] for n in rows], np.int64)
    return _f1(pool.first[at], given.label[rows], pool.first_threshold)


def _f1(score: Floats, label: npt.NDArray[np.int8], threshold: float) -> Interval:
    found = score >= threshold
    return from_counts(int((found & (label == 1)).sum()), int(found.sum()), int((label == 1).sum())).f1


def _keep(work: Work, fitted: Matcher, score: Floats, facts: dict[str, Any]) -> int:
    """Write the matcher and its scores, whole or not at all, and say that they are there."""
    home = work.home / "pairs"
    home.mkdir(parents=True, exist_ok=True)
    version = (latest(work.state, ABOUT) or (0,))[0] + 1
    beside = Path(tempfile.mkdtemp(prefix=".v-", dir=home))
    fitted.save(beside / "matcher")
    with (beside / "scores.npy").open("wb") as file:
        np.save(file, score, allow_pickle=False)
    shutil.rmtree(home / f"v{version:04}", ignore_errors=True)
    beside.replace(home / f"v{version:04}")
    if keep(work.state, ABOUT, _plain(facts)) != version:
        raise WorkspaceError("another training ended at the same moment; this one is not kept")
    let_go(work.state, work.home, ABOUT)
    return version


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts as JSON has them."""
    found: dict[str, Any] = json.loads(json.dumps(facts, default=asdict))
    return found


def _note(work: Work, version: int, facts: dict[str, Any]) -> None:
    change = "UPDATE trained SET facts = ? WHERE about = ? AND version = ?"
    work.state.write(change, (json.dumps(_plain(facts)), ABOUT, version))
