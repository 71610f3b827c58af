"""Why a text is of a class: words checked by deletion, labelled precedents; and what tells two classes apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError, UnknownName
from dovetail.tasks.classify_mix import probabilities
from dovetail.tasks.classify_model import Model
from dovetail.tasks.classify_words import tokens_of

_PIECE = re.compile(r"\S+")
_MOST_WORDS = 60
_PRECEDENTS = 5
_TERMS = 12
_TELLING = 1.0  # standard errors from which a word is said to stand for a class


@dataclass(frozen=True)
class WordEvidence:
    """One word of the text and what it did. `importance` is signed, in log-odds: how much the text without it loses."""

    word: str
    start: int  # characters in the text
    end: int
    importance: float


@dataclass(frozen=True)
class Precedent:
    """A labelled text that is near."""

    text: str
    label: str
    cosine: float  # in [-1, 1]


@dataclass(frozen=True)
class Explained:
    """Why a text is of a class. `without` are the fewest words found whose deletion turns the decision, if any do."""

    label: str
    probability: float
    rival: str
    words: tuple[WordEvidence, ...]  # in the order of the text
    without: tuple[str, ...]
    becomes: str | None
    precedents: tuple[Precedent, ...]

    def top(self, count: int = 8) -> list[WordEvidence]:
        """The words that did most, for or against."""
        return sorted(self.words, key=lambda w: (-abs(w.importance), w.start))[:count]


@dataclass(frozen=True)
class Separation:
    """What tells two classes apart."""

    first: str
    second: str
    words_first: tuple[tuple[str, float], ...]  # word and log-odds ratio in standard errors
    words_second: tuple[tuple[str, float], ...]
    border: tuple[Precedent, ...]  # labelled texts that the model can hardly tell; cosine is the margin there


def explained(model: Model, text: str, label: str | None = None) -> Explained:
    """Why a text is of its likeliest class, or how far it is of `label`."""
    if not text.strip():
        raise InputError("an empty text has no explanation; give one with words")
    if label is not None and label not in model.classes:
        raise UnknownName("class", label, model.classes)
    spans = [(m.start(), m.end()) for m in _PIECE.finditer(text)][:_MOST_WORDS]
    variants = [text] + [text[:a] + text[b:] for a, b in spans]
    p = model.probabilities(variants)
    at = int(p[0].argmax()) if label is None else model.classes.index(label)
    odds = _log_odds(p[:, at])
    words = tuple(WordEvidence(text[a:b], a, b, float(odds[0] - odds[i + 1])) for i, (a, b) in enumerate(spans))
    others = np.where(np.arange(p.shape[1]) == at, -1.0, p[0])
    gone, becomes = _turning(model, text, words, at)
    rival = model.classes[int(others.argmax())]
    return Explained(model.classes[at], float(p[0, at]), rival, words, gone, becomes, precedents_of(model, text))


def _turning(
    model: Model, text: str, words: Sequence[WordEvidence], at: int, most: int = 6
) -> tuple[tuple[str, ...], str | None]:
    """The fewest of the strongest words whose deletion makes another class the likeliest, and that class."""
    strong = [w for w in sorted(words, key=lambda w: -w.importance) if w.importance > 0][:most]
    variants = []
    for count in range(1, len(strong) + 1):
        cut = text
        for word in sorted(strong[:count], key=lambda w: -w.start):
            cut = cut[: word.start] + cut[word.end :]
        variants.append(cut)
    if not variants:
        return (), None
    best = model.probabilities(variants).argmax(axis=1)
    turned = np.flatnonzero(best != at)
    if not len(turned):
        return (), None
    first = int(turned[0])
    return tuple(w.word for w in strong[: first + 1]), model.classes[int(best[first])]


def precedents_of(model: Model, text: str, count: int = _PRECEDENTS) -> tuple[Precedent, ...]:
    """The labelled texts nearest in meaning."""
    if model.precedents is None or model.reader is None or not model.examples.texts:
        return ()
    near = model.precedents.astype(np.float32) @ model.reader.encode([text])[0]
    order = np.argsort(-near, kind="stable")[:count]
    return tuple(Precedent(model.examples.texts[i], _label(model, i), float(near[i])) for i in order.tolist())


def _label(model: Model, row: int) -> str:
    return ", ".join(model.classes[i] for i in np.flatnonzero(model.examples.matrix[row]).tolist())


def separation(model: Model, first: str, second: str) -> Separation:
    """The words that stand for one class against the other, and the labelled texts nearest to their border.

    Words are ranked by the log-odds ratio in standard errors (Monroe et al. 2008), with the words of all classes as
    prior, so that rare and common words are judged alike.
    """
    for name in (first, second):
        if name not in model.classes:
            raise UnknownName("class", name, model.classes)
    kept = model.examples
    if not kept.texts:
        raise InputError("this model keeps no labelled texts; train it with keep_texts=True")
    a, b = (model.classes.index(name) for name in (first, second))
    words = [set(tokens_of(text)) for text in kept.texts]
    every = Counter(word for one in words for word in one)
    return Separation(first, second, *_words_apart(model, words, every, (a, b)), _border(model, a, b))


def words_apart(model: Model, pairs: Sequence[tuple[str, str]], count: int) -> list[tuple[tuple[str, ...], ...]]:
    """For each pair of classes the words that stand for the first, and for the second; none if no texts were kept."""
    if not model.examples.texts:
        return []
    words = [set(tokens_of(text)) for text in model.examples.texts]
    every, found = Counter(word for one in words for word in one), []
    for pair in pairs:
        sides = _words_apart(model, words, every, (model.classes.index(pair[0]), model.classes.index(pair[1])))
        spoken = [[w for w, z in side if z > _TELLING and w.isalnum()] for side in sides]
        found.append(tuple(tuple(side[:count]) for side in spoken))
    return found


_Ranked = tuple[tuple[str, float], ...]


def _words_apart(
    model: Model, words: Sequence[set[str]], every: Counter[str], pair: tuple[int, int]
) -> tuple[_Ranked, _Ranked]:
    """Words and log-odds ratios in standard errors, for the first of two classes and for the second."""
    rows = [np.flatnonzero(model.examples.matrix[:, at] > 0).tolist() for at in pair]
    sides = [Counter(w for row in of for w in words[row]) for of in rows]
    ordered = sorted(_ratios(every, sides).items(), key=lambda item: (-item[1], item[0]))
    for_first = tuple(item for item in ordered[:_TERMS] if item[1] > 0)
    return for_first, tuple((w, -z) for w, z in reversed(ordered[-_TERMS:]) if z < 0)


def _ratios(every: Counter[str], sides: Sequence[Counter[str]]) -> dict[str, float]:
    scale = 20.0 / max(sum(every.values()), 1)
    total = [sum(side.values()) + 20.0 for side in sides]
    found = {}
    for word in set(sides[0]) | set(sides[1]):
        prior = every[word] * scale + 0.01
        counts = [side[word] + prior for side in sides]
        odds = [np.log(k / max(n - k, 1e-9)) for k, n in zip(counts, total, strict=True)]
        found[word] = float((odds[0] - odds[1]) / np.sqrt(1 / counts[0] + 1 / counts[1]))
    return found


def _border(model: Model, a: int, b: int) -> tuple[Precedent, ...]:
    kept: Any = model.examples
    rows = np.flatnonzero((kept.matrix[:, a] > 0) | (kept.matrix[:, b] > 0))
    p = probabilities(kept.held_out[rows], sigmoid=model.sigmoid)
    margin = np.abs(p[:, a] - p[:, b])
    order = np.argsort(margin, kind="stable")[:_PRECEDENTS]
    return tuple(Precedent(kept.texts[rows[i]], _label(model, int(rows[i])), float(margin[i])) for i in order.tolist())


def _log_odds(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    kept = np.clip(p, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(kept / (1 - kept)))
