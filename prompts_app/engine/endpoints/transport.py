"""What the ``openai`` client sends through: checked connections, and an exact account of answers.

The client says which path is asked with which body; all else between it and the server is decided here. One
server, whatever the client was told; no proxy, no redirect, no look-up of names but our own; the headers
below and no others; a bound on the size of an answer; and the time at which its last byte came.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpcore2
import httpx2

from prompts_app.engine.endpoints.addresses import Target
from prompts_app.engine.endpoints.answers import MOST_BYTES, HttpAnswer, TooLarge
from prompts_app.engine.endpoints.connecting import CheckedBackend, stopwatch

EVENTS = "text/event-stream"  # accepted where a call may be answered in pieces
IDLE_S = 30.0  # how long an unused connection is kept

type Headers = list[tuple[bytes, bytes]]


class CheckedTransport(httpx2.AsyncBaseTransport):
    """Connections to one server. A response is empty: what came is in its extension "answer", an
    ``HttpAnswer``, read whole and as it came, so that nothing unpacks it, keeps its cookies or follows it.
    Where the client accepts ``EVENTS`` and gets them, it reads them, and the extension is "head"."""

    def __init__(self, target: Target, key: str, backend: CheckedBackend) -> None:
        """Raises ``OSError`` where the certificates to trust cannot be read."""
        self._target, self._headers = target, headers_for(target, key)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpcore2.default_ssl_context() if target.scheme == "https" else None,
            max_connections=None,  # as many as calls are made at once
            keepalive_expiry=IDLE_S,
            network_backend=backend,
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises what httpcore2 and the checks of addresses raise, and ``TooLarge``."""
        target, body, headers = self._target, request.content, self._headers
        if body:
            length = b"%d" % len(body)
            headers = [*headers, (b"Content-Type", b"application/json"), (b"Content-Length", length)]
        sent = httpcore2.Request(
            request.method,
            httpcore2.URL(
                scheme=target.scheme, host=target.host, port=target.port, target=request.url.raw_path
            ),
            headers=headers,
            content=body,
        )
        response = await self._pool.handle_async_request(sent)
        head = _head(response)
        if request.headers.get("accept") == EVENTS and _is_events(head):
            extensions = {"head": head}
            return httpx2.Response(
                head.status, stream=_Bounded(response), extensions=extensions, request=request
            )
        try:
            answer = await _read(response, head)
        finally:
            await response.aclose()
        return httpx2.Response(answer.status, extensions={"answer": answer}, request=request)

    async def aclose(self) -> None:
        await self._pool.aclose()


def headers_for(target: Target, key: str) -> Headers:
    """All that a server is told besides path and body. The client's own headers name this machine, its system
    and Python, and whatever OPENAI_ORG_ID, OPENAI_CUSTOM_HEADERS and their like hold in this process."""
    headers = [
        (b"Host", target.authority.encode("ascii")),
        (b"Accept", b"application/json"),
        (b"Accept-Encoding", b"identity"),
        (b"User-Agent", b"Proofsheet"),
    ]
    if key and target.api_version:
        headers.append((b"api-key", key.encode("ascii")))
    elif key:
        headers.append((b"Authorization", f"Bearer {key}".encode("ascii")))
    return headers


def _head(response: httpcore2.Response) -> HttpAnswer:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    return HttpAnswer(response.status, headers, b"", 0.0)


def _is_events(head: HttpAnswer) -> bool:
    is_plain = head.headers.get("content-encoding", "identity").strip().lower() == "identity"
    return head.status == 200 and is_plain and head.headers.get("content-type", "").lower().startswith(EVENTS)


async def _read(response: httpcore2.Response, head: HttpAnswer) -> HttpAnswer:
    body = b"".join([chunk async for chunk in _Bounded(response)])
    watch = stopwatch.get()
    return replace(head, body=body, latency_ms=watch.exchange_ms() if watch else 0.0)


class _Bounded(httpx2.AsyncByteStream):
    """The bytes of a response; iterated again, it goes on. Raises ``TooLarge``."""

    def __init__(self, response: httpcore2.Response) -> None:
        self._response, self._chunks, self._size = response, response.aiter_stream(), 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self._size += len(chunk)
            if self._size > MOST_BYTES:
                raise TooLarge
            yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()
