"""The images API, against a real server on loopback: pictures come, and every fault is a labelled row."""

import asyncio
import base64
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest

from prompts_app.engine.assertions import NO_TEXT
from prompts_app.engine.endpoints import open_endpoint, transport
from prompts_app.engine.faults import FAULTS
from prompts_app.engine.prices import price_of
from prompts_app.engine.run import RunConfig, run_cells
from prompts_app.engine.types import (
    Assertion,
    CaseContent,
    Cell,
    EndpointConfig,
    Fault,
    Judge,
    Message,
    Outcome,
    PromptContent,
    Reply,
    Request,
)
from prompts_app.tests.engine.files import a_file, moving
from prompts_app.tests.engine.servers import KEY, QUICK, Step, answering, http

PNG = a_file("PNG", 64, 48)
MESSAGES = (Message("system", "Paint in ink."), Message("user", "A lighthouse."))


def in_base64(original: bytes) -> str:
    return base64.b64encode(original).decode()


def drawing(original: bytes = PNG, **changes: Any) -> dict[str, Any]:
    """An ordinary answer of an images API."""
    return {
        "created": 1_790_000_000,
        "data": [{"b64_json": in_base64(original), "revised_prompt": "A lighthouse, in ink"}],
        "usage": {"input_tokens": 11, "output_tokens": 272, "total_tokens": 283},
        **changes,
    }


def draw(
    endpoint: EndpointConfig,
    parameters: dict[str, Any] | None = None,
    model: str = "gpt-image-1",
    deadline_s: float = 5.0,
) -> Reply | Fault:
    async def call() -> Reply | Fault:
        async with open_endpoint(endpoint, 1, QUICK) as asker:
            return await asker.ask(Request(model, MESSAGES, parameters or {}, "images"), deadline_s)

    return asyncio.run(call())


def test_a_picture_comes_with_what_is_known_of_it() -> None:
    with answering(http(200, drawing())) as server:
        reply = draw(server.endpoint(), {"size": "1024x1024", "quality": "low"})
    assert isinstance(reply, Reply)
    assert reply.picture is not None
    assert reply.picture.original_digest == sha256(PNG).hexdigest()
    assert (reply.picture.width, reply.picture.height) == (64, 48)
    assert reply.picture.revised_prompt == "A lighthouse, in ink"
    assert (reply.output, reply.tokens_in, reply.tokens_out, reply.attempts) == ("", 11, 272, 1)


def test_the_messages_go_as_one_text_with_only_what_the_author_set() -> None:
    with answering(http(200, drawing())) as server:
        draw(server.endpoint(), {"size": "1024x1024"})
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/v1/images/generations")
    assert asked.json == {
        "model": "gpt-image-1",
        "prompt": "Paint in ink.\n\nA lighthouse.",
        "n": 1,
        "size": "1024x1024",
    }
    assert asked.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("usage", [None, {}, {"input_tokens": -1}, {"input_tokens": "x"}, [1]])
def test_missing_usage_is_unknown(usage: Any) -> None:
    with answering(http(200, drawing(usage=usage))) as server:
        reply = draw(server.endpoint())
    assert isinstance(reply, Reply)
    assert (reply.tokens_in, reply.tokens_out) == (None, None)


def test_a_picture_written_as_a_data_address_is_taken_too() -> None:
    with answering(
        http(200, drawing(data=[{"b64_json": "data:image/png;base64," + in_base64(PNG)}]))
    ) as server:
        reply = draw(server.endpoint())
    assert isinstance(reply, Reply)
    assert reply.picture is not None
    assert reply.picture.revised_prompt == ""


@dataclass
class Row:
    name: str
    steps: list[Step]
    kind: str
    says: str = ""
    attempts: int = 1
    parameters: dict[str, Any] = field(default_factory=dict)
    deadline_s: float = 5.0


ELSEWHERE = {"data": [{"url": "https://pictures.example/one.png?sig=x", "revised_prompt": "x"}]}
ROWS = [
    Row("an address instead of a picture", http(200, ELSEWHERE), "picture_address", "not fetched"),
    Row("no data", http(200, {"created": 1}), "wrong_shape", "data"),
    Row("data empty", http(200, {"data": []}), "wrong_shape", "data"),
    Row("data null", http(200, {"data": None}), "wrong_shape", "data"),
    Row("data of something else", http(200, {"data": ["x"]}), "wrong_shape", "data"),
    Row("no picture in it", http(200, {"data": [{"b64_json": ""}]}), "wrong_shape", "no picture"),
    Row("an answer of a chat", http(200, {"choices": [{"message": {"content": "x"}}]}), "wrong_shape"),
    Row("not base64", http(200, {"data": [{"b64_json": "%%%"}]}), "bad_picture", "base64"),
    Row("base64 of a text", http(200, drawing(b"hello")), "bad_picture", "PNG"),
    Row("base64 of an SVG", http(200, drawing(b"<svg onload=alert(1)>")), "bad_picture", "SVG"),
    Row("half a picture", http(200, drawing(a_file("PNG", 300, 300)[:-50])), "bad_picture", "damaged"),
    Row("a moving picture", http(200, drawing(moving("WEBP"))), "bad_picture", "moves"),
    Row("400 for a parameter", http(400, {"error": {"message": "Unknown parameter: 'temperature'."}}),
        "bad_request", "temperature"),
    Row("400 by the filter",
        http(400, {"error": {"code": "moderation_blocked", "message": "Rejected by the safety system."}}),
        "content_filter"),
    Row("401", http(401, {"error": {"message": f"Bad key {KEY}"}}), "auth", "[key]"),
    Row("404: a server without images", http(404, {"detail": "Not Found"}), "wrong_path", "404"),
    Row("429", http(429, {"error": {"message": "Slow down"}}), "rate_limited", "", attempts=3),
    Row("500", http(500, ""), "server_error", "", attempts=3),
    Row("HTML with 200", http(200, "<!doctype html><html></html>"), "html_answer"),
    Row("malformed JSON", http(200, '{"data": [{"b64_'), "bad_json"),
    Row("hangs up", [], "stream_cut", "", attempts=3),
    Row("silence", [2.0], "timeout", "0.1 s", deadline_s=0.1),
    Row("redirect", http(307, "", {"Location": "https://evil.example/"}), "redirect", "evil.example"),
    Row("a prompt among the parameters", http(200, drawing()), "bad_request", "prompt",
        parameters={"prompt": "x"}),
    Row("n among the parameters", http(200, drawing()), "bad_request", "“n”", parameters={"n": 4}),
    Row("a stream", http(200, drawing()), "bad_request", "stream", parameters={"stream": True}),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_every_fault_is_labelled(row: Row) -> None:
    with answering(row.steps) as server:
        fault = draw(server.endpoint(), row.parameters, deadline_s=row.deadline_s)
    assert isinstance(fault, Fault)
    assert fault.kind == row.kind
    assert fault.kind in FAULTS
    assert row.says in fault.message
    assert fault.attempts == row.attempts
    assert KEY not in repr(fault)
    assert bool(server.asked) == (not row.parameters)


def test_an_answer_too_large_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MOST_BYTES", 1000)
    with answering(http(200, drawing(a_file("PNG", 400, 400) * 20))) as server:
        fault = draw(server.endpoint())
    assert isinstance(fault, Fault)
    assert fault.kind == "answer_too_large"


def test_what_an_address_points_to_is_never_asked_for() -> None:
    with answering(http(200, drawing())) as other:
        there = {"data": [{"url": f"http://127.0.0.1:{other.port}/one.png"}]}
        with answering(http(200, there)) as server:
            draw(server.endpoint())
        assert other.asked == []


# --- in a run ---


def outcomes(endpoint: EndpointConfig, *cases: CaseContent, judge: Judge | None = None) -> list[Outcome]:
    found: list[Outcome] = []
    asyncio.run(
        run_cells(
            RunConfig(
                PromptContent((Message("user", "Draw {{what}}."),)), "gpt-image-1", endpoint,
                concurrency=2, judge=judge, pacing=QUICK, api="images",
            ),
            [Cell(place, 0, case) for place, case in enumerate(cases)],
            on_outcome=found.append, stop_reason=lambda: None,
        )
    )  # fmt: skip
    return sorted(found, key=lambda outcome: outcome.cell.case_index)


def a_case(*assertions: Assertion, turns: tuple[str, ...] = ()) -> CaseContent:
    return CaseContent("One", {"what": "a fox"}, turns, assertions)


def test_limits_are_held_to_and_what_looks_at_text_is_not_judged() -> None:
    kinds = (
        Assertion("latency", threshold=60_000),
        Assertion("tokens-used", {"max": 300}),
        Assertion("contains", "fox"),
        Assertion("not-contains", "dog"),
        Assertion("word-count", {"max": 5}),
        Assertion("is-json"),
        Assertion("not-equals", "x"),
        Assertion("llm-rubric", "is a fox"),
        Assertion("human"),
    )
    with answering(http(200, drawing())) as server:
        (outcome,) = outcomes(server.endpoint(), a_case(*kinds))
    assert [check.passed for check in outcome.checks] == [True, True, *[None] * 7]
    assert {check.reason for check in outcome.checks[2:8]} == {NO_TEXT}
    assert outcome.passed is None, "never a false pass"
    assert outcome.reply is not None
    assert outcome.reply.picture is not None


def test_a_limit_alone_can_pass_and_fail() -> None:
    fast, slow = a_case(Assertion("latency", threshold=60_000)), a_case(Assertion("latency", threshold=1e-9))
    with answering(http(200, drawing())) as server:
        passed, failed = outcomes(server.endpoint(), fast, slow)
    assert (passed.passed, failed.passed) == (True, False)


def test_an_unknown_cost_is_not_judged_and_says_so() -> None:
    with answering(http(200, drawing())) as server:
        (outcome,) = outcomes(server.endpoint(), a_case(Assertion("cost", threshold=1)))
    assert outcome.passed is None
    assert "unknown" in outcome.checks[0].reason


def test_a_judge_is_not_asked_about_a_picture() -> None:
    with answering(http(200, drawing())) as server, answering(http(200, {})) as bench:
        judge = Judge(bench.endpoint(), "judge-1")
        (outcome,) = outcomes(server.endpoint(), a_case(Assertion("llm-rubric", "is a fox")), judge=judge)
    assert bench.asked == []
    assert (outcome.passed, outcome.fault) == (None, None)


def test_further_turns_are_an_error_and_nothing_is_asked() -> None:
    with answering(http(200, drawing())) as server:
        (outcome,) = outcomes(server.endpoint(), a_case(turns=("Now in red.",)))
    assert outcome.fault is not None
    assert "turns" in outcome.fault.message
    assert server.asked == []


def test_the_price_of_a_picture_counts_its_tokens_as_a_pictures() -> None:
    """Of gpt-image-1.5 a million tokens of text cost 10 dollars, of a picture 32."""
    at = "https://api.openai.com/v1"
    assert price_of("gpt-image-1.5", at, 0, 1_000_000).dollars == Decimal(10)
    assert price_of("gpt-image-1.5", at, 0, 1_000_000, is_image=True).dollars == Decimal(32)
    assert price_of("gpt-image-1", at, 0, 1_000_000, is_image=True).dollars == Decimal(40)
    assert price_of("dall-e-3", at, 10, 10, is_image=True).dollars is None


# --- practice ---


def test_the_practice_endpoint_draws_the_same_for_the_same_text() -> None:
    practice = EndpointConfig("practice")
    drawn = [draw(practice, {"seed": seed}, "practice-1") for seed in (1, 1)]
    one, again = (reply for reply in drawn if isinstance(reply, Reply))
    assert one.picture is not None
    assert again.picture is not None
    assert one.picture.original_digest == again.picture.original_digest
    assert (one.picture.width, one.picture.height) == (512, 384)
    assert one.tokens_out is None
