"""Why a document is an answer: which words of the query and which passages carried it, and what each part is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dovetail.errors import UnknownName
from dovetail.tasks.search_find import DEPTH, PARTS, Finder, Vector
from dovetail.tasks.search_fusion import Candidates, Fusion
from dovetail.tasks.search_memory import Precedent, strength
from dovetail.tasks.search_postings import Entries, TermWeight, scores


@dataclass(frozen=True)
class WordEvidence:
    """What one word of the query adds to the relevance. `found` is the term of the index that it matched."""

    word: str
    found: str
    times: int  # how often the term stands in the document
    importance: float


@dataclass(frozen=True)
class PassageEvidence:
    """How near a passage lies to the query."""

    text: str
    cosine: float


@dataclass(frozen=True)
class HitExplanation:
    """`relevance` is the sum of the importances of the words and of the four parts below `keyword`.

    `missing` are words of the query that the document lacks.
    """

    id: str
    title: str
    rank: int | None  # among all answers, from 1; None where it is none
    relevance: float
    keyword: float
    meaning: float
    words: tuple[WordEvidence, ...]
    missing: tuple[str, ...]
    passages: tuple[PassageEvidence, ...]  # nearest first
    profile: str = ""  # what personalisation did, in words
    reading: float = 0.0  # what a network that reads query and passage together adds
    memory: float = 0.0  # what judged queries like this one add
    neighbours: float = 0.0  # what documents that mean about the same add
    precedents: tuple[Precedent, ...] = ()  # those queries, and what was said there of the document
    before: int | None = None  # the rank without what judgements taught, where they taught anything

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def to_lines(self) -> list[str]:
        """As a person reads it."""
        place = f"rank {self.rank}" if self.rank else "not among the answers"
        if self.before:
            place += f" (rank {self.before} before judgements taught anything)"
        lines = [f"{self.id}  {self.title}".rstrip(), f"{place}, relevance {self.relevance:.3f}"]
        lines.append(f"  words   {self.keyword:.3f}")
        for word in self.words:
            note = "" if word.word == word.found else f" (as {word.found})"
            lines.append(f"    {word.importance:.3f}  {word.word}{note}, {_times(word.times)}")
        if self.missing:
            lines.append(f"    without {', '.join(self.missing)}")
        lines.append(f"  meaning {self.meaning:.3f}")
        lines += [f"    {p.cosine:.3f}  {_short(p.text)}" for p in self.passages[:3]]
        lines += [f"  reading {self.reading:.3f}"] if self.reading else []
        lines += [f"  memory  {self.memory:.3f}"] if self.memory else []
        lines += [f"  like documents {self.neighbours:.3f}"] if self.neighbours else []
        lines += [f"    {_said(one)} for {_short(one.query)!r}, cosine {one.cosine:.3f}" for one in self.precedents[:3]]
        return lines + ([f"  {self.profile}"] if self.profile else [])


def explained(finder: Finder, query: str, name: str, vector: Vector, fusion: Fusion) -> HitExplanation:
    """Why the document of an id is an answer to a query, or is none."""
    with finder.index.snapshot():
        number = finder.index.known([name]).get(name)
        if number is None:
            raise UnknownName("document", name, finder.index.some_names(), "the index")
        candidates = finder.candidates(query, vector, depth=DEPTH, also=number)
        place = int(np.searchsorted(candidates.documents, number))
        parts = fusion.parts(candidates)
        here = {k: float(getattr(parts, k)[place]) for k in PARTS}
        found = finder.index.postings(finder.terms(query))
        words = _words(finder, found, number, here["keyword"])
        document = finder.index.documents([number])[number]
        spans = finder.index.passages_of([number])
    near = sorted(((float(v @ vector), document.text[a:b]) for _, a, b, v in spans), reverse=True)
    asked = {t.word for t, _ in found} | {w for _, w in finder.index.analyser.query(query)}
    return HitExplanation(
        name,
        document.title,
        _rank(parts.sum(), candidates, place),
        sum(here.values()),
        here["keyword"],
        here["meaning"],
        words,
        tuple(sorted(asked - {w.word for w in words})),
        tuple(PassageEvidence(text.strip(), cosine) for cosine, text in near),
        reading=here["reading"],
        memory=here["memory"],
        neighbours=here["neighbours"],
        precedents=_precedents(finder, name, vector) if here["memory"] else (),
    )


def _precedents(finder: Finder, name: str, vector: Vector) -> tuple[Precedent, ...]:
    """What judged queries like this one said of the document, the strongest word first."""
    found = [] if finder.memory is None else finder.memory.recalled(vector)
    return tuple(sorted((p for p in found if p.document == name), key=lambda p: -abs(strength(p))))


def _words(
    finder: Finder, found: Sequence[tuple[TermWeight, Entries]], number: int, keyword: float
) -> tuple[WordEvidence, ...]:
    """The BM25 of the document term by term, in the units of the relevance."""
    collection = finder.index.collection()
    parts: list[tuple[TermWeight, int, float]] = []
    for term, entries in found:
        at = np.flatnonzero(entries["document"] == number)
        if len(at):
            value = float(scores(entries, term.weight, collection, finder.bm25)[at[0]])
            times = int(entries["title"][at[0]]) + int(entries["text"][at[0]])
            parts.append((term, times, value))
    total = sum(value for _, _, value in parts)
    unit = keyword / total if total else 0.0
    evidence = [WordEvidence(t.word, t.term, times, value * unit) for t, times, value in parts]
    return tuple(sorted(evidence, key=lambda e: -e.importance))


def _rank(relevance: Any, candidates: Candidates, place: int) -> int | None:
    if relevance[place] <= 0:
        return None
    better = (relevance > relevance[place]) | (
        (relevance == relevance[place]) & (candidates.documents < candidates.documents[place])
    )
    return int(better.sum()) + 1


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _said(one: Precedent) -> str:
    return "judged an answer" if one.worth > 0 else "judged no answer"


def _short(text: str, most: int = 100) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "…"
