"""What a kind of session must be able to do: the seam between sessions and what they ask about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from dovetail.labels.said import Label, Suggestion
from dovetail.serve.wire import Job, Why
from dovetail.serve.wire_label import NextAsked

if TYPE_CHECKING:
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


def gold_due(ledger: Ledger, person: str, shape: str, task: str) -> Label | None:
    """Now and then a gold question that this person has not answered, so that it can be said how far to trust them."""
    if not person or (ledger.given[person] + 1) % _GOLD:
        return None
    asked = (e.label for e in ledger.golden() if e.label.shape == shape and e.label.task == task)
    return next((label for label in asked if person not in ledger.about(label.subject_key())), None)


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
