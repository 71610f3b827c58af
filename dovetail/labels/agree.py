"""How far people agree: Cohen's kappa, Krippendorff's alpha, conflicts to settle, and gold questions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.errors import InputError, UnknownName
from dovetail.labels.said import Event, Label, Value
from dovetail.types import Interval

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.types import Floats

_ROUNDS = 1_000
_PART = 2_000_000  # numbers drawn at a time


@dataclass(frozen=True)
class Agreement:
    """How far the labels of one shape and task agree beyond chance. 1: always, 0: as chance would have it."""

    shape: str
    task: str
    alpha: Interval  # Krippendorff's, over everything that two people or more labelled
    subjects: int  # labelled by two people or more
    kappa: Mapping[tuple[str, str], Interval]  # Cohen's, for each two people with subjects in common
    shared: Mapping[tuple[str, str], int]  # how many subjects these two both labelled


@dataclass(frozen=True)
class Conflict:
    """A subject that people label differently, or differently from gold."""

    label: Label  # one of them, to name the subject
    said: Mapping[str, Value]  # person: what they say
    gold: Value | None = None

    @property
    def split(self) -> float:
        """How even the sides are, in (0, 1]: 1 where each says something else or two sides are level."""
        counts = Counter(self.said.values()).most_common(2)
        return counts[1][1] / counts[0][1] if len(counts) > 1 else 1.0


@dataclass(frozen=True)
class GoldScore:
    """How many gold questions a person answered, and how many rightly."""

    person: str
    right: int
    asked: int


def cohen_kappa(first: Sequence[Any], second: Sequence[Any], *, weights: str = "equal", seed: int = 0) -> Interval:
    """Agreement of two people beyond chance on the same n subjects (Cohen 1960), with its interval over subjects.

    `weights` is equal, linear or quadratic; the latter two are for grades, where near misses count less (Cohen 1968).
    NaN where both always gave one and the same answer, since chance would do as well.
    """
    if len(first) != len(second):
        raise InputError(f"{len(first)} and {len(second)} answers; kappa compares two people on the same subjects")
    if weights not in _WEIGHTS:
        raise UnknownName("weights", weights, _WEIGHTS)
    values, codes = _coded([*first, *second])
    a, b, c = codes[: len(first)], codes[len(first) :], len(values)
    cost = _WEIGHTS[weights](_positions(values, ordered=weights != "equal"))

    def kappa(weight: Floats) -> Floats:
        """(r,) for the weights (r, n) of the subjects in r rounds."""
        total = weight.sum(axis=1)
        seen = weight @ cost[a, b] / total
        left, right = weight @ np.eye(c)[a], weight @ np.eye(c)[b]
        chance = ((left @ cost) * right).sum(axis=1) / total**2
        return _beyond(seen, chance)

    return _over_subjects(kappa, len(first), seed)


def krippendorff_alpha(answers: Sequence[Sequence[Any]], *, level: str = "nominal", seed: int = 0) -> Interval:
    """Agreement of any number of people beyond chance (Krippendorff 2004), with its interval over subjects.

    `answers` holds for each person what they said of each of n subjects, None where they were not asked. `level` is
    nominal, ordinal or interval (numbers), or sets (several classes at once, compared by their overlap: MASI,
    Passonneau 2006). Subjects with fewer than two answers tell nothing. NaN where all answers are one and the same.
    """
    if level not in _LEVELS:
        raise UnknownName("level of measurement", level, _LEVELS)
    given = [[x for x in column if x is not None] for column in zip(*answers, strict=True)]
    units = [unit for unit in given if len(unit) > 1]
    if not units:
        return Interval(float("nan"), float("nan"), float("nan"))
    values, codes = _coded([x for unit in units for x in unit])
    sizes = np.array([len(u) for u in units])
    counts = np.zeros((len(units), len(values)))
    np.add.at(counts, (np.repeat(np.arange(len(units)), sizes), codes), 1)
    cost = _LEVELS[level](values, counts.sum(axis=0))
    within = np.einsum("uv,vw,uw->u", counts, cost, counts) / (sizes - 1)

    def alpha(weight: Floats) -> Floats:
        total, said = weight @ sizes, weight @ counts
        chance = ((said @ cost) * said).sum(axis=1) / np.maximum(total - 1, 1)
        return _beyond(weight @ within, chance)

    return _over_subjects(alpha, len(units), seed)


def agreement(events: Iterable[Event], *, seed: int = 0) -> list[Agreement]:
    """How far people agree, for each shape and task; `unsure` counts as not asked, gold and heuristics are left out."""
    by_task: dict[tuple[str, str], dict[str, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
    for event in events:
        if event.by_person and not event.gold and event.undoes is None and event.label.value != "unsure":
            said = by_task[event.label.shape, event.label.task]
            said[event.person][event.label.subject()] = _comparable(event.label)
    return [_agreement(shape, task, said, seed) for (shape, task), said in sorted(by_task.items())]


def conflicts(events: Iterable[Event]) -> list[Conflict]:
    """Subjects whose labels differ, the most evenly split first. Whoever is unsure contradicts nobody, nor do
    heuristics."""
    found = []
    for about in _by_subject(e for e in events if e.by_person).values():
        first = about[0].label
        said = {e.person: _aligned(e.label, first) for e in about if not e.gold and e.label.value != "unsure"}
        gold = next((e.label for e in reversed(about) if e.gold), None)
        answers = {_comparable(e.label) for e in about if not e.gold and e.label.value != "unsure"}
        answers |= {_comparable(gold)} if gold is not None else set()
        if len(answers) > 1:
            found.append(Conflict(first, said, None if gold is None else _aligned(gold, first)))
    return sorted(found, key=lambda c: -c.split)


def settled(events: Iterable[Event]) -> list[Label]:
    """One label a subject: gold where there is one, else what most people say. Ties are left out: see `conflicts`.

    A pair about which everybody is unsure stays unsure. What heuristics say counts only where no person spoke.
    """
    found = []
    for every in _by_subject(events).values():
        about = [e for e in every if e.by_person] or every
        gold = [e.label for e in about if e.gold]
        sure = [e.label for e in about if e.label.value != "unsure"] or [e.label for e in about]
        counts = Counter(map(_comparable, sure)).most_common(2)
        if gold:
            found.append(gold[-1])
        elif len(counts) == 1 or counts[0][1] > counts[1][1]:
            found.append(next(x for x in sure if _comparable(x) == counts[0][0]))
    return found


def gold_scores(events: Iterable[Event]) -> list[GoldScore]:
    """How each person did on the gold questions that they were asked, the most asked first."""
    right: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for about in _by_subject(events).values():
        gold = next((_comparable(e.label) for e in reversed(about) if e.gold), None)
        for event in about:
            if gold is not None and event.by_person and not event.gold and event.label.value != "unsure":
                asked[event.person] += 1
                right[event.person] += _comparable(event.label) == gold
    return [GoldScore(person, right[person], n) for person, n in asked.most_common()]


def _agreement(shape: str, task: str, said: Mapping[str, Mapping[str, Any]], seed: int) -> Agreement:
    subjects = sorted({subject for one in said.values() for subject in one})
    level = {"class": "sets", "judgement": "interval"}.get(shape, "nominal")
    alpha = krippendorff_alpha([[one.get(s) for s in subjects] for one in said.values()], level=level, seed=seed)
    several = Counter(subject for one in said.values() for subject in one)
    kappa, shared = {}, {}
    for a, b in combinations(sorted(said), 2):
        both = sorted(set(said[a]) & set(said[b]))
        if both:
            weights = "quadratic" if shape == "judgement" else "equal"
            sides = ([said[p][s] for s in both] for p in (a, b))
            kappa[a, b], shared[a, b] = cohen_kappa(*sides, weights=weights, seed=seed), len(both)
    return Agreement(shape, task, alpha, sum(n > 1 for n in several.values()), kappa, shared)


def _by_subject(events: Iterable[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.undoes is None:
            found[event.label.subject()].append(event)
    return found


def _aligned(label: Label, first: Label) -> Value:
    """The value with the rows of a group in the order of another label of the same subject."""
    if label.shape != "group" or not isinstance(label.value, tuple) or label.rows == first.rows:
        return label.value
    name = dict(zip(label.rows, label.value, strict=True))
    return tuple(name[row] for row in first.rows)


def _comparable(label: Label) -> Any:
    """The value so that equal ones are equal: classes without order, groups by who stands with whom."""
    if label.shape == "class" and isinstance(label.value, tuple):
        return frozenset(label.value)
    if label.shape == "group" and isinstance(label.value, tuple):
        members = defaultdict(set)
        for row, name in zip(label.rows, label.value, strict=True):
            members[name].add(row)
        return frozenset(frozenset(rows) for name, rows in members.items() if name and len(rows) > 1)
    return label.value


def _coded(answers: Sequence[Any]) -> tuple[list[Any], npt.NDArray[np.int64]]:
    """The distinct answers, sorted where they can be, and the number of each given one."""
    distinct = list(dict.fromkeys(answers))
    plain = all(isinstance(v, int | float) for v in distinct)
    values = sorted(distinct, key=None if plain else str)
    place = {value: number for number, value in enumerate(values)}
    return values, np.array([place[a] for a in answers], np.int64)


def _positions(values: list[Any], *, ordered: bool) -> Floats:
    if ordered and not all(isinstance(v, int | float) for v in values):
        raise InputError(f"weights other than equal need grades as numbers, got {values[:3]!r}")
    return np.array(values if ordered else range(len(values)), np.float64)


_WEIGHTS: dict[str, Callable[[Floats], Floats]] = {
    "equal": lambda at: (at[:, None] != at).astype(np.float64),
    "linear": lambda at: np.abs(at[:, None] - at),
    "quadratic": lambda at: (at[:, None] - at) ** 2,
}


def _ordinal(values: list[Any], counts: Floats) -> Floats:
    """Krippendorff's ordinal distance: by how many answers lie between two ranks."""
    _positions(values, ordered=True)
    below = np.cumsum(counts) - counts / 2
    return np.asarray((below[:, None] - below) ** 2)


def _masi(values: list[Any], _counts: Floats) -> Floats:
    """1 - overlap of two sets times how one contains the other."""
    sets = [v if isinstance(v, frozenset) else frozenset([v]) for v in values]
    return np.array([[1 - _overlap(a, b) for b in sets] for a in sets])


def _overlap(a: frozenset[Any], b: frozenset[Any]) -> float:
    if a == b:
        return 1.0
    nested = 2 / 3 if a <= b or b <= a else 1 / 3 if a & b else 0.0
    return len(a & b) / len(a | b) * nested


_LEVELS: dict[str, Callable[[list[Any], Floats], Floats]] = {
    "nominal": lambda values, _: 1.0 - np.eye(len(values)),
    "ordinal": _ordinal,
    "interval": lambda values, _: _WEIGHTS["quadratic"](_positions(values, ordered=True)),
    "sets": _masi,
}


def _beyond(seen: Floats, chance: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(chance > 0, 1 - seen / chance, np.nan)


def _over_subjects(statistic: Callable[[Floats], Floats], n: int, seed: int) -> Interval:
    """A statistic of n subjects with its percentile interval over resamples; rounds without a value are left out."""
    if not n:
        return Interval(float("nan"), float("nan"), float("nan"))
    value = float(statistic(np.ones((1, n)))[0])
    random, step = np.random.default_rng(seed), max(1, _PART // n)
    shares = np.full(n, 1 / n)
    parts = [
        statistic(random.multinomial(n, shares, size=min(step, _ROUNDS - done)).astype(np.float64))
        for done in range(0, _ROUNDS, step)
    ]
    found = np.concatenate(parts)
    found = found[np.isfinite(found)]
    low, high = np.quantile(found, [0.025, 0.975]) if len(found) else (np.nan, np.nan)
    return Interval(value, float(low), float(high))
