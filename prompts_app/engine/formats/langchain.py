"""LangChain's prompt JSON, as its hub serves it: objects with ``lc``, ``id`` and ``kwargs``."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from string import Formatter

from prompts_app.engine.errors import FormatError
from prompts_app.engine.formats import templates
from prompts_app.engine.formats.front_matter import FrontMatter, as_text, as_value
from prompts_app.engine.formats.parts import one_version, role_of
from prompts_app.engine.formats.reading import as_object
from prompts_app.engine.formats.source import Format, SourceFile
from prompts_app.engine.formats.types import Parsed, Problem
from prompts_app.engine.render import as_literal
from prompts_app.engine.response_format import PARAMETER, asking_for
from prompts_app.engine.types import Json, Message, PromptContent, Variable

# Those of a prompt that say what it is; what they repeat of its text is read from the text.
_FIELDS = {
    "input_types", "input_variables", "messages", "metadata", "name", "optional_variables",
    "partial_variables", "prompt", "template", "template_format", "validate_template",
}  # fmt: skip
SCHEMA = "schema_"
_NAME = re.compile(r"[^\W\d]\w*(?:\.\w+)*")


@dataclass(slots=True)
class _Reading:
    """What was found so far in one file."""

    where: str
    problems: list[Problem] = field(default_factory=list)
    defaults: dict[str, str] = field(default_factory=dict)

    def keep_defaults(self, kwargs: dict[str, Json]) -> None:
        """What a template itself gives some of its variables."""
        partial = as_object(kwargs.get("partial_variables"))
        self.defaults.update({name: as_value(value) for name, value in partial.items()})

    def note(self, what: str) -> None:
        self.problems.append(Problem(what, self.where))


def recognises(source: SourceFile) -> bool:
    value = _as_object(source.json)
    return _is_object(value) and "langchain" in _path(value)[:1][0]


def _as_object(value: Json) -> Json:
    """The older form, ``{"_type": "prompt", "template": …}``, as the newer one."""
    if isinstance(value, dict) and value.get("_type") == "prompt" and isinstance(value.get("template"), str):
        kwargs = {key: item for key, item in value.items() if key != "_type"}
        return {"lc": 1, "id": ["langchain", "prompts", "prompt", "PromptTemplate"], "kwargs": kwargs}
    return value


def _is_object(value: Json) -> bool:
    return "lc" in as_object(value) and bool(_path(value)) and isinstance(value.get("kwargs"), dict)


def _path(value: Json) -> list[str]:
    path = value.get("id")
    return path if isinstance(path, list) and all(isinstance(part, str) for part in path) else []


def read(source: SourceFile) -> Parsed:
    value = _as_object(source.must_be_json())
    if not _is_object(value):
        raise FormatError("This is no LangChain prompt: it needs “lc”, “id” and “kwargs”.")
    reading = _Reading(source.place)
    template = _prompt_of(value, reading)
    messages = tuple(_messages(template, reading))
    if not messages:
        raise FormatError("There are no messages in this LangChain prompt that can be read.")
    meta = FrontMatter(as_object(template["kwargs"].get("metadata")))
    variables = tuple(Variable(name, default) for name, default in reading.defaults.items())
    schema = template["kwargs"].get(SCHEMA)  # of a StructuredPrompt
    settings = {PARAMETER: asking_for(schema)} if isinstance(schema, dict) else {}
    prompt = one_version(
        source, "LangChain file", PromptContent(messages, variables, settings),
        title=meta.text("lc_hub_repo"), where=source.place, is_templated=True,
    )  # fmt: skip
    return Parsed((replace(prompt, source="LangChain hub"),), tuple(dict.fromkeys(reading.problems)))


def _prompt_of(value: dict[str, Json], reading: _Reading) -> dict[str, Json]:
    """The prompt itself, or the first step of a chain that is one."""
    if _path(value)[-1] != "RunnableSequence":
        return value
    kwargs = value["kwargs"]
    middle = kwargs.get("middle")
    steps = [kwargs.get("first"), *(middle if isinstance(middle, list) else []), kwargs.get("last")]
    prompts = [
        number
        for number, step in enumerate(steps)
        if _is_object(step) and step["kwargs"].keys() & {"messages", "template"}
    ]
    if not prompts:
        raise FormatError("There is no prompt in the chain in this file.")
    if any(steps[: prompts[0]]):
        reading.note("the steps of the chain before the prompt")
    if any(steps[prompts[0] + 1 :]):
        reading.note("the steps of the chain after the prompt")
    return dict(steps[prompts[0]])


def _messages(template: dict[str, Json], reading: _Reading) -> Iterator[Message]:
    kwargs = template["kwargs"]
    for key, value in kwargs.items():
        if key not in {*_FIELDS, SCHEMA} and value not in (None, "", [], {}, False):
            reading.note(f"the field “{key}”")
    reading.keep_defaults(kwargs)
    if "messages" not in kwargs:
        if text := _text(template, reading):
            yield Message("user", text)
        return
    for item in kwargs["messages"] if isinstance(kwargs["messages"], list) else []:
        if message := _message(item, reading):
            yield message


def _message(item: Json, reading: _Reading) -> Message | None:
    if not _is_object(item):
        reading.note("a message in an unknown shape")
        return None
    kind, kwargs = _path(item)[-1], item["kwargs"]
    named = re.sub(r"Message(?:PromptTemplate)?(?:Chunk)?$", "", kind)
    role = role_of(named) or role_of(as_text(kwargs.get("role")))
    if role is None:
        reading.note(f"a {kind}")
        return None
    if "prompt" in kwargs:
        text = _joined(kwargs["prompt"], reading)
    else:
        text = as_literal(_said(kwargs.get("content"), reading))
    return Message(role, text) if text else None


def _said(content: Json, reading: _Reading) -> str:
    """A fixed message: its braces are text, and have none of them double."""
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    said = [text for text in texts if isinstance(text, str)]
    if len(said) < len(texts):
        reading.note("a part of a message that is not text")
    return "\n".join(said)


def _joined(prompts: Json, reading: _Reading) -> str:
    items = prompts if isinstance(prompts, list) else [prompts]
    known = [item for item in items if _is_object(item)]
    if len(known) < len(items):
        reading.note("a part of a message in an unknown shape")
    return "\n".join(text for item in known if (text := _text(item, reading)))


def _text(template: dict[str, Json], reading: _Reading) -> str:
    """A template's text with its variables as ours."""
    kwargs = template["kwargs"]
    reading.keep_defaults(kwargs)
    text, style = kwargs.get("template"), kwargs.get("template_format", "f-string")
    if not isinstance(text, str):
        reading.note(f"a {_path(template)[-1]}")
        return ""
    if style == "f-string":
        return _from_format_string(text, reading)
    text = templates.two_braces(text)
    reading.problems += [Problem(what, reading.where) for what in templates.logic(text)]
    return text


def _from_format_string(text: str, reading: _Reading) -> str:
    """``{name}`` → ``{{name}}``, and doubled braces → single ones."""
    try:
        pieces = list(Formatter().parse(text))
    except ValueError:
        reading.note("a template whose braces do not match")
        return text
    done: list[str] = []
    plain = ""
    for literal, name, spec, conversion in pieces:
        plain += literal
        if name is None:  # a doubled brace ends a piece too
            continue
        if spec or conversion or not _NAME.fullmatch(name):
            reading.note(f"the format of the variable “{name}”")
        done += [as_literal(plain), f"{{{{{name}}}}}"]
        plain = ""
    return "".join([*done, as_literal(plain)])


FORMAT = Format("langchain", "LangChain hub JSON", recognises, read)
