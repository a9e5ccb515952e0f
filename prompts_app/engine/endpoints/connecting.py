"""Connections that go only to addresses that were checked, and that note when a request left."""

from __future__ import annotations

import ssl
from collections.abc import Collection, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import httpcore2
from httpcore2 import SOCKET_OPTION, AsyncNetworkBackend, AsyncNetworkStream

from prompts_app.engine.endpoints.addresses import addresses_of


@dataclass(slots=True)
class Stopwatch:
    """Times one HTTP exchange: from its first byte sent, not from the wait for a connection before it."""

    started: float = field(default_factory=perf_counter)
    sent: float | None = None

    def note_sending(self) -> None:
        """The first call counts."""
        if self.sent is None:
            self.sent = perf_counter()

    def elapsed_ms(self) -> float:
        """Milliseconds since the request left, or since the attempt began if it never did."""
        return (perf_counter() - (self.started if self.sent is None else self.sent)) * 1000


stopwatch: ContextVar[Stopwatch | None] = ContextVar("stopwatch", default=None)


class CheckedBackend(AsyncNetworkBackend):
    """Resolves a host once per connection, checks every address, and connects to one of those."""

    def __init__(self, allowed: Collection[str]) -> None:
        self._allowed = allowed
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 the library's signature
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        error: Exception = httpcore2.ConnectError("no address")
        for address in await addresses_of(host, port, self._allowed):
            try:
                stream = await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except httpcore2.ConnectError as failed:
                error = failed
            else:
                return _TimedStream(stream)
        raise error

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)


class _TimedStream(AsyncNetworkStream):
    """Passes everything on, telling the stopwatch of the running call when it writes."""

    def __init__(self, stream: AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        watch = stopwatch.get()
        if watch is not None:
            watch.note_sending()
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> AsyncNetworkStream:
        return _TimedStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
