"""Answering a model's calls of tools from a case's canned results. Nothing is ever executed.

The first of a case's results that fits a call answers it; one that is for once is then gone. An answer whose
calls are not all answered ends the case: its output is those calls, and it is judged on what there is.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Final

from prompts_app.engine.budget import MOST_VALUES_JUDGED, load_json
from prompts_app.engine.case_pictures import text_in
from prompts_app.engine.json_texts import sealable
from prompts_app.engine.responses_body import sent_back
from prompts_app.engine.tool_types import THINKING, ToolCall, ToolMessage, ToolResult
from prompts_app.engine.types import CaseContent, Json, Message, PicturedMessage, Reply, Sent

USUAL_STEPS = 8  # answers of the model whose calls are answered
MOST_CALLS = 100  # that are answered in one case
MOST_CHARS = 4_000_000  # of all calls and results of one case: each further call sends them all again

NO_RESULT, MOST_STEPS_DONE, TOO_MUCH = "no_result", "most_steps", "too_much"
UNANSWERED: Final[dict[str, str]] = {
    NO_RESULT: "The case has no canned result for a call the model made, so the conversation ended there.",
    MOST_STEPS_DONE: (
        "The model went on calling tools after as many steps as the case allows, so the conversation ended "
        "there."
    ),
    TOO_MUCH: (
        f"The model made more calls than are answered in one case ({MOST_CALLS}, or {MOST_CHARS:,} "
        "characters of calls and results), so the conversation ended there."
    ),
}
"""Why calls were left unanswered, as a sentence for readers."""


def sent_from_json(sent: Mapping[str, Json]) -> Sent:
    """The opposite of ``as_json``."""
    calls, of = tuple(sent.get("tool_calls") or ()), str(sent.get("tool_call_id") or "")
    if calls or sent["role"] == "tool":
        thinking = str(sent.get(THINKING) or "")
        return ToolMessage(sent["role"], sent.get("content") or "", calls, of, (), thinking, THINKING in sent)
    if isinstance(sent["content"], list):
        return PicturedMessage(sent["role"], text_in(sent["content"]), tuple(sent["content"]))
    return Message(sent["role"], sent["content"])


def call_of(tool_call: Json) -> ToolCall:
    """What a message's tool call calls."""
    function = tool_call.get("function") if isinstance(tool_call, dict) else None
    known = function if isinstance(function, dict) else {}
    return ToolCall(known.get("name"), known.get("arguments"))


def calls_in(messages: Iterable[Sent]) -> tuple[ToolCall, ...]:
    """Every call that was answered, in order."""
    steps = [message for message in messages if isinstance(message, ToolMessage)]
    return tuple(call_of(call) for step in steps for call in step.tool_calls)


def arguments_of(call: ToolCall) -> Json:
    """The arguments as a JSON value. Raises ``ValueError`` where they are not JSON, or too much of it."""
    if isinstance(call.arguments, str):
        return load_json(call.arguments, MOST_VALUES_JUDGED)
    if isinstance(call.arguments, dict):
        return call.arguments
    raise ValueError("They are no JSON text.")


def holds(actual: Json, expected: Json) -> bool:
    """Whether ``actual`` has everything ``expected`` has: objects may have more members, lists may not. 1 is
    1.0, and true is not 1."""
    if isinstance(expected, list):
        pairs = zip(actual, expected, strict=False) if isinstance(actual, list) else ()
        return (
            isinstance(actual, list) and len(actual) == len(expected) and all(holds(*pair) for pair in pairs)
        )
    if isinstance(expected, Mapping):
        return isinstance(actual, dict) and all(
            name in actual and holds(actual[name], value) for name, value in expected.items()
        )
    if isinstance(expected, bool) or isinstance(actual, bool):
        return actual is expected
    is_number = isinstance(expected, int | float) and isinstance(actual, int | float)
    return bool(actual == expected and (is_number or type(actual) is type(expected)))


class CannedResults:
    """What is left of one case's canned results while it is asked."""

    def __init__(self, case: CaseContent) -> None:
        self._left = list(case.tool_results)
        self._steps_left = USUAL_STEPS if case.most_steps is None else case.most_steps
        self._calls_left, self._chars_left = MOST_CALLS, MOST_CHARS
        self.are_given = bool(case.tool_results)

    def after(self, reply: Reply) -> tuple[ToolMessage, ...] | str:
        """The messages that follow an answer with calls: the answer itself, and a result for each of its
        calls. Or why there are none: a name of ``UNANSWERED``."""
        if self._steps_left == 0:
            return MOST_STEPS_DONE
        self._steps_left -= 1
        first = MOST_CALLS - self._calls_left + 1
        self._calls_left -= len(reply.tool_calls)
        if self._calls_left < 0:
            return TOO_MUCH
        calls = [_sendable(call, number) for number, call in enumerate(reply.tool_calls, first)]
        results = list[ToolMessage]()
        for call in calls:
            given = self._take(call_of(call))
            if given is None:
                return NO_RESULT
            self._chars_left -= len(given.result)
            results.append(ToolMessage("tool", given.result, tool_call_id=call["id"]))
        items, thinking = sent_back(reply.items), reply.thinking
        answered = ToolMessage("assistant", reply.content, tuple(calls), "", items, thinking)
        kept = [answered.as_json(), reply.items, thinking]  # all of it, if not sent
        self._chars_left -= len(json.dumps(kept))
        return TOO_MUCH if self._chars_left < 0 else (answered, *results)

    def _take(self, call: ToolCall) -> ToolResult | None:
        try:
            arguments = arguments_of(call)
        except ValueError:
            arguments = None
        fitting = (place for place, one in enumerate(self._left) if _fits(one, call.name, arguments))
        place = next(fitting, None)
        if place is None:
            return None
        return self._left.pop(place) if self._left[place].once else self._left[place]


def _fits(one: ToolResult, name: Json, arguments: Json) -> bool:
    return one.tool == name and (one.arguments is None or holds(arguments, one.arguments))


def _sendable(call: Json, number: int) -> dict[str, Json]:
    """A call as it can be sent back and kept: with an id, and its arguments as text. Otherwise as it came."""
    call = call if isinstance(call, dict) else {}
    known = {name: value for name, value in call.items() if value is not None}
    sent = {"type": "function"} | known | {"id": str(known.get("id") or f"call_{number}")}
    function = sent.get("function")
    if isinstance(function, dict) and not isinstance(function.get("arguments"), str):
        text = json.dumps(function.get("arguments") or {}, ensure_ascii=False)
        sent["function"] = {**function, "arguments": text}
    return sealable(sent)  # type: ignore[no-any-return]  # an object stays one
