"""Tool calls held to the tools the model was given."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.assertions import check
from prompts_app.engine.run import RunConfig, run_cells
from prompts_app.engine.types import (
    Answer,
    Assertion,
    CaseContent,
    Cell,
    Check,
    Json,
    Message,
    Outcome,
    PromptContent,
)
from prompts_app.tests.engine.servers import QUICK, answering, completion, http

VALID = Assertion("is-valid-openai-tools-call")
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city"],
        },
    },
}


def call(name: str = "get_weather", arguments: Json = '{"city": "Oslo"}') -> dict[str, Json]:
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}


def held(output: Json, tools: Json = (WEATHER,)) -> Check:
    text = output if isinstance(output, str) else json.dumps(output)
    return check(VALID, Answer(text, tools=list(tools) if isinstance(tools, tuple) else tools))


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ([call()], ""),
        ([call(), call(arguments='{"city": "Bergen", "days": 3}')], ""),
        ({"role": "assistant", "content": "Let me look.", "tool_calls": [call()]}, ""),
        ([call("get_time")], "not among the tools"),
        ([call(arguments="{city}")], "not valid JSON"),
        ([call(arguments={"city": "Oslo"})], "not valid JSON"),
        ([call(arguments="{}")], "do not fit"),
        ([call(arguments='{"city": 5}')], "do not fit"),
        ([call(), call(arguments="{}")], "do not fit"),
        ([{"function": {}}], "names no function"),
        (["x"], "names no function"),
        ([], "Calls no tool"),
        ("It is sunny.", "Calls no tool"),
        ("", "Calls no tool"),
        ({"content": "x"}, "Calls no tool"),
    ],
)
def test_each_call_has_to_fit(output: Json, why: str) -> None:
    found = held(output)
    assert found.passed is (why == "")
    assert why in found.reason


@pytest.mark.parametrize("tools", [None, [], "x", [{"type": "function"}], [{"function": "f"}]])
def test_without_tools_nothing_can_be_told(tools: Json) -> None:
    for type_ in (VALID.type, f"not-{VALID.type}"):
        found = check(Assertion(type_), Answer(json.dumps([call()]), tools=tools))
        assert (found.passed, found.unknown, "no “tools”" in found.reason) == (None, True, True)


def test_a_tool_whose_schema_cannot_be_used_is_told() -> None:
    broken = {"function": {"name": "get_weather", "parameters": {"type": "nonsense"}}}
    assert "no usable JSON Schema" in held([call()], [broken]).reason


def test_the_opposite_wants_an_answer_without_valid_calls() -> None:
    opposite = Assertion(f"not-{VALID.type}")
    assert check(opposite, Answer("It is sunny.", tools=[WEATHER])).passed
    assert not check(opposite, Answer(json.dumps([call()]), tools=[WEATHER])).passed


@given(st.text())
def test_no_output_breaks_it(output: str) -> None:
    assert held(output).reason


@pytest.mark.parametrize("content", [None, "", "Let me look."])
def test_calls_come_from_the_answer_and_tools_from_the_version(content: str | None) -> None:
    message = {"role": "assistant", "content": content, "tool_calls": [call()]}
    answer = completion(choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}])
    prompt = PromptContent((Message("user", "Weather in Oslo?"),), parameters={"tools": [WEATHER]})
    found: list[Outcome] = []
    with answering(http(200, answer)) as server:
        asyncio.run(
            run_cells(
                RunConfig(prompt, "tiny-1", server.endpoint(), concurrency=1, pacing=QUICK),
                [Cell(0, 0, CaseContent("c", assertions=(VALID,)))],
                on_outcome=found.append, stop_reason=lambda: None,
            )
        )  # fmt: skip
    [outcome] = found
    assert outcome.passed is True, outcome.checks
    assert server.asked[0].json["tools"] == [WEATHER]
    reply = outcome.reply
    assert reply is not None
    assert (content or "get_weather") in reply.output
