"""Reading what an answer calls: tools and functions, in the shapes in which providers write them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from prompts_app.engine.assertions.values import parse_json
from prompts_app.engine.types import Json

MOST_BLOCKS = 1_000  # places in one text where JSON may begin
_FENCED = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_BEGINS_LINE = re.compile(r"^[ \t]*(?=[\[{])", re.MULTILINE)
_REST_OF_LINE = re.compile(r"[ \t\r]*(?:\n|\Z)")


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """``arguments`` as they came: JSON text with OpenAI, an object with Google."""

    name: Json
    arguments: Json


def function_call_in(output: str) -> FunctionCall | None:
    """OpenAI's: ``{"name", "arguments"}`` or a message's "function_call"; the arguments are text."""
    value = _json_or_none(output)
    value = value.get("function_call", value) if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(value.get("arguments"), str):
        return None
    return FunctionCall(value.get("name"), value["arguments"])


def google_calls_in(output: str) -> list[FunctionCall]:
    """Google's: ``{"toolCall": {"functionCalls": […]}}``, or a list with ``{"functionCall": …}``."""
    value = _json_or_none(output)
    listed: Json = []
    if isinstance(value, dict) and isinstance(value.get("toolCall"), dict):
        listed = value["toolCall"].get("functionCalls")
    elif isinstance(value, list):
        listed = [one.get("functionCall") for one in value if isinstance(one, dict)]
    calls = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [FunctionCall(one.get("name"), one.get("args", {})) for one in calls]


def names_called(output: str) -> set[str]:
    """The tools an answer calls, each once: as JSON in one of the known shapes, whole or as lines of a text.

    JSON in a fenced block is an example, and no call.
    """
    try:
        return set(_names(parse_json(output)))
    except ValueError:
        return {name for block in _blocks(output) for name in _names(block)}


def _json_or_none(text: str) -> Json:
    try:
        return parse_json(text)
    except ValueError:
        return None


def _blocks(text: str) -> Iterator[Json]:
    """The JSON that begins a line and ends one."""
    text, decoder, at = _FENCED.sub("", text), json.JSONDecoder(), 0
    for _ in range(MOST_BLOCKS):
        begin = _BEGINS_LINE.search(text, at)
        if begin is None:
            return
        try:
            value, at = decoder.raw_decode(text, begin.end())
            if _REST_OF_LINE.match(text, at):
                yield value
        except (ValueError, RecursionError):
            at = text.find("\n", begin.end())
            if at < 0:
                return


def _names(value: Json) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _name_of_part(item)
        return
    if not isinstance(value, dict):
        return
    if isinstance(value.get("tool_calls"), list):
        for call in value["tool_calls"]:
            yield from _name_of_part(call)
    elif isinstance(value.get("toolCall"), dict):
        listed = value["toolCall"].get("functionCalls")
        for call in listed if isinstance(listed, list) else []:
            yield from _name_of_part(call)
    elif value.get("type") in ("tool_use", "function_call") or isinstance(value.get("functionCall"), dict):
        yield from _name_of_part(value)


def _name_of_part(part: Json) -> Iterator[str]:
    """One item of a list: OpenAI's, Anthropic's or Google's form, or just a name."""
    if not isinstance(part, dict):
        return
    for form in ("functionCall", "function"):
        if isinstance(part.get(form), dict):
            part = part[form]
            break
    if isinstance(part.get("name"), str):
        yield part["name"]
