"""The Responses API, against a real server on loopback: what is read of its answers, and why there is none.

Bodies have the members of OpenAI's reference (platform.openai.com/docs/api-reference/responses) and codes of
the openai package's types; where a row names an address, the words are those that somebody met there.
"""

import json
from typing import Any

import pytest

from prompts_app.engine.adaptations import Learned
from prompts_app.engine.digests import digest
from prompts_app.engine.endpoints.responses import LONGEST_KEPT
from prompts_app.engine.faults import FAULTS
from prompts_app.engine.tool_types import ToolResult
from prompts_app.engine.types import Assertion, CaseContent, Cell, Fault, Json, Message, PromptContent, Reply
from prompts_app.tests.engine.asking import ask, ask_cells
from prompts_app.tests.engine.responding import (
    SEARCH,
    call,
    event,
    failed,
    incomplete,
    message,
    reasoning,
    response,
)
from prompts_app.tests.engine.servers import KEY, OddServer, Step, answering, completion, http
from prompts_app.tests.engine.streaming import END, streamed
from prompts_app.tests.engine.test_provider_failures import Row

TEXT = "The parcel is in Ham"


def asked(server: OddServer, **changes: Any) -> Reply | Fault:
    return ask(server.endpoint(), api="responses", **changes)


def reply_to(body: Json, **changes: Any) -> Reply:
    with answering(http(200, body)) as server:
        came = asked(server, **changes)
    assert isinstance(came, Reply), came
    return came


# --- answers ----------------------------------------------------------------------------------------------


def test_it_is_asked_at_its_own_path_and_told_to_keep_nothing() -> None:
    with answering(http(200, response("Hello."))) as server:
        asked(server, parameters={"max_tokens": 9})
    (call_made,) = server.asked
    assert call_made.path == "/v1/responses"
    assert call_made.headers["authorization"] == f"Bearer {KEY}"
    assert call_made.json == {
        "model": "tiny-1",
        "input": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Say hello."},
        ],
        "store": False,
        "max_output_tokens": 9,
    }


def test_an_answer_is_read_with_all_that_is_said_of_it() -> None:
    came = reply_to(response(reasoning("They want a greeting."), "Hel", "lo."))
    assert (came.output, came.finish_reason, came.model) == ("Hello.", "stop", "gpt-5-2025-08-07")
    assert came.response_id == "resp_67ccd2bed1ec8190b14f"
    assert (came.tokens_in, came.tokens_cached, came.tokens_out, came.tokens_reasoning) == (36, 12, 87, 64)
    assert came.reasoning_chars == len("They want a greeting.")
    assert came.latency_ms > 0


@pytest.mark.parametrize("output", [["Yes."], [message("Yes.", content="Yes.")]])
def test_a_server_that_says_little_has_answered_all_the_same(output: list[Any]) -> None:
    items = response(*output)["output"]
    came = reply_to({"output": items})
    assert (came.output, came.finish_reason, came.tokens_in, came.model) == ("Yes.", "stop", None, None)


def test_a_limit_cuts_the_answer_and_has_the_name_that_it_has_elsewhere() -> None:
    came = reply_to(incomplete("max_output_tokens", TEXT))
    assert (came.output, came.finish_reason) == (TEXT, "length")
    came = reply_to(incomplete("max_output_tokens", reasoning("Hm.")))
    assert (came.output, came.finish_reason, came.reasoning_chars) == ("", "length", 3)


def test_a_refusal_is_what_the_model_said() -> None:
    refusal = {"type": "refusal", "refusal": "I’m sorry, I cannot assist with that request."}
    came = reply_to(response(message(content=[refusal])))
    assert came.output == "I’m sorry, I cannot assist with that request."
    assert came.trace == ()


def test_calls_are_the_output_in_the_form_that_assertions_know() -> None:
    came = reply_to(response(call("f", '{"x": 1}')))
    known = {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}
    assert (came.tool_calls, came.finish_reason) == ((known,), "tool_calls")
    assert json.loads(came.output) == [known]
    came = reply_to(response("Let me look.", call("f", "{}")))
    assert (came.content, json.loads(came.output)["content"]) == ("Let me look.", "Let me look.")


def test_what_was_said_on_the_way_is_kept_beside_the_final_answer() -> None:
    way, answer = message("I’ll look.", phase="commentary"), message("12 degrees.", phase="final_answer")
    came = reply_to(response(way, answer))
    assert came.output == "12 degrees."
    assert came.trace == (way, answer)


def test_what_the_providers_tools_did_is_kept_as_it_came() -> None:
    cited = message(content=[{"type": "output_text", "text": "12.", "annotations": [{"url": "https://yr"}]}])
    came = reply_to(response(reasoning("Look."), SEARCH, cited))
    assert came.output == "12."
    assert came.trace == (reasoning("Look."), SEARCH, cited)


def test_an_answer_of_text_alone_has_nothing_beside_it() -> None:
    assert reply_to(response("Hello.", call("f", "{}"))).trace == ()


def test_a_picture_in_an_item_is_told_by_its_length_and_digest() -> None:
    drawn = {"type": "image_generation_call", "id": "ig_1", "result": "A" * (LONGEST_KEPT + 1)}
    came = reply_to(response("Here.", drawn))
    assert came.trace[1]["result"].startswith("(100,001 characters, SHA-256 ")
    assert len(came.items[1]["result"]) == LONGEST_KEPT + 1


def test_what_no_seal_can_be_made_of_is_kept_as_text() -> None:
    deep: Json = "end"
    for _ in range(300):
        deep = [deep]
    odd = {"type": "mcp_call", "output": deep, "big": 2**60, "none": float("nan"), "is": True, "half": 0.5}
    with answering(http(200, json.dumps(response("Hello.", odd)))) as server:
        came = asked(server)
    assert isinstance(came, Reply)
    kept = came.trace[1]
    assert (kept["big"], kept["none"], kept["is"], kept["half"]) == (str(2**60), "nan", True, 0.5)
    assert "nested too deeply" in json.dumps(kept["output"])
    assert digest(list(came.trace))


# --- each way there is no answer --------------------------------------------------------------------------


def refused(words: str, code: str | None = None, param: str | None = None) -> dict[str, Json]:
    error = {"message": words, "type": "invalid_request_error", "param": param, "code": code}
    return {"error": error}


ROWS = [
    # A response that failed: its status, its error.
    Row("failed", failed("server_error", "The model failed to generate a response."), "server_error",
        "The model failed to generate a response."),
    Row("failed with a part", failed("server_error", "An error occurred.", TEXT), "server_error",
        "ended its answer with an error: An error occurred.", TEXT),
    Row("too many tokens a minute", failed("rate_limit_exceeded",
        "Rate limit reached for gpt-5 on tokens per min (TPM). Please try again in 60s."), "rate_limited",
        "Rate limit reached"),
    Row("flagged", failed("invalid_prompt",
        "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again "
        "with a different prompt."), "content_filter", "flagged"),
    Row("the window: github.com/onyx-dot-app/onyx/issues/6051", failed("context_length_exceeded",
        "Your input exceeds the context window of this model. Please adjust your input and try again."),
        "context_overflow", "exceeds the context window"),
    Row("failed without an error", response(status="failed"), "server_error", "“failed”"),
    Row("cancelled", response(TEXT, status="cancelled"), "server_error", "“cancelled”", TEXT),
    # Not there yet: a gateway that puts calls aside.
    Row("queued", response(status="queued", usage=None), "unfinished", "“queued”"),
    Row("in progress", response(TEXT, status="in_progress"), "unfinished", "“in_progress”", TEXT),
    # Cut short by the provider.
    Row("filtered: github.com/openai/codex/issues/17615", incomplete("content_filter", TEXT),
        "content_filter", "“content_filter”", TEXT),
    Row("filtered whole", incomplete("content_filter"), "content_filter"),
    # Of another shape.
    Row("a chat completion", completion(), "wrong_shape", "no “output”"),
    Row("words in place of an output", {"detail": "the queue is closed"}, "wrong_shape", "queue is closed"),
    Row("an output that is a text", response(output="Hello."), "wrong_shape", "no “output”"),
    Row("nothing in the output", response(), "wrong_shape", "“output” is empty"),
    Row("a content that is an object", response(message(content={"city": "Oslo"})), "wrong_shape",
        '{"city": "Oslo"}', '[{"city": "Oslo"}]'),
    Row("a picture alone", response({"type": "image_generation_call", "id": "ig_1", "result": "AA=="}),
        "wrong_shape", "picture"),
    # Refusals.
    Row("asked at the wrong one: github.com/open-webui/open-webui/issues/15356", refused(
        "This model is only supported in v1/chat/completions and not in v1/responses.", param="model"),
        "other_api", "only supported in v1/chat/completions", status=404),
    Row("a parameter of Chat Completions", refused("Unknown parameter: 'seed'.", "unknown_parameter", "seed"),
        "bad_request", "Unknown parameter: 'seed'.", status=400),
    Row("a name that moved: github.com/madox2/vim-ai/issues/162", refused(
        "Unsupported parameter: 'response_format'. In the Responses API, this parameter has moved to "
        "'text.format'. Try again with the new parameter.", "unsupported_parameter"),
        "bad_request", "has moved to 'text.format'", status=400),
    Row("an item nobody kept: github.com/vercel/ai/issues/7543", refused(
        "Item with id 'rs_68' not found. Items are not persisted when `store` is set to false. Try again "
        "with `store` set to true, or remove this item from your input.", param="input"),
        "bad_request", "not persisted", status=404),
    Row("no such path, of a server in Go", "404 page not found", "wrong_path", status=404),
    Row("no such path, of one in FastAPI", {"detail": "Not Found"}, "wrong_path", status=404),
    Row("the window", refused("Your input exceeds the context window of this model. Please adjust your "
        "input and try again.", "context_length_exceeded", "input"), "context_overflow", status=400),
    Row("a schema", refused("Invalid schema for response_format 'a': In context=(), 'required' is required "
        "to be supplied", "invalid_json_schema", "text.format.schema"), "bad_schema", status=400),
    Row("the key", refused("Incorrect API key provided: sk-x.", "invalid_api_key"), "auth", status=401),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_no_answer_is_a_labelled_row(row: Row) -> None:
    with answering(http(row.status, row.body)) as server:
        came = asked(server)
    assert isinstance(came, Fault), came
    assert came.kind == row.kind, came.message
    assert row.says in came.message
    assert (came.part.output if came.part else "") == row.part
    assert len(server.asked) == (3 if FAULTS[row.kind].retryable else 1) or row.kind == "rate_limited"


OTHER_WORDS = [
    # github.com/open-webui/open-webui/issues/15356, github.com/n8n-io/n8n/issues/18352
    "This model is only supported in v1/responses and not in v1/chat/completions.",
    # github.com/Gitlawb/openclaude/issues/1957
    "Function tools with reasoning_effort are not supported in /v1/chat/completions. Please use "
    "/v1/responses instead.",
    # github.com/caozhiyuan/copilot-api/issues/113
    'model "gpt-5.4" is not accessible via the /chat/completions endpoint',
    # github.com/micz/ThunderAI/issues/570
    "This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you mean to "
    "use v1/completions?",
]


@pytest.mark.parametrize("words", OTHER_WORDS)
def test_chat_completions_that_send_one_here_say_so_by_name(words: str) -> None:
    with answering(http(400, refused(words))) as server:
        came = ask(server.endpoint())
    assert isinstance(came, Fault)
    assert came.kind == "other_api"
    assert "Responses API" in FAULTS[came.kind].next_step


@pytest.mark.parametrize("name", ["input", "previous_response_id", "conversation", "background", "messages"])
def test_a_state_at_the_server_is_not_asked_for(name: str) -> None:
    with answering(http(200, response("Hello."))) as server:
        came = asked(server, parameters={name: "x"})
    assert isinstance(came, Fault)
    assert (came.kind, server.asked) == ("bad_request", [])
    assert f"“{name}”" in came.message


def test_no_key_stands_in_what_is_kept() -> None:
    with answering(http(200, response(reasoning(f"The key is {KEY}."), "Hello."))) as server:
        came = asked(server)
    assert isinstance(came, Reply)
    assert KEY not in json.dumps(came.trace)


# --- streams ----------------------------------------------------------------------------------------------

BEGUN = (
    event("response.created", response=response(status="in_progress", output=[])),
    event("response.in_progress", response=response(status="in_progress", output=[])),
)


def says(text: str) -> bytes:
    return event("response.output_text.delta", item_id="msg_1", output_index=0, content_index=0, delta=text)


def stream_of(*steps: Step) -> Reply | Fault:
    with answering(streamed(*steps)) as server:
        came = asked(server, stream=True)
    assert server.asked[0].json["stream"] is True
    return came


def test_a_stream_is_the_response_at_its_end_and_its_first_token_is_timed() -> None:
    whole = response(reasoning("Hm."), "Hello.")
    came = stream_of(
        *BEGUN, 0.05, says("Hel"), 0.1, says("lo."), event("response.completed", response=whole), END
    )
    assert isinstance(came, Reply), came
    assert (came.output, came.finish_reason, came.tokens_out) == ("Hello.", "stop", 87)
    assert came.trace == (reasoning("Hm."), message("Hello."))
    assert came.first_token_ms is not None
    assert 40 <= came.first_token_ms < came.latency_ms - 80


def test_a_stream_whose_end_leaves_the_items_out_has_those_that_came() -> None:
    done = event("response.output_item.done", output_index=0, item=message("Hello."))
    came = stream_of(*BEGUN, says("Hello."), done, event("response.completed", response=response()), END)
    assert isinstance(came, Reply), came
    assert came.output == "Hello."


@pytest.mark.parametrize("ends", [(END,), ()])
def test_half_a_stream_is_cut_and_what_came_is_kept_beside_the_fault(ends: tuple[bytes, ...]) -> None:
    came = stream_of(*BEGUN, says("The parcel "), says("is in Ham"), *ends)
    assert isinstance(came, Fault)
    assert came.kind == "stream_cut"
    assert came.part is not None
    assert came.part.output == TEXT


STREAMED = [
    ("failed", event("response.failed", response=failed("server_error", "It broke.")), "server_error",
        "broke"),
    ("an event", event("error", code="rate_limit_exceeded", message="Too many.", param=None), "rate_limited",
        "Too many."),
    ("an error in an event", event("error", error={"code": "server_error", "message": "It broke."}),
        "server_error", "It broke."),
    ("filtered", event("response.incomplete", response=incomplete("content_filter", TEXT)), "content_filter",
        "content_filter"),
]  # fmt: skip


@pytest.mark.parametrize(("_name", "last", "kind", "words"), STREAMED, ids=[row[0] for row in STREAMED])
def test_a_stream_that_ends_with_a_failure(_name: str, last: bytes, kind: str, words: str) -> None:
    came = stream_of(*BEGUN, says(TEXT), last, END)
    assert isinstance(came, Fault)
    assert came.kind == kind, came
    assert words in came.message
    assert came.part is not None
    assert came.part.output == TEXT


def test_a_server_that_answers_a_stream_whole_has_answered() -> None:
    with answering(http(200, response("Hello."))) as server:
        came = asked(server, stream=True)
    assert isinstance(came, Reply)
    assert (came.output, came.first_token_ms) == ("Hello.", None)


# --- cases ------------------------------------------------------------------------------------------------

WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
PROMPT = PromptContent((Message("system", "You help."), Message("user", "Weather in Oslo?")))
WITH_TOOL = PromptContent(PROMPT.messages, parameters={"tools": [WEATHER]})


def test_further_turns_come_after_the_answers_items_and_nothing_is_left_to_the_server() -> None:
    thought = reasoning("Hm.", encrypted_content="gAAAA")
    case = CaseContent("weather", {}, turns=("And now?",), assertions=(Assertion("contains", "13"),))
    with answering(http(200, response(thought, "12.")), http(200, response("13."))) as server:
        (outcome,) = ask_cells(PROMPT, [Cell(0, 0, case)], server.endpoint(), api="responses")
    assert outcome.passed is True
    assert server.asked[1].json["input"][2:] == [
        {"type": "reasoning", "summary": thought["summary"], "encrypted_content": "gAAAA"},
        {"role": "assistant", "content": "12."},
        {"role": "user", "content": "And now?"},
    ]
    assert outcome.request.body() == server.asked[1].json
    assert outcome.reply is not None
    assert outcome.reply.trace == (thought, message("12."))


def test_calls_are_answered_from_canned_results_and_judged_by_the_same_assertions() -> None:
    results = (ToolResult("get_weather", "12 degrees", {"city": "Oslo"}),)
    asserts = (
        Assertion("trajectory:tool-used", "get_weather"),
        Assertion("finish-reason", "stop"),
        Assertion("contains", "12"),
    )
    case = CaseContent("weather", {}, assertions=asserts, tool_results=results)
    calls = response(call("get_weather", '{"city": "Oslo"}'))
    with answering(http(200, calls), http(200, response("12 degrees in Oslo."))) as server:
        (outcome,) = ask_cells(WITH_TOOL, [Cell(0, 0, case)], server.endpoint(), api="responses")
    assert [check.passed for check in outcome.checks] == [True, True, True]
    assert server.asked[1].json["input"][2:] == [
        {
            "type": "function_call", "call_id": "call_a", "name": "get_weather",
            "arguments": '{"city": "Oslo"}',
        },
        {"type": "function_call_output", "call_id": "call_a", "output": "12 degrees"},
    ]  # fmt: skip
    assert server.asked[1].json["tools"][0]["name"] == "get_weather"
    assert outcome.reply is not None
    assert outcome.reply.tokens_out == 2 * 87


def test_what_a_server_refuses_is_learned_here_too_and_the_limit_is_no_adaptation() -> None:
    words = "Unsupported parameter: 'temperature' is not supported with this model."
    prompt = PromptContent(PROMPT.messages, parameters={"temperature": 0, "max_tokens": 9})
    learned = Learned(["max_completion_tokens"])
    with answering(http(400, refused(words, param="temperature")), http(200, response("12."))) as server:
        (outcome,) = ask_cells(
            prompt, [Cell(0, 0, CaseContent("a", {}))], server.endpoint(), api="responses", learned=learned
        )
    assert outcome.fault is None
    assert outcome.request.adapted == ("temperature",)
    assert server.asked[1].json["max_output_tokens"] == 9


def test_at_azure_the_model_stands_in_the_body_and_not_in_the_path() -> None:
    with answering(http(200, response("Hello."))) as server:
        at = server.base_url.replace("/v1", "/openai?api-version=2025-04-01-preview")
        came = ask(server.endpoint(base_url=at), api="responses", model="my-gpt")
    assert isinstance(came, Reply), came
    assert server.asked[0].path == "/openai/responses?api-version=2025-04-01-preview"
    assert server.asked[0].json["model"] == "my-gpt"
