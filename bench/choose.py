"""Which layers of the encoder a classifier reads, judged on training parts alone; no test part is opened.

With few labels eight rows a class are drawn from the training part and the rest of it is classified; with all labels
(at most 800 rows) the loss on held-out folds counts. What is best in the mean over sets is adopted for every set.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.texts import NAMES, OUTSIDE, Part, Shelf, draw, part
from dovetail.encoders.layered import LayeredEncoder
from dovetail.tasks.classify import Classifier

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
_ROWS, _SHOTS, _LONGEST = 800, 8, 600


def add_options(parser: argparse.ArgumentParser) -> None:
    """What this benchmark can be asked."""
    parser.add_argument("--draws", type=int, default=3, help="draws of eight rows a class")


def run(set_name: str, seed: int, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One object for each view, for few labels and for more."""
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
