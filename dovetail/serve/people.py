"""Who may do what: named people with a token each, of which only a hash is kept; logins by cookie; the audit list."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dovetail.errors import InputError, UnknownName
from dovetail.labels.said import HEURISTICS
from dovetail.serve.state import State, now

if TYPE_CHECKING:
    import sqlite3

ROLES = ("label", "curate", "admin")  # each may do what those before it may
_LASTS = 30 * 24 * 3600  # seconds that a login by cookie lasts
_SEEN_EVERY = 60.0  # seconds between two notes that a person was seen


@dataclass(frozen=True)
class Who:
    """A person who proved to be one. `csrf` is what a page must show for every change; None where a token was given."""

    person: str
    role: str
    csrf: str | None = None

    def may(self, role: str) -> bool:
        """Whether this person has a role or one above it."""
        return ROLES.index(self.role) >= ROLES.index(role)


class People:
    """The people of a workspace."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._seen: dict[str, float] = {}
        self._lock = threading.Lock()

    def add(self, person: str, role: str = "label") -> str:
        """Let somebody in and give the token, which is shown this once."""
        person = person.strip()
        if role not in ROLES:
            raise UnknownName("role", role, ROLES)
        if not person or len(person) > 200 or not person.isprintable() or person == HEURISTICS:
            raise InputError(f"{person[:40]!r} is no name of a person; give 1 to 200 printable characters")
        token = _new_token()
        with self.state.writing() as file:
            if file.execute("SELECT 1 FROM people WHERE person = ?", (person,)).fetchone():
                raise InputError(f"{person} is there already; give another name, or make a new token for them")
            file.execute(
                "INSERT INTO people (person, role, token, made_at) VALUES (?, ?, ?, ?)",
                (person, role, _hash(token), now()),
            )
        return token

    def new_token(self, person: str) -> str:
        """A new token in place of the old one, which ends with all logins."""
        token = _new_token()
        with self.state.writing() as file:
            self._find(file, person)
            file.execute("UPDATE people SET token = ? WHERE person = ?", (_hash(token), person))
            file.execute("DELETE FROM logins WHERE person = ?", (person,))
        return token

    def ensure_admin(self, person: str) -> str:
        """A token for the one who starts the server, until the next start: an admin, made on the first one."""
        if self.state.row("SELECT 1 FROM people WHERE person = ?", (person,)) is None:
            self.add(person, "admin")
        token = _new_token()
        with self.state.writing() as file:
            file.execute("UPDATE people SET role = 'admin', active = 1 WHERE person = ?", (person,))
            file.execute("DELETE FROM noted WHERE name LIKE 'start %'")
            file.execute("INSERT INTO noted VALUES (?, ?)", (f"start {_hash(token)}", person))
        return token

    def change(self, person: str, role: str | None = None, active: bool | None = None) -> None:
        """Another role, or let nobody in by this name any more. One active admin stays, always."""
        with self.state.writing() as file:
            found = self._find(file, person)
            role, active = role or found["role"], bool(found["active"]) if active is None else active
            file.execute("UPDATE people SET role = ?, active = ? WHERE person = ?", (role, active, person))
            if not file.execute("SELECT 1 FROM people WHERE role = 'admin' AND active").fetchone():
                raise InputError(f"{person} is the only admin; make another one first")
            if not active:
                file.execute("DELETE FROM logins WHERE person = ?", (person,))

    def listed(self) -> list[sqlite3.Row]:
        """Everybody."""
        return self.state.rows("SELECT person, role, active, made_at, last_seen FROM people ORDER BY person")

    def by_token(self, token: str) -> Who | None:
        """Whose token this is."""
        key = _hash(token)
        started = "person = (SELECT value FROM noted WHERE name = ?)"
        query = f"SELECT person, role FROM people WHERE (token = ? OR {started}) AND active"
        row = self.state.row(query, (key, f"start {key}"))
        return None if row is None else self._here(Who(row["person"], row["role"]))

    def log_in(self, token: str) -> tuple[str, Who] | None:
        """A cookie for the owner of a token; None for a wrong one."""
        who = self.by_token(token)
        if who is None:
            return None
        cookie, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
        with self.state.writing() as file:
            file.execute("DELETE FROM logins WHERE ends_at < ?", (time.time(),))
            file.execute(
                "INSERT INTO logins VALUES (?, ?, ?, ?)", (_hash(cookie), who.person, csrf, time.time() + _LASTS)
            )
        return cookie, Who(who.person, who.role, csrf)

    def by_cookie(self, cookie: str) -> Who | None:
        """Whose login this is."""
        query = (
            "SELECT p.person, p.role, l.csrf FROM logins l JOIN people p USING (person) "
            "WHERE l.cookie = ? AND l.ends_at > ? AND p.active"
        )
        row = self.state.row(query, (_hash(cookie), time.time()))
        return None if row is None else self._here(Who(row["person"], row["role"], row["csrf"]))

    def log_out(self, cookie: str) -> None:
        """End a login."""
        self.state.write("DELETE FROM logins WHERE cookie = ?", (_hash(cookie),))

    def audit(self, person: str, what: str, about: str = "", detail: str = "") -> None:
        """Note who did what."""
        self.state.write(
            "INSERT INTO audit (at, person, what, about, detail) VALUES (?, ?, ?, ?, ?)",
            (now(), person, what, about[:500], detail[:2_000]),
        )

    def audited(self, person: str | None, offset: int, limit: int) -> tuple[list[sqlite3.Row], int]:
        """Entries of the audit list, the latest first, and how many there are."""
        where, values = ("WHERE person = ?", [person]) if person else ("", [])
        total = self.state.rows(f"SELECT count(*) FROM audit {where}", values)[0][0]
        page = f"SELECT * FROM audit {where} ORDER BY id DESC LIMIT ? OFFSET ?"
        return self.state.rows(page, [*values, limit, offset]), int(total)

    def _here(self, who: Who) -> Who:
        moment = time.monotonic()
        with self._lock:
            due = moment - self._seen.get(who.person, -_SEEN_EVERY) >= _SEEN_EVERY
            if due:
                self._seen[who.person] = moment
        if due:
            self.state.write("UPDATE people SET last_seen = ? WHERE person = ?", (now(), who.person))
        return who

    def _find(self, file: sqlite3.Connection, person: str) -> sqlite3.Row:
        found: sqlite3.Row | None = file.execute("SELECT * FROM people WHERE person = ?", (person,)).fetchone()
        if found is None:
            raise UnknownName("person", person, [row["person"] for row in self.listed()])
        return found


def _new_token() -> str:
    return "dt_" + secrets.token_urlsafe(32)


def _hash(secret: str) -> str:
    """Tokens are 256 random bits, so a plain hash gives nothing away."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
