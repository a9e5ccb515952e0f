"""The tools a version tells a model of: what is wrong with them as typed, and their list for readers."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prompts_app.engine.assertions.tools import tools_among
from prompts_app.engine.schema_rules import schema_problem
from prompts_app.engine.types import Json

MOST_TOOLS = 128  # OpenAI takes no more
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_EXAMPLE = '{"type": "function", "function": {"name": …, "parameters": …}}'


@dataclass(frozen=True, slots=True)
class ToolArgument:
    """A property of a tool's parameters. ``type`` is in the schema's own words, "" where it says none."""

    name: str
    type: str
    description: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool a model is told of. ``schema`` is that of its arguments as it stands, ``None`` for none."""

    name: str
    description: str
    arguments: tuple[ToolArgument, ...]
    schema: Json = None


# --- reading them for a page ------------------------------------------------------------------------------


def tools_in(parameters: Mapping[str, Json]) -> list[Tool]:
    """Of a version's parameters, whatever stands there."""
    tools = tools_among(parameters)
    return [_tool(one) for one in tools if isinstance(one, dict)] if isinstance(tools, list) else []


def _tool(value: dict[str, Json]) -> Tool:
    function = value["function"] if isinstance(value.get("function"), dict) else value
    schema = function.get("parameters")
    name = _text(function.get("name")) or _text(value.get("type")) or "(without a name)"
    return Tool(name, _text(function.get("description")), tuple(_arguments(schema)), schema)


def _arguments(schema: Json) -> Iterator[ToolArgument]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(schema, dict) or not isinstance(properties, dict):
        return
    required = schema.get("required")
    needed = required if isinstance(required, list) else []
    for name, about in properties.items():
        known = about if isinstance(about, dict) else {}
        yield ToolArgument(name, _type_of(known), _text(known.get("description")), name in needed)


def _type_of(about: dict[str, Json]) -> str:
    if isinstance(about.get("enum"), list):
        return " | ".join(map(str, about["enum"]))
    types = about.get("type")
    return " | ".join(map(str, types)) if isinstance(types, list) else _text(types)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""


# --- what is wrong with them ------------------------------------------------------------------------------


def tools_problem(tools: list[Json]) -> str | None:
    """The first thing wrong, as a sentence that names the tool; ``None`` where they can be sent.

    Kinds other than "function" are the provider's own, and sent as they are.
    """
    if len(tools) > MOST_TOOLS:
        return f"These are {len(tools)} tools; a model is told of {MOST_TOOLS} at most."
    names = set[str]()
    for number, tool in enumerate(tools, 1):
        if problem := _problem_of(tool):
            return f"Tool {number}: {problem}"
        name = tool["function"]["name"] if tool["type"] == "function" else ""
        if name in names:
            return f"Tool {number}: there is another tool named “{name}”."
        names |= {name} - {""}
    return None


def _problem_of(tool: Json) -> str | None:
    if not isinstance(tool, dict):
        return f"it must be an object such as {_EXAMPLE}."
    if not _text(tool.get("type")):
        return "it says no “type”; that of a function is “function”."
    return _problem_of_function(tool.get("function")) if tool["type"] == "function" else None


def _problem_of_function(function: Json) -> str | None:
    if not isinstance(function, dict):
        return f"its name, description and parameters belong into “function”: {_EXAMPLE}."
    name = function.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return "its “name” has letters of a to z, digits, _ and - only, and at most 64 of them."
    if not isinstance(function.get("description", ""), str):
        return f"the “description” of “{name}” is a text."
    return _problem_of_parameters(name, function.get("parameters"))


def _problem_of_parameters(name: str, schema: Json) -> str | None:
    if schema is None:
        return None
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return f'the “parameters” of “{name}” are a JSON Schema with "type": "object".'
    problem = schema_problem(schema)
    return f"the “parameters” of “{name}”: {problem}" if problem else None
