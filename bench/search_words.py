"""The keyword index as it is, beside one in SQLite FTS5 that does the same: rankings, time to an answer, size.

Both get the same terms (function words left out, stems, weights of slips and synonyms), count a word of the title
twice, and give their hundred best documents. FTS5 has no weights for the words of a question, so that words
of one weight are asked together and the sums are added; it sees the terms of the analyser, parted by blanks.
"""

from __future__ import annotations

import csv
import gzip
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.search_sets import search_set
from bench.search_speed import made_documents
from bench.sets import data_folder
from dovetail.measure.ranking import ndcg
from dovetail.tasks.search_find import Finder
from dovetail.tasks.search_index import Document, Embedded, Index
from dovetail.tasks.search_judgements import judgements_of
from dovetail.tasks.search_meaning import Passages
from dovetail.tasks.search_postings import TermWeight, summed
from dovetail.tasks.search_words import Analyser

_DEPTH = 100
_PIECE = 50  # words of a piece of natural text
_ASKED = 200
_SCHEMA = "CREATE VIRTUAL TABLE words USING fts5(title, text, content='', tokenize='ascii')"
_ONE = "SELECT rowid, bm25(words, 2.0, 1.0) AS s FROM words WHERE words MATCH ? ORDER BY s LIMIT ?"
_PART = "SELECT rowid AS r, ? * bm25(words, 2.0, 1.0) AS s FROM words WHERE words MATCH ?"

Answers = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]


class FtsWords:
    """An FTS5 index over the terms of documents."""

    def __init__(self, path: Path, analyser: Analyser) -> None:
        self.path, self.analyser = path, analyser
        self.db = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -65536"):
            self.db.execute(f"PRAGMA {pragma}")
        self.db.execute(_SCHEMA)

    def add(self, documents: Sequence[Document], first: int) -> None:
        """Keep documents under rising numbers, all at once."""
        terms = self.analyser.terms
        self.db.execute("BEGIN IMMEDIATE")
        rows = ((n, " ".join(terms(d.title)), " ".join(terms(d.text))) for n, d in enumerate(documents, first))
        self.db.executemany("INSERT INTO words (rowid, title, text) VALUES (?, ?, ?)", rows)
        self.db.execute("COMMIT")

    def best(self, terms: Sequence[TermWeight]) -> Answers:
        """Numbers and BM25 of the best documents, best first."""
        by_weight: dict[float, list[str]] = {}
        for term in terms:
            by_weight.setdefault(term.weight, []).append(f'"{term.term}"')
        asked = {weight: " OR ".join(words) for weight, words in by_weight.items()}
        if not asked:
            return np.zeros(0, np.int64), np.zeros(0)
        if len(asked) == 1:
            rows = self.db.execute(_ONE, (*asked.values(), _DEPTH)).fetchall()
        else:
            parts = " UNION ALL ".join([_PART] * len(asked))
            values = [value for pair in asked.items() for value in pair]
            query = f"SELECT r, sum(s) AS s FROM ({parts}) GROUP BY r ORDER BY s LIMIT {_DEPTH}"
            rows = self.db.execute(query, values).fetchall()
        return np.array([r[0] for r in rows], np.int64), -np.array([r[1] for r in rows])

    def size(self) -> int:
        """Bytes on disk."""
        return _packed(self.db, self.path)


class OwnWords:
    """The posting lists of the package."""

    def __init__(self, path: Path, analyser: Analyser) -> None:
        self.path = path
        self.index = Index(path, analyser)
        self.finder = Finder(self.index, Passages(1))

    def add(self, documents: Sequence[Document], first: int) -> None:
        """Keep documents, all at once; they also keep their texts, which FTS5 here does not."""
        del first
        nothing = Embedded([(0, 0)], np.zeros((1, 1), np.float32))
        self.index.add(documents, [nothing] * len(documents))

    def best(self, terms: Sequence[TermWeight]) -> Answers:
        """Numbers and BM25 of the best documents, best first."""
        found = self.index.postings(terms)
        values = summed(found, self.index.last_document() + 1, self.index.collection(), self.finder.bm25)
        top = np.argpartition(-values, min(_DEPTH, len(values) - 1))[:_DEPTH]
        top = top[np.argsort(-values[top], kind="stable")]
        top = top[values[top] > 0]
        return top.astype(np.int64), values[top]

    def size(self) -> int:
        """Bytes on disk of the posting lists alone."""
        copy = self.path.with_suffix(".copy")
        self.index.copy(copy)
        other = sqlite3.connect(copy, isolation_level=None)
        for table in ("documents", "passages"):
            other.execute(f"DROP TABLE {table}")
        return _packed(other, copy)


def words(kind: str, seed: int) -> Iterator[dict[str, Any]]:
    """Both ways on `scifact` (claims of its training part), `natural` texts or `made` ones."""
    documents, queries, truth = _given(kind, seed)
    language = "none" if kind == "made" else "english"
    with tempfile.TemporaryDirectory() as folder:
        ways = {name: make(Path(folder) / f"{name}.sqlite", Analyser(language)) for name, make in _WAYS.items()}
        spent = {name: _timed(lambda way=way: _filled(way, documents)) for name, way in ways.items()}  # type: ignore[misc]
        own = ways["own"]
        assert isinstance(own, OwnWords)
        asked = [own.finder.terms(query) for query in queries]
        answers = {name: [way.best(terms) for terms in asked] for name, way in ways.items()}
        for name, way in ways.items():
            took = [_timed(lambda t=terms, w=way: w.best(t)) * 1e3 for terms in asked]  # type: ignore[misc]
            found = {"p50_ms": float(np.median(took)), "p99_ms": float(np.quantile(took, 0.99))}
            found |= {"bytes": way.size() / len(documents), "seconds_to_add": spent[name]}
            found |= {"same_first_ten": _overlap(answers[name], answers["own"])}
            if truth:
                found["ndcg_10"] = _quality(answers[name], truth)
            yield {"system": name, "documents": len(documents), **{k: round(v, 4) for k, v in found.items()}}


_WAYS: dict[str, Callable[[Path, Analyser], FtsWords | OwnWords]] = {"own": OwnWords, "fts5": FtsWords}


def _given(kind: str, seed: int) -> tuple[list[Document], list[str], list[dict[int, float]]]:
    if kind == "scifact":
        found = search_set("scifact")
        documents = [Document(d["id"], d["title"], d["text"]) for d in found.documents]
        number = {d.id: n for n, d in enumerate(documents, 1)}
        judged = judgements_of(found.part("train"))
        truth = [{number[d]: g for d, g in judged.of(q).items()} for q in range(len(judged.queries))]
        return documents, list(judged.queries), truth
    if kind == "made":
        documents = [Document(d["id"], d["title"], d["text"]) for d in made_documents(100_000, seed)]
        return documents, [" ".join(d["text"].split()[:8]) for d in made_documents(_ASKED, seed + 1)], []
    pieces = list(_pieces())
    order = np.random.default_rng(seed).permutation(len(pieces))
    documents = [Document(str(i), "", pieces[i]) for i in order[_ASKED : _ASKED + 100_000].tolist()]
    return documents, [" ".join(pieces[i].split()[:8]) for i in order[:_ASKED].tolist()], []


def _pieces() -> Iterator[str]:
    """Natural texts in pieces: news and posts to newsgroups."""
    csv.field_size_limit(10**9)
    for name in ("newsgroups20/train", "newsgroups20/test", "ag_news/train", "ag_news/test"):
        with gzip.open(data_folder() / "text" / f"{name}.csv.gz", "rt", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                found = row["text"].split()
                yield from (" ".join(found[i : i + _PIECE]) for i in range(0, len(found), _PIECE))


def _filled(way: FtsWords | OwnWords, documents: Sequence[Document]) -> None:
    for start in range(0, len(documents), 2_000):
        way.add(documents[start : start + 2_000], start + 1)


def _packed(db: sqlite3.Connection, path: Path) -> int:
    db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size


def _overlap(answers: Sequence[Answers], others: Sequence[Answers]) -> float:
    pairs = zip(answers, others, strict=True)
    return float(np.mean([len(set(a[0][:10]) & set(b[0][:10])) / max(1, len(b[0][:10])) for a, b in pairs]))


def _quality(answers: Sequence[Answers], truth: Sequence[dict[int, float]]) -> float:
    grades = np.zeros((len(answers), 10))
    for row, ((numbers, _), known) in enumerate(zip(answers, truth, strict=True)):
        grades[row, : len(numbers[:10])] = [known.get(int(n), 0.0) for n in numbers[:10]]
    return ndcg(grades, 10, ideal=[np.array(list(known.values())) for known in truth])


def _timed(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
