"""Whether the model's tool and function calls fit the tools it was given, and which it called."""

from collections.abc import Callable, Mapping, Sequence

from prompts_app.engine.assertions.calls import FunctionCall, function_call_in, google_calls_in, names_called
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
from prompts_app.engine.types import Answer, Assertion, Json

TOOLS = ("tools", "functions")  # the parameters that say what may be called; the second is the older
USUAL_F1 = 1.0


def tools_among(parameters: Mapping[str, Json]) -> Json:
    """What a version's parameters say may be called, as the value of "tools"; ``None`` for nothing."""
    tools, functions = (parameters.get(name) for name in TOOLS)
    if not isinstance(functions, list):
        return tools
    listed = tools if isinstance(tools, list) else []
    return [*listed, *({"type": "function", "function": one} for one in functions)]


class _Misfit(Exception):
    """Why a call does not fit, as a sentence."""


def _is_valid_call(assertion: Assertion, answer: Answer) -> Finding:
    try:
        calls = calls_in(answer.output)
    except _Misfit as why:
        return Finding(False, 0.0, str(why))
    return _held(calls, _checked, answer)


def _held[Call](
    calls: Sequence[Call], checked: Callable[[Call, dict[str, Json]], str], answer: Answer
) -> Finding:
    """The calls, each ``checked`` against the tools that were given. Raises ``CannotTell`` without any."""
    tools = tools_of(answer.tools)
    if not tools:
        raise CannotTell("The version has no “tools” among its parameters to hold the calls to.")
    try:
        names = [checked(call, tools) for call in calls]
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
    if not isinstance(function, dict):
        raise _Misfit("A call names no function.")
    arguments = function.get("arguments")
    text = arguments if isinstance(arguments, str) else None  # OpenAI's are text
    return _checked_call(FunctionCall(function.get("name"), text), tools)


def _checked_call(call: FunctionCall, tools: dict[str, Json]) -> str:
    name = call.name
    if not isinstance(name, str):
        raise _Misfit("A call names no function.")
    if name not in tools:
        raise _Misfit(f"Calls {quote(name)}, which is not among the tools: {quote_all(list(tools))}.")
    try:
        arguments = call.arguments if isinstance(call.arguments, dict) else parse_json(call.arguments)
    except (ValueError, TypeError):
        raise _Misfit(f"The arguments of {quote(name)} are not valid JSON.") from None
    _hold(name, arguments, tools[name])
    return name


def _is_function_call(*, google: bool) -> Callable[[Assertion, Answer], Finding]:
    def find(assertion: Assertion, answer: Answer) -> Finding:
        call = function_call_in(answer.output)
        calls = [call] if call else google_calls_in(answer.output) if google else []
        if not calls:
            return Finding(False, 0.0, f"Calls no function, but says {quote(answer.output)}.")
        return _held(calls, _checked_call, answer)

    return find


def _wanted(value: Json) -> list[str]:
    """The names of the tools that have to be called. Raises ``UnreadableValue``."""
    return [name for name in (one.strip() for one in texts_of(value)) if name]


def _tool_call_f1(assertion: Assertion, answer: Answer) -> Finding:
    """The F1 of the tools called against those wanted; neither order nor number of calls matters."""
    wanted, called = set(_wanted(assertion.value)), names_called(answer.output)
    score = 2 * len(wanted & called) / (len(wanted) + len(called))
    named = quote_all(sorted(called)) if called else "no tool"
    return by_degree(f"Calls {named}: F1", score, threshold_of(assertion, USUAL_F1))


def _f1_problem(assertion: Assertion) -> str | None:
    if not _wanted(assertion.value):
        return "Enter the names of the tools that have to be called, one per line."
    return threshold_problem(assertion)


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
_FUNCTION_CALL = '{"name": "get_weather", "arguments": "CITY"}'
_PARIS = '{\\"city\\": \\"Paris\\"}'

KINDS = (
    AssertionKind(
        "is-valid-openai-tools-call", "tools",
        "The model calls tools, each of them one it was given and with arguments that fit its schema.",
        "none", _is_valid_call,
        passes=Answer(_CALL.replace("CITY", _PARIS), tools=_TOOLS),
        fails=Answer(_CALL.replace("CITY", "{}"), tools=_TOOLS),
    ),
    AssertionKind(
        "is-valid-function-call", "tools",
        "The model calls one of the functions it was given, with arguments that fit: in OpenAI’s older form "
        "or in Google’s.",
        "none", _is_function_call(google=True),
        passes=Answer('[{"functionCall": {"name": "get_weather", "args": {"city": "Paris"}}}]', tools=_TOOLS),
        fails=Answer('[{"functionCall": {"name": "get_time", "args": {}}}]', tools=_TOOLS),
    ),
    AssertionKind(
        "is-valid-openai-function-call", "tools",
        "The model calls one of the functions it was given, with arguments that fit, in OpenAI’s older form.",
        "none", _is_function_call(google=False),
        passes=Answer(_FUNCTION_CALL.replace("CITY", _PARIS), tools=_TOOLS),
        fails=Answer(_FUNCTION_CALL.replace("CITY", "{}"), tools=_TOOLS),
    ),
    AssertionKind(
        "tool-call-f1", "tools",
        "The model calls these tools and no others (F1 of precision and recall; neither order nor repeats "
        "matter).",
        "lines", _tool_call_f1, _f1_problem, "get_weather\nget_time", ["get_weather"],
        usual_threshold=USUAL_F1,
        passes=Answer(_CALL.replace("CITY", "{}")), fails=Answer("It is sunny in Paris."),
    ),
)  # fmt: skip
