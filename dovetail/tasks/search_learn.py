"""Learning from judgements: weights, and where torch is installed the vectors of queries, behind the gate."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError
from dovetail.tasks.embed_head import Head, PlainHead
from dovetail.tasks.search_find import Finder
from dovetail.tasks.search_fusion import Candidates, Fusion
from dovetail.tasks.search_gate import FOLDS, Gate, Trial, choose, folds, usual_trials
from dovetail.tasks.search_index import Index
from dovetail.tasks.search_judgements import Judgements
from dovetail.tasks.search_tune import Lists, lists_of, query_head

_FEWEST = 50  # judged queries; below, no head is tried

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Learned:
    """What the gate kept: weights in it, and the head on the vectors of queries."""

    gate: Gate
    head: Head


def learn(finder: Finder, vectors: Vectors, judged: Judgements, *, seed: int = 0) -> Learned:
    """Fit weights and a head to judgements of queries with these vectors (q, d); nothing unproven is kept."""
    start, truth = Fusion(), truth_of(finder.index, judged)
    candidates = answers(finder, judged.queries, vectors)
    trials = usual_trials(candidates, start)
    if len(judged.queries) < _FEWEST or importlib.util.find_spec("torch") is None:
        return Learned(choose(trials, truth, start, seed=seed), PlainHead())
    lists = lists_of(finder, vectors, candidates, truth, start)
    trials["tuned"] = Trial(_moved(finder, judged, lists, start, seed))
    gate = choose(trials, truth, start, seed=seed)
    return Learned(gate, query_head(lists, start, seed=seed) if gate.kept == "tuned" else PlainHead())


def answers(finder: Finder, queries: Sequence[str], vectors: Vectors) -> list[Candidates]:
    """The candidates of each query with its vector."""
    return [finder.candidates(query, vector) for query, vector in zip(queries, vectors, strict=True)]


def _moved(finder: Finder, judged: Judgements, lists: Lists, start: Fusion, seed: int) -> list[Candidates]:
    """The candidates of each query with its vector moved by a head that the other folds taught."""
    fold = folds(len(judged.queries), seed)
    found: dict[int, Candidates] = {}
    for one in range(FOLDS):
        taught, asked = np.flatnonzero(fold != one).tolist(), np.flatnonzero(fold == one).tolist()
        moved = query_head(lists.only(taught), start, seed=seed)(lists.queries[asked])
        found.update(zip(asked, answers(finder, [judged.queries[i] for i in asked], moved), strict=True))
    return [found[i] for i in range(len(judged.queries))]


def truth_of(index: Index, judged: Judgements) -> list[dict[int, float]]:
    """The graded documents of each query, by number."""
    numbers = index.known(judged.documents)
    _check_known(judged, numbers)
    return [{numbers[d]: g for d, g in judged.of(q).items()} for q in range(len(judged.queries))]


def _check_known(judged: Judgements, known: Mapping[str, int]) -> None:
    missing = [d for d in dict.fromkeys(judged.documents) if d not in known]
    if missing:
        shown = ", ".join(repr(d) for d in missing[:3])
        raise InputError(
            f"the judgements name {len(missing):,} documents that are not among the documents, such as {shown}; "
            f"leave these rows out, or name the column of ids"
        )
