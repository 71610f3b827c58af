"""Sessions that ask which rows belong with one row: many labels at a glance, and a space that learns from them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from dovetail.errors import InputError, UnknownName
from dovetail.labels.said import Label, Row, Suggestion, classes, group
from dovetail.measure.percent import percent
from dovetail.serve.desk import Found, Session
from dovetail.serve.room import Room
from dovetail.serve.trained import Space, in_use, runs, space_of
from dovetail.serve.wire import Job, Why
from dovetail.serve.wire_label import GroupItem, GroupValue, Neighbour, NextAsked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dovetail.labels.said import Event
    from dovetail.serve.tables import View

NEAR = 25
EVERY = 25  # judged rows between two trainings
_ITEM = re.compile(r"g-(\d{1,10})")
_TRIED = 400  # rows among which the next one to ask about is looked for
_NAMED = 5_000  # named rows that are looked at, the latest
_SURE = 0.2  # what a row weighs of which is known what it is called
_VOTES = 5  # named rows that say what a row is probably called
_SHOWN_NAMED = 10  # of the 25 nearest must bear a name before it is filled in: one press gives it to all that are shown
_RECENT = 20  # answers over which purity is taken


class GroupDesk:
    """Chooses a row, shows what is near it, and keeps the space up to date in the background."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self._spaces: dict[str, tuple[tuple[Any, ...], Space | None]] = {}

    def check(self, session: Session) -> None:
        """There must be a table with rows."""
        view = self._view(session)
        if len(view) < 2:
            raise InputError(f"{view.name} has {len(view)} rows; grouping needs two or more")
        _check_rows(view, session)

    def following(self, session: Session, person: str, asked: NextAsked) -> Found:
        """The row that was asked for, or those least like anything that was grouped."""
        view = self._view(session)
        if asked.row is not None:
            return Found([f"g-{view.check(asked.row)}"], None)
        rows = self._next_rows(session, view, asked.count * 3)
        names = [f"g-{row}" for row in rows]
        free = [name for name in names if self.room.leases.take(session.session, name, person)]
        left = len(_rows_of(view, session)) - len(self._grouped(session))
        return Found(free[: asked.count], max(0, left), None if free else "every row was grouped")

    def item(self, session: Session, item: str, person: str) -> GroupItem:
        """A row and the 25 nearest, as the space has them now."""
        view, row = self._view(session), self._row(session, item)
        rows, cosine = self._near(view, row)
        labels, space = self._grouped(session), self._space(view)
        groups, names = space.groups if space is not None else {}, self._names(view)
        guess = self._guessed(view, names, [row, *rows.tolist()])
        shown = [
            Neighbour(
                record=view.rec(n),
                similarity=round(like, 4),
                same=_alike(guess[row], guess[n]) if guess else _same(groups, row, n),
                labelled=labels.get(n) if labels.get(n) != person else None,
            )
            for n, like in zip(rows.tolist(), cosine.tolist(), strict=True)
        ]
        blind = bool(session["blind"])
        if blind:
            shown = [n.model_copy(update={"same": None, "labelled": None}) for n in shown]
        return GroupItem(
            item=item,
            focus=view.rec(row),
            neighbours=shown,
            purity=self._purity(session),
            names=sorted(set(names.values()))[:200],
            name="" if blind else _offered(names, row, rows.tolist()),
        )

    def labels(self, session: Session, item: str, value: Any) -> list[tuple[Label, Suggestion | None]]:
        """Which of the shown rows belong with it."""
        view, row = self._view(session), self._row(session, item)
        if not isinstance(value, GroupValue):
            raise InputError("a group is answered by the rows that belong with it, and those that do not")
        same = [n for n in dict.fromkeys(value.same) if n != row]
        other = [n for n in dict.fromkeys(value.other) if n != row]
        if set(same) & set(other):
            raise InputError("a row is named both as belonging with it and as not")
        if not same and not other:
            raise InputError("nothing was said of any row")
        rows = [row, *same, *other]
        names = ["1"] * (1 + len(same)) + [""] * len(other)
        version = (in_use(self.room.state, f"space {view.name}") or (0,))[0]
        thought = Suggestion(tuple("1" for _ in rows), None, f"space {version}")
        said: list[tuple[Label, Suggestion | None]]
        said = [(group([_named(view, n) for n in rows], names, task=session.task), thought)]
        name = value.name.strip()
        return said + [(classes(_named(view, n), [name], task=session.task), None) for n in (row, *same) if name]

    def item_of(self, session: Session, label: Label) -> str | None:
        """The row that a label was about."""
        row = self._view(session).place(label.rows[0].id, label.rows[0].source)
        return None if row is None else f"g-{row}"

    def why(self, session: Session, item: str) -> Why:
        """How near the nearest are."""
        view, row = self._view(session), self._row(session, item)
        rows, cosine = self._near(view, row)
        names = [str(view.ids[int(n)].as_py()) for n in rows[:5]]
        nearest = ", ".join(f"{name} ({like:.2f})" for name, like in zip(names, cosine, strict=False))
        return Why(score=float(cosine[0]) if len(cosine) else 0.0, sentence=f"the nearest in the space: {nearest}")

    def facts(self, session: Session) -> dict[str, Any]:
        """Purity now, and by how much better the space became."""
        about = f"space {session.table}"
        found = runs(self.room.state, about)
        judged = sum(len(e.label.rows) - 1 for e in self._events(session))
        seen = int(found[0][2].get("judged", 0)) if found else 0
        facts: dict[str, Any] = {"work": "space", "until_retrain": max(0, EVERY - (judged - seen))}
        used = in_use(self.room.state, about)
        facts |= {"version": used[0] if used else 0, "purity": self._purity(session)}
        if used:
            facts["effect"] = self._effect(session, *used)
        return facts

    def answered(self, session: Session, person: str) -> None:
        """Tune the space again after so many judged rows."""
        if self.facts(session)["until_retrain"] <= 0:
            self.retrain(session, person)

    def retrain(self, session: Session, person: str) -> Job:
        """Tune the space now."""
        return self.room.jobs.add("space", {"table": session.table}, person, same="waiting")

    def _view(self, session: Session) -> View:
        return self.room.tables.get(session.table)

    def _row(self, session: Session, item: str) -> int:
        found = _ITEM.fullmatch(item)
        if found is None:
            raise UnknownName("row to group", item, ())
        return self._view(session).check(int(found[1]))

    def _events(self, session: Session) -> list[Event]:
        return self.room.ledger.current("group", session.task)

    def _names(self, view: View) -> dict[int, str]:
        """Rows of one class, and its name; a right answer counts whatever else was said."""
        ledger, found = self.room.ledger, {}
        gold = [e for e in ledger.golden() if e.label.shape == "class" and e.label.task == view.name]
        for event in [*ledger.current("class", view.name), *gold]:
            value, row = event.label.value, view.place(event.label.rows[0].id, event.label.rows[0].source)
            if row is not None and isinstance(value, tuple) and len(value) == 1:
                found[row] = value[0]
            elif row is not None and event.gold:
                found.pop(row, None)
        return found

    def _guessed(self, view: View, names: dict[int, str], rows: list[int]) -> dict[int, tuple[str, bool]]:
        """What each row is called, or else most of the named rows near to it, and whether they all are; {} for none."""
        if not names:
            return {}
        space, near = self._space(view), self.room.nearest.of(view)
        named = np.array(sorted(list(names)[-_NAMED:]), np.int64)
        asked = np.array(rows, np.int64)
        if space is None:
            a, b = near.vectors(asked), near.vectors(named)
        else:
            a, b = (np.asarray(space.vectors[some], np.float32) for some in (asked, named))
        like, found = a @ b.T, {}
        nearest = np.argsort(-like, axis=1, kind="stable")[:, :_VOTES]
        for place, row in enumerate(rows):
            votes: dict[str, float] = {}
            for n in nearest[place].tolist():
                name = names[int(named[n])]
                votes[name] = votes.get(name, 0.0) + max(float(like[place, n]), 0.0)
            best = names.get(row) or max(votes, key=lambda name: votes[name])
            found[row] = best, row in names or len(votes) == 1
        return found

    def _doubt(self, view: View, rows: Any) -> Any:
        """How much each row (n,) weighs: less where the named rows near it agree on what it is called."""
        guess = self._guessed(view, self._names(view), rows.tolist())
        sure = np.array([bool(guess) and guess[row][1] for row in rows.tolist()])
        return np.where(sure, _SURE, 1.0).astype(np.float32)

    def _grouped(self, session: Session) -> dict[int, str]:
        """Rows that were judged, and by whom."""
        view, found = self._view(session), {}
        for event in self._events(session):
            for row in event.label.rows:
                number = view.place(row.id, row.source)
                if number is not None:
                    found[number] = event.person
        return found

    def _space(self, view: View) -> Space | None:
        found = in_use(self.room.state, f"space {view.name}")
        key = (view.version, found[0] if found else 0)
        if self._spaces.get(view.name, ((), None))[0] != key:
            self._spaces[view.name] = key, space_of(self.room.state, self.room.home, view)
        return self._spaces[view.name][1]

    def _near(self, view: View, row: int) -> tuple[Any, Any]:
        space, near = self._space(view), self.room.nearest.of(view)
        if space is None:
            near.ensure()
            rows, cosine = near.rows_near(near.vectors(np.array([row]))[0], NEAR + 1)
        else:
            every = space.vectors @ space.vectors[row] if len(view) <= 20_000 else _by_parts(space.vectors, row)
            rows = np.argpartition(-every, min(NEAR + 1, len(every) - 1))[: NEAR + 1]
            rows = rows[np.argsort(-every[rows], kind="stable")]
            cosine = every[rows].astype(np.float32)
        others = rows != row
        return rows[others][:NEAR], cosine[others][:NEAR]

    def _next_rows(self, session: Session, view: View, count: int) -> list[int]:
        """Of some open rows those that stand for most of what no grouped row is like: so the answers cover the table.

        That is the greedy choice for facility location (Nemhauser, Wolsey and Fisher 1978): outliers, which stand for
        themselves alone, come last.
        """
        done = np.array(sorted(self._grouped(session)), np.int64)
        open_ = np.setdiff1d(_rows_of(view, session), done)
        if not len(open_):
            return []
        rng = np.random.default_rng([len(done), len(view)])
        some = rng.permutation(open_)[:_TRIED]
        if session["strategy"] == "random":
            return [int(n) for n in some[:count]]
        near, some = self.room.nearest.of(view), np.sort(some)
        near.ensure()
        vectors = near.vectors(some)
        like, covered = vectors @ vectors.T, np.zeros(len(some), np.float32)
        if len(done):
            covered = (vectors @ near.vectors(done[-2_000:]).T).max(axis=1)
        weight = self._doubt(view, some)[:, None]
        chosen: list[int] = []
        for _ in range(min(count, len(some))):
            gain = (weight * np.maximum(like - covered[:, None], 0)).sum(axis=0)
            gain[chosen] = -1
            chosen.append(int(np.argmax(gain)))
            covered = np.maximum(covered, like[:, chosen[-1]])
        return [int(n) for n in some[chosen]]

    def _purity(self, session: Session) -> float | None:
        said = [e for e in self.room.ledger.of_session(session.session) if e.label.shape == "group"]
        return purity_of(said[-_RECENT:])

    def _effect(self, session: Session, version: int, at: str, facts: dict[str, Any]) -> dict[str, Any]:
        """Purity of what was shown since this training against before; until then, that of held-out rows."""
        shown = {v: [e for e in self._events(session) if _version(e) == v] for v in (version - 1, version)}
        before, after = purity_of(shown[version - 1]), purity_of(shown[version])
        labels = int(facts.get("judged", 0))
        found = {"version": version, "at": at, "figure": "purity", "labels": labels}
        if before is not None and after is not None:
            belong = f"{percent(after, 0)} of the cards shown belong with their row"
            said = f"{belong}, before this training {percent(before, 0)}"
            return {**found, "before": before, "after": after, "sentence": said}
        before, after = facts.get("before"), facts.get("after")
        said = str(facts.get("why", ""))
        if before is not None and after is not None:
            said = f"on rows held out, {percent(after, 0)} of the nearest belong together, before {percent(before, 0)}"
        return {**found, "before": before, "after": after, "sentence": said}


def purity_of(events: Sequence[Event]) -> float | None:
    """Of the rows that were shown and judged, the share that belonged with their row."""
    same = sum(bool(v) for e in events if isinstance(e.label.value, tuple) for v in e.label.value[1:])
    judged = sum(len(e.label.rows) - 1 for e in events)
    return same / judged if judged else None


def _version(event: Event) -> int:
    thought = event.suggestion
    return int(thought.model.removeprefix("space ")) if thought and thought.model.startswith("space ") else 0


def _named(view: View, row: int) -> Row:
    return Row(str(view.ids[row].as_py()), view.source(row))


def _check_rows(view: View, session: Session) -> None:
    rows = session["rows"]
    if rows and max(rows) >= len(view):
        raise UnknownName("row", str(max(rows)), (), view.name)


def _rows_of(view: View, session: Session) -> Any:
    rows = session["rows"]
    return np.arange(len(view)) if not rows else np.unique(np.array(rows, np.int64))


def _same(groups: dict[int, int], row: int, other: int) -> bool | None:
    """What the groups so far say of two rows; None where one of them is in none."""
    a, b = groups.get(row), groups.get(other)
    return None if a is None or b is None else a == b


def _alike(one: tuple[str, bool], other: tuple[str, bool]) -> bool | None:
    """Whether two rows are probably called the same; None where either is in doubt."""
    return one[0] == other[0] if one[1] and other[1] else None


def _offered(names: dict[int, str], row: int, near: list[int]) -> str:
    """The name to fill in: the row's own, or the one that many of the nearest bear and none contradicts; else none.

    It takes two names in the table: of one alone every row would seem to bear it.
    """
    borne = [names[n] for n in near if n in names]
    clear = len(borne) >= _SHOWN_NAMED and len(set(borne)) == 1 and len(set(names.values())) > 1
    return names.get(row) or (borne[0] if clear else "")


def _by_parts(vectors: Any, row: int) -> Any:
    """Cosines (n,) of one row with all, a part at a time."""
    one = np.asarray(vectors[row], np.float32)
    parts = [np.asarray(vectors[at : at + 50_000], np.float32) @ one for at in range(0, len(vectors), 50_000)]
    return np.concatenate(parts)
