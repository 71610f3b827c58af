"""What travels between server and page, common parts: requests are strict and limited in size, answers are plain."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

MOST_ROWS = 2**31 - 1

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Key = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._:\-]+$")]
Text = Annotated[str, StringConstraints(max_length=20_000)]
Words = Annotated[str, StringConstraints(max_length=2_000)]
RowNumber = Annotated[int, Field(ge=0, le=MOST_ROWS)]
RoleName = Literal["label", "curate", "admin"]


class Asked(BaseModel):
    """A request: what is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Given(BaseModel):
    """An answer."""

    model_config = ConfigDict(frozen=True)


class Nothing(Asked):
    """An empty object."""


class Problem(Given):
    """What went wrong, in one sentence for people, and its kind for programs."""

    error: str
    type: str


class Span(Given):
    """An estimate with its 95 % interval; null where it cannot be said."""

    value: float | None
    low: float | None
    high: float | None


class Login(Asked):
    """A token, to be exchanged for a cookie."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Me(Given):
    """Who is asking. `csrf` goes into the header X-CSRF of everything that writes."""

    person: str | None
    role: RoleName | None
    csrf: str | None
    loopback: bool
    needs_token: bool  # for what is asked next: writing, and off loopback reading, too
    version: str
    workspace: str


class Health(Given):
    """A sign of life."""

    ok: bool
    version: str


class Person(Given):
    """Somebody who may use the workbench."""

    person: str
    role: RoleName
    active: bool
    made_at: str
    last_seen: str | None
    labels: int


class NewPerson(Asked):
    """A person to let in."""

    person: Name
    role: RoleName = "label"


class NewToken(Given):
    """A token. It is shown once; only its hash is kept."""

    person: str
    role: RoleName
    token: str


class PersonChange(Asked):
    """What of a person to change."""

    role: RoleName | None = None
    active: bool | None = None


class AuditEntry(Given):
    """Who did what, and when."""

    id: int
    at: str
    person: str
    what: str
    about: str
    detail: str


class AuditPage(Given):
    """Entries, the latest first."""

    entries: list[AuditEntry]
    total: int


class Job(Given):
    """A long piece of work and how far it is."""

    job: str
    kind: str
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    step: str
    done: int
    total: int
    note: str
    share: float
    seconds: float
    seconds_left: float | None
    made_by: str
    made_at: str
    error: str | None
    result: dict[str, Any] | None
    attempts: int


class Line(Given):
    """What one attribute says."""

    name: str
    left: str | None
    right: str | None
    similarity: float | None
    importance: float


class Like(Given):
    """A labelled pair that was decided for the same reasons."""

    left: str
    right: str
    label: str
    distance: float


class WordWeight(Given):
    """How much a word speaks for a class."""

    word: str
    weight: float


class Why(Given):
    """Why a model thinks what it thinks: base plus importances give the log-odds of the score."""

    score: float
    base: float = 0.0
    threshold: float = 0.5
    lines: list[Line] = Field(default_factory=list)
    sentence: str = ""
    change: str | None = None
    precedents: list[Like] = Field(default_factory=list)
    words: list[WordWeight] = Field(default_factory=list)
