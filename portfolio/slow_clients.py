"""Clients that never finish what they send are let go of, and keep nobody else from an answer.

Those that do not finish their headers the server closes by itself (``--http1-header-read-timeout``). A body
it hands on as it comes, and lets one of WEB_THREADS threads wait for it as long as the client likes. A read
that waits can be ended only by ending its connection, and which one that is, nobody says: so all connections
of that address go to which nothing was sent for as long. (On Linux; elsewhere, and on a unix socket, slow
bodies are for the proxy in front.)
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock, Thread
from time import monotonic, sleep
from typing import Any

type Environ = dict[str, Any]
type Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

AT_ONCE = 16 * 1024  # bytes
LEAST_BYTES_A_S = 2_000  # whoever sends so many has all the time they need
NEW_FOR_S = 1.0  # nobody is called slow before
LOOK_EVERY_S = 0.25
# Of Linux's struct tcp_info: eight bytes, nine numbers, then milliseconds since something was sent.
TCP_INFO_SIZE, LAST_SENT_AT = 104, 44


class SlowClient(OSError):
    """What Django takes for a connection that broke while it read."""


class Body:
    """``wsgi.input`` of one request."""

    def __init__(self, stream: Any, address: str, waiting: Waiting) -> None:
        self.address, self.was_let_go = address, False
        self._stream, self._waiting = stream, waiting
        self._began, self._received = 0.0, 0

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, fewer only at the end. Raises SlowClient."""
        parts = list[bytes]()
        with self._waited_for():
            while size > 0 and (part := self._stream.read(min(size, AT_ONCE))):
                parts.append(part)
                size -= len(part)
                self._received += len(part)
        return b"".join(parts)

    def readline(self, size: int | None = None) -> bytes:
        with self._waited_for():
            line: bytes = self._stream.readline(size)
            self._received += len(line)
        return line

    @contextmanager
    def _waited_for(self) -> Iterator[None]:
        self._began = self._began or monotonic()
        with self._waiting.for_one(self):
            yield
        if self.was_let_go:
            raise SlowClient

    @property
    def age_s(self) -> float:
        return monotonic() - self._began

    @property
    def bytes_a_s(self) -> float:
        return self._received / self.age_s

    def is_late(self, within_s: float) -> bool:
        return self.age_s > within_s + self._received / LEAST_BYTES_A_S


class Waiting:
    """The bodies that are waited for in this process, at most ``most``: beyond that the slowest gives way."""

    def __init__(self, most: int, within_s: float) -> None:
        self._most, self._within_s = most, within_s
        self._lock, self._bodies, self._is_watched = Lock(), set[Body](), False

    @contextmanager
    def for_one(self, body: Body) -> Iterator[None]:
        with self._lock:
            if len(self._bodies) >= self._most and not self._one_gives_way():
                body.was_let_go = True
                raise SlowClient
            self._bodies.add(body)
            if not self._is_watched:
                self._is_watched = True
                Thread(target=self._watch, daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                self._bodies.discard(body)

    def _one_gives_way(self) -> bool:
        slow = [body for body in self._bodies if body.age_s > NEW_FOR_S]
        if slow:
            self._let_go(min(slow, key=lambda body: body.bytes_a_s))
        return bool(slow)

    def _watch(self) -> None:
        while True:
            sleep(LOOK_EVERY_S)
            with self._lock:
                for body in [body for body in self._bodies if body.is_late(self._within_s)]:
                    self._let_go(body)

    def _let_go(self, body: Body) -> None:
        body.was_let_go = True
        self._bodies.discard(body)
        end_connections(body.address, body.age_s - LOOK_EVERY_S)


def end_connections(address: str, silent_s: float) -> None:
    """Those of this process with ``address`` to which nothing was sent for ``silent_s`` seconds."""
    if sys.platform != "linux":
        return
    for entry in Path("/proc/self/fd").iterdir():
        # Any of them may be closed meanwhile, or be no socket of that kind.
        with suppress(OSError):
            if not str(entry.readlink()).startswith("socket:"):
                continue
            with socket.socket(fileno=os.dup(int(entry.name))) as connection:
                if _is_of(connection, address) and _silent_s(connection) >= silent_s:
                    connection.shutdown(socket.SHUT_RDWR)


def _is_of(connection: socket.socket, address: str) -> bool:
    if connection.family not in {socket.AF_INET, socket.AF_INET6}:
        return False
    return str(connection.getpeername()[0]).removeprefix("::ffff:") == address.removeprefix("::ffff:")


def _silent_s(connection: socket.socket) -> float:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_SIZE)
    return float(struct.unpack_from("I", info, LAST_SENT_AT)[0]) / 1000


def without_slow_clients(application: Application, *, within_s: float, threads: int) -> Application:
    """``application``, which waits for no body longer than ``within_s`` seconds and LEAST_BYTES_A_S allow,
    and with at most two thirds of ``threads`` at once."""
    waiting = Waiting(max(1, threads * 2 // 3), within_s)

    def answer(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("CONTENT_LENGTH", "0") in {"", "0"}:  # Django reads no other
            return application(environ, start_response)
        body = environ["wsgi.input"] = Body(environ["wsgi.input"], environ.get("REMOTE_ADDR", ""), waiting)
        started = list[Any]()
        response = application(environ, lambda *said: started.extend(said))
        if body.was_let_go:
            if close := getattr(response, "close", None):
                close()
            start_response("408 Request Timeout", [("Connection", "close"), ("Content-Type", "text/plain")])
            return [b"The request did not come in time.\n"]
        start_response(*started)
        return response

    return answer
