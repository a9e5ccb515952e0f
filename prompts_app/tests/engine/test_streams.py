"""Answers that come in pieces: joined to what they would have been as a whole, timed, and half ones told."""

import asyncio
import json
from time import process_time
from typing import Any

import pytest
from llmock.testing import LLMockServer

from prompts_app.engine.endpoints import open_endpoint
from prompts_app.engine.endpoints.response_streams import ResponseEvents
from prompts_app.engine.endpoints.streams import Pieces
from prompts_app.engine.types import EndpointConfig, Fault, Json, Message, Reply, Request
from prompts_app.tests.engine.asking import QUESTION
from prompts_app.tests.engine.servers import KEY, QUICK, OddServer, answering, completion, http
from prompts_app.tests.engine.streaming import DONE, END, FINISHED, HEAD, chunked, event, says, streamed


def asked(endpoint: EndpointConfig, model: str, times: int = 1, deadline_s: float = 5.0) -> Reply | Fault:
    async def call() -> Reply | Fault:
        async with open_endpoint(endpoint, 1, QUICK) as asker:
            for _ in range(times):
                result = await asker.ask(Request(model, QUESTION, stream=True), deadline_s)
            return result

    return asyncio.run(call())


def ask(server: OddServer, times: int = 1, deadline_s: float = 5.0) -> Reply | Fault:
    return asked(server.endpoint(), "tiny-1", times, deadline_s)


def test_the_pieces_make_the_answer_that_would_have_come_whole() -> None:
    with answering(
        streamed(says(role="assistant", content=""), says(content="Hel"), says(content="lo"), *FINISHED)
    ) as server:
        reply = ask(server)
    with answering(http(200, completion("Hello"))) as other:
        whole = ask(other)
    assert isinstance(reply, Reply)
    assert isinstance(whole, Reply)
    for name in ("output", "finish_reason", "model", "response_id", "fingerprint", "tokens_in", "tokens_out"):
        assert getattr(reply, name) == getattr(whole, name), name
    assert server.asked[0].json["stream"] is True
    assert server.asked[0].json["stream_options"] == {"include_usage": True}
    assert server.asked[0].headers["accept"] == "application/json"
    assert whole.first_token_ms is None  # a server that answers whole all the same


def test_the_first_piece_and_the_last_are_timed_where_they_arrive() -> None:
    steps = (
        says(role="assistant", content=""),
        0.2,
        says(content="Hel"),
        0.2,
        says(content="lo"),
        0.2,
        *FINISHED,
    )
    with answering([0.1, *streamed(*steps)]) as server:
        reply = ask(server)
    assert isinstance(reply, Reply)
    assert reply.first_token_ms is not None
    assert 300 <= reply.first_token_ms < 480 < 700 <= reply.latency_ms < 1000


def test_thinking_is_a_first_piece_too() -> None:
    steps = (says(reasoning_content="Hm"), says(reasoning_content="m."), 0.2, says(content="Yes"), *FINISHED)
    with answering(streamed(*steps)) as server:
        reply = ask(server)
    assert isinstance(reply, Reply)
    assert (reply.output, reply.reasoning_chars) == ("Yes", 4)
    assert reply.first_token_ms is not None
    assert reply.first_token_ms < 150 < reply.latency_ms


CALLS = (
    says(
        tool_calls=[
            {"index": 0, "id": "a", "type": "function", "function": {"name": "look", "arguments": ""}}
        ]
    ),
    says(tool_calls=[{"index": 0, "function": {"arguments": '{"q"'}}]),
    says(tool_calls=[{"index": 1, "id": "b", "function": {"name": "find", "arguments": "{}"}}]),
    says(tool_calls=[{"index": 0, "function": {"arguments": ": 1}"}}]),
    says("tool_calls"),
)


def test_calls_of_tools_are_joined_by_their_index() -> None:
    with answering(streamed(*CALLS, DONE, END)) as server:
        reply = ask(server)
    assert isinstance(reply, Reply)
    first, second = json.loads(reply.output)
    assert first == {
        "id": "a", "type": "function", "function": {"name": "look", "arguments": '{"q": 1}'}
    }  # fmt: skip
    assert second == {"id": "b", "function": {"name": "find", "arguments": "{}"}}


OLD = (
    event(choices=[{"index": 0, "text": "old"}]),
    event(choices=[{"index": 0, "text": "er", "finish_reason": "stop"}]), DONE, END,
)  # fmt: skip
SECOND_CHOICE = event(choices=[{"index": 1, "delta": {"content": "another"}}])
WHOLE = event(choices=[{"message": {"role": "assistant", "content": "whole"}, "finish_reason": "stop"}])
MISTRAL = (
    says(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]),
    says(content="A "), says(content="tree"), says("stop"), DONE, END,
)  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "output"),
    [
        (MISTRAL, "A tree"),
        ((says(refusal="I "), says(refusal="can’t."), *FINISHED), "I can’t."),
        (OLD, "older"),
        ((says(content="one"), SECOND_CHOICE, *FINISHED), "one"),
        ((chunked(b": keep-alive\n\n"), says(content="é\n"), *FINISHED), "é\n"),
        ((says("stop"), DONE, END), ""),
        ((says("stop", content="no mark at the end"), END), "no mark at the end"),
        ((WHOLE, DONE, END), "whole"),
    ],
)  # fmt: skip
def test_streams_are_understood_in_the_shapes_servers_give_them(steps: Any, output: str) -> None:
    with answering(streamed(*steps)) as server:
        reply = ask(server)
    assert isinstance(reply, Reply)
    assert reply.output == output


ERROR = event(error={"message": "Overloaded", "type": "overloaded_error", "code": 529})
VLLM_ERROR = chunked(b'event: error\ndata: {"object": "error", "message": "Overloaded"}\n\n')


@pytest.mark.parametrize(
    ("steps", "kind", "part"),
    [
        ((says(content="Hel"),), "stream_cut", "Hel"),  # the connection breaks
        ((says(content="Hel"), END), "stream_cut", "Hel"),  # it ends as it should, but nothing said so
        ((says(content="Hel"), DONE, END), "stream_cut", "Hel"),
        ((), "stream_cut", None),
        ((END,), "wrong_shape", None),
        ((DONE, END), "wrong_shape", None),
        ((says(content="Hel"), ERROR, END), "server_error", "Hel"),
        ((ERROR, END), "server_error", None),
        ((VLLM_ERROR, END), "server_error", None),
        ((says(content="Hel"), chunked(b"data: <html>\n\n"), END), "stream_cut", "Hel"),
        ((chunked(b"data: <html>\n\n"), END), "html_answer", None),
        ((chunked(b"data: {half\n\n"), END), "bad_json", None),
        ((says("content_filter", content="Hel"), DONE, END), "content_filter", "Hel"),
    ],
)  # fmt: skip
def test_half_a_stream_is_the_fault_it_is(steps: Any, kind: str, part: str | None) -> None:
    with answering(streamed(*steps)) as server:
        fault = ask(server)
    assert isinstance(fault, Fault)
    assert fault.kind == kind
    assert (fault.part.output if fault.part else None) == part


def test_a_refusal_of_a_stream_is_a_refusal() -> None:
    with answering(
        http(400, {"error": {"message": "stream_options: Extra inputs are not permitted"}})
    ) as server:
        fault = ask(server)
    assert isinstance(fault, Fault)
    assert (fault.kind, fault.status) == ("bad_request", 400)


def test_a_stream_has_the_same_deadline_and_the_same_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    drip = [step for n in range(20) for step in (says(content="x"), 0.1)]
    with answering(streamed(*drip)) as server:
        fault = ask(server, deadline_s=0.5)
    assert isinstance(fault, Fault)
    assert fault.kind == "timeout"
    monkeypatch.setattr("prompts_app.engine.endpoints.transport.MOST_BYTES", 1000)
    with answering(streamed(*[says(content="x" * 100)] * 20)) as server:
        fault = ask(server)
    assert isinstance(fault, Fault)
    assert fault.kind == "answer_too_large"


def test_the_key_is_taken_out_where_it_comes_in_pieces() -> None:
    with answering(streamed(says(content=f"is {KEY[:9]}"), says(content=f"{KEY[9:]}!"), *FINISHED)) as server:
        reply = ask(server)
    assert isinstance(reply, Reply)
    assert reply.output == "is [key]!"


def test_connections_are_kept_after_a_stream() -> None:
    with answering([HEAD + says(content="Hello") + b"".join(FINISHED)]) as server:
        reply = ask(server, times=3)
    assert isinstance(reply, Reply)
    assert (len(server.asked), server.connections) == (3, 1)


def test_a_run_asks_for_streams_only_where_it_was_told_to() -> None:
    request = Request("m", (Message("user", "x"),), {"temperature": 0})
    assert "stream" not in request.body()
    images = Request("m", (Message("user", "x"),), {}, "images", stream=True)
    assert "stream" not in images.body()


def test_a_whole_other_implementation_of_streams_is_understood() -> None:
    with LLMockServer() as server:
        endpoint = EndpointConfig(
            "openai-compatible", server.base_url("openai"), KEY, frozenset({"127.0.0.1"})
        )
        reply = asked(endpoint, "gpt-4o-mini", deadline_s=60.0)
    assert isinstance(reply, Reply), reply
    assert reply.output
    assert reply.finish_reason == "stop"
    assert reply.first_token_ms is not None
    assert reply.first_token_ms <= reply.latency_ms


def test_what_cannot_be_read_is_told_as_such_and_not_as_a_fault_of_ours() -> None:
    """Half a character, nesting that ends a reader, a number of more digits than Python reads."""
    half = chunked(b'data: {"choices": [{"delta": {"content": "\xe2\x82"}}]}\n\n')
    deep = chunked(b"data: " + b"[" * 200_000 + b"\n\n")
    long = chunked(b'data: {"usage": {"prompt_tokens": ' + b"9" * 5000 + b"}}\n\n")
    for broken in (half, deep, long):
        with answering(streamed(broken, *FINISHED)) as server:
            told = ask(server)
        assert isinstance(told, Fault)
        assert told.kind == "bad_json"
        with answering(streamed(says(content="Hel"), broken, *FINISHED)) as server:
            told = ask(server)
        assert isinstance(told, Fault)
        assert (told.kind, told.part and told.part.output) == ("stream_cut", "Hel")


def _seconds(pieces: Pieces | ResponseEvents, chunks: list[Json]) -> float:
    begun = process_time()
    for chunk in chunks:
        pieces.add(chunk)
    json.dumps(pieces.joined)
    return process_time() - begun


def _said(**delta: Json) -> Json:
    return {"choices": [{"index": 0, "delta": delta}]}


def _argued(arguments: str) -> Json:
    return _said(tool_calls=[{"index": 0, "function": {"arguments": arguments}}])


@pytest.mark.parametrize(
    ("pieces", "first", "more"),
    [
        (Pieces, _said(content="x" * 4_000_000), [_said(content="y")] * 20_000),
        (Pieces, _said(reasoning="x" * 4_000_000), [_said(reasoning="y")] * 20_000),
        (Pieces, _argued("x" * 4_000_000), [_argued("y")] * 20_000),
        (Pieces, _said(content=[{"text": "x"}] * 100_000), [_said(content=[{"text": "y"}])] * 20_000),
        (Pieces, _said(), [_said(tool_calls=[{"index": at}]) for at in range(20_000)]),
        (
            ResponseEvents,
            {"type": "response.output_text.delta", "delta": "x" * 4_000_000},
            [{"type": "response.output_text.delta", "delta": "y"}] * 20_000,
        ),
    ],
    ids=["text", "thinking", "arguments", "parts", "calls", "responses"],
)
def test_many_small_pieces_cost_no_more_than_they_are(
    pieces: type[Pieces | ResponseEvents], first: Json, more: list[Json]
) -> None:
    """A server may send eight megabytes in pieces of one character, and all other calls of the run wait for
    whoever joins them."""
    assert _seconds(pieces(), [first, *more]) < 1.0


@pytest.mark.parametrize(
    ("said", "content"),
    [
        (["a", "b"], "ab"),
        (["a", [{"text": "b"}]], [{"type": "text", "text": "a"}, {"text": "b"}]),
        ([[{"text": "a"}], "b"], [{"text": "a"}, {"type": "text", "text": "b"}]),
        (["a", None, ""], "a"),
        ([7, "a"], "a"),
        ([{"odd": 1}], {"odd": 1}),
    ],
)
def test_contents_of_any_shape_are_joined(said: list[Json], content: Json) -> None:
    pieces = Pieces()
    for one in said:
        pieces.add(_said(content=one))
    assert pieces.joined["choices"][0]["message"]["content"] == content
