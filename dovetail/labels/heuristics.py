"""Labelling functions: cheap rules that vote on classes, joined by a small model of how far each can be trusted.

A heuristic looks at a text and names a class, or abstains. Four kinds: a Python function, a pattern, a list of words,
and a model that needs no labels (any function from texts and classes to probabilities).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from dovetail.errors import InputError, UnknownName

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.types import Floats

    Votes = npt.NDArray[np.int64]

ABSTAIN = -1
_TRUST, _STRENGTH = 0.7, 10.0  # what is believed of a heuristic before it is seen: right 7 times of 10
_ROUNDS, _STILL = 200, 1e-6


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
    """One class where a regular expression is found, whatever its case."""

    name: str
    pattern: str
    gives: str

    def vote(self, texts: Sequence[str], classes: Sequence[str]) -> Votes:
        """The class for every text in which the pattern occurs."""
        return _where([self._found(text) for text in texts], self.gives, classes, self.name)

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        try:
            return re.compile(self.pattern, re.IGNORECASE)
        except re.error as error:
            raise InputError(
                f"the pattern {self.pattern!r} of heuristic {self.name} is not understood: {error}"
            ) from None

    def _found(self, text: str) -> bool:
        return self._compiled.search(text) is not None


@dataclass(frozen=True)
class ByWords:
    """One class where any of the words or phrases occurs as a whole, whatever its case."""

    name: str
    words: tuple[str, ...]
    gives: str

    def vote(self, texts: Sequence[str], classes: Sequence[str]) -> Votes:
        """The class for every text that holds one of the words."""
        if not any(word.strip() for word in self.words):
            raise InputError(f"heuristic {self.name} has no words; give at least one")
        listed = "|".join(re.escape(w.strip()) for w in sorted(self.words, key=len, reverse=True) if w.strip())
        found = re.compile(rf"(?<!\w)(?:{listed})(?!\w)", re.IGNORECASE)
        return _where([found.search(text) is not None for text in texts], self.gives, classes, self.name)


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


@dataclass(frozen=True)
class Joined:
    """What all heuristics say together."""

    classes: tuple[str, ...]
    probability: Floats  # (n, c), each row summing to 1; where nobody votes, how frequent the classes are
    voted: npt.NDArray[np.bool_]  # (n,) whether any heuristic votes or a hand label stands
    scores: tuple[HeuristicScore, ...]

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
    """Votes (n, h) joined into probabilities: each heuristic has its own table of mistakes (Dawid and Skene 1979).

    The tables and the frequency of the classes are found by expectation maximisation; abstaining tells nothing. Before
    it is seen, a heuristic is believed to be right 7 times of 10, so that a few that agree by chance do not take over.
    `label` (n,) holds hand labels by number, -1 where there is none; they stand, and teach whom to trust.
    """
    votes = np.asarray(votes, np.int64)
    n, h = votes.shape
    c = len(classes)
    if c < 2:
        raise InputError(f"joining heuristics needs two classes or more, got {list(classes)!r}")
    if votes.size and (votes.max() >= c or votes.min() < ABSTAIN):
        raise InputError(f"votes are numbers of classes from 0 to {c - 1}, or -1; got {int(votes.max())}")
    hand = np.full(n, ABSTAIN) if label is None else np.asarray(label, np.int64)
    cast = (votes[:, :, None] == np.arange(c)).astype(np.float64)  # (n, h, c)
    belief, table = _expect(cast, hand)
    voted = (votes >= 0).any(axis=1) | (hand >= 0)
    named = [f"heuristic {i + 1}" for i in range(h)] if names is None else list(names)
    scores = tuple(_score(named[i], i, votes, hand, belief, table) for i in range(h))
    return Joined(tuple(classes), belief, voted, scores)


def _expect(cast: Floats, hand: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Beliefs (n, c) and tables of mistakes (h, c, c): row the true class, column the vote."""
    n, h, c = cast.shape
    prior = np.where(np.eye(c, dtype=bool), _TRUST, (1 - _TRUST) / (c - 1)) * _STRENGTH
    known = np.flatnonzero(hand >= 0)
    fixed = np.eye(c)[hand[known]]
    table = np.broadcast_to(prior / prior.sum(axis=1, keepdims=True), (h, c, c))
    frequency = np.full(c, 1 / c)
    spoken = cast.any(axis=(1, 2))
    belief = np.full((n, c), 1 / c)
    for _ in range(_ROUNDS):
        before = belief
        logs = np.log(frequency) + np.einsum("nhv,hcv->nc", cast, np.log(table))
        belief = np.exp(logs - logs.max(axis=1, keepdims=True))
        belief /= belief.sum(axis=1, keepdims=True)
        belief[known] = fixed
        if np.abs(belief - before).max(initial=0) < _STILL:
            break
        told = belief[spoken | (hand >= 0)]
        frequency = (told.sum(axis=0) + 1) / (len(told) + c)
        table = np.einsum("nc,nhv->hcv", belief, cast) + prior
        table = table / table.sum(axis=2, keepdims=True)
    return belief, table


def _score(
    name: str, one: int, votes: Votes, hand: npt.NDArray[np.int64], belief: Floats, table: Floats
) -> HeuristicScore:
    mine, others = votes[:, one], np.delete(votes, one, axis=1)
    spoke = mine >= 0
    n = max(len(mine), 1)
    other = (others >= 0).any(axis=1)
    against = ((others >= 0) & (others != mine[:, None])).any(axis=1)
    share = belief[spoke].sum(axis=0) if spoke.any() else np.ones(belief.shape[1])
    checked = spoke & (hand >= 0)
    return HeuristicScore(
        name,
        float(spoke.sum() / n),
        float((spoke & other).sum() / n),
        float((spoke & against).sum() / n),
        float(np.diag(table[one]) @ share / share.sum()),
        int((mine[checked] == hand[checked]).sum()),
        int(checked.sum()),
    )


def _where(found: Iterable[bool], gives: str, classes: Sequence[str], name: str) -> Votes:
    if gives not in classes:
        raise UnknownName("class", gives, classes, where=f"heuristic {name}")
    return np.where(np.fromiter(found, bool), list(classes).index(gives), ABSTAIN).astype(np.int64)
