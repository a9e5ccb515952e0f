"""The ordinary path to a model server: what is sent, what is kept, how it is timed."""

import asyncio
import datetime as dt
import ssl
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import httpcore2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from llmock.testing import LLMockServer

from prompts_app.engine.endpoints import Pacing, connecting, open_endpoint
from prompts_app.engine.endpoints.addresses import check_url
from prompts_app.engine.endpoints.presets import PRESETS
from prompts_app.engine.types import EndpointConfig, Fault, Message, Reply, Request
from prompts_app.tests.engine.asking import QUESTION, ask, list_models
from prompts_app.tests.engine.servers import KEY, QUICK, answering, completion, http


def test_what_is_sent_is_the_request_and_nothing_of_our_own() -> None:
    with answering(http(200, completion())) as server:
        ask(server.endpoint(), parameters={"temperature": 0, "max_tokens": 5})
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("POST", "/v1/chat/completions")
    assert asked.json == {
        "model": "tiny-1",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Say hello."},
        ],
        "temperature": 0,
        "max_tokens": 5,
    }
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert set(asked.headers) == {
        "host", "accept", "accept-encoding", "user-agent", "authorization", "content-type", "content-length",
    }  # fmt: skip


def test_any_text_arrives_as_it_was_written() -> None:
    text = "nul \0, half a pair \ud800, right to left \u202e, emoji \U0001f600"
    with answering(http(200, completion())) as server:
        ask(server.endpoint(), messages=(Message("user", text),))
    assert server.asked[0].json["messages"][0]["content"] == text


def test_no_key_means_no_header_and_none_is_taken_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-operator-secret")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with answering(http(200, completion())) as server:
        assert isinstance(ask(server.endpoint(key="")), Reply)
    assert "authorization" not in server.asked[0].headers


def test_everything_the_server_says_is_kept() -> None:
    with answering(http(200, completion("Hello"))) as server:
        reply = ask(server.endpoint())
    assert isinstance(reply, Reply)
    assert (reply.output, reply.finish_reason, reply.model) == ("Hello", "stop", "tiny-1")
    assert (reply.response_id, reply.fingerprint) == ("chatcmpl-1", "fp_1")
    assert (reply.tokens_in, reply.tokens_out, reply.attempts, reply.cached) == (7, 2, 1, False)


@pytest.mark.parametrize(
    ("choice", "output"),
    [
        ({"message": {"content": ""}, "finish_reason": "stop"}, ""),
        ({"message": {"content": None}}, ""),
        (
            {"message": {"content": [{"type": "thinking"}, {"type": "text", "text": "a"}, {"text": "b"}]}},
            "ab",
        ),
        ({"message": {"content": None, "refusal": "I can’t."}}, "I can’t."),
        ({"message": {"content": None, "tool_calls": [{"id": "1"}]}}, '[{"id": "1"}]'),
        ({"message": {"content": "cut o"}, "finish_reason": "length"}, "cut o"),
        ({"text": "an older server"}, "an older server"),
    ],
)
def test_the_output_is_found_in_every_usual_place(choice: dict[str, Any], output: str) -> None:
    with answering(http(200, completion(choices=[choice]))) as server:
        reply = ask(server.endpoint())
    assert isinstance(reply, Reply)
    assert reply.output == output


@pytest.mark.parametrize("usage", [None, [], {}, {"prompt_tokens": "7"}, {"prompt_tokens": -1}])
def test_missing_usage_is_unknown_and_not_zero(usage: Any) -> None:
    with answering(http(200, completion(usage=usage, model=None, id=5, system_fingerprint=None))) as server:
        reply = ask(server.endpoint())
    assert isinstance(reply, Reply)
    assert (reply.tokens_in, reply.tokens_out, reply.model, reply.response_id) == (None, None, None, None)


@pytest.mark.parametrize(
    ("usage", "cached"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 8}}, 8),
        ({"prompt_tokens": 9, "completion_tokens": 1, "prompt_cache_hit_tokens": 7}, 7),  # DeepSeek
        ({"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": None}, None),
        ({"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": "8"}}, None),
    ],
)
def test_how_many_tokens_the_provider_had_kept_is_read(usage: Any, cached: int | None) -> None:
    with answering(http(200, completion(usage=usage))) as server:
        reply = ask(server.endpoint())
    assert isinstance(reply, Reply)
    assert (reply.tokens_in, reply.tokens_cached) == (9, cached)


def test_an_answer_from_a_cache_says_so() -> None:
    with answering(http(200, completion(), {"X-Cache": "HIT from edge"})) as server:
        reply = ask(server.endpoint())
    assert isinstance(reply, Reply)
    assert reply.cached


def test_models_are_listed_sorted() -> None:
    with answering(http(200, {"data": [{"id": "b"}, {"id": "a"}, {"name": "c"}, {"id": 5}, "d"]})) as server:
        assert list_models(server.endpoint()) == ("a", "b", "c", "d")
    assert (server.asked[0].method, server.asked[0].path) == ("GET", "/v1/models")


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        (http(401), "auth"),
        (http(200, "{}"), "wrong_shape"),
        (http(200, "<html>"), "html_answer"),
        ([], "stream_cut"),
    ],
)
def test_a_models_list_can_fail_in_the_same_ways(steps: list[Any], kind: str) -> None:
    with answering(steps) as server:
        fault = list_models(server.endpoint())
    assert isinstance(fault, Fault)
    assert fault.kind == kind


@pytest.fixture(scope="module")
def llmock_server() -> Iterator[LLMockServer]:
    with LLMockServer() as server:
        yield server


def test_a_whole_other_implementation_of_the_api_is_understood(llmock_server: LLMockServer) -> None:
    endpoint = EndpointConfig(
        "openai-compatible", llmock_server.base_url("openai"), KEY, frozenset({"127.0.0.1"})
    )
    reply = ask(endpoint, deadline_s=60.0, model="gpt-4o-mini")  # it loads what it needs when first asked
    assert isinstance(reply, Reply)
    assert reply.output
    assert reply.tokens_in
    models = list_models(endpoint, deadline_s=60.0)
    assert isinstance(models, tuple)
    assert models


def test_latency_is_the_servers_time_not_the_waiting_before_it() -> None:
    """Opening the connection is slow here; only the exchange itself counts."""

    async def slowly(address: str, port: int) -> Any:
        await asyncio.sleep(0.5)
        return await connect(address, port)

    connect = connecting.connect
    with pytest.MonkeyPatch.context() as patch, answering([0.1, *http(200, completion())]) as server:
        patch.setattr(connecting, "connect", slowly)
        started = perf_counter()
        reply = ask(server.endpoint())
        took_ms = (perf_counter() - started) * 1000
    assert isinstance(reply, Reply)
    assert 100 <= reply.latency_ms < 450 < 600 <= took_ms


def test_latency_does_not_grow_while_this_program_is_busy() -> None:
    def received(self: Any, data: bytes) -> None:
        original(self, data)
        sleep(0.5)  # the bytes are here, but their reader does not get its turn yet

    original = connecting._Inbox.feed_data
    with pytest.MonkeyPatch.context() as patch, answering([0.1, *http(200, completion())]) as server:
        patch.setattr(connecting._Inbox, "feed_data", received)
        reply = ask(server.endpoint())
    assert isinstance(reply, Reply)
    assert 100 <= reply.latency_ms < 500


def test_latency_is_the_last_attempts_alone() -> None:
    with answering([0.5, *http(503)], http(200, completion())) as server:
        reply = ask(server.endpoint())
    assert isinstance(reply, Reply)
    assert reply.attempts == 2
    assert reply.latency_ms < 450


def test_connections_are_kept_between_calls() -> None:
    opened = []

    async def counted(address: str, port: int) -> Any:
        opened.append(address)
        return await connect(address, port)

    async def three_calls(endpoint: EndpointConfig) -> None:
        async with open_endpoint(endpoint, 2, QUICK) as asker:
            for _ in range(3):
                assert isinstance(await asker.ask(Request("tiny-1", QUESTION), 5.0), Reply)

    connect = connecting.connect
    with pytest.MonkeyPatch.context() as patch, answering(http(200, completion())) as server:
        patch.setattr(connecting, "connect", counted)
        asyncio.run(three_calls(server.endpoint()))
    assert len(opened) == 1


def test_a_connection_the_server_has_ended_meanwhile_is_not_used_again() -> None:
    ends_afterwards = [*http(200, completion()), 0.0]

    async def two_calls(endpoint: EndpointConfig) -> list[Reply | Fault]:
        async with open_endpoint(endpoint, 1, QUICK) as asker:
            first = await asker.ask(Request("tiny-1", QUESTION), 5.0)
            await asyncio.sleep(0.2)
            return [first, await asker.ask(Request("tiny-1", QUESTION), 5.0)]

    with answering(ends_afterwards) as server:
        replies = asyncio.run(two_calls(server.endpoint()))
    assert [(type(reply), reply.attempts) for reply in replies] == [(Reply, 1), (Reply, 1)]


def test_a_connection_whose_call_was_given_up_never_answers_another_one() -> None:
    async def two_calls(endpoint: EndpointConfig) -> list[Reply | Fault]:
        async with open_endpoint(endpoint, 1, Pacing(attempts=1)) as asker:
            given_up = await asker.ask(Request("tiny-1", QUESTION), 0.2)
            await asyncio.sleep(0.4)  # the late answer would be there by now
            return [given_up, await asker.ask(Request("tiny-1", QUESTION), 5.0)]

    late, right = http(200, completion("late")), http(200, completion("right"))
    with answering([0.4, *late], right) as server:
        first, second = asyncio.run(two_calls(server.endpoint()))
    assert isinstance(first, Fault)
    assert isinstance(second, Reply)
    assert (first.kind, second.output) == ("timeout", "right")


def test_when_a_server_asks_for_a_pause_all_calls_heed_it() -> None:
    async def two_calls(endpoint: EndpointConfig) -> list[Reply | Fault]:
        async with open_endpoint(endpoint, 2, Pacing(attempts=1, wait_budget_s=0.2)) as asker:
            return [await asker.ask(Request("tiny-1", QUESTION), 5.0) for _ in range(2)]

    with answering(http(429, "", {"Retry-After": "3600"}), http(200, completion())) as server:
        first, second = asyncio.run(two_calls(server.endpoint()))
    assert isinstance(first, Fault)
    assert isinstance(second, Fault)
    assert (second.kind, second.attempts, len(server.asked)) == ("rate_limited", 0, 1)
    assert "pause of another 3600 s" in second.message


def test_a_used_up_limit_is_waited_out_before_the_next_call() -> None:
    async def two_calls(endpoint: EndpointConfig) -> float:
        async with open_endpoint(endpoint, 1, QUICK) as asker:
            await asker.ask(Request("tiny-1", QUESTION), 5.0)
            started = perf_counter()
            assert isinstance(await asker.ask(Request("tiny-1", QUESTION), 5.0), Reply)
            return perf_counter() - started

    limit = {"X-RateLimit-Remaining-Requests": "0", "X-RateLimit-Reset-Requests": "100ms"}
    with answering(http(200, completion(), limit), http(200, completion())) as server:
        assert 0.09 <= asyncio.run(two_calls(server.endpoint())) < 0.6


@pytest.fixture(scope="module")
def own_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that only those trust who were told to."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(tz=dt.UTC)
    certificate = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now, now + dt.timedelta(1)
        )
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def tls(own_certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own_certificate)
    return context


def test_a_certificate_nobody_vouches_for_is_refused(tls: ssl.SSLContext) -> None:
    with answering(http(200, completion()), tls=tls) as server:
        fault = ask(server.endpoint())
    assert isinstance(fault, Fault)
    assert fault.kind == "tls"
    assert "certificate" in fault.message
    assert server.asked == []


def test_https_to_a_server_that_speaks_http_is_a_tls_fault() -> None:
    with answering(http(200, completion())) as server:
        fault = ask(server.endpoint(base_url=server.base_url.replace("http", "https")))
    assert isinstance(fault, Fault)
    assert fault.kind == "tls"


def test_https_works_where_the_certificate_is_trusted(
    tls: ssl.SSLContext, own_certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = ssl.create_default_context(cafile=str(own_certificate))
    monkeypatch.setattr(httpcore2, "default_ssl_context", lambda: trusting)
    with answering([0.1, *http(200, completion("Safe"))], tls=tls) as server:
        reply = ask(server.endpoint())
    assert isinstance(reply, Reply)
    assert reply.output == "Safe"
    assert reply.latency_ms >= 100


def test_an_unknown_kind_of_endpoint_is_told() -> None:
    with pytest.raises(ValueError, match="known are openai-compatible, practice"):
        open_endpoint(EndpointConfig("carrier-pigeon"), 1)


@pytest.mark.parametrize("preset", PRESETS, ids=[preset.name for preset in PRESETS])
def test_presets_are_usable_addresses(preset: Any) -> None:
    assert check_url(preset.base_url, {"localhost"}) is None
    assert bool(preset.key_url) is preset.needs_key
