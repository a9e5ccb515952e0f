"""Dotprompt (``.prompt``): front matter, then Handlebars text with ``{{role "system"}}`` between messages."""

from __future__ import annotations

import re

from prompts_app.engine.formats import front_matter, parameters, templates, titles
from prompts_app.engine.formats.front_matter import FrontMatter, as_text
from prompts_app.engine.formats.sections import messages_of
from prompts_app.engine.formats.source import Source
from prompts_app.engine.formats.types import (
    Format,
    FormatError,
    ImportedPrompt,
    ImportedVersion,
    Parsed,
    Problem,
)
from prompts_app.engine.types import Message, Prompt, Variable

_ROLE = re.compile(r"""\{\{\s*role\s+["'](\w+)["']\s*\}\}""")
_FIELDS = {"name", "description", "model", "config", "input"}


def recognises(source: Source) -> bool:
    return source.extension == "prompt"


def read(source: Source) -> Parsed:
    front = front_matter.split(source.text)
    where = source.name or "the pasted text"
    messages, problems = _messages(front.body, where)
    if not messages:
        raise FormatError("There are no messages in this file.")
    settings, lost = parameters.sort_out(front.mapping("config"), where)
    problems += lost
    problems += [Problem(f"the field “{key}”", where) for key in front.fields if key not in _FIELDS]
    problems += [Problem(what, where) for message in messages for what in templates.logic(message.content)]
    prompt = ImportedPrompt(
        title=front.text("name")
        or titles.from_file_name(source.stem)
        or titles.from_text(messages[0].content),
        summary=front.text("description"),
        versions=(ImportedVersion(Prompt(messages, _variables(front), settings)),),
        source=f"dotprompt file {source.name}" if source.name else "pasted dotprompt",
        where=where,
        written_for=front.text("model"),
        is_templated=True,
    )
    return Parsed((prompt,), tuple(dict.fromkeys(problems)))


def _messages(body: str, where: str) -> tuple[tuple[Message, ...], list[Problem]]:
    """Text before the first role is the user's."""
    first, *rest = _ROLE.split(body)
    return messages_of([("user", first), *zip(rest[::2], rest[1::2], strict=True)], where)


def _variables(front: FrontMatter) -> tuple[Variable, ...]:
    """``style?: string, how it sounds``: the question mark means optional, the comma begins a description."""
    given = FrontMatter(front.mapping("input"), "")
    defaults, schema = given.mapping("default"), given.mapping("schema")
    described = {_plain(name): as_text(kind).partition(",")[2].strip() for name, kind in schema.items()}
    names = dict.fromkeys([*described, *defaults])
    return tuple(Variable(name, as_text(defaults.get(name)), described.get(name, "")) for name in names)


def _plain(name: str) -> str:
    return re.sub(r"\?$|\(.*\)$", "", name).removesuffix("?")


FORMAT = Format("dotprompt", "Dotprompt files (.prompt)", recognises, read, ("prompt",))
