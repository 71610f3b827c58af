"""`Matcher`: which candidate pairs are the same thing, with what probability, and why."""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dovetail.encoders.base import load_encoder
from dovetail.errors import InputError, MissingExtra
from dovetail.measure.calibrate import adaptive_shift, threshold_for_precision
from dovetail.tables.atomic import replace_file
from dovetail.tasks.compare import Comparer, Comparisons
from dovetail.tasks.match_evidence import explanations, tree_contributions
from dovetail.tasks.match_experts import Expert, can_read, load_expert
from dovetail.tasks.match_few import SCORED, taught_by_few
from dovetail.tasks.match_foreign import LEAST, LOOKED_AT, Foreign, Usual, dice
from dovetail.tasks.match_heard import Heard
from dovetail.tasks.match_join import Join
from dovetail.tasks.match_learn import FitPlan, learn, lesson
from dovetail.tasks.match_trees import GROWN, with_column
from dovetail.tasks.trees import Trees, probabilities, read_trees
from dovetail.types import Candidates, Decisions, Explanation, Job, Progress, Records, finish

if TYPE_CHECKING:
    from dovetail.types import Floats

SHIPPED = Path(__file__).parent.parent / "data" / "shipped_matcher"
FORMAT = 2
WITHOUT = "the trees decide alone, without the network of this model"
READ = "(read as a whole)"  # what networks add to a score, in explanations
FEWEST = 4  # labels, with both answers among them
_REVIEW = 1.4  # width of the review band on each side of the threshold, in log-odds


class Matcher:
    """Scores pairs of records. Starts from the matcher that ships; `fit` trains it on labelled pairs."""

    def __init__(self, *, folder: str | Path = SHIPPED) -> None:
        self.folder = Path(folder)
        self.portable_: Trees | None = None
        self.own_: Trees | None = None
        self.facts_: dict[str, Any] = {}
        self.held_out_: tuple[Floats, npt.NDArray[np.int8]] | None = None  # scores and labels of pairs held out in fit
        self.experts_: dict[str, Expert] = {}
        self.join_: Join | None = None
        self.heard_ = Heard()
        self.usual_: Usual | None = None  # the spread of the comparisons where trees were trained
        self._kept: tuple[Records, Candidates, Comparer] | None = None

    @classmethod
    def shipped(cls) -> Matcher:
        """The matcher that ships in the package, trained on public sets."""
        return cls.load(SHIPPED)

    @classmethod
    def from_trees(cls, portable: Trees) -> Matcher:
        """A matcher over portable comparisons."""
        made = cls()
        made.portable_ = portable
        return made

    def describe(self) -> str:
        """Which matcher decides, in words."""
        said = str(self.facts_.get("chosen", "the matcher that ships, without labels of these tables"))
        return said if self.line_alone() is None else f"{said}; here {WITHOUT}"

    def comparer(self, records: Records, context: Candidates) -> Comparer:
        """The comparisons of these records; kept, since several verbs ask for them one after the other."""
        kept = self._kept  # once: another thread may ask of other records meanwhile
        if kept is None or kept[0] is not records or not _equal(kept[1], context):
            kept = self._kept = (records, context, Comparer(records, context, load_encoder()))
        return kept[2]

    def score(self, records: Records, candidates: Candidates, context: Candidates | None = None) -> Job[Floats]:
        """The probability of a match for each candidate pair, (m,).

        `context` holds the candidates that they stand among, where that is more than they themselves.
        """
        comparer = self.comparer(records, candidates if context is None else _union(context, candidates))
        found = np.zeros(len(candidates))
        yield Progress("match", 0, len(candidates), "weighing columns")
        for part, compared in comparer.chunks(candidates, own=self.own_ is not None):
            found[part] = self.by_trees(compared)
            yield Progress("match", part.stop, len(candidates), f"{part.stop:,} of {len(candidates):,} pairs")
        if self._reads():
            found = (yield from self._read(records, candidates, found))[0]
        return probabilities(found)

    def by_trees(self, compared: Comparisons) -> Floats:
        """Log-odds of a match (m,) by the trees alone."""
        return self._log_odds(self._as_learned(compared).values)

    def uncalibrated(self, trees: Floats) -> Floats:
        """The trees' log-odds as the join takes them, (m,)."""
        assert self.own_ is not None
        return np.asarray((trees - self.own_.offset) / self.own_.slope)

    def _reads(self) -> bool:
        """Whether networks are asked; without their packages the trees decide alone, and that is said."""
        if self.join_ is None or can_read():
            return self.join_ is not None
        warnings.warn(f"{WITHOUT}; {MissingExtra('reading pairs closely', 'train')}", stacklevel=3)
        return False

    def _read(self, records: Records, pairs: Candidates, trees: Floats) -> Job[tuple[Floats, Floats]]:
        """Joined log-odds (m,), and what the experts said of each pair (m, k), NaN where they were not asked."""
        assert self.join_ is not None
        raw = self.uncalibrated(trees)
        asked = np.flatnonzero(self.join_.asked(raw))
        some = Candidates(pairs.left[asked], pairs.right[asked])
        said = np.full((len(raw), len(self.experts_)), np.nan)
        said[asked] = yield from self.heard_.said(records, self.experts_, some)
        return self.join_.log_odds(np.concatenate([raw[:, None], said], axis=1)), said

    def decide(
        self,
        records: Records,
        candidates: Candidates,
        *,
        precision: float | None = None,
        context: Candidates | None = None,
    ) -> Job[Decisions]:
        """Scores, the threshold, and the band of uncertain pairs around it.

        Without labels of these tables the scores are moved as a whole to where the candidates part into two groups.
        """
        score = yield from self.score(records, candidates, context)
        score, shift = self.adapted(records, candidates, score, context)
        threshold = self._threshold(score, precision)
        return moved_to(Decisions(candidates, score, threshold, 0.0, 1.0, self.describe(), shift), threshold)

    def line_alone(self) -> float | None:
        """The threshold of the trees by themselves, where the packages of the networks are absent; otherwise None."""
        if self.join_ is None or can_read():
            return None
        return float(np.clip(self.facts_.get("threshold_alone", 0.5), 0.001, 0.999))

    def adapted(
        self, records: Records, candidates: Candidates, score: Floats, context: Candidates | None = None
    ) -> tuple[Floats, float]:
        """Scores moved to fit the tables that they come from, and by how much in log-odds; labels make it needless.

        Across sources only the closest candidates of a record can be matches, so only they are looked at; inside one
        source any number of candidates can be.
        """
        if "threshold" in self.facts_ or not len(score):
            return score, 0.0
        odds = np.log(score / (1 - score))
        telling = odds
        if len(records.sources) > 1:
            comparer = self.comparer(records, candidates if context is None else _union(context, candidates))
            telling = odds[comparer.rivals[_places(comparer.context, candidates), 0] == 0]
        shift = adaptive_shift(telling)
        return probabilities(odds + shift), shift

    def fit(
        self,
        records: Records,
        pairs: Candidates,
        label: npt.NDArray[np.int8],
        *,
        context: Candidates,
        plan: FitPlan | None = None,
    ) -> Job[Matcher]:
        """A matcher trained on labelled pairs (m,) of 0 and 1; this one stays as it was.

        `context` holds the candidates that the pairs stand among. Each stage is used only where it decides better than
        the one before on labels that it has not seen; `describe` says which won.
        """
        _check_labels(label)
        joint = _union(context, pairs)
        comparer = self.comparer(records, joint)
        yield Progress("fit", 0, 3, f"comparing {len(pairs):,} labelled pairs")
        plan = plan or FitPlan()
        shift = (yield from self._shift(records, joint, plan.seed)) if len(label) < GROWN else 0.0
        given = lesson(comparer, pairs, label, self._portable, shift)
        learned = yield from learn(given, self._portable, plan)
        if learned.own is None:
            more = (yield from self._shift(records, joint, plan.seed)) if len(label) >= GROWN else 0.0
            learned = taught_by_few(learned, given.start + more, label, shift + more, plan.seed)
        yield Progress("fit", 3, 3, str(learned.facts["chosen"]))
        fitted = Matcher.from_trees(learned.portable)
        fitted.own_, fitted.experts_, fitted.join_ = learned.own, learned.experts, learned.join
        fitted.facts_, fitted.held_out_ = learned.facts, learned.held_out
        if fitted.own_ is not None:
            fitted.usual_ = Usual.of(fitted.own_, fitted._looked_at(comparer))
        return fitted

    def foreign(self, records: Records, context: Candidates) -> Foreign | None:
        """How these candidates differ from those of training; None where it is unknown or they are too few."""
        if self.usual_ is None or self.own_ is None or len(context) < LEAST:
            return None
        comparer = self.comparer(records, context)
        values, some = self._looked_at(comparer), _spread(context, LOOKED_AT)
        plain = Matcher.shipped()
        plain._kept = self._kept  # the same comparisons
        start = plain.by_portable(values)
        moved = plain.adapted(records, some, probabilities(start), context)[0]
        own = probabilities(self.own_.log_odds(values))
        line = float(self.facts_.get("threshold_alone", self.facts_.get("threshold", 0.5)))
        return Foreign(self.usual_.distance(values), dice(own >= line, moved >= 0.5))

    def _looked_at(self, comparer: Comparer) -> npt.NDArray[np.float32]:
        """Some of the candidates' comparisons, spread over all, as the trees take them."""
        some = _spread(comparer.context, LOOKED_AT)
        parts = [self._as_learned(made).values for _, made in comparer.chunks(some, own=True)]
        return np.concatenate([with_column(v, self.by_portable(v)) for v in parts])

    def _shift(self, records: Records, context: Candidates, seed: int) -> Job[float]:
        """What these tables add to the log-odds, told from at most `SCORED` of the candidates."""
        drawn = np.random.default_rng(seed).permutation(len(context))[:SCORED]
        rows = np.sort(drawn)
        some = context if len(rows) == len(context) else Candidates(context.left[rows], context.right[rows])
        score = yield from self.score(records, some, context)
        return self.adapted(records, some, score, context)[1]

    def contributions(
        self, records: Records, pairs: Candidates, *, context: Candidates | None = None, shift: float = 0.0
    ) -> tuple[Explanation, ...]:
        """Why each pair got its score: one line an attribute, adding up with the base to the log-odds.

        `shift` is that of the decisions to explain.
        """
        if not len(pairs):
            return ()
        comparer = self.comparer(records, _union(context, pairs) if context is not None else pairs)
        found: list[Explanation] = []
        for part, made in comparer.chunks(pairs, own=self.own_ is not None):
            compared = self._as_learned(made)
            some = Candidates(pairs.left[part], pairs.right[part])
            base: float | Floats
            added, base = tree_contributions(self._portable, self.own_, compared.values)
            groups = self._groups(comparer, compared.groups)
            if self._reads():
                added, base, groups = self._joined(records, some, added, base, groups)
            found += explanations(comparer, some, compared.similarity, groups, added, base + shift)
        return tuple(found)

    def save(self, folder: str | Path) -> Path:
        """Write the matcher into a folder: LightGBM text and JSON."""
        home = Path(folder)
        home.mkdir(parents=True, exist_ok=True)
        for name, trees in (("portable", self._portable), ("own", self.own_)):
            if trees is not None:
                with replace_file(home / f"{name}.txt") as beside:
                    beside.write_text(trees.text, encoding="utf-8")
        based = self.own_ is not None and bool(self.own_.base)  # an older program would leave the base out
        note = {"format": FORMAT if based else 1, "facts": self.facts_, "portable": self._portable.to_note()}
        note["own"] = self.own_.to_note() if self.own_ is not None else None
        for name, expert in self.experts_.items():
            expert.save(home / name)
        note["usual"] = self.usual_.to_note() if self.usual_ is not None else None
        note["join"] = asdict(self.join_) if self.join_ is not None else None
        with replace_file(home / "matcher.json") as beside:
            beside.write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")
        return home

    @classmethod
    def load(cls, folder: str | Path) -> Matcher:
        """Read what `save` wrote."""
        home = Path(folder)
        if not (home / "matcher.json").is_file():
            raise InputError(f"{folder} holds no matcher; expected matcher.json and portable.txt, as `save` writes")
        try:
            note = json.loads((home / "matcher.json").read_text(encoding="utf-8"))
            if note["format"] > FORMAT:
                raise InputError(f"{folder} is of a newer format ({note['format']}); update dovetail")
            return cls._of(home, note)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"the matcher in {folder} is damaged ({error}); save or train it again") from None

    @classmethod
    def _of(cls, home: Path, note: dict[str, Any]) -> Matcher:
        made = cls(folder=home)
        made.facts_ = note["facts"]
        made.portable_ = read_trees(home / "portable.txt", note["portable"])
        made.own_ = read_trees(home / "own.txt", note["own"]) if note["own"] else None
        made.usual_ = Usual.from_note(note["usual"]) if note.get("usual") else None
        if note.get("join"):
            made.join_ = Join.from_note(note["join"])
            made.experts_ = {name: load_expert(name, home / name) for name in made.join_.names[1:]}
        return made

    @property
    def _portable(self) -> Trees:
        if self.portable_ is None:
            self.portable_ = Matcher.load(self.folder).portable_
        assert self.portable_ is not None
        return self.portable_

    def _as_learned(self, compared: Comparisons) -> Comparisons:
        """The comparisons in the order in which the trees learned them; other tables may rank columns differently."""
        return compared if self.own_ is None else compared.under(self.own_.names[:-1])

    def _log_odds(self, values: npt.NDArray[np.float32]) -> Floats:
        start = self.by_portable(values)
        return start if self.own_ is None else self.own_.log_odds(with_column(values, start))

    def by_portable(self, values: npt.NDArray[np.float32]) -> Floats:
        """Log-odds (m,) by what ships, of comparisons (m, f) that begin with the portable ones."""
        return self._portable.log_odds(values[:, : len(self._portable.names)])

    def _groups(self, comparer: Comparer, groups: tuple[str, ...]) -> tuple[str, ...]:
        return comparer.portable_groups if self.own_ is None else (*groups, "the ready-made matcher")

    def _joined(
        self, records: Records, pairs: Candidates, added: Floats, base: float | Floats, groups: tuple[str, ...]
    ) -> tuple[Floats, Floats, tuple[str, ...]]:
        """Contributions with what reading added, as one more column; rows still add up to the joined log-odds."""
        assert self.join_ is not None
        assert self.own_ is not None
        joined, said = finish(self._read(records, pairs, added.sum(axis=1) + base))
        scale = np.where(np.isnan(said[:, 0]), 1.0, self.join_.weights[0] / self.own_.slope)
        added = added * scale[:, None]
        level = np.where(np.isnan(said[:, 0]), base, (base - self.own_.offset) * scale + self.join_.offset)
        rest = joined - added.sum(axis=1) - level
        return np.concatenate([added, rest[:, None]], axis=1), level, (*groups, READ)

    def _threshold(self, score: Floats, precision: float | None) -> float:
        if precision is not None:
            found = threshold_for_precision(score, precision)
            return float(np.clip(found if found is not None else 0.999, 0.001, 0.999))
        if "threshold" in self.facts_:
            alone = self.line_alone()
            return alone if alone is not None else float(np.clip(self.facts_["threshold"], 0.001, 0.999))
        return 0.5


def moved_to(decisions: Decisions, threshold: float) -> Decisions:
    """The same scores under another line, with the band of uncertain pairs around it."""
    line = float(np.log(threshold / (1 - threshold)))
    low, high = probabilities(np.array([line - _REVIEW, line + _REVIEW])).tolist()
    return replace(decisions, threshold=threshold, review_low=low, review_high=high)


def _check_labels(label: npt.NDArray[np.int8]) -> None:
    if len(label) < FEWEST:
        raise InputError(f"{len(label)} labelled pairs are too few; give at least {FEWEST}, matches and others")
    if len(set(label.tolist())) < 2:
        said = "match" if label[0] == 1 else "not"
        raise InputError(f"all {len(label)} labels say {said!r}; both answers are needed to learn from them")


def _spread(pairs: Candidates, most: int) -> Candidates:
    """At most so many of the pairs, evenly from all."""
    step = max(1, -(-len(pairs) // most))
    return Candidates(pairs.left[::step], pairs.right[::step])


def _union(a: Candidates, b: Candidates) -> Candidates:
    keys_a, keys_b = (p.left.astype(np.int64) << 32 | p.right for p in (a, b))
    if np.isin(keys_b, keys_a).all():
        return a
    keys = np.union1d(keys_a, keys_b)
    return Candidates((keys >> 32).astype(np.int32), (keys & 0xFFFFFFFF).astype(np.int32))


def _equal(a: Candidates, b: Candidates) -> bool:
    return a is b or (np.array_equal(a.left, b.left) and np.array_equal(a.right, b.right))


def _places(among: Candidates, pairs: Candidates) -> npt.NDArray[np.intp]:
    """Where each of the pairs stands among others that hold them all."""
    if among is pairs:
        return np.arange(len(pairs))
    keys_a, keys_b = (p.left.astype(np.int64) << 32 | p.right for p in (among, pairs))
    return np.searchsorted(keys_a, keys_b)
