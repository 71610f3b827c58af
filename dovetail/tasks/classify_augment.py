"""More examples from those there are: texts varied word by word, or blended as vectors; kept only where that helps.

`neighbours` swaps words for those nearest in meaning, `mix` blends the vectors of two rows and their labels (Zhang et
al., mixup, 2018; on sentence vectors Guo et al. 2019); the others are `TEXT_AUGMENTERS`. What a person's own model
rewrites, by paraphrase or through another language, comes in as `rewrite`. A varied text stands on the side of the
split on which the text it was made from stands.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dovetail.encoders.base import Encoder, load_encoder
from dovetail.tasks.classify_head import Head, HeadSettings, fit_head
from dovetail.tasks.classify_ladder import Rung, Task, calibrated_rung, joined
from dovetail.tasks.classify_rewrite import Rewrite, rewritten
from dovetail.tasks.classify_words import tokens_of
from dovetail.training.augment import TEXT_AUGMENTERS, load_augmenter
from dovetail.types import Job

Matrix = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Random = np.random.Generator
Vary = Callable[[str, Random], str]

MIX, NEIGHBOURS = "mix", "neighbours"
_WORD = re.compile(r"[^\W\d_]{3,}")
_TURNING = frozenset(
    ("not", "nor", "never", "none", "nothing", "without", "cannot", "hardly")
)  # they turn a meaning round
_VOCABULARY, _NEAR, _NEIGHBOURS = 5_000, 0.6, 3
_MOST_VARIED, _TIMES, _SHARE = 6_000, 2, 0.15
_ALPHA = 0.4  # of the beta distribution that shares of a blend are drawn from


@dataclass(frozen=True)
class Varied:
    """Varied texts as vectors (m, d), the row (m,) that each was made from, and whether rows are blended as well."""

    vectors: Matrix
    of: Ints
    mix: bool
    seed: int


def varied_texts(
    texts: Sequence[str], names: Sequence[str], rewrite: Rewrite | None, seed: int, folder: Path | None = None
) -> Job[tuple[list[str], Ints]]:
    """Texts varied in the named ways, and the row each was made from; those that came out unchanged are left out.

    Each text is varied up to twice, each time in a way drawn at random, and rewritten once where `rewrite` is given;
    what it said is kept in `folder`.
    """
    random = np.random.default_rng(seed)
    ways = [way_of(name, texts) for name in names if name != MIX]
    rows = random.permutation(len(texts))[:_MOST_VARIED]
    times = _TIMES if len(rows) <= _MOST_VARIED // _TIMES else 1
    made: dict[str, int] = {}
    for row in np.repeat(rows, times).tolist() if ways else ():
        text = ways[random.integers(len(ways))](texts[row], random)
        if text.strip() and text != texts[row]:
            made.setdefault(text, row)
    if rewrite is not None:
        said = yield from rewritten([texts[i] for i in rows.tolist()], rewrite, folder)
        for row, text in zip(rows.tolist(), said, strict=True):
            if text != texts[row]:
                made.setdefault(text, row)
    return list(made), np.fromiter(made.values(), np.int64, len(made))


def way_of(name: str, texts: Sequence[str]) -> Vary:
    """A way to vary a text by its name; `neighbours` learns from these texts which words there are."""
    if name != NEIGHBOURS:
        return load_augmenter(name, TEXT_AUGMENTERS)
    near = near_words(texts, load_encoder("static"))
    return lambda text, random: swap_near(text, random, near)


def near_words(texts: Sequence[str], encoder: Encoder) -> dict[str, tuple[str, ...]]:
    """For each frequent word of the texts the few others of them that mean nearly the same; none for most."""
    standing = Counter(w for t in texts for w in dict.fromkeys(tokens_of(t)) if _WORD.fullmatch(w))
    words = [w for w, _ in standing.most_common(_VOCABULARY) if w not in _TURNING]
    if len(words) < 2:
        return {}
    vectors = encoder.encode(words)
    found = {}
    for start in range(0, len(words), 1_000):
        cosine = vectors[start : start + 1_000] @ vectors.T
        cosine[np.arange(len(cosine)), start + np.arange(len(cosine))] = -1
        best = np.argsort(-cosine, axis=1)[:, :_NEIGHBOURS]
        for i, row in enumerate(best.tolist()):
            near = tuple(words[j] for j in row if cosine[i, j] >= _NEAR)
            if near:
                found[words[start + i]] = near
    return found


def swap_near(text: str, random: Random, near: Mapping[str, Sequence[str]], share: float = _SHARE) -> str:
    """The text with about `share` of the words that have a near one swapped for it, at least one."""
    able = [m for m in _WORD.finditer(text) if m[0].casefold() in near]
    if not able:
        return text
    chosen = random.permutation(len(able))[: max(1, round(share * len(able)))]
    for at in sorted(chosen.tolist(), reverse=True):
        word = able[at]
        others = near[word[0].casefold()]
        text = text[: word.start()] + others[int(random.integers(len(others)))] + text[word.end() :]
    return text


def blended(vectors: Matrix, targets: Matrix, seed: int) -> tuple[Matrix, Matrix]:
    """As many rows as there are, each a blend of one with another at random, and their labels in the same shares."""
    random = np.random.default_rng(seed)
    other = random.permutation(len(vectors))
    share = random.beta(_ALPHA, _ALPHA, len(vectors)).astype(np.float32)
    share = np.maximum(share, 1 - share)[:, None]
    return (
        np.asarray(share * vectors + (1 - share) * vectors[other], np.float32),
        np.asarray(share * targets + (1 - share) * targets[other], np.float32),
    )


def augmented_rung(task: Task, rungs: Sequence[Rung], varied: Varied) -> tuple[Rung, Head]:
    """The rung whose vectors also learnt from varied rows, judged on held-out rows as they are; its head for good."""
    start = time.perf_counter()
    strength = next(r.strengths[0] for r in rungs if r.parts == ("vectors",))
    held = np.zeros(task.targets.shape, np.float32)
    for fold in np.unique(task.fold).tolist():
        inside, outside = np.flatnonzero(task.fold != fold), np.flatnonzero(task.fold == fold)
        held[outside] = _head(task, strength, varied, inside).scores(task.features["vectors"][outside])
    alone = calibrated_rung(task, "augmented", ("vectors",), (strength,), [held], start)
    others = [r for r in rungs if len(r.parts) == 1 and r.parts != ("vectors",)]
    rung = joined(task, [*others, alone], "augmented") if others else alone
    return rung, _head(task, strength, varied, np.arange(len(task.targets)))


def _head(task: Task, strength: float, varied: Varied, rows: Ints) -> Head:
    """A head on rows and what was made from them; what was made weighs together no more than the rows."""
    inside = np.isin(varied.of, rows)
    more, wanted = varied.vectors[inside], task.targets[varied.of[inside]]
    own = np.ones(len(task.targets), np.float32) if task.weight is None else task.weight
    weight = own[varied.of[inside]]
    vectors, targets = task.features["vectors"][rows], task.targets[rows]
    if varied.mix:
        mixed, shares = blended(vectors, targets, varied.seed)
        more, wanted = np.concatenate([more, mixed]), np.concatenate([wanted, shares])
        weight = np.concatenate([weight, np.ones(len(rows), np.float32)])
    weight = weight * min(1.0, len(rows) / max(len(weight), 1))
    together = np.concatenate([own[rows], weight]).astype(np.float32)
    return fit_head(
        np.concatenate([vectors, more]),
        np.concatenate([targets, wanted]),
        HeadSettings(strength, task.sigmoid),
        weight=together / together.mean(),
    )
