"""What people say of answers goes to the label store, and comes back as judgements; which queries to judge next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dovetail.errors import UnknownName
from dovetail.labels.said import Label, judgement
from dovetail.tasks.search_fusion import Candidates, Fusion, order_of
from dovetail.tasks.search_judgements import Judgements, judgements_of

if TYPE_CHECKING:
    from dovetail.labels.store import LabelStore

_GRADES = {"good": 1.0, "bad": 0.0, "click": 1.0}
_CLICKED = "click"  # clicks are kept under a task of their own: they are weaker than a person's word
_TOP = 10
_SHOWN = 5


@dataclass(frozen=True)
class Question:
    """A query whose answers are worth judging, and the documents to judge.

    `doubt` in [0, 1] says how much words and meaning disagree about the answers.
    """

    query: str
    documents: tuple[str, ...]
    doubt: float


def feedback_label(query: str, document: str, said: str | float) -> Label:
    """Good, bad, click or a grade, as a label."""
    if isinstance(said, str) and said not in _GRADES:
        raise UnknownName("feedback", said, _GRADES)
    grade = _GRADES[said] if isinstance(said, str) else said
    return judgement(query, document, grade, task=_CLICKED if said == "click" else "")


def judged_in(store: LabelStore) -> Judgements | None:
    """All judgements that count now, the mean over people; clicks only where nobody judged. None: nothing was said."""
    from dovetail.labels.store import Wanted

    events = store.current(Wanted(shape="judgement"))
    said = [e.label for e in events if e.label.task != _CLICKED]
    known = {(one.query, one.rows[0].id) for one in said}
    clicks = [e.label for e in events if e.label.task == _CLICKED]
    said += [one for one in clicks if (one.query, one.rows[0].id) not in known]
    return judgements_of((one.query, one.rows[0].id, float(str(one.value))) for one in said) if said else None


def doubt_of(candidates: Candidates) -> float:
    """The share of the first answers on which words and meaning disagree, in [0, 1]."""
    if not len(candidates):
        return 0.0
    words, meaning = (_first(candidates, Fusion(weight), _TOP) for weight in (0.0, 1.0))
    return 1 - len(words & meaning) / max(1, min(_TOP, len(candidates)))


def to_judge(candidates: Candidates, fusion: Fusion) -> list[int]:
    """Documents of one query to show a person: the first ones of words, of meaning and of both, by their relevance."""
    pooled = set.union(*(_first(candidates, one, _SHOWN) for one in (fusion, Fusion(0.0), Fusion(1.0))))
    order = candidates.documents[order_of(fusion.relevance(candidates), candidates.documents)].tolist()
    return [number for number in order if number in pooled]


def ranked_questions(doubts: Sequence[float], queries: Sequence[str], count: int) -> list[int]:
    """Positions of the queries with the greatest doubt, each query once."""
    order = np.argsort(-np.asarray(doubts), kind="stable").tolist()
    seen: set[str] = set()
    kept = [i for i in order if not (queries[i] in seen or seen.add(queries[i]))]  # type: ignore[func-returns-value]
    return kept[:count]


def _first(candidates: Candidates, fusion: Fusion, count: int) -> set[int]:
    order = order_of(fusion.relevance(candidates), candidates.documents)[:count]
    return set(candidates.documents[order].tolist())
