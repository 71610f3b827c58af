"""From labels of any shape to batches that an encoder learns from.

Pairs, classes and groups all say which items are alike: they become `Samples`. Judgements say which documents answer a
query and how well: they become `Judged`. A batch is an array of positions in these; one call makes the batches of one
epoch, at a cost that grows with the number of examples and no faster. `seed` may be several numbers, as
(seed, epoch). Needs no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.errors import InputError

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Seed = int | Sequence[int]

_POOL = 50  # batches that are sorted by length together: more of them pad less and mix less


@dataclass(frozen=True)
class Samples:
    """Items, which of them are alike, and which are known to differ although they were worth a question."""

    item: Array  # (n,) what the caller calls each item; sorted, each once
    group: Ints  # (n,) 0 … g-1; items of one group are alike
    unlike: Ints  # (h, 2) positions in `item`, of different groups; each pair once
    against: Ints  # (c,) positions in the labels: called different, and alike by what other labels say together

    def __len__(self) -> int:
        return len(self.item)


@dataclass(frozen=True)
class Judged:
    """How well documents answer queries: grade 0 is not at all, more is better."""

    query: Array  # (m,) what the caller calls the query
    document: Array  # (m,)
    grade: npt.NDArray[np.float64]  # (m,)

    def __len__(self) -> int:
        return len(self.query)


@dataclass(frozen=True)
class Questions:
    """A batch of queries, each with one good document and some worse ones, all by the caller's names for them."""

    query: Array  # (b,)
    positive: Array  # (b,)
    negatives: Array  # (b, h); only where `known`
    known: npt.NDArray[np.bool_]  # (b, h)


def from_pairs(left: Array, right: Array, label: Array) -> Samples:
    """Samples from judged pairs (m,): 1 alike, 0 not, -1 unsure, which is passed over.

    Being alike is transitive: a = b and b = c make one group of a, b and c. Left and right share one numbering. A pair
    called different inside a group is set aside under `against`.
    """
    item, one, other = numbered(left, right, label)
    _, group = linked(one[label == 1], other[label == 1], len(item))
    apart, inside = label == 0, group[one] == group[other]
    ends = np.stack([one, other], axis=1)[apart & ~inside]
    unlike = np.unique(np.sort(ends, axis=1), axis=0).reshape(-1, 2)
    return Samples(item, group, unlike, np.flatnonzero(apart & inside))


def from_groups(groups: Sequence[Any] | Array) -> Samples:
    """Samples from the group of each item (n,), numbered 0 … n-1; a group of None, "" or -1 leaves the item out."""
    known = np.array([g is not None and g != "" and g != -1 for g in groups], np.bool_)
    numbers = {value: i for i, value in enumerate(dict.fromkeys(g for g, k in zip(groups, known, strict=True) if k))}
    group = np.array([numbers[g] for g, k in zip(groups, known, strict=True) if k], np.int64)
    return Samples(np.flatnonzero(known), group, np.zeros((0, 2), np.int64), np.zeros(0, np.int64))


def from_classes(labels: Sequence[Any] | Array) -> Samples:
    """Samples from the class of each item (n,): items of one class are alike, and at least two classes are needed."""
    samples = from_groups(labels)
    if len(np.unique(samples.group)) < 2:
        raise InputError("all labels are of one class; expected at least two, since a class is learnt by its contrast")
    return samples


def from_judgements(query: Array, document: Array, grade: Array) -> Judged:
    """Judgements (m,) as they are; a query and document that are judged several times get the mean grade."""
    query, document, grade = np.asarray(query), np.asarray(document), np.asarray(grade, np.float64)
    if not len(query) == len(document) == len(grade):
        raise InputError(f"{len(query)} queries, {len(document)} documents, {len(grade)} grades; expected one of each")
    if not np.isfinite(grade).all() or (grade < 0).any():
        raise InputError("a grade is below 0 or no number; expected 0 for a document that does not answer, or more")
    queries, q = np.unique(query, return_inverse=True)
    documents, d = np.unique(document, return_inverse=True)
    keys, at, times = np.unique(q.astype(np.int64) * len(documents) + d, return_inverse=True, return_counts=True)
    mean = np.bincount(at, grade, len(keys)) / times
    width = max(1, len(documents))
    return Judged(queries[keys // width], documents[keys % width], mean)


def numbered(left: Array, right: Array, label: Array) -> tuple[Array, Ints, Ints]:
    """The items of judged pairs, each once, and the positions of both sides among them."""
    left, right, label = np.asarray(left), np.asarray(right), np.asarray(label)
    if not len(left) == len(right) == len(label):
        raise InputError(f"{len(left)} left items, {len(right)} right ones, {len(label)} labels; expected one of each")
    if not np.isin(label, (-1, 0, 1)).all():
        odd = label[~np.isin(label, (-1, 0, 1))][0]
        raise InputError(f"a pair has the label {odd}; expected 1 (alike), 0 (not) or -1 (unsure)")
    item, at = np.unique(np.concatenate([left, right]), return_inverse=True)
    return item, at[: len(left)], at[len(left) :]


def linked(left: Array, right: Array, n: int) -> tuple[int, Ints]:
    """Which of n nodes hang together by edges (m,): how many components, and the component of each (n,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(left), np.bool_), (left, right)), shape=(n, n))
    count, label = connected_components(graph, directed=False)
    return int(count), label.astype(np.int64)


def class_balanced(samples: Samples, batch: int, *, per_group: int = 4, seed: Seed = 0) -> Iterator[Ints]:
    """Batches in which every class stands equally often, with at least `per_group` of its items where it has them.

    About as many rows as there are items; those of rare classes come several times, though never twice in a batch.
    """
    if not len(samples):
        return
    random = np.random.default_rng(seed)
    order = _shuffled(samples.group, random)
    size = np.bincount(samples.group)
    start = np.cumsum(size) - size
    together = min(len(size), max(2, batch // per_group))
    each = np.minimum(size, max(1, batch // together))
    batches = -(-len(samples) // batch)
    rounds = -(-batches * together // len(size))
    turns = np.concatenate([random.permutation(len(size)) for _ in range(rounds)])
    seen = np.zeros(len(size), np.int64)
    for first in range(0, batches * together, together):
        rows = []
        for group in turns[first : first + together].tolist():
            rows.append(order[start[group] + (seen[group] + np.arange(each[group])) % size[group]])
            seen[group] += each[group]
        yield np.unique(np.concatenate(rows))


def with_hard_negatives(
    samples: Samples, batch: int, *, per_group: int = 2, negatives: int = 2, seed: Seed = 0
) -> Iterator[Ints]:
    """Batches of groups, `per_group` items of each at a time, and with each up to `negatives` items known to differ.

    Every item that has a partner stands in at least one batch. No item stands twice in a batch; a group of which more
    items are wanted than fit comes again in another.
    """
    random = np.random.default_rng(seed)
    order, starts, lengths = _parts(samples.group, max(2, per_group), random)
    of, first = _neighbours(samples, random)
    rows: dict[int, None] = {}
    for part in random.permutation(len(starts)).tolist():
        members = order[starts[part] : starts[part] + lengths[part]].tolist()
        near = np.concatenate([of[first[i] : first[i + 1]][:negatives] for i in members])
        wanted = [*members, *random.permutation(near)[:negatives].tolist()]
        if rows and len(rows) + len(wanted) > batch:
            yield np.fromiter(rows, np.int64, len(rows))
            rows = {}
        rows |= dict.fromkeys(wanted)
    if rows:
        yield np.fromiter(rows, np.int64, len(rows))


def pair_batches(
    label: Array, batch: int, *, share: float = 0.0, lengths: Array | None = None, seed: Seed = 0
) -> Iterator[Ints]:
    """Batches of judged pairs (m,) in a new order; each 0 and 1 at least once, -1 never.

    The rarer answer is repeated until it is `share` of all. With `lengths` (m,) pairs of like length come together, so
    that little is padded; which batch comes first stays random.
    """
    random = np.random.default_rng(seed)
    label = np.asarray(label)
    yes, no = np.flatnonzero(label == 1), np.flatnonzero(label == 0)
    rare, common = sorted((yes, no), key=len)
    wanted = int(np.ceil(len(common) * share / (1 - share))) if len(rare) else 0
    again = np.concatenate([random.permutation(rare) for _ in range(-(-wanted // max(1, len(rare))))] or [rare])
    order = random.permutation(np.concatenate([common, again[:wanted] if wanted > len(rare) else rare]))
    widths = np.zeros(len(order)) if lengths is None else np.asarray(lengths)[order]
    yield from (order[rows] for rows in by_length(widths, batch, seed=int(random.integers(2**32))))


def by_length(lengths: Array, batch: int, *, seed: Seed = 0) -> Iterator[Ints]:
    """Batches of the positions of (n,) lengths, each once: at random, but with like lengths together."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(lengths))
    parts = []
    for start in range(0, len(order), _POOL * batch):
        pool = order[start : start + _POOL * batch]
        pool = pool[np.argsort(np.asarray(lengths)[pool], kind="stable")]
        parts += [pool[i : i + batch] for i in range(0, len(pool), batch)]
    yield from (parts[i] for i in random.permutation(len(parts)))


def query_batches(
    judged: Judged, batch: int, *, negatives: int = 4, per_query: int = 4, seed: Seed = 0
) -> Iterator[Questions]:
    """Batches of queries with a document that answers and up to `negatives` that are judged to answer less well.

    A query comes at most `per_query` times an epoch. Neither a query nor a right document stands twice in a batch, so
    that the other rows' documents are wrong answers; what finds no place in two rounds waits for the next epoch.
    """
    random = np.random.default_rng(seed)
    names, query = np.unique(judged.query, return_inverse=True)
    order = _shuffled(query, random)
    first = np.searchsorted(query[order], np.arange(len(names) + 1))
    rank = np.empty(len(order), np.int64)
    good = order[judged.grade[order] > 0]
    rank[good] = _rank(query[good])
    good = good[rank[good] < per_query]
    good = good[np.lexsort((random.random(len(good)), rank[good]))]
    for rows in _distinct(good, query, judged.document, batch):
        worse = np.full((len(rows), negatives), -1, np.int64)
        for line, at in enumerate(rows.tolist()):
            others = order[first[query[at]] : first[query[at] + 1]]
            found = random.permutation(others[judged.grade[others] < judged.grade[at]])[:negatives]
            worse[line, : len(found)] = found
        yield Questions(judged.query[rows], judged.document[rows], judged.document[worse], worse >= 0)


def _shuffled(group: Ints, random: np.random.Generator) -> Ints:
    """Positions sorted by group, in a random order inside each."""
    return np.lexsort((random.random(len(group)), group))


def _rank(group: Ints) -> Ints:
    """For items sorted by group: how many of the same group stand before."""
    _, start, size = np.unique(group, return_index=True, return_counts=True)
    return np.arange(len(group)) - np.repeat(start, size)


def _parts(group: Ints, most: int, random: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    """Groups cut into parts of 2 to `most` items: items in order, and the start and length of each part.

    The last part of a group begins earlier where it would hold one item only.
    """
    order = _shuffled(group, random)
    size = np.bincount(group)
    start = np.cumsum(size) - size
    parts = np.where(size > 1, -(-size // most), 0)
    whole = np.repeat(np.arange(len(size)), parts)
    begin = most * _rank(whole)
    length = np.minimum(most, size[whole] - begin)
    alone = length == 1
    return order, start[whole] + begin - alone, length + alone


def _neighbours(samples: Samples, random: np.random.Generator) -> tuple[Ints, Ints]:
    """The items that each item is known to differ from, in a random order: one list, and where each item's begins."""
    ends = np.concatenate([samples.unlike, samples.unlike[:, ::-1]])
    ends = ends[_shuffled(ends[:, 0], random)]
    return ends[:, 1], np.searchsorted(ends[:, 0], np.arange(len(samples) + 1))


def _distinct(order: Ints, query: Ints, document: Array, batch: int) -> Iterator[Ints]:
    """Batches in which no query and no document stands twice; what would is tried once more at the end."""
    rows: list[int] = []
    taken: set[Any] = set()
    queue = order.tolist()
    for turn, at in enumerate(queue):
        keys = {("query", query[at]), ("document", document[at])}
        if keys & taken:
            queue += [at] if turn < len(order) else []
            continue
        rows.append(at)
        taken |= keys
        if len(rows) == batch:
            yield np.array(rows)
            rows, taken = [], set()
    if rows:
        yield np.array(rows)
