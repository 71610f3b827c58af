"""The classifier on published parts of public sets: accuracy, calibration, outsiders, wrong labels, speed.

Without `--shots` all of the training part is learnt from; with it that many rows a class, drawn by the seed. Plain
rungs, each alone, stand beside it as systems of their own: `words` (TF-IDF and a linear head) and `frozen` (the last
layer of the untuned encoder and a linear head). No option is chosen by looking at a test part.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.peers import setfit
from bench.texts import NAMES, OUTSIDE, Part, Shelf, draw, part, sets, spoilt
from dovetail.encoders.base import Encoder
from dovetail.measure.sure import auroc
from dovetail.tasks.classify import Classifier
from dovetail.tasks.classify_labels import targets_of
from dovetail.tasks.classify_ladder import rightness
from dovetail.tasks.classify_noise import ranked_wrong
from dovetail.tasks.classify_scope import scope_odds
from dovetail.tasks.classify_texts import reader_of

SETS = ("trec", "banking77", "clinc150")
_QUICK_TRAIN, _QUICK_TEST = 1_500, 800
Figures = dict[str, Any]


def add_options(parser: argparse.ArgumentParser) -> None:
    """What this benchmark can be asked."""
    parser.add_argument("--shots", type=int, default=None, help="labels a class, drawn by the seed; all without it")
    parser.add_argument("--quick", action="store_true", help="at most 1,500 rows to learn from and 800 to measure")
    parser.add_argument("--effort", default="normal", help="quick, normal or best: how far up the ladder")
    parser.add_argument("--minutes", type=float, default=None, help="most minutes to train; tunes the encoder in them")
    parser.add_argument("--encoder", default="auto", help="the encoder by name or folder")
    parser.add_argument("--noise", type=float, default=0.0, help="share of the labels to spoil, and then to find")
    parser.add_argument("--speed", action="store_true", help="texts a second, beside plain sentence-transformers")
    parser.add_argument("--peer", choices=["setfit"], help="run it beside, in an environment of its own, on few labels")
    parser.add_argument("--distil", action="store_true", help="a static student beside it")
    parser.add_argument("--all", action="store_true", help="every set that has parts, instead of those named")


def chosen_sets(options: argparse.Namespace) -> Sequence[str]:
    """The sets of a run that asked for all of them."""
    return sets() if options.all else (options.sets or SETS)


def run(set_name: str, seed: int, options: argparse.Namespace) -> Iterator[Figures]:
    """One object for Dovetail and one for each plain rung."""
    if options.speed:
        yield from _speed(set_name)
        return
    train, test = _parts(set_name, seed, options)
    shelf = Shelf(reader_of(options.encoder), set_name)
    for texts in (train.texts, test.texts):
        shelf.encode(texts)
    if shelf.fresh:
        shelf.keep()
    if options.noise:
        yield _noise(train, shelf, seed, options)
        return
    outside = OUTSIDE.get(set_name) if not options.shots else None
    right = {}
    for system, reader, rungs in _systems(shelf):
        figures, right[system] = _measured(set_name, (train, test), reader, (seed, rungs, outside), options)
        yield {"system": system, **figures}
    yield {"system": "harm", **_harm(right["frozen"] - right["dovetail"])}
    if options.distil:
        yield _student(set_name, (train, test), shelf, seed)
    if options.peer and options.shots:
        yield {"system": "afresh", "shots": options.shots, **_afresh(train, shelf.reader, set_name, seed)}
        yield setfit(train, test, options.shots, seed)


def _parts(set_name: str, seed: int, options: argparse.Namespace) -> tuple[Part, Part]:
    train, test = part(set_name, "train"), part(set_name, "test")
    if options.shots:
        name = OUTSIDE.get(set_name)
        return draw(train.without(name), options.shots, seed), test.without(name)
    if options.quick:
        random = np.random.default_rng(seed)
        train = train.take(random.permutation(len(train))[:_QUICK_TRAIN])
        test = test.take(random.permutation(len(test))[:_QUICK_TEST])
        held = set(train.labels)
        test = test.take([i for i, label in enumerate(test.labels) if isinstance(label, tuple) or label in held])
    return train, test


def _systems(shelf: Shelf) -> list[tuple[str, Encoder, tuple[str, ...]]]:
    last: Any = _LastLayer(shelf)
    ours: Any = shelf
    return [("dovetail", ours, ()), ("words", ours, ("words",)), ("frozen", last, ("vectors",))]


def _afresh(train: Part, reader: Encoder, set_name: str, seed: int) -> Figures:
    """Seconds of training that reads its texts itself; loading the network is not counted, as in the peer beside."""
    reader.encode(["a text that loads the network"])
    start, busy = time.perf_counter(), time.process_time()
    Classifier(reader).fit(train.texts, train.labels, names=NAMES.get(set_name, {}), seed=seed)
    return {
        "seconds": round(time.perf_counter() - start, 2),
        "cpu_seconds": round(time.process_time() - busy, 2),
    }


class _LastLayer:
    """Only the last layer of a layered encoder: what plain sentence embeddings are."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        inner = getattr(shelf.reader, "base", shelf.reader)
        self.dimensions, self.fingerprint = inner.dimensions, inner.fingerprint

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        found = self.shelf.encode(texts)[:, -self.dimensions :]
        norms = np.linalg.norm(found, axis=1, keepdims=True)
        return np.asarray(found / np.where(norms == 0, 1, norms), np.float32)


def _measured(
    set_name: str,
    parts: tuple[Part, Part],
    reader: Encoder,
    asked: tuple[int, tuple[str, ...], str | None],
    options: argparse.Namespace,
) -> tuple[Figures, npt.NDArray[np.float64]]:
    """Figures on the test part, and how right each of its rows is."""
    (train, test), (seed, rungs, outside) = parts, asked
    names = NAMES.get(set_name, {}) if not rungs else {}
    start, busy = time.perf_counter(), time.process_time()
    made = Classifier(reader).fit(
        train.texts,
        train.labels,
        rungs=rungs,
        names=names,
        outside=outside,
        effort=options.effort,
        minutes=None if rungs else options.minutes,
        seed=seed,
    )
    took, busy = time.perf_counter() - start, time.process_time() - busy
    inside = test.without(outside) if outside else test
    found = made.evaluate(inside.texts, inside.labels)
    figures = {
        "shots": options.shots,
        "train": len(train),
        "test": len(inside),
        "chosen": made.card["chosen"],
        "accuracy": round(found.accuracy.value, 4),
        "accuracy_low": round(found.accuracy.low, 4),
        "accuracy_high": round(found.accuracy.high, 4),
        "macro_f1": round(found.macro_f1.value, 4),
        "ece": round(found.ece, 4),
        "held_out": made.card["held_out"],
        "rungs": {r["name"]: r["score"] for r in made.card["rungs"]},
        "seconds": round(took, 2),
        "cpu_seconds": round(busy, 2),
    }
    if outside and not rungs:
        odds = scope_odds(made.model, list(test.texts))
        figures["auroc"] = round(auroc(odds, np.array([label == outside for label in test.labels])), 4)
    truth = targets_of(list(inside.labels), made.model.kind, made.classes).matrix
    scores = made.model.scores(list(inside.texts))
    return figures, rightness(scores, truth, sigmoid=made.model.sigmoid, line=made.model.line)


def _harm(gap: npt.NDArray[np.float64]) -> Figures:
    """How much less often right than the frozen encoder alone on the same rows, and its standard error."""
    error = float(gap.std(ddof=1) / np.sqrt(len(gap))) if len(gap) > 1 else 0.0
    lost = float(gap.mean())
    return {"lost": round(lost, 4), "error": round(error, 4), "harmed": lost > error and lost > 0}


def _student(set_name: str, parts: tuple[Part, Part], reader: Any, seed: int) -> Figures:
    """A static student of the classifier, on the same test part."""
    train, test = parts
    name = OUTSIDE.get(set_name)
    inside = test.without(name) if name else test
    teacher = Classifier(reader).fit(train.texts, train.labels, names=NAMES.get(set_name, {}), outside=name, seed=seed)
    student, done = teacher.distil()
    found = student.evaluate(inside.texts, inside.labels)
    return {
        "system": "student",
        "accuracy": round(found.accuracy.value, 4),
        "ece": round(found.ece, 4),
        "held_out": round(done.right, 4),
        "per_second": round(done.per_second, 1),
    }


def _noise(train: Part, shelf: Any, seed: int, options: argparse.Namespace) -> Figures:
    """How many of the spoilt labels stand among as many of the most suspicious rows."""
    dirty, wrong = spoilt(train, options.noise, seed)
    made = Classifier(shelf).fit(dirty.texts, dirty.labels, effort=options.effort, seed=seed)
    order, _ = ranked_wrong(made.model)
    place = {text: i for i, text in reversed(list(enumerate(dirty.texts)))}
    rows = [place[made.model.examples.texts[i]] for i in order[: int(wrong.sum())].tolist()]
    return {"noise": options.noise, "wrong_among_first": round(float(wrong[rows].mean()), 4), "rows": int(wrong.sum())}


def _speed(set_name: str) -> Iterator[Figures]:
    """Texts a second from text to class, and of the plain encoder alone as sentence-transformers runs it."""
    train, test = part(set_name, "train"), part(set_name, "test")
    made = Classifier().fit(train.texts[:600], train.labels[:600], rungs=("vectors",))
    texts = list((test.texts * (2_000 // len(test) + 1))[:2_000])
    made.predict(texts[:64])
    start = time.perf_counter()
    made.predict(texts)
    yield {"texts": len(texts), "per_second": round(len(texts) / (time.perf_counter() - start), 1)}
    from sentence_transformers import SentenceTransformer

    from dovetail.encoders.pretrained import folder_of

    plain = SentenceTransformer(str(folder_of()), device="cpu")
    plain.encode(texts[:64])
    start = time.perf_counter()
    plain.encode(texts)
    took = time.perf_counter() - start
    yield {"system": "sentence-transformers", "texts": len(texts), "per_second": round(len(texts) / took, 1)}
