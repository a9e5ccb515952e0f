"""The steps of a result: what the model called on its way to the output, and what it was told, in words."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from prompts_app.engine.case_pictures import digest_of, text_in
from prompts_app.engine.masking import PLACEHOLDER
from prompts_app.engine.responses_body import messages_in
from prompts_app.engine.tool_steps import arguments_of, call_of
from prompts_app.engine.types import Json

MOST_SHOWN = 20_000  # characters of one text


@dataclass(frozen=True, slots=True)
class Step:
    """One message of the conversation. ``tool`` is the name of the tool that is called or gives back."""

    role: str  # "call", "result", or the message's own
    text: str
    tool: str = ""
    is_no_json: bool = False  # the arguments are none, as far as readers see all of them
    left_out: int = 0  # characters of the text


def split_request(request: Json, most: int = MOST_SHOWN) -> tuple[list[Json], tuple[Step, ...]]:
    """The messages up to the first call of a tool, and everything after it, with ``most`` characters of each
    text. What a file brought in may have any shape."""
    listed = messages_in(request)
    first = next((place for place, one in enumerate(listed) if _calls(one)), len(listed))
    return listed[:first], tuple(_cut(step, most) for step in _steps(listed[first:]))


def steps_of(request: Json, most: int = MOST_SHOWN) -> tuple[Step, ...]:
    return split_request(request, most)[1]


def _cut(step: Step, most: int) -> Step:
    return replace(step, text=step.text[:most], left_out=max(0, len(step.text) - most))


def _calls(message: dict[str, Json]) -> list[Json]:
    calls = message.get("tool_calls")
    return calls if isinstance(calls, list) else []


def _steps(messages: list[Json]) -> Iterator[Step]:
    names: dict[str, str] = {}
    for message in messages:
        role, said = str(message.get("role", "")), _text(message.get("content"))
        if role == "tool":
            yield Step("result", said, names.get(str(message.get("tool_call_id")), ""))
            continue
        if said or not _calls(message):
            yield Step(role, said)
        for call in _calls(message):
            step = _call(call)
            names[str(call.get("id") if isinstance(call, dict) else "")] = step.tool
            yield step


def _call(tool_call: Json) -> Step:
    call = call_of(tool_call)
    text = _text(call.arguments)
    try:
        arguments_of(call)
        is_no_json = False
    except ValueError:
        is_no_json = not PLACEHOLDER.search(text)  # a label stands for more than a text of it may
    return Step("call", text, _text(call.name), is_no_json)


def _text(value: Json) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list) and any(map(digest_of, value)):
        return f"{text_in(value)}\n[with pictures]".strip()
    return json.dumps(value, ensure_ascii=False)
