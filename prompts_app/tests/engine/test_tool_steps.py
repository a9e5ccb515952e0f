"""Calls of tools, answered from a case's canned results: by arguments, in order, or by a default."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llmock.testing import LLMockServer

from prompts_app.engine.digests import MOST_STEPS, case_from_json, case_json, digest, suite_digest
from prompts_app.engine.endpoints import Pacing
from prompts_app.engine.tool_steps import (
    MOST_CALLS,
    USUAL_STEPS,
    CannedResults,
    arguments_of,
    call_of,
    holds,
)
from prompts_app.engine.tool_types import ToolCall, ToolMessage, ToolResult
from prompts_app.engine.types import (
    Assertion,
    CaseContent,
    Cell,
    EndpointConfig,
    Json,
    Message,
    Outcome,
    OwnPrice,
    PromptContent,
    Reply,
)
from prompts_app.tests.engine.asking import ask_cells
from prompts_app.tests.engine.servers import KEY, OddServer, answering, completion, http, tool_calls
from prompts_app.tests.engine.streaming import FINISHED, says, streamed

WEATHER: dict[str, Json] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "required": ["city"],
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        },
    },
}
PROMPT = PromptContent(
    (Message("system", "You help."), Message("user", "{{question}}")), parameters={"tools": [WEATHER]}
)
OSLO = ToolResult("get_weather", "12 degrees", {"city": "Oslo"})
ANY = ToolResult("get_weather", "No such place.")


def case(*results: ToolResult, asserts: tuple[Assertion, ...] = (), **changes: object) -> CaseContent:
    values = {"question": "What is the weather in Oslo?"}
    return CaseContent("weather", values, assertions=asserts, tool_results=results, **changes)  # type: ignore[arg-type]


def run(server: OddServer, one: CaseContent, **changes: object) -> Outcome:
    (outcome,) = ask_cells(PROMPT, [Cell(0, 0, one)], server.endpoint(**changes))
    return outcome


def sent(server: OddServer, number: int) -> list[dict[str, Json]]:
    messages: list[dict[str, Json]] = server.asked[number].json["messages"]
    return messages


def test_a_call_is_answered_with_the_canned_result_and_the_model_asked_again() -> None:
    calls, said = tool_calls(("get_weather", '{"city": "Oslo"}')), completion("12 degrees in Oslo.")
    with answering(http(200, calls), http(200, said)) as server:
        outcome = run(server, case(OSLO, asserts=(Assertion("contains", "12"),)))
    assert outcome.fault is None
    assert outcome.unanswered == ""
    assert outcome.passed is True
    assert outcome.reply is not None
    assert outcome.reply.output == "12 degrees in Oslo."
    assert sent(server, 0)[-1]["role"] == "user"
    called, result = sent(server, 1)[-2:]
    assert called == {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call_a", "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
            }
        ],
    }  # fmt: skip
    assert result == {"role": "tool", "content": "12 degrees", "tool_call_id": "call_a"}
    assert outcome.request.body()["messages"] == sent(server, 1)
    assert server.asked[1].json["tools"] == [WEATHER]


def test_tokens_and_price_are_the_sums_and_latency_is_the_last_calls() -> None:
    steps = [http(200, tool_calls(("get_weather", '{"city": "Oslo"}')))[0]]
    price = OwnPrice("", Decimal(1), None, Decimal(1), date(2026, 11, 1))
    with answering([0.3, *steps], http(200, completion("Cold."))) as server:
        outcome = run(server, case(OSLO), prices=(price,))
    assert outcome.reply is not None
    assert (outcome.reply.tokens_in, outcome.reply.tokens_out) == (14, 4)
    assert outcome.price.dollars == Decimal("0.000018")
    assert outcome.reply.latency_ms < 250


def test_several_calls_in_one_answer_are_each_answered() -> None:
    both = tool_calls(("get_weather", '{"city": "Oslo"}'), ("get_weather", '{"city": "Rome"}'))
    with answering(http(200, both), http(200, completion("Done."))) as server:
        run(server, case(OSLO, ANY))
    assert [(m["content"], m["tool_call_id"]) for m in sent(server, 1) if m["role"] == "tool"] == [
        ("12 degrees", "call_a"),
        ("No such place.", "call_b"),
    ]


def test_text_beside_the_calls_is_sent_back_with_them() -> None:
    calls = tool_calls(("get_weather", "{}"), content="Let me look.")
    with answering(http(200, calls), http(200, completion("Done."))) as server:
        run(server, case(ANY))
    assert sent(server, 1)[-2]["content"] == "Let me look."


def test_a_call_without_an_id_and_arguments_that_are_an_object_can_be_sent_back() -> None:
    call = {"function": {"name": "get_weather", "arguments": {"city": "Oslo"}}}
    odd = completion(None)
    odd["choices"][0]["message"]["tool_calls"] = [call]
    with answering(http(200, odd), http(200, odd), http(200, completion("Done."))) as server:
        outcome = run(server, case(OSLO))
    assert outcome.unanswered == ""
    told = [m for m in sent(server, 2) if m["role"] in ("assistant", "tool")]
    assert [m.get("tool_call_id") or m["tool_calls"][0]["id"] for m in told] == [
        "call_1", "call_1", "call_2", "call_2",
    ]  # fmt: skip
    assert told[0]["tool_calls"][0]["function"]["arguments"] == '{"city": "Oslo"}'


@pytest.mark.parametrize(
    ("arguments", "why"),
    [('{"city": "Rome"}', "other arguments"), ("{oops", "not JSON"), ("[]", "no object"), ("", "nothing")],
)
def test_a_call_without_a_result_that_fits_ends_the_case_and_is_judged(arguments: str, why: str) -> None:
    asserts = (Assertion("trajectory:tool-used", "get_weather"), Assertion("contains", "12"))
    with answering(http(200, tool_calls(("get_weather", arguments)))) as server:
        outcome = run(server, case(OSLO, asserts=asserts))
    assert len(server.asked) == 1
    assert outcome.fault is None
    assert outcome.unanswered == "no_result"
    assert [check.passed for check in outcome.checks] == [True, False]
    assert outcome.reply is not None
    assert json.loads(outcome.reply.output)[0]["function"]["arguments"] == arguments


def test_arguments_that_are_not_json_are_kept_as_they_came_and_told() -> None:
    asserts = (Assertion("trajectory:tool-args-match", {"name": "get_weather", "args": {"city": "Oslo"}}),)
    with answering(
        http(200, tool_calls(("get_weather", "{city: Oslo"))), http(200, completion("?"))
    ) as server:
        outcome = run(server, case(ANY, asserts=asserts))
    assert outcome.unanswered == ""
    assert sent(server, 1)[-2]["tool_calls"][0]["function"]["arguments"] == "{city: Oslo"
    (check,) = outcome.checks
    assert check.passed is False
    assert "(not valid JSON)" in check.reason


@pytest.mark.parametrize(("most", "calls"), [(None, USUAL_STEPS + 1), (1, 2), (3, 4)])
def test_a_model_that_calls_for_ever_ends_after_so_many_steps(most: int | None, calls: int) -> None:
    asserts = (Assertion("trajectory:step-count", {"min": 1}),)
    with answering(http(200, tool_calls(("get_weather", "{}")))) as server:
        outcome = run(server, case(ANY, asserts=asserts, most_steps=most))
    assert len(server.asked) == calls
    assert outcome.unanswered == "most_steps"
    assert outcome.checks[0].reason.startswith(f"{calls} calls")


def test_more_calls_at_once_than_are_answered_end_the_case() -> None:
    many = tool_calls(*[("get_weather", "{}")] * (MOST_CALLS + 1))
    with answering(http(200, many)) as server:
        outcome = run(server, case(ANY))
    assert outcome.unanswered == "too_much"
    with answering(http(200, tool_calls(*[("get_weather", "{}")] * 50))) as server:
        outcome = run(server, case(ToolResult("get_weather", "x" * 100_000), most_steps=2))
    assert outcome.unanswered == "too_much"


@pytest.mark.parametrize(
    "talkative",
    [
        tool_calls(("get_weather", "{}"), content="x" * 1_500_000),
        tool_calls(("get_weather", json.dumps({"city": "x" * 1_500_000}))),
    ],
    ids=["text", "arguments"],
)
def test_what_a_model_says_beside_its_calls_does_not_grow_without_end(talkative: Json) -> None:
    """Each step sends all before it again: 50 of eight megabytes would be a request of 400."""
    with answering(http(200, talkative)) as server:
        outcome = run(server, case(ANY, most_steps=50))
    assert (len(server.asked), outcome.unanswered) == (3, "too_much")
    assert len(json.dumps(outcome.request.body())) < 4_000_000


def test_what_came_beside_the_calls_is_counted_though_it_is_not_sent_again() -> None:
    """Each step's is kept in the row."""
    thinking = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "x" * 5_000_000}]}
    calls = ({"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}},)
    unknown = (None, None, None, None, None, None, 0.0)
    reply = Reply("", *unknown, tool_calls=calls, items=(thinking,))
    assert CannedResults(case(ANY)).after(reply) == "too_much"
    assert len(CannedResults(case(ANY)).after(replace(reply, items=()))) == 2


def test_answers_of_turns_do_not_grow_without_end() -> None:
    with answering(http(200, completion("x" * 1_500_000))) as server:
        outcome = run(server, case(turns=("And then?",) * 20))
    assert len(server.asked) == 3
    assert outcome.fault is not None
    assert (outcome.fault.kind, outcome.reply) == ("too_large", None)
    assert "4,000,000 characters" in outcome.fault.message


def test_calls_that_come_in_pieces_are_answered_as_whole_ones() -> None:
    function = {"name": "get_weather", "arguments": '{"city": '}
    begun = says(tool_calls=[{"index": 0, "id": "call_a", "type": "function", "function": function}])
    ended = says(tool_calls=[{"index": 0, "function": {"arguments": '"Oslo"}'}}])
    script = (
        streamed(begun, ended, *FINISHED),
        streamed(says(content="12 "), says(content="degrees"), *FINISHED),
    )
    with answering(*script) as server:
        (outcome,) = ask_cells(PROMPT, [Cell(0, 0, case(OSLO))], server.endpoint(), stream=True)
    assert outcome.reply is not None
    assert outcome.reply.output == "12 degrees"
    assert sent(server, 1)[-2]["tool_calls"][0]["function"]["arguments"] == '{"city": "Oslo"}'
    assert sent(server, 1)[-1]["content"] == "12 degrees"


def test_without_canned_results_a_call_is_the_output_as_ever() -> None:
    with answering(http(200, tool_calls(("get_weather", "{}")))) as server:
        outcome = run(server, case(asserts=(Assertion("trajectory:tool-used", "get_weather"),)))
    assert len(server.asked) == 1
    assert outcome.unanswered == ""
    assert outcome.passed is True


def test_a_further_turn_comes_after_the_answer_with_all_steps_in_context() -> None:
    calls = tool_calls(("get_weather", '{"city": "Oslo"}'))
    script = [calls, completion("12."), calls, completion("Still 12.")]
    with answering(*(http(200, one) for one in script)) as server:
        outcome = run(server, case(OSLO, turns=("And now?",)))
    assert outcome.reply is not None
    assert outcome.reply.output == "Still 12."
    assert [m["role"] for m in sent(server, 3)] == [
        "system", "user", "assistant", "tool", "assistant", "user", "assistant", "tool",
    ]  # fmt: skip


def test_a_case_that_ended_with_a_call_is_asked_no_further_turn() -> None:
    with answering(http(200, tool_calls(("get_time", "{}")))) as server:
        outcome = run(server, case(OSLO, turns=("And now?",)))
    assert len(server.asked) == 1
    assert outcome.unanswered == "no_result"


def test_a_fault_between_two_steps_is_the_cases_and_keeps_what_was_spent() -> None:
    calls = tool_calls(("get_weather", '{"city": "Oslo"}'))
    with answering(http(200, calls), http(400, {"error": {"message": "no tools"}})) as server:
        outcome = run(server, case(OSLO))
    assert outcome.fault is not None
    assert outcome.fault.kind == "bad_request"
    assert outcome.request.messages[-1] == ToolMessage("tool", "12 degrees", (), "call_a")


def test_when_the_run_is_to_stop_no_further_step_is_begun() -> None:
    asked = list[int]()

    def stop() -> str | None:
        return "cancelled" if asked else None

    with answering(http(200, tool_calls(("get_weather", '{"city": "Oslo"}')))) as server:
        (outcome,) = ask_cells(
            PROMPT,
            [Cell(0, 0, case(OSLO))],
            server.endpoint(),
            stop_reason=stop,
            on_price=lambda _: asked.append(1),
        )
    assert len(server.asked) == 1
    assert outcome.fault is not None
    assert outcome.fault.kind == "cut_short"


def test_another_implementation_of_the_api_calls_tools_and_answers() -> None:
    with LLMockServer() as server:
        at = EndpointConfig("openai-compatible", server.base_url("openai"), KEY, frozenset({"127.0.0.1"}))
        (outcome,) = ask_cells(PROMPT, [Cell(0, 0, case(ANY))], at, model="gpt-4o-mini")
    assert outcome.fault is None
    assert [message.role for message in outcome.request.messages] == ["system", "user", "assistant", "tool"]
    assert outcome.reply is not None
    assert outcome.reply.output
    assert not outcome.reply.tool_calls


def test_the_practice_endpoint_calls_tools_that_the_question_names() -> None:
    asserts = (
        Assertion("is-valid-openai-tools-call"),
        Assertion("trajectory:tool-args-match", {"name": "get_weather", "args": {"city": "Oslo"}}),
        Assertion("equals", "12 degrees"),
    )
    (outcome,) = ask_cells(
        PROMPT, [Cell(0, 0, case(OSLO, asserts=asserts))], EndpointConfig("practice"), model="practice-1",
        pacing=Pacing(first_wait_s=0.0),
    )  # fmt: skip
    assert outcome.passed is True, outcome


# --- which result is taken --------------------------------------------------------------------------------


def taken(results: tuple[ToolResult, ...], *calls: tuple[str, str]) -> list[str]:
    canned, given = CannedResults(case(*results)), list[str]()
    for name, arguments in calls:
        call = {"id": "1", "function": {"name": name, "arguments": arguments}}
        after = canned.after(Reply("", None, None, None, None, None, None, 0.0, tool_calls=(call,)))
        given.append(after if isinstance(after, str) else after[1].content)
    return given


def test_the_first_that_fits_is_taken_and_one_for_once_is_then_gone() -> None:
    results = (
        ToolResult("get_weather", "first", once=True),
        ToolResult("get_weather", "second", once=True),
        ToolResult("get_weather", "Oslo", {"city": "Oslo"}),
        ToolResult("get_weather", "default"),
    )
    rome, oslo = ("get_weather", '{"city": "Rome"}'), ("get_weather", '{"days": 1, "city": "Oslo"}')
    assert taken(results, rome, oslo, oslo, rome, oslo) == ["first", "second", "Oslo", "default", "Oslo"]
    assert taken(results[:2], rome, rome, rome) == ["first", "second", "no_result"]
    assert taken(results, ("get_time", "{}")) == ["no_result"]


@pytest.mark.parametrize(
    ("actual", "expected", "does"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": True}, {"a": 1}, False),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 2]}}, True),
        ({"a": [1, 2, 3]}, {"a": [1, 2]}, False),
        ({"a": [{"b": 1, "c": 2}]}, {"a": [{"b": 1}]}, True),
        ({}, {"a": None}, False),
        (None, {}, False),
        ({"a": "\ud800"}, {"a": "x"}, False),
    ],
)
def test_arguments_hold_what_they_have_to(actual: Json, expected: Json, does: bool) -> None:
    assert holds(actual, expected) is does


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(ANYTHING, st.lists(st.dictionaries(st.text(max_size=3), ANYTHING, max_size=2), max_size=3))
def test_whatever_a_model_calls_is_answered_or_told(call: Json, wanted: list[dict[str, Json]]) -> None:
    results = [ToolResult("get_weather", "text", arguments) for arguments in wanted]
    for calls in ((call,), ({"function": {"name": "get_weather", "arguments": call}},)):
        reply = Reply("", None, None, None, None, None, None, 0.0, tool_calls=calls)
        after = CannedResults(case(*results)).after(reply)
        assert after == "no_result" or len(after) == 1 + len(calls)


def test_deep_arguments_are_told_and_never_end_the_program() -> None:
    deep = '{"a": ' * 5_000 + "1" + "}" * 5_000
    with pytest.raises(ValueError, match="nested"):
        arguments_of(ToolCall("get_weather", deep))
    assert taken((OSLO,), ("get_weather", deep)) == ["no_result"]
    assert call_of(None) == ToolCall(None, None)


# --- kept -------------------------------------------------------------------------------------------------


def test_a_case_without_canned_results_has_the_digest_it_always_had() -> None:
    plain = CaseContent("a", {"x": "1"}, ("b",), (Assertion("contains", "c"),))
    assert list(case_json(plain)) == ["name", "variables", "turns", "assertions"]
    assert digest(case_json(plain)) == "3370c93b02fa10a432423be9d15e36f107c1a0de6b29a5ad26f554db23ae36d6"
    assert suite_digest([plain]) != suite_digest([case(OSLO)])


@given(
    st.lists(
        st.builds(
            ToolResult, st.text(min_size=1), st.text(),
            st.none() | st.dictionaries(st.text(max_size=20), st.integers(), max_size=9), st.booleans(),
        )
    ),
    st.none() | st.integers(1, MOST_STEPS),
)  # fmt: skip
def test_what_is_written_is_read_again(results: list[ToolResult], most: int | None) -> None:
    one = case(*results, most_steps=most)
    assert case_from_json(json.loads(json.dumps(case_json(one)))) == one


@pytest.mark.parametrize(
    "wrong",
    [
        {"tool_results": {"a": 1}}, {"tool_results": [1]}, {"tool_results": [{"result": "x"}]},
        {"tool_results": [{"tool": "a", "arguments": []}]}, {"most_steps": 0}, {"most_steps": MOST_STEPS + 1},
        {"most_steps": "3"}, {"most_steps": True},
    ],
)  # fmt: skip
def test_what_has_another_shape_is_refused(wrong: Json) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        case_from_json({"name": "a", **wrong})
