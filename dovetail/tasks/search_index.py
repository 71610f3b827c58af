"""One SQLite file with documents, keyword index and vectors: they change in one transaction and agree after a crash."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError, UnknownName
from dovetail.tasks.search_passages import passage_text
from dovetail.tasks.search_postings import ENTRY, Collection, Entries, TermWeight, invert
from dovetail.tasks.search_words import Analyser

FORMAT = 1
_SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE documents (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
  text TEXT NOT NULL, fields TEXT NOT NULL, length INTEGER NOT NULL);
CREATE TABLE passages (id INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL, start INTEGER NOT NULL,
  stop INTEGER NOT NULL, vector BLOB NOT NULL);
CREATE INDEX passages_of ON passages (document);
CREATE TABLE postings (id INTEGER PRIMARY KEY, term TEXT NOT NULL, segment INTEGER NOT NULL, entries BLOB NOT NULL);
CREATE UNIQUE INDEX postings_of ON postings (term, segment);
CREATE TABLE segments (id INTEGER PRIMARY KEY AUTOINCREMENT, documents INTEGER NOT NULL);
CREATE TABLE removed (document INTEGER PRIMARY KEY, change INTEGER NOT NULL);
"""
_TIER = 8  # segments of about one size before they are joined to one
_AT_ONCE = 500  # names in one question to SQLite
_OWN = {"name": "name", "title": "title", "text": "text"}
_WAIT = 60.0  # seconds that a writer waits for another one


@dataclass(frozen=True)
class Document:
    """One document: its id, title, text, and the other columns."""

    id: str
    title: str
    text: str
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Embedded:
    """The passages of one document: where they start and end, and their vectors (n, d)."""

    spans: Sequence[tuple[int, int]]
    vectors: npt.NDArray[np.float32]


class Index:
    """Reads and writes the file. Several processes may read while one writes."""

    def __init__(self, path: str | Path, analyser: Analyser) -> None:
        self.path, self.analyser = Path(path), analyser
        self._only_read = self.path.is_file() and not os.access(self.path.parent, os.W_OK)
        try:
            self._db = sqlite3.connect(
                self._place(), timeout=_WAIT, isolation_level=None, check_same_thread=False, uri=self._only_read
            )
            weakref.finalize(self, self._db.close)
            self._prepare()
        except sqlite3.DatabaseError as error:
            raise InputError(f"{path} is no search index that can be opened: {error}") from None

    def _place(self) -> str:
        """What SQLite opens: in a folder that cannot be written a file that nobody changes, or one with its journal."""
        if not self._only_read:
            return str(self.path)
        journal = self.path.with_name(f"{self.path.name}-wal")
        waiting = journal.is_file() and journal.stat().st_size > 0
        return f"{self.path.resolve().as_uri()}?{'mode=ro' if waiting else 'immutable=1'}"

    def _prepare(self) -> None:
        version = self._value("PRAGMA user_version")
        if version > FORMAT:
            raise InputError(f"{self.path} is of a newer format ({version}); update dovetail")
        if self._only_read:
            return
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA cache_size = -65536")
        if version == 0:
            with self._change():
                if self._value("PRAGMA user_version") == 0:  # another process may have been quicker
                    for statement in _SCHEMA.split(";")[:-1]:
                        self._db.execute(statement)
                    self._db.executemany("INSERT INTO facts VALUES (?, 0)", [("changes",), ("documents",), ("length",)])
                    self._db.execute(f"PRAGMA user_version = {FORMAT}")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def __len__(self) -> int:
        return int(self.fact("documents"))

    def fact(self, name: str) -> int:
        """A counter: changes, documents, length."""
        return int(self._value("SELECT value FROM facts WHERE name = ?", name))

    def collection(self) -> Collection:
        """How many documents there are and how long they are in the mean."""
        documents = len(self)
        return Collection(documents, self.fact("length") / max(1, documents))

    def add(self, documents: Sequence[Document], embedded: Sequence[Embedded], *, replace: bool = False) -> None:
        """Keep documents with their passages, all at once or none. With `replace` older ones of the same id go."""
        with self._change():
            known = self.known([d.id for d in documents])
            if known and not replace:
                raise InputError(f"the index already has a document {min(known)!r}; call update to replace it")
            self._remove(list(known.values()))
            ids = [self._keep(d, e) for d, e in zip(documents, embedded, strict=True)]
            posted, lengths = invert(ids, (d.title for d in documents), (d.text for d in documents), self.analyser)
            self._db.executemany("UPDATE documents SET length = ? WHERE id = ?", zip(lengths, ids, strict=True))
            self._count(len(ids), sum(lengths))
            self._write_segment(posted, len(ids))
            self._join_segments()

    def delete(self, names: Sequence[str]) -> None:
        """Remove documents; an id that is not there is an error, and then none of them goes."""
        with self._change():
            known = self.known(names)
            missing = next((n for n in names if n not in known), None)
            if missing is not None:
                raise UnknownName("document", missing, self.some_names(), "the index")
            self._remove(list(known.values()))

    def known(self, names: Sequence[str]) -> dict[str, int]:
        """The numbers of those documents that the index has, by id."""
        found: dict[str, int] = {}
        for part in _parts(names):
            found.update(self._db.execute(f"SELECT name, id FROM documents WHERE name IN ({_marks(part)})", part))
        return found

    def names(self, numbers: Sequence[int]) -> dict[int, str]:
        """The ids of documents by their numbers."""
        found: dict[int, str] = {}
        for part in _parts([int(n) for n in numbers]):
            found.update(self._db.execute(f"SELECT id, name FROM documents WHERE id IN ({_marks(part)})", part))
        return found

    def documents(self, numbers: Sequence[int]) -> dict[int, Document]:
        """Documents by their numbers; those that have gone are left out."""
        found: dict[int, Document] = {}
        for part in _parts([int(n) for n in numbers]):
            query = f"SELECT id, name, title, text, fields FROM documents WHERE id IN ({_marks(part)})"
            for number, name, title, text, fields in self._db.execute(query, part):
                found[number] = Document(name, title, text, json.loads(fields))
        return found

    def every(self) -> Iterator[Document]:
        """All documents in the order in which they came."""
        for name, title, text, fields in self._db.execute(
            "SELECT name, title, text, fields FROM documents ORDER BY id"
        ):
            yield Document(name, title, text, json.loads(fields))

    def cells(self, column: str) -> tuple[npt.NDArray[np.int64], list[Any]]:
        """The numbers of all documents, and the value of another column of each: None where it has none."""
        if '"' in column or "\\" in column:  # which paths of SQLite cannot name
            every = self._db.execute("SELECT id, fields FROM documents").fetchall()
            return np.array([r[0] for r in every], np.int64), [json.loads(r[1]).get(column) for r in every]
        path = f'$."{column}"'
        rows = self._db.execute("SELECT id, json_extract(fields, ?), json_type(fields, ?) FROM documents", (path, path))
        found = [(number, _value_of(cell, kind)) for number, cell, kind in rows]
        return np.array([n for n, _ in found], np.int64), [cell for _, cell in found]

    def own_cells(self, column: str) -> tuple[npt.NDArray[np.int64], list[Any]]:
        """The same for `name`, `title` and `text`."""
        rows = self._db.execute(f"SELECT id, nullif({_OWN[column]}, '') FROM documents").fetchall()
        return np.array([r[0] for r in rows], np.int64), [r[1] for r in rows]

    def columns(self, wanted: Iterable[str] = ()) -> list[str]:
        """The names of the other columns, of the first thousand documents; of all where a wanted one is missing."""
        for most in (1_000, -1):
            query = f"SELECT DISTINCT key FROM (SELECT fields FROM documents LIMIT {most}), json_each(fields)"
            found = [row[0] for row in self._db.execute(query)]
            if set(wanted) <= set(found):
                break
        return found

    def postings(self, terms: Sequence[TermWeight]) -> list[tuple[TermWeight, Entries]]:
        """The posting list of each term that the index has."""
        found = []
        for term in terms:
            rows = self._db.execute("SELECT entries FROM postings WHERE term = ?", (term.term,))
            entries = [np.frombuffer(row[0], ENTRY) for row in rows]
            if entries:
                found.append((term, np.concatenate(entries) if len(entries) > 1 else entries[0]))
        return found

    def vocabulary(self) -> tuple[list[str], list[int]]:
        """All terms, and in how many documents each stands."""
        query = f"SELECT term, sum(length(entries)) / {ENTRY.itemsize} FROM postings GROUP BY term"
        rows = self._db.execute(query).fetchall()
        return [r[0] for r in rows], [r[1] for r in rows]

    def frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        """In how many documents each term stands; those that stand in none are left out."""
        found: dict[str, int] = {}
        for part in _parts(terms):
            size = f"sum(length(entries)) / {ENTRY.itemsize}"
            query = f"SELECT term, {size} FROM postings WHERE term IN ({_marks(part)}) GROUP BY term"
            found.update(self._db.execute(query, part))
        return found

    def passage_texts(self) -> Iterator[str]:
        """Every passage as an encoder reads it, in the order of their numbers."""
        query = "SELECT title, text, start, stop FROM passages JOIN documents ON documents.id = document"
        for title, text, start, stop in self._db.execute(f"{query} ORDER BY passages.id"):
            yield passage_text(title, text, (start, stop))

    def passages_after(self, last: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Numbers (n,), documents (n,) and vectors (n, d) of the passages that came after a number."""
        rows = self._db.execute(
            "SELECT id, document, vector FROM passages WHERE id > ? ORDER BY id", (last,)
        ).fetchall()
        vectors = np.frombuffer(b"".join(r[2] for r in rows), np.float16).astype(np.float32)
        shaped = vectors.reshape(len(rows), -1) if rows else vectors.reshape(0, 0)
        return np.array([r[0] for r in rows], np.int64), np.array([r[1] for r in rows], np.int64), shaped

    def passages_of(self, numbers: Sequence[int]) -> list[tuple[int, int, int, npt.NDArray[np.float32]]]:
        """Document, start, end and vector of every passage of some documents."""
        found = []
        for part in _parts([int(n) for n in numbers]):
            query = f"SELECT document, start, stop, vector FROM passages WHERE document IN ({_marks(part)}) ORDER BY id"
            for document, start, stop, vector in self._db.execute(query, part):
                found.append((document, start, stop, np.frombuffer(vector, np.float16).astype(np.float32)))
        return found

    def mean_vector(self) -> npt.NDArray[np.float32]:
        """The mean of a thousand passages (d,): what all documents have in common."""
        rows = self._db.execute("SELECT vector FROM passages ORDER BY id LIMIT 1000").fetchall()
        vectors = np.frombuffer(b"".join(r[0] for r in rows), np.float16).astype(np.float32)
        return np.asarray(vectors.reshape(len(rows), -1).mean(axis=0), np.float32)

    def removed_after(self, change: int) -> npt.NDArray[np.int64]:
        """The numbers of documents that have gone since a change."""
        rows = self._db.execute("SELECT document FROM removed WHERE change > ?", (change,))
        return np.fromiter((r[0] for r in rows), np.int64)

    def last_document(self) -> int:
        """The greatest number that a document has had."""
        return int(self._value("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'documents'"))

    def replace_vectors(self, embedded: Iterable[npt.NDArray[np.float32]]) -> None:
        """Give every passage, in the order of their numbers, a new vector: after its encoder was tuned."""
        with self._change():
            numbers = [r[0] for r in self._db.execute("SELECT id FROM passages ORDER BY id")]
            rows = ((v.astype(np.float16).tobytes(), n) for n, v in zip(numbers, embedded, strict=True))
            self._db.executemany("UPDATE passages SET vector = ? WHERE id = ?", rows)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Everything that is read inside belongs to one state, whoever writes meanwhile."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("COMMIT")

    def size(self) -> int:
        """Bytes on disk, with what is not yet written back."""
        return sum(file.stat().st_size for file in self.path.parent.glob(f"{self.path.name}*"))

    def copy(self, path: str | Path) -> None:
        """Write a copy of the file as it stands."""
        with contextlib.closing(sqlite3.connect(path)) as other:
            self._db.backup(other)

    @contextlib.contextmanager
    def _change(self) -> Iterator[None]:
        """One transaction; whoever else writes waits. Raises `InputError` where nothing can be written."""
        try:
            with self._written():
                yield
        except sqlite3.OperationalError as error:
            raise InputError(
                f"{self.path} could not be changed ({error}), and stays as it was; see that the disk has room, that "
                f"the folder can be written, and that nobody else writes for long, then try again"
            ) from error

    @contextlib.contextmanager
    def _written(self) -> Iterator[None]:
        if self._only_read:
            raise sqlite3.OperationalError("the folder cannot be written")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            with contextlib.suppress(sqlite3.OperationalError):  # before there are tables
                self._db.execute("UPDATE facts SET value = value + 1 WHERE name = 'changes'")
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk ends it by itself
                self._db.execute("ROLLBACK")
            raise

    def _keep(self, document: Document, embedded: Embedded) -> int:
        row = (document.id, document.title, document.text, json.dumps(document.fields, ensure_ascii=False, default=str))
        number = self._db.execute(
            "INSERT INTO documents (name, title, text, fields, length) VALUES (?, ?, ?, ?, 0)", row
        ).lastrowid
        assert number is not None
        vectors = embedded.vectors.astype(np.float16)
        rows = [(number, *span, v.tobytes()) for span, v in zip(embedded.spans, vectors, strict=True)]
        self._db.executemany("INSERT INTO passages (document, start, stop, vector) VALUES (?, ?, ?, ?)", rows)
        return number

    def _remove(self, numbers: Sequence[int]) -> None:
        change = self.fact("changes") + 1
        for part in _parts(numbers):
            marks = _marks(part)
            length = self._value(f"SELECT coalesce(sum(length), 0) FROM documents WHERE id IN ({marks})", *part)
            self._db.execute(f"DELETE FROM documents WHERE id IN ({marks})", part)
            self._db.execute(f"DELETE FROM passages WHERE document IN ({marks})", part)
            self._db.executemany("INSERT INTO removed VALUES (?, ?)", [(n, change) for n in part])
            self._count(-len(part), -length)

    def _count(self, documents: int, length: int) -> None:
        values = [(documents, "documents"), (length, "length")]
        self._db.executemany("UPDATE facts SET value = value + ? WHERE name = ?", values)

    def _write_segment(self, posted: dict[str, Entries], documents: int) -> None:
        segment = self._db.execute("INSERT INTO segments (documents) VALUES (?)", (documents,)).lastrowid
        rows = ((term, segment, entries.tobytes()) for term, entries in sorted(posted.items()))
        self._db.executemany("INSERT INTO postings (term, segment, entries) VALUES (?, ?, ?)", rows)

    def _join_segments(self) -> None:
        """Join segments of like size, so that a query finds few and every entry is written again only rarely."""
        while True:
            sizes = self._db.execute("SELECT id, documents FROM segments ORDER BY documents").fetchall()
            tiers: dict[int, list[tuple[int, int]]] = {}
            for segment, documents in sizes:
                tiers.setdefault(max(0, documents).bit_length() // 3, []).append((segment, documents))
            full = next((t for t in tiers.values() if len(t) >= _TIER), None)
            if full is None:
                return
            self._join([s for s, _ in full])

    def _join(self, segments: Sequence[int]) -> None:
        marks = _marks(segments)
        gone = np.sort(self.removed_after(-1))
        joined: dict[str, list[Entries]] = {}
        query = f"SELECT term, entries FROM postings WHERE segment IN ({marks}) ORDER BY segment"
        for term, blob in self._db.execute(query, list(segments)):
            joined.setdefault(term, []).append(np.frombuffer(blob, ENTRY))
        whole = {term: _without(np.concatenate(parts), gone) for term, parts in joined.items()}
        kept = len({int(d) for entries in whole.values() for d in np.unique(entries["document"])})
        self._db.execute(f"DELETE FROM postings WHERE segment IN ({marks})", list(segments))
        self._db.execute(f"DELETE FROM segments WHERE id IN ({marks})", list(segments))
        self._write_segment({t: e for t, e in whole.items() if len(e)}, kept)

    def some_names(self) -> list[str]:
        """The ids of some documents, for words about one that is not there."""
        return [r[0] for r in self._db.execute("SELECT name FROM documents LIMIT 1000")]

    def _value(self, query: str, *values: Any) -> Any:
        return self._db.execute(query, values).fetchone()[0]


def _value_of(cell: Any, kind: str | None) -> Any:
    """A value of JSON as SQLite gives it; a list that a file holds as text is a list, too."""
    if kind in ("true", "false"):
        return kind == "true"
    if isinstance(cell, str) and cell[:1] == "[" and cell[-1:] == "]":
        with contextlib.suppress(ValueError, RecursionError):
            return json.loads(cell)
    return cell


def _without(entries: Entries, gone: npt.NDArray[np.int64]) -> Entries:
    return entries[~np.isin(entries["document"], gone)] if len(gone) else entries


def _parts(values: Sequence[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(values), _AT_ONCE):
        yield list(values[start : start + _AT_ONCE])


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))
