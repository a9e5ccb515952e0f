"""What a server refuses of a request is learned from its own words, once, and told.

The bodies are as people met them; each says where.
"""

import asyncio
from typing import Any, ClassVar

import pytest

from prompts_app.engine.adaptations import WORDS, Learned, adapted, in_words, told
from prompts_app.engine.assertions.stored import adapted_told, calls_of, check_json
from prompts_app.engine.run import RunConfig, run_cells
from prompts_app.engine.types import (
    Assertion,
    CaseContent,
    Cell,
    Fault,
    Json,
    Message,
    Outcome,
    PromptContent,
    Reply,
    Request,
)
from prompts_app.tests.engine.judges import graded, says, why_no_verdict
from prompts_app.tests.engine.servers import OddServer, Step, answering, completion, http

LIMIT = (  # microsoft/clarity-agent issue 59
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
    "instead.",
    "max_tokens",
    "unsupported_parameter",
)
TEMPERATURE = (  # gabrii/Cursor-Azure-GPT-5 issue 33
    "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is "
    "supported.",
    "temperature",
    "unsupported_value",
)
ROLE = (  # CherryHQ/cherry-studio issue 1403
    "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
    "messages[0].role",
    "unsupported_value",
)
STREAM_OPTIONS = (  # microsoft/semantic-kernel issue 10510
    "Validation error at #/stream_options: Extra inputs are not permitted", "", "bad_request"
)  # fmt: skip
TOP_P = ("Unsupported parameter: 'top_p' is not supported with this model.", "top_p", "unsupported_parameter")
YES = http(200, completion("yes"))


def refusal(said: tuple[str, str, str]) -> list[Step]:
    message, param, code = said
    about = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return http(400, {"error": about})


PROMPT = PromptContent(
    (Message("system", "Be brief."), Message("user", "{{q}}")),
    parameters={"temperature": 0, "max_tokens": 50, "top_p": 0.9, "seed": 7},
)


def run(server: OddServer, cases: int = 1, learned: Learned | None = None, **more: Any) -> list[Outcome]:
    cells = [Cell(number, 0, CaseContent("", {"q": "x"}, **more)) for number in range(cases)]
    outcomes: list[Outcome] = []

    def keep(outcome: Outcome) -> None:
        outcomes.append(outcome)

    asking = run_cells(
        RunConfig(PROMPT, "o9", server.endpoint(), concurrency=1, learned=learned or Learned()), cells,
        on_outcome=keep, stop_reason=lambda: None,
    )  # fmt: skip
    asyncio.run(asking)
    return outcomes


class TestARefusal:
    def test_of_the_limits_old_name_has_it_asked_by_the_new_one(self) -> None:
        with answering(refusal(LIMIT), YES) as server:
            (outcome,) = run(server)
            first, second = [one.json for one in server.asked]
        assert isinstance(outcome.reply, Reply)
        assert "max_completion_tokens" not in first
        assert (second["max_completion_tokens"], "max_tokens" in second) == (50, False)
        assert outcome.request.body() == second  # what is kept is what was sent
        assert outcome.request.adapted == ("max_completion_tokens",)

    def test_of_a_temperature_leaves_it_out_and_nothing_else(self) -> None:
        with answering(refusal(TEMPERATURE), YES) as server:
            (outcome,) = run(server)
            first, second = [one.json for one in server.asked]
        assert {**second, "temperature": 0} == first
        assert outcome.request.adapted == ("temperature",)

    def test_of_the_role_system_has_it_asked_as_a_developer(self) -> None:
        with answering(refusal(ROLE), YES) as server:
            run(server)
            assert [message["role"] for message in server.asked[1].json["messages"]] == ["developer", "user"]

    def test_of_a_streams_count_of_tokens_asks_for_none(self) -> None:
        with answering(refusal(STREAM_OPTIONS), YES) as server:
            outcomes: list[Outcome] = []
            asking = run_cells(
                RunConfig(PROMPT, "o9", server.endpoint(), concurrency=1, stream=True),
                [Cell(0, 0, CaseContent("", {"q": "x"}))],
                on_outcome=outcomes.append, stop_reason=lambda: None,
            )  # fmt: skip
            asyncio.run(asking)
            first, second = [one.json for one in server.asked]
        assert {**second, "stream_options": {"include_usage": True}} == first
        assert outcomes[0].request.adapted == ("stream_options",)

    def test_may_follow_another(self) -> None:
        with answering(refusal(LIMIT), refusal(TEMPERATURE), refusal(TOP_P), refusal(ROLE), YES) as server:
            (outcome,) = run(server)
            assert len(server.asked) == 5
        assert isinstance(outcome.reply, Reply)
        assert set(outcome.request.adapted) == {"max_completion_tokens", "temperature", "top_p", "developer"}

    def test_that_goes_on_is_the_row_it_is(self) -> None:
        """o1-mini takes neither role."""
        again = (ROLE[0].replace("'system'", "'developer'"), *ROLE[1:])
        with answering(refusal(ROLE), refusal(again)) as server:
            (outcome,) = run(server)
            assert len(server.asked) == 2
        assert outcome.fault is not None
        assert (outcome.fault.kind, outcome.reply) == ("bad_request", None)
        assert "does not support 'developer'" in outcome.fault.message

    def test_is_met_once_and_not_for_each_case(self) -> None:
        with answering(refusal(LIMIT), YES) as server:
            outcomes = run(server, cases=5)
            assert len(server.asked) == 6
        assert all(outcome.request.adapted == ("max_completion_tokens",) for outcome in outcomes)

    def test_is_not_met_again_where_it_is_known(self) -> None:
        with answering(YES) as server:
            run(server, learned=Learned(["temperature"]))
            assert ["temperature" in one.json for one in server.asked] == [False]

    def test_is_told_of_a_case_with_turns_whichever_of_them_met_it(self) -> None:
        with answering(refusal(ROLE), YES) as server:
            (outcome,) = run(server, turns=("And then?",))
            assert [m["role"] for m in server.asked[-1].json["messages"]] == [
                "developer", "user", "assistant", "user",
            ]  # fmt: skip
        assert outcome.request.adapted == ("developer",)


class TestAJudge:
    RUBRIC = Assertion("llm-rubric", "Is polite.")
    VERDICT = says({"reason": "It is.", "pass": True, "score": 1})
    SET: ClassVar[dict[str, Json]] = {"temperature": 0, "max_tokens": 300}

    def test_is_asked_otherwise_too_and_what_was_sent_is_kept(self) -> None:
        refused = (refusal(LIMIT), refusal(TEMPERATURE), refusal(ROLE))
        outcome, server = graded(self.RUBRIC, *refused, self.VERDICT, parameters=self.SET)
        assert outcome.passed
        sent = server.asked[-1].json
        assert (len(server.asked), sent["max_completion_tokens"]) == (4, 300)
        assert not {"temperature", "max_tokens"} & set(sent)
        [call] = calls_of(outcome.checks)
        assert call.adapted == ("max_completion_tokens", "temperature", "developer")
        assert call.parameters == {"max_completion_tokens": 300}
        assert call.asked.startswith("developer: ")
        assert adapted_told(self.stored(outcome)) == told(call.adapted)

    def test_meets_it_once_for_all_questions(self) -> None:
        script = (refusal(TEMPERATURE), self.VERDICT)
        outcome, server = graded([self.RUBRIC] * 3, *script, parameters={"temperature": 0})
        assert (outcome.passed, len(server.asked)) == (True, 4)

    def test_that_is_refused_for_what_was_not_sent_has_failed(self) -> None:
        outcome, server = graded(self.RUBRIC, refusal(LIMIT), parameters={"temperature": 0})
        assert len(server.asked) == 1
        assert why_no_verdict(outcome).cause == "bad_request"

    def test_that_refused_nothing_has_nothing_to_say(self) -> None:
        outcome, _ = graded(self.RUBRIC, self.VERDICT, parameters=self.SET)
        assert "adapted" not in self.stored(outcome)
        assert adapted_told(self.stored(outcome)) == ""

    @pytest.mark.parametrize("words", ["temperature", {"a": 1}, [["x"]], ["<b>"], None])
    def test_of_a_file_with_other_words_is_told_without_them(self, words: Json) -> None:
        assert adapted_told({"adapted": words}) == ""

    def stored(self, outcome: Outcome) -> dict[str, Json]:
        stored: dict[str, Json] = check_json(outcome.checks[0])["judge"]["calls"][0]
        return stored


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "Invalid value for 'temperature': expected a number between 0 and 2."),
        (400, "max_tokens is too large: 99999. This model supports at most 16384 completion tokens."),
        (400, "The messages are too long."),
        (401, LIMIT[0]),
        (500, TEMPERATURE[0]),
        (None, TEMPERATURE[0]),
    ],
)
def test_another_fault_teaches_nothing(status: int | None, message: str) -> None:
    request = Request("m", PROMPT.messages, PROMPT.parameters)
    learned = Learned([])
    assert not learned.learn(Fault("bad_request", message, status), request)
    assert learned.words == []


def test_what_a_request_does_not_have_is_not_changed() -> None:
    plain = Request("m", (Message("user", "x"),), {"seed": 1})
    assert adapted(plain, WORDS) is plain


def test_changing_twice_is_changing_once() -> None:
    once = adapted(Request("m", PROMPT.messages, PROMPT.parameters), WORDS)
    assert adapted(once, WORDS) is once


def test_each_is_told_in_words() -> None:
    assert [in_words(word) for word in WORDS][:2] == [
        "with max_completion_tokens in place of max_tokens",
        "without temperature",
    ]
