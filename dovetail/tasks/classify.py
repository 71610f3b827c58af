"""`Classifier`: texts to classes, from eight examples a class to a hundred thousand, or from names alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.encoders.base import Encoder
from dovetail.errors import InputError
from dovetail.measure.sure import threshold_for_accuracy
from dovetail.tasks.classify_distil import Distilled, distilled
from dovetail.tasks.classify_evaluate import Evaluated, evaluated
from dovetail.tasks.classify_explain import Explained, Separation, explained, separation
from dovetail.tasks.classify_fit import lesson_of, train
from dovetail.tasks.classify_folds import contradictions
from dovetail.tasks.classify_forecast import READING, forecast
from dovetail.tasks.classify_labels import targets_of
from dovetail.tasks.classify_ladder import Rung, rightness
from dovetail.tasks.classify_mix import probabilities
from dovetail.tasks.classify_model import TUNED, Model, load_model_of, save_model
from dovetail.tasks.classify_names import name_head
from dovetail.tasks.classify_noise import Suspect, not_judged, suspects
from dovetail.tasks.classify_options import ClassifyOptions
from dovetail.tasks.classify_resume import forget
from dovetail.tasks.classify_rewrite import Rewrite
from dovetail.tasks.classify_scope import scope_odds
from dovetail.tasks.classify_seen import with_learnt
from dovetail.tasks.classify_texts import encoded, reader_of, settled, texts_of
from dovetail.tasks.classify_watch import Drift, Updated, drift, updated
from dovetail.types import Job, Progress, finish

Watch = Callable[[Progress], None]
Floats = npt.NDArray[np.float64]
_PORTION = 2_000
_ONCE = ("layers", "search", "search_folder")  # options that an update does not take over


@dataclass(frozen=True)
class Decided:
    """What was decided for each text, (n,) each."""

    label: tuple[Any, ...]  # a class, a tuple of them where a text may have several, or None: not sure enough, empty
    probability: Floats  # of the class, or of the likeliest one where none was given
    second: tuple[str | None, ...]  # the next likely class
    outside: Floats | None = None  # probability of belonging to none of the classes


class Classifier:
    """Texts to classes. `encoder` is the name of one, a folder, or `auto`."""

    def __init__(self, encoder: str | Path | Encoder = "auto") -> None:
        self.encoder = encoder
        self.model_: Model | None = None
        self.rungs_: tuple[Rung, ...] = ()
        self._unfinished: Path | None = None  # what training left there is forgotten once the model is saved

    @classmethod
    def from_names(
        cls, names: Mapping[str, str] | Sequence[str], *, encoder: str | Path | Encoder = "auto"
    ) -> Classifier:
        """A classifier without any label: from the names of the classes, or from a description of each."""
        described = dict(names) if isinstance(names, Mapping) else {str(n): str(n) for n in names}
        if len(described) < 2:
            raise InputError("classifying needs the names of two classes at least")
        made, reader = cls(encoder), reader_of(encoder)
        head = name_head(reader, tuple(described), described)
        note = {"chosen": "names", "why": "no labels: texts are compared with the names", "labels": 0, "notes": []}
        weights = np.array([0.5])
        made.model_ = Model("one", tuple(described), ("names",), (head,), weights, reader=reader, card=note)
        made.model_ = replace(made.model_, encoder=_called(encoder, reader))
        return made

    @property
    def model(self) -> Model:
        """What was learnt; raises `InputError` before `fit`."""
        if self.model_ is None:
            raise InputError("this classifier has learnt nothing yet; call fit(texts, labels), or load one")
        return self.model_

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes, in the order of the columns of `predict_proba`."""
        return self.model.classes

    @property
    def card(self) -> dict[str, Any]:
        """What was learnt from, what each rung of the ladder brought, and what to note."""
        return self.model.card

    def fit(
        self,
        texts: Any,
        labels: Any,
        *,
        unlabelled: Any = (),
        rewrite: Rewrite | None = None,
        on_progress: Watch | None = None,
        **options: Any,
    ) -> Classifier:
        """Learn from texts (n) and a label each; several labels a text as lists, a hierarchy as `A > B > C`.

        `texts` may be a list, a column, or a table, whose columns are then joined. `unlabelled` are texts without a
        label; `rewrite` says texts in other words, by a model of yours, and is kept if that helps; `options` are those
        of `ClassifyOptions`. Raises `InputError` where there is nothing to learn from.
        """
        return finish(self.fit_job(texts, labels, unlabelled=unlabelled, rewrite=rewrite, **options), on_progress)

    def fit_job(
        self, texts: Any, labels: Any, *, unlabelled: Any = (), rewrite: Rewrite | None = None, **options: Any
    ) -> Job[Classifier]:
        """`fit` with progress, whose first word is what it will take."""
        asked = ClassifyOptions.checked(**options)
        self._unfinished = None  # should this fit fail, saving the model of an earlier one keeps what this one left
        targets = targets_of(list(_listed(labels)), asked.kind)
        lesson = replace(lesson_of(texts_of(texts), targets, asked, texts_of(unlabelled)), rewrite=rewrite)
        reader = reader_of(self.encoder)
        expected = forecast([*lesson.texts, *lesson.unlabelled], len(targets.classes), reader)
        yield Progress("forecast", 0, 1, str(expected))
        called = _called(self.encoder, reader)
        if asked.minutes is not None and called != "static" and expected.read > READING * asked.minutes * 60:
            note = f"{called} would read for {expected.read / 60:.1f} min; the static encoder took its place"
            reader, called = reader_of("static"), "static"
            lesson = replace(lesson, notes=(*lesson.notes, note))
        model, rungs = yield from train(lesson, reader, asked, expected)
        card = {**model.card, "options": asked.model_dump(exclude_defaults=True), "forecast": asdict(expected)}
        called = TUNED if model.encoder == TUNED else called
        kept = replace(model, encoder=called, card=card)
        self.model_, self.rungs_ = kept if asked.keep_texts else _forgetful(kept), rungs
        self._unfinished = asked.checkpoint
        return self

    def predict(self, texts: Any, *, sure: float | None = None) -> list[Any]:
        """The class of each text. None where it is empty, where the likeliest class is less likely than `sure`, and the
        name that means none of the classes where the text seems to lie outside of all."""
        return list(finish(self.decide_job(texts, sure=sure)).label)

    def predict_proba(self, texts: Any) -> Floats:
        """Probabilities (n, c), a column each of `classes`; where a text has one class they add up to 1."""
        return self.model.probabilities(texts_of(texts))

    def decide_job(self, texts: Any, *, sure: float | None = None) -> Job[Decided]:
        """The class, its probability and the next likely class of each text, with progress."""
        listed, model = texts_of(texts), self.model
        if sure is not None and not 0 <= sure <= 1:
            raise InputError(f"sure is {sure}; expected a probability from 0 to 1")
        parts = []
        for start in range(0, max(len(listed), 1), _PORTION):
            parts.append(_decided(model, listed[start : start + _PORTION], sure))
            yield Progress("predict", min(start + _PORTION, len(listed)), len(listed))
        odds = [p.outside for p in parts if p.outside is not None]
        return Decided(
            tuple(one for p in parts for one in p.label),
            np.concatenate([p.probability for p in parts]),
            tuple(one for p in parts for one in p.second),
            np.concatenate(odds) if odds else None,
        )

    def sure_for(self, accuracy: float) -> tuple[float, float] | None:
        """The probability from which answers are right with this share, and the share of texts then answered.

        Measured on held-out labels; None where no probability promises that much.
        """
        kept = self.model.examples
        if not len(kept.held_out):
            raise InputError("this model keeps no held-out labels; train it with keep_texts=True")
        p = probabilities(kept.held_out, sigmoid=self.model.sigmoid)
        right = rightness(kept.held_out, kept.matrix, sigmoid=self.model.sigmoid)
        return threshold_for_accuracy(p.max(axis=1), right, accuracy)

    def evaluate(self, texts: Any, labels: Any, *, groups: Any = None, on_progress: Watch | None = None) -> Evaluated:
        """Figures with 95 % intervals on labelled texts; by `groups` (n,) where given.

        Texts that were learnt from measure nothing: `learnt_from` counts them, `others` is the accuracy on the rest.
        """
        return finish(self.evaluate_job(texts, labels, groups=groups), on_progress)

    def evaluate_job(self, texts: Any, labels: Any, *, groups: Any = None) -> Job[Evaluated]:
        """`evaluate` with progress."""
        model, listed = self.model, texts_of(texts)
        outside = model.scope.name if model.scope is not None else None
        known = model.classes if outside is None else (*model.classes, outside)
        targets = targets_of(list(_listed(labels)), model.kind, known)
        if len(listed) != len(targets.matrix):
            raise InputError(f"{len(listed):,} texts and {len(targets.matrix):,} labels; expected one label a text")
        out = targets.matrix[:, -1] > 0 if outside is not None else np.zeros(len(listed), bool)
        matrix = targets.matrix[:, : len(model.classes)]
        rows = np.flatnonzero(targets.known & ~out)
        if not len(rows):
            raise InputError("none of the texts has a label to measure against")
        features: dict[str, Any] = {}
        if model.reader is not None:
            features["vectors"] = yield from encoded(model.reader, listed)
        if model.words is not None:
            features["words"] = model.words.rows(listed)
        told = None if outside is None else (scope_odds(model, listed, features), out)
        found = probabilities(model.scores(listed, features), sigmoid=model.sigmoid)
        by = None if groups is None else [str(g) for g in _groups(groups, len(listed))[rows]]
        judged, truth, p = [listed[i] for i in rows.tolist()], matrix[rows], found[rows]
        figures = evaluated(model, judged, truth, p, outside=told, groups=by)
        return with_learnt(figures, model, judged, truth, p)

    def explain(self, text: str, label: str | None = None) -> Explained:
        """Why a text is of its likeliest class, or would be of `label`: words checked by deletion, and precedents."""
        return explained(self.model, text, label)

    def separates(self, first: str, second: str) -> Separation:
        """What tells two classes apart: the words that stand for each, and the texts nearest to the border."""
        return separation(self.model, first, second)

    def suspects(self, count: int = 50) -> list[Suspect]:
        """Labelled texts whose label is likely wrong, the likeliest first; without those of `not_judged`."""
        return suspects(self.model, count)

    def not_judged(self) -> dict[str, int]:
        """Classes whose labels `suspects` cannot judge, for there is no other example, and how many rows they have."""
        return not_judged(self.model)

    def contradictions(self) -> list[tuple[str, dict[str, int]]]:
        """Equal texts with different labels among those learnt from: the text, and how often each label."""
        model, kept = self.model, self.model.examples
        if model.sigmoid:
            raise InputError("contradictions are only looked for where a text has one label")
        return contradictions(kept.texts, [model.classes[i] for i in kept.matrix.argmax(axis=1).tolist()])

    def monitor(self, texts: Any, *, count: int = 20) -> Drift:
        """Whether new texts differ from those learnt from, which classes suffer, and which rows are worth a label."""
        return drift(self.model, texts_of(texts), count)

    def update(self, texts: Any, labels: Any, *, on_progress: Watch | None = None, **options: Any) -> Updated:
        """Learn from new labels, too; kept only where held-out labels say that it has not become worse.

        The model that was is `.before` of the answer; new classes are learnt like the others. The encoder stays as it
        is unless `layers` or `effort="best"` asks for more.
        """
        return finish(self.update_job(texts, labels, **options), on_progress)

    def update_job(self, texts: Any, labels: Any, **options: Any) -> Job[Updated]:
        """`update` with progress."""
        before = {k: v for k, v in self.model.card.get("options", {}).items() if k not in _ONCE}
        asked = ClassifyOptions.checked(**{**before, "effort": "quick", **options})
        found = yield from updated(self.model, texts_of(texts), list(_listed(labels)), asked)
        self.model_ = found.after
        self._unfinished = asked.checkpoint or self._unfinished
        return found

    def distil(self, texts: Any = (), *, on_progress: Watch | None = None) -> tuple[Classifier, Distilled]:
        """A student that classifies thousands of texts a second, and what that costs; `texts` need no labels.

        It learns from the labels and from what this classifier says about its own texts and about `texts`.
        """
        return finish(self.distil_job(texts), on_progress)

    def distil_job(self, texts: Any = ()) -> Job[tuple[Classifier, Distilled]]:
        """`distil` with progress."""
        done = yield from distilled(self.model, texts_of(texts))
        student = Classifier("static")
        student.model_ = done.model
        return student, done

    def remember(self, **facts: Any) -> None:
        """Keep facts in the card, such as the columns that were read."""
        self.model_ = replace(self.model, card={**self.card, **facts})

    def save(self, folder: str | Path) -> Path:
        """Write the classifier into a folder: arrays, words and JSON, no pickle."""
        written = save_model(self.model, folder)
        if self._unfinished is not None:
            forget(self._unfinished)
        return written

    @classmethod
    def load(cls, folder: str | Path) -> Classifier:
        """Read what `save` wrote."""
        model = load_model_of(folder)
        made = cls(model.reader if model.reader is not None else "auto")
        made.model_ = model
        return made


def _decided(model: Model, texts: list[str], sure: float | None) -> Decided:
    read = model.read(texts)
    p = model.probabilities(texts, read)
    best = p.max(axis=1) if len(p) else np.zeros(0)
    order = np.argsort(-p, axis=1)
    second = tuple(model.classes[i] for i in order[:, 1].tolist()) if len(model.classes) > 1 else (None,) * len(texts)
    if model.sigmoid:
        line = model.line if sure is None else sure
        several = [tuple(model.classes[i] for i in np.flatnonzero(row >= line).tolist()) for row in p]
        return Decided(tuple(s if t else None for s, t in zip(several, texts, strict=True)), best, second)
    odds = None
    if model.scope is not None and model.precedents is not None:
        odds = scope_odds(model, texts, read)
    labels: list[Any] = [model.classes[i] for i in order[:, 0].tolist()] if len(texts) else []
    for row, text in enumerate(texts):
        if not text or (sure is not None and best[row] < sure):
            labels[row] = None
        elif odds is not None and model.scope is not None and model.scope.name is not None and odds[row] > 0:
            labels[row] = model.scope.name
    outside = None if odds is None else 1 / (1 + np.exp(-np.clip(odds, -30, 30)))
    return Decided(tuple(labels), best, second, outside)


def _groups(given: Any, count: int) -> npt.NDArray[Any]:
    """The group of each text, (n,)."""
    listed = _listed(given)
    if len(listed) != count:
        raise InputError(f"{count:,} texts and {len(listed):,} groups; expected one group a text")
    found: npt.NDArray[Any] = np.empty(count, dtype=object)
    found[:] = listed
    return found


def _forgetful(model: Model) -> Model:
    """Without the texts that it learnt from."""
    return replace(model, examples=replace(model.examples, texts=()))


def _called(encoder: str | Path | Encoder, reader: Encoder) -> str:
    """How the encoder is called on disk."""
    if isinstance(encoder, str | Path):
        return settled(encoder)
    names = {"StaticEncoder": "static", "LayeredEncoder": "layered", "TransformerEncoder": "transformer"}
    return names.get(type(reader).__name__, "auto")


def _listed(values: Any) -> Sequence[Any]:
    for way in ("to_pylist", "tolist", "to_list"):
        if hasattr(values, way):
            return list(getattr(values, way)())
    return list(values)
