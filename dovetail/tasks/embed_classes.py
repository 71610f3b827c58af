"""A head from class labels, checked on labels that it has not seen; texts without a label help to place the borders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from dovetail.encoders.base import Encoder
from dovetail.tasks.classify_names import gently, name_head, telling
from dovetail.tasks.embed_head import ClassHead, Head, PlainHead
from dovetail.tasks.embed_linear import balanced, logistic, one_hot
from dovetail.tasks.embed_scores import same_class

_FORCES = (0.5, 1.0, 1.5, 2.0, 3.0)
_FEW = 60  # labels
_MANY = 1_000  # labels from which the neighbours of a text are near enough to speak against its label
_FOLDS = 5
_SURE = 1.64  # standard errors by which a head must be better than none
_NEXT = 5  # the fewest neighbours that count as next
_NEAR = 15  # neighbours that speak for a text
_MOST_WITHOUT = 20_000  # texts without label that are looked at


@dataclass(frozen=True)
class ClassSettings:
    """How the class head is made. `python -m bench similarity choose` compares others, on training rows alone.

    `strength` is the inverse of the regularisation; `force` is used where there are too few labels to choose one;
    `share` of what a text without label is taken for comes from its neighbours, and `doubt` of what one with a label is
    taken for where there are many: labels that rules gave slip alike. Class probabilities count to a `power`.
    The last `plain` values of a vector are the plain space, those before are of lower layers; 0: all are the space.
    `names` (d, c) is what the names of the classes alone say, which the labels start from.
    """

    strength: float = 3.0
    force: float = 2.0
    share: float = 0.5
    doubt: float = 0.25
    power: float = 1.0
    plain: int = 0
    names: npt.NDArray[np.float32] | None = field(default=None, compare=False)

    @property
    def start(self) -> PlainHead:
        """The space without labels."""
        return PlainHead(np.array([self.plain], np.float32))


USUAL = ClassSettings()


def usual_settings(plain: int, names: npt.NDArray[np.float32] | None = None) -> ClassSettings:
    """The usual ones, where the last `plain` values of the vectors are the plain space (0: all), and names say (d, c).

    With lower layers each layer has a part of the length only, so that the pull of the regularisation is weaker.
    """
    return ClassSettings(strength=10.0, plain=plain, names=names) if plain else replace(USUAL, names=names)


def said_by_names(encoder: Encoder, names: Sequence[str]) -> npt.NDArray[np.float32] | None:
    """What the names of classes say of vectors: a linear map (d, c) to gentle log-odds; None where they say nothing."""
    return gently(name_head(encoder, names, {})).weight if telling(names, {}) else None


Vectors = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Taught:
    """A head, and what it did to held-out labels: the share of the same class among neighbours."""

    head: Head
    before: float
    after: float
    why: str


def taught_by_classes(vectors: Vectors, labels: Ints, settings: ClassSettings = USUAL, *, seed: int = 0) -> Taught:
    """A head from the classes 0 … c-1 (n,) of vectors (n, d); -1: no label. The identity where none proves better."""
    known = np.flatnonzero(labels >= 0)
    few = len(known) < _FEW or np.bincount(labels[known]).min() < _FOLDS
    if few:
        why = f"{len(known)} labels are too few to check on; the usual force"
        return Taught(class_head(vectors, labels, settings, seed=seed), float("nan"), float("nan"), why)
    near = None
    if _NEAR < len(vectors) <= _MOST_WITHOUT:
        near = _neighbours(settings.start(vectors))
    trials = _held_out(vectors, labels, settings, near, seed)
    plain = trials.pop(0.0)
    best = max(trials, key=lambda force: float(trials[force].mean()))
    before, after = float(plain.mean()), float(trials[best].mean())
    gain = trials[best] - plain
    if gain.mean() <= _SURE * gain.std() / len(gain) ** 0.5:
        why = f"no head beat the plain vectors for sure on held-out labels ({after:.3f} against {before:.3f})"
        return Taught(settings.start, before, before, why)
    why = f"neighbours of the same class on held-out labels: {before:.3f} before, {after:.3f} after"
    return Taught(class_head(vectors, labels, replace(settings, force=best), near=near, seed=seed), before, after, why)


def held_out_classes(labels: Ints, seed: int) -> Ints:
    """The labelled rows of the first of five folds."""
    known = np.flatnonzero(labels >= 0)
    return known[np.random.default_rng(seed).permutation(len(known)) % _FOLDS == 0]


def _held_out(
    vectors: Vectors, labels: Ints, settings: ClassSettings, near: Ints | None, seed: int
) -> dict[float, Floats]:
    """How well each labelled text keeps to its class, held out, under each force; 0.0 is the plain vectors."""
    known = np.flatnonzero(labels >= 0)
    fold = np.random.default_rng(seed).permutation(len(known)) % _FOLDS
    found = {force: np.zeros(len(known)) for force in (0.0, *_FORCES)}
    for one in range(_FOLDS):
        asked = known[fold == one]
        seen = labels.copy()
        seen[asked] = -1
        made = class_head(vectors, seen, settings, near=near, seed=seed)
        for force in found:
            head: Head = replace(made, force=np.array([force], np.float32)) if force else settings.start
            found[force][fold == one] = _kept_near(head(vectors[asked]), labels[asked])
    return found


def _kept_near(vectors: Vectors, labels: Ints) -> Floats:
    """The mean of two shares of the same class (n,): among a tenth of as many neighbours as it has, and among as many.

    A space serves both: the next neighbours of a text, and whole classes.
    """
    rows = np.arange(len(labels))
    near = max(_NEXT, len(labels) // np.unique(labels).size // 10)
    return np.asarray(np.mean([same_class(vectors, labels, rows, k) for k in (near, None)], axis=0), np.float64)


def class_head(
    vectors: Vectors, labels: Ints, settings: ClassSettings = USUAL, *, near: Ints | None = None, seed: int = 0
) -> ClassHead:
    """The head from vectors (n, d) and classes (n,), -1 for none, without a check; `near` (n, k) if known already."""
    known = np.flatnonzero(labels >= 0)
    targets = one_hot(labels[known])
    weights, bias = _told(vectors[known], targets, balanced(targets), settings)
    rest = np.flatnonzero(labels < 0)
    doubt = settings.doubt if max(_MANY, len(rest)) <= len(known) <= _MOST_WITHOUT else 0.0
    if doubt or (len(rest) > _NEAR and settings.share):
        rest = np.sort(np.random.default_rng(seed).permutation(rest)[:_MOST_WITHOUT])
        rows = np.concatenate([known, rest])
        first = ClassHead(weights, bias, np.ones(1, np.float32)).probabilities(vectors[rows])
        place = np.empty(len(vectors), np.int64)
        place[rows] = np.arange(len(rows))
        beside = (
            _neighbours(settings.start(vectors[rows]))
            if near is None or len(rows) < len(vectors)
            else place[near[rows]]
        )
        again = replace(settings, doubt=doubt)
        weights, bias = _again(vectors[rows], targets, first.astype(np.float64), beside, again)
    force, power = (np.array([value], np.float32) for value in (settings.force, settings.power))
    return ClassHead(weights, bias, force, power, settings.start.plain)


def _told(vectors: Vectors, targets: Floats, weights: Floats, settings: ClassSettings) -> tuple[Vectors, Vectors]:
    towards = None if settings.names is None else settings.names[:, : targets.shape[1]]
    return logistic(vectors, targets, settings.strength, weights=weights, towards=towards)


def _again(
    vectors: Vectors, sure: Floats, guessed: Floats, near: Ints, settings: ClassSettings
) -> tuple[Vectors, Vectors]:
    """The linear map once more, with what its neighbours are taken for in the target of each text without label.

    Source: label propagation of Zhou et al. 2003, two rounds. Texts without label weigh together as much as those with.
    """
    guessed[: len(sure)] = sure
    found, rest = guessed, len(guessed) - len(sure)
    heard = np.full((len(guessed), 1), settings.share)
    heard[: len(sure)] = settings.doubt
    for _ in range(2):
        found = (1 - heard) * guessed + heard * found[near].mean(axis=1)
    weights = balanced(found)
    weights[len(sure) :] *= min(1.0, len(sure) / max(1, rest))
    return _told(vectors, found, weights, settings)


def _neighbours(vectors: Vectors) -> Ints:
    """The nearest other texts of each, (n, k)."""
    found = np.zeros((len(vectors), _NEAR), np.int64)
    for start in range(0, len(vectors), 1_024):
        near = vectors[start : start + 1_024] @ vectors.T
        near[np.arange(len(near)), start + np.arange(len(near))] = -np.inf
        found[start : start + 1_024] = np.argpartition(-near, _NEAR, axis=1)[:, :_NEAR]
    return found
