"""The thinking that led to a call of a tool: sent back where the server wants it, and only there."""

import pytest

from prompts_app.engine.adaptations import Learned
from prompts_app.engine.tool_steps import sent_from_json
from prompts_app.engine.tool_types import THINKING
from prompts_app.engine.types import Cell, Json
from prompts_app.tests.engine.asking import ask_cells
from prompts_app.tests.engine.servers import OddServer, Step, answering, completion, http, tool_calls
from prompts_app.tests.engine.streaming import FINISHED, says, streamed
from prompts_app.tests.engine.test_tool_steps import OSLO, PROMPT, case, sent

WANTED = (  # continuedev/continue issue 10193; anomalyco/opencode issue 24083
    "Missing `reasoning_content` field in the assistant message at message index 2. For more information, "
    "please refer to https://api-docs.deepseek.com/guides/thinking_mode#tool-calls",
    "The reasoning_content in the thinking mode must be passed back to the API.",
)


def thought(said: dict[str, Json], thinking: str) -> list[Step]:
    said["choices"][0]["message"]["reasoning_content"] = thinking
    return http(200, said)


def thinking_sent(server: OddServer, number: int) -> list[Json]:
    return [one.get("reasoning_content") for one in sent(server, number) if one["role"] == "assistant"]


class TestThinkingBesideACall:
    CALL = thought(tool_calls(("get_weather", '{"city": "Oslo"}')), "It is about Oslo.")
    ANSWER = thought(completion("12 degrees."), "Now I know.")

    @pytest.mark.parametrize("words", WANTED)
    def test_goes_back_where_the_server_says_that_it_wants_it(self, words: str) -> None:
        refusal = http(400, {"error": {"message": words, "type": "invalid_request_error"}})
        with answering(self.CALL, refusal, self.ANSWER) as server:
            [outcome] = ask_cells(PROMPT, [Cell(0, 0, case(OSLO, turns=("And then?",)))], server.endpoint())
            assert [thinking_sent(server, number) for number in range(4)] == [
                [], [None], ["It is about Oslo."], ["It is about Oslo.", "Now I know."],
            ]  # fmt: skip
        assert outcome.fault is None
        assert outcome.request.adapted == (THINKING,)
        assert [sent_from_json(one.as_json()) for one in outcome.request.messages[2:4]] == list(
            outcome.request.messages[2:4]
        )

    def test_does_not_go_where_nobody_asked_for_it(self) -> None:
        """Groq and Mistral refuse it: BerriAI/litellm issue 30835, janhq/jan issue 8136."""
        with answering(self.CALL, self.ANSWER) as server:
            [outcome] = ask_cells(PROMPT, [Cell(0, 0, case(OSLO, turns=("And then?",)))], server.endpoint())
            assert [thinking_sent(server, number) for number in range(3)] == [[], [None], [None, None]]
        assert outcome.request.adapted == ()

    def test_goes_at_once_where_that_is_known_and_empty_where_there_was_none(self) -> None:
        plain = http(200, tool_calls(("get_weather", '{"city": "Oslo"}')))
        with answering(plain, self.ANSWER) as server:
            ask_cells(PROMPT, [Cell(0, 0, case(OSLO))], server.endpoint(), learned=Learned([THINKING]))
            assert [thinking_sent(server, number) for number in range(2)] == [[], [""]]

    def test_is_not_sent_in_a_conversation_without_tools(self) -> None:
        with answering(self.ANSWER) as server:
            cells = [Cell(0, 0, case(turns=("And then?",)))]
            [outcome] = ask_cells(PROMPT, cells, server.endpoint(), learned=Learned([THINKING]))
            assert thinking_sent(server, 1) == [None]
        assert outcome.request.adapted == ()

    def test_comes_in_pieces_too(self) -> None:
        function = {"name": "get_weather", "arguments": '{"city": "Oslo"}'}
        call = {"index": 0, "id": "call_a", "type": "function", "function": function}
        pieces = (
            says(reasoning_content="It is "),
            says(reasoning_content="about Oslo."),
            says(tool_calls=[call]),
        )
        with answering(streamed(*pieces, *FINISHED), self.ANSWER) as server:
            cells, known = [Cell(0, 0, case(OSLO))], Learned([THINKING])
            ask_cells(PROMPT, cells, server.endpoint(), learned=known, stream=True)
            assert thinking_sent(server, 1) == ["It is about Oslo."]
