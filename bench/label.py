"""What answers bring: a simulated person judges pairs of the train part, chosen by the tool or drawn at random.

Answers are the gold labels. After 10, 20, 40 and 100 of them the matcher is fitted as usual (trees and few labels, no
network) and scored on the test part. It starts from the matcher that ships, trained without the set's family, or from
nothing: then questions are chosen by the words that rows share, until answers allow trees.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.match import Split, figures, split_of
from bench.sets import data_folder, load
from dovetail.labels.choose import choose
from dovetail.labels.pool import Pool
from dovetail.tasks.match import Matcher
from dovetail.tasks.match_learn import FitPlan
from dovetail.tasks.match_trees import tree_settings
from dovetail.tasks.trees import TreeSettings, grow, probabilities
from dovetail.types import Candidates, finish
from scripts.train_shipped_matcher import train

SETS = ("abt-buy",)
COUNTS = (10, 20, 40, 60, 80, 100)  # answers after which the next questions are chosen
TOLD = (10, 20, 40, 100)
STARTS = ("shipped", "nothing")
_WORDS = "row words"  # the comparison that stands in for a score where there is no matcher

Labels = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--choosers", nargs="+", default=["random", "both"], help="ways to choose")
    parser.add_argument("--starts", nargs="+", default=list(STARTS), choices=STARTS, help="what to start from")
    parser.add_argument("--valid", action="store_true", help="score on the valid part instead: for trying things out")


def run(set_name: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One object for each start, chooser and number of answers."""
    split = split_of(load(set_name, data_folder()))
    if options.valid:
        split = _on_valid(split)
    for start in options.starts:
        known = train((split.gold.family,)) if start == "shipped" else _nothing(split)
        person = Person(split, known, seed, cold=start == "nothing")
        if start == "shipped":
            yield {"system": f"{start}, no answers", "labels": 0, **_figures(split, known, person)}
        for chooser in options.choosers:
            yield from person.answers(start, chooser)


class Person:
    """Answers questions about the pairs of the train part that are not held out."""

    def __init__(self, split: Split, start: Matcher, seed: int, *, cold: bool) -> None:
        self.split, self.start, self.seed, self.cold = split, start, seed, cold
        pool = np.flatnonzero(~split.held)
        self.pairs = Candidates(split.taught.left[pool], split.taught.right[pool])
        self.label = split.label[pool]
        parts = [c for _, c in start.comparer(split.records, split.context).chunks(self.pairs)]
        self.values = np.concatenate([part.values for part in parts])
        self.names = parts[0].names

    def answers(self, start: str, chooser: str) -> Iterator[dict[str, Any]]:
        """Figures after each number of answers in `TOLD`."""
        asked, matcher = np.zeros(0, np.int64), self.start
        for count in COUNTS:
            score, threshold = self._scores(matcher, asked)
            pool = Pool(
                score,
                self.values,
                asked=asked,
                said=self.label[asked],
                threshold=threshold,
                records=np.stack([self.pairs.left, self.pairs.right], axis=1),
            )
            asked = np.concatenate([asked, choose(pool, count - len(asked), strategy=chooser, seed=self.seed).position])
            matcher = self._taught(asked)
            sys.stderr.write(f"{start}, {chooser}: {len(asked)} answers, {self.label[asked].sum()} matches\n")
            if count in TOLD:
                system = f"{start}, {chooser}, {count} answers"
                yield {
                    "system": system,
                    "labels": count,
                    "matches": int(self.label[asked].sum()),
                    **_figures(self.split, matcher, self),
                }

    def _taught(self, asked: npt.NDArray[np.int64]) -> Matcher:
        label = self.label[asked]
        if len(label) < 4 or len(np.unique(label)) < 2:
            return self.start
        some = Candidates(self.pairs.left[asked], self.pairs.right[asked])
        plan = FitPlan(effort="quick", seed=self.seed)
        fitted = finish(self.start.fit(self.split.records, some, label, context=self.split.context, plan=plan))
        return self._beside(fitted)

    def _beside(self, fitted: Matcher) -> Matcher:
        """With the comparisons that the start has made already; they are the same ones."""
        fitted._kept = self.start._kept
        return fitted

    def _scores(self, matcher: Matcher, asked: npt.NDArray[np.int64]) -> tuple[Floats, float]:
        """What is known of each pair of the pool before the next questions, and the line."""
        if self.cold and matcher.own_ is None:
            return self._from_answers(asked), 0.5
        decided = finish(matcher.decide(self.split.records, self.pairs, context=self.split.context))
        return decided.score, decided.threshold

    def _from_answers(self, asked: npt.NDArray[np.int64]) -> Floats:
        """Without a matcher: shared words first; then trees on the answers by themselves."""
        label = self.label[asked]
        if len(np.unique(label)) < 2:
            words = np.nan_to_num(self.values[:, self.names.index(_WORDS)].astype(np.float64))
            return np.clip(words, 0.01, 0.99)
        trees = grow(self.values[asked], label, self.names, tree_settings(len(asked), self.seed))
        return probabilities(trees.log_odds(self.values))


def _nothing(split: Split) -> Matcher:
    """A matcher that has seen no pair: even odds for all."""
    comparer = train((split.gold.family,)).comparer(split.records, split.context)
    names = next(comparer.chunks(Candidates(split.taught.left[:2], split.taught.right[:2])))[1].names
    values = np.zeros((4, len(names)), np.float32)
    blank = grow(values, np.array([0, 1, 0, 1]), names, TreeSettings(rounds=1, least_rows=2))
    made = Matcher.from_trees(blank)
    made._kept = (split.records, split.context, comparer)
    return made


def _figures(split: Split, matcher: Matcher, person: Person) -> dict[str, Any]:
    found = figures(split, matcher)
    trained = "trees" if matcher.own_ is not None else "moved" if "few" in matcher.facts_ else "start"
    if trained == "moved" and not matcher.facts_["few"]["adopted"]:
        trained = "start"
    few = person.cold and matcher.own_ is None  # even odds for all decide nothing
    kept = ("precision", "recall", "f1", "f1_low", "f1_high", "threshold", "ece")
    return {"decides": trained, **{n: 0.0 if few and n == "f1" else found[n] for n in kept}}


def _on_valid(split: Split) -> Split:
    from dataclasses import replace

    held = np.flatnonzero(split.held)
    asked = Candidates(split.taught.left[held], split.taught.right[held])
    return replace(split, asked=asked, truth=split.label[held])
