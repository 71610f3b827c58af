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
from dovetail.measure.threshold import Choice, cost_threshold
from dovetail.tasks.base import NOTE, model_folder, read_note, write_note
from dovetail.tasks.card import ModelCard
from dovetail.tasks.exposure import Seen
from dovetail.tasks.judged import positions
from dovetail.tasks.labelled import Labelled, check_enough, labelled_pairs, with_valid
from dovetail.tasks.match import Matcher as RecordMatcher
from dovetail.tasks.match import moved_to
from dovetail.tasks.match_card import card_of, choice_of, review_band
from dovetail.tasks.match_change import smallest_changes
from dovetail.tasks.match_evaluate import Decided, Evaluation, evaluated
from dovetail.tasks.match_explain import Explanations, Precedents, explained, precedent_rows
from dovetail.tasks.match_foreign import said_of
from dovetail.tasks.match_learn import FitPlan
from dovetail.tasks.match_next import Questions, Wanted, judgements, next_pairs, outlook
from dovetail.tasks.match_options import MatchOptions
from dovetail.tasks.match_prepare import Prepared, pair_keys, prepare, tables_and_pairs, union
from dovetail.tasks.match_review import Review, as_column, usual
from dovetail.types import Attribute, Candidates, Job, Kind, Pairs, Progress, Table, finish

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.types import Decisions, Floats

Watch = Callable[[Progress], None]


@dataclass(frozen=True)
class Learned:
    """What training leaves besides the comparisons' trees: enough to apply, judge and explain them."""

    decider: RecordMatcher
    attributes: tuple[Attribute, ...]
    options: MatchOptions
    choice: Choice | None  # None: too few labels were held out, so each prediction draws its own line
    review: Review | None  # None likewise: then the usual band around that line
    seen: Seen
    precedents: Precedents
    card: ModelCard


class Matcher:
    """Which rows of two tables, or of one, are the same thing. Without `fit` it is the matcher that ships."""

    def __init__(self) -> None:
        self.learned_: Learned | None = None
        self.line_: float | None = None
        self.review_: Review | None = None
        self.warnings: tuple[str, ...] = ()  # of the last prediction or evaluation
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
    def facts(self) -> dict[str, Any]:
        """What training tried, stage by stage, with what each brought and took; the report shows it."""
        return self._decider.facts_

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

    @property
    def review(self) -> Review | None:
        """Which scores go to a person: from `.low` to below `.high`; as with `threshold`, None before it is settled."""
        return self._settled_review or self.review_

    @property
    def _settled_review(self) -> Review | None:
        learned = self.learned_
        if learned is None or learned.decider.line_alone() is not None:  # it is of the joined scores
            return None
        return learned.review

    def fit(
        self, left: Any, right: Any, pairs: Any = None, *, on_progress: Watch | None = None, **options: Any
    ) -> Matcher:
        """Train on labelled pairs of the rows of two tables, or of one: `fit(table, pairs)`.

        `options` are those of `MatchOptions`: `minutes`, `effort`, `precision`, `costs`, `sure`, `mapping`, `seed`;
        and `valid`, further labelled pairs that stand for the future: threshold, calibration and what is kept rest on
        them, and networks never see them. Tables may be whatever `read` takes, pairs whatever `read_pairs` takes.
        Labels that name unknown rows are set aside and said in `.card.warnings`. Raises `InputError` for fewer than 4
        labels, labels all of one class or that contradict each other, and where most name unknown rows.
        """
        return finish(self.fit_job(left, right, pairs, **options), on_progress)

    def predict(self, left: Any, right: Any = None, pairs: Any = None, *, on_progress: Watch | None = None) -> Pairs:
        """The given pairs with scores and verdicts, in their order; without pairs, all that blocking finds comparable.

        A verdict is `match`, `review` (a person should look) or `not`; `.review` says which scores are which.
        """
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
        choice = choice_of(decider, asked.wish())
        review = review_band(decider, choice, asked)
        yield Progress("describe", 1, 2, "keeping precedents")
        precedents = _precedents(decider, prepared, labelled, asked.seed)
        seen = Seen.of(prepared.records, labelled.judged.pairs)
        card = card_of(prepared, labelled, asked, decider, choice, review)
        card = replace(card, seconds=round(time.perf_counter() - start, 1))
        self.learned_ = Learned(decider, prepared.records.attributes, asked, choice, review, seen, precedents, card)
        yield Progress("describe", 2, 2, card.summary)
        return self

    def predict_job(self, left: Any, right: Any = None, pairs: Any = None) -> Job[Pairs]:
        """`predict` with progress."""
        tables, asked = tables_and_pairs(left, right, pairs)
        prepared = yield from self._prepare(tables, self._attributes, self._options)
        if asked is None:
            decisions = yield from self._decide(prepared, prepared.candidates)
            named = _named(prepared, decisions.candidates, decisions.score)
            return replace(named, verdict=as_column(_review(decisions).verdicts(decisions.score)))
        wanted = _ordered(*positions(prepared.records, asked))
        decisions = yield from self._decide(prepared, wanted)
        score = _scores_of(decisions, wanted)
        return replace(asked, score=score, verdict=as_column(_review(decisions).verdicts(score)))

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
        decided = Decided(score, decisions.threshold, _review(decisions))
        found = evaluated(prepared, labelled, decided, seen, self._decider.describe())
        return replace(found, warnings=(*self.warnings, *found.warnings))

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
            note["review"] = None if learned.review is None else vars(learned.review)
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
            review = Review(**note["review"]) if note.get("review") else None
            options = MatchOptions.checked(**note["options"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{home / NOTE} is damaged ({error}); train the model again") from None
        decider, card = RecordMatcher.load(home / "matcher"), ModelCard.read(home)
        made = cls()
        seen, precedents = Seen.load(home), Precedents.load(home)
        made.learned_ = Learned(decider, attributes, options, choice, review, seen, precedents, card)
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
        kept = self._kept  # once: another thread may ask of other tables meanwhile
        if kept is not None and _same(kept[0], key):
            return kept[1]
        prepared = yield from prepare(tables, attributes, mapping=options.mapping, seed=options.seed)
        self._kept = ((tables, prepared.records.attributes, options.mapping, options.seed), prepared)
        return prepared

    def _decide(self, prepared: Prepared, wanted: Candidates) -> Job[Decisions]:
        wish = self._options.wish()
        self.warnings = said_of(self._decider.foreign(prepared.records, union(prepared.candidates, wanted)))
        if self._settled is None:  # then scores move to where all candidates part, and the line with them
            every = union(prepared.candidates, wanted)
            decisions = yield from self._decider.decide(prepared.records, every, precision=wish.precision)
        else:
            decisions = yield from self._decider.decide(prepared.records, wanted, context=prepared.candidates)
        self.line_ = self._settled
        if self.line_ is None:
            self.line_ = cost_threshold(wish.costs) if wish.costs else decisions.threshold
        decisions = moved_to(decisions, self.line_)
        self.review_ = self._settled_review or usual(decisions)
        return replace(decisions, review_low=self.review_.low, review_high=self.review_.high)


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


def _precedents(decider: RecordMatcher, prepared: Prepared, labelled: Labelled, seed: int) -> Precedents:
    rows = precedent_rows(labelled.judged, seed)
    pairs = labelled.judged.pairs
    chosen = Candidates(pairs.left[rows], pairs.right[rows])
    found = decider.contributions(prepared.records, chosen, context=union(prepared.candidates, pairs))
    return Precedents.of(prepared.records, labelled.judged, rows, found)


def _two_and_pairs(left: Any, right: Any, pairs: Any, verb: str) -> tuple[tuple[Table, ...], Pairs]:
    if pairs is None:
        right, pairs = None, right
    if pairs is None:
        raise InputError(f"{verb} needs pairs: give {verb}(left, right, pairs), or {verb}(table, pairs) for one table")
    tables, found = tables_and_pairs(left, right, pairs)
    assert found is not None
    return tables, found


def _review(decisions: Decisions) -> Review:
    return Review(decisions.review_low, decisions.review_high, "")


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
