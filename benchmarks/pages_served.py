"""The servers that are measured, and asking them over HTTP as a browser does."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import cycle
from pathlib import Path
from threading import Thread

from benchmarks.processes import cpu_s

ROOT = Path(__file__).resolve().parents[1]
ENOUGH_CPU_S = 0.5  # in one batch: /proc counts in hundredths of a second
LONGEST_BATCH_S = 8.0
MOST_IN_BATCH, LEAST_IN_BATCH = 4_000, 3
BATCHES = 3
AT_ONCE = 16  # readers, to see what memory becomes
AT_REST, AT_REST_WITHIN_S = 0.1, 600.0  # of a processor


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], port: int, environ: dict[str, str]) -> Iterator[int]:
    """A server that answers on ``port``; yields its process id."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=os.environ | environ, stdout=subprocess.DEVNULL, process_group=0
    )
    try:
        _wait_for(port, process)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 180  # on a machine that is busy
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"{' '.join(process.args)} ended with {process.returncode}")  # type: ignore[arg-type]
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit(f"nothing answers on port {port}")


@dataclass
class Answer:
    status: int
    body: bytes
    headers: dict[str, str]


@dataclass
class Client:
    """One connection, kept open; compressed pages are taken, as browsers do."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)
    _connection: HTTPConnection | None = None

    def get(self, path: str, **headers: str) -> Answer:
        sent = {"Accept-Encoding": "gzip, br", **self.headers, **headers}
        for last in (False, True):  # a connection that was kept may have been closed
            connection = self._connection = self._connection or HTTPConnection(
                "127.0.0.1", self.port, timeout=300
            )
            try:
                connection.request("GET", path, headers=sent)
                answer = connection.getresponse()
                body = answer.read()
            except (HTTPException, ConnectionError):
                self._connection = None
                if last:
                    raise
                continue
            return Answer(answer.status, body, {k.lower(): v for k, v in answer.getheaders()})
        raise AssertionError


def _used(roots: tuple[int, ...]) -> float:
    return cpu_s(roots, without=b"run_huey")


@dataclass(frozen=True)
class Meter:
    """CPU of everything that serves: the web server's processes and the database's, not the worker's."""

    roots: tuple[int, ...]
    idle: float  # CPU seconds a second when nobody asks

    @classmethod
    def of(cls, *roots: int) -> Meter:
        """Once it is at rest: what a worker looks through when it starts takes a minute at a million."""
        deadline = time.monotonic() + AT_REST_WITHIN_S
        while time.monotonic() < deadline:
            began, cpu = time.perf_counter(), _used(roots)
            time.sleep(11)
            idle = (_used(roots) - cpu) / (time.perf_counter() - began)
            if idle < AT_REST:
                return cls(roots, idle)
        sys.exit(f"The server is never at rest: it takes {idle:.2f} of a processor when nobody asks.")

    def ms_each(self, ask: Callable[[], object]) -> float:
        """Median over batches of CPU milliseconds for one ``ask``, what idling costs taken off."""
        for _ in range(LEAST_IN_BATCH):
            self._batch(ask, 1)
        count, used = LEAST_IN_BATCH, 0.0
        while used < ENOUGH_CPU_S and count < MOST_IN_BATCH:
            began = time.perf_counter()
            used = self._batch(ask, count)
            took = time.perf_counter() - began
            if took > LONGEST_BATCH_S / 2:
                break
            grow = min(ENOUGH_CPU_S / max(used, 0.01), LONGEST_BATCH_S / max(took, 0.01), 10)
            count = min(MOST_IN_BATCH, max(count + 1, round(count * grow)))
        return statistics.median(self._batch(ask, count) / count for _ in range(BATCHES)) * 1000

    def _batch(self, ask: Callable[[], object], count: int) -> float:
        began, cpu = time.perf_counter(), _used(self.roots)
        for _ in range(count):
            ask()
        return max(0.0, _used(self.roots) - cpu - self.idle * (time.perf_counter() - began))


def in_turn(client: Client, paths: list[str], **headers: str) -> Callable[[], None]:
    """Asks for the next of ``paths`` each time; every answer has to be a page."""
    turn = cycle(paths)

    def ask() -> None:
        path = next(turn)
        status = client.get(path, **headers).status
        if status not in (200, 304):
            sys.exit(f"{path} answered {status}")

    return ask


def put_under_load(port: int, paths: list[str], seconds: float) -> int:
    """So many readers at once over all pages; how many answers there were."""
    deadline, counts = time.monotonic() + seconds, list[int]()

    def read(start: int) -> None:
        client, turn, count = (
            Client(port),
            cycle(paths[start % len(paths) :] + paths[: start % len(paths)]),
            0,
        )
        while time.monotonic() < deadline:
            client.get(next(turn))
            count += 1
        counts.append(count)

    readers = [Thread(target=read, args=(start,)) for start in range(AT_ONCE)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    return sum(counts)
