"""Dotprompt (``.prompt``): front matter, then Handlebars text with ``{{role "system"}}`` between messages."""

import re

from prompts_app.engine.formats import front_matter, templates
from prompts_app.engine.formats.front_matter import FrontMatter, as_text, as_value
from prompts_app.engine.formats.parts import messages_of, of_template_file, parameters_in
from prompts_app.engine.formats.picoschema import as_json_schema
from prompts_app.engine.formats.reading import as_object
from prompts_app.engine.formats.source import Format, SourceFile
from prompts_app.engine.formats.types import Parsed, Problem
from prompts_app.engine.response_format import PARAMETER, asking_for
from prompts_app.engine.types import Json, Message, Variable

_ROLE = re.compile(r"""\{\{\s*role\s+["'](\w+)["']\s*\}\}""")
_HISTORY = re.compile(r"\{\{\s*history\s*\}\}")
# "size?(enum, how big)": optional, of a kind, with a description. "(*)" means any further name.
_NAME = re.compile(r"([^\W\d]\w*)\??\s*(?:\(\s*\w+\s*(?:,([^)]*))?\))?")
_OF_INPUT = {"schema", "default"}
_FIELDS = {"name", "description", "model", "config", "input", "output"}


def recognises(source: SourceFile) -> bool:
    return source.extension == "prompt"


def read(source: SourceFile) -> Parsed:
    front, where = front_matter.split(source.text, front_matter.TEMPLATE_COMMENT), source.place
    variables = _variables(front)
    given = {variable.name for variable in variables}
    messages, problems = _messages(templates.with_dollars(front.body, given), where)
    settings, lost = parameters_in(front.mapping("config"), where)
    asked, why = _asked_for(front.mapping("output"))
    settings = asked | settings
    unsaid = [Problem(what, where) for what in why] + [Problem(what, where) for what in _unsaid(front)]
    return of_template_file(
        source, "dotprompt file", front, messages, variables, settings, [*problems, *lost, *unsaid],
        written_for=front.text("model"),
    )  # fmt: skip


def _messages(body: str, where: str) -> tuple[tuple[Message, ...], list[Problem]]:
    """Text before the first role is the user's."""
    first, *rest = _ROLE.split(templates.two_braces(templates.from_handlebars(body)))
    return messages_of([("user", first), *zip(rest[::2], rest[1::2], strict=True)], where)


def _asked_for(output: dict[str, Json]) -> tuple[dict[str, Json], list[str]]:
    """The parameter that asks for the output the head describes, and what of that is not carried."""
    lost = [f"the field “output.{key}”" for key in output if key not in ("format", "schema")]
    if (schema := output.get("schema")) is not None:
        try:
            return {PARAMETER: asking_for(as_json_schema(schema))}, lost
        except ValueError:
            lost.append(
                f"the schema “{as_text(schema)[:80]}” of the output, which is kept elsewhere or unreadable"
            )
    return ({PARAMETER: {"type": "json_object"}} if output.get("format") == "json" else {}), lost


def _unsaid(front: FrontMatter) -> list[str]:
    """What of the head is not carried, and names that only Dotprompt itself gives a value."""
    schema = front.mapping("input").get("schema")
    named = [f"the schema “{schema}”, which is kept elsewhere"] if isinstance(schema, str) else []
    return [
        *(f"the field “{key}”" for key in front.fields if key not in _FIELDS),
        *(f"the field “input.{key}”" for key in front.mapping("input") if key not in _OF_INPUT),
        *named,
        *(["the messages so far ({{history}})"] if _HISTORY.search(front.body) else []),
    ]


def _variables(front: FrontMatter) -> tuple[Variable, ...]:
    """``style?: string, how it sounds``: the question mark means optional, the comma begins a description."""
    described, defaults = _described(front.mapping("input", "schema"))
    defaults |= front.mapping("input", "default")
    names = dict.fromkeys([*described, *defaults])
    return tuple(Variable(name, as_value(defaults.get(name)), described.get(name, "")) for name in names)


def _described(schema: dict[str, Json]) -> tuple[dict[str, str], dict[str, Json]]:
    """Descriptions and defaults by name. A schema is Dotprompt's own short one, or a JSON Schema with
    “properties”."""
    if isinstance(schema.get("properties"), dict):
        properties = {name: as_object(about) for name, about in schema["properties"].items()}
        described = {name: as_text(about.get("description")) for name, about in properties.items()}
        return described, {name: one["default"] for name, one in properties.items() if "default" in one}
    found = {}
    for key, kind in schema.items():
        if match := _NAME.fullmatch(key):
            found[match[1]] = (match[2] or as_text(kind).partition(",")[2]).strip()
    return found, {}


FORMAT = Format("dotprompt", "Dotprompt files (.prompt)", recognises, read)
