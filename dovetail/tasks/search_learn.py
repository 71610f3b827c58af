"""Learning from judgements, or from the documents alone: each way of tuning is tried, and the gate decides."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dovetail.encoders.base import load_encoder
from dovetail.errors import InputError
from dovetail.tasks.embed_head import Head, PlainHead
from dovetail.tasks.search_ask import Ask, asked_of
from dovetail.tasks.search_encoder import (
    found_ranks,
    kept_encoder,
    name_of,
    read_anew,
    self_taught,
    split_examples,
    tuned_encoder,
)
from dovetail.tasks.search_find import Finder
from dovetail.tasks.search_fusion import Candidates, Fusion
from dovetail.tasks.search_gate import FOLDS, Gate, Trial, by_ranks, choose, folds, usual_trials
from dovetail.tasks.search_home import drop
from dovetail.tasks.search_index import Index
from dovetail.tasks.search_judgements import Judgements
from dovetail.tasks.search_meaning import Passages
from dovetail.tasks.search_memory import Memory, memory_of
from dovetail.tasks.search_mine import Teaching, examples_of
from dovetail.tasks.search_synonyms import Usage, joined, learned_synonyms, usage_of
from dovetail.tasks.search_tune import Lists, lists_of, query_head
from dovetail.tasks.search_tuning import SearchTuning
from dovetail.types import Job

if TYPE_CHECKING:
    from dovetail.encoders.base import Encoder
    from dovetail.tasks.search_reader import Reader

_FEWEST = 50  # judged queries, or made questions; below, nothing but weights is tried
_HELD_OUT = 0.2  # of the made questions

Vectors = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Learned:
    """What the gate kept: weights in it, a head on the vectors of queries, encoder and index, a reader, a memory."""

    gate: Gate
    head: Head
    anew: Anew | None = None
    reader: Reader | None = None
    memory: Memory | None = None
    taught: tuple[str, ...] | None = None  # the judged queries; None where documents alone taught
    synonyms: dict[str, list[str]] = field(default_factory=dict)  # that judgements taught


@dataclass(frozen=True)
class Anew:
    """A tuned encoder in a folder, and an index whose passages it has read."""

    folder: Path
    encoder: Encoder
    index: Index
    seen: int  # the state of the old index, as a count of changes, that it was made of

    def replaces(self, old: Index) -> None:
        """Close both indexes, and let the old one go if no note names it; refused where it was changed meanwhile."""
        if old.fact("changes") != self.seen:
            self.drop()
            raise InputError("documents were changed while the encoder was tuned; learn again when nobody else writes")
        old.close()
        self.index.close()
        drop(old.path)

    def drop(self) -> None:
        """Let its files go: the gate kept something else."""
        self.index.close()
        for path in self.index.path.parent.glob(f"{self.index.path.name}*"):
            path.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True)
class Learner:
    """A searcher's parts that learning starts from: what finds, the encoder, and what that is loaded by."""

    finder: Finder
    encoder: Encoder
    wish: Any  # a name, a folder or an encoder, as the searcher was made with

    def judged(self, judged: Judgements, tuning: SearchTuning, *, seed: int = 0) -> Job[Learned]:
        """Fit weights, and what the tuning asks for, to judgements; nothing unproven is kept."""
        teaching = self._teaching(judged, seed)
        trials = usual_trials(teaching.candidates, teaching.start)
        lists, anew, reader = None, None, None
        if len(judged.queries) >= _FEWEST:
            if tuning.queries and importlib.util.find_spec("torch") is not None:
                lists = lists_of(self.finder, teaching.vectors, teaching.candidates, teaching.truth, teaching.start)
                moved_by = _by_folds(teaching, lambda taught: _moved(teaching, lists, taught))
                trials["tuned"] = Trial(moved_by, ("memory", "meaning"))
                trials["tuned meaning"] = Trial(moved_by, fusion=Fusion(1.0, "meaning alone"), shown=True)
            fold = folds(len(judged.queries), seed)
            taught, held = np.flatnonzero(fold != 0), np.flatnonzero(fold == 0)
            if tuning.encoder:
                anew = yield from self._anew(teaching, taught, tuning)
                again, rows = self._asked_anew(anew, judged, taught, held), held.tolist()
                trials["encoder"] = Trial(again, ("memory", "meaning"), rows=rows)
                trials["encoder meaning"] = Trial(again, fusion=Fusion(1.0, "meaning alone"), rows=rows, shown=True)
            if tuning.reader:
                reader = yield from self._reader(teaching, taught, tuning)
                trials["reader"] = Trial(
                    _read(reader, teaching, taught, held), ("memory", "reading"), rows=held.tolist()
                )
        usage = usage_of(self.finder.index, judged.queries, teaching.truth)
        synonyms = learned_synonyms(usage) if len(judged.queries) >= _FEWEST else {}
        trials["memory"] = Trial(_by_others(teaching), ("memory",))  # late: of equal ways the earlier one is kept
        if synonyms:
            trials["synonyms"] = Trial(_by_others(teaching, usage), ("memory",))
        gate = choose(trials, teaching.truth, teaching.start, seed=seed)
        moved = lists is not None and gate.kept == "tuned"
        head = query_head(lists, teaching.start, seed=seed) if moved and lists is not None else PlainHead()
        if anew is not None and gate.kept != "encoder":
            anew.drop()
        anew, reader = anew if gate.kept == "encoder" else None, reader if gate.kept == "reader" else None
        memory = None
        if gate.chosen.memory:
            vectors = anew.encoder.encode(list(judged.queries)) if anew else head(teaching.vectors)
            memory = memory_of(judged, vectors)
        synonyms = synonyms if gate.kept == "synonyms" else {}
        return Learned(gate, head, anew, reader, memory, judged.queries, synonyms)

    def alone(self, tuning: SearchTuning, ask: Ask | None = None, *, seed: int = 0) -> Job[Learned]:
        """Tune the encoder on questions made of the documents; kept where it finds held-out passages better."""
        documents = self.finder.index.every()
        if ask is None:
            examples = self_taught(documents, seed=seed)
        else:
            examples = yield from asked_of(documents, ask, seed=seed)
        taught, held = split_examples(examples, _HELD_OUT, seed)
        if len(taught) + len(held) < _FEWEST or not len(held):
            why = f"{len(taught) + len(held)} questions could be made of the documents; expected {_FEWEST} or more"
            return Learned(Gate((), len(examples), "start", Fusion(), why), PlainHead())
        encoder = yield from tuned_encoder(name_of(self.wish), taught, tuning, seed)
        gate = by_ranks(found_ranks(self.encoder, held), found_ranks(encoder, held), seed=seed)
        if gate.kept == "start":
            return Learned(gate, PlainHead())
        anew = yield from self._kept(kept_encoder(encoder, self._home))
        return Learned(gate, PlainHead(), anew)

    @property
    def _home(self) -> Path:
        return self.finder.index.path.parent

    def _teaching(self, judged: Judgements, seed: int) -> Teaching:
        finder, truth = self.finder, truth_of(self.finder.index, judged)
        vectors = self.encoder.encode(list(judged.queries))
        wide = replace(finder, neighbours=True)
        return Teaching(wide, judged, truth, vectors, answers(wide, judged.queries, vectors), Fusion(), seed)

    def _anew(self, teaching: Teaching, taught: Ints, tuning: SearchTuning) -> Job[Anew]:
        examples = examples_of(teaching, taught.tolist(), tuning.negatives)
        encoder = yield from tuned_encoder(name_of(self.wish), examples, tuning, teaching.seed)
        return (yield from self._kept(kept_encoder(encoder, self._home)))

    def _kept(self, folder: Path) -> Job[Anew]:
        seen, encoder = self.finder.index.fact("changes"), load_encoder(folder)
        index = yield from read_anew(self.finder.index, encoder, self._home)
        return Anew(folder, encoder, index, seen)

    def _asked_anew(self, anew: Anew, judged: Judgements, taught: Ints, held: Ints) -> list[Candidates]:
        vectors = anew.encoder.encode(list(judged.queries))
        passages, memory = Passages(anew.encoder.dimensions), memory_of(judged, vectors, taught)
        old = self.finder
        finder = Finder(anew.index, passages, old.synonyms, old.bm25, memory=memory, neighbours=True)
        return answers(finder, [judged.queries[i] for i in held.tolist()], vectors[held])

    def _reader(self, teaching: Teaching, taught: Ints, tuning: SearchTuning) -> Job[Reader]:
        from dovetail.tasks.search_reader import taught_reader

        examples = examples_of(teaching, taught.tolist(), max(3, tuning.negatives))
        name = name_of(self.wish)
        return (yield from taught_reader(name, self.finder.index, examples, tuning, teaching.seed))


def anew_with(learned: Learned, fusion: Fusion, reader: Reader | None, memory: Memory | None) -> Learned:
    """An encoder that documents alone taught, with what judgements taught before: weights, reader, judged queries."""
    if memory is not None and learned.anew is not None:
        memory = memory.anew(learned.anew.encoder.encode(list(memory.queries)))
    return replace(learned, gate=replace(learned.gate, chosen=fusion), reader=reader, memory=memory)


def answers(finder: Finder, queries: Sequence[str], vectors: Vectors) -> list[Candidates]:
    """The candidates of each query with its vector."""
    return [finder.candidates(query, vector) for query, vector in zip(queries, vectors, strict=True)]


def _by_others(teaching: Teaching, usage: Usage | None = None) -> list[Candidates]:
    """The candidates of each query by its own vector and what was judged for all other queries.

    With the `usage` of words, and by the synonyms that the other folds taught.
    """
    whole, found = memory_of(teaching.judged, teaching.vectors), []
    given, fold = teaching.finder.synonyms, folds(len(teaching.judged.queries), teaching.seed)
    known = dict.fromkeys(range(FOLDS), given)
    if usage is not None:
        known = {one: joined(given, learned_synonyms(usage, np.flatnonzero(fold != one))) for one in known}
    for row, query in enumerate(teaching.judged.queries):
        finder = replace(teaching.finder, memory=replace(whole, without=row), synonyms=known[int(fold[row])])
        found.append(finder.candidates(query, teaching.vectors[row]))
    return found


def _by_folds(teaching: Teaching, vectors_of: Callable[[Ints], Vectors]) -> list[Candidates]:
    """The candidates of each query by what the other folds taught: `vectors_of` all queries (q, d), and judgements."""
    judged = teaching.judged
    fold = folds(len(judged.queries), teaching.seed)
    found: dict[int, Candidates] = {}
    for one in np.unique(fold):
        taught, asked = np.flatnonzero(fold != one), np.flatnonzero(fold == one)
        vectors = vectors_of(taught)
        finder = replace(teaching.finder, memory=memory_of(judged, vectors, taught))
        queries = [judged.queries[i] for i in asked.tolist()]
        found.update(zip(asked.tolist(), answers(finder, queries, vectors[asked]), strict=True))
    return [found[i] for i in range(len(judged.queries))]


def _moved(teaching: Teaching, lists: Lists, taught: Ints) -> Vectors:
    """The vectors of all queries under a head that some of them taught."""
    return query_head(lists.only(taught.tolist()), teaching.start, seed=teaching.seed)(lists.queries)


def _read(reader: Reader, teaching: Teaching, taught: Ints, held: Ints) -> list[Candidates]:
    """The candidates of held-out queries with what the reader says of the first ones."""
    judged, memory = teaching.judged, memory_of(teaching.judged, teaching.vectors, taught)
    finder = replace(teaching.finder, reader=reader, memory=memory)
    return answers(finder, [judged.queries[i] for i in held.tolist()], teaching.vectors[held])


def truth_of(index: Index, judged: Judgements) -> list[dict[int, float]]:
    """The graded documents of each query, by number."""
    numbers = index.known(judged.documents)
    check_known(judged, numbers)
    return [{numbers[d]: g for d, g in judged.of(q).items()} for q in range(len(judged.queries))]


def check_known(judged: Judgements | None, known: Container[str]) -> None:
    """Refuse judgements, if there are any, of documents that are not there."""
    missing = [d for d in dict.fromkeys(judged.documents if judged else ()) if d not in known]
    if missing:
        shown = ", ".join(repr(d) for d in missing[:3])
        count = f"{len(missing):,} document{'s' if len(missing) > 1 else ''}"
        raise InputError(
            f"the judgements name {count} not among the documents: {shown}{', …' if len(missing) > 3 else ''}; "
            f"leave these rows out, or name the column of ids"
        )
