"""How far a classifier can be trusted: figures with intervals on labelled texts that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.measure.classes import ClassScores, LabelScores, class_scores, label_scores
from dovetail.measure.groups import GroupRates, Mitigation, equal_opportunity, group_rates, rate_gap
from dovetail.measure.intervals import bootstrap
from dovetail.measure.percent import percent, within
from dovetail.measure.sure import Coverage, auroc, confidence_error, coverage_curve, reliability
from dovetail.tasks.classify_explain import words_apart
from dovetail.tasks.classify_folds import contradictions
from dovetail.tasks.classify_labels import levels_of
from dovetail.tasks.classify_model import Model
from dovetail.types import Interval

Floats = npt.NDArray[np.float64]
_CELLS, _TEXTS, _SHOWN = 40, 5, 200
_APART, _WORDS = 12, 6  # cells whose two classes are told apart by words, and how many words of each
_ROUNDS = 400
_LEAST = 10  # rows of a class from which thresholds by group are worth a word


@dataclass(frozen=True)
class ClassFigures:
    """One class."""

    name: str
    support: int  # rows that are of it
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Cell:
    """One cell of the confusion: how many texts of one class were called another, and the surest of them; and, for the
    fullest cells, the words of labelled texts that stand for either class against the other."""

    true: str
    predicted: str
    count: int
    texts: tuple[str, ...]
    words_true: tuple[str, ...] = ()
    words_predicted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evaluated:
    """A classifier against labelled texts; intervals are 95 %."""

    kind: str
    n: int
    accuracy: Interval  # share that is all right
    macro_f1: Interval
    weighted_f1: float  # where a text has several labels: F1 over all labels of all texts
    classes: tuple[ClassFigures, ...]  # the weakest first
    ece: float  # mean distance of probability and accuracy, in [0, 1]
    reliability: tuple[tuple[float, Interval, int], ...]
    coverage: Coverage
    cells: tuple[Cell, ...] = ()  # the fullest wrong cells first
    levels: tuple[Interval, ...] = ()  # accuracy at each level of a hierarchy, the top first
    auroc: float | None = None  # telling texts outside of all classes, where there are any
    groups: tuple[GroupRates, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()  # rows: what a text is, columns: what it was called, as in `names`
    names: tuple[str, ...] = ()
    mitigation: Mitigation | None = None  # thresholds by group for the class `mitigated`, and their price
    mitigated: str | None = None
    conflicts: tuple[tuple[str, dict[str, int]], ...] = ()  # equal texts with different labels
    notes: tuple[str, ...] = field(default=())
    learnt_from: int = 0  # texts of these that the classifier learnt from, so that they measure nothing
    others: Interval | None = None  # accuracy on the texts that it did not learn from, where it did from some

    def to_dict(self) -> dict[str, Any]:
        """As plain data for JSON."""
        found = asdict(self)
        found["coverage"] = {k: getattr(self.coverage, k).tolist() for k in ("coverage", "accuracy", "threshold")}
        return found

    def to_lines(self) -> list[str]:
        """The figures in a few lines for a console."""
        lines = [
            f"{self.n:,} texts: accuracy {_shown(self.accuracy)}, macro F1 {_shown(self.macro_f1)}",
            f"probabilities are off by {percent(self.ece)} on average",
        ]
        lines += [f"level {i + 1}: accuracy {_shown(level)}" for i, level in enumerate(self.levels)]
        half = _at(self.coverage, 0.8)
        if half is not None:
            lines.append(f"answering the surest 80 %: accuracy {percent(half)}")
        if self.auroc is not None:
            lines.append(
                f"a text of no class has a higher value of outside than one of a class in {percent(self.auroc)}"
            )
        lines += [f"{g.group}: {g.n:,} texts, accuracy {_shown(g.accuracy)}" for g in self.groups]
        if self.mitigation is not None:
            lines.append(mitigation_line(self.mitigation, self.mitigated or ""))
        worst = [c for c in self.classes if c.support][:3]
        lines += [f"weak class {c.name!r}: F1 {c.f1:.2f} over {c.support} texts" for c in worst if c.f1 < 0.8]
        return [*lines, *(f"! {note}" for note in self.notes)]


def evaluated(
    model: Model,
    texts: Sequence[str],
    truth: npt.NDArray[np.float32],
    found: Floats,
    *,
    outside: tuple[Floats, npt.NDArray[np.bool_]] | None = None,
    groups: Sequence[str] | None = None,
) -> Evaluated:
    """Figures of probabilities `found` (n, c) against `truth` (n, c). `outside` holds log-odds and truth of lying
    outside, over all texts; `groups` (n,) the group of people that each text belongs to."""
    told = None if outside is None or not 0 < outside[1].sum() < len(outside[1]) else auroc(*outside)
    if model.sigmoid:
        return _many(model, truth, found)
    true, said = truth.argmax(axis=1), found.argmax(axis=1)
    right, names = true == said, np.asarray(model.classes, dtype=object)
    scores = class_scores(names[said].astype(str), names[true].astype(str))
    clashes = contradictions(texts, names[true].tolist())
    notes = [f"texts that stand there more than once with different labels: {len(clashes):,}"] if clashes else []
    asked = _asked_class(true)
    return Evaluated(
        model.kind,
        len(truth),
        scores.accuracy,
        _macro_interval(true, said, len(model.classes)),
        scores.weighted_f1,
        _class_figures(scores),
        confidence_error(found.max(axis=1), right),
        tuple(reliability(found.max(axis=1), right)),
        coverage_curve(found.max(axis=1), right),
        _cells(model, texts, true, said, found.max(axis=1)),
        _levels(model.classes, true, found) if model.kind == "tree" else (),
        told,
        () if groups is None else tuple(group_rates(said == asked, true == asked, right, groups)),
        tuple(tuple(row) for row in scores.confusion.tolist()),
        tuple(str(name) for name in scores.classes),
        None if groups is None else _mitigation(found[:, asked], true == asked, groups),
        None if groups is None else model.classes[asked],
        tuple(clashes[:50]),
        tuple(notes),
    )


def _many(model: Model, truth: npt.NDArray[np.float32], found: Floats) -> Evaluated:
    said = found >= model.line
    scores: LabelScores = label_scores(said, truth)
    sure = np.where(said, found, 1 - found)
    right = said == (truth > 0.5)
    support = (truth > 0.5).sum(axis=0)
    classes = [
        ClassFigures(name, int(support[i]), float(scores.precision[i]), float(scores.recall[i]), float(scores.f1[i]))
        for i, name in enumerate(model.classes)
    ]

    def macro(at: npt.NDArray[np.intp]) -> float:
        return label_scores(said[at], truth[at]).macro_f1

    return Evaluated(
        "many",
        len(truth),
        scores.exact,
        bootstrap(macro, len(truth), rounds=_ROUNDS),
        scores.micro_f1,
        tuple(sorted(classes, key=lambda c: (c.f1, c.name))),
        confidence_error(sure.ravel(), right.ravel()),
        tuple(reliability(sure.ravel(), right.ravel())),
        coverage_curve(sure.min(axis=1), right.all(axis=1)),
    )


def _macro_interval(true: npt.NDArray[np.int64], said: npt.NDArray[np.int64], c: int) -> Interval:
    present = np.union1d(true, said)

    def macro(at: npt.NDArray[np.intp]) -> float:
        hit = np.bincount(true[at][true[at] == said[at]], minlength=c)
        both = np.bincount(true[at], minlength=c) + np.bincount(said[at], minlength=c)
        return float((2 * hit / np.maximum(both, 1))[present].mean())

    return bootstrap(macro, len(true), rounds=_ROUNDS)


def _class_figures(scores: ClassScores) -> tuple[ClassFigures, ...]:
    support = scores.confusion.sum(axis=1)
    found = [
        ClassFigures(str(name), int(support[i]), *(float(x[i]) for x in (scores.precision, scores.recall, scores.f1)))
        for i, name in enumerate(scores.classes)
    ]
    return tuple(sorted(found, key=lambda f: (f.f1, f.name)))


def _cells(
    model: Model,
    texts: Sequence[str],
    true: npt.NDArray[np.int64],
    said: npt.NDArray[np.int64],
    confidence: Floats,
) -> tuple[Cell, ...]:
    wrong, classes = np.flatnonzero(true != said), model.classes
    keys, place, counts = np.unique(true[wrong] * len(classes) + said[wrong], return_inverse=True, return_counts=True)
    found = []
    for cell in np.argsort(-counts, kind="stable")[:_CELLS].tolist():
        rows = wrong[place == cell]
        rows = rows[np.argsort(-confidence[rows], kind="stable")][:_TEXTS]
        a, b = divmod(int(keys[cell]), len(classes))
        shown = tuple(texts[r][:_SHOWN] for r in rows.tolist())
        found.append(Cell(classes[a], classes[b], int(counts[cell]), shown))
    apart = words_apart(model, [(c.true, c.predicted) for c in found[:_APART]], _WORDS)
    told = [replace(c, words_true=w[0], words_predicted=w[1]) for c, w in zip(found, apart, strict=False)]
    return tuple(told + found[len(told) :])


def _levels(classes: Sequence[str], true: npt.NDArray[np.int64], found: Floats) -> tuple[Interval, ...]:
    """Accuracy at each level, where a level's class is the likeliest by the sum of all classes under it."""
    from dovetail.measure.intervals import wilson

    paths = levels_of(classes)
    out = []
    for depth in range(len(paths[0]) if paths else 0):
        _, place = np.unique([p[depth] for p in paths], return_inverse=True)
        summed = np.zeros((len(found), int(place.max()) + 1))
        np.add.at(summed.T, place, found.T)
        out.append(wilson(int((summed.argmax(axis=1) == place[true]).sum()), len(true)))
    return tuple(out)


def _asked_class(true: npt.NDArray[np.int64]) -> int:
    """The class that rates by group are about: the rarer one of two, the most frequent one of several."""
    sizes = np.bincount(true)
    return int(np.argmin(np.where(sizes > 0, sizes, sizes.max() + 1))) if len(sizes) == 2 else int(np.argmax(sizes))


def _mitigation(score: Floats, of: npt.NDArray[np.bool_], groups: Sequence[str]) -> Mitigation | None:
    """Thresholds from all rows; their price from each half of the rows under thresholds from the other half."""
    names, half = np.asarray([str(g) for g in groups]), np.zeros(len(of), np.int64)
    if len(set(names.tolist())) < 2 or of.sum() < _LEAST:
        return None
    for part in [(names == name) & (of == kind) for name in np.unique(names) for kind in (True, False)]:
        half[part] = np.arange(int(part.sum())) % 2
    after = np.zeros(len(of), bool)
    for side in (0, 1):
        learnt = equal_opportunity(score[half != side], of[half != side], names[half != side].tolist())
        lines = np.array([learnt.thresholds.get(n, 0.5) for n in names[half == side].tolist()])
        after[half == side] = score[half == side] >= lines
    whole = equal_opportunity(score, of, names.tolist())
    return replace(whole, gap_after=rate_gap(after, of, names), accuracy_after=float((after == of).mean()))


def mitigation_line(found: Mitigation, name: str) -> str:
    """What equal thresholds by group would bring and cost, in one sentence."""
    lines = ", ".join(f"{group} {line:.2f}" for group, line in found.thresholds.items())
    return (
        f"share of {name!r} that is found differs by {percent(found.gap_before)} between groups; with thresholds "
        f"{lines} by {percent(found.gap_after)}, at a price of {percent(found.price)} accuracy"
    )


def _at(coverage: Coverage, share: float) -> float | None:
    near = np.flatnonzero(coverage.coverage >= share - 1e-9)
    return float(coverage.accuracy[near[0]]) if len(near) else None


def _shown(interval: Interval) -> str:
    return within(interval)
