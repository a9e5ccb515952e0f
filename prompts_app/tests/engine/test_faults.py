"""Every way a provider can fail becomes a labelled fault: one row each, against a real server on loopback."""

import asyncio
import gzip
import json
import os
import resource
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from prompts_app.engine.endpoints import PACING, Pacing, answers, open_endpoint
from prompts_app.engine.endpoints.pacing import LONGEST_WAIT_S
from prompts_app.engine.faults import FAULTS
from prompts_app.engine.types import EndpointConfig, Fault, Message, Reply, Request
from prompts_app.tests.engine.asking import ask
from prompts_app.tests.engine.servers import KEY, QUICK, Step, answering, completion, http

HTML = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Welcome</body></html>"


def error(message: str, code: str | int | None = None, type_: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "code": code, "type": type_}}


DRIP: list[Step] = [0.05, b"x"] * 8


@dataclass
class Row:
    name: str
    steps: list[Step]
    kind: str
    says: str = ""
    status: int | None = None
    attempts: int = 1
    deadline_s: float = 5.0
    options: dict[str, Any] = field(default_factory=dict)


ROWS = [
    Row("400", http(400, error("Unknown parameter: 'frob'")), "bad_request",
        "Unknown parameter: 'frob'", 400),
    Row("401", http(401, error(f"Incorrect API key provided: {KEY}")), "auth", "[key]", 401),
    Row("402", http(402, error("Insufficient credits")), "no_credit", "", 402),
    Row("403", http(403, error("Country not supported")), "forbidden", "Country", 403),
    Row("404 model", http(404, error("The model 'x' does not exist", "model_not_found")),
        "model_not_found", "'x'", 404),
    Row("404 page", http(404, HTML, {"Content-Type": "text/html"}), "model_not_found", "answered 404.", 404),
    Row("400 for a model", http(400, error("nope is not a valid model ID")), "model_not_found", "", 400),
    Row("405", http(405, {"detail": "Method Not Allowed"}), "wrong_path", "Method Not Allowed", 405),
    Row("408", http(408, ""), "timeout_server", "", 408, attempts=3),
    Row("409", http(409, error("Conflict")), "conflict", "", 409, attempts=3),
    Row("413", http(413, "Payload Too Large"), "too_large", "Payload Too Large", 413),
    Row("422", http(422, {"detail": [{"loc": ["body"], "msg": "bad"}]}), "bad_request", "bad", 422),
    Row("429", http(429, error("Slow down")), "rate_limited", "Slow down", 429, attempts=3),
    Row("429 soon", http(429, error("Slow down"), {"Retry-After": "0.01"}), "rate_limited", "", 429,
        attempts=3),
    Row("429 much later", http(429, error("Tomorrow"), {"Retry-After": "86400"}), "rate_limited", "", 429),
    Row("429 without credit", http(429, error("Pay", "insufficient_quota")), "no_credit", "Pay", 429),
    Row("500", http(500, error("Oops")), "server_error", "Oops", 500, attempts=3),
    Row("502 with a page", http(502, HTML, {"Content-Type": "text/html"}), "server_error", "502.", 502,
        attempts=3),
    Row("503", http(503, "overloaded"), "server_error", "overloaded", 503, attempts=3),
    Row("529", http(529, ""), "server_error", "", 529, attempts=3),
    Row("slow drip", [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", *DRIP], "timeout", "0.2 s",
        deadline_s=0.2),
    Row("silence", [2.0], "timeout", "0.1 s", deadline_s=0.1),
    Row("cut in the body", [b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", b"{"], "stream_cut", "broke",
        attempts=3),
    Row("cut in a chunk", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"],
        "stream_cut", attempts=3),
    Row("hangs up", [], "stream_cut", "", attempts=3),
    Row("not HTTP", [b"SSH-2.0-OpenSSH_9.9\r\n\r\n"], "stream_cut", "", attempts=3),
    Row("malformed JSON", http(200, '{"choices": [{"mess'), "bad_json", "“{\"choices\"", 200),
    Row("empty body", http(200, ""), "bad_json", "nothing at all", 200),
    Row("a stream nobody asked for", http(200, 'data: {"choices": []}\n\n'), "bad_json", "data:", 200),
    Row("HTML with 200", http(200, HTML, {"Content-Type": "text/html"}), "html_answer", "web page", 200),
    Row("HTML said to be JSON", http(200, HTML), "html_answer", "", 200),
    Row("no choices", http(200, {"id": "x"}), "wrong_shape", "choices", 200),
    Row("choices null", http(200, {"choices": None}), "wrong_shape", "choices", 200),
    Row("choices empty", http(200, completion(choices=[])), "wrong_shape", "choices", 200),
    Row("choice without message", http(200, completion(choices=[{"index": 0}])), "wrong_shape",
        "message", 200),
    Row("a picture in a chat message",
        http(200, completion(choices=[{"message": {"content": "", "images": [{"type": "image_url"}]}}])),
        "wrong_shape", "not read", 200),
    Row("a list", http(200, [1, 2]), "wrong_shape", "", 200),
    Row("null", http(200, "null"), "wrong_shape", "", 200),
    Row("deep nesting", http(200, "[" * 100_000), "bad_json", "", 200),
    Row("error inside 200", http(200, error("Provider failed", 502)), "server_error",
        "Provider failed", 502, attempts=3),
    Row("limit inside 200", http(200, error("Slow down", 429)), "rate_limited", "Slow down", 429, attempts=3),
    Row("filtered output",
        http(200, completion(choices=[{"message": {"content": ""}, "finish_reason": "content_filter"}])),
        "content_filter", "filter", 200),
    Row("filtered prompt", http(400, error("The response was filtered", "content_filter")),
        "content_filter", "", 400),
    Row("context overflow",
        http(400, error("This model's maximum context length is 2048 tokens.", "context_length_exceeded")),
        "context_overflow", "2048", 400),
    Row("context overflow of llama.cpp",
        http(400, error("the request exceeds the available context size, try increasing it", 400)),
        "context_overflow", "", 400),
    Row("redirect elsewhere", http(307, "", {"Location": f"https://evil.example/?{KEY}"}), "redirect",
        "https://evil.example.", 307),
    Row("redirect nowhere", http(302, "", {"Location": "http://[::1"}), "redirect", "another address", 302),
    Row("redirect by path", http(301, "", {"Location": "/v2/chat"}), "redirect", "another address", 301),
    Row("compressed in a way not asked for", http(200, b"\x01\x02", {"Content-Encoding": "br"}),
        "wrong_shape",
        "compress", 200),
    Row("broken compression", http(200, b"\x01\x02", {"Content-Encoding": "gzip"}), "wrong_shape",
        "broken", 200),
    Row("private address", http(200, completion()), "blocked_address", "not a public address",
        options={"allowed_private_hosts": frozenset()}),
    Row("nonsense for a URL", http(200, completion()), "blocked_address",
        "https://", options={"base_url": "nonsense"}),
    Row("line break in the key", http(200, completion()), "auth",
        "characters", options={"key": "sk-a\r\nX-Evil: 1"}),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_every_fault_is_labelled(row: Row) -> None:
    with answering(row.steps) as server:
        fault = ask(server.endpoint(**row.options), row.deadline_s)
    assert isinstance(fault, Fault)
    assert fault.kind == row.kind
    assert fault.kind in FAULTS
    assert row.says in fault.message
    assert (fault.status, fault.attempts) == (row.status, row.attempts)
    assert KEY not in repr(fault)
    assert len(fault.message) < 500
    assert "\n" not in fault.message


def test_a_refused_connection(unused_port: int) -> None:
    with answering(http()) as server:
        endpoint = server.endpoint(base_url=f"http://127.0.0.1:{unused_port}/v1")
    fault = ask(endpoint)
    assert isinstance(fault, Fault)
    assert (fault.kind, fault.attempts) == ("refused_connection", 3)
    assert str(unused_port) in fault.message


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_an_unknown_host_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with answering(http()) as server:
        fault = ask(server.endpoint(base_url="https://no-such-host.example/v1"))
    assert isinstance(fault, Fault)
    assert (fault.kind, fault.message) == ("dns", "The host name no-such-host.example is unknown.")


def test_a_server_that_is_back_a_moment_later_is_asked_again(unused_port: int) -> None:
    """As when a model server is started anew."""

    async def nothing_at_first() -> Reply | Fault:
        endpoint = EndpointConfig("openai-compatible", f"http://127.0.0.1:{unused_port}/v1",
                            allowed_private_hosts=frozenset({"127.0.0.1"}))  # fmt: skip
        pacing = Pacing(attempts=5, first_wait_s=0.05, wait_budget_s=5)
        async with open_endpoint(endpoint, 1, pacing) as asker:
            asked = asyncio.create_task(asker.ask(Request("m", (Message("user", "Hi"),), {}), 5))
            await asyncio.sleep(0.03)
            server = await asyncio.start_server(_say_hello, "127.0.0.1", unused_port)
            async with server:
                return await asked

    reply = asyncio.run(nothing_at_first())
    assert isinstance(reply, Reply)
    assert reply.attempts > 1


async def _say_hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"".join(step for step in http(200, completion()) if isinstance(step, bytes)))
    await writer.drain()
    writer.close()


def test_the_waits_of_one_call_are_longer_than_a_server_takes_to_start() -> None:
    """Two seconds and more, even where each wait comes out as short as it may."""
    longest = [min(PACING.first_wait_s * 2**n, LONGEST_WAIT_S) for n in range(PACING.attempts - 1)]
    assert sum(longest) / 2 > 2


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.example"])
def test_out_of_file_descriptors_is_told_as_ours(host: str) -> None:
    """Really out of them: as many as are open already are allowed, and no more."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)

    open_already = max(int(found.name) for found in Path("/proc/self/fd").iterdir())

    async def starved() -> Reply | Fault:
        endpoint = EndpointConfig("openai-compatible", f"http://{host}:9/v1",
                            allowed_private_hosts=frozenset({host}))  # fmt: skip
        async with open_endpoint(endpoint, 1, QUICK) as asker:
            await asyncio.to_thread(int)  # the resolver's thread is there
            taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(open_already)]
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(taken), limit[1]))
            try:
                return await asker.ask(Request("m", (Message("user", "Hi"),), {}), 5)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limit)
                for descriptor in taken:
                    os.close(descriptor)

    fault = asyncio.run(starved())
    assert isinstance(fault, Fault)
    assert (fault.kind, fault.attempts) == ("out_of_sockets", 3)
    assert "this site’s own fault" in FAULTS[fault.kind].next_step


def test_an_answer_too_large_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prompts_app.engine.endpoints.transport.MOST_BYTES", 1000)
    with answering(http(200, "x" * 1001)) as server:
        fault = ask(server.endpoint())
    assert isinstance(fault, Fault)
    assert fault.kind == "answer_too_large"


def test_a_small_answer_that_unpacks_to_a_huge_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST_BYTES", 100_000)
    with answering(http(200, gzip.compress(b" " * 1_000_000), {"Content-Encoding": "gzip"})) as server:
        fault = ask(server.endpoint())
    assert isinstance(fault, Fault)
    assert fault.kind == "answer_too_large"


@pytest.mark.parametrize(
    ("parameters", "says"),
    [({"stream": True}, "stream"), ({"model": "x"}, "model"), ({"messages": []}, "messages"),
     ({"seed": float("nan")}, "not JSON")],
)  # fmt: skip
def test_a_parameter_that_is_not_the_authors_to_set(parameters: dict[str, Any], says: str) -> None:
    with answering(http(200, completion())) as server:
        fault = ask(server.endpoint(), parameters=parameters)
    assert isinstance(fault, Fault)
    assert fault.kind == "bad_request"
    assert says in fault.message
    assert server.asked == []


def test_a_fault_that_passes_is_asked_again_and_says_how_often() -> None:
    with answering(http(503), [], http(200, completion("At last"))) as server:
        reply = ask(server.endpoint())
    assert isinstance(reply, Reply)
    assert (reply.output, reply.attempts, len(server.asked)) == ("At last", 3, 3)


def test_a_server_that_asks_to_wait_is_waited_for() -> None:
    later = (datetime.now(tz=UTC) - timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    with answering(
        http(429, "", {"Retry-After": later}),
        http(429, "", {"retry-after-ms": "30"}),
        http(200, completion()),
    ) as server:
        reply = ask(server.endpoint())
    assert isinstance(reply, Reply)
    assert reply.attempts == 3
    assert reply.latency_ms < 1000


def test_the_key_is_blanked_out_of_answers_too() -> None:
    with answering(http(200, completion(f"Your key is {KEY}"))) as server:
        reply = ask(server.endpoint())
    assert isinstance(reply, Reply)
    assert reply.output == "Your key is [key]"


def test_words_quoted_from_the_request_do_not_mislead() -> None:
    body = {"detail": [{"msg": "field required", "input": "the maximum context length, flagged"}]}
    with answering(http(422, body)) as server:
        fault = ask(server.endpoint(), messages=(Message("user", "maximum context length"),))
    assert isinstance(fault, Fault)
    assert fault.kind == "bad_request"


def test_a_message_never_brings_control_characters_along() -> None:
    with answering(http(400, json.dumps(error("a\u0000b\u001b[31mc\u202ed\n" + "x" * 5000)))) as server:
        fault = ask(server.endpoint())
    assert isinstance(fault, Fault)
    assert fault.message.isprintable()
    assert len(fault.message) < 400
