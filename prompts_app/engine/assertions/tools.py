"""Which tools and functions an answer calls, and whether the calls fit what the model was given."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from prompts_app.engine.assertions.json_ import first_error
from prompts_app.engine.assertions.kinds import (
    AssertionKind,
    Finding,
    by_degree,
    threshold_of,
    threshold_problem,
)
from prompts_app.engine.assertions.values import as_text, parse_json, quote, quote_all, texts_of
from prompts_app.engine.errors import CannotTell
from prompts_app.engine.tool_steps import calls_in
from prompts_app.engine.tool_types import ToolCall
from prompts_app.engine.types import Answer, Assertion, Json, Sent

TOOLS = ("tools", "functions")  # the parameters that say what may be called; the second is the older
USUAL_F1 = 1.0
MOST_BLOCKS = 1_000  # places in one text where JSON may begin
_FENCED = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_BEGINS_LINE = re.compile(r"^[ \t]*(?=[\[{])", re.MULTILINE)
_REST_OF_LINE = re.compile(r"[ \t\r]*(?:\n|\Z)")


def tools_among(parameters: Mapping[str, Json]) -> Json:
    """What a version's parameters say may be called, as the value of "tools"; ``None`` for nothing."""
    tools, functions = (parameters.get(name) for name in TOOLS)
    if not isinstance(functions, list):
        return tools
    listed = tools if isinstance(tools, list) else []
    return [*listed, *({"type": "function", "function": one} for one in functions)]


# --- reading what is called, in the shapes in which providers write it ------------------------------------


def all_calls(messages: Iterable[Sent], output: str) -> tuple[ToolCall, ...] | None:
    """Every call of a case, in order: those that were answered, and those the output is. ``None`` where the
    output is more JSON than is looked through."""
    try:
        last = [call for call in tool_calls_in(output) if isinstance(call.name, str)]
    except CannotTell:
        return None
    return (*calls_in(messages), *last)


def calls_a_tool(output: str) -> bool:
    """Whether it does, as far as that can be told."""
    return bool(all_calls((), output))


def tool_calls_in(output: str) -> list[ToolCall]:
    """OpenAI's: a list of ``{"function": {"name", "arguments"}}``, or a message's "tool_calls"."""
    value = _json_or_none(output)
    calls = value.get("tool_calls") if isinstance(value, dict) else value
    functions = [_object(call, "function") for call in _list(calls)]
    return [ToolCall(one.get("name"), _text_or_none(one.get("arguments"))) for one in functions]


def openai_function_call_in(output: str) -> list[ToolCall]:
    """OpenAI's older form: ``{"name", "arguments"}`` or a message's "function_call"; arguments are text."""
    value = _json_or_none(output)
    value = value.get("function_call", value) if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(value.get("arguments"), str):
        return []
    return [ToolCall(value.get("name"), value["arguments"])]


def function_calls_in(output: str) -> list[ToolCall]:
    """The same, or Google's: ``{"toolCall": {"functionCalls": […]}}``, or ``[{"functionCall": …}]``."""
    if calls := openai_function_call_in(output):
        return calls
    value = _json_or_none(output)
    if isinstance(value, list):
        listed = [one.get("functionCall") for one in value if isinstance(one, dict)]
    else:
        listed = _list(_object(value, "toolCall").get("functionCalls"))
    return [ToolCall(one.get("name"), one.get("args", {})) for one in listed if isinstance(one, dict)]


def names_called(output: str) -> set[str]:
    """The tools an answer calls, each once: as JSON in one of the known shapes, whole or as lines of a text.

    JSON in a fenced block is an example, and no call.
    """
    try:
        values = [parse_json(output)]
    except ValueError:
        values = list(_blocks(output))
    names = (_name(call) for value in values for call in _calls(value) if isinstance(call, dict))
    return {name for name in names if isinstance(name, str)}


def _calls(value: Json) -> list[Json]:
    """Those in a list or in a message of OpenAI's or Google's, or the one call that a value is."""
    if not isinstance(value, dict):
        return _list(value)
    if isinstance(value.get("tool_calls"), list):
        return _list(value["tool_calls"])
    if isinstance(value.get("toolCall"), dict):
        return _list(value["toolCall"].get("functionCalls"))
    is_call = value.get("type") in ("tool_use", "function_call") or _object(value, "functionCall")
    return [value] if is_call else []


def _name(call: dict[str, Json]) -> Json:
    """Of a call in OpenAI's, Anthropic's or Google's form, or of one that is just a name."""
    return (_object(call, "functionCall") or _object(call, "function") or call).get("name")


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


def _json_or_none(text: str) -> Json:
    try:
        return parse_json(text)
    except ValueError:
        return None


def _object(value: Json, name: str) -> dict[str, Json]:
    """The object that a member of an object is, or an empty one."""
    member = value.get(name) if isinstance(value, dict) else None
    return member if isinstance(member, dict) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _text_or_none(value: Json) -> str | None:
    return value if isinstance(value, str) else None


# --- judging it -------------------------------------------------------------------------------------------


class _Misfit(Exception):
    """Why a call does not fit, as a sentence."""


def _fits(what: str, read: Callable[[str], list[ToolCall]]) -> Callable[[Assertion, Answer], Finding]:
    """The calls that ``read`` finds, each held to the tools that were given."""

    def find(assertion: Assertion, answer: Answer) -> Finding:
        calls = list(answer.calls or ()) if what == "tool" else []
        calls = calls or read(answer.output)
        if not calls:
            return Finding(False, 0.0, f"Calls no {what}, but says {quote(answer.output)}.")
        schemas = _schemas_of(answer.tools)
        if not schemas:
            raise CannotTell("The version has no “tools” among its parameters to hold the calls to.")
        try:
            names = [_checked(call, schemas) for call in calls]
        except _Misfit as why:
            return Finding(False, 0.0, str(why))
        return Finding(True, 1.0, f"Calls {quote_all(names)}, as the tools want it.")

    return find


def _schemas_of(tools: Json) -> dict[str, Json]:
    """Function name → JSON Schema of its parameters, from the request's "tools"."""
    functions = [_object(tool, "function") for tool in _list(tools)]
    return {as_text(one["name"]): one.get("parameters") or {} for one in functions if one.get("name")}


def _checked(call: ToolCall, schemas: dict[str, Json]) -> str:
    """The name of the function a call fits. Raises ``_Misfit``."""
    name = call.name
    if not isinstance(name, str):
        raise _Misfit("A call names no function.")
    if name not in schemas:
        raise _Misfit(f"Calls {quote(name)}, which is not among the tools: {quote_all(list(schemas))}.")
    try:
        arguments = call.arguments if isinstance(call.arguments, dict) else parse_json(call.arguments)
    except ValueError:
        raise _Misfit(f"The arguments of {quote(name)} are not valid JSON.") from None
    try:
        error = first_error(schemas[name], arguments)
    except (ValueError, RecursionError) as why:
        raise CannotTell(
            f"The parameters of the tool {quote(name)} are no usable JSON Schema: {why}"
        ) from None
    if error is not None:
        raise _Misfit(f"The arguments of {quote(name)} do not fit: {error.message}.")
    return name


def _wanted(value: Json) -> list[str]:
    """The names of the tools that have to be called. Raises ``UnreadableValue``."""
    return [name for name in (one.strip() for one in texts_of(value)) if name]


def _tool_call_f1(assertion: Assertion, answer: Answer) -> Finding:
    """The F1 of the tools called against those wanted; neither order nor number of calls matters."""
    wanted, called = set(_wanted(assertion.value)), names_called(answer.output)
    called |= {call.name for call in answer.calls or () if isinstance(call.name, str)}
    score = 2 * len(wanted & called) / (len(wanted) + len(called))
    named = quote_all(sorted(called)) if called else "no tool"
    return by_degree(f"Calls {named}: F1", score, threshold_of(assertion, USUAL_F1))


def _f1_problem(assertion: Assertion) -> str | None:
    if not _wanted(assertion.value):
        return "Enter the names of the tools that have to be called, one per line."
    return threshold_problem(assertion)


_PARAMETERS = {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}
_TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": _PARAMETERS}}]
_CALL = '[{"type": "function", "function": {"name": "get_weather", "arguments": "CITY"}}]'
_FUNCTION_CALL = '{"name": "get_weather", "arguments": "CITY"}'
_PARIS = '{\\"city\\": \\"Paris\\"}'

KINDS = (
    AssertionKind(
        "is-valid-openai-tools-call", "tools",
        "The model calls tools, each of them one it was given and with arguments that fit its schema.",
        "none", _fits("tool", tool_calls_in),
        passes=Answer(_CALL.replace("CITY", _PARIS), tools=_TOOLS),
        fails=Answer(_CALL.replace("CITY", "{}"), tools=_TOOLS),
    ),
    AssertionKind(
        "is-valid-function-call", "tools",
        "The model calls one of the functions it was given, with arguments that fit: in OpenAI’s older form "
        "or in Google’s.", "none", _fits("function", function_calls_in),
        passes=Answer('[{"functionCall": {"name": "get_weather", "args": {"city": "Paris"}}}]', tools=_TOOLS),
        fails=Answer('[{"functionCall": {"name": "get_time", "args": {}}}]', tools=_TOOLS),
    ),
    AssertionKind(
        "is-valid-openai-function-call", "tools",
        "The model calls one of the functions it was given, with arguments that fit, in OpenAI’s older form.",
        "none", _fits("function", openai_function_call_in),
        passes=Answer(_FUNCTION_CALL.replace("CITY", _PARIS), tools=_TOOLS),
        fails=Answer(_FUNCTION_CALL.replace("CITY", "{}"), tools=_TOOLS),
    ),
    AssertionKind(
        "tool-call-f1", "tools",
        "The model calls these tools and no others (F1 of precision and recall; neither order nor repeats "
        "matter).", "lines", _tool_call_f1, _f1_problem, ["get_weather"], placeholder="get_weather\nget_time",
        usual_threshold=USUAL_F1,
        passes=Answer(_CALL.replace("CITY", "{}")), fails=Answer("It is sunny in Paris."),
    ),
)  # fmt: skip
