"""The workbench's server: people at once with kills, a million rows, the first question, and hostile requests.

`people`: 20 people label for two minutes while the server is killed three times. `rows`: pages, sorts, filters and
searches of a table of a million rows. `start`: from the command to the first question, then from answer to answer, on
50,000 rows. `openapi`: requests made from the OpenAPI document, 500 an address. `similar`: a simulated person.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.similar_sessions import compare

SETS = ("people", "rows", "start", "openapi", "similar")
_PEOPLE = 20


def add_options(parser: argparse.ArgumentParser) -> None:
    """How long, how many, and which workspace."""
    parser.add_argument("--minutes", type=float, default=2.0, help="how long people label")
    parser.add_argument("--kills", type=int, default=3, help="how often the server is killed")
    parser.add_argument("--rows", type=int, default=0, help="rows of the table; 1,000,000 for rows, 50,000 for start")
    parser.add_argument("--examples", type=int, default=500, help="requests an address")
    parser.add_argument("--portion", default="1/1", help="which part of the addresses openapi asks, as 2/6")
    parser.add_argument("--judge", default="test", choices=("test", "valid"), help="part that judges similar sessions")
    parser.add_argument("--workspace", help="a workspace for start or openapi that was made before")


def run(set_name: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """One of the five."""
    kinds: dict[str, Callable[[int, argparse.Namespace, Path], dict[str, Any]]] = {
        "people": people,
        "rows": rows,
        "start": start,
        "openapi": openapi,
        "similar": similar,
    }
    with tempfile.TemporaryDirectory() as place:
        return kinds[set_name](seed, options, Path(place))


class Server:
    """A server in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.token = folder, ""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.process: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and wait until it listens."""
        command = [sys.executable, "-m", "dovetail.cli.main", "serve", str(self.folder), "--port", str(self.port)]
        self.process = subprocess.Popen([*command, "--as", "bench"], stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        self.token = re.findall(r"token=(\S+)", self.process.stderr.readline())[0]
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)

    def kill(self) -> None:
        """As pulling the plug would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def running(folder: Path) -> Iterator[tuple[Server, Any]]:
    """A server and a client with its token."""
    import httpx

    server = Server(folder)
    server.start()
    headers = {"authorization": f"Bearer {server.token}"}
    try:
        with httpx.Client(base_url=server.address, timeout=120, headers=headers) as client:
            yield server, client
    finally:
        server.kill()


def people(seed: int, options: argparse.Namespace, place: Path) -> dict[str, Any]:
    """Twenty people who label at once; whoever hears nothing sends again with the same key."""
    import httpx

    import dovetail
    from dovetail.labels.store import LabelStore

    folder = place / "ws"
    example = Path(__file__).resolve().parent.parent / "examples" / "products"
    dovetail.integrate(example / "north.csv", example / "south.csv", out=folder)
    server = Server(folder)
    server.start()
    with httpx.Client(base_url=server.address, headers={"authorization": f"Bearer {server.token}"}) as admin:
        tokens = [admin.post("/api/people", json={"person": f"p{n}"}).json()["token"] for n in range(_PEOPLE)]
        session = admin.post("/api/sessions", json={"kind": "pair"}).json()["session"]
    end = time.monotonic() + 60 * options.minutes
    hands = [Hand(server.address, session, token, f"p{n}", seed) for n, token in enumerate(tokens)]
    threads = [threading.Thread(target=hand.label, args=(end,)) for hand in hands]
    for thread in threads:
        thread.start()
    for n in range(options.kills):
        time.sleep(max(0.0, end - 60 * options.minutes * (1 - (n + 1) / (options.kills + 1)) - time.monotonic()))
        server.kill()
        server.start()
    for thread in threads:
        thread.join()
    server.kill()
    with LabelStore(folder / "labels.sqlite") as store:
        events = list(store.history())
    kept, sent = {e.key: e.id for e in events}, {k: v for hand in hands for k, v in hand.acknowledged.items()}
    waits = np.array([w for hand in hands for w in hand.seconds])
    subjects = [(e.person, e.label.subject_key()) for e in events]
    return {
        "people": _PEOPLE,
        "answers": len(sent),
        "lost": sum(kept.get(key) != event for key, event in sent.items()),
        "doubled": len(events) - len(kept),
        "said_twice": len(subjects) - len(set(subjects)),
        "kills": options.kills,
        "retries": sum(hand.retries for hand in hands),
        **_times(waits),
    }


class Hand:
    """One person who labels, with a second's thought between two answers."""

    def __init__(self, address: str, session: str, token: str, name: str, seed: int) -> None:
        self.address, self.session, self.token, self.name = address, session, token, name
        self.random = random.Random(f"{name}/{seed}")
        self.acknowledged: dict[str, int] = {}
        self.seconds: list[float] = []
        self.retries = 0

    def label(self, end: float) -> None:
        """Answer until the end; an answer that was begun is brought to its end."""
        import httpx

        headers = {"authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=self.address, timeout=30, headers=headers) as client:
            item, number = self._next(client), 0
            while item is not None and time.monotonic() < end:
                body = {"key": f"{self.name}-{number}", "item": item, "value": self.random.choice(("match", "not"))}
                start, retries = time.perf_counter(), self.retries
                found = self._sent(client, "POST", f"/api/sessions/{self.session}/answers", body)
                self.acknowledged[body["key"]] = found["event"]
                item, number = self._next(client), number + 1
                if self.retries == retries:
                    self.seconds.append(time.perf_counter() - start)
                time.sleep(self.random.uniform(0.3, 1.7))

    def _next(self, client: Any) -> str | None:
        items = self._sent(client, "GET", f"/api/sessions/{self.session}/next", None)["items"]
        return items[0]["item"] if items else None

    def _sent(self, client: Any, method: str, path: str, body: Any) -> Any:
        """Send until there is an answer."""
        import httpx

        while True:
            with contextlib.suppress(httpx.HTTPError):
                answer = client.request(method, path, json=body)
                if answer.status_code == 200:
                    return answer.json()
                if answer.status_code != 429:
                    raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
            self.retries += 1
            time.sleep(0.2)


def rows(seed: int, options: argparse.Namespace, place: Path) -> dict[str, Any]:
    """A table of a million people: the first page, sorts, filters, words, facets and rows alike."""
    from bench.people_rows import make
    from dovetail.serve.workbench import Workbench
    from dovetail.types import Table
    from dovetail.workspace import open_workspace

    total = options.rows or 1_000_000
    table, _ = make(total, seed)
    folder = place / "ws"
    open_workspace(folder)
    bench = Workbench(folder, work=False)
    began = time.perf_counter()
    bench.tables.add(Table("people", table, table["id"].combine_chunks()))
    kept = time.perf_counter() - began
    bench.close()
    found: dict[str, Any] = {"rows": total, "keep_seconds": round(kept, 1)}
    with running(folder) as (_, client):
        found["first_page_ms"] = _asked(client, {})[1]
        found["first_sort_ms"] = _asked(client, {"sort": "surname"})[1]  # makes the columns' file
        found |= {f"scan_{k}": v for k, v in _times(_many(client, seed, ("q",), 20)).items()}
        began = time.perf_counter()
        while any(j["state"] in ("waiting", "running") for j in client.get("/api/jobs").json()):
            time.sleep(1)
        found["index_seconds"] = round(time.perf_counter() - began, 1)
        for kind in ("page", "sort", "filter", "q", "facets", "like"):
            found |= {f"{kind}_{k}": v for k, v in _times(_many(client, seed, (kind,), 60)).items()}
        every = _many(client, seed + 1, ("page", "sort", "filter", "q", "like"), 200)
    return {**found, **_times(every)}


def _asked(client: Any, asked: dict[str, Any], path: str = "rows") -> tuple[int, float]:
    began = time.perf_counter()
    answer = client.get(f"/api/tables/people/{path}", params=asked)
    if answer.status_code != 200:
        raise SystemExit(f"{asked}: {answer.status_code} {answer.text[:300]}")
    return answer.json().get("total", 0), round(1000 * (time.perf_counter() - began), 1)


def _many(client: Any, seed: int, kinds: tuple[str, ...], number: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Seconds of several requests of some kinds."""
    draw = random.Random(seed)
    words = ["anna", "oak", "smith", "market", "wood", "north street", "lin", "1975", "hart gardens", "emma"]
    columns = [c["name"] for t in client.get("/api/tables").json() for c in t["columns"]]
    spent = []
    for _ in range(number):
        kind, path = draw.choice(kinds), "rows"
        asked: dict[str, Any] = {"limit": 50}
        if kind == "page":
            asked["offset"] = draw.randrange(500_000)
        if kind == "sort":
            asked["sort"] = draw.choice("-+").replace("+", "") + draw.choice(columns)
        if kind == "filter":
            asked["filter"] = f'[{{"column":"{draw.choice(columns)}","op":"contains","value":"{draw.choice(words)}"}}]'
        if kind == "q":
            asked["q"] = draw.choice(words)
        if kind == "like":
            asked["like"] = draw.randrange(10_000)
        if kind == "facets":
            asked, path = {"column": draw.choice(columns)}, "facets"
        spent.append(_asked(client, asked, path)[1] / 1000)
    return np.array(spent)


def start(seed: int, options: argparse.Namespace, place: Path) -> dict[str, Any]:
    """From the command to the first question, then answers; a training is begun on the way."""
    import dovetail
    from bench.people import write

    folder = Path(options.workspace) if options.workspace else place / "ws"
    if not options.workspace:
        write(place / "people.csv", options.rows or 50_000, seed)
        dovetail.dedupe(place / "people.csv", id="id", out=folder)
    began = time.perf_counter()
    with running(folder) as (_, client):
        session = client.post("/api/sessions", json={"kind": "pair"}).json()["session"]
        path = f"/api/sessions/{session}"
        shown = client.get(f"{path}/next").json()
        item, before = shown["items"][0], shown["progress"]["version"]
        first = time.perf_counter() - began
        waits, meanwhile, asked, due, used = [], [], time.time_ns(), 0.0, None
        for n in range(150):
            value = (item["suggestion"] or {"value": "unsure"})["value"]
            tick = time.perf_counter()
            body = {"key": f"{asked}-{n}", "item": item["item"], "value": value}
            said = client.post(f"{path}/answers", json=body).raise_for_status().json()["progress"]
            due = time.perf_counter() if n == 24 else due
            used = time.perf_counter() - due if due and used is None and said["version"] > before else used
            item = client.get(f"{path}/next").json()["items"][0]
            waits.append(time.perf_counter() - tick)
            meanwhile += waits[-1:] if due and used is None else []
            time.sleep(1.0 if n < 24 else 0.1)  # a second's thought, until the first training begins
        while used is None and time.perf_counter() - due < 300:
            time.sleep(0.2)
            if client.get(f"{path}/progress").json()["version"] > before:
                used = time.perf_counter() - due
    used = None if used is None else round(used, 1)
    learning = {f"learning_{k}": v for k, v in _times(np.array(meanwhile)).items()}
    return {"first_question_seconds": round(first, 2), "in_use_seconds": used, **_times(np.array(waits)), **learning}


def openapi(seed: int, options: argparse.Namespace, place: Path) -> dict[str, Any]:
    """Requests made from the document by schemathesis; counts what the server got wrong."""
    import json

    import schemathesis
    from fastapi.testclient import TestClient
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded

    import dovetail
    from dovetail.serve.app import make_app
    from dovetail.serve.guard import Rules
    from dovetail.serve.openapi import document
    from dovetail.serve.workbench import Workbench

    example = Path(__file__).resolve().parent.parent / "examples" / "products"
    if options.workspace:
        shutil.copytree(options.workspace, place / "ws")
    else:
        dovetail.integrate(example / "north.csv", example / "south.csv", out=place / "ws")
    bench = Workbench(place / "ws", work=False)
    token, wrong, asked = bench.people.ensure_admin("bench"), [], 0
    asking: list[float] = []  # seconds of the server; the rest of the time makes the requests
    app = make_app(bench, Rules(rate=1e6, burst=1e6, login_rate=1e6, login_burst=1e6))
    schema = schemathesis.openapi.from_dict(json.loads(document()))
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        client.headers["authorization"] = f"Bearer {token}"
        every = [one.ok() for one in schema.get_all_operations()]
        number, of = map(int, options.portion.split("/"))
        operations = [o for o in every if o.path != "/api/events"][number - 1 :: of]
        for operation in operations:

            @seeded(seed)
            @settings(
                max_examples=options.examples,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy())
            def ask(case: Any) -> None:
                nonlocal asked
                found = case.as_transport_kwargs(base_url="http://127.0.0.1")
                wanted = {k: found[k] for k in ("json", "params") if found.get(k) is not None}
                begun = time.perf_counter()
                answer = client.request(found["method"], found["url"], **wanted)
                asked += 1
                asking.append(time.perf_counter() - begun)
                if answer.status_code >= 500:
                    wrong.append(f"{found['method']} {found['url']}: {answer.status_code}")

            print(f"{operation.method} {operation.path}", file=sys.stderr)
            ask()
    bench.close()
    found = {"addresses": len(operations), "requests": asked, "errors_5xx": len(wrong), "first": wrong[:5]}
    return {**found, "asking_seconds": round(sum(asking), 1), **_times(np.array(asking))}


def similar(seed: int, options: argparse.Namespace, place: Path) -> dict[str, Any]:
    """Grouping at a glance against labelling one by one, by a person who knows the answers, on refinery_ag_news."""
    return compare("refinery_ag_news", options.judge, seed, place, options.rows or 2_000)


def _times(seconds: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float]:
    if not len(seconds):
        return {}
    found = {f"p{q}_ms": round(1000 * float(np.quantile(seconds, q / 100)), 1) for q in (50, 95, 99)}
    return {**found, "load": round(os.getloadavg()[0], 1)} if len(seconds) > 100 else found
