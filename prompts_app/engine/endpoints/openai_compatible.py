"""Endpoints that speak OpenAI's Chat Completions, which nearly every model server does, its Responses or its
images API.

They are called with the ``openai`` package over a transport of our own. By construction there are no
redirects followed, no proxies or keys taken from the environment, no retries but those below, and no cookies.
"""

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from urllib.parse import quote

import httpcore2
from httpx2 import AsyncClient, Response
from openai import APIStatusError, AsyncAzureOpenAI, AsyncOpenAI, AsyncStream

from prompts_app.engine.case_pictures import with_bytes
from prompts_app.engine.endpoints.addresses import BadUrl, BlockedAddress, Target, UnknownHost, parse_url
from prompts_app.engine.endpoints.answers import (
    TOO_LARGE,
    UNREADABLE,
    HttpAnswer,
    TooLarge,
    Unreadable,
    read_embeddings,
    read_models,
)
from prompts_app.engine.endpoints.chat_completions import read_reply
from prompts_app.engine.endpoints.connecting import (
    CheckedBackend,
    Stopwatch,
    UnsafeConnection,
    is_out_of_sockets,
    stopwatch,
)
from prompts_app.engine.endpoints.images import ImageAnswer, read_image, with_picture
from prompts_app.engine.endpoints.kinds import Asker
from prompts_app.engine.endpoints.pacing import Pacing, asked_wait, spent_limit
from prompts_app.engine.endpoints.response_streams import ResponseEvents
from prompts_app.engine.endpoints.responses import read_response
from prompts_app.engine.endpoints.scrubbing import scrub
from prompts_app.engine.endpoints.streams import Pieces, read_stream
from prompts_app.engine.endpoints.transport import EVENTS, CheckedTransport
from prompts_app.engine.faults import FAULTS
from prompts_app.engine.growing import Growing
from prompts_app.engine.shutdown import check_not_ending
from prompts_app.engine.types import Api, Embedded, EndpointConfig, Fault, Json, Reply, Request

PATHS: dict[Api, str] = {
    "chat": "/chat/completions",
    "responses": "/responses",
    "images": "/images/generations",
}
# Parameters of each API that the run sets.
OURS: dict[Api, tuple[str, ...]] = {
    "chat": (),
    "responses": ("input", "previous_response_id", "conversation", "background"),
    "images": ("prompt", "n"),
}

_KEY = re.compile(r"[!-~]*")


@asynccontextmanager
async def open_openai_compatible(
    endpoint: EndpointConfig, concurrency: int, pacing: Pacing
) -> AsyncIterator[Asker]:
    """Keeps its connections, as many as calls are made at once. A URL or key that cannot be used is told by
    each call."""
    try:
        target = parse_url(endpoint.base_url)
    except BadUrl as error:
        yield _Unusable(Fault("blocked_address", str(error)))
        return
    if not _KEY.fullmatch(endpoint.key):
        yield _Unusable(Fault("auth", "The key holds characters that no key has, such as a space."))
        return
    try:
        transport = CheckedTransport(target, endpoint.key, CheckedBackend(endpoint.allowed_private_hosts))
    except OSError as error:  # the certificates to trust could not be read
        yield _Unusable(mishap_of(error, target))
        return
    async with client_for(target, transport) as client:
        yield _OpenAiCompatible(client, target, endpoint.key, pacing)


def client_for(target: Target, transport: CheckedTransport) -> AsyncOpenAI:
    """With nothing of this process' environment, where the client looks for whatever it is not given."""
    settings: dict[str, Any] = {
        "base_url": f"{target.origin}{target.path}",
        "api_key": "of the transport",  # which alone knows it
        "organization": "",
        "project": "",
        "timeout": None,  # the deadline around each attempt is ours
        "max_retries": 0,
        "http_client": AsyncClient(transport=transport, trust_env=False, timeout=None),
    }
    if target.api_version:
        client: AsyncOpenAI = AsyncAzureOpenAI(api_version=target.api_version, **settings)
    else:
        client = AsyncOpenAI(**settings)
    client._platform = "Unknown"  # or it starts a process to find out, for a header that is not sent
    return client


class _Unusable:
    """An endpoint on which every call has the same fault, before anything is sent."""

    origin = ""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault

    async def ask(self, request: Request, deadline_s: float) -> Reply | Fault:
        return self._fault

    async def embed(self, model: str, texts: tuple[str, ...], deadline_s: float) -> Embedded | Fault:
        return self._fault

    async def list_models(self, deadline_s: float) -> tuple[str, ...] | Fault:
        return self._fault


@dataclass(frozen=True, slots=True)
class _Call:
    """A path below the base URL and what is posted there; without a body it is got."""

    path: str
    body: bytes | None = None
    pieces: type[Pieces | ResponseEvents] | None = None  # of a stream, where its answer is asked for as one
    on_begun: Callable[[Growing], None] | None = None


class _OpenAiCompatible:
    def __init__(self, client: AsyncOpenAI, target: Target, key: str, pacing: Pacing) -> None:
        self._client, self._target, self._key, self._pacing = client, target, key, pacing
        self._resume_at = 0.0  # on the loop's clock: a server that said "wait" is not asked before

    @property
    def origin(self) -> str:
        return self._target.origin

    async def ask(self, request: Request, deadline_s: float) -> Reply | Fault:
        try:
            body = body_of(request)
        except ValueError as error:
            return Fault("bad_request", str(error))
        if request.api == "responses":  # at Azure too the model stands in the body, not in the path
            pieces = ResponseEvents if request.stream else None
            call = _Call(PATHS["responses"], body, pieces, request.on_begun)
            return await self._insist(call, deadline_s, lambda answer: read_response(answer, self._key))
        path = self._path_to(request.model, PATHS[request.api])
        call = _Call(path, body, Pieces if request.is_streamed else None, request.on_begun)
        if request.api == "chat":
            return await self._insist(call, deadline_s, lambda answer: read_reply(answer, self._key))
        came = await self._insist(call, deadline_s, lambda answer: read_image(answer, self._key))
        return came if isinstance(came, Fault) else await with_picture(came)

    async def embed(self, model: str, texts: tuple[str, ...], deadline_s: float) -> Embedded | Fault:
        try:
            body = as_wire({"model": model, "input": list(texts)})
        except ValueError as error:
            return Fault("bad_request", str(error))
        call = _Call(self._path_to(model, "/embeddings"), body)
        return await self._insist(
            call, deadline_s, lambda answer: read_embeddings(answer, len(texts), self._key)
        )

    def _path_to(self, model: str, path: str) -> str:
        return f"/deployments/{quote(model, '', errors='replace')}{path}" if self._by_deployment else path

    @property
    def _by_deployment(self) -> bool:
        """Azure has a path for each deployment, whose name stands for a model's."""
        return bool(self._target.api_version) and self._target.path.endswith("/openai")

    async def _insist[A: (Reply, Embedded, ImageAnswer)](
        self, call: _Call, deadline_s: float, read: Callable[[HttpAnswer], A | Fault]
    ) -> A | Fault:
        """Ask, and again where that may help, as patiently as the pacing says."""
        result: A | Fault = Fault("internal", "Nothing was asked.")
        earlier: tuple[Reply, ...] = ()
        waited = 0.0
        for attempt in count(1):
            pause = self._pause()
            if waited + pause > self._pacing.wait_budget_s:
                return result if attempt > 1 else _told_to_wait(pause)
            await asyncio.sleep(pause)
            answered = await self._exchange(call, deadline_s)
            result = answered if isinstance(answered, Fault) else read(answered)
            result = replace(result, attempts=attempt)
            if isinstance(result, Reply | Fault):
                result = replace(result, earlier=earlier)
            wait = self._wait_after(result, answered, attempt)
            waited += pause + (wait or 0)
            if wait is None or waited > self._pacing.wait_budget_s:
                break
            if isinstance(result, Fault) and result.part:
                earlier = (*earlier, result.part)
            await asyncio.sleep(wait)
        return result

    async def list_models(self, deadline_s: float) -> tuple[str, ...] | Fault:
        answered = await self._exchange(_Call("/models"), deadline_s)
        names = answered if isinstance(answered, Fault) else read_models(answered, self._key)
        # What Azure lists is what could be deployed.
        return () if self._by_deployment and not isinstance(names, Fault) else names

    def _wait_after(
        self, result: Reply | Embedded | ImageAnswer | Fault, answered: HttpAnswer | Fault, attempt: int
    ) -> float | None:
        """How long to wait before asking again; ``None`` when there is nothing to ask again."""
        headers = {} if isinstance(answered, Fault) else answered.headers
        asked = None
        if isinstance(result, Fault):
            in_header = asked_wait(headers)
            asked = result.wait_s if in_header is None else in_header
        # A used-up limit is the server's forecast, not its request: it is never a reason to give up.
        pause = min(spent_limit(headers) or 0, self._pacing.wait_budget_s) if asked is None else asked
        self._resume_at = max(self._resume_at, asyncio.get_running_loop().time() + pause)
        if not isinstance(result, Fault) or not FAULTS[result.kind].retryable:
            return None
        if attempt >= self._pacing.attempts:
            return None
        # A little jitter on top, or all that were told the same second come back in the same instant.
        backoff = self._pacing.backoff(attempt)
        return backoff if asked is None else asked + min(backoff, asked) * 0.1

    def _pause(self) -> float:
        """Seconds until the server may be asked again."""
        return max(0.0, self._resume_at - asyncio.get_running_loop().time())

    async def _exchange(self, call: _Call, deadline_s: float) -> HttpAnswer | Fault:
        """One request and its whole answer, or what came between. Cancellation passes through."""
        watch = Stopwatch()
        token = stopwatch.set(watch)
        try:
            async with asyncio.timeout(deadline_s):
                return await self._send(call, watch)
        except TimeoutError:
            fault = Fault("timeout", f"No whole answer came within {deadline_s:g} s.")
        except Exception as error:  # every mishap of a call becomes a row
            check_not_ending(error)
            fault = mishap_of(error, self._target)
        finally:
            stopwatch.reset(token)
        return replace(fault, message=scrub(fault.message, self._key), latency_ms=watch.elapsed_ms())

    async def _send(self, call: _Call, watch: Stopwatch) -> HttpAnswer:
        post = self._client.post
        try:
            if call.pieces:
                stream = await post(
                    call.path, cast_to=object, content=call.body, options={"headers": {"Accept": EVENTS}},
                    stream=True, stream_cls=AsyncStream[object],
                )  # fmt: skip
                return await read_stream(stream, watch, call.pieces(), call.on_begun)
            if call.body is None:
                response = await self._client.get(call.path, cast_to=Response)
            else:
                response = await post(call.path, cast_to=Response, content=call.body)
        except APIStatusError as refused:  # an answer all the same
            response = refused.response
        answer: HttpAnswer = response.extensions["answer"]
        return answer


def _told_to_wait(seconds: float) -> Fault:
    message = f"The server asked for a pause of another {seconds:.0f} s, so this call was not made."
    return Fault("rate_limited", message, attempts=0)


def body_of(request: Request) -> bytes:
    """The request as it goes over the wire. Raises ``ValueError`` with a sentence."""
    if taken := ({"model", "messages"} | set(OURS[request.api])) & set(request.parameters):
        raise ValueError(f"Remove the parameter “{taken.pop()}”: the run sets it.")
    if request.parameters.get("stream"):
        raise ValueError("Remove the parameter “stream”: answers are taken whole here.")
    try:
        return as_wire(with_bytes(request.body(), request.pictures))
    except KeyError:  # the case's own were read: a server made one up in what goes back to it
        raise ValueError("An earlier answer names a picture that is none of the case’s.") from None


def as_wire(body: Mapping[str, Json]) -> bytes:
    """Raises ``ValueError`` with a sentence."""
    try:
        return json.dumps(body, allow_nan=False).encode("ascii")
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError("A parameter holds something that is not JSON.") from error


def mishap_of(error: Exception, target: Target) -> Fault:
    """What a failed exchange means to the author; this machine's own limits first."""
    if is_out_of_sockets(error):
        return Fault("out_of_sockets", "This site could open no connection: it has too many open already.")
    return fault_of(error, target)


def fault_of(error: Exception, target: Target) -> Fault:
    """What went wrong between here and the server."""
    host = target.host
    match error:
        case BlockedAddress() | UnknownHost():
            return Fault("dns" if isinstance(error, UnknownHost) else "blocked_address", str(error))
        case TooLarge() | Unreadable():
            is_large = isinstance(error, TooLarge)
            return Fault("answer_too_large", TOO_LARGE) if is_large else Fault("bad_json", UNREADABLE)
        case UnsafeConnection():
            return _unsafe(error, target)
        case httpcore2.ConnectError():
            return Fault("refused_connection", f"Nothing answered at {host}:{target.port}.")
        case httpcore2.ProtocolError() | httpcore2.NetworkError():
            return Fault("stream_cut", f"The connection to {host} broke before the answer was whole.")
    return Fault("internal", f"The call failed in a way that was not foreseen ({type(error).__name__}).")


def _unsafe(error: UnsafeConnection, target: Target) -> Fault:
    where = f"No safe connection to {target.host}:{target.port}"
    if isinstance(error.why, ssl.SSLCertVerificationError):
        return Fault("tls", f"{where}: {error.why.verify_message}.")
    if isinstance(error.why, ssl.SSLError) and error.why.reason:
        return Fault("tls", f"{where}: {error.why.reason.replace('_', ' ').lower()}.")
    return Fault("tls", f"{where}: it ended too early.")
