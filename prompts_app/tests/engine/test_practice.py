"""The practice endpoint: deterministic, no network, clearly not a model."""

import asyncio
import json
import socket
from collections import Counter
from time import perf_counter, process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prompts_app.engine.assertions.judging import JudgePrompt, Material
from prompts_app.engine.endpoints import Pacing, open_endpoint
from prompts_app.engine.endpoints.practice import LABEL, MODELS, SHORTEST_S, answer
from prompts_app.engine.tool_steps import call_of
from prompts_app.engine.tool_types import ToolCall, ToolMessage
from prompts_app.engine.types import EndpointConfig, Fault, Message, Reply, Request, Sent
from prompts_app.tests.engine.asking import ask, list_models

PRACTICE = EndpointConfig("practice")
AT_ONCE = Pacing(first_wait_s=0.0)


def said(system: str, user: str) -> str:
    return answer(Request("practice-1", (Message("system", system), Message("user", user))))


def ask_many(model: str, count: int) -> list[Reply | Fault]:
    async def calls() -> list[Reply | Fault]:
        async with open_endpoint(PRACTICE, 50, AT_ONCE) as asker:
            requests = [
                Request(model, (Message("user", f"Name: {n}. Reply in JSON."),)) for n in range(count)
            ]
            return list(await asyncio.gather(*(asker.ask(request, 5.0) for request in requests)))

    return asyncio.run(calls())


def test_it_says_what_it_is_not() -> None:
    assert LABEL == "not a model"
    assert list_models(PRACTICE) == MODELS == ("practice-1", "practice-2")


def test_asked_for_json_it_reads_fields_from_lines() -> None:
    output = said(
        "Extract the fields as JSON.", "Please read:\nName: Ada Lovelace\n- Age: 36\nUnit price = 2.5\n"
    )
    assert json.loads(output) == {"name": "Ada Lovelace", "age": 36, "unit_price": 2.5}


def test_asked_for_json_without_lines_it_fills_in_the_fields_it_was_told() -> None:
    assert json.loads(said('Reply in JSON with "total" and "currency".', "no such lines")) == {
        "total": "",
        "currency": "",
    }
    assert json.loads(said("Reply in JSON.", "no such lines")) == {"text": "no such lines"}


@pytest.mark.parametrize(
    "system",
    [
        "Classify the message as one of: billing, shipping or other.",
        "Answer with one of these labels: billing, shipping, other",
        "Choose the category: Billing | Shipping | Other",
    ],
)
def test_asked_to_classify_it_picks_a_listed_label(system: str) -> None:
    assert said(system, "Where is the shipping note?").lower() == "shipping"
    assert said(system, "Nothing fits here").lower() in {"billing", "shipping", "other"}


def test_otherwise_it_rewords() -> None:
    assert said("Write in upper case.", "hello there") == "HELLO THERE"
    assert said("Be helpful.", " hello there ") == "hello there"
    assert len(said("Summarise briefly.", "word " * 90).split()) == 30


def test_the_same_request_gets_the_same_answer() -> None:
    first, second = (
        ask(PRACTICE, model="practice-1", pacing=AT_ONCE),
        ask(PRACTICE, model="practice-1", pacing=AT_ONCE),
    )
    assert isinstance(first, Reply)
    assert isinstance(second, Reply)
    assert (first.output, first.response_id) == (second.output, second.response_id)
    assert str(first.response_id).startswith("practice-")
    assert first.model == "practice-1"
    assert first.tokens_in


def test_now_and_then_a_call_is_repeated_or_stays_without_an_answer() -> None:
    results = ask_many("practice-1", 500)
    kinds = Counter(result.kind if isinstance(result, Fault) else result.attempts for result in results)
    assert set(kinds) == {1, 2, "server_error"}
    assert 5 <= kinds[2] + kinds["server_error"] <= 45  # about one in 25


def test_the_sloppy_model_fails_more() -> None:
    def valid(model: str) -> int:
        return sum(
            result.output.startswith("{") for result in ask_many(model, 200) if isinstance(result, Reply)
        )

    assert valid("practice-2") < 150 < 180 < valid("practice-1")


def test_it_takes_a_moment_so_that_a_run_can_be_watched() -> None:
    started = perf_counter()
    reply = ask(PRACTICE, model="practice-1", pacing=Pacing())
    took = perf_counter() - started
    assert isinstance(reply, Reply)
    assert SHORTEST_S <= reply.latency_ms / 1000 <= took


def test_other_models_do_not_exist_and_impatience_times_out() -> None:
    unknown = ask(PRACTICE, model="gpt-4o-mini", pacing=AT_ONCE)
    assert isinstance(unknown, Fault)
    assert unknown.kind == "model_not_found"
    late = ask(PRACTICE, deadline_s=0.01, model="practice-1", pacing=Pacing())
    assert isinstance(late, Fault)
    assert late.kind == "timeout"


def test_no_network_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("practice needs no network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert isinstance(ask(PRACTICE, model="practice-1", pacing=AT_ONCE), Reply)


@pytest.mark.parametrize(
    "text", ["a: x" + " " * 500_000 + "y", "classify " * 50_000, "one of " * 50_000, "a " * 300_000]
)
def test_huge_texts_take_no_time(text: str) -> None:
    started = process_time()
    said("Reply in JSON.", text)
    said(text, text)
    assert process_time() - started < 2


@given(st.text(), st.text())
def test_any_text_at_all_gets_some_answer(system: str, user: str) -> None:
    assert isinstance(said(system, user), str)
    json.loads(said(system + " JSON ", user))


def test_the_random_mark_in_a_judges_question_changes_nothing() -> None:
    prompt = JudgePrompt(
        "You examine an answer.", (Material("The answer", "Yes."),), '{"pass": "true or false"}'
    )
    asked = [
        ask(PRACTICE, pacing=AT_ONCE, model="practice-2", messages=prompt.messages(mark))
        for mark in ("0123456789ab", "ba9876543210")
    ]
    assert len({(getattr(one, "output", ""), getattr(one, "response_id", "")) for one in asked}) == 1


class TestTools:
    TOOLS = tuple(
        {"type": "function", "function": {"name": name, "description": about, "parameters": parameters}}
        for name, about, parameters in (
            ("get_weather", "The weather in a city.", {"properties": {"city": {"type": "string"}}}),
            ("find_place", "What people call a place.", {"properties": {"n": {"type": "integer"}}}),
        )
    )

    def calls(self, *messages: Sent, model: str = "practice-1") -> list[ToolCall]:
        told = {"tools": list(self.TOOLS)}
        reply = ask(PRACTICE, pacing=AT_ONCE, model=model, parameters=told, messages=messages)
        return [call_of(call) for call in reply.tool_calls] if isinstance(reply, Reply) else []

    def test_it_calls_the_tools_a_question_names_with_what_stands_in_it(self) -> None:
        (call,) = self.calls(Message("user", "What is the weather in Oslo?"))
        assert (call.name, call.arguments) == ("get_weather", '{"city": "Oslo"}')
        both = self.calls(Message("user", "A place with good weather?"))
        assert [call.name for call in both] == ["get_weather", "find_place"]
        assert self.calls(Message("user", "How are you?")) == []

    def test_it_answers_with_what_came_back(self) -> None:
        asked = Message("user", "The weather in Oslo?")
        back = ToolMessage("tool", "12 degrees", (), "practice-1")
        assert answer(Request("practice-1", (asked, back), {"tools": list(self.TOOLS)})) == "12 degrees"
        assert self.calls(asked, back) == []

    def test_the_sloppy_one_sometimes_sends_arguments_that_are_no_json(self) -> None:
        asked = [Message("user", f"The weather in Town{number}?") for number in range(30)]
        called = [call for message in asked for call in self.calls(message, model="practice-2")]
        broken = [call for call in called if not str(call.arguments).endswith("}")]
        assert 0 < len(broken) < len(called)
