"""Clients that never finish what they send, or never take what they are sent, are let go of, and keep nobody
else from an answer.

Those that do not finish their headers the server closes by itself (``--http1-header-read-timeout``). A body
it hands on as it comes, and lets one of WEB_THREADS threads wait for it as long as the client likes. A read
that waits can be ended only by ending its connection, and which one that is, nobody says: so all connections
of that address go to which nothing was sent for as long. (On Linux; elsewhere, and on a unix socket, slow
bodies are for the proxy in front.)

An answer stays in memory until the client has taken it, and one that is made while it is sent (a file) keeps
its thread as well. So what is longer than ANSWER_AT_ONCE is sent in pieces, with a third of the threads at
most, and the system ends connections that take nothing of what waits for them.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from threading import Lock, Semaphore, Thread
from time import monotonic, sleep
from typing import Any

type Environ = dict[str, Any]
type Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

AT_ONCE = 16 * 1024  # bytes
LEAST_BYTES_A_S = 2_000  # whoever sends so many has all the time they need
NEW_FOR_S = 1.0  # nobody is called slow before
LOOK_EVERY_S = 0.25
ANSWER_AT_ONCE, PIECE = 1024 * 1024, 64 * 1024  # bytes
TRY_AGAIN_S = 30
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

    def end(connection: socket.socket) -> None:
        if _is_of(connection, address) and _silent_s(connection) >= silent_s:
            connection.shutdown(socket.SHUT_RDWR)

    _with_each_socket(end)


def _with_each_socket(act: Callable[[socket.socket], object]) -> None:
    """Those of TCP that this process has."""
    for entry in Path("/proc/self/fd").iterdir():
        # Any of them may be closed meanwhile, or be no socket of that kind.
        with suppress(OSError):
            if not str(entry.readlink()).startswith("socket:"):
                continue
            with socket.socket(fileno=os.dup(int(entry.name))) as found:
                if found.family in {socket.AF_INET, socket.AF_INET6}:
                    act(found)


def _is_of(connection: socket.socket, address: str) -> bool:
    return str(connection.getpeername()[0]).removeprefix("::ffff:") == address.removeprefix("::ffff:")


def _silent_s(connection: socket.socket) -> float:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_SIZE)
    return float(struct.unpack_from("I", info, LAST_SENT_AT)[0]) / 1000


class Sending:
    """Answers on their way, at most ``most`` long ones at once in this process."""

    def __init__(self, most: int, within_s: float) -> None:
        self._places, self._within_s, self._is_watched = Semaphore(most), within_s, False

    def watch(self) -> None:
        """From the first request on: only then is there a socket that listens."""
        if not self._is_watched and sys.platform == "linux":
            self._is_watched = True
            _with_each_socket(self._end_what_takes_nothing)

    def _end_what_takes_nothing(self, found: socket.socket) -> None:
        if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):  # its connections have it from there
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(self._within_s * 1000))

    def whole_or_in_turn(self, response: Iterable[bytes]) -> Iterable[bytes] | None:
        """What the server is to send; None where so many long answers are on their way already."""
        chunks, begun, size = iter(response), list[bytes](), 0
        for chunk in chunks:
            begun.append(chunk)
            size += len(chunk)
            if size > ANSWER_AT_ONCE:
                break
        else:
            _close(response)
            return begun
        if not self._places.acquire(blocking=False):
            _close(response)
            return None
        return Long(_pieces(chain(begun, chunks)), response, self._places)


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), PIECE):
            yield chunk[start : start + PIECE]


class Long:
    """A long answer: its place is free again when the server closes it."""

    def __init__(self, chunks: Iterator[bytes], response: Iterable[bytes], places: Semaphore) -> None:
        self._chunks, self._response, self._places, self._is_open = chunks, response, places, True

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._places.release()
        _close(self._response)


def _close(response: Iterable[bytes]) -> None:
    if close := getattr(response, "close", None):
        close()


def without_slow_clients(application: Application, *, within_s: float, threads: int) -> Application:
    """``application``, which waits for no body longer than ``within_s`` seconds and LEAST_BYTES_A_S allow,
    and with at most two thirds of ``threads`` at once; and for no reader with more than one third."""
    waiting = Waiting(max(1, threads * 2 // 3), within_s)
    sending = Sending(max(1, threads // 3), within_s)

    def answer(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        sending.watch()
        started = list[Any]()
        response = sending.whole_or_in_turn(received(environ, lambda *said: started.extend(said)))
        if response is None:
            told = [("Retry-After", str(TRY_AGAIN_S)), ("Content-Type", "text/plain")]
            start_response("503 Service Unavailable", told)
            return [b"Too many long pages and files are being sent right now. Try again in a moment.\n"]
        start_response(*started)
        return response

    def received(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("CONTENT_LENGTH", "0") in {"", "0"}:  # Django reads no other
            return application(environ, start_response)
        body = environ["wsgi.input"] = Body(environ["wsgi.input"], environ.get("REMOTE_ADDR", ""), waiting)
        started = list[Any]()
        response = application(environ, lambda *said: started.extend(said))
        if body.was_let_go:
            _close(response)
            start_response("408 Request Timeout", [("Connection", "close"), ("Content-Type", "text/plain")])
            return [b"The request did not come in time.\n"]
        start_response(*started)
        return response

    return answer
