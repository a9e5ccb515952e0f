"""Which tools a model called on its way to the output, in which order and with which arguments.

Names and meaning are promptfoo's, whose trajectories are traces; here a step is a call of a tool, answered
from the case's canned results or the last of the case.
"""

import fnmatch
import re
from collections.abc import Sequence
from contextlib import suppress

from prompts_app.engine.assertions.json_ import first_error, schema_of, validator_for
from prompts_app.engine.assertions.kinds import AssertionKind, Finding, fact
from prompts_app.engine.assertions.values import as_text, listed, quote, quote_all
from prompts_app.engine.errors import CannotTell, TooMuch
from prompts_app.engine.tool_steps import arguments_of, holds
from prompts_app.engine.tool_types import ToolCall
from prompts_app.engine.types import Answer, Assertion, Json

MOST_QUOTED = 200  # characters of arguments in a reason
_NOT_KNOWN = "It is not known which tools were called before this output."
_NOTHING: Json = object()  # no arguments were given at all


def _calls(answer: Answer) -> tuple[ToolCall, ...]:
    """Raises ``CannotTell`` where nothing is known of them, as of a pasted output."""
    if answer.calls is None:
        raise CannotTell(_NOT_KNOWN)
    return answer.calls


def _arguments(call: ToolCall) -> Json:
    """As JSON, or as the text they are where they are no JSON. Raises ``CannotTell``."""
    text = call.arguments
    if text is None or (isinstance(text, str) and not text.strip()):
        return _NOTHING
    try:
        return arguments_of(call)
    except TooMuch as why:
        raise CannotTell(f"The arguments of a call were not read. {why}") from None
    except ValueError:
        return text.strip() if isinstance(text, str) else text


# --- matchers: a name, in which * and ? stand for others ---------------------------------------------------


def _wanted(matcher: Json) -> str:
    """The pattern of a matcher, which is a text or an object; "" for none."""
    if isinstance(matcher, dict):
        matcher = matcher.get("pattern") or matcher.get("name")
    return matcher if isinstance(matcher, str) else ""


def _is_tool(matcher: Json) -> bool:
    """Whether it looks for tools: promptfoo's traces have other steps, too."""
    types = matcher.get("type") if isinstance(matcher, dict) else None
    return not types or "tool" in listed(types)


def _matches(name: Json, matcher: Json) -> bool:
    if not isinstance(name, str) or not _is_tool(matcher):
        return False
    pattern = _wanted(matcher)
    return not pattern or _glob(name, pattern)


def _glob(name: str, pattern: str) -> bool:
    """``*`` stands for any characters and ``?`` for one; capitals do not matter. Linear in time."""
    return re.match(fnmatch.translate(pattern.replace("[", "[[]")), name, re.IGNORECASE) is not None


def _one_a_line(names: Sequence[str]) -> str | None:
    """No tool has a comma in its name: with “must not”, such a check would hold whatever is called."""
    return "Write one name a line, without commas." if any("," in name for name in names) else None


def _bounds(value: dict[str, Json]) -> tuple[float | None, float | None]:
    least, most = value.get("min"), value.get("max")
    return (least if _is_number(least) else None), (most if _is_number(most) else None)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _bounds_problem(value: dict[str, Json]) -> str | None:
    given = [value[name] for name in ("min", "max") if value.get(name) is not None]
    return None if all(map(_is_number, given)) else "“min” and “max” are numbers."


def _called(answer: Answer) -> str:
    """The calls in words, for a reason."""
    names = [as_text(call.name) for call in _calls(answer)]
    return f"Calls {quote_all(names)}" if names else "Calls no tool"


# --- trajectory:tool-used, trajectory:step-count ------------------------------------------------------------


def _tool_used(assertion: Assertion, answer: Answer) -> Finding:
    names = [call.name for call in _calls(answer)]
    if isinstance(assertion.value, dict):
        least, most = _bounds(assertion.value)
        return _counted(answer, assertion.value, 1 if least is None else least, most)
    wanted = listed(assertion.value)
    found = [one for one in wanted if any(_matches(name, one) for name in names)]
    missing = [one for one in wanted if one not in found]
    if assertion.type.startswith("not-"):  # none of them, and not merely not all
        said = f"{_called(answer)}; of {quote_all(wanted)}: {quote_all(found) if found else 'none'}."
        return fact(bool(found), said)
    return fact(not missing, f"{_called(answer)}.", f"{_called(answer)}; not {quote_all(missing)}.")


def _counted(answer: Answer, matcher: dict[str, Json], least: float | None, most: float | None) -> Finding:
    count = sum(_matches(call.name, matcher) for call in _calls(answer))
    of = f" of {quote(_wanted(matcher))}" if _wanted(matcher) else ""
    bounds = {"at least": least, "at most": most}
    wanted = ", ".join(f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None)
    said = f"{count} call{'' if count == 1 else 's'}{of}; wanted: {wanted}. {_called(answer)}."
    return fact((least is None or count >= least) and (most is None or count <= most), said)


def _tool_used_problem(assertion: Assertion) -> str | None:
    value = assertion.value
    if isinstance(value, dict):
        return _bounds_problem(value) if _wanted(value) else "Give the object a “name” or a “pattern”."
    if value and all(isinstance(one, str) and one.strip() for one in listed(value)):
        return _one_a_line(listed(value))
    return "Enter the names of tools, one a line, or an object with a “name”, and “min” or “max”."


def _step_count(assertion: Assertion, answer: Answer) -> Finding:
    return _counted(answer, assertion.value, *_bounds(assertion.value))


def _step_count_problem(assertion: Assertion) -> str | None:
    value = assertion.value
    if not isinstance(value, dict) or value.keys().isdisjoint(("min", "max")):
        return "Enter an object with “min” or “max”, such as {“max”: 3}."
    if _bounds(value) == (None, None):
        return "“min” and “max” are numbers."
    return _bounds_problem(value)


# --- trajectory:tool-sequence -------------------------------------------------------------------------------


def _steps(value: Json) -> list[Json]:
    return listed(value.get("steps") or []) if isinstance(value, dict) else listed(value)


def _tool_sequence(assertion: Assertion, answer: Answer) -> Finding:
    wanted, names = _steps(assertion.value), [call.name for call in _calls(answer)]
    if isinstance(assertion.value, dict) and assertion.value.get("mode") == "exact":
        holding = len(names) == len(wanted) and all(map(_matches, names, wanted))
        how = "exactly "
    else:
        holding, how = _in_order(names, wanted), ""
    said = f"{_called(answer)}; wanted in order: {how}{quote_all(list(map(_wanted, wanted)))}."
    return fact(holding, said)


def _in_order(names: Sequence[Json], wanted: Sequence[Json]) -> bool:
    """Each takes the first call after the one before it."""
    left = iter(names)
    return all(any(_matches(name, one) for name in left) for one in wanted)


def _sequence_problem(assertion: Assertion) -> str | None:
    value = assertion.value
    if isinstance(value, dict) and value.get("mode") not in (None, "", "in_order", "exact"):
        return "The “mode” is in_order or exact."
    if isinstance(value, dict) and not isinstance(value.get("steps"), list):
        return "Give the object its “steps”, a list of names."
    steps = _steps(value)
    if not steps or not all(map(_wanted, steps)):
        return "Enter the names of the tools in their order, one a line."
    return _one_a_line(list(map(_wanted, steps)))


# --- trajectory:tool-args-match, tool-args-schema -----------------------------------------------------------


def _args_match(assertion: Assertion, answer: Answer) -> Finding:
    """Whether some call of the tool has these arguments."""
    value = assertion.value
    calls = [call for call in _calls(answer) if _matches(call.name, value)]
    if not calls:
        return _not_called(answer, value)
    given = [one for one in map(_arguments, calls) if one is not _NOTHING]
    holding = any(_has_args(one, value) for one in given)
    seen = "; ".join(_shown(call) for call in calls[:3])
    return fact(holding, f"Calls {quote(_wanted(value))} with {seen}.")


def _not_called(answer: Answer, value: Json) -> Finding:
    return fact(False, "", f"{_called(answer)}, and not {quote(_wanted(value))}.")


def _same(one: Json, other: Json) -> bool:
    """Whether two JSON values are equal: each has everything the other has."""
    return holds(one, other) and holds(other, one)


def _has_args(given: Json, value: dict[str, Json]) -> bool:
    ignore = [one for one in listed(value.get("ignore") or []) if isinstance(one, str)]
    wanted = _without(value["args"] if "args" in value else value["arguments"], ignore)
    given, usual = _without(given, ignore), value.get("defaults") or {}
    if isinstance(given, dict):
        given = {name: one for name, one in given.items() if not (name in usual and _same(one, usual[name]))}
    return _same(given, wanted) if value.get("mode") == "exact" else holds(given, wanted)


def _without(arguments: Json, ignore: Sequence[str]) -> Json:
    """Without the members that are named, or matched where a name has * or ? in it."""
    if not isinstance(arguments, dict):
        return arguments
    return {
        name: value
        for name, value in arguments.items()
        if not any(one == name or (re.search("[*?]", one) and _glob(name, one)) for one in ignore)
    }


def _shown(call: ToolCall) -> str:
    text = as_text(call.arguments) if call.arguments is not None else ""
    is_json = True
    with suppress(CannotTell):
        given = _arguments(call)
        is_json = given is _NOTHING or not isinstance(given, str)
    return quote(text, MOST_QUOTED) + ("" if is_json else " (not valid JSON)")


def _args_problem(assertion: Assertion) -> str | None:
    value = assertion.value
    if not isinstance(value, dict) or not _wanted(value):
        return "Enter an object with the “name” of a tool and its “args”."
    if value.get("args", value.get("arguments", _NOTHING)) is _NOTHING:
        return "Give the object “args”: the arguments the tool has to be called with."
    if value.get("mode", "partial") not in ("partial", "exact"):
        return "The “mode” is partial or exact."
    if "defaults" in value and not isinstance(value["defaults"], dict):
        return "“defaults” is an object of arguments and their usual values."
    if "ignore" in value and not all(isinstance(one, str) and one.strip() for one in listed(value["ignore"])):
        return "“ignore” is a name of an argument, or a list of them."
    return None


def _args_schema(assertion: Assertion, answer: Answer) -> Finding:
    """Whether the tool is called, each time with arguments that conform."""
    value = assertion.value
    calls = [call for call in _calls(answer) if _matches(call.name, value)]
    if not calls:
        return _not_called(answer, value)
    schema = schema_of(value["schema"])
    for call in calls:
        if why := _misfit(call, schema):
            return fact(False, "", f"Calls {quote(_wanted(value))} with {_shown(call)}: {why}.")
    return fact(True, f"Calls {quote(_wanted(value))} with {'; '.join(map(_shown, calls[:3]))}.")


def _misfit(call: ToolCall, schema: Json) -> str:
    """Why a call's arguments do not conform; "" where they do. Raises ``CannotTell``."""
    given = _arguments(call)
    if not isinstance(given, dict):
        return "they are no JSON object"
    try:
        error = first_error(schema, given)
    except (ValueError, RecursionError) as why:
        raise CannotTell(f"The arguments could not be held to the schema: {why}.") from None
    return "" if error is None else error.message[:200]


def _schema_problem(assertion: Assertion) -> str | None:
    value = assertion.value
    if not isinstance(value, dict) or not _wanted(value) or not isinstance(value.get("schema"), dict | bool):
        return "Enter an object with the “name” of a tool and the JSON “schema” of its arguments."
    validator_for(schema_of(value["schema"]))
    return None


_ONE = (ToolCall("get_weather", '{"city": "Paris", "days": 3}'),)
_TWO = (ToolCall("find_city", "{}"), *_ONE)
_SUNNY = "It is sunny in Paris."
_ARGS = {"name": "get_weather", "args": {"city": "Paris"}}
_SCHEMA = {"name": "get_weather", "schema": {"type": "object", "required": ["city"]}}

KINDS = (
    AssertionKind(
        "trajectory:tool-used", "tools",
        "The model calls these tools on its way to the output; with “must not”, none of them. As an object "
        "with a name, and min or max: so many times.", "tools", _tool_used, _tool_used_problem,
        ["get_weather"], placeholder="get_weather\nget_time",
        passes=Answer(_SUNNY, calls=_ONE), fails=Answer(_SUNNY, calls=()),
    ),
    AssertionKind(
        "trajectory:tool-sequence", "tools",
        "The model calls these tools in this order, whatever it calls between them; as an object with mode: "
        "exact, these and no others.", "tools", _tool_sequence, _sequence_problem,
        ["find_city", "get_weather"], placeholder="find_city\nget_weather",
        passes=Answer(_SUNNY, calls=_TWO), fails=Answer(_SUNNY, calls=_ONE),
    ),
    AssertionKind(
        "trajectory:tool-args-match", "tools",
        "The model calls the tool at least once with these arguments; others may stand beside them, but with "
        "mode: exact.", "object", _args_match, _args_problem, _ARGS,
        placeholder='{"name": "get_weather", "args": {"city": "Paris"}}',
        passes=Answer(_SUNNY, calls=_ONE), fails=Answer(_SUNNY, calls=(ToolCall("get_weather", "{}"),)),
    ),
    AssertionKind(
        "trajectory:step-count", "tools",
        "The model calls tools so many times, of any name or of those that fit a pattern.", "object",
        _step_count, _step_count_problem, {"max": 1}, placeholder='{"min": 1, "max": 3}',
        passes=Answer(_SUNNY, calls=_ONE), fails=Answer(_SUNNY, calls=_TWO),
    ),
    AssertionKind(
        "tool-args-schema", "tools",
        "The model calls the tool, each time with arguments that conform to the JSON Schema.", "object",
        _args_schema, _schema_problem, _SCHEMA,
        placeholder='{"name": "get_weather", "schema": {"type": "object", "required": ["city"]}}',
        passes=Answer(_SUNNY, calls=_ONE), fails=Answer(_SUNNY, calls=(ToolCall("get_weather", "{}"),)),
    ),
)  # fmt: skip
