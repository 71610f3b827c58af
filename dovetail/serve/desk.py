"""What a kind of session must be able to do: the seam between sessions and what they ask about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from dovetail.labels.said import Label, Suggestion
from dovetail.serve.wire import Job, Why
from dovetail.serve.wire_label import NextAsked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dovetail.serve.ledger import Ledger

_GOLD = 20  # one question in so many is a gold question, where there are some
# What serves each kind of session: a class that is made with a `Room`.
DESKS = {
    "pair": "dovetail.serve.desk_pair:PairDesk",
    "group": "dovetail.serve.desk_group:GroupDesk",
    "class": "dovetail.serve.desk_class:ClassDesk",
    "judgement": "dovetail.serve.desk_judge:JudgementDesk",
}


@dataclass(frozen=True)
class Session:
    """A session as it is kept."""

    session: str
    kind: str
    table: str
    made_by: str
    made_at: str
    open: bool
    settings: dict[str, Any] = field(hash=False)

    def __getitem__(self, name: str) -> Any:
        return self.settings.get(name)

    @property
    def task(self) -> str:
        """What its labels are filed under."""
        return "" if self.kind == "pair" else self.table


class GoldQuestions:
    """Now and then a question whose right answer is known, so that it can be said how far to trust a person.

    What was shown is kept in memory only: one that a person passed comes again when all others were shown.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._turn: dict[tuple[str, str], int] = {}  # session, person: how many labels they had given at the last one
        self._shown: dict[tuple[str, str], set[str]] = {}

    def due(self, session: Session, person: str, item_of: Callable[[Label], str | None]) -> str | None:
        """The item of a gold question that this person has not answered, one in twenty; None where none is due.

        `item_of` gives None for what is not in the session, or no longer there.
        """
        given, place = self._ledger.given[person], (session.session, person)
        if not person or (given + 1) % _GOLD or self._turn.get(place) == given:
            return None
        open_ = {key: label for key, label in self._of(session) if person not in self._ledger.about(key)}
        items = {key: name for key, label in open_.items() if (name := item_of(label)) is not None}
        if not items:
            return None
        shown = self._shown.setdefault(place, set())
        if shown >= items.keys():
            shown.clear()
        key = next(key for key in items if key not in shown)
        shown.add(key)
        self._turn[place] = given
        return items[key]

    def _of(self, session: Session) -> Iterator[tuple[str, Label]]:
        labels = (event.label for event in self._ledger.golden())
        return ((x.subject_key(), x) for x in labels if x.shape == session.kind and x.task == session.task)


@dataclass(frozen=True)
class Found:
    """Items to show, by name, how many are left, and something to tell the person."""

    items: list[str]
    left: int | None
    notice: str | None = None


class Desk(Protocol):
    """Asks about one kind of thing."""

    def check(self, session: Session) -> None:
        """Raise an `InputError` where such a session cannot be held here."""

    def following(self, session: Session, person: str, asked: NextAsked) -> Found:
        """What to show next."""

    def item(self, session: Session, item: str, person: str) -> Any:
        """One item as it is sent; unknown ones raise `InputError`."""

    def labels(self, session: Session, item: str, value: Any) -> list[tuple[Label, Suggestion | None]]:
        """What an answer says."""

    def item_of(self, session: Session, label: Label) -> str | None:
        """The item that a label answers."""

    def why(self, session: Session, item: str) -> Why:
        """Why the model thinks what it thinks."""

    def facts(self, session: Session) -> dict[str, Any]:
        """What progress says besides counts: left, version, effect, gain, curve, purity, training, until_retrain."""

    def answered(self, session: Session, person: str) -> None:
        """An answer was kept."""

    def retrain(self, session: Session, person: str) -> Job:
        """Queue a training now."""
