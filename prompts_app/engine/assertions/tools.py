"""Whether the model's tool calls fit the tools it was given."""

from __future__ import annotations

from prompts_app.engine.assertions.json_ import first_error
from prompts_app.engine.assertions.kinds import CannotTell, Finding, Kind, as_text, quote, quote_all
from prompts_app.engine.assertions.values import parse_json
from prompts_app.engine.types import Answer, Assertion, Json


class _Misfit(Exception):
    """Why a call does not fit, as a sentence."""


def _is_valid_call(assertion: Assertion, answer: Answer) -> Finding:
    try:
        calls, tools = calls_in(answer.output), tools_of(answer.tools)
        if not tools:
            raise CannotTell("The version has no “tools” among its parameters to hold the calls to.")
        names = [_checked(call, tools) for call in calls]
    except _Misfit as why:
        return Finding(False, 0.0, str(why))
    return Finding(True, 1.0, f"Calls {quote_all(names)}, as the tools want it.")


def tools_of(parameter: Json) -> dict[str, Json]:
    """Function name → JSON Schema of its parameters, from the request's "tools"."""
    listed = parameter if isinstance(parameter, list) else []
    functions = [
        tool["function"]
        for tool in listed
        if isinstance(tool, dict) and isinstance(tool.get("function"), dict)
    ]
    return {as_text(one.get("name")): one.get("parameters") or {} for one in functions if one.get("name")}


def calls_in(output: str) -> list[Json]:
    """The tool calls of an answer: JSON of a list of them, or of a message that has them.

    Raises ``_Misfit`` where there is none.
    """
    try:
        value = parse_json(output)
    except ValueError:
        value = None
    calls = value.get("tool_calls") if isinstance(value, dict) else value
    if not isinstance(calls, list) or not calls:
        raise _Misfit(f"Calls no tool, but says {quote(output)}.")
    return calls


def _checked(call: Json, tools: dict[str, Json]) -> str:
    """The name of the function a call fits. Raises ``_Misfit``."""
    function = call.get("function") if isinstance(call, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(name, str):
        raise _Misfit("A call names no function.")
    if name not in tools:
        raise _Misfit(f"Calls {quote(name)}, which is not among the tools: {quote_all(list(tools))}.")
    try:
        arguments = parse_json(function["arguments"])
    except (ValueError, TypeError, KeyError):
        raise _Misfit(f"The arguments of {quote(name)} are not valid JSON.") from None
    _hold(name, arguments, tools[name])
    return name


def _hold(name: str, arguments: Json, schema: Json) -> None:
    try:
        error = first_error(schema, arguments)
    except (ValueError, RecursionError) as why:
        raise CannotTell(
            f"The parameters of the tool {quote(name)} are no usable JSON Schema: {why}"
        ) from None
    if error is not None:
        raise _Misfit(f"The arguments of {quote(name)} do not fit: {error.message}.")


_PARAMETERS = {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}
_TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": _PARAMETERS}}]
_CALL = '[{"type": "function", "function": {"name": "get_weather", "arguments": "CITY"}}]'

KINDS = (
    Kind(
        "is-valid-openai-tools-call", "tools",
        "The model calls tools, each of them one it was given and with arguments that fit its schema.",
        "none", _is_valid_call,
        passes=Answer(_CALL.replace("CITY", '{\\"city\\": \\"Paris\\"}'), tools=_TOOLS),
        fails=Answer(_CALL.replace("CITY", "{}"), tools=_TOOLS),
    ),
)  # fmt: skip
