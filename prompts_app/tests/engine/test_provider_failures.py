"""A provider's failure is never the prompt's: what comes and is no answer, in the words of many servers.

The shapes are those of OpenRouter, z.AI, DeepSeek, Gemini's OpenAI door, Azure, Groq, Mistral, vLLM, Ollama,
LM Studio, llama.cpp, MiniMax, Cohere, Bedrock and LiteLLM, against a real server on loopback.
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from prompts_app.engine.faults import FAULTS
from prompts_app.engine.types import Fault, Reply
from prompts_app.tests.engine.asking import ask
from prompts_app.tests.engine.servers import answering, completion, http

TEXT = "The parcel is in Ham"


def ended(reason: str | None, content: Any = "", **choice: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    return completion(choices=[{"index": 0, "message": message, "finish_reason": reason, **choice}])


@dataclass
class Row:
    name: str
    body: Any
    kind: str
    says: str = ""
    part: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


ROWS = [
    # Finish reasons.
    Row("OpenRouter", ended("error"), "server_error", "“error”"),
    Row("OpenRouter, part of a text", ended("error", TEXT), "server_error", part=TEXT),
    Row("OpenRouter, as the provider named it", ended("stop", "",
        native_finish_reason="MALFORMED_FUNCTION_CALL"),
        "malformed_call", "MALFORMED_FUNCTION_CALL"),
    Row("z.AI network", ended("network_error", TEXT), "server_error", part=TEXT),
    Row("z.AI sensitive", ended("sensitive", TEXT), "content_filter", part=TEXT),
    Row("z.AI window", ended("model_context_window_exceeded"), "context_overflow"),
    Row("DeepSeek", ended("insufficient_system_resource", TEXT), "server_error", part=TEXT),
    Row("vLLM", ended("abort", TEXT), "server_error", part=TEXT),
    Row("Ollama only loaded", ended("load"), "server_error", "“load”"),
    Row("Azure, cut by the filter", ended("content_filter", TEXT), "content_filter", part=TEXT),
    Row("filtered whole", ended("content_filter", None), "content_filter"),
    Row("Gemini safety", ended("SAFETY"), "content_filter"),
    Row("Gemini recitation", ended("content_filter: RECITATION", TEXT), "content_filter", part=TEXT),
    Row("Gemini call", ended("function_call_filter: MALFORMED_FUNCTION_CALL", None), "malformed_call"),
    Row("Gemini other", ended("OTHER"), "server_error"),
    Row("Anthropic", ended("refusal", TEXT), "content_filter", part=TEXT),
    Row("Bedrock", ended("guardrail_intervened", TEXT), "content_filter", part=TEXT),
    Row("Cohere", ended("ERROR_TOXIC", TEXT), "content_filter", part=TEXT),
    Row("Cohere late", ended("TIMEOUT", TEXT), "server_error", part=TEXT),
    Row("one that nobody has yet", ended("backend-connection-failed", TEXT), "server_error", part=TEXT),
    Row("out of memory", ended("OOM_KILLED", TEXT), "server_error", part=TEXT),
    Row("no room", ended("no_capacity", TEXT), "server_error", part=TEXT),
    Row("unsafe", ended("unsafe_content", TEXT), "content_filter", part=TEXT),
    Row("against a policy", ended("policy-denied", TEXT), "content_filter", part=TEXT),
    Row("a budget", ended("budget_exceeded", TEXT), "rate_limited", part=TEXT),
    Row("a reason that is an object", completion(choices=[{"message": {"content": TEXT},
        "finish_reason": {"type": "error"}}]), "server_error", part=TEXT),
    Row("says calls, has none", ended("tool_calls", None), "malformed_call"),
    # An error on the choice, or beside the choices.
    Row("an error on the choice", ended("error", TEXT, error={"code": 502, "message": "upstream timed out"}),
        "server_error", "upstream timed out", TEXT),
    Row("though it says stop", ended("stop", TEXT, error={"code": 429, "message": "Slow down"}),
        "rate_limited", "Slow down", TEXT),
    Row("an error that is a text", ended("stop", TEXT, error="worker died"), "server_error", "worker died",
        TEXT),
    Row("filtered, and an error", ended("content_filter", TEXT, error={"message": "blocked"}),
        "content_filter",
        "blocked", TEXT),
    Row("an error beside the choices", {**ended("stop", TEXT), "error": {"message": "lost the node"}},
        "server_error", "lost the node", TEXT),
    Row("an error on the message", completion(choices=[{"message": {"content": TEXT,
        "error": {"message": "cut"}}, "finish_reason": "stop"}]), "server_error", "cut", TEXT),
    Row("errors beside the choices", {**ended("stop", TEXT), "errors": [{"message": "lost"}]},
        "server_error", "lost", TEXT),
    # Contents of another shape.
    Row("an object", ended("stop", {"city": "Hamburg"}), "wrong_shape", "an object", '{"city": "Hamburg"}'),
    Row("a number", ended("stop", 42), "wrong_shape", "a number"),
    Row("true", ended("stop", True), "wrong_shape", "true or false"),
    Row("a list without text", ended("stop", [{"type": "image_url", "image_url": {"url": "x"}}]),
        "wrong_shape",
        "without any text"),
    Row("a list of numbers", ended("stop", [1, 2]), "wrong_shape", "without any text"),
    Row("a text that is an object", ended("stop", [{"type": "text", "text": {"value": "x"}}]), "wrong_shape"),
    Row("calls that are a text", completion(choices=[{"message": {"content": "", "tool_calls": "f()"}}]),
        "wrong_shape", "tool_calls"),
    Row("the old function call",
        completion(choices=[{"message": {"content": None, "function_call": {"name": "f", "arguments": "{}"}},
                             "finish_reason": "function_call"}]),
        "old_function_call", "function_call", '{"function_call": {"name": "f", "arguments": "{}"}}'),
    # Errors inside of a 200.
    Row("LM Studio, wrong path", {"error": "Unexpected endpoint or method. (POST /chat/completions)"},
        "wrong_path", "Unexpected endpoint"),
    Row("MiniMax", {"base_resp": {"status_code": 1004, "status_msg": "login fail: check the key"},
        "choices": None},
        "auth", "login fail"),
    Row("FastChat", {"object": "error", "message": "Model crashed", "code": 50001}, "server_error",
        "Model crashed"),
    Row("a number as a text", {"error": {"code": "429", "message": "Busy"}}, "rate_limited", "Busy"),
    Row("only a type", {"error": {"type": "invalid_request_error", "message": "No such parameter"}},
        "bad_request", "No such parameter"),
    Row("no choices, but words", {"detail": "the queue is closed"}, "wrong_shape", "the queue is closed"),
    # Refusals, in their many shapes.
    Row("Gemini's list", [{"error": {"code": 400, "message": 'Unknown name "top_p2"',
        "status": "INVALID_ARGUMENT"}}],
        "bad_request", 'The server answered 400: Unknown name "top_p2"', status=400),
    Row("Ollama's text", {"error": "model 'x' not found"}, "model_not_found", "404: model 'x' not found",
        status=404),
    Row("Go's page", "404 page not found", "wrong_path", "404 page not found", status=404),
    Row("llama.cpp's path", {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}},
        "wrong_path", status=404),
    Row("vLLM", {"object": "error", "message": "max_tokens is too large", "type": "BadRequestError",
        "code": 400},
        "bad_request", "400: max_tokens is too large", status=400),
    Row("FastAPI", {"detail": [{"loc": ["body", "messages"], "msg": "field required", "type": "missing"}]},
        "bad_request", "422: field required (body.messages)", status=422),
    Row("JSON in a message",
        {"error": {"message": '{"error": {"code": 400, "message": "API key not valid."}}', "code": 400}},
        "auth", "400: API key not valid.", status=400),
    Row("LiteLLM passes on JSON",
        {"error": {"message": 'litellm.BadRequest: Gemini - {"error": {"message": "Bad part"}}'}},
        "bad_request", "litellm.BadRequest: Gemini: Bad part", status=400),
    Row("LiteLLM passes on a Python text",
        {"error": {"message": "OpenAIException - Error code: 400 - {'error': {'message': 'No tool x'}}"}},
        "bad_request", "Error code: 400: No tool x", status=400),
    Row("OpenRouter passes on",
        {"error": {"code": 400, "message": "Provider returned error",
                   "metadata": {"raw": '{"error": {"message": "image too big"}}', "provider_name": "X"}}},
        "bad_request", "400: Provider returned error: image too big", status=400),
    Row("Cloudflare", {"success": False, "errors": [{"code": 7003, "message": "No route for that URI"}]},
        "wrong_path", "400: No route for that URI", status=400),
    Row("the Responses API alone",
        {"error": {"message": "gpt-x-pro is only available through v1/responses.",
                   "type": "invalid_request_error"}},
        "other_api", "v1/responses", status=404),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_what_says_failure_is_no_answer(row: Row) -> None:
    with answering(http(row.status, row.body, row.headers)) as server:
        fault = ask(server.endpoint())
    assert isinstance(fault, Fault)
    assert (fault.kind, row.says in fault.message) == (row.kind, True), fault
    assert "{" not in fault.message
    assert row.part or row.kind == "wrong_shape" or not (fault.part and fault.part.output)
    assert not row.part or (fault.part and fault.part.output == row.part)
    assert len(server.asked) == (3 if FAULTS[row.kind].retryable else 1)


ANSWERS = [
    ("stop", "Hi"), ("length", "Hi"), ("MAX_TOKENS", "Hi"), ("model_context_window_exceeded", "Hi"),
    ("model_length", "Hi"), ("end_turn", "Hi"), ("eos", "Hi"), ("COMPLETE", "Hi"), ("unknown", "Hi"),
    ("repetition", "Hi"), (None, "Hi"), ("stop", ""), ("length", ""), ("stop_sequence", "Hi"),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "content"), ANSWERS)
def test_whatever_else_ends_an_answer_is_one(reason: str | None, content: str) -> None:
    with answering(http(200, ended(reason, content))) as server:
        reply = ask(server.endpoint())
    assert isinstance(reply, Reply)
    assert (reply.output, reply.finish_reason) == (content, reason)


def test_a_failure_that_passes_is_asked_again_and_its_part_forgotten() -> None:
    with answering(http(200, ended("network_error", TEXT)), http(200, completion("Hamburg"))) as server:
        reply = ask(server.endpoint())
    assert isinstance(reply, Reply)
    assert (reply.output, reply.attempts) == ("Hamburg", 2)


def test_the_part_keeps_what_is_known_of_the_call() -> None:
    with answering(http(200, ended("abort", TEXT))) as server:
        fault = ask(server.endpoint())
    assert isinstance(fault, Fault)
    assert fault.part is not None
    assert (fault.part.finish_reason, fault.part.tokens_out, fault.part.response_id) == (
        "abort",
        2,
        "chatcmpl-1",
    )


def test_the_next_steps_say_what_to_change() -> None:
    assert "/v1" in FAULTS["wrong_path"].next_step
    assert "Responses API" in FAULTS["other_api"].next_step
    assert "tools" in FAULTS["old_function_call"].next_step


@pytest.mark.parametrize(
    "error",
    [
        None,
        False,
        "",
        "none",
        {},
        [],
        {"code": 0, "message": ""},
        {"code": None, "type": None},
        [{"code": "0"}],
    ],
)
def test_an_error_that_says_nothing_is_none(error: Any) -> None:
    with answering(http(200, {**ended("stop", TEXT), "error": error})) as server:
        assert isinstance(said := ask(server.endpoint()), Reply)
        assert said.output == TEXT
