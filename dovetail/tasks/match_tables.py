"""`Matcher` on tables: fit, predict, evaluate, explain, save, load."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from dovetail.errors import InputError
from dovetail.measure.threshold import Choice, Wish, choose_threshold, cost_threshold
from dovetail.tasks.base import NOTE, model_folder, read_note, write_note
from dovetail.tasks.card import DataCard, ModelCard, now, versions
from dovetail.tasks.exposure import Seen
from dovetail.tasks.judged import positions
from dovetail.tasks.labelled import Labelled, check_enough, labelled_pairs, with_valid
from dovetail.tasks.match import Matcher as RecordMatcher
from dovetail.tasks.match import moved_to
from dovetail.tasks.match_change import smallest_changes
from dovetail.tasks.match_evaluate import Evaluation, evaluated, figures, oddities
from dovetail.tasks.match_explain import Explanations, Precedents, explained, precedent_rows
from dovetail.tasks.match_learn import FitPlan
from dovetail.tasks.match_next import Questions, Wanted, judgements, next_pairs, outlook
from dovetail.tasks.match_options import MatchOptions
from dovetail.tasks.match_prepare import Prepared, pair_keys, prepare, tables_and_pairs, union
from dovetail.types import Attribute, Candidates, Job, Kind, Pairs, Progress, Table, finish

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.types import Decisions, Floats

Watch = Callable[[Progress], None]
_INTENDED = (
    "Deciding which rows of these tables, or of others with the same columns and the same kind of things, are the "
    "same. Scores are probabilities; pairs near the threshold belong before a person."
)
_LIMITS = (
    "Figures were measured on labelled pairs held out of training; pairs of another kind may be decided worse.",
    "Tables with other columns need a model of their own.",
    "A score says how likely two rows are the same thing, not that both rows are right.",
)


@dataclass(frozen=True)
class Learned:
    """What training leaves besides the comparisons' trees: enough to apply, judge and explain them."""

    decider: RecordMatcher
    attributes: tuple[Attribute, ...]
    options: MatchOptions
    choice: Choice | None  # None: too few labels were held out, so each prediction draws its own line
    seen: Seen
    precedents: Precedents
    card: ModelCard


class Matcher:
    """Which rows of two tables, or of one, are the same thing. Without `fit` it is the matcher that ships."""

    def __init__(self) -> None:
        self.learned_: Learned | None = None
        self.line_: float | None = None
        self._kept: tuple[tuple[Any, ...], Prepared] | None = None

    @classmethod
    def shipped(cls) -> Matcher:
        """The matcher in the box, which needs no labels."""
        return cls()

    @property
    def card(self) -> ModelCard:
        """The model card: data hashes, labels, settings, figures, intended use and limits."""
        if self.learned_ is None:
            raise InputError("the matcher that ships has no card of its own; fit it on labelled pairs first")
        return self.learned_.card

    @property
    def threshold(self) -> float | None:
        """The score from which a pair is a match.

        Where training had too few labels to settle it, each prediction draws its own line: then that of the last one,
        None before the first.
        """
        return self._settled if self._settled is not None else self.line_

    @property
    def _settled(self) -> float | None:
        learned = self.learned_
        if learned is None or learned.choice is None:
            return None
        alone = learned.decider.line_alone()  # the line of the joined scores is not that of the trees by themselves
        return alone if alone is not None else learned.choice.threshold

    def fit(
        self, left: Any, right: Any, pairs: Any = None, *, on_progress: Watch | None = None, **options: Any
    ) -> Matcher:
        """Train on labelled pairs of the rows of two tables, or of one: `fit(table, pairs)`.

        `options` are those of `MatchOptions`: `minutes`, `effort`, `precision`, `costs`, `mapping`, `seed`; and
        `valid`, further labelled pairs that stand for the future: threshold, calibration and what is kept rest on
        them, and networks never see them. Tables may be whatever `read` takes, pairs whatever `read_pairs` takes.
        Labels that name unknown rows are set aside and said in `.card.warnings`. Raises `InputError` for fewer than 4
        labels, labels all of one class or that contradict each other, and where most name unknown rows.
        """
        return finish(self.fit_job(left, right, pairs, **options), on_progress)

    def predict(self, left: Any, right: Any = None, pairs: Any = None, *, on_progress: Watch | None = None) -> Pairs:
        """The given pairs with their scores, in their order; without pairs, all that blocking finds worth comparing."""
        return finish(self.predict_job(left, right, pairs), on_progress)

    def evaluate(self, left: Any, right: Any, pairs: Any = None, *, on_progress: Watch | None = None) -> Evaluation:
        """Figures with 95 % intervals on labelled pairs that training has not seen, also by what it has seen."""
        return finish(self.evaluate_job(left, right, pairs), on_progress)

    def explain(self, left: Any, right: Any, pairs: Any = None, *, on_progress: Watch | None = None) -> Explanations:
        """Why each pair got its score, the labelled pairs most like it, and the smallest change that would turn it."""
        return finish(self.explain_job(left, right, pairs), on_progress)

    def ask(
        self, left: Any, right: Any = None, pairs: Any = None, *, on_progress: Watch | None = None, **wanted: Any
    ) -> Questions:
        """Which pairs to judge next, given those judged so far, and what the answers will probably bring.

        `wanted`: `size` (25), `strategy` (`both`, or another of the ways to choose), `seed`.
        """
        return finish(self.ask_job(left, right, pairs, **wanted), on_progress)

    def ask_job(self, left: Any, right: Any = None, pairs: Any = None, **wanted: Any) -> Job[Questions]:
        """`ask` with progress."""
        tables, labels = tables_and_pairs(left, right, pairs)
        prepared = yield from self._prepare(tables, self._attributes, self._options)
        decisions = yield from self._decide(prepared, prepared.candidates)
        given = judgements(prepared.records, labels)
        rows, why = yield from next_pairs(self._decider, prepared.records, decisions, given, Wanted(**wanted))
        found = Candidates(decisions.candidates.left[rows], decisions.candidates.right[rows])
        context = union(prepared.candidates, given.pairs)
        ahead = yield from outlook(RecordMatcher.shipped(), prepared.records, context, given, self._options.seed)
        return Questions(_named(prepared, found, decisions.score[rows]), why, ahead, prepared.tables)

    def fit_job(self, left: Any, right: Any, pairs: Any = None, **options: Any) -> Job[Matcher]:
        """`fit` with progress."""
        valid = options.pop("valid", None)
        asked = MatchOptions.checked(**options)
        start = time.perf_counter()
        tables, labels = _two_and_pairs(left, right, pairs, "fit")
        prepared = yield from self._prepare(tables, None, asked)
        labelled, held = with_valid(prepared.records, labels, valid)
        check_enough(labelled)
        decider = yield from _train(prepared, labelled, held, asked)
        yield Progress("describe", 0, 2, "choosing the threshold")
        choice = _choice(decider, asked.wish())
        yield Progress("describe", 1, 2, "keeping precedents")
        precedents = _precedents(decider, prepared, labelled, asked.seed)
        seen = Seen.of(prepared.records, labelled.judged.pairs)
        card = _card(prepared, labelled, asked, decider, choice)
        card = replace(card, seconds=round(time.perf_counter() - start, 1))
        self.learned_ = Learned(decider, prepared.records.attributes, asked, choice, seen, precedents, card)
        yield Progress("describe", 2, 2, card.summary)
        return self

    def predict_job(self, left: Any, right: Any = None, pairs: Any = None) -> Job[Pairs]:
        """`predict` with progress."""
        tables, asked = tables_and_pairs(left, right, pairs)
        prepared = yield from self._prepare(tables, self._attributes, self._options)
        if asked is None:
            decisions = yield from self._decide(prepared, prepared.candidates)
            return _named(prepared, decisions.candidates, decisions.score)
        wanted = _ordered(*positions(prepared.records, asked))
        decisions = yield from self._decide(prepared, wanted)
        return replace(asked, score=_scores_of(decisions, wanted))

    def evaluate_job(self, left: Any, right: Any, pairs: Any = None) -> Job[Evaluation]:
        """`evaluate` with progress."""
        tables, labels = _two_and_pairs(left, right, pairs, "evaluate")
        prepared = yield from self._prepare(tables, self._attributes, self._options)
        labelled = labelled_pairs(prepared.records, labels)
        if not len(labelled.judged.label):
            raise InputError("no pair is labelled match or not, so there is nothing to measure against")
        decisions = yield from self._decide(prepared, labelled.judged.pairs)
        score = _scores_of(decisions, labelled.judged.pairs)
        seen = self.learned_.seen if self.learned_ is not None else Seen.nothing()
        return evaluated(prepared, labelled, score, decisions.threshold, seen, self._decider.describe())

    def explain_job(self, left: Any, right: Any, pairs: Any = None) -> Job[Explanations]:
        """`explain` with progress."""
        tables, asked = _two_and_pairs(left, right, pairs, "explain")
        prepared = yield from self._prepare(tables, self._attributes, self._options)
        wanted = _ordered(*positions(prepared.records, asked))
        decisions = yield from self._decide(prepared, wanted)
        yield Progress("explain", 0, len(wanted))
        found = self._decider.contributions(
            prepared.records, wanted, context=prepared.candidates, shift=decisions.shift
        )
        precedents = self.learned_.precedents if self.learned_ is not None else Precedents.none()
        ids = prepared.records.ids
        names = list(
            zip(ids.take(pa.array(wanted.left)).to_pylist(), ids.take(pa.array(wanted.right)).to_pylist(), strict=True)
        )
        context = union(prepared.candidates, wanted)
        changes = yield from smallest_changes(self._decider, prepared.records, decisions, found, context)
        made = explained(names, found, changes, decisions.threshold, precedents)
        yield Progress("explain", len(wanted), len(wanted))
        return made

    def save(self, folder: str | Path) -> Path:
        """Write the model into a folder, with its card; no value of a row is written.

        A model that was there stays in force until the new one is whole; other files of the folder stay.
        """
        if self.learned_ is None:
            raise InputError("there is nothing to save: the matcher was not trained; call fit first")
        learned = self.learned_
        attributes = [{"name": a.name, "kind": a.kind.value, "columns": a.columns} for a in learned.attributes]
        choice = None if learned.choice is None else vars(learned.choice)
        with model_folder(folder) as home:
            learned.decider.save(home / "matcher")
            learned.seen.save(home)
            learned.precedents.save(home)
            learned.card.write(home)
            note = {"attributes": attributes, "options": learned.options.model_dump(), "choice": choice}
            write_note(home, "match", note)
        return Path(folder)

    @classmethod
    def load(cls, folder: str | Path) -> Matcher:
        """Read what `save` wrote."""
        home = Path(folder)
        note = read_note(home, "match")
        try:
            attributes = tuple(Attribute(a["name"], Kind(a["kind"]), tuple(a["columns"])) for a in note["attributes"])
            choice = None if note["choice"] is None else Choice(**note["choice"])
            options = MatchOptions.checked(**note["options"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{home / NOTE} is damaged ({error}); train the model again") from None
        decider, card = RecordMatcher.load(home / "matcher"), ModelCard.read(home)
        made = cls()
        made.learned_ = Learned(decider, attributes, options, choice, Seen.load(home), Precedents.load(home), card)
        return made

    @property
    def _decider(self) -> RecordMatcher:
        return self.learned_.decider if self.learned_ is not None else RecordMatcher.shipped()

    @property
    def _attributes(self) -> tuple[Attribute, ...] | None:
        return self.learned_.attributes if self.learned_ is not None else None

    @property
    def _options(self) -> MatchOptions:
        return self.learned_.options if self.learned_ is not None else MatchOptions.checked()

    def _prepare(
        self, tables: tuple[Table, ...], attributes: tuple[Attribute, ...] | None, options: MatchOptions
    ) -> Job[Prepared]:
        """Aligned and blocked tables; kept, since several verbs ask for the same ones one after the other."""
        key = (tables, attributes, options.mapping, options.seed)
        if self._kept is not None and _same(self._kept[0], key):
            return self._kept[1]
        prepared = yield from prepare(tables, attributes, mapping=options.mapping, seed=options.seed)
        self._kept = ((tables, prepared.records.attributes, options.mapping, options.seed), prepared)
        return prepared

    def _decide(self, prepared: Prepared, wanted: Candidates) -> Job[Decisions]:
        wish = self._options.wish()
        if self._settled is None:  # then scores move to where all candidates part, and the line with them
            every = union(prepared.candidates, wanted)
            decisions = yield from self._decider.decide(prepared.records, every, precision=wish.precision)
        else:
            decisions = yield from self._decider.decide(prepared.records, wanted, context=prepared.candidates)
        self.line_ = self._settled
        if self.line_ is None:
            self.line_ = cost_threshold(wish.costs) if wish.costs else decisions.threshold
        return moved_to(decisions, self.line_)


def _train(
    prepared: Prepared, labelled: Labelled, held: npt.NDArray[np.bool_] | None, options: MatchOptions
) -> Job[RecordMatcher]:
    judged = labelled.judged
    context = union(prepared.candidates, judged.pairs)
    plan = FitPlan(held, options.minutes, options.effort, options.seed, options.checkpoint)
    fitted = yield from RecordMatcher.shipped().fit(
        prepared.records, judged.pairs, judged.label, context=context, plan=plan
    )
    return fitted


def _choice(decider: RecordMatcher, wish: Wish) -> Choice | None:
    """The line that serves the wish on held-out labels; for the best F1 the steady one that fitting found."""
    if decider.held_out_ is None:
        return None
    chosen = choose_threshold(*decider.held_out_, wish)
    if wish.precision is not None or wish.costs or "threshold" not in decider.facts_:
        return chosen
    line = float(np.clip(decider.facts_["threshold"], 0.001, 0.999))
    return Choice(line, f"best F1 on {len(decider.held_out_[1]):,} held-out labelled pairs, over many draws of them")


def _precedents(decider: RecordMatcher, prepared: Prepared, labelled: Labelled, seed: int) -> Precedents:
    rows = precedent_rows(labelled.judged, seed)
    pairs = labelled.judged.pairs
    chosen = Candidates(pairs.left[rows], pairs.right[rows])
    found = decider.contributions(prepared.records, chosen, context=union(prepared.candidates, pairs))
    return Precedents.of(prepared.records, labelled.judged, rows, found)


def _card(
    prepared: Prepared, labelled: Labelled, options: MatchOptions, decider: RecordMatcher, choice: Choice | None
) -> ModelCard:
    label = labelled.judged.label
    unmet = [choice.why] if choice is not None and not choice.met else []
    return ModelCard(
        task="match",
        summary=decider.describe(),
        data=tuple(DataCard.of(table) for table in prepared.tables),
        labels={
            "match": int((label == 1).sum()),
            "not": int((label == 0).sum()),
            "unsure": labelled.judged.unsure,
            "set_aside": len(labelled.set_aside),
        },
        settings=options.model_dump(),
        figures=_held_out_figures(decider, choice),
        intended_use=_INTENDED,
        limits=_LIMITS,
        warnings=(*labelled.warnings, *unmet, *oddities(prepared, labelled)),
        made=now(),
        versions=versions(),
    )


def _held_out_figures(decider: RecordMatcher, choice: Choice | None) -> dict[str, Any]:
    if decider.held_out_ is None or choice is None:
        return {"held_out_pairs": 0}
    found = figures(*decider.held_out_, choice.threshold)
    shares: dict[str, Any] = {}
    for name in ("precision", "recall", "f1"):
        share = getattr(found, name)
        shares |= {name: share.value, f"{name}_low": share.low, f"{name}_high": share.high}
    rest = {"ece": found.calibration_error, "average_precision": found.average_precision}
    return {"held_out_pairs": found.pairs, "threshold": choice.threshold, "why": choice.why, **shares, **rest}


def _two_and_pairs(left: Any, right: Any, pairs: Any, verb: str) -> tuple[tuple[Table, ...], Pairs]:
    if pairs is None:
        right, pairs = None, right
    if pairs is None:
        raise InputError(f"{verb} needs pairs: give {verb}(left, right, pairs), or {verb}(table, pairs) for one table")
    tables, found = tables_and_pairs(left, right, pairs)
    assert found is not None
    return tables, found


def _same(kept: tuple[Any, ...], asked: tuple[Any, ...]) -> bool:
    tables, attributes, mapping, seed = kept
    same_tables = len(tables) == len(asked[0]) and all(
        a.name == b.name and a.data is b.data and a.ids.equals(b.ids) for a, b in zip(tables, asked[0], strict=True)
    )
    return bool(same_tables and asked[1] in (None, attributes) and (mapping, seed) == asked[2:])


def _ordered(left: npt.NDArray[np.int32], right: npt.NDArray[np.int32]) -> Candidates:
    """Pairs of positions with the lower one first, in the order given."""
    return Candidates(np.minimum(left, right), np.maximum(left, right))


def _scores_of(decisions: Decisions, wanted: Candidates) -> Floats:
    """The scores of some decided pairs, in their order."""
    keys = pair_keys(decisions.candidates)
    order = np.argsort(keys, kind="stable")
    return decisions.score[order[np.searchsorted(keys, pair_keys(wanted), sorter=order)]]


def _named(prepared: Prepared, pairs: Candidates, score: Floats) -> Pairs:
    records = prepared.records
    ends = {}
    names = np.array(records.sources, dtype=object)
    for side, rows in (("left", pairs.left), ("right", pairs.right)):
        ends[f"{side}_ids"] = records.ids.take(pa.array(rows))
        ends[f"{side}_source"] = pa.array(names[records.source[rows]], pa.string())
    return Pairs(score=score, **ends)
