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
from dovetail.tasks.search_gate import Gate, choose
from dovetail.tasks.search_index import Index
from dovetail.tasks.search_judgements import Judgements
from dovetail.tasks.search_tune import lists_of, query_head

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

    def answers(asked: Sequence[int], moved: Vectors) -> list[Candidates]:
        return [finder.candidates(judged.queries[i], v) for i, v in zip(asked, moved, strict=True)]

    candidates = answers(range(len(vectors)), vectors)
    if len(judged.queries) < _FEWEST or importlib.util.find_spec("torch") is None:
        return Learned(choose(candidates, truth, start, seed=seed), PlainHead())
    lists = lists_of(finder, vectors, candidates, truth, start)

    def tuned(taught: list[int], asked: list[int]) -> list[Candidates]:
        return answers(asked, query_head(lists.only(taught), start, seed=seed)(vectors[asked]))

    gate = choose(candidates, truth, start, tuned=tuned, seed=seed)
    return Learned(gate, query_head(lists, start, seed=seed) if gate.kept == "tuned" else PlainHead())


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
