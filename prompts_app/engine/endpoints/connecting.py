"""Connections that go only to addresses that were checked, and whose bytes carry the time they came.

The clock is why this is not the library's own backend: with many calls at once an answer waits in line
until its task has its turn, and that wait would count as the model's. Here the time is taken when the
bytes arrive.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Collection, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, SupportsIndex

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
        why = cause.why if isinstance(cause, NoConnection) else None
        cause = why or cause.__cause__ or cause.__context__
    return False


def _can_open_a_socket() -> bool:
    try:
        socket.socket().close()
    except OSError:
        return False
    return True


class NoConnection(httpcore2.ConnectError):
    """No connection came about. ``why`` is what was raised: a pool of connections forgets the cause."""

    def __init__(self, why: Exception | None = None) -> None:
        self.why = why
        super().__init__(str(why or "it ended too early"))


class UnsafeConnection(NoConnection):
    """Something answered, but no TLS connection came about."""


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
        raise NoConnection(error)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def connect(address: str, port: int) -> AsyncNetworkStream:
    """A connection to an IP address. Raises ``OSError``."""
    loop, inbox = asyncio.get_running_loop(), _Inbox(limit=MOST_UNREAD)
    protocol = asyncio.StreamReaderProtocol(inbox)
    transport, _ = await loop.create_connection(lambda: protocol, address, port)
    return _Stream(inbox, asyncio.StreamWriter(transport, protocol, inbox, loop))


class _Inbox(asyncio.StreamReader):
    """What came in and was not read yet, and when the last of it came."""

    arrived = 0.0

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        self.arrived = perf_counter()
        super().feed_data(data)


class _Stream(AsyncNetworkStream):
    """One connection, telling the running call's stopwatch when its bytes leave and arrive."""

    def __init__(self, inbox: _Inbox, writer: asyncio.StreamWriter) -> None:
        self._inbox, self._writer = inbox, writer
        self._read_until = 0.0  # all that arrived up to then was read

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        try:
            data = await self._inbox.read(max_bytes)
        except OSError as error:
            raise httpcore2.ReadError("connection lost") from error
        if len(data) < max_bytes:
            self._read_until = self._inbox.arrived
        if watch := stopwatch.get():
            watch.received = self._inbox.arrived
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        if not buffer:
            return
        watch = stopwatch.get()
        if watch and watch.sent is None:
            watch.sent = perf_counter()
        self._writer.write(buffer)
        try:
            await self._writer.drain()
        except OSError as error:
            raise httpcore2.WriteError("connection lost") from error

    async def aclose(self) -> None:
        self._writer.transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> AsyncNetworkStream:
        try:
            await self._writer.start_tls(ssl_context, server_hostname=server_hostname)
        except (OSError, ValueError) as error:  # an SSLError is an OSError, a bad host name a ValueError
            self._writer.transport.abort()
            raise UnsafeConnection(error) from error
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":  # an idle connection with something to read was ended by the server
            return self._writer.is_closing() or self._inbox.at_eof() or self._inbox.arrived > self._read_until
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return self._writer.get_extra_info(names.get(info, info))
