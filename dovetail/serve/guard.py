"""What stands before every request: size, speed, host, origin, who asks, and the headers of every answer.

Nothing of a body is read before these checks have passed.
"""

from __future__ import annotations

import hmac
import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any

from dovetail.serve.people import People, Who

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "dovetail"
OPEN = ("/api/login", "/api/me")  # asked before anybody is known
_READS = ("GET", "HEAD", "OPTIONS")
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self' blob:; frame-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)
REPORT_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


@dataclass(frozen=True)
class Rules:
    """What is let through. Rates are requests a second and the most at once, for each client."""

    loopback: bool = True
    hosts: frozenset[str] = frozenset({"127.0.0.1", "localhost", "[::1]"})
    most_body: int = 4 * 2**20  # bytes
    rate: float = 50.0
    burst: float = 200.0
    login_rate: float = 1 / 6
    login_burst: float = 10.0


class Refused(Exception):
    """A request that goes no further."""

    def __init__(self, status: int, kind: str, sentence: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__(sentence)
        self.status, self.kind, self.headers = status, kind, headers


@dataclass
class Bucket:
    """A token bucket for each client, the least recently seen forgotten first."""

    rate: float
    burst: float
    most: int = 10_000
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def wait(self, client: str) -> float:
        """Take one; 0, or the seconds to wait for it."""
        moment = time.monotonic()
        left, then = self._left.pop(client, (self.burst, moment))
        left = min(self.burst, left + (moment - then) * self.rate)
        short = left < 1
        self._left[client] = (left if short else left - 1, moment)
        while len(self._left) > self.most:
            self._left.popitem(last=False)
        return (1 - left) / self.rate if short else 0.0


class Guard:
    """The outermost layer of the server."""

    def __init__(self, app: App, people: People, rules: Rules) -> None:
        self.app, self.people, self.rules = app, people, rules
        self._speed = Bucket(rules.rate, rules.burst)
        self._logins = Bucket(rules.login_rate, rules.login_burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, then hand on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        guarded = _with_headers(send)
        body = _Body(receive, guarded, self.rules.most_body)
        try:
            self._check(scope)
            await self.app(scope, body.receive, body.send)
        except Refused as no:
            await _refuse(guarded, no)

    def _check(self, scope: Scope) -> None:
        headers = {k.lower(): v.decode("latin-1") for k, v in scope["headers"]}
        path, method = str(scope["path"]), str(scope["method"])
        self._check_place(headers)
        self._check_size(headers)
        who = self._who(headers)
        scope.setdefault("state", {})["who"] = who
        client = who.person if who is not None else str((scope.get("client") or ("?",))[0])
        self._check_speed(self._speed, client)
        if not path.startswith("/api"):
            if method not in _READS:
                raise Refused(405, "NotAllowed", "pages can only be read")
            return
        if path == "/api/login":
            self._check_speed(self._logins, client)
        if path in OPEN:
            return
        changes = method not in _READS
        if who is None and (changes or not self.rules.loopback):
            raise Refused(401, "NeedToken", "this needs a token: log in, or send it as Authorization: Bearer …")
        if who is not None and changes and who.csrf is not None:
            given = headers.get(b"x-csrf", "")
            if not hmac.compare_digest(given.encode("latin-1", "replace"), who.csrf.encode()):
                raise Refused(403, "NeedCsrf", "the header X-CSRF is missing or wrong; load the page again")

    def _check_place(self, headers: dict[bytes, str]) -> None:
        host = headers.get(b"host", "")
        name = host.rsplit(":", 1)[0] if ":" in host.rpartition("]")[2] else host
        if name.lower() not in self.rules.hosts:
            raise Refused(421, "WrongHost", "this server does not answer to that host name; name it with --host-name")
        origin = headers.get(b"origin")
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            raise Refused(403, "ForeignOrigin", "requests from other sites are refused")
        if headers.get(b"sec-fetch-site") == "cross-site" and headers.get(b"sec-fetch-mode") != "navigate":
            raise Refused(403, "ForeignOrigin", "requests from other sites are refused")

    def _check_size(self, headers: dict[bytes, str]) -> None:
        said = headers.get(b"content-length", "0")
        if not said.isdigit() or int(said) > self.rules.most_body:
            raise _too_large(self.rules.most_body)

    def _who(self, headers: dict[bytes, str]) -> Who | None:
        kind, _, token = headers.get(b"authorization", "").partition(" ")
        if kind.lower() == "bearer" and token:
            who = self.people.by_token(token.strip())
            if who is None:
                raise Refused(401, "WrongToken", "this token is not known, or has ended")
            return who
        try:
            found = SimpleCookie(headers.get(b"cookie", "")).get(COOKIE)
        except CookieError:
            return None
        return None if found is None else self.people.by_cookie(found.value)

    def _check_speed(self, bucket: Bucket, client: str) -> None:
        wait = bucket.wait(client)
        if wait:
            after = str(max(1, round(wait + 0.5))).encode()
            raise Refused(429, "TooFast", "too many requests; wait a moment", ((b"retry-after", after),))


def _too_large(most: int) -> Refused:
    return Refused(
        413,
        "TooLarge",
        f"a request may hold {most // 2**20} MB at most; send less at once",
        ((b"connection", b"close"),),
    )


class _Body:
    """Stops a body of unknown length that grows too large; whatever the application then says, the answer is 413."""

    def __init__(self, receive: Receive, send: Send, most: int) -> None:
        self._receive, self._send, self.most = receive, send, most
        self.seen, self.said = 0, False

    async def receive(self) -> Message:
        """The next part."""
        message = await self._receive()
        self.seen += len(message.get("body", b""))
        if self.seen > self.most:
            raise _too_large(self.most)
        return message

    async def send(self, message: Message) -> None:
        """The answer, or the refusal in its place."""
        if self.seen <= self.most:
            await self._send(message)
        elif not self.said:
            self.said = True
            await _refuse(self._send, _too_large(self.most))


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = list(message.get("headers", ()))
            known = {name.lower() for name, _ in given}
            given += [pair for pair in _HEADERS if pair[0] not in known]
            if b"content-security-policy" not in known:
                given.append((b"content-security-policy", _PAGE_POLICY.encode()))
            if b"cache-control" not in known:
                given.append((b"cache-control", b"no-store"))
            message["headers"] = given
        await send(message)

    return sending


async def _refuse(send: Send, no: Refused) -> None:
    body = json.dumps({"error": str(no), "type": no.kind}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *no.headers]
    await send({"type": "http.response.start", "status": no.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
