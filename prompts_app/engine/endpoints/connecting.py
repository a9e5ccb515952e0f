"""Connections that go only to addresses that were checked, and whose bytes carry the time they came.

The clock is why this is not the library's own backend: with many calls at once an answer waits in line
until its task has its turn, and that wait would count as the model's. Here the time is taken when the
bytes arrive.
"""

import asyncio
import errno
import socket
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import httpcore2
from httpcore2 import SOCKET_OPTION, AsyncNetworkBackend, AsyncNetworkStream

from prompts_app.engine.endpoints.addresses import addresses_of

MOST_UNREAD = 1024 * 1024  # bytes kept before the sender is made to wait


# This machine's own limits: files, memory, and ports to call from.
OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})


def is_out_of_sockets(error: BaseException) -> bool:
    """Whether a call failed because this machine could open nothing more, and not for the server's sake.

    A resolver that can open no file says that a name is unknown; so where it does, a socket is tried.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in OURS:
            return True
        if isinstance(cause, socket.gaierror) and not _can_open_a_socket():
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def _can_open_a_socket() -> bool:
    try:
        socket.socket().close()
    except OSError:
        return False
    return True


class UnsafeConnection(httpcore2.ConnectError):
    """Something answered, but no TLS connection came about. ``why`` is what was raised."""

    def __init__(self, why: Exception | None = None) -> None:
        self.why = why
        super().__init__("no TLS")


@dataclass(slots=True)
class Stopwatch:
    """Times one HTTP exchange: from its first byte sent to the last byte that came back.

    Waiting for a connection, opening it, and this program's own queue are not in it.
    """

    started: float = field(default_factory=perf_counter)
    sent: float | None = None
    received: float | None = None

    def exchange_ms(self) -> float:
        """Milliseconds of the exchange, once its answer was read."""
        if self.sent is None or self.received is None:
            return self.elapsed_ms()
        return max(0.0, self.received - self.sent) * 1000

    def elapsed_ms(self) -> float:
        """Milliseconds until now, since the request left or, if it never did, since the attempt began."""
        return (perf_counter() - (self.started if self.sent is None else self.sent)) * 1000


stopwatch: ContextVar[Stopwatch | None] = ContextVar("stopwatch", default=None)


class CheckedBackend(AsyncNetworkBackend):
    """Resolves a host once per connection, checks every address, and connects to one of those."""

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = allowed

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 the library's signature; our deadline is around it
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        error: OSError | None = None
        for address in await addresses_of(host, port, self._allowed):
            try:
                return await connect(address, port)
            except OSError as failed:
                error = failed
        raise httpcore2.ConnectError(f"{host}:{port}") from error

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Connections:
    """Connections to one server, each used by one call at a time, the last used first.

    The library's own pool looks at all its connections whenever a call begins or ends; with 64 at once that
    was a third of a run's work between the calls.
    """

    def __init__(self, make: Callable[[], httpcore2.AsyncHTTPConnection]) -> None:
        self._make = make
        self._idle: list[httpcore2.AsyncHTTPConnection] = []

    @asynccontextmanager
    async def one(self) -> AsyncIterator[httpcore2.AsyncHTTPConnection]:
        """One for a single call; kept afterwards where it can be used again."""
        connection = await self._kept() or self._make()
        try:
            yield connection
        finally:
            if connection.is_idle():
                self._idle.append(connection)
            else:
                await connection.aclose()

    async def _kept(self) -> httpcore2.AsyncHTTPConnection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.has_expired():
                return connection
            await connection.aclose()
        return None

    async def aclose(self) -> None:
        while self._idle:
            await self._idle.pop().aclose()


async def connect(address: str, port: int) -> AsyncNetworkStream:
    """A connection to an IP address. Raises ``OSError``."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_connection(_Inbox, address, port)
    return _Stream(transport, protocol)


class _Inbox(asyncio.Protocol):
    """What came in and was not read yet, each piece with its time of arrival."""

    def __init__(self) -> None:
        self.pieces: deque[tuple[float, bytes]] = deque()
        self.unread = 0
        self.ended = False
        self.error: Exception | None = None
        self.can_write = asyncio.Event()
        self.can_write.set()
        self.news = asyncio.Event()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.pieces.append((perf_counter(), data))
        self.unread += len(data)
        if self.unread > MOST_UNREAD and self.transport:
            self.transport.pause_reading()
        self.news.set()

    def eof_received(self) -> bool:
        self.ended = True
        self.news.set()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended, self.error = True, exc
        self.news.set()
        self.can_write.set()

    def pause_writing(self) -> None:
        self.can_write.clear()

    def resume_writing(self) -> None:
        self.can_write.set()

    async def take(self, most: int) -> tuple[float, bytes] | None:
        """The next piece of at most ``most`` bytes, or ``None`` at the end."""
        while not self.pieces:
            if self.ended:
                return None
            self.news.clear()
            await self.news.wait()
        arrived, data = self.pieces.popleft()
        if len(data) > most:
            self.pieces.appendleft((arrived, data[most:]))
            data = data[:most]
        self.unread -= len(data)
        if self.unread <= MOST_UNREAD and self.transport and not self.ended:
            self.transport.resume_reading()
        return arrived, data


class _Stream(AsyncNetworkStream):
    """One connection, telling the running call's stopwatch when its bytes leave and arrive."""

    def __init__(self, transport: asyncio.Transport, inbox: _Inbox) -> None:
        self._transport, self._inbox = transport, inbox

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        piece = await self._inbox.take(max_bytes)
        if piece is None:
            if self._inbox.error:
                raise httpcore2.ReadError("connection lost") from self._inbox.error
            return b""
        if watch := stopwatch.get():
            watch.received = piece[0]
        return piece[1]

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        if not buffer:
            return
        if self._transport.is_closing():
            raise httpcore2.WriteError("connection closed")
        watch = stopwatch.get()
        if watch and watch.sent is None:
            watch.sent = perf_counter()
        self._transport.write(buffer)
        await self._inbox.can_write.wait()

    async def aclose(self) -> None:
        self._transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        try:
            transport = await loop.start_tls(
                self._transport, self._inbox, ssl_context, server_hostname=server_hostname
            )
        except (OSError, ValueError) as error:  # an SSLError is an OSError, a bad host name a ValueError
            self._transport.abort()
            raise UnsafeConnection(error) from error
        if transport is None:
            raise UnsafeConnection
        self._inbox.transport = transport
        return _Stream(transport, self._inbox)

    def get_extra_info(self, info: str) -> Any:
        match info:
            case "is_readable":  # an idle connection with something to read was ended by the server
                return self._inbox.ended or bool(self._inbox.pieces)
            case "client_addr":
                return self._transport.get_extra_info("sockname")
            case "server_addr":
                return self._transport.get_extra_info("peername")
            case _:
                return self._transport.get_extra_info(info)
