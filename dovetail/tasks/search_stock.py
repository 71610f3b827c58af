"""What a searcher keeps: documents in an index, the encoder that read them, and the folder that both lie in."""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError, UnknownName
from dovetail.tasks.embed_head import Head, PlainHead
from dovetail.tasks.search_documents import DocumentColumns, check_distinct, documents_of, own_columns, silent_of
from dovetail.tasks.search_encoder import embedded, usual_encoder
from dovetail.tasks.search_find import Finder
from dovetail.tasks.search_fusion import Fusion
from dovetail.tasks.search_gate import Gate
from dovetail.tasks.search_home import Learnt, encoder_of, facts_of, memory_in, new_file, opened, reader_in, settle
from dovetail.tasks.search_index import Document, Index
from dovetail.tasks.search_meaning import Passages
from dovetail.tasks.search_memory import Memory
from dovetail.tasks.search_postings import Bm25
from dovetail.tasks.search_synonyms import joined
from dovetail.tasks.search_words import Analyser
from dovetail.types import Job, Progress, Reject, finish

if TYPE_CHECKING:
    from dovetail.encoders.base import Encoder
    from dovetail.tasks.search_profile import Profile
    from dovetail.tasks.search_reader import Reader

_AT_ONCE = 2_000  # documents a transaction


class Stock:
    """The documents of a searcher and what it has learned, in one folder; every change is on disk at once."""

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
        self.words_: dict[str, list[str]] = {}  # synonyms that judgements taught
        self.rejects_: tuple[Reject, ...] = ()  # rows of the last file of documents that could not be read
        self.silent_ = ""  # which of the last documents have no text, in words
        self.facts_: dict[str, Any] = {}
        self._lock = threading.RLock()

    def add(self, documents: Any) -> None:
        """Add documents; they can be found when this returns. An id that the index already has is an error."""
        given = documents_of(documents, self.columns_, settled=True, first=self._index.last_document())
        self.rejects_ = given.rejects
        finish(self._adding(given.documents, replace=False))

    def update(self, documents: Any) -> None:
        """Add documents, in place of those of the same id."""
        given = documents_of(documents, self.columns_, settled=True, first=None)
        self.rejects_ = given.rejects
        finish(self._adding(given.documents, replace=True))

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
    def load(cls, folder: str | Path, *, encoder: str | Encoder | None = None) -> Self:
        """Open what `save` wrote."""
        file, note, head = opened(folder)
        tuned = Path(folder) / note["tuned"] if note.get("tuned") else None
        wish = encoder or str(tuned or note["encoder"])
        made = cls(folder, encoder=wish, synonyms=note["synonyms"], store=note["store"])
        made.facts_ = note["facts"]
        made.fusion_, made.bm25_ = Fusion(**note["fusion"]), Bm25(**note["bm25"])
        made.columns_, made.words_ = DocumentColumns(**note["columns"]), note.get("words") or {}
        made.gate_ = Gate.from_dict(note["gate"]) if note["gate"] else None
        made.head_, made.tuned_ = head, tuned
        made.reader_, made.memory_ = reader_in(folder, note), memory_in(folder, note)
        made.taught_ = tuple(note.get("taught") or (made.memory_.queries if made.memory_ else ()))
        made._open(file)
        return made

    def __len__(self) -> int:
        return len(self._index)

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
        known = joined(self.synonyms, self.words_)
        own = own_columns(self.columns_)
        return Finder(index, passages_of, known, self.bm25_, self.reader_, self.memory_, wide, own)

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
        self.words_ = {}
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
        done, self.silent_ = 0, silent_of(documents)
        yield Progress("index", 0, len(documents), f"{len(documents):,} documents")
        for start in range(0, len(documents), _AT_ONCE):
            part = documents[start : start + _AT_ONCE]
            vectors = embedded(part, self.encoder_)
            with self._lock:
                self._index.add(part, vectors, replace=replace)
            done += len(part)
            yield Progress(
                "index",
                done,
                len(documents),
                f"{done:,} documents can be found{'; ' if self.silent_ else ''}{self.silent_}",
            )

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
            "words": self.words_,
        }
        settle(self.folder, self._index.path, note, Learnt(self.head_, self.tuned_, self.reader_, self.memory_))
        placed = self.tuned_ and self.folder / self.tuned_.name
        self.encoder = str(placed) if self._by_tuned else self.encoder
        self.tuned_ = placed
