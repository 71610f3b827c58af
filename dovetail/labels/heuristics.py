"""Labelling functions: cheap rules that vote on classes, joined by a small model of how far each can be trusted.

A heuristic looks at a text and names a class, or abstains. Four kinds: a Python function, a pattern, a list of words,
and a model that needs no labels (any function from texts and classes to probabilities).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from dovetail.errors import InputError, UnknownName
from dovetail.labels.beliefs import Beliefs, net_of, rounds
from dovetail.labels.patterns import any_of, as_whole, check_pattern, find, marks_of, whole_marks

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.types import Floats

    Votes = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]

ABSTAIN = -1
_FOLDS = 5


class Heuristic(Protocol):
    """Votes on texts. `name` stands in the report."""

    name: str

    def vote(self, texts: Sequence[str], classes: Sequence[str]) -> Votes:
        """The number of a class for each text (n,), -1 where the heuristic abstains."""


@dataclass(frozen=True)
class ByFunction:
    """Whatever a Python function says: the name of a class, or None to abstain."""

    name: str
    function: Callable[[str], str | None]

    def vote(self, texts: Sequence[str], classes: Sequence[str]) -> Votes:
        """One call a text; a class that is not among the known ones is an error."""
        number = {c: i for i, c in enumerate(classes)} | {None: ABSTAIN}
        said = [self.function(text) for text in texts]
        for one in said:
            if one not in number:
                raise UnknownName("class", str(one), classes, where=f"what heuristic {self.name} says")
        return np.array([number[one] for one in said], np.int64)


@dataclass(frozen=True)
class ByPattern:
    """One class where a regular expression (of RE2) is found, whatever its case.

    `seconds` is how long it may take over all texts; an `InputError` says how far it came.
    """

    name: str
    pattern: str
    gives: str
    seconds: float = 60.0

    def vote(self, texts: Sequence[str], classes: Sequence[str]) -> Votes:
        """The class for every text in which the pattern occurs."""
        return _where(self.found(texts), self.gives, classes, self.name)

    def found(self, texts: Sequence[str] | pa.Array) -> Bools:
        """In which texts it occurs (n,)."""
        check_pattern(self.pattern, self.name)
        return find(texts, self.pattern, self.name, self.seconds)

    def marks(self, text: str) -> list[tuple[int, int]]:
        """From where to where it occurs in a text, in characters: the first place, and those close behind it."""
        check_pattern(self.pattern, self.name)
        return marks_of(text, self.pattern)


@dataclass(frozen=True)
class ByWords:
    """One class where any of the words or phrases occurs as a whole, whatever its case."""

    name: str
    words: tuple[str, ...]
    gives: str
    seconds: float = 60.0

    def vote(self, texts: Sequence[str], classes: Sequence[str]) -> Votes:
        """The class for every text that holds one of the words."""
        return _where(self.found(texts), self.gives, classes, self.name)

    def found(self, texts: Sequence[str] | pa.Array) -> Bools:
        """In which texts one of them stands (n,)."""
        return find(texts, as_whole(self._listed), self.name, self.seconds)

    def marks(self, text: str) -> list[tuple[int, int]]:
        """From where to where they stand in a text, in characters: the first, and those close behind it."""
        return whole_marks(text, self._listed)

    @property
    def _listed(self) -> str:
        if not any(word.strip() for word in self.words):
            raise InputError(f"heuristic {self.name} has no words; give at least one")
        return any_of(self.words)


@dataclass(frozen=True)
class ByModel:
    """The most probable class of a model that needs no labels, where it is sure enough.

    `model` takes texts and names of classes and gives probabilities (n, c).
    """

    name: str
    model: Callable[[Sequence[str], Sequence[str]], Any]
    at_least: float = 0.6

    def vote(self, texts: Sequence[str], classes: Sequence[str]) -> Votes:
        """One call for all texts."""
        p = np.asarray(self.model(texts, classes), np.float64)
        if p.shape != (len(texts), len(classes)):
            raise InputError(
                f"heuristic {self.name} gave probabilities of shape {p.shape} for {len(texts)} texts and "
                f"{len(classes)} classes"
            )
        return np.where(p.max(axis=1) >= self.at_least, p.argmax(axis=1), ABSTAIN).astype(np.int64)


HEURISTICS = {
    "function": "dovetail.labels.heuristics:ByFunction",
    "pattern": "dovetail.labels.heuristics:ByPattern",
    "words": "dovetail.labels.heuristics:ByWords",
    "model": "dovetail.labels.heuristics:ByModel",
}


@dataclass(frozen=True)
class HeuristicScore:
    """What is known of one heuristic. Shares are of all texts; `right` of `checked` counts hand labels."""

    name: str
    coverage: float  # share of the texts on which it votes
    overlap: float  # share on which it votes and another does, too
    conflict: float  # share on which another votes otherwise
    trust: float  # how often it is right where it votes, as the label model believes
    right: int  # votes that agree with a hand label
    checked: int  # votes on texts that have one
    rows: int = 0  # texts on which it votes


@dataclass(frozen=True)
class Joined:
    """What all heuristics say together."""

    classes: tuple[str, ...]
    best: Votes  # (n,) the most probable class, by number
    surest: Floats  # (n,) its probability
    voted: npt.NDArray[np.bool_]  # (n,) whether any heuristic votes or a hand label stands
    scores: tuple[HeuristicScore, ...]
    _beliefs: Beliefs
    _line_of: Votes  # (n,)

    @cached_property
    def probability(self) -> Floats:
        """Of every class (n, c), each row summing to 1; where nobody votes, how frequent the classes are."""
        whole: Floats = self._beliefs.whole()[self._line_of]
        return whole

    @property
    def coverage(self) -> float:
        """Share of the texts about which anything is said."""
        return float(self.voted.mean()) if len(self.voted) else 0.0


def votes_of(heuristics: Sequence[Heuristic], texts: Sequence[str], classes: Sequence[str]) -> Votes:
    """What each heuristic says of each text, (n, h)."""
    names = [h.name for h in heuristics]
    if len(set(names)) < len(names):
        raise InputError(f"two heuristics have one name: {', '.join(names)}; name each differently")
    said = [h.vote(texts, classes) for h in heuristics]
    return np.stack(said, axis=1) if said else np.zeros((len(texts), 0), np.int64)


def join(
    votes: Votes, classes: Sequence[str], *, names: Sequence[str] | None = None, label: npt.NDArray[Any] | None = None
) -> Joined:
    """Votes (n, h) joined into probabilities, each heuristic counting for as much as it can be trusted.

    How often one is right is found in turns with the beliefs, as Dawid and Skene (1979) do, but it is judged only on
    texts that a person labelled or that others speak of, too: rules that name one class each and never meet teach
    nothing about each other. Before it is seen, one is believed to be right 7 times of 10. Abstaining tells nothing.
    `label` (n,) holds hand labels by number, -1 where there is none; they stand, say how frequent the classes are, and
    teach whom to trust.
    """
    votes = np.asarray(votes, np.int64)
    n, h = votes.shape
    c = len(classes)
    if c < 2:
        raise InputError(f"joining heuristics needs two classes or more, got {list(classes)!r}")
    if votes.size and (votes.max() >= c or votes.min() < ABSTAIN):
        raise InputError(f"votes are numbers of classes from 0 to {c - 1}, or -1; got {int(votes.max())}")
    hand = np.full(n, ABSTAIN) if label is None else np.asarray(label, np.int64)
    beliefs, line_of, trust = _expect(votes, hand, c)
    best, surest = beliefs.best()
    voted = (votes >= 0).any(axis=1) | (hand >= 0)
    named = [f"heuristic {i + 1}" for i in range(h)] if names is None else list(names)
    scores = tuple(_score(named[i], i, votes, hand, trust) for i in range(h))
    return Joined(tuple(classes), best[line_of], surest[line_of], voted, scores, beliefs, line_of)


def proof(
    votes: Votes, classes: Sequence[str], label: npt.NDArray[Any], *, sure: float = 0.0, seed: int = 0
) -> tuple[int, int]:
    """How often the joined heuristics are right on hand labels: so many of so many texts of which they are sure.

    A hand label never helps to judge itself: a fifth of them is hidden at a time, and the joining learns from the rest.
    """
    hand, votes = np.asarray(label, np.int64), np.asarray(votes, np.int64)
    lines, line_of, weight = _grouped(np.column_stack([votes, hand]))
    known = np.flatnonzero((hand >= 0) & (votes >= 0).any(axis=1))
    fold = np.random.default_rng(seed).permutation(len(known)) % _FOLDS
    twins, twin_of = np.unique(line_of[known], return_inverse=True)  # lines with a label, once more without it
    unseen = np.concatenate([lines[:, -1], np.full(len(twins), ABSTAIN)])
    net = net_of(np.concatenate([lines[:, :-1], lines[twins, :-1]]), unseen, len(classes))
    right = checked = 0
    for one in range(min(_FOLDS, len(known))):
        many = np.bincount(twin_of.ravel()[fold == one], minlength=len(twins))
        left = weight.copy()
        left[twins] -= many  # texts whose label is hidden move to the line without it
        beliefs, _ = rounds(
            net, np.concatenate([left, many]), _frequency(np.delete(hand, known[fold == one]), len(classes))
        )
        best, surest = beliefs.best(len(lines) + np.flatnonzero(many))
        many, truth = many[many > 0], lines[twins[many > 0], -1]
        checked += int(many[surest >= sure].sum())
        right += int(many[(surest >= sure) & (best == truth)].sum())
    return right, checked


def _frequency(hand: Votes, c: int) -> Floats:
    found: Floats = (np.bincount(hand[hand >= 0], minlength=c) + 1) / ((hand >= 0).sum() + c)
    return found


def _expect(votes: Votes, hand: npt.NDArray[np.int64], c: int) -> tuple[Beliefs, Votes, Floats]:
    """Beliefs of lines, the line of each text (n,), and how often each heuristic is right where it votes (h,).

    Texts about which all say the same are one line with a weight, so that a million texts cost what a thousand do.
    """
    lines, line_of, weight = _grouped(np.column_stack([votes, hand]))
    beliefs, trust = rounds(net_of(lines[:, :-1], lines[:, -1], c), weight, _frequency(hand, c))
    return beliefs, line_of, trust


def _grouped(rows: Votes) -> tuple[Votes, Votes, Votes]:
    """Distinct rows (m, k), which of them each row is (n,), and how often each stands (m,)."""
    small = np.ascontiguousarray(rows.astype(np.int16))
    if not small.size:
        return rows[:0], np.zeros(len(rows), np.int64), np.zeros(0, np.int64)
    keys = small.view(np.dtype((np.void, small.dtype.itemsize * small.shape[1]))).ravel()
    _, first, line_of, weight = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    return rows[first], line_of.ravel(), weight


def _score(name: str, one: int, votes: Votes, hand: npt.NDArray[np.int64], trust: Floats) -> HeuristicScore:
    mine, others = votes[:, one], np.delete(votes, one, axis=1)
    spoke = mine >= 0
    n = max(len(mine), 1)
    other = (others >= 0).any(axis=1)
    against = ((others >= 0) & (others != mine[:, None])).any(axis=1)
    checked = spoke & (hand >= 0)
    return HeuristicScore(
        name,
        float(spoke.sum() / n),
        float((spoke & other).sum() / n),
        float((spoke & against).sum() / n),
        float(trust[one]),
        int((mine[checked] == hand[checked]).sum()),
        int(checked.sum()),
        int(spoke.sum()),
    )


def _where(found: Bools, gives: str, classes: Sequence[str], name: str) -> Votes:
    if gives not in classes:
        raise UnknownName("class", gives, classes, where=f"heuristic {name}")
    return np.where(found, list(classes).index(gives), ABSTAIN).astype(np.int64)
