"""Background work: a space that groups and classes reshape, and how pure its neighbourhoods are."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.labels.agree import settled
from dovetail.labels.store import Wanted
from dovetail.labels.strays import left_out
from dovetail.serve.nearest import AT_ONCE, ENCODER, Nearest
from dovetail.serve.trained import folder_of, keep, keep_none, let_go
from dovetail.tables.atomic import replace_file
from dovetail.tasks.embed import Embedder
from dovetail.tasks.embed_scores import same_class
from dovetail.types import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from dovetail.labels.said import Event
    from dovetail.serve.tables import View
    from dovetail.serve.worker import Work, Working

_SPARE = 2_000  # rows without a label that training looks at, too
_HELD = 0.25  # share of the labelled rows that tell how good the space is
_NEAR = 10


def train(work: Work) -> Working:
    """Tune the space of a table on what was said so far, and move every row into it."""
    work.weights = {"vectors": 0.2, "encode": 0.1, "measure": 0.2, "fit": 0.3, "move": 0.2}
    view = work.tables.get(str(work.spec["table"]))
    about = f"space {view.name}"
    near = Nearest(view, work.home)
    yield from near.build()
    events = work.labels.current(Wanted(shape="group", task=view.name))
    classes = work.labels.current(Wanted(shape="class", task=view.name))
    groups = groups_of(view, events, classes)
    judged = sum(len(e.label.rows) - 1 for e in events if not e.gold)
    facts: dict[str, Any] = {"judged": judged, "rows": len(groups)}
    missing = left_out((e.label for e in (*events, *classes) if e.by_person), view.named)
    if len(set(groups.values())) < 2:
        why = "a second group is needed before the space can learn" + missing
        return {"version": keep_none(work.state, about, {**facts, "why": why}), **facts, "why": why}
    facts |= yield from _measured(view, near, groups)
    yield Progress("fit", 0, 1, f"{len(groups):,} rows in {len(set(groups.values())):,} groups")
    space = yield from _tuned(view, groups, _spare(view, groups))
    facts |= {"why": str(space.facts_.get("why", "")) + missing, "table": view.version, "folder": secrets.token_hex(6)}
    home = folder_of(work.home, about, facts["folder"])
    home.mkdir(parents=True)
    yield from _move(near, space, home, len(view))
    np.save(home / "groups.npy", np.array(sorted(groups.items()), np.int64).reshape(-1, 2), allow_pickle=False)
    space.save(home / "space")
    version = keep(work.state, about, facts)
    let_go(work.state, work.home, about)
    return {"version": version, **facts}


def groups_of(view: View, events: list[Event], classes: list[Event]) -> dict[int, int]:
    """The group of each row that was put with others, or has one class, by what people settled on.

    Rows of one class are one group. Rows that an answer puts together join it, except where that would make two
    classes one: what a row is called counts for more than what it was put with.
    """
    names = _names(view, classes)
    parent: dict[int, int] = {}
    name: dict[int, str] = {}  # of a root
    first: dict[str, int] = {}

    def root(row: int) -> int:
        parent.setdefault(row, row)
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for row, called in names.items():
        parent[row] = first.setdefault(called, row)
        name[first[called]] = called
    for together in _together(view, events):
        for other in together:
            a, b = root(together[0]), root(other)
            if a != b and not (a in name and b in name):
                keep, gone = (b, a) if b in name else (a, b)
                parent[gone] = keep
    numbers: dict[int, int] = {}
    return {row: numbers.setdefault(root(row), len(numbers)) for row in sorted(parent)}


def _names(view: View, classes: list[Event]) -> dict[int, str]:
    """What each row with one class is called by people; heuristics would drown what they put together."""
    found = {}
    for label in settled(e for e in classes if e.by_person):
        row, value = view.place(label.rows[0].id, label.rows[0].source), label.value
        if row is not None and isinstance(value, tuple) and len(value) == 1:
            found[row] = value[0]
    return found


def _together(view: View, events: list[Event]) -> Iterator[list[int]]:
    """Rows that an answer says belong together."""
    for label in settled(events):
        sides: dict[str, list[int]] = {}
        for row, side in zip(label.rows, label.value if isinstance(label.value, tuple) else (), strict=False):
            place = view.place(row.id, row.source)
            if side and place is not None:
                sides.setdefault(side, []).append(place)
        yield from sides.values()


def _measured(view: View, near: Nearest, groups: dict[int, int]) -> Working:
    """Share of the same group among the nearest labelled rows, of rows held out, before and after."""
    rows = np.array(sorted(groups), np.int64)
    label = np.array([groups[row] for row in rows.tolist()])
    held = np.random.default_rng(0).permutation(len(rows))[: max(5, round(_HELD * len(rows)))]
    taught = np.setdiff1d(np.arange(len(rows)), held)
    if len(np.unique(label[taught])) < 2 or len(rows) < 20:
        return {}
    yield Progress("measure", 0, 1, "how good the space is on rows held out")
    space = yield from _tuned(view, {int(rows[n]): int(label[n]) for n in taught}, _spare(view, groups))
    vectors = near.vectors(rows)
    found = {
        name: float(same_class(some, label, np.sort(held), _NEAR).mean())
        for name, some in (("before", vectors), ("after", space.move(vectors)))
    }
    return {**found, "figure": "purity"}


def _tuned(view: View, groups: dict[int, int], spare: npt.NDArray[np.int64]) -> Any:
    rows = [*sorted(groups), *spare.tolist()]
    labels = [f"g{groups[row]}" if row in groups else None for row in rows]
    space = Embedder(encoder=ENCODER)
    yield from space.fitting(view.texts(np.array(rows)), labels)
    return space


def _spare(view: View, groups: dict[int, int]) -> npt.NDArray[np.int64]:
    free = np.setdiff1d(np.arange(len(view)), np.array(list(groups), np.int64))
    return np.sort(np.random.default_rng(0).permutation(free)[:_SPARE])


def _move(near: Nearest, space: Embedder, home: Any, total: int) -> Working:
    with replace_file(home / "vectors.npy") as beside:
        every = None
        for at in range(0, total, AT_ONCE):
            yield Progress("move", at, total, f"{at:,} of {total:,} rows")
            rows = np.arange(at, min(at + AT_ONCE, total))
            moved = space.move(near.vectors(rows))
            if every is None:
                every = np.lib.format.open_memmap(beside, "w+", np.float16, (total, moved.shape[1]))
            every[rows] = moved
        if every is not None:
            every.flush()
    return {}
