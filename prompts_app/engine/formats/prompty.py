"""Prompty (``.prompty``), versions 1 and 2: front matter, then messages under ``system:`` or ``user:``."""

import re

from prompts_app.engine.formats import front_matter, templates
from prompts_app.engine.formats.front_matter import FrontMatter, as_text, as_value
from prompts_app.engine.formats.parts import divided, messages_of, of_template_file, parameters_in
from prompts_app.engine.formats.reading import as_object
from prompts_app.engine.formats.source import Format, SourceFile
from prompts_app.engine.formats.types import Parsed, Problem
from prompts_app.engine.types import Json, Message, Variable

_BOUNDARY = re.compile(
    r"[ \t]*#?[ \t]*(system|developer|user|assistant|function|tool)[ \t]*(\[[^\]\n]*\])?:[ \t]*", re.I
)
_FIELDS = {"name", "description", "tags", "model", "inputs", "inputSchema", "sample", "template", "metadata"}
# Where and with which key it was called: this is never read, so that no key is ever kept.
_CONNECTION = {"api", "apiType", "configuration", "connection", "provider", "parameters", "options", "id"}

# What an input is said to be, where it is more than a value to stand in.
_OF_INPUT = {
    "default", "description", "enum", "enumValues", "kind", "properties", "required", "sample",
    "strict", "type",
}  # fmt: skip


def recognises(source: SourceFile) -> bool:
    return source.extension == "prompty"


def read(source: SourceFile) -> Parsed:
    front, where = front_matter.split(source.text, front_matter.TEMPLATE_COMMENT), source.place
    variables = tuple(_variables(front))
    given = {variable.name for variable in variables}
    messages, problems = _messages(templates.with_dollars(templates.plain_raw(front.body), given), where)
    settings, lost = _settings(front, where)
    meta = FrontMatter(front.mapping("metadata"))
    return of_template_file(
        source, "prompty file", front, messages, variables, settings,
        [*problems, *lost, *_further(front, where)],
        tags=(*front.words("tags"), *meta.words("tags")), written_for=_model(front),
    )  # fmt: skip


def _messages(body: str, where: str) -> tuple[tuple[Message, ...], list[Problem]]:
    """Text before the first role is the system's, as prompty itself reads it."""
    sections = divided(templates.two_braces(body), _BOUNDARY, "system")
    attributes = [section.heading[2] for section in sections if section.heading and section.heading[2]]
    messages, problems = messages_of(((section.role, section.text) for section in sections), where)
    return messages, [Problem(f"the attributes “{one}” of a role", where) for one in attributes] + problems


def _settings(front: FrontMatter, where: str) -> tuple[dict[str, Json], list[Problem]]:
    given = front.mapping("model", "parameters") | front.mapping("model", "options")
    kept, problems = parameters_in(given, where)
    others = [f"model.{key}" for key in front.mapping("model") if key not in _CONNECTION]
    return kept, problems + [Problem(f"the field “{name}”", where) for name in others]


def _further(front: FrontMatter, where: str) -> list[Problem]:
    """Fields with no place here; the connection is named too, because it is left out on purpose."""
    model = front.mapping("model")
    names = [key for key in front.fields if key not in _FIELDS]
    names += [f"metadata.{key}" for key in front.mapping("metadata") if key != "tags"]
    names += [f"model.{key}" for key in ("configuration", "connection") if model.get(key)]
    if any(model.get(key) not in (None, "", "chat", "completion") for key in ("api", "apiType")):
        names.append("model.api")
    if isinstance(front.fields.get("sample"), str):  # the name of another file
        names.append("sample")
    lost = [f"the field “{name}”" for name in names]
    for name, value in _inputs(front).items():
        if as_object(value).get("kind") == "thread":
            lost.append(f"that the input “{name}” is a whole conversation")
    return [Problem(what, where) for what in lost]


def _model(front: FrontMatter) -> str:
    model = FrontMatter(front.mapping("model") | front.mapping("model", "configuration"))
    return model.text("id", "model", "azure_deployment", "name") or front.text("model")


def _variables(front: FrontMatter) -> list[Variable]:
    """Inputs in any of the shapes there have been, with the sample as what stands in for a missing value."""
    sample, inputs = front.mapping("sample"), _inputs(front)
    variables = [_variable(name, value, sample.get(name)) for name, value in inputs.items()]
    return variables + [
        Variable(name, as_value(value)) for name, value in sample.items() if name not in inputs
    ]


def _inputs(front: FrontMatter) -> dict[str, Json]:
    found = front.fields.get("inputs") or front.mapping("inputSchema").get("properties")
    if isinstance(found, list):
        named = [item for item in map(as_object, found) if item.get("name")]
        return {as_text(item["name"]): {**item, "kind": item.get("kind")} for item in named}
    return as_object(found)


def _variable(name: str, value: Json, sample: Json) -> Variable:
    about = as_object(value)
    if not about.keys() & _OF_INPUT:
        return Variable(name, as_value(value))
    default = next((about[key] for key in ("default", "sample") if about.get(key) is not None), sample)
    return Variable(name, as_value(default), as_text(about.get("description")))


FORMAT = Format("prompty", "Prompty files (.prompty)", recognises, read)
