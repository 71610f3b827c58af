"""What a classifier reads and how it is tuned, judged on training parts alone; no test part is opened.

With few labels eight rows a class are drawn from the training part and the rest of it is classified; with all labels
(at most 800 rows) the loss on held-out folds counts. What is best in the mean over sets is adopted for every set. With
`--tune` ways to tune the encoder on some rows a class are judged on the other rows, beside the frozen rungs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.texts import NAMES, OUTSIDE, Part, Shelf, draw, part
from dovetail.encoders.layered import LayeredEncoder
from dovetail.tasks.classify import Classifier
from dovetail.tasks.classify_head import Head, HeadSettings, fit_head, leading_directions
from dovetail.tasks.classify_texts import reader_of

SETS = (
    "fashion_taxonomy", "pricerunner", "amazon_counterfactual_en", "financial_phrasebank", "clickbait", "sms_spam",
    "unfair_tos", "xsid_intents", "trec", "banking77", "emotion", "sst5", "cr", "ag_news", "clinc150",
)  # fmt: skip
HEIGHT = 6  # layers of the packaged encoder
VIEWS = {
    "last": (6,),
    "4,6": (4, 6),
    "5,6": (5, 6),
    "0,2,4,6": (0, 2, 4, 6),
    "all": tuple(range(HEIGHT + 1)),
}
_ROWS, _SHOTS, _LONGEST, _JUDGED = 800, 8, 600, 1_500
# How few labels are tuned on: by contrast or through a head, epochs, rate, share of the start that stays.
WAYS = {
    "contrast": ("contrast", 16.0, 5e-5, 0.3),
    "contrast-short": ("contrast", 6.0, 5e-5, 0.3),
    "head": ("head", 12.0, 1e-4, 0.1),
    "head-half": ("head", 12.0, 1e-4, 0.5),
    "head-slow": ("head", 20.0, 5e-5, 0.1),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """What this benchmark can be asked."""
    parser.add_argument("--draws", type=int, default=3, help="draws of eight rows a class")
    parser.add_argument("--tune", action="store_true", help="ways to tune on few labels, instead of layers to read")
    parser.add_argument("--shots", type=int, default=10, help="rows a class that are tuned on")
    parser.add_argument("--ways", default="", help="which ways to tune, with commas between; all without it")


def run(set_name: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One object for each view, for few labels and for more; or for each way to tune."""
    if options.tune:
        yield from _tuned(set_name, seed, options)
        return
    train = _rows(part(set_name, "train").without(OUTSIDE.get(set_name)), seed)
    shelf = Shelf(LayeredEncoder(depths=[i / HEIGHT for i in range(HEIGHT + 1)]), set_name)
    shelf.encode(train.texts)
    if shelf.fresh:
        shelf.keep()
    for name, layers in VIEWS.items():
        view: Any = View(shelf, layers)
        few = [_few(set_name, train, view, seed + draw_) for draw_ in range(options.draws)]
        card = Classifier(view).fit(train.texts, train.labels, rungs=("vectors",), folds=3, seed=seed).card
        yield {
            "system": name,
            "few": round(float(np.mean(few)), 4),
            "held_out": card["held_out"],
            "loss": card["rungs"][-1]["loss"],
            "rows": len(train),
        }


class View:
    """Some of the layers on a shelf side by side, of unit length."""

    def __init__(self, shelf: Shelf, layers: Sequence[int]) -> None:
        self.shelf, self.width = shelf, shelf.dimensions // (HEIGHT + 1)
        self.layers, self.fingerprint = tuple(layers), f"{shelf.fingerprint}{tuple(layers)}"
        self.dimensions = self.width * len(self.layers)

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors (n, dimensions)."""
        every = self.shelf.encode(texts).reshape(len(texts), HEIGHT + 1, self.width)
        found = every[:, list(self.layers)].reshape(len(texts), -1)
        return np.asarray(found * np.sqrt((HEIGHT + 1) / len(self.layers)), np.float32)


def _rows(train: Part, seed: int) -> Part:
    """At most 800 rows; of sets with many classes as many of each as there is room for."""
    short = train.take([i for i, text in enumerate(train.texts) if len(text) <= _LONGEST])
    classes = len(set(short.labels))
    if classes > _ROWS // 40:
        return draw(short, max(_ROWS // classes, _SHOTS + 5), seed)
    return short.take(np.random.default_rng(seed).permutation(len(short))[:_ROWS])


def _few(set_name: str, train: Part, view: Any, seed: int) -> float:
    """Accuracy of eight rows a class on the other rows of the training part."""
    drawn = draw(train, _SHOTS, seed)
    held = set(drawn.texts)
    rest = train.take([i for i, text in enumerate(train.texts) if text not in held])
    rest = rest.take([i for i, label in enumerate(rest.labels) if label in set(drawn.labels)])
    made = Classifier(view).fit(drawn.texts, drawn.labels, names=NAMES.get(set_name, {}), seed=seed)
    right = np.array([a == b for a, b in zip(made.predict(rest.texts), rest.labels, strict=True)])
    return float(right.mean())


def _tuned(set_name: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The frozen rungs and each way to tune, fitted on some rows a class and judged on other rows."""
    train = part(set_name, "train").without(OUTSIDE.get(set_name))
    shelf: Any = Shelf(reader_of("auto"), set_name)
    drawn = draw(train, options.shots, seed)
    held = set(drawn.texts)
    rest = train.take([i for i, text in enumerate(train.texts) if text not in held and len(text) <= _LONGEST])
    rest = rest.take(np.random.default_rng(seed).permutation(len(rest))[:_JUDGED])
    frozen = Classifier(shelf).fit(drawn.texts, drawn.labels, names=NAMES.get(set_name, {}), seed=seed)
    truth = np.array([frozen.classes.index(label) for label in rest.labels])
    below = np.log(np.maximum(frozen.predict_proba(rest.texts), 1e-9))
    yield {"system": "frozen", "rungs": frozen.card["chosen"], "accuracy": _share(below, truth), "rows": len(drawn)}
    targets = np.eye(len(frozen.classes), dtype=np.float32)[[frozen.classes.index(n) for n in drawn.labels]]
    asked = [name.strip() for name in options.ways.split(",") if name] or list(WAYS)
    for name in asked:
        start = time.perf_counter()
        scores = _scores(shelf.reader, (drawn.texts, targets), rest.texts, WAYS[name], seed)
        joined = below / below.std() + scores / scores.std()
        found = {"accuracy": _share(scores, truth), "with_frozen": _share(joined, truth)}
        yield {"system": name, **found, "seconds": round(time.perf_counter() - start, 1)}


def _scores(
    reader: Any, given: tuple[Sequence[str], Any], asked: Sequence[str], way: tuple[str, float, float, float], seed: int
) -> npt.NDArray[np.float32]:
    """Scores of texts by an encoder that was tuned on others."""
    from dovetail.training.classes import ClassTuning, tune_classes
    from dovetail.training.settings import TuneSettings
    from dovetail.types import finish

    (texts, targets), (how, epochs, rate, keep) = given, way
    vectors = reader.encode(texts)
    basis = leading_directions(vectors)
    first = fit_head(vectors @ basis, targets, HeadSettings(10.0))
    head = None if how == "contrast" else (basis @ first.weight, first.bias)
    settings = TuneSettings(epochs=epochs, learning_rate=rate, average=0.9 if len(texts) > 1_000 else 0.0, seed=seed)
    made = finish(tune_classes(reader.base.folder, texts, targets, ClassTuning(how, keep=keep), settings, head=head))
    with TemporaryDirectory() as home:
        made.encoder.save(f"{home}/encoder")
        tuned = LayeredEncoder(f"{home}/encoder")
        known, found = tuned.encode(texts), tuned.encode(asked)
    if made.head is not None:
        return Head(*made.head).scores(found)
    basis = leading_directions(known)
    return fit_head(known @ basis, targets, HeadSettings(10.0)).scores(found @ basis)


def _share(scores: npt.NDArray[Any], truth: npt.NDArray[Any]) -> float:
    return round(float((scores.argmax(axis=1) == truth).mean()), 4)
