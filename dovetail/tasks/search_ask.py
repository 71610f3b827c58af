"""Questions made of passages by any model: a function of the user's, or the folder of a network.

Source: Nogueira and Lin, From doc2query to docTTTTTquery, 2019; Wang et al., GPL, 2022.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dovetail.errors import InputError, MissingExtra
from dovetail.tasks.search_index import Document
from dovetail.tasks.search_mine import Examples
from dovetail.tasks.search_passages import passage_text, passages
from dovetail.types import Job, Progress

MOST = 4_000  # questions
_EVERY = 16  # passages between two words of progress
_READ, _SAID = 384, 48  # tokens of a passage, and of a question
_SHOWN = 80  # letters of a passage that an error shows

Ask = Callable[[str], str | None]
"""From a passage to a question that it answers: any model. Nothing, or a blank text, leaves the passage out."""


def asking(wish: Ask | str | Path) -> Ask:
    """A function as it is; of a folder, the network in it that writes one text after reading another, such as T5."""
    if not isinstance(wish, str | Path):
        return wish
    if not (Path(wish) / "config.json").is_file():
        raise InputError(f"{wish} holds no network; expected a function, or a folder with config.json and its weights")
    return _Network(Path(wish))


class _Network:
    """A sequence-to-sequence network in a folder, loaded when it is first asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def _parts(self) -> tuple[Any, Any]:
        try:
            from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
        except ImportError:
            raise MissingExtra("a network that asks questions", "train") from None
        try:
            return AutoTokenizer.from_pretrained(self.folder), AutoModelForSeq2SeqLM.from_pretrained(self.folder).eval()
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{self.folder} holds no network that writes questions: {error}") from None

    def __call__(self, passage: str) -> str:
        import torch

        tokenizer, network = self._parts
        read = tokenizer(passage, truncation=True, max_length=_READ, return_tensors="pt")
        wanted = {name: read[name] for name in ("input_ids", "attention_mask")}
        with torch.inference_mode():
            said = network.generate(**wanted, max_new_tokens=_SAID, do_sample=False)
        return str(tokenizer.decode(said[0], skip_special_tokens=True))


def asked_of(documents: Iterable[Document], ask: Ask, *, seed: int = 0, most: int = MOST) -> Job[Examples]:
    """A question for each passage, or for `most` of them by chance, with the passage that answers it."""
    texts = [
        text
        for document in documents
        for span in passages(document.text)
        if (text := passage_text(document.title, document.text, span))
    ]
    chosen = np.sort(np.random.default_rng(seed).permutation(len(texts))[:most]).tolist()
    place: dict[str, int] = {}
    rows: list[tuple[int, int]] = []
    for done, at in enumerate(chosen, 1):
        question = _question(ask, texts[at])
        if question:
            rows.append((place.setdefault(question, len(place)), place.setdefault(texts[at], len(place))))
        if done % _EVERY == 0 or done == len(chosen):
            yield Progress("ask", done, len(chosen), f"{len(rows):,} questions of {done:,} passages")
    ends = np.array(rows, np.int64).reshape(-1, 2)
    return Examples(tuple(place), ends[:, 0], ends[:, 1], np.ones(len(rows)))


def _question(ask: Ask, text: str) -> str:
    try:
        said = ask(text)
    except InputError:
        raise
    except Exception as error:  # a function of the user's may raise anything
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        raise InputError(
            f"no question could be made of the passage {shown!r}: {type(error).__name__}: {error}; let the function "
            f"give None where it has none"
        ) from error
    return "" if said is None else str(said).strip()
