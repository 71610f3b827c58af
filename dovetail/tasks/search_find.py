"""From a query to ranked hits: what words and meaning find, before and after they are joined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError, UnknownName
from dovetail.tasks.search_fusion import Candidates, Fusion, order_of
from dovetail.tasks.search_index import Index
from dovetail.tasks.search_meaning import Passages, best_of, cosines_of, near_of
from dovetail.tasks.search_memory import Memory, by_document
from dovetail.tasks.search_passages import passage_text
from dovetail.tasks.search_postings import Bm25, TermWeight, most, summed
from dovetail.tasks.search_where import fitting, wishes_of
from dovetail.tasks.search_words import nearest

DEPTH = 100  # candidates from each side
PARTS = ("keyword", "meaning", "reading", "memory", "neighbours")  # of the relevance
READ = 20  # of the first candidates are read, where there is a reader
_LONGEST_QUERY = 1_000  # words; more of a query is not read
_GUESSED = 20  # unknown words of a query for which known ones are looked for
_SYNONYM = 0.5  # weight of a synonym against the word that was asked for

Vector = npt.NDArray[np.float32]
Cells = tuple[npt.NDArray[np.int64], list[Any]]  # numbers of documents, and a value of each


@dataclass(frozen=True)
class Hit:
    """One answer. `relevance`, at most 1, is the sum of the parts of words, vectors, reader, memory and neighbours."""

    id: str
    relevance: float
    title: str
    passage: str  # the part of the text that lies nearest to the query
    fields: dict[str, Any]
    keyword: float
    meaning: float
    reading: float = 0.0
    memory: float = 0.0
    neighbours: float = 0.0


class Reads(Protocol):
    """A network that reads a query and a passage together."""

    meaning: float  # the weight of the cosines in the ranking whose top is read

    def probabilities(self, index: Index, query: str, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """How likely each text is an answer, (n,) in [0, 1]."""


@dataclass
class Finder:
    """Answers queries from one index."""

    index: Index
    passages: Passages
    synonyms: Mapping[str, Sequence[str]] = field(default_factory=dict)
    bm25: Bm25 = field(default_factory=Bm25)
    reader: Reads | None = None
    memory: Memory | None = None
    neighbours: bool = False  # whether candidates are told which others mean about the same
    own: Mapping[str, str] = field(default_factory=dict)  # columns of id, title and text, by the names people gave
    _known: tuple[int, list[str], list[int]] = (-1, [], [])  # change, terms, frequencies
    _cells: tuple[int, dict[str, Cells]] = (-1, {})  # change, and the columns that were filtered by

    def candidates(
        self,
        query: str,
        vector: Vector,
        *,
        where: Mapping[str, Any] | None = None,
        depth: int = DEPTH,
        also: int | None = None,
    ) -> Candidates:
        """The best `depth` documents by words and by meaning (d,), and the one of number `also`, with both measures."""
        check_query(query)
        index = self.index
        with index.snapshot():
            self.passages.refresh(index)
            wanted = self.matching(where) if where else None
            allowed = self.passages.allowed(wanted)
            found, collection = index.postings(self.terms(query)), index.collection()
            keyword = np.where(allowed, summed(found, len(allowed), collection, self.bm25), 0.0)
            near, cosines = self.passages.nearest(index, vector, depth, allowed)
            documents = np.union1d(near, _top(keyword, depth))
            if also is not None:
                documents = np.union1d(documents, [also])
            said = {n: value for n, value in self._said(vector).items() if n < len(allowed) and allowed[n]}
            documents = np.union1d(documents, np.array([n for n, v in said.items() if v > 0], np.int64))
            cosine = self._cosines(vector, documents, near, cosines)
            best = most(found, collection, self.bm25)
            recalled = None if self.memory is None else np.array([said.get(int(n), 0.0) for n in documents])
            near_by = near_of(index, documents) if self.neighbours else None
            known = Candidates(documents, keyword[documents], best, cosine, recalled=recalled, near=near_by)
            return self.read(query, vector, known)

    def matching(self, where: Mapping[str, Any]) -> npt.NDArray[np.int64]:
        """The numbers of the documents that fit a filter, rising."""
        wishes = wishes_of(where)
        known, kept = self.index.columns(wishes), None
        for column, wish in wishes.items():
            if column not in known and column not in self.own:
                raise UnknownName("column", column, [*known, *self.own], "the documents")
            numbers, cells = self._column(column) if column in known else self.index.own_cells(self.own[column])
            found = numbers[np.array(fitting(column, wish, cells), bool)]
            kept = found if kept is None else np.intersect1d(kept, found)
        return np.zeros(0, np.int64) if kept is None else kept

    def _column(self, column: str) -> Cells:
        """The cells of a column, read again only where documents changed."""
        change = self.index.fact("changes")
        if self._cells[0] != change:
            self._cells = (change, {})
        if column not in self._cells[1]:
            self._cells[1][column] = self.index.cells(column)
        return self._cells[1][column]

    def _said(self, vector: Vector) -> dict[int, float]:
        """What judged queries like this one say of documents, by number."""
        if self.memory is None:
            return {}
        found = self.memory.recalled(vector)
        return by_document(found, self.index.known(list({one.document for one in found})))

    def read(self, query: str, vector: Vector, found: Candidates) -> Candidates:
        """The same with what the reader says of the first ones; as they are where there is no reader."""
        if self.reader is None or not len(found):
            return found
        first = order_of(Fusion(self.reader.meaning).relevance(found), found.documents)[:READ]
        texts = self.best_texts(vector, found.documents[first].tolist())
        likely = np.zeros(len(found))
        likely[first] = self.reader.probabilities(self.index, query, texts)
        return replace(found, read=likely)

    def best_texts(self, vector: Vector, numbers: Sequence[int]) -> list[str]:
        """Title and best passage of each document, as encoders read them."""
        documents, spans = self.index.documents(numbers), self._best_spans(vector, numbers)
        return [passage_text(documents[n].title, documents[n].text, spans[n]) for n in numbers]

    def terms(self, query: str) -> list[TermWeight]:
        """The terms to look for: those of the query, their synonyms, and for unknown words the nearest known ones."""
        pairs = self.index.analyser.query(" ".join(query.split()[:_LONGEST_QUERY]))
        known = self.index.frequencies([term for term, _ in pairs])
        guessed = {term for term, _ in [pair for pair in pairs if pair[0] not in known][:_GUESSED]}
        found: dict[str, TermWeight] = {}
        for term, word in pairs:
            near = nearest(term, *self._vocabulary()) if term in guessed else [(term, 1.0)]
            for guess, weight in near:
                found.setdefault(guess, TermWeight(guess, word, weight))
        for term, word in self._synonyms({term for term, _ in pairs}):
            found.setdefault(term, TermWeight(term, word, _SYNONYM))
        return list(found.values())

    def hits(self, candidates: Candidates, vector: Vector, fusion: Fusion, k: int) -> list[Hit]:
        """The k most relevant candidates as a person reads them; what has gone meanwhile is left out."""
        parts = fusion.parts(candidates)
        relevance = parts.sum()
        best = order_of(relevance, candidates.documents)[:k]
        numbers = candidates.documents[best].tolist()
        with self.index.snapshot():
            documents, spans = self.index.documents(numbers), self._best_spans(vector, numbers)
        return [
            Hit(
                documents[n].id,
                float(relevance[i]),
                documents[n].title,
                documents[n].text[slice(*spans[n])].strip(),
                documents[n].fields,
                **{name: float(getattr(parts, name)[i]) for name in PARTS},
            )
            for i, n in zip(best.tolist(), numbers, strict=True)
            if n in documents and relevance[i] > 0
        ]

    def _cosines(
        self, vector: Vector, documents: npt.NDArray[np.int64], near: npt.NDArray[np.int64], cosines: Vector
    ) -> npt.NDArray[np.float64]:
        """The cosine of each candidate: as found, or computed where only its words brought it here."""
        found = np.full(len(documents), -1.0)
        found[np.searchsorted(documents, near)] = cosines
        rest = np.setdiff1d(documents, near)
        there, values = best_of(*cosines_of(self.index, vector, rest), len(rest))
        found[np.searchsorted(documents, there)] = values
        return found

    def _best_spans(self, vector: Vector, numbers: Sequence[int]) -> dict[int, tuple[int, int]]:
        best: dict[int, tuple[float, tuple[int, int]]] = {}
        for number, start, stop, of_passage in self.index.passages_of(numbers):
            cosine = float(of_passage @ vector)
            if number not in best or cosine > best[number][0]:
                best[number] = (cosine, (start, stop))
        return {n: span for n, (_, span) in best.items()}

    def _vocabulary(self) -> tuple[list[str], list[int]]:
        change = self.index.fact("changes")
        if self._known[0] != change:
            self._known = (change, *self.index.vocabulary())
        return self._known[1], self._known[2]

    def _synonyms(self, asked: set[str]) -> Iterator[tuple[str, str]]:
        for word, others in self.synonyms.items():
            if asked.issuperset(self.index.analyser.terms(word)):
                for other in others:
                    yield from ((term, word) for term in self.index.analyser.terms(other))


def check_query(query: str) -> None:
    """Refuse a query without anything to look for."""
    if not isinstance(query, str):
        raise InputError(f"the query is of type {type(query).__name__}; expected a text")
    if not query.strip():
        raise InputError("the query is empty; type a word, or a question")


def _top(values: npt.NDArray[np.float64], k: int) -> npt.NDArray[np.int64]:
    """Positions of the k greatest values above 0, rising."""
    some = np.flatnonzero(values > 0)
    if len(some) > k:
        some = some[np.argpartition(-values[some], k - 1)[:k]]
    return np.sort(some)
