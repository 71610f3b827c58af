"""Long pieces of work: kept on disk, done by processes of their own; pages never wait, restarts lose none."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dovetail.errors import DovetailError, InputError, UnknownName
from dovetail.serve.state import State, now
from dovetail.serve.wire import Job

if TYPE_CHECKING:
    import sqlite3

# What each kind of work is done by: a function of `Work` that yields `Progress` and returns facts.
WORKS = {
    "train": "dovetail.serve.work_pairs:train",
    "prepare": "dovetail.serve.work_pairs:prepare",
    "index": "dovetail.serve.work_tables:index",
    "map": "dovetail.serve.work_tables:draw",
    "space": "dovetail.serve.work_space:train",
    "classes": "dovetail.serve.work_classes:train",
    "fit": "dovetail.serve.work_models:fit",
    "integrate": "dovetail.serve.work_models:integrate",
}
_LANES = {"train": 0, "prepare": 0, "space": 0, "classes": 0}  # short ones; all others are long and take the other lane
_ATTEMPTS = 3
_LOOK = 0.3  # seconds between two looks at what runs


class Jobs:
    """The queue. One short and one long job run at a time."""

    def __init__(self, state: State, folder: Path) -> None:
        self.state, self.folder = state, folder
        self._wake, self._stop = threading.Event(), threading.Event()
        self._running: dict[int, tuple[str, subprocess.Popen[bytes] | int]] = {}
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Take up what an earlier server left, and begin to work."""
        self._take_up()
        self._thread = threading.Thread(target=self._watch, name="jobs", daemon=True)
        self._thread.start()

    def _take_up(self) -> None:
        for row in self.state.rows("SELECT * FROM jobs WHERE state = 'running'"):
            if row["pid"] and _alive(row["pid"], row["job"]):
                self._running[_lane(row["kind"])] = (row["job"], int(row["pid"]))
            else:
                self._again(row["job"], "the server was stopped")

    def close(self) -> None:
        """Stop working; what runs is begun again by the next server."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(5)
        for job, process in list(self._running.values()):
            _end(process)
            self._again(job, "the server was stopped", count=False)
        self._running.clear()

    def add(self, kind: str, spec: Mapping[str, Any], person: str, *, same: str = "") -> Job:
        """Queue some work. With `same`, waiting or active, such work that waits (or runs) already is given instead."""
        if kind not in WORKS:
            raise UnknownName("kind of work", kind, WORKS)
        text = json.dumps(spec, sort_keys=True)
        with self.state.writing() as file:
            states = "('waiting', 'running')" if same == "active" else "('waiting')"
            known = f"SELECT job FROM jobs WHERE kind = ? AND spec = ? AND state IN {states}"
            found = file.execute(known, (kind, text)).fetchone() if same else None
            job = found["job"] if found else f"j_{secrets.token_hex(6)}"
            if not found:
                waiting = file.execute("SELECT count(*) FROM jobs WHERE state = 'waiting'").fetchone()[0]
                if waiting >= 100:
                    raise InputError("100 jobs wait already; cancel some, or wait until they are done")
                file.execute(
                    "INSERT INTO jobs (job, number, kind, spec, state, made_by, made_at) VALUES "
                    "(?, (SELECT coalesce(max(number), 0) + 1 FROM jobs), ?, ?, 'waiting', ?, ?)",
                    (job, kind, text, person, now()),
                )
        self._wake.set()
        return self.get(job)

    def get(self, job: str) -> Job:
        """How a job stands."""
        row = self.state.row("SELECT * FROM jobs WHERE job = ?", (job,))
        if row is None:
            raise UnknownName("job", job, ())
        return _job(row)

    def listed(self, *, active: bool = False) -> list[Job]:
        """The jobs that wait or run, or the latest hundred."""
        where = "WHERE state IN ('waiting', 'running') ORDER BY number" if active else "ORDER BY number DESC LIMIT 100"
        return [_job(row) for row in self.state.rows(f"SELECT * FROM jobs {where}")]

    def active(self, kind: str) -> Job | None:
        """The job of a kind that runs or waits."""
        query = "SELECT * FROM jobs WHERE kind = ? AND state IN ('running', 'waiting') ORDER BY state, number LIMIT 1"
        row = self.state.row(query, (kind,))
        return None if row is None else _job(row)

    def failed(self, kind: str, spec: Mapping[str, Any]) -> bool:
        """Whether such work was given up."""
        query = "SELECT job FROM jobs WHERE kind = ? AND spec = ? AND state = 'failed' LIMIT 1"
        return self.state.row(query, (kind, json.dumps(spec, sort_keys=True))) is not None

    def cancel(self, job: str) -> Job:
        """Stop a job that waits or runs; one that has ended stays as it is."""
        self.get(job)
        change = "UPDATE jobs SET state = 'cancelled', ended = ? WHERE job = ? AND state IN ('waiting', 'running')"
        self.state.write(change, (time.time(), job))
        for name, process in list(self._running.values()):
            if name == job:
                _end(process)
        self._wake.set()
        return self.get(job)

    def _watch(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(DovetailError, OSError):  # a full disk must not end the watch: it looks again
                self._look()
            self._wake.wait(_LOOK if self._running else 5.0)
            self._wake.clear()

    def _look(self) -> None:
        for lane, (job, process) in list(self._running.items()):
            code = process.poll() if isinstance(process, subprocess.Popen) else _left(process, job)
            if code is not None:
                del self._running[lane]
                self._ended(job, code)
        for row in self.state.rows("SELECT job, kind FROM jobs WHERE state = 'waiting' ORDER BY number"):
            lane = _lane(row["kind"])
            if lane not in self._running and not self._stop.is_set():
                self._begin(lane, row["job"])

    def _begin(self, lane: int, job: str) -> None:
        begin = (
            "UPDATE jobs SET state = 'running', started = ?, attempts = attempts + 1, error = NULL "
            "WHERE job = ? AND state = 'waiting'"
        )
        self.state.write(begin, (time.time(), job))
        errors = (self.folder / "serve" / "worker.log").open("ab")
        command = [sys.executable, "-m", "dovetail.serve.worker", str(self.folder), job]
        quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "start_new_session": True}
        quiet["env"] = _threads(lane)
        process = subprocess.Popen(command, stderr=errors, **quiet)
        errors.close()
        self._running[lane] = (job, process)
        self.state.write("UPDATE jobs SET pid = ? WHERE job = ?", (process.pid, job))

    def _ended(self, job: str, code: int) -> None:
        row = self.state.row("SELECT state FROM jobs WHERE job = ?", (job,))
        if row is None or row["state"] != "running":
            return
        reason = "the memory did not suffice, or it was killed" if code == -signal.SIGKILL else f"it ended with {code}"
        self._again(job, reason)

    def _again(self, job: str, reason: str, *, count: bool = True) -> None:
        """Back into the queue; a job that ended badly too often has failed."""
        with self.state.writing() as file:
            if not count:
                file.execute("UPDATE jobs SET attempts = max(attempts - 1, 0) WHERE job = ?", (job,))
            file.execute(
                "UPDATE jobs SET state = CASE WHEN attempts < ? THEN 'waiting' ELSE 'failed' END, pid = NULL, "
                "error = ?, ended = CASE WHEN attempts < ? THEN NULL ELSE ? END WHERE job = ? AND state = 'running'",
                (_ATTEMPTS, f"{reason}; see serve/worker.log in the workspace", _ATTEMPTS, time.time(), job),
            )


def _threads(lane: int) -> dict[str, str]:
    """The environment of a job: short ones leave half of the processors to the pages; threads that wait do not spin."""
    some = {"OMP_WAIT_POLICY": "passive"}
    if lane == 0:
        some["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // 2))
    return {**some, **os.environ}


def _lane(kind: str) -> int:
    return _LANES.get(kind, 1)


def _alive(pid: int, job: str) -> bool:
    try:
        return job.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _left(pid: int, job: str) -> int | None:
    return None if _alive(pid, job) else 0


def _end(process: subprocess.Popen[bytes] | int) -> None:
    pid = process.pid if isinstance(process, subprocess.Popen) else process
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGTERM)
    if isinstance(process, subprocess.Popen):
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
            process.wait(3)


def _job(row: sqlite3.Row) -> Job:
    ended = row["ended"] or time.time()
    seconds = max(0.0, ended - row["started"]) if row["started"] else 0.0
    share = 1.0 if row["state"] == "done" else float(row["share"])
    left = seconds * (1 - share) / share if row["state"] == "running" and share > 0.02 else None
    names = ("job", "kind", "state", "step", "done", "total", "note", "made_by", "made_at", "error", "attempts")
    return Job(
        **{name: row[name] for name in names},
        share=share,
        seconds=round(seconds, 1),
        seconds_left=None if left is None else round(left, 1),
        result=json.loads(row["result"]) if row["result"] else None,
    )
