"""`Searcher`: documents found by their words and by their meaning, joined in one ranking."""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError, UnknownName
from dovetail.tasks.embed_head import Head, PlainHead
from dovetail.tasks.search_documents import DocumentColumns, check_distinct, documents_of, silent_of, sound
from dovetail.tasks.search_encoder import embedded, usual_encoder
from dovetail.tasks.search_explain import HitExplanation, explained
from dovetail.tasks.search_feedback import Question, doubt_of, feedback_label, judged_in, ranked_questions, to_judge
from dovetail.tasks.search_find import DEPTH, Finder, Hit, check_query
from dovetail.tasks.search_fusion import Candidates, Fusion
from dovetail.tasks.search_gate import Gate
from dovetail.tasks.search_home import Learnt, encoder_of, facts_of, memory_in, new_file, opened, reader_in, settle
from dovetail.tasks.search_index import Document, Index
from dovetail.tasks.search_judgements import Judgements, read_judgements
from dovetail.tasks.search_learn import Anew, Learned, Learner, anew_with, check_known, truth_of
from dovetail.tasks.search_meaning import Passages
from dovetail.tasks.search_memory import Memory
from dovetail.tasks.search_postings import Bm25
from dovetail.tasks.search_profile import Profile
from dovetail.tasks.search_scores import SearchScores, scored
from dovetail.tasks.search_tuning import SearchTuning, tuning_of
from dovetail.tasks.search_words import Analyser, language_of
from dovetail.types import Job, Progress, finish

if TYPE_CHECKING:
    from dovetail.encoders.base import Encoder
    from dovetail.labels.store import LabelStore
    from dovetail.tasks.search_encoder import Ask
    from dovetail.tasks.search_reader import Reader

_AT_ONCE = 2_000  # documents a transaction


class Searcher:
    """Keyword and meaning search over documents in one file; every change is on disk when the call returns."""

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        encoder: str | Encoder = "auto",
        language: str = "auto",
        synonyms: Mapping[str, Sequence[str]] | None = None,
        store: str = "auto",
    ) -> None:
        self.folder = None if folder is None else Path(folder)
        self.encoder, self.language, self.store = encoder, language, store
        self.synonyms = {k: list(v) for k, v in (synonyms or {}).items()}
        self.fusion_, self.bm25_ = Fusion(), Bm25()
        self.columns_ = DocumentColumns()
        self.head_: Head = PlainHead()  # on the vectors of queries
        self.gate_: Gate | None = None
        self.reader_: Reader | None = None
        self.memory_: Memory | None = None  # judged queries and their answers
        self.taught_: tuple[str, ...] = ()  # judged queries that what is in force was learned from
        self.tuned_: Path | None = None  # the folder of an encoder that was tuned here
        self.index_: Index | None = None
        self.facts_: dict[str, Any] = {}
        self._lock = threading.RLock()

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
        found, self.columns_ = documents_of(documents, wish)
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
        """Fit what joins words and meaning again, to judgements or to a label store; the documents stay as they are."""
        judged = judged_in(judgements) if hasattr(judgements, "current") else judgements
        if judged is None:
            raise InputError("nothing was judged yet; say with feedback which answers are good and which are bad")
        known = read_judgements(judged, queries=queries)
        gate = finish(self._learning(self._learner.judged(known, tuning_of(tuning), seed=seed)))
        self._note_down()
        return gate

    def adapt(
        self,
        ask: Ask | None = None,
        *,
        tuning: str | SearchTuning = "encoder",
        seed: int = 0,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Gate:
        """Tune the encoder on nothing but the documents: titles ask for texts, sentences for the rest of a passage.

        `ask` is any model of yours that makes a question from a passage. Kept where held-out passages are found better.
        """
        gate = finish(self._learning(self._learner.alone(tuning_of(tuning), ask, seed=seed)), on_progress)
        self._note_down()
        return gate

    def feedback(self, query: str, id: str, said: str | float, *, store: LabelStore, person: str) -> None:  # noqa: A002
        """Keep what a person says of an answer: good, bad, click, or a grade from 0 upwards."""
        check_query(query)
        self._number(id)
        store.say([feedback_label(query, id, said)], person=person)

    def questions(self, queries: Sequence[str], count: int = 10) -> list[Question]:
        """Which queries to judge next, first those where words and meaning disagree most, and which answers."""
        found = self.candidates(queries)
        doubts = [doubt_of(one) for one in found]
        shown = {i: to_judge(found[i], self.fusion_) for i in ranked_questions(doubts, queries, count)}
        names = self._index.names([n for numbers in shown.values() for n in numbers])
        return [Question(queries[i], tuple(names[n] for n in shown[i]), doubts[i]) for i in shown]

    def search(
        self, query: str, k: int = 10, *, where: Mapping[str, Any] | None = None, profile: Profile | None = None
    ) -> list[Hit]:
        """The k most relevant documents, best first; fewer where fewer share a word or a meaning with the query.

        `where` keeps those whose other columns fit: a value, a list of values, or `{"year": {">=": 2000}}`. A `profile`
        moves the ranking towards what its owner clicked.
        """
        if k < 1:
            raise InputError(f"k is {k}; expected at least 1")
        check_query(query)
        query, finder = sound(query), self.finder_
        vector = self._vector(query, profile)
        with self._lock:
            candidates = finder.candidates(query, vector, where=where, depth=max(DEPTH, k))
            return finder.hits(candidates, vector, self.fusion_, k)

    def evaluate(self, judgements: Any, k: int = 10, *, queries: Any = None, seed: int = 0) -> SearchScores:
        """Precision, recall, F1 and nDCG at k, MRR and MAP on judged queries, each with its 95 % interval."""
        judged = read_judgements(judgements, queries=queries)
        found = scored(self.candidates(judged.queries), self.truth(judged), self.fusion_, k=k, seed=seed)
        return replace(found, learned=len({*self.taught_} & {*judged.queries}))

    def explain(self, query: str, id: str, *, profile: Profile | None = None) -> HitExplanation:  # noqa: A002
        """Why a document is an answer to a query, or is none: words, passages, and what each adds to the relevance."""
        check_query(query)
        finder = self.finder_
        with self._lock:
            found = explained(finder, query, id, self._vector(query, profile), self.fusion_)
            if self.gate_ is not None and self.gate_.kept != "start":
                plain = explained(finder, query, id, self.encoder_.encode([query])[0], Fusion())
                found = replace(found, before=plain.rank)
        return found if profile is None else replace(found, profile=profile.describe())

    def click(self, profile: Profile, id: str) -> None:  # noqa: A002 - the word people use
        """Let a profile take in that its owner clicked a document. Nothing is written to disk."""
        number = self._number(id)
        with self._lock, self._index.snapshot():
            self.finder_.passages.refresh(self._index)
            vectors = np.stack([vector for *_, vector in self._index.passages_of([number])])
            profile.click(id, vectors.mean(axis=0) - self._index.mean_vector())

    def add(self, documents: Any) -> None:
        """Add documents; they can be found when this returns. An id that the index already has is an error."""
        found, _ = documents_of(documents, self.columns_, settled=True)
        finish(self._adding(found, replace=False))

    def update(self, documents: Any) -> None:
        """Add documents, in place of those of the same id."""
        found, _ = documents_of(documents, self.columns_, settled=True)
        finish(self._adding(found, replace=True))

    def delete(self, ids: Sequence[str]) -> None:
        """Remove documents by their ids; no search finds them any more when this returns."""
        with self._lock:
            self._index.delete([ids] if isinstance(ids, str) else list(ids))

    def save(self, folder: str | Path) -> Path:
        """Write everything into a folder, and work there from now on."""
        home = Path(folder)
        with self._lock:
            if self._index.path.parent != home:
                file = new_file(home)
                self._index.copy(file)
                self._index.close()
                self._open(file)
            self.folder = home
            self._note_down()
        return home

    @classmethod
    def load(cls, folder: str | Path, *, encoder: str | Encoder | None = None) -> Searcher:
        """Open what `save` wrote."""
        file, note, head = opened(folder)
        tuned = Path(folder) / note["tuned"] if note.get("tuned") else None
        wish = encoder or str(tuned or note["encoder"])
        made = cls(folder, encoder=wish, synonyms=note["synonyms"], store=note["store"])
        made.facts_ = note["facts"]
        made.fusion_, made.bm25_ = Fusion(**note["fusion"]), Bm25(**note["bm25"])
        made.columns_ = DocumentColumns(**note["columns"])
        made.gate_ = Gate.from_dict(note["gate"]) if note["gate"] else None
        made.head_, made.tuned_ = head, tuned
        made.reader_, made.memory_ = reader_in(folder, note), memory_in(folder, note)
        made.taught_ = tuple(note.get("taught") or (made.memory_.queries if made.memory_ else ()))
        made._open(file)
        return made

    def describe(self) -> dict[str, Any]:
        """What was made: numbers of documents, language, encoder, weights, and what the judgements proved."""
        facts = {"documents": len(self), **self.facts_, "fusion": asdict(self.fusion_)}
        return {**facts, "columns": asdict(self.columns_), "gate": self.gate_.to_dict() if self.gate_ else None}

    def to_lines(self) -> list[str]:
        """`describe` as a person reads it."""
        lines = [f"{len(self):,} documents, language {self.facts_['language']}, encoder {self.facts_['encoder']}"]
        lines.append(f"relevance is {self.fusion_.shares()}: {self.fusion_.known}")
        return lines + (self.gate_.to_lines() if self.gate_ else [])

    def __len__(self) -> int:
        return len(self._index)

    def candidates(self, queries: Sequence[str]) -> list[Candidates]:
        """What may answer each query, with both measures: what weights are fitted on."""
        vectors = self._vectors(queries)
        with self._lock:
            return [self.finder_.candidates(q, v) for q, v in zip(queries, vectors, strict=True)]

    @cached_property
    def encoder_(self) -> Encoder:
        """The encoder of the passages; refused where the index was made with another."""
        wish = self._encoder_name if isinstance(self.encoder, str) else self.encoder
        return encoder_of(wish, self.facts_, self.folder)

    @cached_property
    def finder_(self) -> Finder:
        """What answers queries."""
        index, wide = self._index, bool(self.fusion_.neighbours)
        passages_of = Passages(self.facts_["dimensions"], self.store)
        return Finder(index, passages_of, self.synonyms, self.bm25_, self.reader_, self.memory_, wide)

    @property
    def _encoder_name(self) -> str:
        assert isinstance(self.encoder, str)
        return usual_encoder() if self.encoder == "auto" else self.encoder

    @property
    def _by_tuned(self) -> bool:
        """Whether the encoder is wished for by the folder of the one tuned here: so it is in a loaded searcher."""
        return self.tuned_ is not None and self.encoder == str(self.tuned_)

    @property
    def _index(self) -> Index:
        if self.index_ is None:
            raise InputError("there is no index yet; call fit with documents, or load a saved one")
        return self.index_

    def _make(self, language: str) -> None:
        """A new index, in the folder or in one that goes with this searcher."""
        if self.index_ is not None:
            self.index_.close()
        for name in ("encoder_", "finder_"):
            self.__dict__.pop(name, None)
        home = self.folder
        if home is None:
            home = Path(tempfile.mkdtemp(prefix="dovetail-search-"))
            weakref.finalize(self, shutil.rmtree, home, ignore_errors=True)
        self.facts_, self.head_, self.fusion_ = {}, PlainHead(), Fusion()
        self.gate_ = self.reader_ = self.memory_ = None
        self.taught_, self.tuned_ = (), self.tuned_ if self._by_tuned else None
        shown = self._encoder_name if isinstance(self.encoder, str) else type(self.encoder).__name__
        shown = self.tuned_.name if self.tuned_ else shown
        self.facts_ = {"language": language, "encoder": shown, **facts_of(self.encoder_)}
        self._open(new_file(home))

    def _open(self, file: Path) -> None:
        self.index_ = Index(file, Analyser(self.facts_["language"]))
        self.__dict__.pop("finder_", None)

    def _adding(self, documents: Sequence[Document], *, replace: bool) -> Job[None]:
        check_distinct(documents)
        done, silent = 0, silent_of(documents)
        yield Progress("index", 0, len(documents), f"{len(documents):,} documents")
        for start in range(0, len(documents), _AT_ONCE):
            part = documents[start : start + _AT_ONCE]
            vectors = embedded(part, self.encoder_)
            with self._lock:
                self._index.add(part, vectors, replace=replace)
            done += len(part)
            yield Progress("index", done, len(documents), f"{done:,} documents can be found{silent}")

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
            self.finder_.neighbours = bool(self.fusion_.neighbours)
        return learned.gate

    def _take_over(self, anew: Anew) -> None:
        """Search with a tuned encoder and the index that it has read from now on."""
        anew.replaces(self._index)
        self.encoder = str(anew.folder) if self._by_tuned else self.encoder
        self.tuned_, self.__dict__["encoder_"] = anew.folder, anew.encoder
        self.facts_ |= {"encoder": anew.folder.name, **facts_of(anew.encoder)}
        self._open(anew.index.path)

    def _vectors(self, queries: Sequence[str]) -> npt.NDArray[np.float32]:
        return self.head_(self.encoder_.encode(list(queries)))

    def _vector(self, query: str, profile: Profile | None) -> npt.NDArray[np.float32]:
        vector = self._vectors([query])[0]
        return vector if profile is None else profile.moved(vector)

    def _number(self, name: str) -> int:
        number = self._index.known([name]).get(name)
        if number is None:
            raise UnknownName("document", name, self._index.some_names(), "the index")
        return number

    def truth(self, judged: Judgements) -> list[dict[int, float]]:
        """The graded documents of each query, by number."""
        return truth_of(self._index, judged)

    def _note_down(self) -> None:
        if self.folder is None:
            return
        note = {
            "encoder": self.facts_["encoder"],
            "synonyms": self.synonyms,
            "store": self.store,
            "facts": self.facts_,
            "fusion": asdict(self.fusion_),
            "bm25": asdict(self.bm25_),
            "columns": asdict(self.columns_),
            "gate": self.gate_.to_dict() if self.gate_ else None,
            "taught": self.taught_,
        }
        settle(self.folder, self._index.path, note, Learnt(self.head_, self.tuned_, self.reader_, self.memory_))
        placed = self.tuned_ and self.folder / self.tuned_.name
        self.encoder = str(placed) if self._by_tuned else self.encoder
        self.tuned_ = placed
