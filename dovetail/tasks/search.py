"""`Searcher`: documents found by their words and by their meaning, joined in one ranking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.errors import InputError
from dovetail.tasks.search_ask import asking
from dovetail.tasks.search_documents import DocumentColumns, check_distinct, documents_of, sound
from dovetail.tasks.search_explain import HitExplanation, explained
from dovetail.tasks.search_feedback import Question, doubt_of, feedback_label, judged_in, ranked_questions, to_judge
from dovetail.tasks.search_find import DEPTH, Finder, Hit, check_query
from dovetail.tasks.search_fusion import Candidates, Fusion
from dovetail.tasks.search_gate import Gate
from dovetail.tasks.search_home import facts_of
from dovetail.tasks.search_index import Index
from dovetail.tasks.search_judgements import Judgements
from dovetail.tasks.search_learn import Anew, Learned, Learner, anew_with, check_known, truth_of
from dovetail.tasks.search_marks import Marks, marked
from dovetail.tasks.search_meaning import Passages
from dovetail.tasks.search_profile import Profile
from dovetail.tasks.search_scores import SearchScores, scored, timed
from dovetail.tasks.search_sources import read_judgements
from dovetail.tasks.search_stock import Stock
from dovetail.tasks.search_synonyms import joined
from dovetail.tasks.search_tuning import SearchTuning, tuning_of
from dovetail.tasks.search_words import language_of
from dovetail.types import Job, Progress, finish

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    from dovetail.labels.store import LabelStore
    from dovetail.tasks.search_ask import Ask


_TITLE = 80  # characters of a text that stand for a title
_DEEPER = 4  # times as many candidates for pages behind those that the first ones fill


class Searcher(Stock):
    """Keyword and meaning search over documents in one file; every change is on disk when the call returns."""

    def fit(
        self,
        documents: Any,
        judgements: Any = None,
        *,
        columns: DocumentColumns | Mapping[str, str] | None = None,
        tuning: str | SearchTuning = "queries",
        seed: int = 0,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Searcher:
        """Index documents and, with judgements, fit what joins keyword and meaning; gives this searcher.

        Documents are a file, a table, mappings or plain texts. `columns` names those of id, title and text where their
        names do not tell. `tuning` says what is tried besides weights: `weights` (nothing), `queries`, `encoder`,
        `reader`, `all`. Nothing that judgements taught is used unless it proves itself on held-out queries.
        """
        return finish(self.fitting(documents, judgements, columns=columns, tuning=tuning, seed=seed), on_progress)

    def fitting(
        self,
        documents: Any,
        judgements: Any = None,
        *,
        columns: DocumentColumns | Mapping[str, str] | None = None,
        tuning: str | SearchTuning = "queries",
        seed: int = 0,
    ) -> Job[Searcher]:
        """`fit` as a job that yields its progress."""
        tried = tuning_of(tuning)
        wish = columns if isinstance(columns, DocumentColumns) else DocumentColumns(**(columns or {}))
        given = documents_of(documents, wish)
        found, self.columns_, self.rejects_ = given.documents, given.columns, given.rejects
        judged = None if judgements is None else read_judgements(judgements)
        check_distinct(found)
        check_known(judged, {d.id for d in found})
        language = language_of(f"{d.title} {d.text}" for d in found) if self.language == "auto" else self.language
        self._make(language)
        yield from self._adding(found, replace=False)
        if judged is not None:
            yield Progress("fit", 0, 1, f"{len(judged):,} judgements of {len(judged.queries):,} queries")
            gate = yield from self._learning(self._learner.judged(judged, tried, seed=seed))
            yield Progress("fit", 1, 1, gate.why)
        self._note_down()
        return self

    def learn(
        self, judgements: Any, *, queries: Any = None, tuning: str | SearchTuning = "queries", seed: int = 0
    ) -> Gate:
        """Fit what joins words and meaning again, to judgements or to a label store; the documents stay as they are.

        What a store says of documents that have gone since is passed over.
        """
        known = self._judged(judgements, queries)
        gate = finish(self._learning(self._learner.judged(known, tuning_of(tuning), seed=seed)))
        self._note_down()
        return gate

    def adapt(
        self,
        ask: Ask | str | Path | None = None,
        *,
        tuning: str | SearchTuning = "encoder",
        seed: int = 0,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Gate:
        """Tune the encoder on nothing but the documents: titles ask for texts, sentences for the rest of a passage.

        `ask` is any model of yours that makes a question from a passage: a function, or the folder of a network such as
        T5. Kept where held-out passages are found better.
        """
        asks = None if ask is None else asking(ask)
        gate = finish(self._learning(self._learner.alone(tuning_of(tuning), asks, seed=seed)), on_progress)
        self._note_down()
        return gate

    def feedback(self, query: str, id: str, said: str | float, *, store: LabelStore, person: str) -> None:  # noqa: A002
        """Keep what a person says of an answer: good, bad, click, or a grade from 0 upwards."""
        check_query(query)
        self._number(id)
        store.say([feedback_label(query, id, said)], person=person)

    def _judged(self, source: Any, queries: Any = None) -> Judgements:
        """Judgements as they are given, or those of a label store about documents that are there."""
        if not hasattr(source, "current"):
            return read_judgements(source, queries=queries)
        judged = judged_in(source)
        if judged is None:
            raise InputError("nothing was judged yet; say with feedback which answers are good and which are bad")
        known = judged.among(self._index.known(judged.documents))
        if known is None:
            raise InputError("all documents that were judged have gone; judge answers that are there")
        return known

    def questions(self, queries: Sequence[str], count: int = 10) -> list[Question]:
        """Which queries to judge next, first those where words and meaning disagree most, and which answers."""
        found = self.candidates(queries)
        doubts = [doubt_of(one) for one in found]
        shown = {i: to_judge(found[i], self.fusion_) for i in ranked_questions(doubts, queries, count)}
        names = self._index.names([n for numbers in shown.values() for n in numbers])
        return [Question(queries[i], tuple(names[n] for n in shown[i]), doubts[i]) for i in shown]

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        where: Mapping[str, Any] | None = None,
        profile: Profile | None = None,
        start: int = 0,
    ) -> list[Hit]:
        """The k most relevant documents, best first; fewer where fewer share a word or a meaning with the query.

        `where` keeps those whose columns fit: a value, a list of values, or signs with values, as in
        `{"year": {">=": 2000}, "text": {"contains": "in vitro"}}`; the signs are = != > < >= <= in contains, and the
        last two with `not` before them. A `profile` moves the ranking towards what its owner clicked. `start` leaves
        out that many of the first ones: the second page of ten starts at 10.
        """
        return self._answers([query], k, where, profile, start)[0]

    def predict(self, queries: Sequence[str], k: int = 10, *, where: Mapping[str, Any] | None = None) -> pa.Table:
        """The answers to many queries as a table: query, rank from 1, document, relevance, title."""
        from dovetail.tasks.search_answers import answers_table

        return answers_table(queries, self.answers(queries, k, where=where))

    def answers(
        self, queries: Sequence[str], k: int = 10, *, where: Mapping[str, Any] | None = None
    ) -> list[list[Hit]]:
        """`search` for many queries at once; the encoder reads them together."""
        return self._answers(queries, k, where, None, 0)

    def _answers(
        self, queries: Sequence[str], k: int, where: Mapping[str, Any] | None, profile: Profile | None, start: int
    ) -> list[list[Hit]]:
        if k < 1:
            raise InputError(f"k is {k}; expected at least 1")
        if start < 0:
            raise InputError(f"start is {start}; expected how many of the first answers to leave out")
        for query in queries:
            check_query(query)
        asked, found = [sound(query) for query in queries], []
        for query, own in zip(asked, self._vectors(asked), strict=True):
            vector = own if profile is None else profile.moved(own)
            with self._lock:
                found.append(self._ranked(query, vector, where, start + k)[start:])
        return found

    def _ranked(
        self, query: str, vector: npt.NDArray[np.float32], where: Mapping[str, Any] | None, most: int
    ) -> list[Hit]:
        """The first answers. What stands at a rank does not depend on `most`, so that pages fit together.

        More candidates may rank before the hundredth of fewer: they stand behind what the pages before have shown.
        """
        found: dict[str, Hit] = {}
        depth = DEPTH
        while True:
            candidates, last = self.finder_.candidates(query, vector, where=where, depth=depth), min(depth, most)
            for hit in self.finder_.hits(candidates, vector, self.fusion_, last):
                if len(found) < last:
                    found.setdefault(hit.id, hit)
            if depth >= most or len(found) < last:
                return list(found.values())
            depth *= _DEEPER

    def marked(self, query: str, text: str) -> Marks:
        """Which parts of a text, such as `hit.passage`, are words of a query: start and end of each, to highlight.

        Words of the same stem, synonyms, and known words in place of mistyped ones count as well.
        """
        return self.marks(query, [text])[0]

    def marks(self, query: str, texts: Sequence[str]) -> list[Marks]:
        """`marked` for several texts: mistyped words are looked up once."""
        with self._lock, self._index.snapshot():
            terms = {one.term for one in self.finder_.terms(sound(query))}
        return [marked(text, terms, self._index.analyser) for text in texts]

    def evaluate(self, judgements: Any, k: int = 10, *, queries: Any = None, seed: int = 0) -> SearchScores:
        """Precision, recall, F1 and nDCG at k, MRR and MAP on judged queries, each with its 95 % interval.

        Beside them the time of a search and the size of the index. `judgements` may be a label store.
        """
        judged = self._judged(judgements, queries)
        found = scored(self.candidates(judged.queries), self.truth(judged), self.fusion_, k=k, seed=seed)
        speed = timed(lambda query: self.search(query, k), judged.queries)
        learned = len({*self.taught_} & {*judged.queries})
        return replace(found, learned=learned, speed=speed, index_mb=self._index.size() / 1e6)

    def explain(self, query: str, id: str, *, profile: Profile | None = None) -> HitExplanation:  # noqa: A002
        """Why a document is an answer to a query, or is none: words, passages, and what each adds to the relevance."""
        check_query(query)
        finder = self.finder_
        with self._lock:
            found = explained(finder, query, id, self._vector(query, profile), self.fusion_)
            if self.gate_ is not None and self.gate_.kept != "start":
                untaught = replace(finder, synonyms=self.synonyms)
                plain = explained(untaught, query, id, self.encoder_.encode([query])[0], Fusion())
                found = replace(found, before=plain.rank)
        return found if profile is None else replace(found, profile=profile.describe())

    def click(self, profile: Profile, id: str) -> None:  # noqa: A002 - the word people use
        """Let a profile take in that its owner clicked a document. Nothing is written to disk."""
        number = self._number(id)
        with self._lock, self._index.snapshot():
            self.finder_.passages.refresh(self._index)
            vectors = np.stack([vector for *_, vector in self._index.passages_of([number])])
            profile.click(id, vectors.mean(axis=0) - self._index.mean_vector())

    def titles(self, ids: Sequence[str]) -> dict[str, str]:
        """The titles of documents by their ids; what has none is shown by the beginning of its text."""
        with self._lock, self._index.snapshot():
            found = self._index.documents(list(self._index.known(list(ids)).values()))
        return {one.id: one.title or " ".join(one.text[:_TITLE].split()) for one in found.values()}

    def describe(self) -> dict[str, Any]:
        """What was made: numbers of documents, language, encoder, weights, and what the judgements proved."""
        facts = {"documents": len(self), **self.facts_, "fusion": asdict(self.fusion_)}
        made = {"columns": asdict(self.columns_), "synonyms": self.words_, "rejects": len(self.rejects_)}
        return {**facts, **made, "gate": self.gate_.to_dict() if self.gate_ else None}

    def to_lines(self) -> list[str]:
        """`describe` as a person reads it."""
        lines = [f"{len(self):,} documents, language {self.facts_['language']}, encoder {self.facts_['encoder']}"]
        lines.append(f"relevance is {self.fusion_.shares()}: {self.fusion_.known}")
        if self.words_:
            some = ", ".join(f"{word} = {' = '.join(others)}" for word, others in list(self.words_.items())[:5])
            lines.append(f"{len(self.words_):,} words with synonyms that judgements taught: {some}")
        return lines + (self.gate_.to_lines() if self.gate_ else [])

    def candidates(self, queries: Sequence[str]) -> list[Candidates]:
        """What may answer each query, with both measures: what weights are fitted on."""
        vectors = self._vectors(queries)
        with self._lock:
            return [self.finder_.candidates(q, v) for q, v in zip(queries, vectors, strict=True)]

    @property
    def _learner(self) -> Learner:
        """Has a connection of its own, so that others may search meanwhile."""
        own = Index(self._index.path, self._index.analyser)
        plain = Finder(own, Passages(self.facts_["dimensions"]), self.synonyms, self.bm25_)
        wish = self.tuned_ or (self._encoder_name if isinstance(self.encoder, str) else self.encoder)
        return Learner(plain, self.encoder_, wish)

    def _learning(self, job: Job[Learned]) -> Job[Gate]:
        """Take over what a job has learned; where that proved nothing, what was learned before stays."""
        learned = yield from job
        if learned.gate.kept == "start":
            self.gate_ = learned.gate if self.gate_ is None else self.gate_
            return learned.gate
        with self._lock:
            if learned.anew is not None:
                self._take_over(learned.anew)
            if learned.taught is None:  # the documents alone: what judgements taught stays, but the head
                learned = anew_with(learned, self.fusion_, self.reader_, self.memory_)
            self.gate_, self.head_, self.fusion_ = learned.gate, learned.head, learned.gate.chosen
            self.taught_ = self.taught_ if learned.taught is None else learned.taught
            self.reader_ = self.finder_.reader = learned.reader
            self.memory_ = self.finder_.memory = learned.memory
            self.words_ = self.words_ if learned.taught is None else learned.synonyms
            self.finder_.synonyms = joined(self.synonyms, self.words_)
            self.finder_.neighbours = bool(self.fusion_.neighbours)
        return learned.gate

    def _take_over(self, anew: Anew) -> None:
        """Search with a tuned encoder and the index that it has read from now on."""
        anew.replaces(self._index)
        self.encoder = str(anew.folder) if self._by_tuned else self.encoder
        self.tuned_, self.__dict__["encoder_"] = anew.folder, anew.encoder
        self.facts_ |= {"encoder": anew.folder.name, **facts_of(anew.encoder)}
        self._open(anew.index.path)

    def truth(self, judged: Judgements) -> list[dict[int, float]]:
        """The graded documents of each query, by number."""
        return truth_of(self._index, judged)
